"""Typical units of every head: of a sample of units the largest weight in each, cut into five parts by it.

The sample are the `UNITS` units of the whole corpus with the smallest (hash, document, sentence), the same for all
heads. A part of the corpus cannot know which of its own these are: it keeps more of them than will be (`enough`), and
up to which key all of its units are there. So what a merge gives is a sample by hash always: were a part to have kept
too few, the sample of the whole would end there.

Laws (tested): `merge_typical` of parts gives the same for any parts, in any order, bit for bit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, prod, sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.errors import MergeError
from attnmetrics.statistics.exemplars import Peaks
from attnmetrics.statistics.sampling import Selection

UNITS: Final = 500
"""Units of the sample."""
PARTS: Final = 5
"""Parts that a head's units are cut into by their largest weight."""
OF_A_PART: Final = 5
"""Units that each part shows."""

DENSER: Final = 4
"""A part of the corpus may have so many times more units than others of as much text."""

Key = tuple[int, int, int]
"""(hash, document_index, sentence)"""
NOTHING: Final[Key] = 0, -1, -1
"""Before every key of a unit."""


def enough(share: float) -> int:
    """Units with the smallest hashes to keep of a part with this share of the corpus's text.

    It has more of the sample than that with a probability below 1e-12, even where its units are `DENSER`.

    >>> enough(1), enough(1 / 64), enough(1 / 10_000)
    (500, 86, 14)
    """
    mean = UNITS * min(1.0, DENSER * share)
    return min(UNITS, ceil(mean + 8 * sqrt(mean) + 10))


@dataclass(frozen=True, slots=True)
class Typical:
    """The largest F[i, j] of N units in every head; by (hash, document_index, sentence)."""

    hashes: NDArray[np.uint64]
    """[N]"""
    document_index: NDArray[np.int64]
    """[N] position of the document in the corpus"""
    sentence: NDArray[np.int64]
    """[N] position of the unit in its document"""
    weight: NDArray[np.float32]
    """[N, layer, head]; 0 where no pair is attendable"""
    i: NDArray[np.int32]
    """[N, layer, head] its attending piece; −1 where no pair is attendable"""
    j: NDArray[np.int32]
    """[N, layer, head] its attended piece"""
    last: Key | None = None
    """up to which all units of the part are here; None: all of them are"""

    def __len__(self) -> int:
        return len(self.hashes)

    @property
    def units(self) -> set[tuple[int, int]]:
        """(document_index, sentence) of all units."""
        return set(zip(self.document_index.tolist(), self.sentence.tolist(), strict=True))

    def keep(self, most: int) -> "Typical":
        """The first, no more than this many."""
        rows, last = _sample(self.hashes, self.document_index, self.sentence, most)
        return replace(self._take(rows), last=last or self.last)

    def up_to(self, last: Key | None) -> "Typical":
        """Those up to a key."""
        own = Selection(len(self), last).selects(self.hashes, self.document_index, self.sentence)
        return self if own.all() else self._take(own)

    def pack(self) -> NDArray[np.uint8]:
        """Three numbers for the shape, four for whether there is a last key and for this, and the columns, as bytes."""
        has_last, (digest, *place) = self.last is not None, self.last or NOTHING
        header = np.array([*self.weight.shape, has_last, *place], np.int64), np.array([digest], np.uint64)
        parts = (*header, *(getattr(self, name) for name in _KINDS))
        return np.concatenate([np.ravel(part).view(np.uint8) for part in parts])

    @classmethod
    def unpack(cls, data: NDArray[np.uint8]) -> "Typical":
        """The inverse of `pack`.

        Raises:
            MergeError: the bytes are not as many as their shape says.
        """
        *shape, has_last, document, sentence = data[:48].view(np.int64).tolist() if len(data) >= 56 else [-1] * 6
        sizes = {name: shape[:1] if name in _BY_UNIT else shape for name in _KINDS}
        ends = np.cumsum([56, *(prod(size) * _KINDS[name].itemsize for name, size in sizes.items())]).tolist()
        if min(shape) < 0 or len(data) != ends[-1]:
            raise MergeError(f"expected typical units of shape {shape}, found {len(data)} bytes")
        spans = zip(sizes.items(), pairwise(ends), strict=True)
        columns = {name: data[a:b].view(_KINDS[name]).reshape(size) for (name, size), (a, b) in spans}
        digest = int(data[48:56].view(np.uint64)[0])
        return cls(**columns, last=(digest, document, sentence) if has_last else None)

    def _take(self, rows: NDArray[Any]) -> "Typical":
        return replace(self, **{name: getattr(self, name)[rows] for name in _KINDS})


