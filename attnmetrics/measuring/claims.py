"""The strongest pairs of every claim, found in α itself, of the units that are mapped.

The spots (see `segments`) of a name are the columns that have it, each with the row that attends to it most: these are
found once for all labels. Of every unit, one spot more is the strongest pair at its most attended column.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.measuring.links import Links
from attnmetrics.measuring.maps import BatchMaps
from attnmetrics.measuring.relations import RelationReader
from attnmetrics.measuring.segments import Chosen, Segments
from attnmetrics.measuring.syntax import SyntaxReader
from attnmetrics.metrics.claims import NEIGHBOURS, SECOND_SINK, Claims
from attnmetrics.model.align import ranges
from attnmetrics.model.kernels.attends import Attends
from attnmetrics.model.look import Layer
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.model.units import Units
from attnmetrics.statistics.claims import Rows, keep_best, make_rows, no_rows

Ints = NDArray[np.int64]
SINK_PIECES = 10
"""Units of fewer pieces have no second sink."""


class ClaimFinder:
    """What finds the claims' pairs in a shard's units."""

    def __init__(self, units: Units, attends: Attends, linked: Links) -> None:
        self.units = units
        self.attends = attends
        self.linked = linked
        self.claims = Claims(units.schema)

    def read(self, batch: Batch, maps: BatchMaps) -> "ClaimReader":
        """What finds them in these units, of which these maps are made too, tile by tile before."""
        syntax = next((reader for reader in maps.readers if isinstance(reader, SyntaxReader)), None)
        relations = RelationReader(syntax, self.units, self.claims, batch) if syntax else None
        return ClaimReader(self, batch, relations)


class ClaimReader:
    """The best rows of one batch."""

    def __init__(self, finder: ClaimFinder, batch: Batch, relations: RelationReader | None) -> None:
        self._units, self._batch, self._relations = finder.units, batch, relations
        self._causal = finder.attends.causal
        self._spots = _find_spots(finder, batch)
        self._rows: list[Rows] = []

    def see(self, layer: Layer, tile: Tile, weights: Tensor) -> None:
        """Look at a tile (see `look.See`); a layer's tiles come in their order."""
        if tile is self._batch.tiles[0]:
            self._columns = _Columns.empty(int(self._batch.offsets[-1]), weights.shape[1])
            self._at_pairs = np.zeros((weights.shape[1], len(self._spots.pair)), np.float32)
        self._columns.add(tile, weights)
        self._spots.read_pairs(tile, weights, self._at_pairs)
        if self._relations is not None:
            self._relations.see(tile, weights)
        if tile is self._batch.tiles[-1]:
            self._end(layer.place)

    def rows(self) -> Rows:
        """The best of all layers."""
        return keep_best(np.concatenate([no_rows(), *self._rows]))

    def _end(self, layer: int) -> None:
        """Choose the best rows of a layer of which all tiles were seen."""
        columns = self._columns.settle(self._batch, self._causal)
        self._add(layer, self._spots.choose(columns, self._at_pairs, self._causal))
        if self._relations is not None:
            self._add(layer, self._relations.choose())

    def _add(self, layer: int, found: Chosen) -> None:
        unit, units = self._batch.rows[found.unit], self._units
        rows = make_rows(
            claim=found.claim, layer=layer, head=found.head, weight=found.weight, i=found.i, j=found.j,
            document_index=units.document_index[unit], sentence=units.number[unit], digest=units.digest[unit],
        )  # fmt: skip
        self._rows.append(rows)


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the columns of a batch, one for each of its T packed pieces, come to in every head."""

    largest: NDArray[np.float32]
    """[T, head] the largest α of the column"""
    row: Ints
    """[T, head] where it is, counted in the unit; the first of equals"""
    total: NDArray[np.float64]
    """[T, head] the column's sum"""

    @classmethod
    def empty(cls, pieces: int, heads: int) -> "_Columns":
        """Before the first row."""
        shape = (pieces, heads)
        return cls(np.full(shape, -np.inf, np.float32), np.zeros(shape, np.int64), np.zeros(shape))

    def add(self, tile: Tile, weights: Tensor) -> None:
        """Go on with the rows of a tile; earlier ones win against equals."""
        seen = weights.shape[-1]
        own = slice(tile.start, tile.start + tile.count * tile.length)
        # [unit, column, head] of what the tile has columns of, all of it views.
        before, place, total = (
            part[own].reshape(tile.count, tile.length, -1)[:, :seen] for part in (self.largest, self.row, self.total)
        )
        largest, row = (part.transpose(1, 2).cpu().numpy() for part in weights.float().max(2))
        new = largest > before
        place[new] = row[new] + tile.row
        before[new] = largest[new]
        total += weights.sum(2, dtype=torch.float64).transpose(1, 2).cpu().numpy()

    def settle(self, batch: Batch, causal: bool) -> "_Columns":
        """With no row that may not attend to its column: one has the weight 0, as all others of its column then."""
        if causal:
            np.maximum(self.row, _within(batch)[:, None], out=self.row)
        return self


