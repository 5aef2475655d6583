"""The sentences with the strongest attention of each head, as frames and Parquet files.

- `exemplars.parquet`: one row per head and rank.
- `exemplar_attention.parquet`: the attention in the first of them, a row each.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from attnmetrics.errors import StoreError
from attnmetrics.results.files import reading, writing
from attnmetrics.statistics.exemplars import Exemplars
from attnmetrics.statistics.passages import Passages
from attnmetrics.statistics.traces import Traces
from attnmetrics.storage import Location

EXEMPLARS = pa.schema(
    {
        "layer": pa.int64(),
        "head": pa.int64(),
        "rank": pa.int64(),
        "weight": pa.float64(),
        "document": pa.string(),
        "sentence": pa.int64(),
        "i": pa.int64(),
        "j": pa.int64(),
        "text": pa.string(),
        "pieces": pa.list_(pa.field("element", pa.string())),
    }
)
"""Columns of `exemplars.parquet`."""

ATTENTION = pa.schema(
    {
        "layer": pa.int64(),
        "head": pa.int64(),
        "rank": pa.int64(),
        "pieces": pa.int64(),
        "i": pa.list_(pa.field("element", pa.int32())),
        "j": pa.list_(pa.field("element", pa.int32())),
        "weight": pa.list_(pa.field("element", pa.float32())),
    }
)
"""Columns of `exemplar_attention.parquet`."""


def exemplars_frame(exemplars: Exemplars, layers: Sequence[int], passages: Passages) -> pd.DataFrame:
    """One row per head and rank (from 1), in that order, with the columns of `EXEMPLARS`.

    Args:
        exemplars: the merged exemplars.
        layers: index of each measured layer.
        passages: text and pieces of every sentence among the exemplars.

    Raises:
        StoreError: a sentence among the exemplars has no text.
    """
    layer, head, rank = np.nonzero(exemplars.sentence >= 0)
    keys = (exemplars.document_index, exemplars.sentence, exemplars.i, exemplars.j)
    rows = zip(*(column[layer, head, rank].tolist() for column in keys), strict=True)
    excerpts = [_excerpt(passages, *row) for row in rows]
    return pd.DataFrame(
        {
            "layer": np.asarray(layers, np.int64)[layer],
            "head": head,
            "rank": rank + 1,
            "weight": exemplars.weight[layer, head, rank],
            "document": pd.Series([excerpt.document for excerpt in excerpts], dtype="str"),
            "sentence": exemplars.sentence[layer, head, rank],
            "i": np.array([excerpt.i for excerpt in excerpts], np.int64),
            "j": np.array([excerpt.j for excerpt in excerpts], np.int64),
            "text": pd.Series([excerpt.text for excerpt in excerpts], dtype="str"),
            "pieces": _lists(excerpt.pieces for excerpt in excerpts),
        }
    )


def save_exemplars(frame: pd.DataFrame, path: Location) -> None:
    """Write `exemplars.parquet`.

    Raises:
        StoreError: the file cannot be written.
    """
    _save_frame(frame, EXEMPLARS, path)


def load_exemplars(path: Location) -> pd.DataFrame:
    """The frame of `save_exemplars`.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    frame = _load_frame("exemplars", EXEMPLARS, path)
    return frame.assign(pieces=_lists(frame["pieces"]))


def attention_frame(traced: Iterable[tuple[Iterable[tuple[int, ...]], Traces]], layers: Sequence[int]) -> pd.DataFrame:
    """One row per exemplar that was traced, by head and rank (from 1), with the columns of `ATTENTION`.

    Args:
        traced: (text, position of the layer, head, rank from 0) of exemplars, and their traces.
        layers: index of each measured layer.
    """
    rows = [
        (layers[layer], head, rank + 1, *trace)
        for keys, traces in traced
        for (_, layer, head, rank), trace in zip(keys, traces.split(), strict=True)
    ]
    frame = pd.DataFrame(sorted(rows, key=itemgetter(0, 1, 2)), columns=ATTENTION.names)
    return frame.astype(dict.fromkeys(("layer", "head", "rank", "pieces"), np.int64))


def save_attention(frame: pd.DataFrame, path: Location) -> None:
    """Write `exemplar_attention.parquet`.

    Raises:
        StoreError: the file cannot be written.
    """
    _save_frame(frame, ATTENTION, path)


def load_attention(path: Location) -> pd.DataFrame:
    """The frame of `save_attention`.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    return _load_frame("attention of exemplars", ATTENTION, path)


def _save_frame(frame: pd.DataFrame, schema: pa.Schema, path: Location) -> None:
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False).replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, write_page_checksum=True)
    with writing(path):
        path.write(sink.getvalue().to_pybytes())


def _load_frame(what: str, schema: pa.Schema, path: Location) -> pd.DataFrame:
    with reading(what, path):
        table = pq.read_table(pa.BufferReader(path.read()), schema=schema, page_checksum_verification=True)
        return table.to_pandas()


def _lists(pieces: Iterable[Iterable[str]]) -> pd.Series:
    return pd.Series([list(of_sentence) for of_sentence in pieces], dtype="object")


class _Excerpt(NamedTuple):
    """What is shown of an exemplar."""

    document: str
    text: str
    pieces: list[str]
    i: int
    """place of the attending piece among the pieces"""
    j: int
    """place of the attended piece"""


def _excerpt(passages: Passages, document_index: int, unit: int, i: int, j: int) -> _Excerpt:
    """The sentence that holds the attending and the one that holds the attended piece; once, where they are one.

    Example: of a window whose sentences begin at the pieces 0, 4 and 9, the pair (10, 1) shows the first and the third
    side by side: it is (5, 1) of their 4 + 3 pieces.
    """
    key = document_index, unit
    if key not in passages:
        raise StoreError(
            f"expected the text of document {key[0]}, sentence {key[1]}, which is among the exemplars, found none; "
            "measure its shard again"
        )
    of_unit = passages[key]
    firsts = [passage.first for passage in of_unit]
    holder_i, holder_j = (bisect_right(firsts, piece) - 1 for piece in (i, j))
    pieces: list[str] = []
    shift: dict[int, int] = {}
    for holder in sorted({holder_i, holder_j}):
        shift[holder] = len(pieces) - firsts[holder]
        pieces += of_unit[holder].pieces
    text = " ".join(of_unit[holder].text for holder in shift)
    return _Excerpt(of_unit[0].document, text, pieces, i + shift[holder_i], j + shift[holder_j])
