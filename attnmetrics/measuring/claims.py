"""The strongest pairs of every claim, found in α itself, of the units that are mapped.

The spots (see `segments`) of a name are the columns that have it, each with the row that attends to it most: these are
found once for all labels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.measuring.links import Links
from attnmetrics.measuring.maps import BatchMaps
from attnmetrics.measuring.relations import RelationReader
from attnmetrics.measuring.segments import Chosen, Segments, nothing
from attnmetrics.measuring.syntax import SyntaxReader
from attnmetrics.metrics.claims import NEIGHBOURS, SECOND_SINK, Claims
from attnmetrics.model.align import ranges
from attnmetrics.model.kernels.attends import Attends
from attnmetrics.model.look import Layer
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.model.units import Units
from attnmetrics.statistics.claims import Rows, keep_best, make_rows, no_rows

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
        self._finder, self._relations = finder, relations
        self._batch = batch
        self._spots = {tile.sentence: _find_spots(finder, batch, tile) for tile in batch.tiles if not tile.row}
        self._rows: list[Rows] = []

    def see(self, layer: Layer, tile: Tile, weights: Tensor) -> None:
        """Look at a tile (see `look.See`); of a long unit the blocks of rows follow one another."""
        spots = self._spots[tile.sentence]
        if not tile.row:
            self._columns = _Columns.empty(tile, weights.shape[1])
            self._at_pairs = np.zeros((weights.shape[1], len(spots.pair_i)), np.float32)
        self._columns.add(tile, weights)
        spots.read_pairs(tile, weights, self._at_pairs)
        found = list(self._relations.choose(tile, weights)) if self._relations else []
        if tile.row + tile.rows == tile.length:
            found += self._choose(tile, spots)
        self._rows.append(self._name(layer.place, tile, nothing().join(*found)))

    def rows(self) -> Rows:
        """The best of all tiles."""
        return keep_best(np.concatenate([no_rows(), *self._rows]))

    def _choose(self, tile: Tile, spots: "_Spots") -> Iterator[Chosen]:
        """The strongest pairs in the units of a tile, of which all rows were seen."""
        columns = self._columns.settle(self._finder.attends)
        yield spots.choose(columns, self._at_pairs)
        if tile.length >= SINK_PIECES:
            number = self._finder.claims.number(SECOND_SINK)
            yield _find_second_sinks(columns, self._finder.attends, number)

    def _name(self, layer: int, tile: Tile, found: Chosen) -> Rows:
        """The same pairs, with the names of their units."""
        unit, units = self._batch.rows[tile.sentence + found.unit], self._finder.units
        return make_rows(
            claim=found.claim, layer=layer, head=found.head, weight=found.weight, i=found.i, j=found.j,
            document_index=units.document_index[unit], sentence=units.number[unit], digest=units.digest[unit],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the C columns of some units of one length come to, in every head."""

    largest: NDArray[np.float32]
    """[unit, head, C] the largest α of the column"""
    row: NDArray[np.int64]
    """[unit, head, C] where it is, the first of equals"""
    total: NDArray[np.float64]
    """[unit, head, C] the column's sum"""

    @classmethod
    def empty(cls, tile: Tile, heads: int) -> "_Columns":
        """Before the first row."""
        shape = (tile.count, heads, tile.length)
        return cls(np.full(shape, -np.inf, np.float32), np.zeros(shape, np.int64), np.zeros(shape))

    def add(self, tile: Tile, weights: Tensor) -> None:
        """Go on with some rows; earlier ones win against equals."""
        seen = weights.shape[-1]
        largest, row = (part.cpu().numpy() for part in weights.float().max(2))
        new = largest > self.largest[..., :seen]
        self.row[..., :seen][new] = row[new] + tile.row
        self.largest[..., :seen][new] = largest[new]
        self.total[..., :seen] += weights.sum(2, dtype=torch.float64).cpu().numpy()

    def settle(self, attends: Attends) -> "_Columns":
        """With no row that may not attend to its column: one has the weight 0, as all others of its column then."""
        if attends.causal:
            np.maximum(self.row, np.arange(self.row.shape[-1]), out=self.row)
        return self


