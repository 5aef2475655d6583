"""Results by the values of a field as the atlas holds them: the same tables of heads for the documents of each value.

A page has room for so many numbers. Where labels are more, those are kept at which values are farthest apart, and it is
said.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.results.by import FIELD
from attnmetrics.results.joined import INTERVAL, beside_results, set_apart
from attnmetrics.statistics.bootstrap import LEAST
from attnmetrics.views.certainty import groups_behind
from attnmetrics.views.described import described
from attnmetrics.views.packed_intervals import code_bounds
from attnmetrics.views.page import Packed, pack
from attnmetrics.views.pieces import visible
from attnmetrics.views.tables import by_themselves, is_of_all_attention, title

MOST_BYTES: Final = 2_500_000
"""Of numbers of a field in a page, before they are compressed."""
_BYTES: Final = 9
"""Of a value, with its bounds and whether they are to be trusted."""

Array = NDArray[np.float64]


def pack_by(data: xr.Dataset, documents: Mapping[str, int], most: int = MOST_BYTES) -> dict[str, Any]:
    """What the page holds of results by a field, as `static/atlas/open-by.js` reads it.

    Args:
        data: results [field, …] with their intervals.
        documents: of each value, how many have it.
        most: bytes of numbers.
    """
    data, field = set_apart(data), str(data.attrs[FIELD])
    first = by_themselves(data.isel({field: 0}, drop=True))
    kept = _choose(data, list(first), most)
    cut = [f"{title(first[name])}: {len(own)} labels" for name, own in kept.items() if len(own) < _width(data, name)]
    return {
        "field": visible(field),
        "values": [_value(data, documents, place) for place in range(data.sizes[field])],
        "results": [_pack_result(data, first[name], labels) for name, labels in kept.items()],
        "cut": cut,
        "least_shards": LEAST,
    }


def _value(data: xr.Dataset, documents: Mapping[str, int], place: int) -> dict[str, Any]:
    """How much there is of a value."""
    name = str(data[str(data.attrs[FIELD])].values[place])
    counts = {what: int(data[what].values[place]) for what in ("sentences", "pieces")}
    has_shards = f"null_attention{INTERVAL}" in beside_results(data)
    shards = {"shards": int(_of_value(groups_behind(data, "null_attention"), place).max())} if has_shards else {}
    return {"name": visible(name), "documents": documents.get(name), **counts, **shards}


def _of_value(groups: NDArray[np.int64], place: int) -> NDArray[np.int64]:
    """Of a value of the field; one number alone is that of all values."""
    return groups[place] if groups.ndim else groups


def _width(data: xr.Dataset, name: str) -> int:
    return int(np.prod(data.variables[name].shape[3:]))


def _choose(data: xr.Dataset, names: list[str], most: int) -> dict[str, NDArray[np.int64]]:
    """The places of the labels that there is room for: all of results that have few, of others as many as fit."""
    heads = int(np.prod(data.variables[names[0]].shape[:3])) if names else 1
    room, kept = most // (_BYTES * heads), {}
    for place, name in enumerate(sorted(names, key=lambda one: _width(data, one))):
        kept[name] = _farthest_apart(data, name, max(1, room // (len(names) - place)))
        room -= len(kept[name])
    return {name: kept[name] for name in names}


def _farthest_apart(data: xr.Dataset, name: str, number: int) -> NDArray[np.int64]:
    """The places of so many labels, those at which the values of a head are farthest apart."""
    width = _width(data, name)
    if width <= number:
        return np.arange(width)
    table = _flat(data.variables[name].to_numpy(), 3)
    known = np.isfinite(table)
    apart = np.where(known, table, -np.inf).max(0) - np.where(known, table, np.inf).min(0)  # [layer, head, label]
    largest = np.where(known.any(0), apart, 0).max((0, 1))
    return np.sort(np.argsort(-largest, kind="stable")[:number])


def _flat(table: NDArray[Any], dims: int) -> Array:
    """All further dimensions as one."""
    return np.asarray(table, np.float64).reshape(*table.shape[:dims], -1)


def _pack_result(data: xr.Dataset, first: xr.DataArray, labels: NDArray[np.int64]) -> dict[str, Any]:
    name = str(first.name)
    about, twin = described(first), f"{name}_by_layer"
    del about["values"]
    about["labels"] = [about["labels"][place] for place in labels.tolist()] if about["dim"] else []
    return about | {
        "has_null": is_of_all_attention(first),
        "of_heads": dict(_packed(data, name, labels, 3)),
        "of_layers": dict(_packed(data, twin, labels, 2)) if twin in data.variables else None,
    }


def _packed(data: xr.Dataset, name: str, labels: NDArray[np.int64], dims: int) -> Iterator[tuple[str, Packed]]:
    """Values [value, layer, (head,) label]; of each value of the field, codes of all low bounds, then of all high ones;
    and which of these come from few groups of shards.
    """
    table = _flat(data.variables[name].to_numpy(), dims)[..., labels]
    yield "values", pack(table.astype("<f4"))
    stored = beside_results(data).variables.get(f"{name}{INTERVAL}")
    if stored is None:
        return
    bounds = [_flat(stored.to_numpy()[..., place], dims)[..., labels] for place in (0, 1)]
    codes = [[code_bounds(own, bound[value]) for bound in bounds] for value, own in enumerate(table)]
    yield "codes", pack(np.array(codes, "<i2"))
    few = np.broadcast_to(groups_behind(data, name) < data.attrs["unsure_below"], data.variables[name].shape)
    yield "unsure", pack(_flat(few, dims)[..., labels].astype("u1"))
