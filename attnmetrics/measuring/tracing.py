"""The pass for the report: the attention in the first exemplars of every head.

Chunks depend on the exemplars alone; a chunk's traces are stored under its digest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from attnmetrics.statistics.listing import Listing
from attnmetrics.statistics.passages import Passage, Passages, shown

CHUNK_UNITS = 128
"""Sentences of middling length fill a batch."""


@dataclass(frozen=True, slots=True)
class Traced:
    """E exemplars, and the pieces of their units that are shown: one stretch, or two with others between them."""

    unit: NDArray[np.int64]
    """[E] which of the units it is"""
    layer: NDArray[np.int64]
    """[E] position of the layer among those measured"""
    head: NDArray[np.int64]
    """[E]"""
    stretches: NDArray[np.int64]
    """[E, 4] first piece of the first stretch and one past its last, then those of the second, which may be empty"""

    def __len__(self) -> int:
        return len(self.unit)

    @property
    def pieces(self) -> NDArray[np.int64]:
        """[E] how many are shown."""
        first, end, other, last = self.stretches.T
        lengths: NDArray[np.int64] = end - first + last - other
        return lengths

    def place(self, exemplar: NDArray[np.int64], piece: NDArray[np.int64]) -> NDArray[np.int64]:
        """[N] where pieces of these exemplars' units stand among those that are shown; −1 for no place.

        Example: of the stretches 4 … 6 and 9 … 9, the pieces 5, 7 and 9 stand at 1, −1 and 3.
        """
        first, end, other, last = self.stretches[exemplar].T
        second = np.where((piece >= other) & (piece < last), piece - other + end - first, -1)
        return np.where((piece >= first) & (piece < end), piece - first, second)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Units for the model to read once more, and the exemplars that they are."""

    index: int
    units: tuple[tuple[int, ...], ...]
    """the piece ids of each"""
    segments: tuple[tuple[int, ...], ...]
    """of the pieces of each (see `Passage.segments`)"""
    wanted: Traced
    listed: NDArray[np.int64]
    """[E] rows of the listing"""

    @property
    def characters(self) -> int:
        """What measures its size: here pieces."""
        return sum(map(len, self.units))

    @property
    def digest(self) -> str:
        """Of pieces and exemplars."""
        state = blake2b(digest_size=16)
        for field in fields(self.wanted):
            state.update(getattr(self.wanted, field.name).tobytes())
        for numbers in chain(self.units, self.segments):
            state.update(np.array([len(numbers), *numbers], np.int64).tobytes())
        return state.hexdigest()


def cut_chunks(listing: Listing, passages: Passages, drawn: int) -> list[Chunk]:
    """The first exemplars of every head, as many as are drawn, by unit.

    Args:
        listing: the run's exemplars.
        passages: of their units.
        drawn: how many of each head, and as many of each claim that is told by its sentences; beside them the first
            of each part of its typical ones.
    """
    return chunks_of(listing, passages, np.flatnonzero(listing.is_drawn(drawn)))


def chunks_of(listing: Listing, passages: Passages, listed: NDArray[np.int64]) -> list[Chunk]:
    """Some of the exemplars, by unit.

    Args:
        listing: the run's exemplars.
        passages: of their units.
        listed: rows of the listing.
    """
    rows = listing.rows[listed]
    keys, unit = np.unique([rows["document_index"], rows["sentence"]], axis=1, return_inverse=True)
    deepest = np.zeros(keys.shape[1], np.int64)
    np.maximum.at(deepest, unit.reshape(-1), rows["layer"])
    # Units that no late layer is wanted of come first: a pass over them is short.
    in_turn = np.argsort(deepest, kind="stable")
    unit = np.argsort(in_turn)[unit.reshape(-1)]
    order = np.argsort(unit, kind="stable")
    # From here on a row for each exemplar, by unit: the number of its unit, its place in the listing.
    unit, listed = unit[order], listed[order]
    of_units = [passages[key] for key in zip(*keys[:, in_turn].tolist(), strict=True)]
    bounds = range(0, len(of_units), CHUNK_UNITS)
    return [
        _chunk(index, of_units[start : start + CHUNK_UNITS], unit[own] - start, listed[own], listing)
        for index, start in enumerate(bounds)
        if (own := (unit >= start) & (unit < start + CHUNK_UNITS)).any()
    ]


def _chunk(
    index: int, of_units: list[Sequence[Passage]], unit: NDArray[np.int64], listed: NDArray[np.int64], listing: Listing
) -> Chunk:
    rows = listing.rows[listed]
    pairs = zip(unit.tolist(), rows["i"].tolist(), rows["j"].tolist(), strict=True)
    stretches = [_stretches(shown(of_units[own], i, j)) for own, i, j in pairs]
    ids, segments = (
        tuple(tuple(chain.from_iterable(getattr(passage, name) for passage in of_unit)) for of_unit in of_units)
        for name in ("ids", "segments")
    )
    layer, head = rows["layer"].astype(np.int64), rows["head"].astype(np.int64)
    return Chunk(index, ids, segments, Traced(unit, layer, head, np.array(stretches, np.int64)), listed)


def _stretches(passages: Sequence[Passage]) -> tuple[int, int, int, int]:
    """See `Traced.stretches`."""
    (first, end), *others = [(passage.first, passage.first + len(passage.ids)) for passage in passages]
    return (first, end, *(others[0] if others else (end, end)))
