"""A map a label on one sheet: Figures A.1 and A.2, and any other metric with labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from attnmetrics.errors import ConfigError
from attnmetrics.views import palette
from attnmetrics.views.certainty import interval_title
from attnmetrics.views.evidence import competing, is_off, least
from attnmetrics.views.figures import charts, style
from attnmetrics.views.figures.style import LEFT, NewFigure, Sheet
from attnmetrics.views.tables import (
    at_labels,
    beside_chance,
    caption,
    counts,
    further,
    in_words,
    is_share,
    labels_of,
    of_heads,
    said,
    shown,
    source,
    title,
    values,
)

_MOST_MAPS: Final = 60
"""With more labels than these, or than a sheet has room for, the most telling have a map."""


def all_pos_to(data: xr.Dataset, new: NewFigure = Figure) -> Figure:
    """Fig. A.1: attention to every tag, each on its own scale."""
    return all_labels(data, "pos_to", new, "Attention to each part of speech")


def all_pos_from(data: xr.Dataset, new: NewFigure = Figure) -> Figure:
    """Fig. A.2: attention from every tag, each on its own scale."""
    return all_labels(data, "pos_from", new, "Attention from each part of speech")


def all_labels(data: xr.Dataset, metric: str, new: NewFigure = Figure, name: str = "") -> Figure:
    """Any metric with labels: one heat map a label, in the order of the labels, its chance level below.

    The colour bar is the last axes.

    Args:
        data: a run's results
        metric: name of a [layer, head, label] variable, or one with two further dimensions
        new: makes the figure
        name: the title; the metric's own by default

    Raises:
        ConfigError: the run has no such metric of heads, or it has no labels.
    """
    if metric not in of_heads(data) or data[metric].ndim < 3:
        known = ", ".join(one for one, table in of_heads(data).items() if table.ndim > 2)
        raise ConfigError(f"expected a metric of the run's heads that has labels, found {metric!r}; it has {known}")
    table, level = beside_chance(data, metric)
    (dim,) = further(table)
    room = _Grid(table.sizes[dim], table.sizes["layer"], table.sizes["head"]).room
    kept = _largest(_telling(data, table), room)
    grid = _Grid(len(kept), table.sizes["layer"], table.sizes["head"])
    left_out = f"{len(kept)} of {table.sizes[dim]} labels" if len(kept) < table.sizes[dim] else ""
    sure = f"{interval_title(data)}s: in the run's tables" if interval_title(data) else ""
    is_signed = bool((values(competing(data, table)) < 0).any())
    scale = "0 in its middle" if is_signed else "from 0 to its largest value"
    about = [left_out, f"each map has its own scale, {scale}", sure, said(table, "formula")]
    sheet = Sheet(
        *grid.extent, name or title(table), "; ".join(sorted(filter(None, about), key=len)), new, source(data)
    )
    labels = [labels_of(table, dim)[row] for row in kept]
    for n, (label, words) in enumerate(zip(labels, _titles(grid, labels), strict=True)):
        chance = None if level is None else at_labels(level, {dim: label})
        _grid_panel(sheet, data, at_labels(table, {dim: label}), chance, words, grid, n, is_signed)
    _grid_scale(sheet, data, grid.bottom + 0.12, table, is_signed)
    return sheet.figure


def _titles(grid: "_Grid", labels: Sequence[object]) -> list[tuple[str, float]]:
    """What each map is called, and the one size at which all have room."""
    names = [", ".join(map(in_words, str(label).split(", "))) for label in labels]
    found = [style.fitted(one, grid.room_above, style.TEXT_SIZE, _SMALLEST, "bold") for one in names]
    size = min((size for _, size in found), default=style.TEXT_SIZE)
    return [(words, size) for words, _ in found]


def _telling(data: xr.Dataset, table: xr.DataArray) -> NDArray[np.float64]:
    """How much each label of [layer, head, label] tells: of shares of counted events by these, else by its mean."""
    if (events := counts(data, data[table.name])) is not None:
        return values(events).ravel()
    return charts.row_means(values(table).reshape(-1, table.shape[2]).T)


def _largest(sizes: NDArray[np.float64], number: int) -> list[int]:
    """Places of the largest, in the order of places."""
    return sorted(np.argsort(-sizes, kind="stable")[:number].tolist())


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where maps stand on a sheet that they fill row by row; inches from its top left."""

    maps: int
    layers: int
    heads: int

    @property
    def width(self) -> float:
        """Of a map."""
        return float(np.clip(0.115 * self.heads, 0.9, 1.2))

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of a map, which is lower where the sheet would be too high."""
        rows = -(-self.maps // self.columns)
        return self.width, min(self._height, _GRID_TALLEST / max(rows, 1) - _GRID_GAP)

    @property
    def aside(self) -> float:
        """Between two maps, more where a row is not full."""
        return max(_GRID_ASIDE, min(_GRID_WIDE, _GRID_WIDEST / self.maps - self.width))

    @property
    def room_above(self) -> float:
        """Width of what stands above a map."""
        return self.width + self.aside - 0.08

    @property
    def _height(self) -> float:
        return float(np.clip(0.115 * self.layers, 0.7, 3.4))

    @property
    def columns(self) -> int:
        """Maps in a row."""
        return max(1, min(self.maps, int(_GRID_WIDEST // (self.width + _GRID_ASIDE))))

    @property
    def room(self) -> int:
        """The most maps that can be read on one sheet."""
        rows = int(_GRID_TALLEST // (min(self._height, _GRID_LOWEST) + _GRID_GAP))
        return min(_MOST_MAPS, rows * self.columns)

    @property
    def bottom(self) -> float:
        """Where the last row ends."""
        return _GRID_TOP - 0.23 - (-self.maps // self.columns) * (self.size[1] + _GRID_GAP)

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height of the sheet."""
        return max(LEFT + self.columns * (self.size[0] + self.aside), 5.6), self.bottom + 0.6

    def place(self, n: int) -> tuple[float, float]:
        """Left and top of a map."""
        row, column = divmod(n, self.columns)
        return LEFT + column * (self.size[0] + self.aside), _GRID_TOP + row * (self.size[1] + _GRID_GAP)


