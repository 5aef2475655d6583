"""Claims of a run: sentences that show what they are asked for, the same however the corpus is cut into shards."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from agreement import WEIGHT
from conftest import demo_config
from gold import corpus, new_schema, read_units
from models import TEXTS, save_model

import attnmetrics
from attnmetrics.measuring.shard import measure
from attnmetrics.metrics.claims import Claims
from attnmetrics.metrics.coreference import CANDIDATES, MENTION_CLASSES
from attnmetrics.metrics.syntax import RULES
from attnmetrics.model.kernels.choose import choose_kernel
from attnmetrics.model.kernels.reductions import want_nothing
from attnmetrics.model.load import load_model
from attnmetrics.model.modules.look import Layer
from attnmetrics.model.pack import TILE_PAIRS, Tile
from attnmetrics.running.driver import run
from attnmetrics.running.measured import find_best
from attnmetrics.running.progress import Reporter
from attnmetrics.statistics.claims import merge_rows
from attnmetrics.statistics.listing import BUCKETS

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture(scope="module")
def frame(demo_run: Path) -> pd.DataFrame:
    return attnmetrics.exemplars(demo_run)


def test_ranks_restart_in_every_claim(frame: pd.DataFrame) -> None:
    of_claims = frame[frame["claim"] != ""]
    for _, rows in of_claims.groupby(["claim", "layer", "head"]):
        assert rows["rank"].tolist() == list(range(1, len(rows) + 1))
        assert rows["weight"].is_monotonic_decreasing
        assert len(rows) <= 3
        assert rows["text"].is_unique
    assert (of_claims["bucket"] == "top").all()
    assert of_claims["claim"].nunique() > 60


def test_neighbours_are_neighbours_and_repeats_repeat(frame: pd.DataFrame) -> None:
    for claim, step in (("previous", -1), ("current", 0)):
        rows = frame[frame["claim"] == claim]
        assert len(rows) == 36 * 3
        assert (rows["j"] - rows["i"] == step).all()
    assert frame[frame["claim"] == "next"].empty  # the model is causal
    for row in frame[frame["claim"] == "repeat"].itertuples():
        assert row.pieces[row.i] == row.pieces[row.j]
        assert row.j < row.i


def test_punctuation_is_punctuation(frame: pd.DataFrame) -> None:
    rows = frame[frame["claim"] == "pos_to:PUNCT"]
    shown = {row.pieces[row.j].lstrip("Ġ") for row in rows.itertuples()}
    assert len(rows) == 36 * 3
    assert not any(any(character.isalnum() for character in piece) for piece in shown)


def test_a_relation_is_shown_by_its_best_head_alone(frame: pd.DataFrame, demo_run: Path) -> None:
    data = attnmetrics.load(demo_run)
    rows = frame[frame["claim"] == "relation:det:hit"]
    accuracy = data["relation_best_accuracy"].sel(rel="det")
    rule = str(accuracy["rule"].values[int(np.nanargmax(accuracy))])
    best = [int(data[f"relation_best_{of}"].sel(rel="det", rule=rule)) for of in ("layer", "head")]
    assert rows[["layer", "head"]].drop_duplicates().to_numpy().tolist() == [best]
    assert {row.pieces[row.i if rule == "row" else row.j].strip("Ġ").lower() for row in rows.itertuples()} <= {
        "the", "a", "an", "this", "that", "its", "all", "each", "every", "no", "any", "some", "these", "those", "both",
    }  # fmt: skip


def test_coreference_is_shown_by_the_best_head_among_all_mentions() -> None:
    claims = Claims(new_schema(3, 4))
    shape = len(CANDIDATES), len(MENTION_CLASSES)
    results = {
        "relation_best_accuracy": np.full((len(RULES), len(claims.rels)), np.nan),
        **{f"coreference_best_{of}": np.full(shape, 7.0) for of in ("layer", "head")},
        "coreference_best_accuracy": np.full(shape, 0.9),
    }
    at = CANDIDATES.index("mentions"), MENTION_CLASSES.index("all")
    results["coreference_best_layer"][at], results["coreference_best_head"][at] = 2, 3
    first = claims.first_of_relation(len(RULES) - 1) + 2 * len(claims.rels)
    assert find_best(claims, results) == {"coreference:hit": (first, 2, 3), "coreference:miss": (first + 1, 2, 3)}
    results["coreference_best_accuracy"][at] = np.nan
    assert find_best(claims, results) == {}


@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_weights_are_as_exact_as_queries_and_keys(family, tmp_path) -> None:
    model = load_model(str(save_model(tmp_path, family, sharp=True)), device="cpu")
    units = read_units(corpus(TEXTS), model)
    rows = measure(units, model).claims
    unit = {key: row for row, key in enumerate(zip(units.document_index, units.number, strict=True))}
    seen: dict[tuple[int, int], np.ndarray] = {}

    def see(layer: Layer, tile: Tile, weights: torch.Tensor) -> None:
        for at in range(tile.count):
            first = tile.start + at * tile.length
            assert layer.made_of is not None
            sides = layer.made_of.query, layer.made_of.key
            query, key = (side[first : first + tile.length].double() for side in sides)
            scores = torch.einsum("ihw,jhw->hij", query, key) * layer.made_of.scoring.factor
            later = torch.ones(scores.shape[1:]).triu(1).bool() & model.causal
            seen[layer.place, batch.rows[tile.sentence + at]] = scores.masked_fill(later, -np.inf).softmax(-1).numpy()

    for batch in model.layout.pack(units.pieces.lengths, np.ones(len(units), np.bool_), model.batch_pieces, TILE_PAIRS):
        ids = torch.from_numpy(units.pieces.ids_of(batch.rows))
        wanted, kernel = want_nothing(batch, model.causal, model.device), choose_kernel(model.device, model.dtype)
        model.run(ids, wanted, kernel=kernel, see=see)
    expected = [seen[r["layer"], unit[r["document_index"], r["sentence"]]][r["head"], r["i"], r["j"]] for r in rows]
    assert len(rows) > 500
    np.testing.assert_allclose(rows["weight"], expected, rtol=0, atol=2e-7)


@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_blocks_of_rows_give_what_whole_units_give(family, tmp_path, monkeypatch) -> None:
    model = load_model(str(save_model(tmp_path, family, sharp=True)), device="cpu")
    units = read_units(corpus(TEXTS), model, window=40)
    claims = Claims(units.schema)
    whole = merge_rows([measure(units, model).claims])
    monkeypatch.setattr("attnmetrics.measuring.shard.TILE_PAIRS", 11 * 40)
    found = merge_rows([measure(units, model).claims])
    own, others = (rows[rows["claim"] < len(claims.names)] for rows in (whole, found))
    assert len(own) > 500
    np.testing.assert_allclose(own["weight"], others["weight"], rtol=0, atol=WEIGHT)
    names = ["claim", "layer", "head", "document_index", "sentence", "i", "j"]
    assert (own[names] == others[names]).mean() > 0.99
    answered = [rows[rows["claim"] >= claims.first_of_coreference] for rows in (whole, found)]
    assert 0 < len(answered[1]) <= len(answered[0])


def test_shards_of_any_size_give_the_same_claims_typical_units_and_tokens(
    demo_run: Path, frame: pd.DataFrame, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attnmetrics.running.outputs.write_report", lambda *arguments: None)
        options = {"annotations": None, "shard_characters": 60_000, "drawn_exemplars": 0}
        facts = run(demo_config(tmp_path / "run", **options), Reporter(quiet=True))
    assert facts["corpus"]["shards"] == 1 < len(list((demo_run / "commits").iterdir()))
    other = attnmetrics.exemplars(tmp_path / "run")
    own, others = (one[one["claim"] != ""].reset_index(drop=True) for one in (frame, other))
    np.testing.assert_allclose(own["weight"], others["weight"], rtol=0, atol=WEIGHT)
    same = (own[["claim", "layer", "head", "rank", "text", "i", "j"]] == others[list(own.columns)][
        ["claim", "layer", "head", "rank", "text", "i", "j"]
    ]).all(axis=1)  # fmt: skip
    assert same.mean() > 0.999
    check_typical(frame, other)
    check_tokens(attnmetrics.tokens(demo_run), attnmetrics.tokens(tmp_path / "run"))


def check_typical(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """The same but for units whose weights rounding may swap at the border of two parts."""
    keys = ["layer", "head", "bucket", "rank"]
    own, others = (one[one["bucket"] != "top"].sort_values(keys).reset_index(drop=True) for one in (found, expected))
    assert (own["claim"] == "").all()
    assert own.groupby(keys[:3]).size().to_dict() == {
        (layer, head, part): 5 for layer in range(6) for head in range(6) for part in BUCKETS[1:]
    }
    same = (own[[*keys, "text", "i", "j"]] == others[[*keys, "text", "i", "j"]]).all(axis=1)
    assert same.mean() > 0.99
    np.testing.assert_allclose(own["weight"][same], others["weight"][same], atol=1e-5)
    lowest = own.groupby(["layer", "head", "bucket"])["weight"].min().unstack()
    highest = own.groupby(["layer", "head", "bucket"])["weight"].max().unstack()
    assert (highest["20-40"] <= lowest["60-80"]).all()


def check_tokens(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    names = ["layer", "head", "side", "piece_id"]
    assert (found["rank"] <= 50).all()
    assert (found["occurrences"] >= 5).all()
    assert set(found["side"]) == {"key", "query"}
    both = found.merge(expected, on=names)
    assert len(both) > 0.999 * len(found) == 0.999 * len(expected)
    for name in ("piece", "occurrences"):
        assert (both[f"{name}_x"] == both[f"{name}_y"]).all()
    for name in ("attention", "lift"):
        np.testing.assert_allclose(both[f"{name}_x"], both[f"{name}_y"], rtol=1e-4, atol=1e-6)
