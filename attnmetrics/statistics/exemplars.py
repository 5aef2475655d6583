"""Per head the K sentences with the largest single attention weight, as a value that merges exactly.

Order: weight descending, then (document, sentence) ascending; a text that occurs twice is kept as its first occurrence.

Laws (tested): `merge(zero, a) == a`; `merge` is associative and commutative, and
`from_peaks(a ∪ b) == merge(from_peaks(a), from_peaks(b))`, bit for bit, provided that equal texts have equal weights.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from attnmetrics.errors import MergeError

FLUSH_FACTOR = 16
"""`merge_all` sorts once this many times a full value's entries have gathered."""


@dataclass(frozen=True, slots=True)
class Exemplars:
    """The best K sentences of each head, [layer, head, K], best first, empty places last."""

    weight: NDArray[np.float64]
    """largest F[i,j] of the sentence; NaN where empty"""
    document_index: NDArray[np.int64]
    """position of the document in the corpus; −1 where empty"""
    sentence: NDArray[np.int64]
    """position of the sentence in its document; −1 where empty"""
    i: NDArray[np.int32]
    """attending piece; −1 where empty"""
    j: NDArray[np.int32]
    """attended piece; −1 where empty"""
    digest: NDArray[np.uint64]
    """of the sentence's text; 0 where empty"""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(layers, heads, K)."""
        layers, heads, k = self.weight.shape
        return layers, heads, k

    @classmethod
    def zero(cls, layers: int, heads: int, k: int) -> "Exemplars":
        """No sentence at all: the identity of `merge`."""
        shape = (layers, heads, k)
        return cls(
            weight=np.full(shape, np.nan),
            document_index=np.full(shape, -1, np.int64),
            sentence=np.full(shape, -1, np.int64),
            i=np.full(shape, -1, np.int32),
            j=np.full(shape, -1, np.int32),
            digest=np.zeros(shape, np.uint64),
        )

    @property
    def units(self) -> set[tuple[int, int]]:
        """(document_index, sentence) of all units."""
        filled = self.sentence >= 0
        return set(zip(self.document_index[filled].tolist(), self.sentence[filled].tolist(), strict=True))

    def pack(self) -> NDArray[np.int64]:
        """All fields as one vector, in their order; weights and digests by their bits."""
        columns = [getattr(self, field.name) for field in fields(self)]
        return np.concatenate([np.ravel(c.view(np.int64) if c.itemsize == 8 else c.astype(np.int64)) for c in columns])

    @classmethod
    def unpack(cls, vector: NDArray[np.int64], shape: tuple[int, int, int]) -> "Exemplars":
        """The inverse of `pack`, for (layers, heads, K).

        Raises:
            MergeError: the vector's length does not belong to this shape.
        """
        empty = cls.zero(0, 0, 0)
        kinds = [getattr(empty, field.name).dtype for field in fields(cls)]
        if vector.shape != (len(kinds) * prod(shape),):
            raise MergeError(f"expected {len(kinds)} numbers for each of {shape} exemplars, found shape {vector.shape}")
        columns = zip(kinds, vector.reshape(len(kinds), *shape), strict=True)
        return cls(*(column.view(kind) if kind.itemsize == 8 else column.astype(kind) for kind, column in columns))

    def merge(self, other: "Exemplars") -> "Exemplars":
        """The best K of both.

        Raises:
            MergeError: the two have different numbers of layers, heads or places.
        """
        return merge_all([self, other])


class Peaks(NamedTuple):
    """The largest weight of S sentences in each head, and where it stands."""

    weight: NDArray[np.floating[Any]]
    """[S, layer, head] largest F; NaN or −inf where the sentence has no attendable pair"""
    i: NDArray[np.integer[Any]]
    """[S, layer, head] its attending piece"""
    j: NDArray[np.integer[Any]]
    """[S, layer, head] its attended piece"""


class _Entries(NamedTuple):
    """Entries of all heads in one flat list; `row` is layer × heads + head."""

    row: NDArray[np.int64]
    weight: NDArray[np.float64]
    document_index: NDArray[np.int64]
    sentence: NDArray[np.int64]
    i: NDArray[np.int32]
    j: NDArray[np.int32]
    digest: NDArray[np.uint64]

    def take(self, index: NDArray[Any]) -> "_Entries":
        return _Entries(*(column[index] for column in self))


def from_peaks(
    peaks: Peaks,
    document_index: NDArray[np.integer[Any]],
    sentence: NDArray[np.integer[Any]],
    digest: NDArray[np.uint64],
    k: int,
) -> Exemplars:
    """The exemplars of S sentences from the peak of each in each head.

    Args:
        peaks: of the sentences.
        document_index: [S] position of the sentence's document in the corpus.
        sentence: [S] position of the sentence in its document.
        digest: [S] of the sentence's text.
        k: how many sentences to keep per head.
    """
    _, layers, heads = peaks.weight.shape
    chosen = _first_occurrences(document_index, sentence, digest)
    # A row for each head, a column for each chosen sentence, in corpus order: so are those of equal weight.
    scores = np.moveaxis(np.asarray(peaks.weight[chosen], np.float64), 0, -1).reshape(layers * heads, len(chosen))
    scores = np.where(np.isfinite(scores), scores, -np.inf)
    order = np.argsort(-scores, axis=-1, kind="stable")[:, :k]
    # From here on a row for each exemplar: its head, its rank there, the sentence.
    row, rank = np.nonzero(np.isfinite(np.take_along_axis(scores, order, axis=-1)))
    column = order[row, rank]
    best = chosen[column]
    layer, head = np.divmod(row, heads)
    entries = _Entries(
        row=row,
        weight=scores[row, column],
        document_index=document_index[best].astype(np.int64),
        sentence=sentence[best].astype(np.int64),
        i=peaks.i[best, layer, head].astype(np.int32),
        j=peaks.j[best, layer, head].astype(np.int32),
        digest=digest[best],
    )
    return _scatter(entries, rank, (layers, heads, k))


def merge_all(parts: Iterable[Exemplars]) -> Exemplars:
    """The best K of all parts, read one at a time in bounded memory.

    Raises:
        MergeError: no parts, or parts of different shapes.
    """
    best: Exemplars | None = None
    pending: list[_Entries] = []
    gathered = 0
    for part in parts:
        best = best if best is not None else Exemplars.zero(*part.shape)
        _check_shape(best, part)
        pending.append(_contenders(part, best))
        gathered += len(pending[-1].row)
        if gathered >= FLUSH_FACTOR * best.weight.size:
            best, pending, gathered = _absorb(best, pending), [], 0
    if best is None:
        raise MergeError("expected exemplars of at least one shard, found none; measure a shard before merging")
    return _absorb(best, pending)


def _check_shape(expected: Exemplars, found: Exemplars) -> None:
    if expected.shape != found.shape:
        raise MergeError(
            f"expected exemplars of (layers, heads, K) = {expected.shape}, found {found.shape}; merge one run at a time"
        )


def _first_occurrences(
    document_index: NDArray[np.integer[Any]], sentence: NDArray[np.integer[Any]], digest: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Positions [S′] of the first occurrence of each text, in corpus order.

    Example: digests 7 8 7 of sentences 2 1 0 of one document give 2 1.
    """
    order = np.lexsort((sentence, document_index))
    _, first = np.unique(digest[order], return_index=True)
    return np.asarray(order[np.sort(first)], np.int64)


