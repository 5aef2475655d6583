"""What figures draw, each in axes that are given: a map of heads, its layers, relations by layer, profiles, scatters.

Drawn values can be read back from the artists: maps from `axes.collections[0].get_array()`, bars from `axes.patches`,
lines from `axes.lines`, dots from `axes.collections[0].get_offsets()`. Cells without evidence (NaN) are hatched.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Normalize, TwoSlopeNorm
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from attnmetrics.views import palette
from attnmetrics.views.certainty import bear, bounds_of_heads, layer_bounds, stored_bounds
from attnmetrics.views.correlations import in_words as correlation_in_words
from attnmetrics.views.correlations import over_heads_on, p_value
from attnmetrics.views.evidence import competing, is_off, least
from attnmetrics.views.figures import style
from attnmetrics.views.heads import ROLES, Standout, standout
from attnmetrics.views.numbers import percent
from attnmetrics.views.tables import (
    Labels,
    at_labels,
    beside,
    by_layer,
    caption,
    chance,
    in_words,
    is_share,
    kind,
    labels_of,
    largest,
    scale,
    select,
    select_layers,
    units,
    values,
)

_TEXT_HEIGHT: Final = 0.12
"""Inches that a bar needs for its value to be written beside it."""


# ---- heads, and the layers beside them


def heads(axes: Axes, table: xr.DataArray, top: float | None = None, scaled: xr.DataArray | None = None) -> QuadMesh:
    """Heat map of [layer, head], layer 0 on top; the strongest colour is `top`, or the largest value.

    Values below 0 have colours of their own. `scaled`: the values that make the scale, where these are fewer.
    """
    numbers = values(table)
    mesh = style.heat(axes, numbers, *style.ground(numbers if scaled is None else values(scaled), top))
    style.ticks(axes, "y", table["layer"].values.tolist())
    style.ticks(axes, "x", table["head"].values.tolist())
    style.name_axes(axes, x="head", y="layer")
    return mesh


def heads_of(axes: Axes, data: xr.Dataset, table: xr.DataArray, top: float | None = None) -> QuadMesh:
    """The same of a run's table: heads that are nearly switched off are striped, and set no scale."""
    mesh = heads(axes, table, top, competing(data, table))
    off = is_off(data) & np.isfinite(values(table))
    style.stripe(axes, off)
    if off.any():
        style.name_axes(axes, x=f"head; striped: under {100 * least(data):g}% off null", y="layer")
    return mesh


def layers(axes: Axes, data: xr.Dataset, metric: str, at: Labels, *, alone: bool = False) -> None:
    """Bars of a metric by layer, beside a map or alone, with its chance level as marks (`axes.collections[0]`).

    With lines for what else is drawn beside it: for the alignment with a link, the share of all pairs that are linked
    (Fig. 8), and what even attention would give. Where the run's intervals are with its results, each bar has its own
    as a line (the last of `axes.collections`).

    Raises:
        ConfigError: the run has no such metric by layer, or no such label.
    """
    table = select_layers(data, metric, at)
    bars(axes, table, layer_bounds(data, metric, at))
    lines = _lines_beside(axes, data, metric, at) + _chance_marks(axes, data, metric, at)
    _intervals(axes, data, metric, at)
    if alone:
        axes.set_ylim(len(table), 0)
        style.ticks(axes, "y", table["layer"].values.tolist())
        style.name_axes(axes, x="\n".join([scale(data[metric]), *lines]), y="layer")
    else:
        axes.tick_params(labelleft=False)
        style.name_axes(axes, x="\n".join(["by layer", *lines]))


def bars(axes: Axes, table: xr.DataArray, bounds: NDArray[np.float64] | None = None) -> None:
    """Bars of [row] values in the rows of a map; the values are written beside them where there is room.

    Given their bounds [row, bound], to the digits that these bear.
    """
    sizes = values(table)
    decimals = 0 if kind(table) == "count" or largest(sizes) >= 100 else 1 if largest(sizes) >= 10 else 2
    texts = [percent(size) if is_share(table) else f"{size:,.{decimals}f}" for size in sizes]
    if bounds is not None and np.isfinite(bounds).any():
        texts = [
            bear(table, size, *one)[0].removesuffix(f" {units(table)}") for size, one in zip(sizes, bounds, strict=True)
        ]
    style.bars(axes, sizes, texts, show_texts=style.size_of(axes)[1] / len(sizes) >= _TEXT_HEIGHT)
    style.few_ticks(axes, "x", share=is_share(table), number=3)


