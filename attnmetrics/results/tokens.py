"""The types of pieces that every head attends to, and those that attend, as a frame and a Parquet file.

`tokens.parquet`: one row per head, side and rank, the type with most lift first.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from attnmetrics.results.files import load_frame, save_frame
from attnmetrics.statistics.tokens import SIDES, Tokens
from attnmetrics.storage import Location

FILE = "tokens.parquet"

TOKENS = pa.schema(
    {
        "layer": pa.int64(),
        "head": pa.int64(),
        "side": pa.string(),
        "rank": pa.int64(),
        "piece": pa.string(),
        "piece_id": pa.int64(),
        "attention": pa.float64(),
        "occurrences": pa.int64(),
        "lift": pa.float64(),
    }
)
"""Columns of `tokens.parquet`."""


def tokens_frame(tokens: Tokens, layers: Sequence[int]) -> pd.DataFrame:
    """One row per type that a head lists, ranks from 1, with the columns of `TOKENS`.

    Args:
        tokens: what the heads list.
        layers: index of each measured layer.
    """
    rows, types = tokens.rows, tokens.types
    return pd.DataFrame(
        {
            "layer": np.asarray(layers, np.int64)[rows["layer"]],
            "head": rows["head"].astype(np.int64),
            "side": pd.Series(np.array(SIDES, object)[rows["side"]], dtype="str"),
            "rank": rows["rank"].astype(np.int64) + 1,
            "piece": pd.Series(np.array([*types.pieces, ""], object)[rows["type"]], dtype="str"),
            "piece_id": types.ids[rows["type"]],
            "attention": rows["attention"],
            "occurrences": types.occurrences[rows["side"], rows["type"]],
            "lift": rows["lift"],
        },
        columns=TOKENS.names,
    )


def save_tokens(frame: pd.DataFrame, path: Location) -> None:
    """Write `tokens.parquet`.

    Raises:
        StoreError: the file cannot be written.
    """
    save_frame(frame, TOKENS, path)


def load_tokens(path: Location) -> pd.DataFrame:
    """The frame of `save_tokens`.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    return load_frame("tokens", TOKENS, path)
