"""Comparisons of what runs left, of their tables, and of shards."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.measuring.shard import ShardResult
from attnmetrics.statistics.traces import VISIBLE
from attnmetrics.storage import Location

TABLES = ("results.zarr", "intervals.zarr", "halves.zarr", "tables")


def outputs(folder: Path) -> dict[str, bytes]:
    """Bytes of every file of the results, their intervals, the tables and of all frames."""
    below = (path for name in TABLES for path in (folder / name).rglob("*"))
    paths = [*folder.glob("*.parquet"), *below]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.is_file()}


def stored_outputs(folder: Location) -> dict[str, bytes]:
    """What `outputs` gives of a local folder."""
    frames = [name for name in folder.names() if name.endswith(".parquet")]
    below = tuple(f"{name}/" for name in TABLES)
    paths = [*frames, *(path for path in folder.files() if path.startswith(below))]
    return {path: (folder / path).read() for path in paths}


def assert_close(found: xr.Dataset, expected: xr.Dataset) -> None:
    """Every result within the tolerance of the contract."""
    assert set(found.data_vars) == set(expected.data_vars)
    for name in expected.data_vars:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-7, err_msg=str(name))


def dense(n: int, i: np.ndarray, j: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """[n, n] α, 0 where it is not kept."""
    alpha = np.zeros((n, n))
    alpha[i, j] = weight
    return alpha


def assert_same_attention(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Every weight within 1e-5; one at the edge of what is kept may be left out on either side."""
    for row, other in zip(found.itertuples(), expected.itertuples(), strict=True):
        alphas = [dense(one.pieces, one.i, one.j, one.weight) for one in (row, other)]
        edge = np.max(alphas, axis=0) < VISIBLE + 1e-5
        np.testing.assert_allclose(*(np.where(edge, 0, alpha) for alpha in alphas), rtol=0, atol=1e-5)


def assert_same_bits(a: ShardResult, b: ShardResult) -> None:
    np.testing.assert_array_equal(a.state.pack(), b.state.pack())
    np.testing.assert_array_equal(a.blocks, b.blocks)
    for field in fields(a.exemplars):
        np.testing.assert_array_equal(getattr(a.exemplars, field.name), getattr(b.exemplars, field.name))
    np.testing.assert_array_equal(a.claims, b.claims)
    np.testing.assert_array_equal(a.typical.pack(), b.typical.pack())
    np.testing.assert_array_equal(a.tokens.attention, b.tokens.attention)
    assert a.passages == b.passages
