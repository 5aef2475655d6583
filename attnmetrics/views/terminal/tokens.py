"""The types of pieces that a head attends to, and those that attend."""

from typing import Final

import pandas as pd
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attnmetrics.views.numbers import number, percent
from attnmetrics.views.pieces import readable_types
from attnmetrics.views.terminal.light_table import LightTable
from attnmetrics.views.terminal.style import FAINT
from attnmetrics.views.tokens import SHOWN, TITLES

_WITHOUT: Final = "types of pieces have no intervals: the fewer the occurrences, the less sure"
_VALUES: Final = {"key": "times even", "query": "off null"}
"""What a side is ranked by: times what even attention would give, the share of the attention that is off null."""


def show_tokens(frame: pd.DataFrame, layer: int, head: int, top: int = SHOWN) -> RenderableType:
    """A head's first types of both sides, side by side; nothing where it has none."""
    own = frame[(frame["layer"] == layer) & (frame["head"] == head)]
    sides = [side for side in TITLES if (own["side"] == side).any()]
    tables = [_side(own[own["side"] == side].sort_values("rank").head(top), side) for side in sides]
    return Group(Columns(tables, padding=(0, 3)), Text(_WITHOUT, style=FAINT)) if tables else Group()


def _side(rows: pd.DataFrame, side: str) -> Table:
    result = LightTable(TITLES[side], _VALUES[side], "occurrences")
    for piece, row in zip(readable_types(rows["piece"].tolist()), rows.itertuples(), strict=True):
        value = f"{number(row.lift)}×" if side == "key" else percent(row.lift)
        result.add_row(Text(piece), value, Text(f"{row.occurrences:,}", style=FAINT))
    return result
