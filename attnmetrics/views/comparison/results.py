"""The results of a comparison as its page holds them: values of every run, differences from the first, how sure.

A page has room for so many numbers. Where labels are more, those are kept at which most heads changed, and it is said.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.results.comparison import CLEAR, RUN
from attnmetrics.results.differing import chance_levels, compared_maps, flat
from attnmetrics.views.described import described
from attnmetrics.views.packed_intervals import code_bounds
from attnmetrics.views.page import Packed, pack
from attnmetrics.views.tables import is_of_all_attention, title, with_one_label

MOST_BYTES: Final = 8_000_000
"""Of numbers in a page, before they are compressed."""
_VALUE_BYTES, _DIFFERENCE_BYTES = 8, 12
"""Of a value with its bounds, and of a difference with its bounds and its q."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shown:
    """A result, and the labels of it that the page shows."""

    name: str
    labels: NDArray[np.int64]
    """their places"""
    of: int
    """how many there are"""


def choose(data: xr.Dataset, most: int | None = None) -> list[Shown]:
    """What the page shows of each result: all labels of those that have few, of others as many as there is room for.

    Args:
        data: a comparison's Dataset.
        most: bytes of numbers; unset: `MOST_BYTES`.
    """
    of_one = _bytes_of_label(data)
    room = (MOST_BYTES if most is None else most) // of_one
    sizes = {name: int(np.prod(data.variables[name].shape[3:])) for name in compared_maps(data)}
    kept = {}
    for place, name in enumerate(sorted(sizes, key=lambda one: sizes[one])):
        fair = max(1, room // (len(sizes) - place))
        kept[name] = min(sizes[name], fair)
        room -= kept[name]
    return [Shown(name, _largest_changes(data, name, kept[name]), size) for name, size in sizes.items()]


def _bytes_of_label(data: xr.Dataset) -> int:
    """Of all heads and runs, at one label."""
    runs, heads = data.sizes[RUN], data.sizes["layer"] * data.sizes["head"]
    return heads * (runs * _VALUE_BYTES + (runs - 1) * _DIFFERENCE_BYTES)


def _largest_changes(data: xr.Dataset, name: str, number: int) -> NDArray[np.int64]:
    """The places of the labels at which most heads changed clearly, of equals those that changed most; in order."""
    q, difference = (flat(data, f"{name}{part}")[1:] for part in ("_q", "_difference"))
    if number == q.shape[-1]:
        return np.arange(number)
    clear = (q < CLEAR).sum((0, 1, 2))
    size = np.nan_to_num(np.abs(difference)).max((0, 1, 2), initial=0)
    return np.sort(np.lexsort((-size, -clear))[:number])


def cut(data: xr.Dataset, shown: Sequence[Shown]) -> list[str]:
    """What the page leaves out of results, in words."""
    return [
        f"{title(data[one.name])}: {len(one.labels)} of {one.of} labels, those at which most heads changed"
        for one in shown
        if len(one.labels) < one.of
    ]


def pack_results(data: xr.Dataset, shown: Sequence[Shown]) -> list[dict[str, Any]]:
    """Results as `static/comparison/open.js` reads them: [run, layer, head, label], of differences no first run."""
    chances = chance_levels(data)
    return [_pack_result(data, one, one.name in chances) for one in shown]


def _pack_result(data: xr.Dataset, one: Shown, is_chance: bool) -> dict[str, Any]:
    table = data[one.name]
    about = described(table.isel({RUN: 0}, drop=True))
    about["labels"] = [about["labels"][place] for place in one.labels] if about["dim"] else []
    del about["values"]
    twin = f"{one.name}_by_layer"
    return about | {
        "has_null": is_of_all_attention(table),
        "is_chance": is_chance,
        "of_heads": _packed(data, one.name, one.labels),
        "of_layers": _packed(data, twin, one.labels) if twin in data else None,
        "correlation": _correlations(data, one),
    }


def _packed(data: xr.Dataset, name: str, labels: NDArray[np.int64]) -> dict[str, Packed | None]:
    """Values, differences, and codes of their low and high bounds, and q."""
    table, has = flat(data, name)[..., labels], f"{name}_difference" in data
    found: dict[str, Packed | None] = {"values": pack(table.astype("<f4")), "codes": _codes(data, name, table, labels)}
    if not has:
        return found | dict.fromkeys(("difference", "difference_codes", "q"))
    difference, q = (flat(data, f"{name}{part}")[1:][..., labels] for part in ("_difference", "_q"))
    codes = _codes(data, f"{name}_difference", difference, labels, first=1)
    return found | {"difference": pack(difference.astype("<f4")), "difference_codes": codes, "q": pack(q.astype("<f4"))}


def _codes(data: xr.Dataset, name: str, middle: Array, labels: NDArray[np.int64], first: int = 0) -> Packed:
    """Of all low bounds of a run, then of all its high ones, run by run."""
    bounds = [_bound(data, f"{name}_{side}", middle, labels, first) for side in ("low", "high")]
    pairs = [[code_bounds(middle[run], bound[run]) for bound in bounds] for run in range(len(middle))]
    return pack(np.array(pairs, "<i2"))


def _bound(data: xr.Dataset, name: str, middle: Array, labels: NDArray[np.int64], first: int) -> Array:
    if name not in data:
        return np.full(middle.shape, np.nan)
    return flat(data, name)[first:][..., labels]


def _correlations(data: xr.Dataset, one: Shown) -> list[list[float | None]]:
    """Of the maps of each run but the first with the first one's, label by label; None where it is unknown."""
    name = f"{one.name}_correlation"
    if name not in data:
        return []
    table = data.variables[name].to_numpy().reshape(data.sizes[RUN], -1)[1:, one.labels]
    return [[None if np.isnan(r) else float(r) for r in row] for row in table.tolist()]


def of_corpora(data: xr.Dataset) -> Iterator[dict[str, Any]]:
    """What the runs' corpora have one number of: [run] values, and differences where there are any."""
    for name in map(str, data.attrs.get("order", data.data_vars)):
        table = data.variables.get(name)
        if table is not None and table.dims == (RUN,) and "of" not in table.attrs:
            yield _of_corpus(data, name)


def _of_corpus(data: xr.Dataset, name: str) -> dict[str, Any]:
    about = described(with_one_label(data[name].isel({RUN: 0}, drop=True)))
    kept = {key: about[key] for key in ("name", "title", "unit", "kind")}
    parts = {part: f"{name}_{part}" for part in ("low", "high", "difference", "difference_low", "difference_high", "q")}
    found = {part: _listed(data, full) for part, full in parts.items() if full in data}
    return kept | {"values": _listed(data, name)} | found


def _listed(data: xr.Dataset, name: str) -> list[float | None]:
    """JSON has no NaN."""
    return [
        None if np.isnan(value) else float(value)
        for value in np.asarray(data.variables[name].to_numpy(), float).tolist()
    ]
