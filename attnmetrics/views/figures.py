"""The paper's figures on whole sheets, each a function of a run's Dataset that returns a matplotlib Figure.

Layers go down (layer 0 on top, as in the paper), heads across. `attnmetrics.views.charts` draws what is in the axes;
here are the sheets: titles, formulas, and what stands where. `new` makes the figure;
notebooks show those of `pyplot.figure`.

Source of all: Vig and Belinkov 2019, arXiv:1906.04284; figure numbers are theirs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from attnmetrics.errors import ConfigError
from attnmetrics.views import charts, layer_dots, palette, similarity, style
from attnmetrics.views.certainty import usual_reach
from attnmetrics.views.evidence import competing, is_off, least
from attnmetrics.views.exemplars import strongest
from attnmetrics.views.heads import EXAMPLE_ROLES, Role, Standout, per_head, standout
from attnmetrics.views.numbers import percent
from attnmetrics.views.pieces import readable, window
from attnmetrics.views.similarity_figure import CLUSTER, head_similarity
from attnmetrics.views.style import NewFigure, Sheet, label
from attnmetrics.views.tables import (
    Labels,
    at_labels,
    beside_chance,
    by_layer,
    by_themselves,
    caption,
    counts,
    further,
    heading,
    in_words,
    is_share,
    labels_of,
    of_heads,
    said,
    scale,
    select,
    shown,
    source,
    title,
    values,
)

_CELL: Final = 0.27
_HEADER: Final = 0.72
_FOOTER: Final = 1.06
_BARS: Final = 1.75
_LEFT: Final = 0.55


# ---- heat map of heads, with the layers beside it


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
    size = _map_size(select(data, metric, at))
    sheet = Sheet(*_map_extent(size), heading(data[metric], at), said(data[metric], "formula"), new, source(data))
    _head_panel(sheet, data, metric, at, _HEADER, top)
    return sheet.figure


def layer_bars(data: xr.Dataset, metric: str, at: Labels | None = None, new: NewFigure = Figure) -> Figure:
    """Any metric of heads, by layer (Fig. 8, Fig. 11 on the right).

    Raises:
        ConfigError: the run has no such metric or label.
    """
    at = at or {}
    _, height = _map_size(select(data, metric, at))
    name, formula = f"{heading(data[metric], at)}, by layer", said(data[metric], "formula")
    sheet = Sheet(4.2, _HEADER + height + 0.9, name, formula, new, source(data))
    charts.layers(sheet.axes(_LEFT, _HEADER, 2.9, height), data, metric, at, alone=True)
    return sheet.figure


def _map_size(table: xr.DataArray) -> tuple[float, float]:
    """Width and height of a heat map, inches."""
    layers, heads = table.sizes["layer"], table.sizes["head"]
    return float(np.clip(_CELL * heads, 1.9, 3.5)), float(np.clip(_CELL * layers, 0.9, 6.4))


def _map_extent(size: tuple[float, float]) -> tuple[float, float]:
    return _LEFT + size[0] + 0.25 + _BARS + 0.65, _HEADER + size[1] + _FOOTER


def _head_panel(
    sheet: Sheet, data: xr.Dataset, metric: str, at: Labels, place: float, top: float | None = None
) -> None:
    """Heat map, bars where the run has the metric by layer, and scale, `place` inches from the top."""
    table = select(data, metric, at)
    width, height = _map_size(table)
    axes = sheet.axes(_LEFT, place, width, height)
    mesh = charts.heads_of(axes, data, table, top)
    if by_layer(data, metric) is not None:
        charts.layers(sheet.axes(_LEFT + width + 0.25, place, _BARS, height, sharey=axes), data, metric, at)
    below = sheet.axes(_LEFT, place + height + 0.42, width, 0.09)
    bar = style.colour_bar(mesh, scale(table), share=is_share(table), cax=below)
    if reach := usual_reach(data, metric, at):
        bar.set_xlabel(f"{bar.get_xlabel()}\n{reach}")


# ---- Fig. 8


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
        left = _LEFT + column * _ABREAST
        sheet.text(left, _ABREAST_TOP - 0.2, label(in_words(direction), 36), weight="bold", size=6.5)
        _upright_panel(sheet, data, metric, {"direction": direction}, left, height)
    return sheet.figure


_ABREAST: Final = 2.1
"""Inches from one of three panels side by side to the next."""
_ABREAST_TOP: Final = 1.0


def _upright_panel(sheet: Sheet, data: xr.Dataset, metric: str, at: Labels, left: float, height: float) -> None:
    """A heat map, its scale, and beneath it the bars of the layers."""
    table, width = select(data, metric, at), _ABREAST - 0.4
    mesh = charts.heads_of(sheet.axes(left, _ABREAST_TOP, width, height), data, table)
    if by_layer(data, metric) is not None:
        charts.layers(sheet.axes(left, _ABREAST_TOP + height + 1.05, width, height), data, metric, at, alone=True)
    below = sheet.axes(left, _ABREAST_TOP + height + 0.42, width, 0.09)
    style.colour_bar(mesh, scale(table), share=is_share(table), cax=below)


# ---- Fig. A.1, A.2, and any other metric with labels

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
    about = [left_out, said(table, "formula"), "each map has its own scale, from 0 to its largest value"]
    sheet = Sheet(*grid.extent, name or title(table), "; ".join(filter(None, about)), new, source(data))
    for n, row in enumerate(kept):
        at = {dim: labels_of(table, dim)[row]}
        chance = None if level is None else at_labels(level, at)
        _grid_panel(sheet, data, at_labels(table, at), chance, in_words(at[dim]), grid, n)
    _grid_scale(sheet, data, grid.bottom + 0.12, table)
    return sheet.figure


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
    def _height(self) -> float:
        return float(np.clip(0.115 * self.layers, 0.7, 3.4))

    @property
    def columns(self) -> int:
        """Maps in a row."""
        return max(1, min(self.maps, int(6.2 // (self.width + _GRID_ASIDE))))

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
        return max(_LEFT + self.columns * (self.size[0] + _GRID_ASIDE), 4.2), self.bottom + 0.6

    def place(self, n: int) -> tuple[float, float]:
        """Left and top of a map."""
        row, column = divmod(n, self.columns)
        return _LEFT + column * (self.size[0] + _GRID_ASIDE), _GRID_TOP + row * (self.size[1] + _GRID_GAP)


_GRID_GAP: Final = 0.62
_GRID_ASIDE: Final = 0.33
_GRID_TALLEST: Final = 7.2
"""All rows of maps together."""
_GRID_LOWEST: Final = 0.72
"""A map of many layers is not lower."""
_GRID_TOP: Final = 1.08
"""Where the first row of maps begins."""


def _grid_panel(
    sheet: Sheet, data: xr.Dataset, table: xr.DataArray, chance: xr.DataArray | None, name: str, grid: _Grid, n: int
) -> None:
    """The map of a label; above it its largest value, and the chance level where heads share one."""
    (left, top), (width, height) = grid.place(n), grid.size
    axes, numbers = sheet.axes(left, top, width, height), values(competing(data, table))
    style.heat(axes, values(table), *style.ground(numbers), cells=grid.maps * numbers.size)
    style.stripe(axes, is_off(data) & np.isfinite(values(table)))
    _end_ticks(axes, table)
    sheet.text(left, top - 0.33, label(name, int(15.6 * (width + _GRID_ASIDE - 0.1))), weight="bold")
    largest = float(np.nanmax(numbers)) if np.isfinite(numbers).any() else float("nan")
    note = "no evidence" if np.isnan(largest) else "absent" if largest == 0 else f"max {shown(table, largest)}"
    beside = f", {_short(chance)} {shown(table, float(chance))}" if chance is not None and chance.ndim == 0 else ""
    sheet.text(left, top - 0.17, label(note + beside), size=style.SMALL_SIZE, color=palette.MUTED)


def _short(chance: xr.DataArray) -> str:
    """What a chance level is, in little room: "even attention" is "even"."""
    return caption(chance).removesuffix(" attention")


def _end_ticks(axes: Axes, table: xr.DataArray) -> None:
    """First and last layer and head only."""
    for axis, dim in ((axes.yaxis, "layer"), (axes.xaxis, "head")):
        names = table[dim].values.tolist()
        ends = sorted({0, len(names) - 1})
        axis.set_ticks([n + 0.5 for n in ends], labels=[str(names[n]) for n in ends])


def _grid_scale(sheet: Sheet, data: xr.Dataset, top: float, table: xr.DataArray) -> None:
    axes = sheet.axes(_LEFT, top, 1.8, 0.09)
    ramp = np.linspace(0, 1, palette.LEVELS)[None]
    axes.pcolormesh(ramp, cmap=palette.SEQUENTIAL.colours, edgecolors="face", linewidth=0.8)
    axes.set_yticks([])
    axes.set_xticks([0, palette.LEVELS], labels=["0", "largest share" if is_share(table) else "largest value"])
    striped = f"; striped: under {100 * least(data):g}% off null" if is_off(data).any() else ""
    sheet.text(
        _LEFT + 2.35, top - 0.02, f"layers down, heads across{striped}", color=palette.MUTED, size=style.SMALL_SIZE
    )


# ---- Fig. 9


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
    width = float(np.clip(_CELL * numbers.shape[1], 1.7, style.WIDEST - left - _BARS - 0.6))
    sheet = Sheet(
        left + width + 0.25 + _BARS + 0.3, _HEADER + height + _FOOTER, "Attention to each relation, by layer",
        "relative to the relation's mean over layers; sorted from low layers to deep ones", new, source(data),
    )  # fmt: skip
    axes = sheet.axes(left, _HEADER, width, height)
    mesh = charts.relation_map(axes, table)
    beside = sheet.axes(left + width + 0.25, _HEADER, _BARS, height, sharey=axes)
    if len(numbers):
        charts.bars(beside, table.mean("layer", keep_attrs=True))
        beside.tick_params(labelleft=False)
    style.name_axes(beside, x="mean share of attention")
    below = sheet.axes(left, _HEADER + height + 0.42, width, 0.09)
    style.colour_bar(mesh, charts.RELATION_SCALE, share=False, cax=below)
    return sheet.figure


# ---- profiles


def offset_profile(data: xr.Dataset, new: NewFigure = Figure) -> Figure:
    """Attention by offset i − j: mean over heads (line 0), the previous-piece head, the own-piece head."""
    subtitle = f"{said(data['attention_at_offset'], 'formula')}; positive: to earlier pieces"
    sheet = Sheet(6.4, 3.4, "Attention by offset", subtitle, new, source(data))
    charts.offsets(sheet.axes(0.62, 0.75, 5.5, 2.1), data)
    return sheet.figure


def dependency_probability(data: xr.Dataset, new: NewFigure = Figure) -> Figure:
    """Section 4.3: the probability that two pieces at a distance are in a dependency (line 0)."""
    name = title(data["dependency_probability"])
    sheet = Sheet(6.4, 3.2, name, "share of the pairs of pieces at that distance", new, source(data))
    charts.probability(sheet.axes(0.62, 0.72, 5.5, 1.95), data)
    return sheet.figure


def importance(data: xr.Dataset, new: NewFigure = Figure) -> Figure:
    """Clark et al. 2019, Fig. 3: importance by layer and kind of attended piece; raw (axes 0), centred, weighted."""
    kinds = [str(kind) for kind in labels_of(data["importance"], "kind")]
    name = f"{title(data['importance'])}, by layer"
    about = "mean over heads of the mean gradient a weight; without intervals"
    sheet = Sheet(0.15 + 2.2 * len(kinds), 3.5, name, about, new, source(data))
    for n, kind in enumerate(kinds):
        charts.importance(sheet.axes(0.65 + 2.2 * n, 0.85, 1.6, 2.1), data, kind)
    return sheet.figure


# ---- correlations


def correlations(data: xr.Dataset) -> Figure:
    """Section 4.4: distance against entropy (axes 0) and alignment (axes 1); a dot a head, coloured by layer."""
    return _scatters(data, ("entropy", "dependency_alignment"), "Distance, entropy and alignment of heads", Figure)


def correlation(data: xr.Dataset, metric: str, new: NewFigure = Figure) -> Figure:
    """Section 4.4: distance against `entropy` or `dependency_alignment`."""
    return _scatters(data, (metric,), f"Distance and {metric.removeprefix('dependency_')} of heads", new)


def _scatters(data: xr.Dataset, metrics: Sequence[str], name: str, new: NewFigure) -> Figure:
    hollow = "; hollow: nearly switched off" if is_off(data).any() else ""
    about = f"a dot is a head; the darker, the deeper{hollow}"
    sheet = Sheet(0.5 + 3.1 * len(metrics), 3.75, name, about, new, source(data))
    for n, metric in enumerate(metrics):
        charts.scatter(sheet.axes(0.65 + n * 3.1, 1.05, 2.45, 2.1), data, metric)
        sheet.text(0.65 + n * 3.1, 0.72, charts.correlation(data, metric), weight="bold", size=style.SMALL_SIZE)
    return sheet.figure


# ---- Fig. 4

_WINDOW: Final = 34


def example_heads(data: xr.Dataset, exemplars: pd.DataFrame, attention: pd.DataFrame | None = None) -> Figure:
    """Fig. 4: the most local, most distant and most diffuse head, each with the attention in its first exemplar.

    An axes a head; an arrow (`axes.patches[0]`) leads from the attending to the attended piece of the strongest pair,
    lines (the other patches) between those of all pairs from `_SEEN` on that the run has kept.

    Args:
        data: a run's results
        exemplars: its sentences
        attention: what `exemplar_attention` gives; without it, the strongest pair alone
    """
    found = [(role, standout(data, role)) for role in EXAMPLE_ROLES if role.metric in data]
    height = 0.7 + _EXAMPLE_STEP * len(found)
    name, about = "Three heads and a sentence of each", _EXAMPLE_HELP if attention is None else _WHOLE_HELP
    sheet = Sheet(style.WIDEST, height, name, about, source=source(data))
    for n, (role, best) in enumerate(found):
        top = 0.68 + _EXAMPLE_STEP * n
        sheet.text(0.12, top, _example_title(data, role, best), weight="bold", size=style.TEXT_SIZE + 0.5)
        axes = sheet.axes(0.12, top + 0.2, _EXAMPLE_WIDTH, _EXAMPLE_HEIGHT)
        axes.set(xticks=[], yticks=[], xlim=(0, _EXAMPLE_WIDTH), ylim=(0, _EXAMPLE_HEIGHT))
        row = _first_exemplar(exemplars, best)
        if row is None:
            axes.text(0, 1.2, "no sentence to show", size=style.TEXT_SIZE, color=palette.MUTED)
        else:
            _draw_sentence(axes, row, _weights_of(attention, row))
    return sheet.figure


_EXAMPLE_WIDTH: Final = 6.5
_EXAMPLE_HEIGHT: Final = 2.1
_EXAMPLE_STEP: Final = 2.45
_SEEN: Final = 0.02
"""Weights from here on are drawn."""
_EXAMPLE_MARGIN: Final = 0.5
"""Room for the first piece, which hangs to the left."""
_LINE: Final = 0.92
"""Where the pieces hang, in inches from the bottom."""
_EXAMPLE_HELP: Final = "an arc leads from the attending piece to the one it attends to most in that sentence"
_WHOLE_HELP: Final = "arcs: all attention from 2% on, as strong as it is; the arrow: the strongest pair"


def _example_title(data: xr.Dataset, role: Role, best: Standout | None) -> str:
    if best is None:
        return f"{role.title.capitalize()}: no head has evidence"
    at = {"layer": best.layer, "head": best.head}
    tables = [data[metric] for metric in ("distance", "entropy") if metric in data]
    facts = ", ".join(f"{table.name} {shown(table, float(at_labels(table, at)))}" for table in tables)
    return f"{role.title.capitalize()}: layer {best.layer} head {best.head} ({facts})"


def _first_exemplar(exemplars: pd.DataFrame, best: Standout | None) -> Any:
    if best is None or not len(exemplars):
        return None
    rows = strongest(exemplars[(exemplars["layer"] == best.layer) & (exemplars["head"] == best.head)])
    return rows.sort_values("rank").iloc[0] if len(rows) else None


Weights = Sequence[tuple[int, int, float]]
"""(i, j, α) of pairs of pieces."""


def _weights_of(attention: pd.DataFrame | None, row: Any) -> Weights:
    """The weights that the run has kept of a sentence, the largest last; none where it has not."""
    if attention is None:
        return []
    same = [attention[name] == row[name] for name in ("layer", "head", "claim", "bucket", "rank") if name in row]
    kept = attention[np.logical_and.reduce(same)]
    if kept.empty:
        return []
    entries = zip(*(np.asarray(kept.iloc[0][name]).tolist() for name in ("i", "j", "weight")), strict=True)
    return sorted((one for one in entries if one[2] >= _SEEN), key=lambda one: one[2])


def _draw_sentence(axes: Axes, row: Any, weights: Weights) -> None:
    """A sentence's pieces on a line, the arc of its strongest pair and those of others; coordinates are inches."""
    pieces = readable(list(row["pieces"]), str(row["text"]))
    i, j = int(row["i"]), int(row["j"])
    kept = window(len(pieces), i, j, _WINDOW)
    step = (_EXAMPLE_WIDTH - _EXAMPLE_MARGIN - 0.1) / max(len(kept), 18)
    place = {piece: _EXAMPLE_MARGIN + step * n for n, piece in enumerate(kept)}
    for n, piece in enumerate(kept):
        text = "…" if piece is None else label(pieces[piece].text, 14)
        _draw_piece(axes, _EXAMPLE_MARGIN + step * n, text, marked=piece in (i, j))
    _draw_arc(axes, place[i], place[j], float(row["weight"]))
    for start, end, weight in weights:
        if (start, end) != (i, j) and start in place and end in place:
            _draw_line(axes, place[start], place[end], weight)


