"""Values of every head on a coloured ground."""

from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from rich.style import Style
from rich.table import Table
from rich.text import Text

from attnmetrics.views import palette
from attnmetrics.views.tables import is_share, kind, values
from attnmetrics.views.terminal.style import FAINT

WIDEST_HEAT: Final = 16
"""Heat tables with more heads than this would not fit a terminal."""


def heat_table(table: xr.DataArray, coloured: NDArray[np.float64] | None = None) -> Table:
    """Values of every head on a coloured ground; layers down.

    Args:
        table: [layer, head]
        coloured: the same, NaN where a value has no colour; all have one by default
    """
    numbers = values(table)
    scaled = numbers if coloured is None else coloured
    grid = Table(box=None, padding=(0, 0), pad_edge=False)
    grid.add_column(Text("layer", style=FAINT), justify="right")
    for head in table["head"].values.tolist():
        grid.add_column(Text(f"{head} ", style=FAINT), justify="right", no_wrap=True)
    most = float(np.nanmax(np.abs(scaled))) if np.isfinite(scaled).any() else 1.0
    has_signs = np.isfinite(scaled).any() and np.nanmin(scaled) < 0
    scale, low = (palette.DIVERGING, -most) if has_signs else (palette.SEQUENTIAL, 0.0)
    for layer, row, ground in zip(table["layer"].values.tolist(), numbers, scaled, strict=True):
        shares = (ground - low) / ((most - low) or 1.0)
        cells = (_cell(table, value, share, scale) for value, share in zip(row, shares, strict=True))
        grid.add_row(Text(f"{layer} ", style=FAINT), *cells)
    return grid


def _cell(table: xr.DataArray, value: float, share: float, scale: palette.Scale) -> Text:
    """A value on the colour at this share of the scale; faint on none without a share."""
    if np.isnan(value):
        return Text("  – ", style=FAINT)
    if np.isnan(share):
        return Text(f" {short(table, value):>4} ", style=FAINT)
    level = round(share * (palette.LEVELS - 1))
    ink = "white" if level > palette.LEVELS // 2 else "black"
    return Text(f" {short(table, value):>4} ", style=Style(color=ink, bgcolor=scale.light[level]))


def short(table: xr.DataArray, value: float) -> str:
    """At most four characters wherever that can be; shares in percent, counts whole."""
    if is_share(table):
        return f"{100 * value:.0f}"
    for form in (".0f",) if kind(table) == "count" else (".2f", ".1f", ".0f"):
        if len(format(value, form)) <= 4:
            return format(value, form)
    return f"{value / 1000:.0f}k" if value < 999_500 else f"{value / 1e6:.0f}M"
