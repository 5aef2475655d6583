"""The strongest pairs behind a head's answers to the question for a word's parent: right ones and wrong ones.

An answer joins two words; its pairs are those of their pieces. Of units whose rows come in blocks, words of which two
blocks have pieces give none, nor does the rule that looks at columns.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.measuring.segments import Chosen, Segments, offsets
from attnmetrics.measuring.syntax import COLUMN, Answers, SyntaxReader
from attnmetrics.measuring.word_maps import WordMaps
from attnmetrics.metrics.claims import Claims
from attnmetrics.model.align import ranges
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.model.units import Units

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Words:
    """The pieces of each word of some maps, end to end: those of word w are piece[start[w]] … of so many."""

    piece: Ints
    """counted over all units"""
    start: Ints
    """[N]"""
    size: Ints
    """[N]"""

    @classmethod
    def of(cls, maps: WordMaps, chosen: NDArray[np.bool_]) -> "_Words":
        """The pieces [T] that are chosen."""
        piece = np.flatnonzero(chosen)
        piece = piece[np.argsort(maps.place[piece], kind="stable")]
        size = np.bincount(maps.place[piece], minlength=len(maps.word))
        return cls(piece, offsets(size), size)


class RelationReader:
    """What finds them in a batch, beside the reader that counts hits."""

    def __init__(self, syntax: SyntaxReader, units: Units, claims: Claims, batch: Batch) -> None:
        self._syntax, self._units, self._claims, self._batch = syntax, units, claims, batch
        self._attending = _Words.of(syntax.maps, syntax.maps.attending)
        self._attended = _Words.of(syntax.maps, syntax.maps.attended)
        self._segments: dict[tuple[Tile, int], tuple[Ints, Segments, Ints]] = {}

    def choose(self, tile: Tile, weights: Tensor) -> Iterator[Chosen]:
        """The strongest pairs of a tile that the other reader has just read."""
        for answers in self._syntax.answers(tile):
            if len(answers.rel) and not (answers.rule == COLUMN and tile.rows < tile.length):
                yield from self._choose(answers, tile, weights)

    def _choose(self, answers: Answers, tile: Tile, weights: Tensor) -> Iterator[Chosen]:
        if (tile, answers.rule) not in self._segments:
            self._segments[tile, answers.rule] = self._sort(answers, tile)
        order, segments, unit = self._segments[tile, answers.rule]
        weight, place = self._strongest(answers, unit, tile, weights)
        for is_miss, own in enumerate((answers.hit, ~answers.hit)):
            kept = np.where(own.T, weight, -np.inf).astype(np.float32)[:, order]
            found = segments.choose(kept, lambda head, spot: place[head, order[spot]])
            yield found._replace(claim=found.claim + is_miss)

    def _sort(self, answers: Answers, tile: Tile) -> tuple[Ints, Segments, Ints]:
        """The order of the edges by unit and relation, the segments that these make, the unit of each edge."""
        maps, rows = self._syntax.maps, self._batch.rows[tile.sentence : tile.sentence + tile.count]
        unit = maps.unit[maps.map_of(answers.word)]
        where = np.argsort(rows)
        unit = where[np.searchsorted(rows[where], unit)]
        order = np.lexsort((answers.rel, unit))
        claim = self._claims.first_of_relation(answers.rule) + 2 * answers.rel
        digests = self._units.digest[rows]
        return order, Segments.of(tile.length, unit[order], claim[order], digests), unit

    def _strongest(self, answers: Answers, unit: Ints, tile: Tile, weights: Tensor) -> tuple[NDArray[np.float32], Ints]:
        """[head, edge] the largest F between the pieces of an answer's two words, −inf for none; and where it is."""
        largest = np.full(answers.value.T.shape, -np.inf, np.float32)
        places = np.zeros(largest.shape, np.int64)
        head, edge = np.nonzero(answers.value.T > 0)
        u, v = answers.attending[edge, head], answers.attended[edge, head]
        base = self._units.pieces.offsets[self._batch.rows[tile.sentence + unit]][edge]
        # Only words whose rows are all in the tile; then a row for each answer, and for each pair of its pieces.
        first = self._attending.piece[self._attending.start[u]] - base - tile.row
        kept = (first >= 0) & (first + self._attending.size[u] <= tile.rows)
        head, edge, u, v, base = (column[kept] for column in (head, edge, u, v, base))
        sizes = self._attending.size[u] * self._attended.size[v]
        answer, within = np.repeat(np.arange(len(u)), sizes), ranges(np.zeros_like(sizes), sizes)
        across = self._attended.size[v][answer]
        i = self._attending.piece[self._attending.start[u][answer] + within // across] - base[answer]
        j = self._attended.piece[self._attended.start[v][answer] + within % across] - base[answer]
        if not len(i):
            return largest, places
        at = unit[edge][answer], head[answer], i - tile.row, j
        weight = weights[tuple(torch.from_numpy(index).to(weights.device) for index in at)].float().cpu().numpy()
        best = np.maximum.reduceat(weight, offsets(sizes))
        place = np.where(weight == best[answer], i * tile.length + j, tile.length**2)
        largest[head, edge] = best
        places[head, edge] = np.minimum.reduceat(place, offsets(sizes))
        return largest, places