@dataclass(frozen=True, slots=True)
class _Spots:
    """The spots of some units of one length: X columns by name, then P pairs.

    Example: of one unit whose three pieces are DET NOUN DET, the label's columns are 0 2 1, in segments that start at 0
    and 2.
    """

    column_unit: NDArray[np.int64]
    """[X] counted in the tile"""
    column: NDArray[np.int64]
    """[X]"""
    pair_unit: NDArray[np.int64]
    """[P] counted in the tile"""
    pair_i: NDArray[np.int64]
    """[P] counted in the unit"""
    pair_j: NDArray[np.int64]
    """[P] likewise"""
    segments: Segments

    def read_pairs(self, tile: Tile, weights: Tensor, into: NDArray[np.float32]) -> None:
        """Write what α the pairs of a tile's rows have, [head, P]."""
        own = np.flatnonzero((self.pair_i >= tile.row) & (self.pair_i < tile.row + tile.rows))
        index = (torch.from_numpy(part[own]) for part in (self.pair_unit, self.pair_i - tile.row, self.pair_j))
        unit, row, column = (part.to(weights.device) for part in index)
        into[:, own] = weights[unit, :, row, column].float().cpu().numpy().T

    def choose(self, columns: _Columns, at_pairs: NDArray[np.float32]) -> Chosen:
        """The strongest spot of each segment that may be among its claim's best."""
        weight = np.concatenate([columns.largest[self.column_unit, :, self.column].T, at_pairs], axis=1)
        return self.segments.choose(weight, partial(self._places, columns))

    def _places(self, columns: _Columns, head: NDArray[np.int64], spot: NDArray[np.int64]) -> NDArray[np.int64]:
        """[N] i · length + j of spots in heads: a number that is smaller for a smaller (i, j)."""
        is_column = spot < len(self.column)
        column, pair = spot[is_column], spot[~is_column] - len(self.column)
        places = np.empty(len(spot), np.int64)
        i = columns.row[self.column_unit[column], head[is_column], self.column[column]]
        places[is_column] = i * self.segments.length + self.column[column]
        places[~is_column] = self.pair_i[pair] * self.segments.length + self.pair_j[pair]
        return places


def _find_second_sinks(columns: _Columns, attends: Attends, claim: int) -> Chosen:
    """The largest weight of each unit's most attended column, in every head (`second_sink` says which may be it)."""
    n = columns.total.shape[-1]
    j = np.arange(n)
    rows = n - j if attends.causal else np.full(n, n)
    is_candidate = (j > 0) & ~attends.is_null(j, n) & (2 * rows >= n)
    if not is_candidate.any():
        return nothing()
    most = np.where(is_candidate, columns.total / rows, -np.inf).argmax(-1)
    unit, head = np.indices(most.shape).reshape(2, -1)
    sink = most.ravel()
    at = unit, head, sink
    return Chosen(np.full_like(unit, claim), unit, head, columns.largest[at], columns.row[at], sink)


def _find_spots(finder: ClaimFinder, batch: Batch, tile: Tile) -> _Spots:
    """The spots of a tile's units; of a long unit, whose first block of rows this is, those of all its rows."""
    rows = batch.rows[tile.sentence : tile.sentence + tile.count]
    column_claim, column_unit, column = _named_columns(finder, rows, tile.length)
    pair_claim, pair_unit, pair_i, pair_j = _pairs(finder, rows, tile.length)
    unit, claim = np.append(column_unit, pair_unit), np.append(column_claim, pair_claim)
    segments = Segments.of(tile.length, unit, claim, finder.units.digest[rows])
    return _Spots(column_unit, column, pair_unit, pair_i, pair_j, segments)


def _named_columns(finder: ClaimFinder, rows: NDArray[np.int64], n: int) -> tuple[NDArray[Any], ...]:
    """(claim, unit, column) of every column of these units that is not null, for each label, sorted."""
    units, firsts = finder.units, finder.claims.first_of_label
    column = np.arange(*finder.attends.columns(n))
    piece = units.pieces.offsets[rows][:, None] + column
    claim = np.stack([units.labels[label][piece] + first for label, first in firsts.items()])
    # [label, unit, column] of all three, as lists in the order of (unit, claim, column).
    spots = claim, *np.broadcast_arrays(np.arange(len(rows))[:, None], column, claim)[:2]
    claims, unit, columns = (part.ravel() for part in spots)
    order = np.lexsort((columns, claims, unit))
    return claims[order], unit[order], columns[order]


def _pairs(finder: ClaimFinder, rows: NDArray[np.int64], n: int) -> tuple[NDArray[Any], ...]:
    """(claim, unit, i, j) of every linked pair and every two neighbours of these units, sorted by (unit, claim)."""
    linked, claims = finder.linked, finder.claims
    begin, end = linked.offsets[rows], linked.offsets[rows + 1]
    # A row for each pair: the pair, its unit; without those of separators, which may be null.
    own, unit = ranges(begin, end), np.repeat(np.arange(len(rows)), end - begin)
    of_link = linked.group[own] < finder.units.schema.separators
    own, unit = own[of_link], unit[of_link]
    claim = claims.first_of_links + linked.group[own]
    parts: list[tuple[NDArray[Any], ...]] = [(claim, unit, linked.attending[own], linked.attended[own])]
    for name, step in NEIGHBOURS.items():
        parts.append(_neighbours(finder.attends, claims.number(name), step, len(rows), n))
    columns = [np.concatenate(column).astype(np.int64) for column in zip(*parts, strict=True)]
    order = np.lexsort((columns[0], columns[1]))
    return tuple(column[order] for column in columns)


def _neighbours(attends: Attends, claim: int, step: int, units: int, n: int) -> tuple[NDArray[Any], ...]:
    """(claim, unit, i, i + step) of units of n pieces, as far as the pairs are attendable."""
    i = np.arange(max(0, -step), n - max(0, step))
    i = i[attends.pairs(i, i + step, n)]
    unit = np.repeat(np.arange(units), len(i))
    every = np.tile(i, units)
    return np.full_like(unit, claim), unit, every, every + step