_CASING: Final = withStroke(linewidth=3, foreground=palette.SURFACE)
"""Around lines that cross bars."""
_LINES: Final = (("line", palette.BASELINE, "-"), ("dotted", palette.SERIES[2], ":"))
"""How what is drawn beside a metric is drawn, in its order."""


def _lines_beside(axes: Axes, data: xr.Dataset, metric: str, at: Labels) -> list[str]:
    """A line for each value that all layers share; what to say of them."""
    told = []
    for (name, colour, line), table in zip(_LINES, beside(data, data[metric]), strict=False):
        level = at_labels(table, at)
        value = float(level) if level.ndim == 0 else np.nan
        if np.isfinite(value):
            axes.axvline(value, color=colour, linestyle=line, linewidth=1.6, path_effects=[_CASING])
            axes.set_xlim(axes.get_xlim()[0], max(axes.get_xlim()[1], value * 1.1))
            told.append(f"{name}: {caption(table)} {percent(value)}")
    return told


def _chance_marks(axes: Axes, data: xr.Dataset, metric: str, at: Labels) -> list[str]:
    """A mark across each bar for the chance level; what to say of it, nothing where the metric has none."""
    twin = by_layer(data, metric)
    level = None if twin is None else chance(data, twin)
    if level is None:
        return []
    marks = np.broadcast_to(values(at_labels(level, at)), data.sizes["layer"])
    rows = np.arange(len(marks))
    axes.vlines(marks, rows + 0.06, rows + 0.94, color=palette.INK, linewidth=1.8, zorder=4)
    axes.set_xlim(axes.get_xlim()[0], max(axes.get_xlim()[1], largest(marks) * 1.1))
    return [f"marks: {caption(level)}"]


def _intervals(axes: Axes, data: xr.Dataset, metric: str, at: Labels) -> None:
    """A line along each bar's end."""
    found = layer_bounds(data, metric, at)
    if found is not None and np.isfinite(found).any():
        rows = np.arange(len(found)) + 0.5
        axes.hlines(rows, *found.T, color=palette.INK, linewidth=1.0, zorder=6)
        low, high = axes.get_xlim()
        axes.set_xlim(min(low, float(np.nanmin(found)) * 1.02), max(high, largest(found) * 1.02))


# ---- relations by layer

RELATION_SCALE: Final = "share ÷ the relation's mean"


def relations(data: xr.Dataset) -> xr.DataArray:
    """Shares [rel, layer] of the relations that are attended, sorted by the mean depth of the attention to them."""
    table = data["dependency_type_to_by_layer"].transpose("rel", "layer")
    return table.isel(rel=_by_depth(values(table)))


def _by_depth(table: NDArray[np.float64]) -> list[int]:
    """Rows [rel, layer] with any attention, by their centre of mass over layers."""
    filled = np.nan_to_num(table)
    mass = filled.sum(axis=1)
    centre = filled @ np.arange(table.shape[1]) / np.where(mass > 0, mass, 1)
    return [int(row) for row in np.argsort(centre, kind="stable") if mass[row] > 0]


def relation_map(axes: Axes, table: xr.DataArray) -> QuadMesh:
    """Heat map of [rel, layer]: each share ÷ the relation's mean over layers."""
    numbers = values(table)
    ratio = numbers / row_means(numbers)[:, None] if len(numbers) else np.full((1, 1), np.nan)
    mesh = style.heat(axes, ratio, TwoSlopeNorm(1, 0, max(2.0, largest(ratio))), palette.DIVERGING)
    names = [style.label(in_words(rel)) for rel in labels_of(table, "rel")]
    room = 72 * style.size_of(axes)[1] / max(len(names), 1)
    axes.set_yticks(np.arange(len(names)) + 0.5, labels=names, size=min(style.SMALL_SIZE, 0.8 * room))
    style.ticks(axes, "x", table["layer"].values.tolist())
    style.name_axes(axes, x="layer")
    return mesh


