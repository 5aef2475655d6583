"""The types of pieces that a head attends to, and those that attend, in the terminal and in the atlas."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from attnmetrics.views.light_table import LightTable
from attnmetrics.views.numbers import number, percent
from attnmetrics.views.page import Packed, pack
from attnmetrics.views.pieces import readable_types

SHOWN: Final = 10
"""Types of each side of a head in a page."""
TITLES: Final = {"key": "Pieces it attends to", "query": "Pieces that attend"}
_WITHOUT: Final = "types of pieces have no intervals: the fewer the occurrences, the less sure"
_VALUES: Final = {"key": "times even", "query": "off null"}
"""What a side is ranked by: times what even attention would give, the share of the attention that is off null."""


def show_tokens(frame: pd.DataFrame, layer: int, head: int, top: int = SHOWN) -> RenderableType:
    """A head's first types of both sides, side by side; nothing where it has none."""
    own = frame[(frame["layer"] == layer) & (frame["head"] == head)]
    sides = [side for side in TITLES if (own["side"] == side).any()]
    tables = [_side(own[own["side"] == side].sort_values("rank").head(top), side) for side in sides]
    return Group(Columns(tables, padding=(0, 3)), Text(_WITHOUT, style=Style(dim=True))) if tables else Group()


def _side(rows: pd.DataFrame, side: str) -> Table:
    result = LightTable(TITLES[side], _VALUES[side], "occurrences")
    for piece, row in zip(readable_types(rows["piece"].tolist()), rows.itertuples(), strict=True):
        value = f"{number(row.lift)}×" if side == "key" else percent(row.lift)
        result.add_row(Text(piece), value, Text(f"{row.occurrences:,}", style=Style(dim=True)))
    return result


def pack_tokens(data: xr.Dataset, frame: pd.DataFrame) -> dict[str, Any]:
    """What the page holds: texts of types, and of each side for every head the first types.

    Args:
        data: the run's results, with all layers and heads.
        frame: rows of `tokens.parquet`.
    """
    shown = frame[frame["rank"] <= SHOWN]
    types = shown.drop_duplicates("piece_id").sort_values("piece_id")
    layers, heads = (pd.Index(data[dim].values) for dim in ("layer", "head"))
    # A row for each type that is listed: its head among all, its rank from 0, its type among those of the page.
    head = layers.get_indexer(shown["layer"]) * len(heads) + heads.get_indexer(shown["head"])
    columns = {
        "head": head, "rank": shown["rank"].to_numpy() - 1,
        "type": np.searchsorted(types["piece_id"], shown["piece_id"]),
        "occurrences": shown["occurrences"].to_numpy(), "lift": shown["lift"].to_numpy(),
    }  # fmt: skip
    sides = {side: _pack_side(columns, shown["side"] == side, len(layers) * len(heads)) for side in TITLES}
    return {"types": readable_types(types["piece"].tolist()), "shown": SHOWN, "sides": sides}


def _pack_side(columns: Mapping[str, Any], own: pd.Series, heads: int) -> dict[str, Packed] | None:
    """[head, `SHOWN`] type, −1 for none, occurrences, and lift, of one side; None where no head has it."""
    if not own.any():
        return None
    head, rank, *values = (columns[name][own.to_numpy()] for name in ("head", "rank", "type", "occurrences", "lift"))
    tables = [np.full((heads, SHOWN), fill, kind) for fill, kind in ((-1, "<i4"), (0, "<i4"), (0, "<f4"))]
    for table, value in zip(tables, values, strict=True):
        table[head, rank] = value
    return dict(zip(("type", "occurrences", "lift"), map(pack, tables), strict=True))
