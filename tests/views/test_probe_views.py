"""What probes found, in the terminal and in print."""

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from attnmetrics import plot
from attnmetrics.errors import ConfigError
from attnmetrics.results.probes import Found, Tried, probe_dataset
from attnmetrics.results.tables import save_tables
from attnmetrics.storage import locate
from attnmetrics.views.terminal.probes import show_probes

LAYERS, HEADS, WIDTH = (0, 2), 3, 4


def found() -> xr.Dataset:
    """Two relations and punctuation: 4, 4 and 2 words, of which 3, 1 and 2 have the head that attention says."""
    random = np.random.default_rng(0)
    words = np.array([4.0, 2.0, 4.0])
    counts = {"words": words, "sentences": 2, "roots": 2, "without_head": 1, "without_piece": 3, "without_vector": 0}
    weights = random.normal(size=(2, len(LAYERS) * HEADS, 2))
    of_words = random.normal(size=(2, len(LAYERS) * HEADS, 2 + 2 * WIDTH))
    weights[1, 5, 0] = 9  # the dependent attends, layer 2 head 2
    attention = Tried(np.array([3.0, 2.0, 1.0]), 1, 0.5, 7, True, weights)
    return probe_dataset(Found(
        layers=LAYERS, heads=HEADS, special=["first"], directions=("candidate_to_dependent", "dependent_to_candidate"),
        relations=("obj", "punct", "root"), best_offset=-1, train=counts, test=counts,
        tried={"right_branching": [Tried(np.array([2.0, 2.0, 0.0]), 0.0)], "attention": [attention],
               "attention_clark": [Tried(np.array([3.0, 0.0, 0.0]), 0.0, converged=False)],
               "attention_random": [Tried(np.array([share, 0.0, 0.0]), 0.0) for share in (1.0, 2.0)],
               "attention_and_words": [Tried(np.array([4.0, 0.0, 4.0]), 2, 0.1, 9, True, of_words)]},
        controls={"attention": Tried(np.array([1.0, 0.0, 1.0]), 0.0)},
        about={"model": "a", "treebank": "b", "test": "c", "word_vectors": "d"},
    ))  # fmt: skip


def test_numbers_are_those_worked_out_by_hand() -> None:
    data = found()
    uas = dict(zip(data["probe"].values.tolist(), data["uas"].values.tolist(), strict=True))
    expected = {"right_branching": 2 / 8, "attention_random": 1.5 / 8, "attention": 4 / 8, "attention_and_words": 1}
    assert uas == {**expected, "attention_clark": 3 / 8}
    published = data["uas_published"].sel(probe=["attention", "attention_clark"])
    assert (published == 0.61).all(), "the paper's own training is what was published"
    at = data.sel(probe="attention")
    assert at["uas_by_relation"].values.tolist() == [3 / 4, 1, 1 / 4] and at["uas_published"] == 0.61
    assert (at["root_accuracy"], at["control_accuracy"], at["selectivity"]) == (1 / 2, 2 / 8, 2 / 8)
    assert data["uas_by_seed"].sel(probe="attention_random").values.tolist() == [1 / 8, 2 / 8]
    assert np.isnan(data["uas_by_seed"].sel(probe="attention")).all()
    assert np.isnan(data["selectivity"].sel(probe="right_branching"))
    one = {"layer": 2, "head": 2, "direction": "dependent_to_candidate"}
    assert data["attention_weight"].sel(one) == 9
    assert data["attention_root_weight"].sel(special_piece="first").shape == (2, 3, 2)
    vector = data["attention_and_words_vector_weight"].sel(one)
    norm = np.sqrt(float(data["attention_and_words_weight"].sel(one)) ** 2 + float((vector**2).sum()))
    assert data["attention_and_words_weight_norm"].sel(one) == pytest.approx(norm)


def test_the_terminal_shows_scores_beside_published_ones_and_the_heads_with_most_weight(tmp_path) -> None:
    console = Console(width=160)
    with console.capture() as captured:
        console.print(show_probes(found(), top=2))
    text = captured.get()
    (row,) = (line for line in text.splitlines() if line.startswith("attention  "))
    (of_objects,) = (line for line in text.splitlines() if line.startswith("obj"))
    assert "50%" in row and "61%" in row and "25%" in row and of_objects.split() == ["obj", "4", "50%", "75%", "100%"]
    assert "dependent to candidate: layer 2 head 2 (9" in text
    assert "clark: trained as the paper did, one epoch of Adam, a sentence a step; 2 steps, 36,160 in the paper" in text
    save_tables(found(), locate(tmp_path / "tables"))
    assert "attention,0.5,0.61" in (tmp_path / "tables" / "probe.csv").read_text()


def test_figures_draw_the_scores_and_the_weights(tmp_path) -> None:
    data = found()
    axes = plot.probe_scores(data)
    assert [patch.get_width() for patch in axes.patches] == pytest.approx(data["uas"].values.tolist())
    axes = plot.probe_weights(data)
    np.testing.assert_allclose(axes.collections[0].get_array().ravel(), data["attention_weight"][..., 0].values.ravel())
    names = plot.write_probes(data, locate(tmp_path), ["svg"])
    assert len(names) == 4 and all((tmp_path / name).stat().st_size for name in names)
    with pytest.raises(ConfigError, match="attention_weight"):
        plot.probe_weights(data, "uas")
