"""Per head the K sentences with the largest single attention weight, as a value that merges exactly.

Order: weight descending, then (document, sentence) ascending. A text that occurs twice is kept as its first occurrence;
of the sentences whose weight lies between the same two piece ids, the first in this order is kept.

Laws (tested): `merge(zero, a) == a`; `merge` is associative and commutative, and
`from_peaks(a ∪ b) == merge(from_peaks(a), from_peaks(b))`, bit for bit, provided that equal texts have equal peaks. For
what a part drops has one of its own text or pair before it, or K of other pairs: each of these stays before it in the
whole, or a better one of the same pair does.
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
    """The best K sentences of each head, […, layer, head, K], best first, empty places last."""

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
    pair: NDArray[np.uint64]
    """the ids of the two pieces, as one number; 0 where empty"""

    @property
    def shape(self) -> tuple[int, ...]:
        """(…, layers, heads, K)."""
        return self.weight.shape

    @classmethod
    def zero(cls, *shape: int) -> "Exemplars":
        """No sentence at all, of such a shape: the identity of `merge`."""
        return cls(
            weight=np.full(shape, np.nan),
            document_index=np.full(shape, -1, np.int64),
            sentence=np.full(shape, -1, np.int64),
            i=np.full(shape, -1, np.int32),
            j=np.full(shape, -1, np.int32),
            digest=np.zeros(shape, np.uint64),
            pair=np.zeros(shape, np.uint64),
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
    def unpack(cls, vector: NDArray[np.int64], shape: tuple[int, ...]) -> "Exemplars":
        """The inverse of `pack`, for a shape.

        Raises:
            MergeError: the vector's length does not belong to this shape.
        """
        empty = cls.zero(0)
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

    def choose(self, second: NDArray[np.bool_]) -> "Exemplars":
        """Of two kinds, [2, layer, head, K], the second of the heads [layer, head] where this is wanted."""
        columns = (getattr(self, field.name) for field in fields(Exemplars))
        return Exemplars(*(np.where(second[..., None], own, apart) for apart, own in columns))


class Peaks(NamedTuple):
    """The largest weight of S sentences in each head, and where it stands."""

    weight: NDArray[np.floating[Any]]
    """[S, …, layer, head] largest F; NaN or −inf where the sentence has no attendable pair"""
    i: NDArray[np.integer[Any]]
    """[S, …, layer, head] its attending piece"""
    j: NDArray[np.integer[Any]]
    """[S, …, layer, head] its attended piece"""
    pair: NDArray[np.uint64]
    """[S, …, layer, head] the ids of both, as one number"""


def pair_of(attending: NDArray[np.int64], attended: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Two piece ids as one number, another one for every two."""
    return (attending.astype(np.uint64) << np.uint64(32)) | attended.astype(np.uint64)


class _Entries(NamedTuple):
    """Entries of all heads in one flat list; `row` is the place of the head among all, such as layer × heads + head."""

    row: NDArray[np.int64]
    weight: NDArray[np.float64]
    document_index: NDArray[np.int64]
    sentence: NDArray[np.int64]
    i: NDArray[np.int32]
    j: NDArray[np.int32]
    digest: NDArray[np.uint64]
    pair: NDArray[np.uint64]

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
    chosen = _first_occurrences(document_index, sentence, digest)
    # A row for each chosen sentence, in corpus order, a column for each head.
    heads = prod(peaks.weight.shape[1:])
    weight, i, j = (column[chosen].reshape(len(chosen), heads) for column in (peaks.weight, peaks.i, peaks.j))
    pair = peaks.pair[chosen].reshape(len(chosen), heads)
    best = Exemplars.zero(*peaks.weight.shape[1:], k)
    for row in range(heads):
        own = _best_pairs(weight[:, row], pair[:, row], k)
        of = chosen[own]
        columns = (weight[own, row], document_index[of], sentence[of], i[own, row], j[own, row], digest[of])
        for field, column in zip(fields(Exemplars), (*columns, pair[own, row]), strict=True):
            getattr(best, field.name).reshape(heads, k)[row, : len(own)] = column
    return best


def _best_pairs(weight: NDArray[Any], pair: NDArray[np.uint64], k: int) -> NDArray[np.int64]:
    """The places of the k largest weights, the first of equals and of each pair."""
    order = np.argsort(-weight, kind="stable")
    order = order[np.isfinite(weight[order])]
    _, first = np.unique(pair[order], return_index=True)
    return np.asarray(order[np.sort(first)[:k]], np.int64)


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
    threshold = best.weight[..., -1:] if best.shape[-1] else best.weight
    *head, rank = np.nonzero(part.weight >= np.where(np.isnan(threshold), -np.inf, threshold))
    columns = (getattr(part, field.name)[*head, rank] for field in fields(Exemplars))
    return _Entries(np.ravel_multi_index(head, part.shape[:-1]), *columns)


def _absorb(best: Exemplars, pending: list[_Entries]) -> Exemplars:
    """The best K of `best` and of the pending entries."""
    everything = [_contenders(best, Exemplars.zero(*best.shape)), *pending]
    entries = _Entries(*(np.concatenate(columns) for columns in zip(*everything, strict=True)))
    entries = _first_of_each(entries, (entries.sentence, entries.document_index, entries.digest, entries.row))
    order = entries.sentence, entries.document_index, -entries.weight
    return _select(_first_of_each(entries, (*order, entries.pair, entries.row)), best.shape)


def _first_of_each(entries: _Entries, keys: tuple[NDArray[Any], ...]) -> _Entries:
    """The first entry for each value of the last two keys, in the order of all; the last key is the most important."""
    order = np.lexsort(keys)
    *_, what, row = (key[order] for key in keys)
    new = np.ones(len(order), bool)
    new[1:] = (row[1:] != row[:-1]) | (what[1:] != what[:-1])
    return entries.take(order[new])


def _select(entries: _Entries, shape: tuple[int, ...]) -> Exemplars:
    """The best K entries of each head."""
    keys = (entries.sentence, entries.document_index, -entries.weight, entries.row)
    ordered = entries.take(np.lexsort(keys))
    # An entry's rank is its distance from the first of its head.
    rank = np.arange(len(ordered.row)) - np.searchsorted(ordered.row, ordered.row)
    kept = rank < shape[-1]
    best = Exemplars.zero(*shape)
    head = np.unravel_index(ordered.row[kept], shape[:-1])
    for field in fields(Exemplars):
        getattr(best, field.name)[*head, rank[kept]] = getattr(ordered, field.name)[kept]
    return best
