"""Heads with like profiles: against loops, and where they are planted."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from planted import HEADS, head, planted

from attnmetrics.describing.nearest import (
    PARTS,
    families,
    families_frame,
    family_names,
    head_place,
    nearest,
    nearest_frame,
    profile_distances,
)
from attnmetrics.describing.tables import Tables
from attnmetrics.errors import ConfigError


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return planted()


def test_distances_of_profiles_are_those_of_loops(data: xr.Dataset) -> None:
    found = profile_distances(Tables(data))
    null = data["null_attention"].to_numpy().ravel()
    for a in range(len(HEADS)):
        for b in range(len(HEADS)):
            shares = [data[name].to_numpy()[0] for name in PARTS]
            parts = [sum(abs(p - q) for p, q in zip(part[a], part[b], strict=True)) / 2 for part in shares]
            expected = (sum(parts) + abs(null[a] - null[b])) / 4
            np.testing.assert_allclose(found[a, b], expected, atol=1e-12)
    assert found.min() == 0 and found.max() <= 1


def test_the_nearest_head_is_one_that_looks_at_like_places(data: xr.Dataset) -> None:
    found = nearest_frame(data, head("first piece"), 2)
    assert found["head"].iloc[0] == head("broad")  # both spread what they do not rest
    assert found["profile_distance"].is_monotonic_increasing
    assert np.isnan(found["head_distance"]).all()


def test_attention_itself_is_compared_where_it_was_measured(data: xr.Dataset) -> None:
    own = ("layer", "head")
    grid = np.arange(len(HEADS) ** 2, dtype=float).reshape(1, len(HEADS), 1, len(HEADS))
    measured = data.assign(head_distance=((*own, "other_layer", "other_head"), grid))
    found = nearest_frame(measured, 1, 3)
    assert found["head_distance"].tolist() == (len(HEADS) + found["head"]).tolist()


def test_heads_without_evidence_are_near_none() -> None:
    distances = np.array([[0, 0.1, np.nan], [0.1, 0, np.nan], [np.nan] * 3])
    assert nearest(distances, 0, 5) == [(1, 0.1)]
    assert nearest(distances, 2, 5) == []
    np.testing.assert_array_equal(families(distances), [0, 0, np.nan])


def test_families_are_cut_where_they_are_apart() -> None:
    points = np.array([0, 0.05, 0.1, 0.5, 0.52, 0.9])
    np.testing.assert_array_equal(families(np.abs(points[:, None] - points)), [0, 0, 0, 1, 1, 2])


def test_a_family_has_the_name_of_the_role_that_most_of_its_heads_have_first() -> None:
    rows = [("along", "obj, attended_is_parent"), ("along", "obj, attending_is_parent"), ("broad", ""),
            ("previous", ""), ("", ""), ("next", ""), ("", "")]  # fmt: skip
    frame = pd.DataFrame(
        [(0, n, role, detail) for n, (role, detail) in enumerate(rows)], columns=["layer", "head", "role", "detail"]
    )
    names = family_names(np.array([0, 0, 0, 1, 1, 1, 2]), frame)
    assert names == {0: "along: obj", 1: "previous and no role", 2: "no role"}


def test_families_are_a_table_of_heads_with_evidence(data: xr.Dataset) -> None:
    frame = pd.DataFrame(
        [(0, n, name, "") for n, name in enumerate(HEADS)], columns=["layer", "head", "role", "detail"]
    )
    found = families_frame(data, frame)
    assert found["head"].tolist() == list(range(len(HEADS)))
    assert set(found.loc[found["family"] == found["family"].max(), "name"]) <= set(HEADS)


def test_a_head_that_is_not_there_is_refused(data: xr.Dataset) -> None:
    assert head_place(data, 0, 3) == 3
    with pytest.raises(ConfigError, match=f"expected a head of 1 layers of {len(HEADS)} heads, found 1.0"):
        head_place(data, 1, 0)