_SMALLEST: Final = 5.5
"""Points of what stands above a map, at least."""
_GRID_GAP: Final = 0.62
_GRID_ASIDE: Final = 0.33
_GRID_WIDE: Final = 1.0
"""Between two maps, at least and at most."""
_GRID_WIDEST: Final = 6.2
"""All maps of a row together."""
_GRID_TALLEST: Final = 7.2
"""All rows of maps together."""
_GRID_LOWEST: Final = 0.72
"""A map of many layers is not lower."""
_GRID_TOP: Final = 1.08
"""Where the first row of maps begins."""


def _grid_panel(
    sheet: Sheet, data: xr.Dataset, table: xr.DataArray, chance: xr.DataArray | None, named: tuple[str, float],
    grid: _Grid, n: int, is_signed: bool,
) -> None:  # fmt: skip
    """The map of a label; above it its largest value, and the chance level where heads share one."""
    (left, top), (width, height) = grid.place(n), grid.size
    axes, numbers = sheet.axes(left, top, width, height), values(competing(data, table))
    style.heat(axes, values(table), *style.ground(numbers, is_signed=is_signed), cells=grid.maps * numbers.size)
    style.stripe(axes, is_off(data) & np.isfinite(values(table)))
    _end_ticks(axes, table)
    sheet.text(left, top - 0.33, named[0], size=named[1], weight="bold")
    largest = float(np.nanmax(numbers)) if np.isfinite(numbers).any() else float("nan")
    note = "no evidence" if np.isnan(largest) else "absent" if largest == 0 else f"max {shown(table, largest)}"
    beside = _beside(table, chance) if largest > 0 else ""
    words, size = style.fitted(note + beside, grid.room_above, style.SMALL_SIZE, _SMALLEST)
    sheet.text(left, top - 0.17, words, size=size, color=palette.MUTED)


def _beside(table: xr.DataArray, chance: xr.DataArray | None) -> str:
    """The chance level that heads share, in little room: "even attention" is "even"; nothing where it is not known."""
    if chance is None or chance.ndim or not np.isfinite(chance):
        return ""
    return f", {caption(chance).removesuffix(' attention')} {shown(table, float(chance))}"


def _end_ticks(axes: Axes, table: xr.DataArray) -> None:
    """First and last layer and head only."""
    for axis, dim in ((axes.yaxis, "layer"), (axes.xaxis, "head")):
        names = table[dim].values.tolist()
        ends = sorted({0, len(names) - 1})
        axis.set_ticks([n + 0.5 for n in ends], labels=[str(names[n]) for n in ends])


def _grid_scale(sheet: Sheet, data: xr.Dataset, top: float, table: xr.DataArray, is_signed: bool) -> None:
    axes = sheet.axes(LEFT, top, 1.8, 0.09)
    ramp, scale = np.linspace(0, 1, palette.LEVELS)[None], palette.DIVERGING if is_signed else palette.SEQUENTIAL
    axes.pcolormesh(ramp, cmap=scale.colours, edgecolors="face", linewidth=0.8)
    axes.set_yticks([])
    largest = "largest share" if is_share(table) else "largest value"
    marks = (
        {0: "below 0", palette.LEVELS / 2: "0", palette.LEVELS: largest}
        if is_signed
        else {0: "0", palette.LEVELS: largest}
    )
    axes.set_xticks(list(marks), labels=list(marks.values()))
    striped = f"\nstriped: under {100 * least(data):g}% off null" if is_off(data).any() else ""
    sheet.text(
        LEFT + 2.35, top - 0.02, f"layers down, heads across{striped}", color=palette.MUTED, size=style.SMALL_SIZE
    )
