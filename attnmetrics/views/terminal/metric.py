"""A metric as tables: of heads a heat table and the top heads; of layers, labels and the corpus all values."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attnmetrics.views.certainty import MEAN_OF_HEADS, reach_of_heads
from attnmetrics.views.correlations import without_off
from attnmetrics.views.evidence import competing, from_how_much, is_off, off_in_words
from attnmetrics.views.heads import ranked
from attnmetrics.views.places import rank_table
from attnmetrics.views.tables import (
    HEAD,
    Labels,
    at_labels,
    caption,
    dim_title,
    further,
    heading,
    in_words,
    is_magnitude,
    is_of_all_attention,
    labels_of,
    said,
    shown,
    units,
    values,
)
from attnmetrics.views.terminal.asked import known_label, known_name, refuse_label
from attnmetrics.views.terminal.beside import Beside, about_intervals
from attnmetrics.views.terminal.heat import WIDEST_HEAT, heat_table, short
from attnmetrics.views.terminal.light_table import LightTable
from attnmetrics.views.terminal.similarity import show_compared
from attnmetrics.views.terminal.style import FAINT


def show_metric(data: xr.Dataset, name: str, top: int = 10, label: str | None = None) -> RenderableType:
    """A metric as tables: of heads a heat table and the top heads; of layers, labels and the corpus all values.

    Where the run has the metric's chance level, it stands beside the values.

    Args:
        data: a run's results
        name: of any of its variables
        top: heads to list
        label: of the metric's further dimension (a tag, a relation, a direction, an offset); without it a metric with
            such a dimension shows each label's mean and top head. Of two further dimensions, both: "row, nsubj"

    Raises:
        ConfigError: no such metric or label.
    """
    refuse_label(data, name)
    whole = data[known_name(name, [str(key) for key in data.data_vars], "metric")]
    if label is None and (told := show_compared(whole, top)):
        return Group(*_heading(whole, {}), *told)
    beside = Beside.of(data, name)
    at = {} if label is None else known_label(beside.table, name, label)
    body = _metric_body(data, beside.at(at), at, top)
    return Group(*_heading(beside.table, at), *body, *about_intervals(data, beside))


def _metric_body(data: xr.Dataset, beside: "Beside", at: Labels, top: int) -> Sequence[RenderableType]:
    table = beside.table
    if table.ndim == 0:
        return [_single(beside), *_without_off(data, table)]
    if table.dims[:2] != HEAD:
        return [_list(beside)] if table.ndim == 1 else [_matrix(table, beside.level), *_intervals_are(beside)]
    ranks = rank_table(data, str(table.name), at)
    if table.ndim > 2:
        return [_by_label(beside, ranks), Text(MEAN_OF_HEADS, style=FAINT), *_off(data, table, top)]
    heat = [_heat(data, table), *_reach(data, beside), Text()] if table.sizes["head"] <= WIDEST_HEAT else []
    return [*heat, *_how_ranked(table, beside.level), _top_heads(beside, ranks, top), *_off(data, table, top)]


def _reach(data: xr.Dataset, beside: Beside) -> list[RenderableType]:
    """How far the intervals of a map's heads reach, where there are any."""
    told = reach_of_heads(data, beside.sure) if beside.sure else ""
    return [Text(told, style=FAINT)] if told else []


def _intervals_are(beside: Beside) -> list[RenderableType]:
    """Where the intervals of a table are that has no room for them."""
    return [Text(f"--label shows the {beside.sure.title}s of one row", style=FAINT)] if beside.sure else []


def _single(beside: "Beside") -> Text:
    """A single number, and what stands beside it."""
    value = float(beside.table)
    told = [beside.told(value, {})]
    if beside.sure:
        told.append(f"{beside.sure.title} {beside.interval(value, {})}")
    return Text(", chance ".join([", ".join(told), *beside.chance({})]))


def _how_ranked(table: xr.DataArray, level: xr.DataArray | None) -> list[RenderableType]:
    """Said where heads are ranked by other values than the table's."""
    if level is None or not table.attrs.get("excess"):
        return []
    return [Text(f"ranked by what is beyond {caption(level)}", style=FAINT)]


