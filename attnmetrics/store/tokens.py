"""What types of pieces receive and give in a shard, as a Parquet file: a row a type, a column a layer.

A column of a layer can be read without those of the others. Its numbers lie byte by byte, all first bytes before all
second ones, since first bytes are alike and compress.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from attnmetrics.statistics.tokens import KEY, QUERY, SIDES, PieceTypes, TokenSums

_COUNTS = ("id", "piece", "keys", "queries", "even")


def pack(sums: TokenSums) -> bytes:
    """The file."""
    types, (layers, sides, number, heads) = sums.types, sums.attention.shape
    columns = {
        "id": pa.array(types.ids),
        "piece": pa.array(types.pieces, pa.string()),
        "keys": pa.array(types.occurrences[KEY]),
        "queries": pa.array(types.occurrences[QUERY]),
        "even": pa.array(types.even),
    }
    # A row a type: what it receives in every head, then what it gives.
    by_type = sums.attention.swapaxes(1, 2).reshape(layers, number * sides * heads)
    columns |= {
        _name(layer): pa.FixedSizeListArray.from_arrays(pa.array(own), sides * heads)
        for layer, own in enumerate(by_type)
    }
    sink = pa.BufferOutputStream()
    split = {f"{_name(layer)}.list.element": "BYTE_STREAM_SPLIT" for layer in range(layers)}
    pq.write_table(
        pa.table(columns), sink, compression="zstd", compression_level=1, use_dictionary=False, write_statistics=False,
        column_encoding=split,
    )  # fmt: skip
    return bytes(sink.getvalue().to_pybytes())


def unpack(data: bytes, layers: Sequence[int]) -> TokenSums:
    """The inverse of `pack`, with these layers alone."""
    wanted = [*_COUNTS, *map(_name, layers)]
    table = pq.ParquetFile(pa.BufferReader(data)).read(columns=wanted, use_threads=False)
    keys, queries = (table[name].to_numpy() for name in ("keys", "queries"))
    types = PieceTypes(
        table["id"].to_numpy(), table["piece"].to_pylist(), np.stack([keys, queries]), table["even"].to_numpy()
    )
    return TokenSums(types, np.stack([_layer(table[_name(layer)]) for layer in layers]) if layers else _no_layer(types))


def _layer(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """[side, U, head]"""
    numbers = column.combine_chunks().flatten().to_numpy()
    heads = column.type.list_size // len(SIDES)
    by_side: NDArray[np.float64] = numbers.reshape(len(column), len(SIDES), heads).swapaxes(0, 1)
    return by_side


def _no_layer(types: PieceTypes) -> NDArray[np.float64]:
    return np.zeros((0, len(SIDES), len(types.ids), 0))


def _name(layer: int) -> str:
    return f"layer {layer}"