@dataclass(frozen=True, slots=True)
class _Spots:
    """The spots of a batch of B units: X columns by name, then P pairs, then one a unit.

    Example: of one unit whose three pieces are DET NOUN DET, the label's columns are 0 2 1, in segments that start at 0
    and 2.
    """

    batch: Batch
    null: NDArray[np.bool_]
    """[T] of packed pieces"""
    column: Ints
    """[X] packed pieces"""
    pair: Ints
    """[P, 3] unit, counted in the batch; attending and attended piece, counted in the unit"""
    segments: Segments

    def read_pairs(self, tile: Tile, weights: Tensor, into: NDArray[np.float32]) -> None:
        """Write what α the pairs of a tile's rows have, [head, P]."""
        own = slice(*np.searchsorted(self.pair[:, 0], [tile.sentence, tile.sentence + tile.count]))
        index = self.pair[own] - [tile.sentence, tile.row, 0]
        kept = np.flatnonzero((index[:, 1] >= 0) & (index[:, 1] < tile.rows))
        unit, row, column = torch.from_numpy(index[kept].T.copy()).to(weights.device)
        into[:, own.start + kept] = weights[unit, :, row, column].float().cpu().numpy().T

    def choose(self, columns: _Columns, at_pairs: NDArray[np.float32], causal: bool) -> Chosen:
        """The strongest spot of each segment that may be among its claim's best."""
        n, within = self.segments.length, _within(self.batch)
        sink = _find_second_sinks(columns, self.batch, self.null, causal)
        places = (columns.row * n + within[:, None]).T
        heads, units = np.arange(len(places))[:, None], len(self.batch.rows)
        at_sink = np.where(sink.T >= 0, columns.largest.T[heads, sink.T], -np.inf).astype(np.float32)
        pairs = np.broadcast_to(self.pair[:, 1] * n + self.pair[:, 2], at_pairs.shape)
        weight = np.concatenate([columns.largest.T[:, self.column], at_pairs, at_sink], axis=1)
        place = np.concatenate([places[:, self.column], pairs, places[heads, sink.T].reshape(-1, units)], axis=1)
        return self.segments.choose(weight, place)


def _within(batch: Batch) -> Ints:
    """[T] each packed piece, counted in its unit."""
    sizes = np.diff(batch.offsets)
    return ranges(np.zeros_like(sizes), sizes)


def _own(units: Units, batch: Batch) -> Ints:
    """[T] each packed piece, counted over all units."""
    return ranges(units.pieces.offsets[batch.rows], units.pieces.offsets[batch.rows + 1])


def _null(finder: ClaimFinder, batch: Batch) -> NDArray[np.bool_]:
    """[T] whether the columns of packed pieces are null."""
    return finder.units.null[_own(finder.units, batch)]