def _off(data: xr.Dataset, table: xr.DataArray, top: int) -> list[RenderableType]:
    """The heads that are nearly switched off, and where each has one value, that; nothing of tables of all α."""
    off = np.argwhere(is_off(data)).tolist()
    if not off or is_of_all_attention(table):
        return []
    if table.ndim > 2:
        return [Text(), Text(off_in_words(data), style=FAINT)]
    result = LightTable("nearly switched off on this text: no rank", "", "")
    for a, b in off[:top]:
        layer, head = table["layer"].values.tolist()[a], table["head"].values.tolist()[b]
        value = shown(table, float(values(table)[a, b]))
        result.add_row(f"layer {layer} head {head}", value, Text(from_how_much(data, layer, head), style=FAINT))
    if len(off) > top:
        result.add_row(f"… {len(off) - top} more")
    return [Text(), result]


def _without_off(data: xr.Dataset, table: xr.DataArray) -> list[RenderableType]:
    """Of a correlation over heads, that over those that are not nearly switched off."""
    told = without_off(data, str(table.name))
    return [] if told is None else [Text(told, style=FAINT)]


def _heading(table: xr.DataArray, at: Labels) -> list[RenderableType]:
    formula = said(table, "formula")
    about_it = [Text(f"{formula} [{units(table)}]", style=FAINT)] if formula else []
    return [Text(heading(table, at), style="bold"), *about_it, Text()]


def _heat(data: xr.Dataset, table: xr.DataArray) -> Table:
    """A heat table in which heads that are nearly switched off have no colour and set no scale."""
    kept = competing(data, table)
    return heat_table(table, values(kept))


def _top_heads(beside: Beside, ranks: xr.DataArray, top: int) -> Table:
    """The first heads in order of `ranks` and the last one: the highest first, of distances to a head the lowest."""
    heads = list(enumerate(ranked(ranks, lowest=not is_magnitude(beside.table)), 1))
    result = beside.layout("rank", "head", "")

    def add(rank: int, layer: int, head: int) -> None:
        at = {"layer": layer, "head": head}
        value = float(at_labels(beside.table, at))
        result.add_row(str(rank), f"layer {layer} head {head}", *beside.cells(value, at))

    for rank, (layer, head, _) in heads[:top]:
        add(rank, layer, head)
    if len(heads) > top + 1:
        result.add_row("…")
    for rank, (layer, head, _) in heads[top:][-1:]:
        add(rank, layer, head)
    return result


def _by_label(beside: Beside, ranks: xr.DataArray) -> RenderableType:
    """For each label the mean over heads, and the head that is first by `ranks`, where there is evidence."""
    table = beside.table
    (dim,) = further(table)
    result = beside.layout(dim_title(table, dim), "mean of heads", "first", then=["head"])
    for label in labels_of(table, dim):
        one = at_labels(table, {dim: label})
        best = ranked(at_labels(ranks, {dim: label}))
        if best and best[0][2] != 0:
            layer, head, _ = best[0]
            at: Labels = {"layer": layer, "head": head, dim: label}
            mean, value = shown(table, float(np.nanmean(values(one)))), float(at_labels(table, at))
            cells = beside.cells(value, at, f"layer {layer} head {head}")
            result.add_row(Text(in_words(label)), mean, *cells)
    return result if result.row_count else Text("no head has evidence in this run")


def _list(beside: Beside) -> Table:
    dim = str(beside.table.dims[0])
    result = beside.layout(dim_title(beside.table, dim), "")
    for label, value in zip(labels_of(beside.table, dim), values(beside.table).tolist(), strict=True):
        result.add_row(Text(in_words(label)), *beside.cells(value, {dim: label}))
    return result


def _matrix(table: xr.DataArray, level: xr.DataArray | None) -> Table:
    """[layer, label] with labels down, so that any number of them fits; a chance level that all layers share beside."""
    across, down = map(str, table.dims)
    shared = level if level is not None and across not in level.dims else None
    beside = [] if shared is None else [caption(shared)]
    result = LightTable(dim_title(table, down), *map(str, labels_of(table, across)), *beside)
    for label in labels_of(table, down):
        row = values(at_labels(table, {down: label}))
        if np.nan_to_num(row).any():
            cells = ("–" if np.isnan(value) else short(table, value) for value in row)
            result.add_row(Text(in_words(label)), *cells, *Beside(table, shared, None).chance({down: label}))
    return result
