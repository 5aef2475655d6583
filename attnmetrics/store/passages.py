"""A shard's passages as a Parquet file, a column a field."""

from collections.abc import Container, Iterable
from dataclasses import asdict

import pyarrow as pa
import pyarrow.parquet as pq

from attnmetrics.statistics.passages import Passage

SCHEMA = pa.schema(
    {
        "document": pa.string(),
        "document_index": pa.int64(),
        "sentence": pa.int64(),
        "first": pa.int64(),
        "text": pa.string(),
        "pieces": pa.list_(pa.string()),
        "ids": pa.list_(pa.int64()),
        "segments": pa.list_(pa.int64()),
        "words": pa.list_(pa.int64()),
        "questions": pa.list_(pa.string()),
        "asked": pa.list_(pa.int64()),
        "right": pa.list_(pa.int64()),
    }
)


def pack(passages: Iterable[Passage]) -> bytes:
    """The file."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([asdict(passage) for passage in passages], schema=SCHEMA), sink)
    return bytes(sink.getvalue().to_pybytes())


def unpack(data: bytes, units: Container[tuple[int, int]]) -> list[Passage]:
    """The passages of these units, (document_index, sentence), in order. Columns that the file lacks are empty."""
    table = pq.read_table(pa.BufferReader(data), schema=SCHEMA, use_threads=False)
    keys = zip(*(table[name].to_pylist() for name in ("document_index", "sentence")), strict=True)
    rows = table.filter(pa.array([key in units for key in keys], pa.bool_())).to_pylist()
    return [Passage(**{name: value for name, value in row.items() if value is not None}) for row in rows]
