"""Figures 2 and 4 of Clark et al. (2019) in print: a dot a head, a line for the layer, by depth.

Drawn values can be read back: dots from `axes.collections`, one a series, lines from `axes.lines`, of each series first
the layer's (solid), then even attention (dotted), then what was published (dashed), as far as there are any. Intervals
of layers come after all dots in `axes.collections`, where they are with the results.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attnmetrics.errors import ConfigError
from attnmetrics.views import palette
from attnmetrics.views.certainty import layer_bounds
from attnmetrics.views.figures import style
from attnmetrics.views.figures.style import WIDEST, NewFigure, Sheet
from attnmetrics.views.papers.clark_2019 import published_layers
from attnmetrics.views.tables import (
    Labels,
    at_labels,
    chance,
    further,
    is_share,
    labels_of,
    scale,
    select,
    source,
    values,
)

_ROW: Final = 0.16
"""Inches of a name in the legend."""
_ASIDE: Final = 0.16
"""Layers between the dots of two series."""


@dataclass(frozen=True, slots=True)
class Dots:
    """A chart of a metric: its labels, and what they are called."""

    title: str
    metric: str
    names: dict[str, str]
    """label → name; an empty label where the metric has no further dimension"""


SURFACE: Final = (
    Dots(
        "To special pieces",
        "special_attention",
        {"first": "first piece", "separator": "separators", "punctuation": ". and ,"},
    ),
    Dots("To separators", "separator_attention", {"separator": "from separators", "other": "from others"}),
    Dots(
        "To neighbours",
        "neighbour_attention",
        {"previous": "previous", "current": "the piece itself", "next": "next"},
    ),
)
"""The panels of Figure 2."""
SPREAD: Final = (
    Dots("From all pieces", "entropy_all", {"": "entropy"}),
    Dots("From the first piece; causal: the last", "entropy_summary", {"": "entropy"}),
)
"""The panels of Figure 4."""
PANELS: Final = {panel.metric: panel for panel in (*SURFACE, *SPREAD)}


def surface(data: xr.Dataset, new: NewFigure = Figure) -> Figure:
    """Fig. 2 of Clark et al.: attention to special pieces (axes 0), separators (1) and neighbours (2), by layer."""
    return _sheet(data, SURFACE, "Attention to special pieces and neighbours, by layer", new)


def spread(data: xr.Dataset, new: NewFigure = Figure) -> Figure:
    """Fig. 4 of Clark et al.: entropy of attention from all pieces (axes 0), from the first or last one (1)."""
    return _sheet(data, SPREAD, "Entropy of attention, by layer", new)


def _sheet(data: xr.Dataset, panels: Sequence[Dots], name: str, new: NewFigure) -> Figure:
    about = "a dot is a head, the line its layer; dotted: even attention"
    dashed = "; dashed: BERT-base, as published" if published_layers(data) else ""
    step = min(3.2, (WIDEST - 0.2) / len(panels))
    sheet = Sheet(
        0.2 + step * len(panels),
        3.75 + _ROW * max(len(panel.names) for panel in panels),
        name,
        about + dashed,
        new,
        source(data),
    )
    for n, panel in enumerate(panels):
        left = 0.65 + step * n
        sheet.text(left - 0.2, 0.7, panel.title, weight="bold", size=style.SMALL_SIZE)
        axes = sheet.axes(left, 0.95, step - 0.6, 2.2)
        draw(axes, data, panel.metric)
        if legend := axes.get_legend():  # beneath, where it hides no dot
            legend.set_loc("upper left")
            legend.set_bbox_to_anchor((-0.06, -0.16), axes.transAxes)
    return sheet.figure


def draw(axes: Axes, data: xr.Dataset, metric: str) -> None:
    """One panel.

    Raises:
        ConfigError: the run has no such metric.
    """
    names = panel(metric).names
    if metric not in data:
        raise ConfigError(f"expected a run with {metric}, found one without it")
    table = data[metric]
    for n, (label, name) in enumerate(names.items()):
        at = {further(table)[0]: label} if label else {}
        if not label or label in labels_of(table, further(table)[0]):
            _series(axes, data, metric, at, name, n)
    for n, label in enumerate(names):
        _intervals(axes, data, metric, {further(table)[0]: label} if label else {}, n)
    _dress(axes, table, data["layer"].values.tolist())


def panel(metric: str) -> Dots:
    """The chart of a metric.

    Raises:
        ConfigError: it has none.
    """
    if metric not in PANELS:
        raise ConfigError(f"expected a metric of {', '.join(PANELS)}, found {metric!r}")
    return PANELS[metric]


def _series(axes: Axes, data: xr.Dataset, metric: str, at: Labels, name: str, n: int) -> None:
    """Dots, the layer's line, even attention, what was published; nothing where no head has evidence."""
    numbers, colour = values(select(data, metric, at)), palette.SERIES[n]
    if not np.isfinite(numbers).any():
        return
    place = np.arange(len(numbers))
    across = np.repeat(place + _ASIDE * (n - 1), numbers.shape[1])
    axes.scatter(across, numbers.ravel(), s=7, color=colour, alpha=0.45, linewidths=0)
    line = values(at_labels(data[f"{metric}_by_layer"], at))
    axes.plot(place, line, color=colour, linewidth=1.7, label=name)
    level = chance(data, data[metric])
    if level is not None and level.ndim == len(at):
        even = float(at_labels(level, at))
        axes.plot(place[[0, -1]], [even, even], color=colour, linewidth=0.9, linestyle=":")
    published = published_layers(data).get((metric, str(next(iter(at.values()), ""))))
    if published:
        axes.plot(place, published, color=colour, linewidth=0.9, linestyle="--")


def _intervals(axes: Axes, data: xr.Dataset, metric: str, at: Labels, n: int) -> None:
    """A line through each layer's value, where the run's intervals are with its results."""
    if any(label not in labels_of(data[metric], dim) for dim, label in at.items()):
        return
    found = layer_bounds(data, metric, at)
    if found is not None and np.isfinite(found).any():
        axes.vlines(np.arange(len(found)), *found.T, color=palette.SERIES[n], linewidth=2.6, alpha=0.5)


def _dress(axes: Axes, table: xr.DataArray, layers: Sequence[int]) -> None:
    axes.grid(axis="y", color=palette.FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_ylim(0, 1 if is_share(table) else None)
    step = 1 if len(layers) <= 12 else 5
    axes.set_xticks(range(0, len(layers), step), labels=[str(layer) for layer in layers[::step]])
    style.few_ticks(axes, "y", share=is_share(table))
    style.name_axes(axes, x="layer", y=scale(table))
    if axes.lines:
        axes.legend(loc="best", frameon=False, fontsize=style.SMALL_SIZE, labelcolor=palette.INK)
    else:
        note: dict[str, Any] = {
            "ha": "center",
            "size": style.SMALL_SIZE,
            "color": palette.MUTED,
            "family": "DejaVu Sans",
        }
        axes.text(0.5, 0.5, "no head has evidence", transform=axes.transAxes, **note)
