"""Intervals as a Dataset, in CSV, and as people read them."""

import csv
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from merged import SCHEMA

import attnmetrics
from attnmetrics.results.dataset import dataset
from attnmetrics.results.intervals import doubt, intervals_dataset
from attnmetrics.results.joined import with_intervals
from attnmetrics.results.tables import save_tables
from attnmetrics.statistics.groups import GroupSums
from attnmetrics.statistics.states import State
from attnmetrics.storage import locate
from attnmetrics.views.certainty import bear, certainty, usual_reach
from attnmetrics.views.places import find_place, ordinal

SHARDS = 12
NONE = (
    "head_distance",
    "head_map",
    "head_cluster",
    "distance_entropy_p",
    "distance_alignment_p",
    "relation_best_head",
    "relation_best_layer",
)


@pytest.fixture(scope="module")
def both() -> tuple[xr.Dataset, xr.Dataset]:
    """The results of random shards, and their intervals."""
    groups = GroupSums(SCHEMA, SHARDS)
    total = State.zero(SCHEMA)
    deviations = {"deviation_sum": np.ones((2, 3)), "prefix_sum": np.full((2, 3), 2.0)}
    deviations["variability_sentences"] = np.array(3.0)
    for shard in range(SHARDS):
        state = State.unpack(SCHEMA, np.random.default_rng(shard).integers(1, 100, SCHEMA.size).astype(float))
        state["null_sum"][0, 1] = state["given_sum"][0, 1] = 0.0 if shard < 3 else 5.0
        groups.add(shard, state)
        groups.add_merged(shard, deviations)
        total = total.merge(state)
    results = dataset(SCHEMA, {**total.sums, **{name: SHARDS * one for name, one in deviations.items()}})
    return results, intervals_dataset(groups, results, 0.9)


def test_every_share_mean_and_score_has_an_interval(both: tuple[xr.Dataset, xr.Dataset]) -> None:
    results, intervals = both
    wanted = {str(name) for name, table in results.items() if table.attrs["kind"] != "count" and name not in NONE}
    bounded = {str(name) for name, table in intervals.items() if "bound" in table.dims}
    assert {name for name in bounded if not name.endswith("_rank")} == wanted
    ranks = {name.removesuffix("_rank") for name in bounded if name.endswith("_rank")}
    assert ranks == {name for name in wanted if results[name].dims == ("layer", "head")}
    for name in wanted:
        assert intervals[name].dims == (*results[name].dims, "bound")
        found, value = intervals[name], results[name]
        low, high = found.sel(bound="low"), found.sel(bound="high")
        assert bool(((low <= high) | (low.isnull() & high.isnull())).all())
        assert name == "relation_best_offset" or bool(
            ((low <= value + 1e-9) & (value <= high + 1e-9) | low.isnull()).all()
        )
    assert intervals["bound"].values.tolist() == ["low", "high"]
    assert doubt(intervals) == "intervals come from differences between 12 shards: from fewer than 20 they are unsure"
    assert doubt(intervals.assign_attrs(groups=20)) == ""
    assert (intervals.attrs["confidence"], intervals.attrs["groups"], intervals.attrs["reason"]) == (0.9, SHARDS, "")


def test_what_never_varies_has_no_width(both: tuple[xr.Dataset, xr.Dataset]) -> None:
    results, intervals = both
    np.testing.assert_array_equal(intervals["variability"], np.stack([results["variability"]] * 2, -1))
    assert (intervals["null_attention"].isel(layer=0, head=1) == 0.5).all()


def test_groups_are_told(both: tuple[xr.Dataset, xr.Dataset]) -> None:
    _, intervals = both
    assert intervals["distance_sd"].attrs["groups"] == SHARDS
    assert "distance_sd_groups" not in intervals
    assert intervals["null_attention_groups"].values.tolist() == [[12, 9, 12], [12, 12, 12]]


def test_bounds_stand_beside_values_in_csv(both: tuple[xr.Dataset, xr.Dataset], tmp_path: Path) -> None:
    results, intervals = both
    save_tables(results, locate(tmp_path / "tables"), intervals)
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "tables").iterdir()}
    tables = {name: list(csv.DictReader(StringIO(text, newline=""))) for name, text in texts.items()}
    names = list(tables["heads"][0])
    place = names.index("distance")
    assert names[place : place + 3] == ["distance", "distance_low", "distance_high"]
    assert "attention_mass_low" not in names
    row = tables["heads"][4]
    assert float(row["distance_high"]) == intervals["distance"].values[1, 1, 1]
    assert float(tables["pos_to"][5]["NOUN_low"]) == intervals["pos_to"].values[1, 2, 0, 0]
    accuracy = next(
        row for row in tables["relation_accuracy"] if (row["layer"], row["head"], row["rule"]) == ("4", "1", "column")
    )
    assert float(accuracy["relation_accuracy_low"]) == intervals["relation_accuracy"].values[1, 1, 1, 0, 0]
    single = {row["result"]: row for row in tables["corpus"]}
    assert float(single["distance_sd"]["high"]) == intervals["distance_sd"].values[1]
    assert single["pieces"]["low"] == ""