def _draw_piece(axes: Axes, x: float, text: str, *, marked: bool) -> None:
    axes.text(
        x + 0.04, _LINE, text, rotation=60, rotation_mode="anchor", ha="right", va="top", size=style.TEXT_SIZE,
        family="DejaVu Sans", color=palette.INK if marked else palette.MUTED, weight="bold" if marked else "normal",
    )  # fmt: skip


def _arc(i: float, j: float, rise: float) -> Path:
    """From x = i to x = j over the line of pieces, `rise` high; a loop where they are one."""
    foot, top = _LINE + 0.06, _LINE + 0.06 + rise * 4 / 3
    lean = 0.12 * np.sign(j - i) * min(abs(j - i), 1.5) if i != j else 0.3
    start, end = (i, j) if i != j else (i + 0.06, i - 0.06)
    points = [(start, foot), (start + lean, top), (end - lean, top), (end, foot)]
    return Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])


def _draw_arc(axes: Axes, i: float, j: float, weight: float) -> None:
    rise = _rise(i, j)
    axes.add_patch(
        FancyArrowPatch(
            path=_arc(i, j, rise), arrowstyle="-|>", mutation_scale=9, shrinkA=0, shrinkB=0, color=palette.SERIES[0],
            linewidth=0.8 + 1.6 * weight,
        )
    )  # fmt: skip
    top = _LINE + 0.1 + rise
    axes.text((i + j) / 2, top, percent(weight), ha="center", va="bottom", size=style.SMALL_SIZE, color=palette.MUTED)


