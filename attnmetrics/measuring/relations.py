"""The strongest pairs behind a head's answers to the question for a word's parent: right ones and wrong ones.

An answer joins two words; its pairs are those of their pieces. Of units whose rows come in blocks, words of which two
blocks have pieces give none, nor does the rule that looks at columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.measuring.segments import Chosen, Segments, nothing, offsets
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


@dataclass(frozen=True, slots=True)
class _Found:
    """The strongest pairs behind the answers to E edges."""

    unit: Ints
    """[E] counted in the batch"""
    claim: Ints
    """[E] where it is a hit; a miss is the next claim's"""
    hit: NDArray[np.bool_]
    """[head, E]"""
    weight: NDArray[np.float32]
    """[head, E] the largest F; −inf for no answer"""
    place: Ints
    """[head, E] see `Segments.choose`"""


class RelationReader:
    """What finds them in a batch, beside the reader that counts hits."""

    def __init__(self, syntax: SyntaxReader, units: Units, claims: Claims, batch: Batch) -> None:
        self._syntax, self._units, self._claims, self._batch = syntax, units, claims, batch
        self._longest = int(np.diff(batch.offsets).max())
        self._attending = _Words.of(syntax.maps, syntax.maps.attending)
        self._attended = _Words.of(syntax.maps, syntax.maps.attended)
        self._by_unit = np.argsort(batch.rows)
        self._asked: dict[Tile, tuple[Ints, Ints]] = {}
        self._found: list[_Found] = []
        self._sorted: tuple[Ints, Segments] | None = None

    def see(self, tile: Tile, weights: Tensor) -> None:
        """Look at a tile that the other reader has just read."""
        whole = tile.rows == tile.length
        answers = [one for one in self._syntax.answers(tile) if len(one.rel) and (whole or one.rule != COLUMN)]
        if not answers:
            return
        if tile not in self._asked:
            self._asked[tile] = self._ask(answers)
        unit, claim = self._asked[tile]
        hit, value, attending, attended = (
            np.concatenate([getattr(one, name) for one in answers])
            for name in ("hit", "value", "attending", "attended")
        )
        weight, place = self._strongest(value, attending, attended, unit, tile, weights)
        self._found.append(_Found(unit, claim, hit.T, weight, place))

    def choose(self) -> Chosen:
        """The strongest pairs of a layer of which all tiles were seen."""
        if not self._found:
            return nothing()
        if self._sorted is None:
            self._sorted = self._sort()
        order, segments = self._sorted
        hit, weight, place = (
            np.concatenate([getattr(one, name) for one in self._found], axis=1) for name in ("hit", "weight", "place")
        )
        self._found.clear()
        both = np.concatenate([np.where(hit, weight, -np.inf), np.where(hit, -np.inf, weight)], axis=1)
        return segments.choose(both.astype(np.float32)[:, order], np.tile(place, 2)[:, order])

    def _sort(self) -> tuple[Ints, Segments]:
        """The order of all edges, once as hits and once as misses, by unit and claim; the segments that these make."""
        unit, claim = (np.concatenate([getattr(one, name) for one in self._found]) for name in ("unit", "claim"))
        unit, claim = np.tile(unit, 2), np.append(claim, claim + 1)
        order = np.lexsort((claim, unit))
        return order, Segments.of(self._longest, unit[order], claim[order], self._units.digest[self._batch.rows])

    def _ask(self, answers: Sequence[Answers]) -> tuple[Ints, Ints]:
        """The unit of each edge, counted in the batch, and its claim."""
        maps, rows = self._syntax.maps, self._batch.rows
        word = np.concatenate([one.word for one in answers])
        unit = self._by_unit[np.searchsorted(rows[self._by_unit], maps.unit[maps.map_of(word)])]
        claims = [self._claims.first_of_relation(one.rule) + 2 * one.rel for one in answers]
        return unit, np.concatenate(claims)

    def _strongest(
        self, value: NDArray[Any], attending: Ints, attended: Ints, unit: Ints, tile: Tile, weights: Tensor
    ) -> tuple[NDArray[np.float32], Ints]:
        """[head, edge] the largest F between the pieces of an answer's two words, −inf for none; and where it is."""
        largest = np.full(value.T.shape, -np.inf, np.float32)
        places = np.zeros(largest.shape, np.int64)
        head, edge = np.nonzero(value.T > 0)
        u, v = attending[edge, head], attended[edge, head]
        base = self._units.pieces.offsets[self._batch.rows[unit]][edge]
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
        at = (unit[edge] - tile.sentence)[answer], head[answer], i - tile.row, j
        weight = weights[tuple(torch.from_numpy(index).to(weights.device) for index in at)].float().cpu().numpy()
        best = np.maximum.reduceat(weight, offsets(sizes))
        place = np.where(weight == best[answer], i * self._longest + j, self._longest**2)
        largest[head, edge] = best
        places[head, edge] = np.minimum.reduceat(place, offsets(sizes))
        return largest, places
