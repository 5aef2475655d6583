"""Small maps of heads as plain drawings of a page: many of them in no time, where a figure each would take too long."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.views import style
from attnmetrics.views.heads import percent, values

CELL: Final = 14.0
_BAR: Final = 120.0
_LEFT: Final = 24.0
_TOP: Final = 4.0
_GAP: Final = 12.0


@dataclass(frozen=True, slots=True)
class Row:
    """A layer: its name, and its bar."""

    y: float
    name: str
    size: float
    """Length of the bar."""
    text: str
    """Its value."""


@dataclass(frozen=True, slots=True)
class SmallMap:
    """Heat map of [layer, head] with by-layer bars, in pixels."""

    title: str
    width: float
    height: float
    note: str
    """The value of the strongest colour."""
    cells: tuple[tuple[str, str], ...]
    """(colour variable, path of all cells of that colour)"""
    columns: tuple[tuple[float, str], ...]
    """(x, head)"""
    rows: tuple[Row, ...]
    bars: float
    """x of the bars"""


def small_map(heads: xr.DataArray, layers: xr.DataArray, title: str) -> SmallMap:
    """The map of a share.

    Args:
        heads: [layer, head] shares
        layers: [layer] the by-layer twin
        title: above the map
    """
    table = values(heads)
    top = float(np.nanmax(table)) if np.isfinite(table).any() else float("nan")
    bars = _LEFT + table.shape[1] * CELL + _GAP
    note = f"strongest colour {percent(top)}" if top > 0 else ""
    return SmallMap(
        title, bars + _BAR + 40, _TOP + table.shape[0] * CELL + 18, note,
        tuple(_cells(table, top)), tuple(_columns(heads)), tuple(_rows(heads, values(layers))), bars,
    )  # fmt: skip


def levels(table: NDArray[np.float64], top: float) -> NDArray[np.int64]:
    """Colour level of each value on a scale from 0 to `top`; −1 without evidence."""
    scaled = np.nan_to_num(table / top if top > 0 else table * 0.0) * style.LEVELS
    return np.where(np.isnan(table), -1, np.clip(scaled.astype(np.int64), 0, style.LEVELS - 1))


def _cells(table: NDArray[np.float64], top: float) -> Iterator[tuple[str, str]]:
    level = levels(table, top)
    for one in np.unique(level).tolist():
        squares = (_square(row, column) for row, column in np.argwhere(level == one).tolist())
        yield ("--no-evidence" if one < 0 else f"--{style.SEQUENTIAL.name}{one}"), "".join(squares)


def _square(row: int, column: int) -> str:
    side = CELL - 1
    return f"M{_LEFT + column * CELL:g} {_TOP + row * CELL:g}h{side:g}v{side:g}h-{side:g}z"


def _columns(heads: xr.DataArray) -> Iterator[tuple[float, str]]:
    names = heads["head"].values.tolist()
    step = 1 if len(names) <= 16 else 5
    for n in range(0, len(names), step):
        yield _LEFT + (n + 0.5) * CELL, str(names[n])


def _rows(heads: xr.DataArray, layers: NDArray[np.float64]) -> Iterator[Row]:
    longest = float(np.nanmax(layers)) if np.isfinite(layers).any() else 0.0
    for n, (name, value) in enumerate(zip(heads["layer"].values.tolist(), layers.tolist(), strict=True)):
        size = 0.0 if np.isnan(value) or longest == 0 else _BAR * value / longest
        yield Row(_TOP + n * CELL, str(name), size, "no evidence" if np.isnan(value) else percent(value))
