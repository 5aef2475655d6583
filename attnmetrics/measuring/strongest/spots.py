"""Where the pairs of claims are that texts alone say: columns that have a name, linked pairs, neighbours.

Of a name, the pairs at its columns are told by each column's largest weight; that is found once for all labels.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from attnmetrics.measuring.links import Links
from attnmetrics.measuring.strongest import loops
from attnmetrics.measuring.strongest.segments import Segments, Strongest
from attnmetrics.metrics.claims import NEIGHBOURS, SECOND_SINK, Claims
from attnmetrics.metrics.sinks import may_be_second_sink
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.pieces.align import ranges
from attnmetrics.pieces.attends import Attends
from attnmetrics.pieces.units import Units

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a batch, one for each of its T packed pieces, come to in every head."""

    largest: NDArray[np.float32]
    """[head, T] the largest α of the column"""
    row: NDArray[np.int32]
    """[head, T] where it is, counted in the unit; the first of equals"""
    total: NDArray[np.float64]
    """[head, T] the column's sum"""

    @classmethod
    def empty(cls, pieces: int, heads: int) -> Self:
        """Before the first row."""
        shape = (heads, pieces)
        return cls(np.full(shape, -np.inf, np.float32), np.zeros(shape, np.int32), np.zeros(shape))

    def add(self, tile: Tile, alpha: NDArray[np.float32], causal: bool) -> None:
        """Go on with the rows of a tile that may attend to each column."""
        loops.see_columns(alpha, tile.start, tile.length, tile.row, causal, self.largest, self.row, self.total)


class Spots:
    """The pairs of a batch of B units: X columns by name, P pairs, and one column a unit and head."""

    def __init__(self, units: Units, attends: Attends, linked: Links, claims: Claims, batch: Batch) -> None:
        self._batch, self._within = batch, _within(batch)
        self._candidates = _find_candidates(batch, self._within, _null(units, batch), attends)
        self._column_claim, self._column_unit, self._column = _named_columns(units, claims, batch)
        self._pair_claim, self._pair = _pairs(units, attends, linked, claims, batch)
        self._sink_claim = np.full(len(batch.rows), claims.number(SECOND_SINK))

    def pairs(self) -> list[tuple[Ints, Ints]]:
        """Claims and units."""
        sink = self._sink_claim, np.arange(len(self._sink_claim))
        return [(self._column_claim, self._column_unit), (self._pair_claim, self._pair[:, 0]), sink]

    def settle(self, segments: Segments) -> None:
        """Take these segments, which have those of all `pairs`."""
        self._length = segments.length
        self._of_column, of_pair, self._of_sink = (segments.find(*pair) for pair in self.pairs())
        self._tiles = {tile: self._in_tile(tile, of_pair) for tile in self._batch.tiles}

    def offer(self, tile: Tile, alpha: NDArray[np.float32], into: Strongest) -> None:
        """Offer the pairs of a tile's rows."""
        pairs, segment = self._tiles[tile]
        loops.offer_pairs(alpha, tile.row, pairs, segment, self._length, into.weight, into.place)

    def offer_columns(self, columns: Columns, into: Strongest) -> None:
        """Offer what the columns of a layer came to."""
        largest, row, within = columns.largest, columns.row, self._within
        loops.offer_columns(
            largest, row, self._column, within[self._column], self._of_column, self._length, into.weight, into.place
        )
        loops.take_sinks(
            *(largest, row, columns.total, *self._candidates, self._batch.offsets),
            *(self._of_sink, self._length, into.weight, into.place),
        )

    def _in_tile(self, tile: Tile, segment: Ints) -> tuple[Ints, Ints]:
        """The pairs of a tile's rows, whose units are counted in it, and their segments."""
        unit, i, _ = self._pair.T
        there = (unit >= tile.sentence) & (unit < tile.sentence + tile.count)
        own = np.flatnonzero(there & (i >= tile.row) & (i < tile.row + tile.rows))
        return self._pair[own] - np.array([tile.sentence, 0, 0]), segment[own]


def _within(batch: Batch) -> Ints:
    """[T] each packed piece, counted in its unit."""
    sizes = np.diff(batch.offsets)
    return ranges(np.zeros_like(sizes), sizes)


def _own(units: Units, batch: Batch) -> Ints:
    """[T] each packed piece, counted over all units."""
    return ranges(units.pieces.offsets[batch.rows], units.pieces.offsets[batch.rows + 1])


def _null(units: Units, batch: Batch) -> NDArray[np.bool_]:
    """[T] whether the columns of packed pieces are null."""
    return units.null[_own(units, batch)]


def _find_candidates(
    batch: Batch, within: Ints, null: NDArray[np.bool_], attends: Attends
) -> tuple[Ints, NDArray[np.bool_]]:
    """[T] how many rows may attend to each packed piece, and whether it may be its unit's second sink."""
    lengths = np.diff(batch.offsets)
    n = np.repeat(lengths, lengths)
    rows = attends.seen_by(within, n)
    return rows, may_be_second_sink(within, n, rows, null)


def _named_columns(units: Units, claims: Claims, batch: Batch) -> tuple[Ints, Ints, Ints]:
    """(claim, unit, packed piece) of every column that is not null, for each label."""
    firsts, sizes = claims.first_of_label, np.diff(batch.offsets)
    unit, piece = np.repeat(np.arange(len(sizes)), sizes), np.arange(batch.offsets[-1])
    kept = ~_null(units, batch)
    unit, piece = unit[kept], piece[kept]
    own = _own(units, batch)[kept]
    claim = np.concatenate([units.labels[label][own] + first for label, first in firsts.items()])
    return claim.astype(np.int64), np.tile(unit, len(firsts)), np.tile(piece, len(firsts))


def _pairs(units: Units, attends: Attends, linked: Links, claims: Claims, batch: Batch) -> tuple[Ints, Ints]:
    """[P] claim and [P, 3] (unit, i, j) of every linked pair and every two neighbours."""
    begin, end = linked.offsets[batch.rows], linked.offsets[batch.rows + 1]
    # A row for each pair: the pair, its unit; without those of separators, which may be null.
    own, unit = ranges(begin, end), np.repeat(np.arange(len(batch.rows)), end - begin)
    of_link = linked.group[own] < units.schema.separators
    own, unit = own[of_link], unit[of_link]
    claim = claims.first_of_links + linked.group[own]
    parts: list[tuple[NDArray[Any], ...]] = [(claim, unit, linked.attending[own], linked.attended[own])]
    parts += [_neighbours(units, attends, claims.number(name), step, batch) for name, step in NEIGHBOURS.items()]
    columns = [np.concatenate(column).astype(np.int64) for column in zip(*parts, strict=True)]
    return columns[0], np.stack(columns[1:], axis=1)


def _neighbours(units: Units, attends: Attends, claim: int, step: int, batch: Batch) -> tuple[Ints, ...]:
    """(claim, unit, i, i + step), as far as the pairs are attendable."""
    sizes = np.diff(batch.offsets)
    i, n, unit = _within(batch), np.repeat(sizes, sizes), np.repeat(np.arange(len(sizes)), sizes)
    j = i + step
    inside = (j >= 0) & (j < n) & attends.may_attend(i, j)
    kept = inside & ~np.roll(_null(units, batch), -step)
    return np.full(kept.sum(), claim), unit[kept], i[kept], j[kept]
