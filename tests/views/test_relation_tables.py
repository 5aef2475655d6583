"""Relations and coreference in the terminal, as tables and in print: what a reader sees of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from clark_tables import with_coreference, with_relations
from matplotlib.figure import Figure
from rich.console import Console
from synthetic import dataset, exemplars

from attnmetrics import plot
from attnmetrics.cli import main
from attnmetrics.errors import ConfigError
from attnmetrics.views.figures import layer_dots
from attnmetrics.views.numbers import percent
from attnmetrics.views.relations import Relations
from attnmetrics.views.terminal.relations import show_coreference, show_relation, show_relations

ROW = "from dependent"
"""What the rule `row` is called."""


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return with_coreference(with_relations(dataset(12, 3, causal=False)))


def printed(view: Any, width: int = 80) -> str:
    console = Console(width=width, record=True, file=None, force_terminal=False)
    with console.capture() as capture:
        console.print(view)
    return capture.get()


def row_of(text: str, name: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return line.split()


def test_every_relation_has_a_row_that_fits_a_terminal(data: xr.Dataset) -> None:
    text = printed(show_relations(data))
    best = Relations(data).find("row", "det")
    assert best is not None
    offset = f"{best.offset:+d}".replace("-", "−")
    beside = [percent(best.accuracy), percent(best.held_out), offset, percent(best.baseline)]
    assert row_of(text, "det") == ["det", f"{best.edges:,}", *ROW.split(), f"{best.layer}.{best.head}", *beside]
    assert "…" not in text and "root" not in text
    assert "a wider terminal shows also: nearest of a class" in text
    wide = row_of(printed(show_relations(data), 120), "det")
    assert " ".join(wide[-3:]).endswith(f"{best.nearest.split()[-1]} {percent(best.at_nearest)}")


def test_a_relation_has_its_rules_and_the_sentences_of_its_best_head(data: xr.Dataset) -> None:
    frame = exemplars(data, k=2)
    frame.loc[(frame["layer"] == 3) & (frame["head"] == 1) & (frame["rank"] == 1), "claim"] = "relation:obj:hit"
    text = printed(show_relation(data, frame, "obj"))
    assert "obj is an object of a verb: “The crew took" in text
    for rule, name in (("row", ROW), ("column", "on dependent")):
        best = Relations(data).find(rule, "obj")
        assert best is not None and row_of(text, name)[3:5] == [f"{best.layer}.{best.head}", percent(best.accuracy)]
    assert "published: dobj: 86.8%" in text
    assert "right: layer 3 head 1" in text and "wrong:" not in text
    assert "no sentence is kept for it" in printed(show_relation(data, exemplars(data), "obj"))
    with pytest.raises(
        ConfigError, match="expected a relation with edges in this run, found 'root'; it has punct, obj"
    ):
        show_relation(data, frame, "root")


def test_relations_that_no_head_can_find_are_told(data: xr.Dataset) -> None:
    lost = data.copy(deep=True)
    lost["relation_accuracy"].loc[{"rel": "det"}] = np.nan
    edges = int(data["relation_edges"].sel(rel="det"))
    assert f"the edges of det ({edges:,})" in printed(show_relations(lost), 200)
    assert "attendable" not in printed(show_relations(data), 200)
    with pytest.raises(ConfigError, match=f"found 'det', all of whose {edges:,} edges lack an attendable pair"):
        show_relation(lost, exemplars(data), "det")


def test_coreference_has_a_table_for_each_kind_of_candidates(data: xr.Dataset) -> None:
    text = printed(show_coreference(data, exemplars(data)))
    assert "…" not in text
    pronouns = [line.split() for line in text.splitlines() if line.startswith("pronoun")]
    sieves = float(data["coreference_heuristic"].sel(heuristic="sieves", mention_class="pronoun"))
    assert [len(row) for row in pronouns] == [9, 5]
    assert pronouns[0][1] == "120" and pronouns[0][-2] == percent(sieves)
    with pytest.raises(ConfigError, match="--unit window:128"):
        show_coreference(dataset(2, 2), exemplars(data))
    without = dataset(2, 2).drop_vars("relation_edges")
    with pytest.raises(ConfigError, match="expected a run with relations"):
        show_relations(without)


def test_the_command_shows_them(demo_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["relation"], ["relation", "--rel", "obj"]):
        with pytest.raises(SystemExit, match="0"):
            main(["show", str(demo_run), *arguments])
    assert "Heads that find relations" in (shown := capsys.readouterr().out) and "Heads that find obj" in shown
    with pytest.raises(SystemExit, match="1"):
        main(["show", str(demo_run), "coreference"])
    assert "--unit window:128" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="1"):
        main(["show", str(demo_run), "entropy", "--rel", "obj"])
    assert "relation --rel obj" in capsys.readouterr().err


# ---- print


def test_figures_2_and_4_draw_heads_layers_and_what_was_published(data: xr.Dataset) -> None:
    figure = layer_dots.surface(data)
    special, separators, neighbours = figure.axes[:3]
    for n, label in enumerate(("first", "separator", "punctuation")):
        dots = np.asarray(special.collections[n].get_offsets())
        np.testing.assert_allclose(dots[:, 1], data["special_attention"].sel(special=label).values.ravel())
        line = special.lines[3 * n].get_ydata()
        np.testing.assert_allclose(line, data["special_attention_by_layer"].sel(special=label).values)
    assert list(special.lines[5].get_ydata())[4] == 0.49, "published: dashed, behind the line and even attention"
    assert len(separators.collections) == 2 and len(neighbours.lines) == 6
    shallow = layer_dots.spread(dataset(4, 3))
    assert len(shallow.axes[0].lines) == 2, "the layers, and even attention"


def test_a_panel_goes_into_axes_of_ones_own(data: xr.Dataset) -> None:
    axes = Figure().add_subplot()
    assert plot.layer_profile(data, "entropy_all", ax=axes) is axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), data["entropy_all_by_layer"].values)
    with pytest.raises(ConfigError, match="expected a metric of special_attention"):
        plot.layer_profile(data, "distance", ax=axes)
    with pytest.raises(ConfigError, match="expected a run with entropy_all"):
        plot.layer_profile(data.drop_vars("entropy_all"), "entropy_all", ax=axes)


def test_tables_are_frames(data: xr.Dataset) -> None:
    found = plot.relation_table(data)
    assert {"rel", "rule", "edges", "accuracy", "held_out", "baseline"} <= set(found)
    assert len(found) == 3 * found["rel"].nunique()
    assert len(plot.coreference_table(data)) == 8
    assert len(plot.coreference_table(dataset(2, 2))) == 0
