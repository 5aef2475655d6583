"""The map of heads in print, after Figure 6 of Clark et al. 2019: heads that attend alike, and layers beside them.

Drawn values can be read back: dots from `axes.collections[0].get_offsets()`, the map of layers from its `get_array()`.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from attnmetrics.errors import ConfigError
from attnmetrics.views import palette, similarity
from attnmetrics.views.evidence import competing, is_off
from attnmetrics.views.figures import style
from attnmetrics.views.figures.style import Sheet
from attnmetrics.views.numbers import percent
from attnmetrics.views.tables import Labels, heading, is_share, scale, select, source, title, units, values

LAYER: Final = "layer"
CLUSTER: Final = "cluster"
_SIZE: Final = 2.6
"""Inches of either map."""
_TOP: Final = 1.0
"""Inches above them."""


def head_similarity(
    data: xr.Dataset, colour: str = LAYER, at: Labels | None = None, new: Callable[..., Figure] = Figure
) -> Figure:
    """All heads on a map (axes 0), and how far layers are apart (axes 1).

    Args:
        data: a run's results
        colour: `layer`, `cluster`, or a metric of heads
        at: a label for each further dimension of the metric
        new: makes the figure

    Raises:
        ConfigError: the run has not compared its heads, or has no such metric or label.
    """
    require(data)
    shares = " and ".join(map(percent, similarity.explained(data[similarity.MAP])))
    about = [f"dots: {in_words(data, colour, at or {})}", f"axes hold {shares} of all distances" if shares else ""]
    named = "; ".join(filter(None, about))
    sheet = Sheet(2 * _SIZE + 1.5, _SIZE + 1.75, "Heads that attend alike", named, new, source(data))
    axes = sheet.axes(0.6, _TOP, _SIZE, _SIZE)
    dots = head_map(axes, data, colour, at)
    if dots.get_array() is not None:
        table = select(data, colour, at or {})
        below = sheet.axes(0.6, _TOP + _SIZE + 0.48, _SIZE, 0.07)
        style.colour_bar(dots, "", share=is_share(table), cax=below)
    left = 0.6 + _SIZE + 0.6
    sheet.text(left, _TOP - 0.25, title(data[similarity.LAYERS]), weight="bold")
    mesh = layer_map(sheet.axes(left, _TOP, _SIZE, _SIZE), data)
    style.colour_bar(mesh, "", share=False, cax=sheet.axes(left, _TOP + _SIZE + 0.48, _SIZE, 0.07))
    return sheet.figure


def require(data: xr.Dataset) -> None:
    """Refuse runs without a map of heads.

    Raises:
        ConfigError: this is one.
    """
    if not similarity.has_map(data):
        raise ConfigError(
            "expected a run that has compared its heads, found none of head_map, head_cluster and head_distance with "
            "evidence; measure the run with this version, and more text"
        )


def in_words(data: xr.Dataset, colour: str, at: Labels) -> str:
    """What the colours of dots say.

    Raises:
        ConfigError: the run has no such metric or label.
    """
    known = {LAYER: "the darker, the deeper the layer", CLUSTER: "colours and numbers are clusters"}
    if colour in known:
        return known[colour]
    table = select(data, colour, at)
    return f"{heading(table, at)} [{scale(table)}]"


def head_map(axes: Axes, data: xr.Dataset, colour: str = LAYER, at: Labels | None = None) -> PathCollection:
    """A dot a head; on both axes an inch is worth the same.

    Raises:
        ConfigError: as `head_similarity`.
    """
    require(data)
    points = values(data[similarity.MAP]).reshape(-1, 2)
    kept = np.isfinite(points).all(axis=1)
    x, y = points[kept].T
    looks: dict[str, Any] = {"s": 22, "linewidths": 0.4, "edgecolors": palette.MUTED}
    if colour in (LAYER, CLUSTER):
        colours = np.array(_layer_colours(data) if colour == LAYER else _cluster_colours(data))
        dots = axes.scatter(x, y, c=colours[kept].tolist(), **looks)
    else:
        table = select(data, colour, at or {})
        numbers = values(table).ravel()
        norm, colours_of = style.ground(values(competing(data, table)))
        cmap = colours_of.colours.with_extremes(bad=palette.NO_EVIDENCE)
        dots = axes.scatter(x, y, c=numbers[kept], norm=norm, cmap=cmap, plotnonfinite=True, **looks)
    off = is_off(data).ravel()[kept]
    if off.any():  # nearly switched off: hollow
        axes.scatter(x[off], y[off], s=7, color=palette.SURFACE, linewidths=0)
    if colour == CLUSTER:
        _number_clusters(axes, data, points)
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid(color=palette.FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    style.few_ticks(axes, "x", share=False)
    style.few_ticks(axes, "y", share=False)
    unit = units(data[similarity.MAP])
    style.name_axes(axes, x=f"axis 0, {unit}", y=f"axis 1, {unit}")
    return dots


def _layer_colours(data: xr.Dataset) -> list[str]:
    depth = np.repeat(np.linspace(0.25, 1, data.sizes["layer"]), data.sizes["head"])
    return [palette.SEQUENTIAL.light[int(share * (palette.LEVELS - 1))] for share in depth]


def _cluster_colours(data: xr.Dataset) -> list[str]:
    numbers = values(data[similarity.CLUSTER]).ravel()
    ring = palette.HEADS_LIGHT
    return [palette.NO_EVIDENCE if np.isnan(number) else ring[int(number) % len(ring)] for number in numbers]


def _number_clusters(axes: Axes, data: xr.Dataset, points: NDArray[np.float64]) -> None:
    """A cluster's number in the middle of its heads; beside the one head of a cluster that has no more."""
    groups = values(data[similarity.CLUSTER]).ravel()
    for number in np.unique(groups[np.isfinite(groups)]).tolist():
        own = points[groups == number]
        x, y = np.nanmean(own, axis=0)
        shift = (6, 0) if len(own) == 1 else (0, 0)
        axes.annotate(
            f"{number:.0f}", (x, y), shift, textcoords="offset points", ha="left" if len(own) == 1 else "center",
            va="center", size=style.TEXT_SIZE + 1, weight="bold", color=palette.INK, family="DejaVu Sans",
            path_effects=[withStroke(linewidth=2.5, foreground=palette.SURFACE)],
        )  # fmt: skip


def layer_map(axes: Axes, data: xr.Dataset) -> QuadMesh:
    """How far the heads of two layers are apart.

    Raises:
        ConfigError: as `head_similarity`.
    """
    require(data)
    table = data[similarity.LAYERS]
    mesh = style.heat(axes, values(table), *style.ground(values(table)))
    names = table["layer"].values.tolist()
    style.ticks(axes, "y", names)
    style.ticks(axes, "x", names)
    style.name_axes(axes, x=f"layer; colours in {units(table)}", y="layer")
    return mesh
