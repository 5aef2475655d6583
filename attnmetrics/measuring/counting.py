"""What texts alone say: pieces, pairs, linked pairs, and what attention would give that is spread evenly."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.family import OFFSET_LIMIT, OFFSETS, PAIR_DISTANCE_LIMIT, PAIR_DISTANCES, Link, Quantity, Sum
from attnmetrics.metrics.sinks import BINS, FIRST_PIECES, find_bins, may_be_second_sink
from attnmetrics.pieces.attends import Attends
from attnmetrics.pieces.links import Pairs
from attnmetrics.pieces.special import SEPARATOR, is_summary
from attnmetrics.pieces.units import Units

Array = NDArray[np.float64]
Between = tuple[int, int]


def count(units: Units, counted: NDArray[np.bool_], attends: Attends) -> dict[str, Array]:
    """The sums of the units that count which need no model.

    Args:
        units: S units.
        counted: [S] which of them count.
        attends: what a row may attend to, and which pieces are null.
    """
    counts = _Counts.of(units, counted & (units.pieces.lengths > 0), attends)
    return {one.name: counts.sum(one) for one in units.schema.text_sums}


@dataclass(frozen=True, slots=True)
class _Linked:
    """The pairs of a link that lie in units that count."""

    link: Link
    row: NDArray[np.int64]
    """[P] the unit"""
    i: NDArray[np.int64]
    """[P] attending piece, counted in the unit"""
    j: NDArray[np.int64]
    """[P] attended piece, counted in the unit"""
    edge: NDArray[np.int64]
    """[P] which of the link's directions; 0 where it has none"""
    length: NDArray[np.int64]
    """[P] pieces of the unit"""

    @classmethod
    def of(cls, link: Link, pairs: Pairs, counted: NDArray[np.bool_], lengths: NDArray[np.int64]) -> "_Linked":
        kept = counted[pairs.row]
        row = pairs.row[kept]
        i, j, edge = (column[kept].astype(np.int64) for column in (pairs.attending, pairs.attended, pairs.edge))
        return cls(link, row, i, j, edge, lengths[row])

    def take(self, kept: NDArray[np.bool_]) -> "_Linked":
        columns = (self.row, self.i, self.j, self.edge, self.length)
        return _Linked(self.link, *(column[kept] for column in columns))

    def by_edge(self, weights: Array | None = None) -> Array:
        """A sum by direction; one number where the link has none."""
        return self._shaped(total_by(self.edge, weights, self.link.groups), ())

    def by_edge_and(self, place: NDArray[np.int64], size: int) -> Array:
        """Pairs by direction and by a place below `size`: those of edge 1 at place 2 are counted at size + 2."""
        return self._shaped(total_by(self.edge * size + place, None, self.link.groups * size), (size,))

    def _shaped(self, sums: Array, rest: tuple[int, ...]) -> Array:
        """[edge, *rest]; without `edge` where the link has no directions."""
        edges = (len(self.link.edges),) if self.link.edges else ()
        return sums.reshape((*edges, *rest))


