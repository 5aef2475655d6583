"""A head: its metrics with their rank among all heads, and what it looks at more than others do."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attnmetrics.views.evidence import competing, evidence, from_how_much
from attnmetrics.views.numbers import percent
from attnmetrics.views.places import find_place, rank_table
from attnmetrics.views.tables import (
    Labels,
    at_labels,
    by_themselves,
    caption,
    further,
    heading,
    in_words,
    labels_of,
    shown,
    title,
    values,
)
from attnmetrics.views.terminal.asked import require_head
from attnmetrics.views.terminal.beside import AGAINST, Beside, about_intervals
from attnmetrics.views.terminal.light_table import LightTable
from attnmetrics.views.terminal.similarity import show_nearest
from attnmetrics.views.terminal.style import FAINT

_FEW_LABELS: Final = 4
"""With no more labels than these, a metric of a head has a row for each; with more, a table of the largest."""


def show_head(data: xr.Dataset, layer: int, head: int, does: Sequence[RenderableType] = ()) -> RenderableType:
    """A head's metrics with their rank among all heads (1 = highest), and what it looks at more than others do.

    Args:
        data: a run's results.
        layer: of the head.
        head: of the layer.
        does: what it does in words, which stands beneath its name.

    Raises:
        ConfigError: the run has no such head.
    """
    require_head(layer, head, data["layer"].values.tolist(), data["head"].values.tolist())
    tables = [Beside.of(data, name) for name in by_themselves(data)]
    many = [one for one in tables if one.table.ndim > 2 and one.table.shape[2] > _FEW_LABELS]
    profiles = Columns([_profile(one, layer, head) for one in many], padding=(0, 3))
    name = Text(f"layer {layer} head {head}", style="bold")
    whole, near = _metrics(data, tables, layer, head), show_nearest(data, layer, head)
    top = [name, *does, *_how_much(data, layer, head), Text()]
    return Group(*top, whole, *near, Text(), profiles, *about_intervals(data, tables[0]))


def _how_much(data: xr.Dataset, layer: int, head: int) -> list[RenderableType]:
    """From how much of its attention the numbers of a head are."""
    off = from_how_much(data, layer, head)
    if off:
        words = f"nearly switched off on this text: what is not of all its attention is {off}, and says little"
        return [Text(words, style="yellow")]
    share = percent(float(at_labels(evidence(data), {"layer": layer, "head": head})))
    return [Text(f"{share} of its attention is off null pieces", style=FAINT)]


def _metrics(data: xr.Dataset, tables: Sequence[Beside], layer: int, head: int) -> Table:
    """A row for what has one value a head, then for each label of what has few."""
    at = {"layer": layer, "head": head}
    sure = [one.sure.title for one in tables if one.sure][:1]
    chance = ["chance", AGAINST, "chance is"] if any(one.level is not None for one in tables) else []
    result = LightTable("metric", "", *sure, "rank", "median", *chance)
    few = [one for one in tables if one.table.ndim > 2 and one.table.shape[2] <= _FEW_LABELS]
    rows: list[tuple[Beside, Labels]] = [(one, {}) for one in tables if one.table.ndim == 2]
    for one in few:
        (dim,) = further(one.table)
        rows += [(one, {dim: label}) for label in labels_of(one.table, dim)]
    for one, label in rows:
        result.add_row(Text(heading(one.table, label)), *_metric_row(data, one, at, label, bool(sure)))
    return result


def _metric_row(data: xr.Dataset, one: Beside, at: dict[str, int], label: Labels, has_intervals: bool) -> list[str]:
    """The value of a head at a label, its interval, its rank, the median of all that compete, its chance level."""
    here = {**at, **label}
    value = float(at_labels(one.table, here))
    interval = [one.interval(value, here)] if has_intervals else []
    numbers = values(competing(data, at_labels(one.table, label)))
    median = float(np.nanmedian(numbers)) if np.isfinite(numbers).any() else float("nan")
    told = [*one.against(value, here), caption(one.level)] if one.level is not None else []
    return [one.told(value, here), *interval, _rank(data, one.table, at, label), shown(one.table, median), *told]


def _rank(data: xr.Dataset, table: xr.DataArray, at: dict[str, int], label: Labels) -> str:
    """Where a head stands among those that compete: the interval of its rank where there is one, else its rank."""
    place = find_place(data, str(table.name), label, at, rank_table(data, str(table.name), label))
    return "–" if place is None else f"{place.told} of {place.of}"


def _profile(one: Beside, layer: int, head: int, most: int = 5) -> Table:
    """The largest values of a head beside the mean of all heads."""
    table = one.table
    (dim,) = further(table)
    at = {"layer": layer, "head": head}
    own = values(at_labels(table, at))
    result = one.layout(title(table), "", then=["mean"])
    order = [int(n) for n in np.argsort(-np.nan_to_num(own), kind="stable")[:most] if own[n] > 0]
    for n in order:
        label = labels_of(table, dim)[n]
        mean = float(np.nanmean(values(at_labels(table, {dim: label}))))
        result.add_row(Text(in_words(label)), *one.cells(float(own[n]), {**at, dim: label}, shown(table, mean)))
    if not order:
        result.add_row(Text("no evidence", style=FAINT))
    return result