_KINDS: Final[Mapping[str, np.dtype[Any]]] = {
    "hashes": np.dtype(np.uint64),
    "document_index": np.dtype(np.int64),
    "sentence": np.dtype(np.int64),
    "weight": np.dtype(np.float32),
    "i": np.dtype(np.int32),
    "j": np.dtype(np.int32),
}
"""The columns of `Typical`."""
_BY_UNIT: Final = ("hashes", "document_index", "sentence")


def from_peaks(
    peaks: Peaks,
    exists: NDArray[np.bool_],
    hashes: NDArray[np.uint64],
    document_index: NDArray[np.int64],
    sentence: NDArray[np.int64],
    most: int,
) -> Typical:
    """Those of S units, of each the larger of two peaks; the first pair of equals.

    Args:
        peaks: of the units, [S, 2, layer, head]; −∞ where there is none.
        exists: [S] which of them there are: the others have no piece.
        hashes: [S] by which units are sampled.
        document_index: [S] position of the unit's document in the corpus.
        sentence: [S] position of the unit in its document.
        most: units to keep.
    """
    there = np.flatnonzero(exists)
    rows, last = _sample(hashes[there], document_index[there], sentence[there], most)
    rows = there[rows]
    (apart, own), (i, own_i), (j, own_j) = (np.moveaxis(column[rows], 1, 0) for column in peaks[:3])
    is_first = (own_i < i) | ((own_i == i) & (own_j < j))
    by_own = (own > apart) | ((own == apart) & is_first)
    return Typical(
        hashes=hashes[rows],
        document_index=document_index[rows],
        sentence=sentence[rows],
        weight=np.maximum(np.where(by_own, own, apart), 0).astype(np.float32),
        i=np.where(by_own, own_i, i).astype(np.int32),
        j=np.where(by_own, own_j, j).astype(np.int32),
        last=last,
    )


def merge_typical(parts: Iterable[Typical]) -> Typical:
    """The sample of all parts, read one at a time in bounded memory.

    Raises:
        MergeError: no parts.
    """
    pending: list[Typical] = []
    last: Key | None = None
    for part in parts:
        pending.append(part.up_to(last))
        if sum(map(len, pending)) > 2 * UNITS:
            pending = [_join(pending)]
            last = pending[0].last
    if not pending:
        raise MergeError("expected typical units of at least one shard, found none; measure a shard before merging")
    return _join(pending)


def find_typical(sample: Typical) -> tuple[NDArray[np.int64], ...]:
    """What each part of a head's units shows: those with the smallest hashes that have an attendable pair.

    A head's n units are ordered by (largest weight, hash); that at place p belongs to part ⌊5 p ÷ n⌋.

    Returns:
        unit of the sample, part, layer, head, and rank from 0 in the part; by (part, layer, head, rank).
    """
    place = np.argsort(np.argsort(sample.weight, axis=0, kind="stable"), axis=0, kind="stable")
    part = PARTS * place // max(1, len(sample))
    found = [_first_of_part((part == own) & (sample.i >= 0), own) for own in range(PARTS)]
    return tuple(np.concatenate(columns) for columns in zip(*found, strict=True))


def _first_of_part(members: NDArray[np.bool_], part: int) -> tuple[NDArray[np.int64], ...]:
    """As `find_typical` gives them, of one part. `members`: [N, layer, head] which units belong to it."""
    rank = np.cumsum(members, axis=0) - 1
    layer, head, unit = np.nonzero(np.moveaxis(members & (rank < OF_A_PART), 0, -1))
    return unit, np.full_like(unit, part), layer, head, rank[unit, layer, head]


def _join(parts: Sequence[Typical]) -> Typical:
    """The sample of some parts: it ends where one of them does."""
    ends = [part.last for part in parts if part.last is not None]
    last = min(ends, default=None)
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _KINDS}
    return Typical(**columns, last=last).up_to(last).keep(UNITS)


def _sample(
    hashes: NDArray[np.uint64], document_index: NDArray[np.int64], sentence: NDArray[np.int64], most: int
) -> tuple[NDArray[np.int64], Key | None]:
    """The rows of the first, no more than `most`, in order, and the last key of these; None where they are all."""
    order = np.lexsort((sentence, document_index, hashes))
    rows = order[:most]
    if len(rows) == len(order):
        return rows, None
    if not most:
        return rows, NOTHING
    end = rows[-1]
    return rows, (int(hashes[end]), int(document_index[end]), int(sentence[end]))