@dataclass(frozen=True, slots=True)
class _Counts:
    """Units that count, and the quantities of their texts."""

    units: Units
    counted: NDArray[np.bool_]
    """[S]"""
    in_counted: NDArray[np.bool_]
    """[T]"""
    attends: Attends
    piece: NDArray[np.int64]
    """[T] in its unit"""
    length: NDArray[np.int64]
    """[T] pieces of its unit"""
    even_given: Array
    """[T] Σ_j F of even attention by attending piece"""
    even_received: Array
    """[T] Σ_i F of even attention by attended piece"""
    linked: Mapping[str, _Linked]
    """by link"""

    @classmethod
    def of(cls, units: Units, counted: NDArray[np.bool_], attends: Attends) -> "_Counts":
        lengths, row = units.pieces.lengths, units.pieces.row
        # A row for each piece: the length of its unit, and its place in it.
        length = lengths[row]
        piece = np.arange(len(row)) - units.pieces.offsets[row]
        return cls(
            units=units,
            counted=counted,
            in_counted=counted[row],
            attends=attends,
            piece=piece,
            length=length,
            even_given=even_given(piece, attends.reach(piece, length), units.null),
            even_received=even_received(piece, length, attends.causal, units.null),
            linked={
                link.name: _Linked.of(link, units.links[link.name], counted, lengths) for link in units.schema.links
            },
        )

    def sum(self, wanted: Sum) -> Array:
        """One sum of the schema."""
        if wanted.of is Quantity.COUNT:
            return np.asarray(self.count(wanted.name), np.float64)
        return _OF_TEXTS[wanted.of](self, wanted)

    def count(self, what: str) -> int:
        """Something that is counted once a unit or a piece."""
        pieces, counted, in_counted = self.units.pieces, self.counted, self.in_counted
        marked = {
            "sentences": counted,
            "pieces": in_counted,
            "sentences_cut": counted & pieces.cut,
            "pieces_unaligned": in_counted & pieces.in_text & ~self.units.aligned,
            "summary_rows": in_counted & self.summary,
            "second_sink_sentences": self.with_second_sink(self.piece) > -inf,
        }
        return int(marked[what].sum())

    def by_label(self, weights: Array, label: str | None) -> Array:
        """A sum over pieces: [name] of a label, or over all."""
        weights = weights[self.in_counted]
        if label is None:
            return np.asarray(weights.sum())
        return total_by(self.units.labels[label][self.in_counted], weights, len(self.units.schema.names[label]))

    # Of rows, whatever is null.

    @property
    def reach(self) -> NDArray[np.int64]:
        """[T] how many pieces each row may attend to."""
        return self.attends.reach(self.piece, self.length)

    @property
    def summary(self) -> NDArray[np.bool_]:
        """[T] which rows stand for their units."""
        return is_summary(self.piece, self.length, self.units.pieces.in_text, self.attends.causal)

    @property
    def seen_by(self) -> NDArray[np.int64]:
        """[T] how many rows may attend to each column."""
        return self.attends.seen_by(self.piece, self.length)

    @property
    def even_received_all(self) -> Array:
        """[T] Σ_i α of even attention by attended piece, null or not."""
        return even_received(self.piece, self.length, self.attends.causal, np.zeros_like(self.units.null))

    def neighbours(self, weights: Array) -> Array:
        """[3] a sum over the rows that may attend to the piece before them, to themselves, to the one after them."""
        has_one = [self.piece > 0, self.piece >= 0, self.piece + 1 < self.reach]
        return np.array([weights[self.in_counted & rows].sum() for rows in has_one])

    def with_separators(self, weights: Callable[[Array], Array]) -> Array:
        """[2] a sum over the rows that are separators, and over those that are none, of units that have a separator.

        Args:
            weights: of the rows, from how many separators each may attend to.
        """
        separator = self.units.labels["special"] == SEPARATOR
        seen, all_seen = (_count_seen(separator, self.piece, reach) for reach in (self.reach, self.length))
        weight = np.where(all_seen > 0, weights(seen.astype(np.float64)), 0.0)
        return np.array([weight[self.in_counted & rows].sum() for rows in (separator, ~separator)])

    # Of whole units.

    def even_first_pieces(self) -> Array:
        """[weight_bin] the long units by mean attention to their first piece, of all rows but the first."""
        lengths = self.units.pieces.lengths
        long = self.counted & (lengths >= FIRST_PIECES)
        first, others = self.units.pieces.offsets[:-1][long], lengths[long] - 1
        weight = (self.even_received_all[first] - 1 / self.reach[first]) / others
        return total_by(find_bins(weight), None, BINS)

    def with_second_sink(self, values: NDArray[np.number]) -> Array:
        """[S] the largest of some values [T] among the pieces that may be a unit's second sink; −∞ for none."""
        may_be = may_be_second_sink(self.piece, self.length, self.seen_by, self.units.null) & self.in_counted
        largest = np.full(len(self.units), -inf)
        np.maximum.at(largest, self.units.pieces.row[may_be], values[may_be])
        return largest

    def even_second_sink(self) -> Array:
        largest = self.with_second_sink(self.even_received / self.seen_by)
        return np.asarray(largest[largest > -inf].sum())

    # Of pairs.

    def attendable(self, link: str | None) -> _Linked:
        """The pairs of a link whose attended piece is attendable."""
        pairs = self.linked[str(link)]
        return pairs.take(self.attends.pairs(pairs.i, pairs.j, pairs.length))

    def backward(self, link: str | None) -> _Linked:
        """The pairs j ≤ i of a link, j not null, whatever the model's direction."""
        pairs = self.linked[str(link)]
        return pairs.take(replace(self.attends, causal=True).pairs(pairs.i, pairs.j, pairs.length))

    def even_linked(self, wanted: Sum) -> Array:
        pairs = self.attendable(wanted.by)
        return pairs.by_edge(1 / self.attends.reach(pairs.i, pairs.length))

    def rows(self, wanted: Sum) -> Array:
        """Rows with an attendable partner: by direction, and in either; or one number."""
        pairs = self.attendable(wanted.by)
        row = self.units.pieces.offsets[pairs.row] + pairs.i
        directions = [row[pairs.edge == edge] for edge in range(len(pairs.link.edges))]
        numbers = [len(np.unique(rows)) for rows in (*directions, row)]
        return np.array(numbers if pairs.link.edges else numbers[-1], np.float64)

    def pairs_at_offset(self, wanted: Sum) -> Array:
        if wanted.by is None:
            return self._by_length(attendable_at_offset, len(OFFSETS))
        pairs = self.attendable(wanted.by)
        return pairs.by_edge_and(_offset_place(pairs.i - pairs.j), len(OFFSETS))

    def pairs_at_distance(self, wanted: Sum) -> Array:
        if wanted.by is None:
            return self._by_length(backward_at_distance, len(PAIR_DISTANCES))
        pairs = self.backward(wanted.by)
        return total_by(_distance_place(pairs.i - pairs.j), None, len(PAIR_DISTANCES))

    def distances(self, wanted: Sum) -> Array:
        pairs = self.backward(wanted.by)
        return np.asarray((pairs.i - pairs.j).sum(), np.float64)

    def _by_length(self, of_length: Callable[[int, Attends, Between], Array], size: int) -> Array:
        total = np.zeros(size)
        units = np.stack([self.units.pieces.lengths, *self.units.between])[:, self.counted]
        for unit, number in zip(*np.unique(units.T, axis=0, return_counts=True), strict=True):
            length, begin, end = unit.tolist()
            total += number * of_length(length, self.attends, (begin, end))
        return total


