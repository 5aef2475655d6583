"""Which heads changed most in a comparison: of each head how many of its values changed clearly, which one most.

A change is large where it is many times as large as heads of the first run differ among each other.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.results.comparison import CLEAR, RUN
from attnmetrics.views.comparison.results import Array, Shown, flat, levels
from attnmetrics.views.page import pack


def pack_changes(data: xr.Dataset, shown: Sequence[Shown]) -> dict[str, Any]:
    """Of each run but the first and each head, layer by layer; of results and labels that the page shows, but for
    chance levels.

    Returns:
        `clear`: values that changed clearly, of how many, `of`; `result` and `label`: places of the one that changed
        most, −1 without any; `size`: how large that change is, in standard deviations of the first run's heads.
    """
    runs, heads = data.sizes[RUN] - 1, data.sizes["layer"] * data.sizes["head"]
    clear, of = np.zeros((2, runs, heads), np.int64)
    best = np.zeros((runs, heads))
    where = np.full((2, runs, heads), -1)
    told = [(place, one) for place, one in enumerate(shown) if one.name not in levels(data)]
    for place, one in told:
        size, known = _sizes(data, one, heads)
        clear += np.isfinite(size).sum(-1)
        of += known
        largest = np.nan_to_num(size).max(-1, initial=0)
        label = np.nan_to_num(size).argmax(-1)
        is_larger = largest > best
        best = np.where(is_larger, largest, best)
        where = np.where(is_larger, np.array([np.full_like(label, place), label]), where)
    kinds = {"clear": (clear, "<u2"), "of": (of, "<u2"), "size": (best, "<f4")}
    places = {"result": (where[0], "<i2"), "label": (where[1], "<i2")}
    return {name: pack(array.astype(kind)) for name, (array, kind) in {**kinds, **places}.items()}


def _sizes(data: xr.Dataset, one: Shown, heads: int) -> tuple[Array, NDArray[np.int64]]:
    """[run, head, label] sizes of clear changes, NaN of others; [run, head] how many could be clear."""
    first, difference, q = (
        flat(data, name)[..., one.labels] for name in (one.name, f"{one.name}_difference", f"{one.name}_q")
    )
    spread = _spread(first[0].reshape(heads, -1))
    difference, q = (table[1:].reshape(-1, heads, len(one.labels)) for table in (difference, q))
    size = np.divide(np.abs(difference), spread, out=np.full(difference.shape, np.nan), where=spread > 0)
    return np.where(q < CLEAR, size, np.nan), np.isfinite(q).sum(-1)


def _spread(table: Array) -> Array:
    """[label] standard deviation over heads [head, label] with evidence; 0 without any."""
    known = np.isfinite(table)
    number = np.maximum(known.sum(0), 1)
    deviation = np.where(known, table - np.where(known, table, 0).sum(0) / number, 0)
    return np.asarray(np.sqrt((deviation**2).sum(0) / number))