def test_results_carry_their_intervals_to_views(both: tuple[xr.Dataset, xr.Dataset]) -> None:
    results, intervals = both
    data = with_intervals(results, intervals)
    assert list(data.data_vars) == list(results.data_vars)
    sure = certainty(data, "relation_accuracy")
    assert sure is not None and sure.title == "90% interval"
    at: dict[str, str | int] = {"layer": 4, "head": 2, "rule, rel": "column, été"}
    assert sure.bounds(at) == tuple(intervals["relation_accuracy"].values[1, 2, 1, 1])
    assert sure.told(0.5, at)[1].endswith("?")  # from 12 shards
    assert certainty(data, "attention_mass") is None
    assert "`attnmetrics merge` adds them" in with_intervals(results, None).attrs["no_intervals"]
    low, high = intervals["distance_rank"].values[0, 0]
    rank = int((results["distance"] > results["distance"][0, 0]).sum()) + 1
    of_all = [find_place(one, "distance", {}, {"layer": 1, "head": 0}, results["distance"]) for one in (data, results)]
    assert [(one.rank, one.of) for one in of_all if one] == [(rank, 6), (rank, 6)]
    assert of_all[0].told.startswith(ordinal(int(low + 1e-9))) if of_all[0] else False
    assert of_all[1].told == str(rank) if of_all[1] else False
    assert 1 <= low <= high <= 6


def test_how_far_intervals_reach_is_told_of_the_median_head(both: tuple[xr.Dataset, xr.Dataset]) -> None:
    results, intervals = both
    bounds = np.zeros((2, 3, 2))
    bounds[..., 1] = [[0.2, 0.4, 0.42468], [0.5, 9, np.nan]]
    data = with_intervals(results, intervals.assign(distance=(("layer", "head", "bound"), bounds)))
    assert usual_reach(data, "distance", {}) == "90% interval: ±0.21 pieces (median head)"
    shares = np.stack([np.zeros((2, 3)), np.full((2, 3), 0.034)], -1)
    data = with_intervals(results, intervals.assign(null_attention=(("layer", "head", "bound"), shares)))
    assert usual_reach(data, "null_attention", {}) == "90% interval: ±1.7 points (median head)"
    assert usual_reach(results, "distance", {}) == ""


@pytest.mark.parametrize(
    ("name", "numbers", "told"),
    [
        ("null_attention", (0.3721, 0.364, 0.3812), ("37.2%", "36.4 to 38.1%")),
        ("null_attention", (0.37, 0.31, 0.43), ("37%", "31 to 43%")),
        ("null_attention", (0.5, 0.5, 0.5), ("50%", "50%")),
        ("null_attention", (0.37, np.nan, np.nan), ("37%", "–")),
        ("distance", (9.1203, 8.977, 9.262), ("9.12 pieces", "8.98 to 9.26")),
        ("repeat_excess", (-0.0051, -0.0056, -0.0046), ("-0.51%", "-0.56 to -0.46%")),
        ("repeat_excess", (0.0, -0.0004, 0.0006), ("0.00%", "-0.04 to 0.06%")),
    ],
)
def test_values_are_rounded_to_what_their_intervals_bear(
    both: tuple[xr.Dataset, xr.Dataset], name: str, numbers: tuple[float, float, float], told: tuple[str, str]
) -> None:
    assert bear(both[0][name], *numbers) == told


def test_ordinals() -> None:
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 21, 113, 122)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "113th", "122nd",
    ]  # fmt: skip


def test_a_run_of_few_shards_says_why_it_has_none(demo_run: Path) -> None:
    intervals = attnmetrics.intervals(demo_run)
    shards = intervals.attrs["groups"]
    assert 2 < shards < 8
    assert f"expected 8 shards or more, found {shards}; take more documents" in intervals.attrs["reason"]
    assert intervals["distance"].isnull().all()
    data = attnmetrics.load(demo_run, with_intervals=True)
    assert "distance_interval" not in data.coords
    assert data.attrs["no_intervals"] == intervals.attrs["reason"]
    assert "distance_low" not in (demo_run / "tables" / "heads.csv").read_text()
