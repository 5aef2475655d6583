"""`roles.parquet`: what every head does, a row a role."""

import pandas as pd
import pyarrow as pa

from attnmetrics.results.files import load_frame, save_frame
from attnmetrics.storage import Location

FILE = "roles.parquet"

ROLES = pa.schema(
    {
        "layer": pa.int64(),
        "head": pa.int64(),
        "role": pa.string(),
        "detail": pa.string(),
        "score": pa.float64(),
        "low": pa.float64(),
        "high": pa.float64(),
        "chance": pa.float64(),
        "evidence": pa.float64(),
        "contradicts": pa.string(),
        "sentence": pa.string(),
    }
)
"""Columns of `roles.parquet`."""


def save_roles(frame: pd.DataFrame, path: Location) -> None:
    """Write `roles.parquet`.

    Raises:
        StoreError: the file cannot be written.
    """
    save_frame(frame, ROLES, path)


def load_roles(path: Location) -> pd.DataFrame:
    """The frame of `save_roles`.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    return load_frame("roles of heads", ROLES, path)
