"""How alike heads are: pairs, places on a map, groups, the nearest of a head."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from attnmetrics.views import similarity
from attnmetrics.views.certainty import OF_PAIRS
from attnmetrics.views.numbers import percent
from attnmetrics.views.tables import is_magnitude, labels_of, shown, title, values
from attnmetrics.views.terminal.heat import WIDEST_HEAT, heat_table
from attnmetrics.views.terminal.light_table import LightTable
from attnmetrics.views.terminal.style import FAINT


def show_compared(table: xr.DataArray, top: int) -> Sequence[RenderableType]:
    """A table by which heads are compared: pairs, places on a map, groups; nothing of any other table."""
    if is_magnitude(table):
        return []
    if "other_head" in table.dims:
        return [_pairs(table, top), Text(OF_PAIRS.lower().rstrip("."), style=FAINT)]
    if "axis" in table.dims:
        return [_places(table), *_explained(table)]
    whole = table.assign_attrs(kind="count")
    heat: list[RenderableType] = [heat_table(whole), Text()] if table.sizes["head"] <= WIDEST_HEAT else []
    return [*heat, _groups(table)]


def _name(head: similarity.Head) -> str:
    return f"layer {head[0]} head {head[1]}"


def _pairs(table: xr.DataArray, top: int) -> Table:
    """The pairs of heads that are nearest, and those that are farthest apart."""
    found = similarity.pairs(table)
    result = LightTable("rank", "head", "other head", "")
    shown_ranks = [n for n in range(len(found)) if n < top or n >= len(found) - top]
    for before, rank in zip([-1, *shown_ranks], shown_ranks, strict=False):
        if rank > before + 1:
            result.add_row("…")
        pair = found[rank]
        result.add_row(str(rank + 1), _name(pair.one), _name(pair.other), shown(table, pair.distance))
    return result


def _places(table: xr.DataArray) -> Table:
    result = LightTable("head", *(f"axis {axis}" for axis in labels_of(table, "axis")))
    for head, place in zip(similarity.heads_of(table), values(table).reshape(-1, table.shape[-1]), strict=True):
        result.add_row(_name(head), *("–" if np.isnan(value) else f"{value:.3f}" for value in place.tolist()))
    return result


def _explained(table: xr.DataArray) -> list[RenderableType]:
    shares = [percent(share) for share in similarity.explained(table)]
    return [Text(), Text(f"the axes hold {' and '.join(shares)} of all distances", style=FAINT)] if shares else []


def _groups(table: xr.DataArray) -> Table:
    """The heads of each cluster."""
    result = LightTable("cluster", "heads", "")
    result.columns[-1].justify, result.columns[-1].no_wrap = "left", False
    for number, heads in similarity.clusters(table).items():
        result.add_row(str(number), str(len(heads)), Text(", ".join(f"{layer}.{head}" for layer, head in heads)))
    return result


_NEAR: Final = 5
"""Heads told beside a head that attend most alike."""


def show_nearest(data: xr.Dataset, layer: int, head: int) -> list[RenderableType]:
    """The heads that attend most like this one; nothing where the run does not compare heads."""
    if not similarity.has_map(data):
        return []
    table = data[similarity.DISTANCE]
    heads = similarity.heads_of(table)
    others, distance = similarity.nearest(table, _NEAR)
    place = heads.index((layer, head))
    result = LightTable("attends most like", title(table).lower())
    for other, value in zip(others[place].tolist(), distance[place].tolist(), strict=True):
        if not np.isnan(value):
            result.add_row(_name(heads[other]), shown(table, value))
    return [Text(), result, Text(OF_PAIRS.lower().rstrip("."), style=FAINT)] if result.row_count else []
