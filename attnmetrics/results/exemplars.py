"""The sentences with the strongest attention of each head, and typical ones, as frames and Parquet files.

- `exemplars.parquet`: one row per head, claim, bucket and rank; a claim is empty, or what a row answers; a bucket is
  `top` for the strongest, or `0-20` … `80-100` for typical ones. Of a wrong answer, `right` has the places of the
  pieces of the word that is right by the annotation, of several the nearest; none where it stands in a sentence that is
  not shown. Null for all other rows, and where a run kept no right words.
- `exemplar_attention.parquet`: the attention in the first of them, a row each.
"""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from attnmetrics.errors import StoreError
from attnmetrics.results.files import load_frame, save_frame
from attnmetrics.statistics.listing import BUCKETS, Listing
from attnmetrics.statistics.passages import Passage, Passages, shown
from attnmetrics.statistics.right_words import find_right
from attnmetrics.statistics.traces import Traces
from attnmetrics.storage import Location

EXEMPLARS = pa.schema(
    {
        "layer": pa.int64(),
        "head": pa.int64(),
        "claim": pa.string(),
        "bucket": pa.string(),
        "rank": pa.int64(),
        "weight": pa.float64(),
        "document": pa.string(),
        "sentence": pa.int64(),
        "i": pa.int64(),
        "j": pa.int64(),
        "text": pa.string(),
        "pieces": pa.list_(pa.field("element", pa.string())),
        "right": pa.list_(pa.field("element", pa.int64())),
    }
)
"""Columns of `exemplars.parquet`."""

ATTENTION = pa.schema(
    {
        "layer": pa.int64(),
        "head": pa.int64(),
        "claim": pa.string(),
        "bucket": pa.string(),
        "rank": pa.int64(),
        "pieces": pa.int64(),
        "i": pa.list_(pa.field("element", pa.int32())),
        "j": pa.list_(pa.field("element", pa.int32())),
        "weight": pa.list_(pa.field("element", pa.float32())),
    }
)
"""Columns of `exemplar_attention.parquet`."""


def exemplars_frame(listing: Listing, layers: Sequence[int], passages: Passages) -> pd.DataFrame:
    """One row per exemplar, in the order of the listing, ranks from 1, with the columns of `EXEMPLARS`.

    Args:
        listing: the run's exemplars.
        layers: index of each measured layer.
        passages: text and pieces of their units.

    Raises:
        StoreError: a unit among the exemplars has no text.
    """
    rows = listing.rows
    keys = ("document_index", "sentence", "i", "j")
    excerpt = _Excerpts(passages)
    asked = [listing.missed.get(claim) for claim in listing.claims]
    of_rows = [asked[claim] for claim in rows["claim"].tolist()]
    excerpts = [excerpt(*row) for row in zip(*(rows[key].tolist() for key in keys), of_rows, strict=True)]
    return pd.DataFrame(
        {
            **_keys(rows, listing, layers),
            "weight": rows["weight"],
            "document": pd.Series([excerpt.document for excerpt in excerpts], dtype="str"),
            "sentence": rows["sentence"],
            "i": np.array([excerpt.i for excerpt in excerpts], np.int64),
            "j": np.array([excerpt.j for excerpt in excerpts], np.int64),
            "text": pd.Series([excerpt.text for excerpt in excerpts], dtype="str"),
            "pieces": _lists(excerpt.pieces for excerpt in excerpts),
            "right": _lists(excerpt.right for excerpt in excerpts),
        },
        columns=EXEMPLARS.names,
    )


def _keys(rows: NDArray[np.void], listing: Listing, layers: Sequence[int]) -> dict[str, Any]:
    """The columns that say which exemplar a row is."""
    return {
        "layer": np.asarray(layers, np.int64)[rows["layer"]],
        "head": rows["head"].astype(np.int64),
        "claim": pd.Series(np.array(listing.claims, object)[rows["claim"]], dtype="str"),
        "bucket": pd.Series(np.array(BUCKETS, object)[rows["bucket"]], dtype="str"),
        "rank": rows["rank"].astype(np.int64) + 1,
    }


def save_exemplars(frame: pd.DataFrame, path: Location) -> None:
    """Write `exemplars.parquet`.

    Raises:
        StoreError: the file cannot be written.
    """
    save_frame(frame, EXEMPLARS, path)