def _contenders(part: Exemplars, best: Exemplars) -> _Entries:
    """The entries of a part that are not below the K-th weight found so far."""
    threshold = best.weight[:, :, -1:] if best.weight.shape[2] else best.weight
    layer, head, rank = np.nonzero(part.weight >= np.where(np.isnan(threshold), -np.inf, threshold))
    columns = (getattr(part, field.name)[layer, head, rank] for field in fields(Exemplars))
    return _Entries(layer * part.shape[1] + head, *columns)


def _absorb(best: Exemplars, pending: list[_Entries]) -> Exemplars:
    """The best K of `best` and of the pending entries."""
    everything = [_contenders(best, Exemplars.zero(*best.shape)), *pending]
    entries = _Entries(*(np.concatenate(columns) for columns in zip(*everything, strict=True)))
    return _select(_without_repeats(entries), best.shape)


def _without_repeats(entries: _Entries) -> _Entries:
    """One entry per head and text: the first in corpus order."""
    keys = (entries.sentence, entries.document_index, entries.digest, entries.row)
    ordered = entries.take(np.lexsort(keys))
    new = np.ones(len(ordered.row), bool)
    new[1:] = (ordered.row[1:] != ordered.row[:-1]) | (ordered.digest[1:] != ordered.digest[:-1])
    return ordered.take(new)


def _select(entries: _Entries, shape: tuple[int, int, int]) -> Exemplars:
    """The best K entries of each head."""
    keys = (entries.sentence, entries.document_index, -entries.weight, entries.row)
    ordered = entries.take(np.lexsort(keys))
    # An entry's rank is its distance from the first of its head.
    rank = np.arange(len(ordered.row)) - np.searchsorted(ordered.row, ordered.row)
    kept = rank < shape[2]
    return _scatter(ordered.take(kept), rank[kept], shape)


def _scatter(entries: _Entries, rank: NDArray[np.int64], shape: tuple[int, int, int]) -> Exemplars:
    """Fixed-shape arrays with each entry at its head and rank."""
    scattered = Exemplars.zero(*shape)
    layer, head = np.divmod(entries.row, shape[1])
    for field in fields(Exemplars):
        getattr(scattered, field.name)[layer, head, rank] = getattr(entries, field.name)
    return scattered
