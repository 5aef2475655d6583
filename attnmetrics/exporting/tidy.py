"""A result as a frame with a row for each value: what reads well in pandas and R."""

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.exporting.names import with_names
from attnmetrics.views.tables import chance

PAIR = ("other_layer", "other_head")


def tidy(data: xr.Dataset, name: str) -> pd.DataFrame:
    """Columns: `head_name`, layer, head and further dimensions, `value`, and `chance` where there is such a level.

    Of a number for two heads, each pair once.
    """
    table = data[name]
    level = chance(data, table)
    columns = {"value": table} if level is None else {"value": table, "chance": level.broadcast_like(table)}
    frame = xr.Dataset({column: own.drop_vars(set(own.coords) - set(own.dims)) for column, own in columns.items()})
    rows = frame.to_dataframe(dim_order=list(table.dims)).reset_index()
    return with_names(_each_once(rows) if table.dims[-2:] == PAIR and table.dims[:2] == ("layer", "head") else rows)


def _each_once(rows: pd.DataFrame) -> pd.DataFrame:
    """Without a head and itself, and without pairs that stand there the other way round."""
    own, other = (list(zip(rows[a], rows[b], strict=True)) for a, b in (("layer", "head"), PAIR))
    chosen = set(own)
    kept = [a < b or b not in chosen for a, b in zip(own, other, strict=True)]
    return rows[np.array(kept, np.bool_)].reset_index(drop=True)


def single_numbers(data: xr.Dataset) -> pd.DataFrame:
    """Columns: result, value, unit, title; a row for each result without dimensions."""
    single = [(str(name), table) for name, table in data.data_vars.items() if not table.dims]
    return pd.DataFrame(
        {
            "result": [name for name, _ in single],
            "value": pd.Series([table.item() for _, table in single], dtype=object),
            "unit": [table.attrs.get("units", "1") for _, table in single],
            "title": [table.attrs.get("long_name", name) for name, table in single],
        }
    )


def with_dimensions(data: xr.Dataset) -> list[str]:
    """The names of all other results, in order."""
    return [str(name) for name, table in data.data_vars.items() if table.dims]