_OF_TEXTS: Mapping[Quantity, Callable[[_Counts, Sum], Array]] = {
    Quantity.EVEN_GIVEN: lambda counts, wanted: counts.by_label(counts.even_given, wanted.by),
    Quantity.EVEN_RECEIVED: lambda counts, wanted: counts.by_label(counts.even_received, wanted.by),
    Quantity.EVEN_LINKED: _Counts.even_linked,
    Quantity.EVEN_RECEIVED_ALL: lambda counts, wanted: counts.by_label(counts.even_received_all, wanted.by),
    Quantity.EVEN_TO_SEPARATORS: lambda counts, _: counts.with_separators(lambda seen: seen / counts.reach),
    Quantity.EVEN_NEIGHBOURS: lambda counts, _: counts.neighbours(1 / counts.reach),
    Quantity.EVEN_ENTROPY_ALL: lambda counts, _: counts.by_label(np.log(counts.reach), None),
    Quantity.EVEN_ENTROPY_SUMMARY: lambda counts, _: counts.by_label(np.log(counts.reach) * counts.summary, None),
    Quantity.EVEN_LARGEST: lambda counts, _: counts.by_label(1 / counts.reach, None),
    Quantity.EVEN_FIRST_PIECE: lambda counts, _: counts.even_first_pieces(),
    Quantity.EVEN_SECOND_SINK: lambda counts, _: counts.even_second_sink(),
    Quantity.ROWS: _Counts.rows,
    Quantity.SEPARATOR_ROWS: lambda counts, _: counts.with_separators(np.ones_like),
    Quantity.NEIGHBOUR_ROWS: lambda counts, _: counts.neighbours(np.ones(len(counts.piece))),
    Quantity.PAIRS_AT_OFFSET: _Counts.pairs_at_offset,
    Quantity.PAIRS_AT_DISTANCE: _Counts.pairs_at_distance,
    Quantity.DISTANCES: _Counts.distances,
}
"""How each quantity of texts is summed."""


# --- even attention ---------------------------------------------------------------------------------------------------