def _find_second_sinks(columns: _Columns, batch: Batch, null: NDArray[np.bool_], causal: bool) -> Ints:
    """[B, head] the packed piece that is each unit's most attended column; −1 for none (`second_sink` says which)."""
    lengths = np.diff(batch.offsets)
    n, j = np.repeat(lengths, lengths), _within(batch)
    rows = n - j if causal else n
    is_candidate = (j > 0) & ~null & (2 * rows >= n) & (n >= SINK_PIECES)
    mean = np.where(is_candidate[:, None], columns.total / rows[:, None], -np.inf)
    most = np.maximum.reduceat(mean, batch.offsets[:-1], axis=0)
    first = np.where(mean == np.repeat(most, lengths, axis=0), np.arange(len(j))[:, None], len(j))
    return np.where(most > -np.inf, np.minimum.reduceat(first, batch.offsets[:-1], axis=0), -1)


def _find_spots(finder: ClaimFinder, batch: Batch) -> _Spots:
    column_claim, column_unit, column = _named_columns(finder, batch)
    pair_claim, pair = _pairs(finder, batch)
    units = np.arange(len(batch.rows))
    sink = np.full(len(units), finder.claims.number(SECOND_SINK))
    unit = np.concatenate([column_unit, pair[:, 0], units])
    claim = np.concatenate([column_claim, pair_claim, sink])
    longest = int(np.diff(batch.offsets).max())
    return _Spots(
        batch, _null(finder, batch), column, pair, Segments.of(longest, unit, claim, finder.units.digest[batch.rows])
    )


def _named_columns(finder: ClaimFinder, batch: Batch) -> tuple[Ints, Ints, Ints]:
    """(claim, unit, packed piece) of every column that is not null, for each label, sorted by unit and claim."""
    units, firsts, sizes = finder.units, finder.claims.first_of_label, np.diff(batch.offsets)
    unit, piece = np.repeat(np.arange(len(sizes)), sizes), np.arange(batch.offsets[-1])
    kept = ~_null(finder, batch)
    unit, piece = unit[kept], piece[kept]
    own = _own(units, batch)[kept]
    claims = np.concatenate([units.labels[label][own] + first for label, first in firsts.items()])
    unit, piece = np.tile(unit, len(firsts)), np.tile(piece, len(firsts))
    order = np.lexsort((piece, claims, unit))
    return claims[order], unit[order], piece[order]


def _pairs(finder: ClaimFinder, batch: Batch) -> tuple[Ints, Ints]:
    """[P] claim and [P, 3] (unit, i, j) of every linked pair and every two neighbours, sorted by unit and claim."""
    linked, claims, rows = finder.linked, finder.claims, batch.rows
    begin, end = linked.offsets[rows], linked.offsets[rows + 1]
    # A row for each pair: the pair, its unit; without those of separators, which may be null.
    own, unit = ranges(begin, end), np.repeat(np.arange(len(rows)), end - begin)
    of_link = linked.group[own] < finder.units.schema.separators
    own, unit = own[of_link], unit[of_link]
    claim = claims.first_of_links + linked.group[own]
    parts: list[tuple[NDArray[Any], ...]] = [(claim, unit, linked.attending[own], linked.attended[own])]
    parts += [_neighbours(finder, claims.number(name), step, batch) for name, step in NEIGHBOURS.items()]
    columns = [np.concatenate(column).astype(np.int64) for column in zip(*parts, strict=True)]
    order = np.lexsort((columns[0], columns[1]))
    return columns[0][order], np.stack([column[order] for column in columns[1:]], axis=1)


def _neighbours(finder: ClaimFinder, claim: int, step: int, batch: Batch) -> tuple[Ints, ...]:
    """(claim, unit, i, i + step), as far as the pairs are attendable."""
    sizes = np.diff(batch.offsets)
    i, n, unit = _within(batch), np.repeat(sizes, sizes), np.repeat(np.arange(len(sizes)), sizes)
    j = i + step
    inside = (j >= 0) & (j < n) & finder.attends.may_attend(i, j)
    kept = inside & ~np.roll(_null(finder, batch), -step)
    return np.full(kept.sum(), claim), unit[kept], i[kept], j[kept]
