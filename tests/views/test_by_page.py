"""What the atlas holds of results by a field: numbers of each value with their bounds, labels as there is room."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from synthetic import dataset

from attnmetrics.results.by import join_values
from attnmetrics.results.joined import with_intervals
from attnmetrics.views.atlas.by import pack_by
from attnmetrics.views.page import Packed

GENRES = ("news", "song")
KEPT = ["sentences", "pieces", "null_attention", "null_attention_by_layer", "pos_to"]
STEPS, SMALLEST = 600, 32


@pytest.fixture(scope="module")
def split() -> xr.Dataset:
    """Two genres, whose attention to determiners is far apart in one head; bounds are a tenth off."""
    parts = {genre: dataset(2, 3, seed=seed)[KEPT] for seed, genre in enumerate(GENRES)}
    parts["song"]["pos_to"].loc[{"layer": 1, "head": 2, "pos": "DET"}] += 5
    joined = join_values("genre", parts)
    bounds = {
        name: ((*joined[name].dims, "bound"), joined[name].to_numpy()[..., None] * [0.9, 1.1], {"groups": groups})
        for name, groups in {"null_attention": 12, "null_attention_by_layer": 12, "pos_to": 24}.items()
    }
    about = {"reason": "", "confidence": 0.95, "unsure_below": 20}
    return with_intervals(joined, xr.Dataset(bounds, attrs=about))


def unpack(packed: Packed, kind: str) -> NDArray[Any]:
    return np.frombuffer(packed.content, kind)


def test_a_page_holds_every_value_with_its_bounds(split: xr.Dataset) -> None:
    found = pack_by(split, {"news": 7})
    assert found["field"] == "genre" and found["cut"] == []
    assert [(one["name"], one["documents"], one["shards"]) for one in found["values"]] == [
        ("news", 7, 12), ("song", None, 12),
    ]  # fmt: skip
    assert [one["sentences"] for one in found["values"]] == split["sentences"].values.tolist()
    nulls = next(one for one in found["results"] if one["name"] == "null_attention")
    for part, name in (("of_heads", "null_attention"), ("of_layers", "null_attention_by_layer")):
        table = split[name].to_numpy().reshape(2, -1)
        values = unpack(nulls[part]["values"], "<f4").reshape(2, -1)
        codes = unpack(nulls[part]["codes"], "<i2").reshape(2, 2, -1).astype(float)  # [value, bound, place]
        apart = np.sign(codes) * 2 ** ((np.abs(codes) - 1) / STEPS - SMALLEST)
        np.testing.assert_allclose(values, table, rtol=1e-6)
        np.testing.assert_allclose(apart[:, 1], 0.1 * table, rtol=1e-3)
        np.testing.assert_allclose(apart[:, 0], -0.1 * table, rtol=1e-3)
        assert unpack(nulls[part]["unsure"], "u1").all()
    tags = next(one for one in found["results"] if one["name"] == "pos_to")
    assert not unpack(tags["of_heads"]["unsure"], "u1").any() and tags["of_layers"] is None


def test_where_there_is_no_room_the_label_is_kept_at_which_values_are_farthest_apart(split: xr.Dataset) -> None:
    found = pack_by(split, {}, most=2 * 9 * 2 * 2 * 3)
    labels = {one["name"]: one["labels"] for one in found["results"]}
    assert labels == {"null_attention": [], "pos_to": ["DET"]}
    assert [words.endswith(": 1 labels") for words in found["cut"]] == [True]