def even_given(piece: NDArray[np.int64], reach: NDArray[np.int64], null: NDArray[np.bool_]) -> Array:
    """Σ_j F of each row where attention is even over all pieces that it may attend to.

    Args:
        piece: [T] all pieces, counted in their units.
        reach: [T] how many pieces each may attend to.
        null: [T] which of them are null.

    Example: rows 0, 1, 2 of a causal unit of 3 pieces, the first of them null, give 0, 1/2, 2/3.
    """
    return np.asarray(_count_seen(~null, piece, reach) / reach)


def _count_seen(marked: NDArray[np.bool_], piece: NDArray[np.int64], reach: NDArray[np.int64]) -> NDArray[np.int64]:
    """[T] how many of the pieces that each may attend to are marked: 0 1 1 2 of a causal unit of 3, 1 and 3 marked."""
    before = np.concatenate([[0], np.cumsum(marked)])
    # A row for each piece: its unit's first piece; the marked ones from there to the last that it may attend to.
    first = np.arange(len(piece)) - piece
    seen: NDArray[np.int64] = before[first + reach] - before[first]
    return seen


def even_received(piece: NDArray[np.int64], length: NDArray[np.int64], causal: bool, null: NDArray[np.bool_]) -> Array:
    """Σ_i F of each column where attention is even over all pieces that a row may attend to.

    Column j of a causal unit of n pieces has Σ 1/m over m = j + 1 … n; one of a unit that looks both ways has 1.

    Example: columns 0, 1, 2 of a causal unit of 3 pieces, the first of them null, give 0, 1/2 + 1/3, 1/3.
    """
    if causal:
        harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, length.max(initial=0) + 1))])
        received = harmonic[length] - harmonic[piece]
    else:
        received = np.ones(len(piece))
    return np.where(null, 0.0, received)


# --- pairs by their distance ------------------------------------------------------------------------------------------


def attendable_at_offset(length: int, attends: Attends, between: Between) -> Array:
    """[offset] attendable pairs of a unit of so many pieces, by i − j, the ends holding all beyond.

    Args:
        length: pieces.
        attends: what a row may attend to, and which pieces at the ends are null.
        between: the first, and one past the last, null piece between segments; both 0 for none.
    """
    least = 0 if attends.causal else 1 - length
    offset = np.arange(least, length)
    return total_by(_offset_place(offset), _open_at(offset, length, attends, between), len(OFFSETS))


def backward_at_distance(length: int, attends: Attends, between: Between) -> Array:
    """[pair_distance] pairs j ≤ i with j not null of such a unit, whatever the model's direction."""
    distance = np.arange(length)
    return total_by(_distance_place(distance), _open_at(distance, length, attends, between), len(PAIR_DISTANCES))


def _open_at(offset: NDArray[np.int64], length: int, attends: Attends, between: Between) -> Array:
    """How many columns j that are not null have a row i = j + offset in the unit.

    Example: of a unit of 3 pieces, the first of them null, offsets −1 0 1 give 2 2 1.
    """
    return _columns_at(offset, length, *attends.columns(length)) - _columns_at(offset, length, *between)


def _columns_at(offset: NDArray[np.int64], length: int, first: int, end: int) -> Array:
    """How many of the columns `first` … `end` − 1 have a row i = j + offset in the unit."""
    # 0 ≤ j + offset < length, and first ≤ j < end.
    last, begin = np.minimum(end, length - offset), np.maximum(first, -offset)
    return np.asarray(np.maximum(last - begin, 0), np.float64)


def _offset_place(offset: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where an offset stands in `OFFSETS`: −40 −32 0 33 at 0 0 32 64."""
    return np.clip(offset, -OFFSET_LIMIT, OFFSET_LIMIT) + OFFSET_LIMIT


def _distance_place(distance: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where a distance stands in `PAIR_DISTANCES`: 3 70 at 3 64."""
    return np.minimum(distance, np.int64(PAIR_DISTANCE_LIMIT))


def total_by(place: NDArray[np.int64], weights: Array | None, size: int) -> Array:
    """[size] the sum of the weights at each place, or the number of entries without weights.

    Example: places 0 2 2 with weights 1 2 3 give 1 0 5.
    """
    return np.asarray(np.bincount(place, weights, size), np.float64)