def _rise(i: float, j: float) -> float:
    """How high an arc is."""
    return float(np.clip(0.16 + 0.14 * abs(i - j), 0.2, 0.9))


def _draw_line(axes: Axes, i: float, j: float, weight: float) -> None:
    path = _arc(i, j, _rise(i, j))
    axes.add_patch(PathPatch(path, fill=False, edgecolor=palette.SERIES[0], alpha=min(1.0, weight), linewidth=1.0))


# ---- the list of all


@dataclass(frozen=True, slots=True)
class Panel:
    """A figure by itself: what its file is called, what it needs and how to draw it."""

    key: str
    number: str
    """The paper's number, empty for figures that it has not."""
    needs: tuple[str, ...]
    """The tables that it is drawn from."""
    draw: Callable[[xr.Dataset, pd.DataFrame], Figure]


def panels(data: xr.Dataset, attention: pd.DataFrame | None = None) -> list[Panel]:
    """Every figure that this run can give: the papers' in their order, then one of each other metric of heads.

    Args:
        data: a run's results
        attention: what `exemplar_attention` gives, for Fig. 4
    """
    similar = _similarity_panels() if similarity.has_map(data) else []
    known, others = (_given(data, panels) for panels in (_paper_panels(data, attention), [*_CLARK_PANELS, *similar]))
    drawn = {name for panel in known for name in panel.needs}
    return known + others + [_panel_of(name, table) for name, table in by_themselves(data).items() if name not in drawn]


