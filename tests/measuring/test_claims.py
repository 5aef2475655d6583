"""Claims of a run: sentences that show what they are asked for, the same however the corpus is cut into shards."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import demo_config

import attnmetrics
from attnmetrics.running.driver import run
from attnmetrics.running.progress import Reporter

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


def test_shards_of_any_size_give_the_same_claims(demo_run: Path, frame: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attnmetrics.running.outputs.write_report", lambda *arguments: None)
        options = {"annotations": None, "shard_characters": 60_000, "drawn_exemplars": 0}
        facts = run(demo_config(tmp_path / "run", **options), Reporter(quiet=True))
    assert facts["corpus"]["shards"] == 1 < len(list((demo_run / "commits").iterdir()))
    other = attnmetrics.exemplars(tmp_path / "run")
    own, others = (one[one["claim"] != ""].reset_index(drop=True) for one in (frame, other))
    np.testing.assert_allclose(own["weight"], others["weight"], atol=1e-5)
    same = (own[["claim", "layer", "head", "rank", "text", "i", "j"]] == others[list(own.columns)][
        ["claim", "layer", "head", "rank", "text", "i", "j"]
    ]).all(axis=1)  # fmt: skip
    assert same.mean() > 0.999
