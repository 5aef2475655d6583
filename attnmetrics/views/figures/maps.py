"""Maps of heads on a sheet, with the layers beside them: Figures 5 to 12, and any metric of one value a head."""

from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure

from attnmetrics.views.certainty import usual_reach
from attnmetrics.views.figures import charts, style
from attnmetrics.views.figures.style import BARS, CELL, FOOTER, HEADER, LEFT, NewFigure, Sheet, label
from attnmetrics.views.tables import (
    Labels,
    by_layer,
    heading,
    in_words,
    is_share,
    labels_of,
    said,
    scale,
    select,
    source,
    title,
    values,
)


def null_attention(data: xr.Dataset) -> Figure:
    """Fig. 5: share of attention that goes to null pieces, per head and per layer."""
    return head_map(data, "null_attention")


def pos_to(data: xr.Dataset, tag: str) -> Figure:
    """Fig. 6: share of a head's attention that goes to pieces with this tag."""
    return head_map(data, "pos_to", {"pos": tag})


def pos_from(data: xr.Dataset, tag: str) -> Figure:
    """Fig. 7: share of a head's attention that comes from pieces with this tag."""
    return head_map(data, "pos_from", {"pos": tag})


def variability(data: xr.Dataset) -> Figure:
    """Fig. 10: how much a head's attention depends on the sentence."""
    return head_map(data, "variability")


def distance(data: xr.Dataset) -> Figure:
    """Fig. 11: mean distance that attention spans, in pieces."""
    return head_map(data, "distance")


def entropy(data: xr.Dataset) -> Figure:
    """Fig. 12: mean entropy of a row of attention, in nats."""
    return head_map(data, "entropy")


def head_map(
    data: xr.Dataset, metric: str, at: Labels | None = None, top: float | None = None, new: NewFigure = Figure
) -> Figure:
    """Any metric of heads: heat map (axes 0) and by-layer bars (axes 1; the colour bar is axes 2).

    Args:
        data: a run's results
        metric: name of a [layer, head, …] variable
        at: a label for each further dimension
        top: value of the strongest colour; the largest one by default
        new: makes the figure

    Raises:
        ConfigError: the run has no such metric or label.
    """
    at = at or {}
    size, has_bars = _map_size(select(data, metric, at)), by_layer(data, metric) is not None
    sheet = Sheet(
        *_map_extent(size, has_bars), heading(data[metric], at), said(data[metric], "formula"), new, source(data)
    )
    _head_panel(sheet, data, metric, at, HEADER, top)
    return sheet.figure


def layer_bars(data: xr.Dataset, metric: str, at: Labels | None = None, new: NewFigure = Figure) -> Figure:
    """Any metric of heads, by layer (Fig. 8, Fig. 11 on the right).

    Raises:
        ConfigError: the run has no such metric or label.
    """
    at = at or {}
    _, height = _map_size(select(data, metric, at))
    name, formula = f"{heading(data[metric], at)}, by layer", said(data[metric], "formula")
    sheet = Sheet(4.2, HEADER + height + 0.9, name, formula, new, source(data))
    charts.layers(sheet.axes(LEFT, HEADER, 2.9, height), data, metric, at, alone=True)
    return sheet.figure


def _map_size(table: xr.DataArray) -> tuple[float, float]:
    """Width and height of a heat map, inches."""
    layers, heads = table.sizes["layer"], table.sizes["head"]
    return float(np.clip(CELL * heads, 1.9, 3.5)), float(np.clip(CELL * layers, 0.9, 6.4))


def _map_extent(size: tuple[float, float], has_bars: bool) -> tuple[float, float]:
    beside = 0.25 + BARS + 0.65 if has_bars else 0.4
    return max(LEFT + size[0] + beside, _NARROWEST), HEADER + size[1] + FOOTER


def _head_panel(
    sheet: Sheet, data: xr.Dataset, metric: str, at: Labels, place: float, top: float | None = None
) -> None:
    """Heat map, bars where the run has the metric by layer, and scale, `place` inches from the top."""
    table = select(data, metric, at)
    width, height = _map_size(table)
    axes = sheet.axes(LEFT, place, width, height)
    mesh = charts.heads_of(axes, data, table, top)
    if by_layer(data, metric) is not None:
        charts.layers(sheet.axes(LEFT + width + 0.25, place, BARS, height, sharey=axes), data, metric, at)
    _scale(sheet.axes(LEFT, place + height + 0.42, width, 0.09), mesh, data, metric, at)