def _paper_panels(data: xr.Dataset, attention: pd.DataFrame | None) -> list[Panel]:
    to, origin = _tag(data, "pos_to", "NOUN"), _tag(data, "pos_from", "PUNCT")
    scattered = ("distance", "entropy", "dependency_alignment", "distance_entropy_r", "distance_alignment_r")
    return [
        Panel("example-heads", "4", ("distance", "entropy"), lambda d, e: example_heads(d, e, attention)),
        Panel("null-attention", "5", ("null_attention",), lambda d, _: null_attention(d)),
        Panel(f"pos-to-{_slug(to)}", "6", ("pos_to",), lambda d, _: pos_to(d, to)),
        Panel(f"pos-from-{_slug(origin)}", "7", ("pos_from",), lambda d, _: pos_from(d, origin)),
        Panel("dependency-alignment", "8", ("dependency_alignment",), lambda d, _: dependency_alignment(d)),
        Panel("dependency-types", "9", _TYPES, lambda d, _: dependency_types(d)),
        Panel("variability", "10", ("variability",), lambda d, _: variability(d)),
        Panel("distance", "11", ("distance",), lambda d, _: distance(d)),
        Panel("entropy", "12", ("entropy",), lambda d, _: entropy(d)),
        Panel("all-pos-to", "A.1", ("pos_to",), lambda d, _: all_pos_to(d)),
        Panel("all-pos-from", "A.2", ("pos_from",), lambda d, _: all_pos_from(d)),
        Panel("offset-profile", "", ("attention_at_offset",), lambda d, _: offset_profile(d)),
        Panel("dependency-probability", "", ("dependency_probability",), lambda d, _: dependency_probability(d)),
        Panel("correlations", "", scattered, lambda d, _: correlations(d)),
        Panel("importance", "", ("importance",), lambda d, _: importance(d)),
    ]


