"""The types of pieces that a head attends to, and those that attend, in a page."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.views.page import Packed, pack
from attnmetrics.views.pieces import readable_types

SHOWN: Final = 10
"""Types of each side of a head in a page."""
TITLES: Final = {"key": "Pieces it attends to", "query": "Pieces that attend"}


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