def load_exemplars(path: Location) -> pd.DataFrame:
    """The frame of `save_exemplars`.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    frame = load_frame("exemplars", EXEMPLARS, path)
    return frame.assign(pieces=_lists(frame["pieces"]), right=_lists(frame["right"]))


def attention_frame(
    traced: Iterable[tuple[NDArray[np.int64], Traces]], listing: Listing, layers: Sequence[int]
) -> pd.DataFrame:
    """One row per exemplar that was traced, in the order of the listing, with the columns of `ATTENTION`.

    Args:
        traced: rows of the listing, and their traces.
        listing: the run's exemplars.
        layers: index of each measured layer.
    """
    found = [pair for listed, traces in traced for pair in zip(listed.tolist(), traces.split(), strict=True)]
    found.sort(key=itemgetter(0))
    keys = _keys(listing.rows[[row for row, _ in found]], listing, layers)
    traces = pd.DataFrame([trace for _, trace in found], columns=["pieces", "i", "j", "weight"])
    return pd.DataFrame(keys | {name: traces[name] for name in traces}, columns=ATTENTION.names).astype(
        {"pieces": np.int64}
    )


def save_attention(frame: pd.DataFrame, path: Location) -> None:
    """Write `exemplar_attention.parquet`.

    Raises:
        StoreError: the file cannot be written.
    """
    save_frame(frame, ATTENTION, path)


def load_attention(path: Location) -> pd.DataFrame:
    """The frame of `save_attention`.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    return load_frame("attention of exemplars", ATTENTION, path)


def _lists(lists: Iterable[Iterable[Any] | None]) -> pd.Series:
    plain = [one.tolist() if isinstance(one, np.ndarray) else one for one in lists]
    return pd.Series([None if one is None else list(one) for one in plain], dtype="object")


class _Excerpt(NamedTuple):
    """What is shown of an exemplar."""

    document: str
    text: str
    pieces: list[str]
    i: int
    """place of the attending piece among the pieces"""
    j: int
    """place of the attended piece"""
    right: list[int] | None
    """places of the pieces of the word that is right; None where that is not asked, or not known"""


def _place(parts: Sequence[Passage], piece: int) -> int:
    """Where a piece of a unit stands among those of one or two of its passages, end to end."""
    first, *others = parts
    in_second = [piece - other.first + len(first.pieces) for other in others if piece >= other.first]
    return in_second[0] if in_second else piece - first.first


def _holds(parts: Sequence[Passage], piece: int) -> bool:
    """Whether a piece of a unit is one of its passages'."""
    return any(0 <= piece - part.first < len(part.pieces) for part in parts)


class _Excerpts:
    """Makes excerpts: what is shown of a unit is made once, however many exemplars show it."""

    def __init__(self, passages: Passages) -> None:
        self._passages = passages
        self._shown: dict[tuple[int, ...], tuple[str, list[str]]] = {}

    def __call__(self, document_index: int, unit: int, i: int, j: int, asked: str | None) -> _Excerpt:
        """The sentence that holds the attending and the one that holds the attended piece; once, where they are one.

        Example: of a window whose sentences begin at the pieces 0, 4 and 9, the pair (10, 1) shows the first and the
        third side by side: it is (5, 1) of their 4 + 3 pieces.
        """
        of_unit = self._find(document_index, unit)
        parts = shown(of_unit, i, j)
        text, pieces = self._join(document_index, unit, parts)
        right = None if asked is None else find_right(of_unit, asked, i, j)
        shown_right = None if right is None else [_place(parts, piece) for piece in right if _holds(parts, piece)]
        return _Excerpt(of_unit[0].document, text, pieces, _place(parts, i), _place(parts, j), shown_right)

    def _find(self, document_index: int, unit: int) -> Sequence[Passage]:
        if (document_index, unit) not in self._passages:
            raise StoreError(
                f"expected the text of document {document_index}, sentence {unit}, which is among the exemplars, found "
                "none; measure its shard again"
            )
        return self._passages[document_index, unit]

    def _join(self, document_index: int, unit: int, parts: Sequence[Passage]) -> tuple[str, list[str]]:
        key = document_index, unit, *(part.first for part in parts)
        if key not in self._shown:
            pieces = [piece for part in parts for piece in part.pieces]
            self._shown[key] = " ".join(part.text for part in parts), pieces
        return self._shown[key]
