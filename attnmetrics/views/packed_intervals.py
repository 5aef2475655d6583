"""Intervals as a page holds them: how far each bound is from its value, in two bytes, all of a run in three arrays."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.views.certainty import Certainty, certainty, rank_bounds
from attnmetrics.views.page import Packed, pack
from attnmetrics.views.tables import by_layer, values

STEPS: Final = 600
"""Of a doubling of a distance: it is held to 0.06%."""
SMALLEST: Final = 32
"""Distances of 2⁻³² and more are held."""
UNKNOWN: Final = -32768


def pack_intervals(data: xr.Dataset, tables: Iterable[xr.DataArray]) -> dict[str, Any]:
    """The intervals of tables, end to end, as `static/arithmetic/intervals.js` unpacks them.

    Of each table that has any: of values, then of its by-layer twin where that has any: codes of all low bounds, of
    all high bounds; likewise `unsure`; and of tables with ranks, the low bounds of these, then the high ones.

    Returns:
        `codes`, `unsure` and `ranks`, and `has`: of each table whether it, its twin and its ranks have intervals.
    """
    codes, unsure, ranks, has = [], [], [], []
    for table in tables:
        name = str(table.name)
        found = [certainty(data, one) for one in (name, f"{name}_by_layer")] if by_layer(data, name) is not None else [
            certainty(data, name)]  # fmt: skip
        known = [one for one in found if one is not None]
        placed = rank_bounds(data, name)
        codes += [code_bounds(values(one.table), values(bound)) for one in known for bound in (one.low, one.high)]
        unsure += [one.unsure.to_numpy().ravel() for one in known]
        ranks += [] if placed is None else [placed.ravel()]
        has.append([found[0] is not None, len(found) > 1 and found[1] is not None, placed is not None])
    return {"codes": _joined(codes, "<i2"), "unsure": _joined(unsure, "u1"), "ranks": _joined(ranks, "<f4"), "has": has}


def pack_bounds(one: Certainty) -> Packed:
    """Codes of all low bounds of a table, then of all high ones."""
    return _joined([code_bounds(values(one.table), values(bound)) for bound in (one.low, one.high)], "<i2")


def _joined(parts: list[NDArray[Any]], kind: str) -> Packed:
    return pack(np.concatenate([np.zeros(0), *parts]).astype(kind))


def code_bounds(middle: NDArray[np.float64], bound: NDArray[np.float64]) -> NDArray[np.int64]:
    """Signed distances of bounds from values: 0 for none, else 1 + `STEPS` · log₂(distance · 2^`SMALLEST`)."""
    apart = (bound - middle).ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.rint(STEPS * (np.log2(np.abs(apart)) + SMALLEST))
        code = np.where(steps < 0, 0, np.sign(apart) * (1 + np.clip(steps, 0, -UNKNOWN - 2)))
    return np.where(np.isnan(apart), UNKNOWN, np.where(apart == 0, 0, code)).astype(np.int64)