def row_means(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each row over its evidence."""
    return np.asarray(np.nansum(table, axis=1) / np.maximum(np.isfinite(table).sum(axis=1), 1), np.float64)


# ---- profiles


def offsets(axes: Axes, data: xr.Dataset) -> None:
    """Attention by offset i − j: mean over heads (line 0), the previous-piece head, the own-piece head."""
    table = data["attention_at_offset"]
    offsets = table["offset"].values.astype(float)
    numbers = values(table.transpose("layer", "head", "offset")).reshape(-1, len(offsets))
    kept = offsets >= (0 if not np.nansum(numbers[:, offsets < 0]) else offsets.min())
    if np.isfinite(numbers).any():
        _offset_lines(axes, data, numbers, kept, offsets)
    ends = [f"{offset:g}" for offset in offsets[kept]]
    _offset_axis(axes, offsets[kept], ends)


def _offset_lines(
    axes: Axes, data: xr.Dataset, numbers: NDArray[np.float64], kept: NDArray[np.bool_], x: NDArray[np.float64]
) -> None:
    rows = numbers[np.isfinite(numbers).any(axis=1)]
    low, high = np.percentile(rows[:, kept], (10, 90), axis=0)
    axes.fill_between(x[kept], low, high, color=palette.FAINT, linewidth=0, label="8 of 10 heads")
    axes.plot(x[kept], rows.mean(axis=0)[kept], color=palette.INK, linewidth=1.8, label="mean of heads")
    for role, colour in zip(_OFFSET_ROLES, palette.SERIES, strict=False):
        best = standout(data, role)
        if best is not None:
            line = values(data["attention_at_offset"].sel(layer=best.layer, head=best.head))[kept]
            name = f"layer {best.layer} head {best.head}: {role.title}"
            axes.plot(x[kept], line, color=colour, linewidth=1.2, marker="o", markersize=2.2, label=name)
            _offset_intervals(axes, data, best, kept, colour)
    axes.legend(loc="upper right", frameon=False, fontsize=style.SMALL_SIZE, labelcolor=palette.INK)


def _offset_intervals(axes: Axes, data: xr.Dataset, one: Standout, kept: NDArray[np.bool_], colour: str) -> None:
    """An upright line at each offset of a head, where the run has intervals."""
    found = stored_bounds(data, "attention_at_offset")
    if found is None:
        return
    layer, head = (data[dim].values.tolist().index(at) for dim, at in (("layer", one.layer), ("head", one.head)))
    x = data["offset"].values.astype(float)
    axes.vlines(x[kept], *found[layer, head][kept].T, color=colour, linewidth=0.8)


_OFFSET_ROLES: Final = tuple(role for role in ROLES if role.metric == "attention_at_offset")


def _offset_axis(axes: Axes, offsets: NDArray[np.float64], names: Sequence[str]) -> None:
    ends = {0: "≤ −32", len(offsets) - 1: "≥ 32"} if offsets[0] < 0 else {len(offsets) - 1: "≥ 32"}
    step = 8 if offsets[0] < 0 else 4
    kept = [n for n in range(len(offsets)) if n in ends or offsets[n] % step == 0]
    axes.set_xticks([offsets[n] for n in kept], labels=[ends.get(n, names[n].replace("-", "−")) for n in kept])
    axes.set_ylim(bottom=0)
    _light_frame(axes)
    style.few_ticks(axes, "y", share=True)
    style.name_axes(axes, x="attending − attended piece", y="share of attention")


# ---- the importance of attention


def importance(axes: Axes, data: xr.Dataset, kind: str) -> None:
    """By layer, a line for each kind of attended piece that there is: the mean of the heads' mean importances."""
    table = data["importance"]
    layers = table["layer"].values
    for special, colour in zip(labels_of(table, "special"), palette.SERIES, strict=False):
        means = values(at_labels(table, {"special": special, "kind": kind}).mean("head"))
        if np.isfinite(means).any():
            name = f"to {in_words(special)}"
            axes.plot(layers, means, color=colour, linewidth=1.4, marker="o", markersize=2.6, label=name)
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
    _light_frame(axes)
    axes.legend(loc="best", frameon=False, fontsize=style.SMALL_SIZE, labelcolor=palette.INK)
    style.name_axes(axes, x="layer", y=f"{kind}, nats")


def _light_frame(axes: Axes) -> None:
    axes.grid(axis="y", color=palette.FAINT, linewidth=0.6)
    axes.set_axisbelow(True)


def probability(axes: Axes, data: xr.Dataset) -> None:
    """The probability of a dependency by the distance of two pieces, from 1 (line 0)."""
    table = values(data["dependency_probability"])
    distances = data["pair_distance"].values.astype(float)
    sure = stored_bounds(data, "dependency_probability")
    if sure is not None:
        axes.vlines(distances[1:], *sure[1:].T, color=palette.INK, linewidth=0.8)
    axes.plot(distances[1:], table[1:], color=palette.BAR, linewidth=1.6, marker="o", markersize=2.6)
    _light_frame(axes)
    axes.set_ylim(bottom=0)
    axes.set_xticks([1, 5, 10, 20, 30, 40, 50, 64], labels=["1", "5", "10", "20", "30", "40", "50", "≥ 64"])
    style.few_ticks(axes, "y", share=True)
    style.name_axes(axes, x="distance in pieces", y="probability")


# ---- correlations

ALIGNMENT: Final = {"direction": "either"}
_AXIS: Final = {"entropy": "entropy in nats", "dependency_alignment": "alignment, either direction"}
_CORRELATION: Final = {"entropy": "distance_entropy", "dependency_alignment": "distance_alignment"}


def scatter(axes: Axes, data: xr.Dataset, metric: str) -> None:
    """Distance against a metric: a dot a head with evidence, the darker, the deeper.

    Heads that are nearly switched off are hollow (`axes.collections[1]`), and stand at the border where they lie beyond
    the range of the others.
    """
    other = select(data, metric, ALIGNMENT if metric == "dependency_alignment" else {})
    x, y = values(data["distance"]).ravel(), values(other).ravel()
    depth = np.repeat(np.arange(data.sizes["layer"]), data.sizes["head"])
    known, off = np.isfinite(x) & np.isfinite(y), is_off(data).ravel()
    norm = Normalize(-0.6 * len(data["layer"]), max(1, len(data["layer"]) - 1))
    levels = np.asarray(norm(depth.astype(float)) * (palette.LEVELS - 1), np.int64)
    colours = np.array(palette.SEQUENTIAL.light)[levels]
    on = known & ~off
    if on.sum() <= _FEW_HEADS:
        _crosses(axes, data, metric, x, y, on)
    axes.scatter(x[on], y[on], s=20, c=colours[on].tolist(), linewidths=0.4, edgecolors=palette.SURFACE)
    _hollow_dots(axes, x[known & off], y[known & off], colours[known & off].tolist())
    axes.grid(color=palette.FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    style.few_ticks(axes, "x", share=False)
    style.few_ticks(axes, "y", share=is_share(other))
    style.name_axes(axes, x="distance in pieces", y=_AXIS[metric])


_FEW_HEADS: Final = 48
"""With more, crosses of intervals would hide the dots."""


def _crosses(
    axes: Axes, data: xr.Dataset, metric: str, x: NDArray[np.float64], y: NDArray[np.float64], on: NDArray[np.bool_]
) -> None:
    """The intervals of heads on both axes, where the run has them."""
    across = bounds_of_heads(data, "distance", {})
    up = bounds_of_heads(data, metric, ALIGNMENT if metric == "dependency_alignment" else {})
    if across is not None:
        axes.hlines(y[on], *across[:, on], color=palette.MUTED, linewidth=0.7)
    if up is not None:
        axes.vlines(x[on], *up[:, on], color=palette.MUTED, linewidth=0.7)


def _hollow_dots(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], colours: list[str]) -> None:
    """Dots that widen no axis."""
    if not len(x):
        return
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    axes.scatter(
        np.clip(x, left, right), np.clip(y, bottom, top), s=18, facecolors="none", edgecolors=colours, linewidths=1,
        clip_on=False,
    )  # fmt: skip
    axes.set(xlim=(left, right), ylim=(bottom, top))


def correlation(data: xr.Dataset, metric: str) -> str:
    """Pearson's r of distance and a metric, and its p, as text; in lines below, without heads nearly switched off."""
    name = _CORRELATION[metric]
    r, p = float(data[f"{name}_r"]), float(data[f"{name}_p"])
    if np.isnan(r):
        return "too few heads for a correlation"
    sure = stored_bounds(data, f"{name}_r")
    interval = "" if sure is None or np.isnan(sure).any() else f" [{sure[0]:.2f} to {sure[1]:.2f}]"
    whole, without = f"r = {r:.2f}{interval}, {p_value(p)}".replace("-", "−"), over_heads_on(data, name)
    return whole if without is None else f"{whole}\nwithout hollow ones\n{correlation_in_words(*without)}"