_CLARK_PANELS: Final = [
    Panel(
        "clark-2019-figure-2", "", tuple(panel.metric for panel in layer_dots.SURFACE),
        lambda d, _: layer_dots.surface(d),
    ),
    Panel(
        "clark-2019-figure-4", "", tuple(panel.metric for panel in layer_dots.SPREAD),
        lambda d, _: layer_dots.spread(d),
    ),
]  # fmt: skip
"""Of the second paper; each metric in them has a map of its own as well."""


def _given(data: xr.Dataset, panels: Sequence[Panel]) -> list[Panel]:
    return [panel for panel in panels if all(name in data for name in panel.needs)]


def _similarity_panels() -> list[Panel]:
    return [
        Panel("head-similarity", "", similarity.TABLES, lambda d, _: head_similarity(d)),
        Panel("head-similarity-clusters", "", similarity.TABLES, lambda d, _: head_similarity(d, CLUSTER)),
    ]


_TYPES: Final = ("dependency_type_to", "dependency_type_to_by_layer")


def _panel_of(name: str, table: xr.DataArray) -> Panel:
    """A map of a metric of heads; of one with labels, a map a label."""
    draw = head_map if table.ndim == 2 else all_labels
    return Panel(name.replace("_", "-"), "", (name,), lambda data, _: draw(data, name))


def _tag(data: xr.Dataset, metric: str, wanted: str) -> str:
    """The paper's tag, or the one with most attention where the run has other tags."""
    if metric not in data or per_head(data, metric, {"pos": wanted}) is not None:
        return wanted
    total = np.nan_to_num(values(data[metric])).sum(axis=(0, 1))
    return str(labels_of(data[metric], "pos")[int(np.argmax(total))])


def _slug(tag: str) -> str:
    return "".join(char for char in tag.lower() if char.isascii() and char.isalnum()) or "tag"
