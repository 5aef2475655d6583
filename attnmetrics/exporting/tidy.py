"""A result as a frame with a row for each value: what reads well in pandas and R."""

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.exporting.names import with_names
from attnmetrics.results.intervals import BOUND, BOUNDS
from attnmetrics.views.tables import chance

PAIR = ("other_layer", "other_head")


def tidy(data: xr.Dataset, name: str, sure: xr.Dataset | None = None) -> pd.DataFrame:
    """Columns: `head_name`, layer, head and further dimensions, `value`, `low` and `high` where `sure` has its
    interval, and `chance` where there is such a level.

    Of a number for two heads, each pair once.
    """
    table = data[name]
    level = chance(data, table)
    columns = {"value": table, **bounds_of(sure, name)}
    columns |= {} if level is None else {"chance": level.broadcast_like(table)}
    frame = xr.Dataset({column: own.drop_vars(set(own.coords) - set(own.dims)) for column, own in columns.items()})
    rows = frame.to_dataframe(dim_order=list(table.dims)).reset_index()
    return with_names(_each_once(rows) if table.dims[-2:] == PAIR and table.dims[:2] == ("layer", "head") else rows)


def bounds_of(sure: xr.Dataset | None, name: str) -> dict[str, xr.DataArray]:
    """The bounds of a result by their names, `low` and `high`; none where there is no interval of it."""
    if sure is None or name not in sure:
        return {}
    return {bound: sure[name].isel({BOUND: place}, drop=True) for place, bound in enumerate(BOUNDS)}


def _each_once(rows: pd.DataFrame) -> pd.DataFrame:
    """Without a head and itself, and without pairs that stand there the other way round."""
    own, other = (list(zip(rows[a], rows[b], strict=True)) for a, b in (("layer", "head"), PAIR))
    chosen = set(own)
    kept = [a < b or b not in chosen for a, b in zip(own, other, strict=True)]
    return rows[np.array(kept, np.bool_)].reset_index(drop=True)


def single_numbers(data: xr.Dataset, sure: xr.Dataset | None = None) -> pd.DataFrame:
    """Columns: result, value, unit, title, and `low` and `high` where `sure` has any; a row for each result without
    dimensions.
    """
    single = [(str(name), table) for name, table in data.data_vars.items() if not table.dims]
    found = [bounds_of(sure, name) for name, _ in single]
    more = {bound: [float(one[bound]) if one else np.nan for one in found] for bound in BOUNDS} if any(found) else {}
    return pd.DataFrame(
        {
            "result": [name for name, _ in single],
            "value": pd.Series([table.item() for _, table in single], dtype=object),
            "unit": [table.attrs.get("units", "1") for _, table in single],
            "title": [table.attrs.get("long_name", name) for name, table in single],
            **more,
        }
    )


def with_dimensions(data: xr.Dataset) -> list[str]:
    """The names of all other results, in order."""
    return [str(name) for name, table in data.data_vars.items() if table.dims]