def _scale(axes: Axes, mesh: Collection, data: xr.Dataset, metric: str, at: Labels, *, is_narrow: bool = False) -> None:
    """What the colours of a map mean, and how far the intervals of its heads reach."""
    table = select(data, metric, at)
    bar = style.colour_bar(mesh, scale(table), share=is_share(table), cax=axes)
    if reach := usual_reach(data, metric, at):
        bar.set_xlabel(f"{bar.get_xlabel()}\n{reach.partition(' (')[0] if is_narrow else reach}")


def dependency_alignment(data: xr.Dataset, new: NewFigure = Figure) -> Figure:
    """Fig. 8: attention along dependencies, three directions, beside what a head without syntax would give.

    Orange, the share of pairs in a dependency; dotted, even attention; marks, what a layer's distances alone give.
    """
    metric = "dependency_alignment"
    directions = labels_of(data[metric], "direction")
    height = float(np.clip(0.2 * data.sizes["layer"], 0.9, 2.8))
    bottom = _ABREAST_TOP + 2 * height + 2.05
    sheet = Sheet(style.WIDEST, bottom, title(data[metric]), said(data[metric], "formula"), new, source(data))
    for column, direction in enumerate(directions):
        left = LEFT + column * _ABREAST
        sheet.text(left, _ABREAST_TOP - 0.2, label(in_words(direction), 36), weight="bold", size=6.5)
        _upright_panel(sheet, data, metric, {"direction": direction}, left, height)
    return sheet.figure


_NARROWEST: Final = 4.2
"""Inches of a sheet whose title can be read."""
_ABREAST: Final = 2.1
"""Inches from one of three panels side by side to the next."""
_ABREAST_TOP: Final = 1.0


def _upright_panel(sheet: Sheet, data: xr.Dataset, metric: str, at: Labels, left: float, height: float) -> None:
    """A heat map, its scale, and beneath it the bars of the layers."""
    table, width = select(data, metric, at), _ABREAST - 0.4
    mesh = charts.heads_of(sheet.axes(left, _ABREAST_TOP, width, height), data, table)
    if by_layer(data, metric) is not None:
        charts.layers(sheet.axes(left, _ABREAST_TOP + height + 1.05, width, height), data, metric, at, alone=True)
    _scale(sheet.axes(left, _ABREAST_TOP + height + 0.42, width, 0.09), mesh, data, metric, at, is_narrow=True)


def dependency_types(data: xr.Dataset, new: NewFigure = Figure) -> Figure:
    """Fig. 9: where in depth each relation is attended to.

    Axes 0, [rel, layer]: the share of a layer's attention that goes to the relation ÷ its mean over the layers.
    Axes 1, [rel]: that mean. Relations sorted by the mean depth of the attention to them; those never attended are
    left out.
    """
    table = charts.relations(data)
    numbers, names = values(table), labels_of(table, "rel")
    height = max(0.6, min(0.17 * len(numbers), 7.2))
    left = 0.35 + 0.068 * max([len(label(str(name))) for name in names], default=4)
    width = float(np.clip(CELL * numbers.shape[1], 1.7, style.WIDEST - left - BARS - 0.85))
    sheet = Sheet(
        left + width + 0.25 + BARS + 0.55, HEADER + height + FOOTER, "Attention to each relation, by layer",
        "relative to the relation's mean over layers; sorted from low layers to deep ones", new, source(data),
    )  # fmt: skip
    axes = sheet.axes(left, HEADER, width, height)
    mesh = charts.relation_map(axes, table)
    beside = sheet.axes(left + width + 0.25, HEADER, BARS, height, sharey=axes)
    if len(numbers):
        charts.bars(beside, table.mean("layer", keep_attrs=True))
        beside.tick_params(labelleft=False)
    style.name_axes(beside, x="mean share of attention")
    below = sheet.axes(left, HEADER + height + 0.42, width, 0.09)
    style.colour_bar(mesh, charts.RELATION_SCALE, share=False, cax=below)
    return sheet.figure
