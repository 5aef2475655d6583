"""How often the word that gets most of a head's attention is a dependent's parent, or the other way round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.measuring.answers import Answers, Questions, Words
from attnmetrics.measuring.edges import Edges
from attnmetrics.measuring.halves import HALVES
from attnmetrics.measuring.largest import NEAR, NEAR_BFLOAT16, Largest
from attnmetrics.measuring.selection import MapSample
from attnmetrics.measuring.word_maps import WordMaps, WordReader, map_sentences
from attnmetrics.metrics.syntax import RULES
from attnmetrics.model.align import ranges
from attnmetrics.model.load import Model
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.model.units import Units

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ROW, COLUMN, PARENT_ROW = range(len(RULES))


class Syntax:
    """The sums of `metrics.syntax` over the sentences of a shard's mapped units."""

    def __init__(self, units: Units, model: Model, sample: MapSample) -> None:
        self.model = model
        self.maps = map_sentences(units, sample.rows)
        self.words = Words.both(self.maps)
        self.edges = Edges.of(units, self.maps, model.attends, sample.seed)

    def read(self, batch: Batch) -> "SyntaxReader":
        """A reader for these units."""
        return SyntaxReader(self, batch)


class SyntaxReader:
    """Counts hits in one batch: whole numbers, so that their order has no part in them."""

    def __init__(self, syntax: Syntax, batch: Batch) -> None:
        model, edges, maps = syntax.model, syntax.edges, syntax.maps
        self.maps, self.words = maps, syntax.words
        self.answers: Sequence[Answers] = ()
        self._words = WordReader(maps, batch, model.attends.causal, model.device)
        self._asked = {tile: _ask(self._words, maps, edges, batch, tile, model.device) for tile in batch.tiles}
        self._near = NEAR_BFLOAT16 if model.dtype == torch.bfloat16 else NEAR
        self._columns: dict[int, Largest] = {}
        self._parsed, self._counts = edges.parsed, edges.count(batch.rows)
        shape = len(model.layers), len(RULES), HALVES * len(edges.rels), model.heads
        self._hits = torch.zeros(shape, dtype=torch.float64, device=model.device)
        self._ties = torch.zeros((*shape[:2], model.heads), dtype=torch.float64, device=model.device)

    def add(self, layer: int, tile: Tile, weights: Tensor) -> None:
        """Count the hits of what a tile completes (see `MapReader`)."""
        found, asked = self._words.read(tile, weights), self._asked[tile]
        self.answers = ()
        if found is None or asked is None:
            return
        by_row = Largest.of(found.attention, 3)
        by_column = self._complete(Largest.of(found.attention, 1), asked).swap()
        by_rule = ((ROW, by_row), (COLUMN, by_column), (PARENT_ROW, by_row))
        self.answers = [self._score(layer, rule, largest, asked.edges[rule]) for rule, largest in by_rule]

    def questions(self, tile: Tile) -> Sequence[Questions]:
        """For the word of each edge, by each rule (see `Answering`); they are numbered by rule and relation."""
        asked = self._asked[tile]
        return [edges.questions for edges in asked.edges] if asked else []

    def _complete(self, columns: Largest, asked: "_Asked") -> Largest:
        """With what earlier tiles have of maps that blocks of rows cut; parts of what goes on are left to the next."""
        columns = Largest(columns.value, columns.index + asked.start, columns.second)
        for cut in asked.cut:
            own = columns.part(cut.s, cut.words)
            if cut.map_ in self._columns:
                own = self._columns.pop(cut.map_).before(own)
                columns.replace(cut.s, own)
            if cut.goes_on:
                self._columns[cut.map_] = own
        return columns

    def _score(self, layer: int, rule: int, largest: Largest, edges: "_TileEdges") -> Answers:
        """Count the edges whose word is the largest, of [S, seat, head]."""
        index, value = (part[edges.s, edges.seat] for part in (largest.index, largest.value))
        hit = (index == edges.target[:, None]) & (value > 0)
        self._hits[layer, rule].index_add_(0, edges.code, hit.double())
        self._ties[layer, rule] += largest.is_near_tie(self._near)[edges.s, edges.seat].sum(0)
        return Answers(edges.questions, index, value, hit)

    def sums(self) -> Mapping[str, NDArray[np.float64]]:
        """The sums of the batch."""
        layers, rules, _, heads = self._hits.shape
        # [layer, rule, half × rel, head] becomes [layer, head, half, rule, rel].
        hits = self._hits.cpu().numpy().reshape(layers, rules, HALVES, -1, heads).transpose(0, 4, 2, 1, 3)
        return {
            "relation_hits": hits,
            "parse_hits": hits[..., self._parsed].sum((2, 4)),
            "near_ties": self._ties.cpu().numpy().swapaxes(1, 2),
            **self._counts,
        }


# --- what is asked of a tile -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _TileEdges:
    """E edges that one rule asks a tile for, and the sums that they belong to."""

    questions: Questions
    """for each edge the word at its other end"""
    s: Tensor
    """[E] map, among those of the tile"""
    seat: Tensor
    """[E] row or column whose largest value is looked at"""
    target: Tensor
    """[E] word of the map that it should be"""
    code: Tensor
    """[E] see `Edges`"""


@dataclass(frozen=True, slots=True)
class _Cut:
    """A map that blocks of rows may cut."""

    s: int
    """its place among those of the tile"""
    map_: int
    """its number"""
    words: int
    goes_on: bool
    """the next tile has rows of it too"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of the S maps of a tile."""

    edges: Sequence[_TileEdges]
    """by rule"""
    start: Tensor
    """[S, 1, 1] the first word of each map that the tile has a row of"""
    cut: Sequence[_Cut]


def _ask(
    words: WordReader, maps: WordMaps, edges: Edges, batch: Batch, tile: Tile, device: torch.device
) -> _Asked | None:
    places = words.places(tile)
    if places is None:
        return None
    place, first = places
    sizes = np.diff(maps.offsets)[maps.map_of(first)]
    own = ranges(first, first + sizes)  # all words of these maps
    end = maps.pieces.offsets[batch.rows[tile.sentence : tile.sentence + tile.count]].max() + tile.row + tile.rows
    goes_on = np.maximum.reduceat(maps.last[own], np.cumsum(sizes) - sizes) >= end
    return _Asked(
        edges=[_ask_rule(rule, own, place, first, goes_on, edges, device) for rule in range(len(RULES))],
        start=torch.from_numpy(np.maximum(place[:, 0] - first, 0)[:, None, None]).to(device),
        cut=[
            _Cut(s, int(maps.map_of(first[s])), int(sizes[s]), bool(goes_on[s]))
            for s in range(len(first) if tile.rows < tile.length else 0)
        ],
    )


def _ask_rule(
    rule: int, own: Ints, place: Ints, first: Ints, goes_on: Bools, edges: Edges, device: torch.device
) -> _TileEdges:
    """The edges that one rule asks a tile for.

    Args:
        rule: its number.
        own: [A] places of all words of the tile's maps.
        place: [S, U] words whose rows the tile completes (see `WordRows`).
        first: [S] the first word of each map.
        goes_on: [S] whether the next tile has rows of the map too.
        edges: of all maps.
        device: where the indices go.
    """
    child = own[edges.attainable[rule][own]]
    parent, s = edges.parent[child], np.searchsorted(first, child, side="right") - 1
    holder, target = (parent, child) if rule == PARENT_ROW else (child, parent)
    if rule == COLUMN:
        chosen, seat = ~goes_on[s], holder - first[s]
    else:
        chosen, seat = _find_rows(holder, place)
    rels = len(edges.rels)
    number = rule * rels + edges.code[child] % rels
    questions = Questions(number[chosen], holder[chosen], first[s[chosen]], rule == COLUMN)
    parts = (s, seat, target - first[s], edges.code[child])
    tensors = (torch.from_numpy(part[chosen]).to(device) for part in parts)
    return _TileEdges(questions, *tensors)


def _find_rows(words: Ints, place: Ints) -> tuple[Bools, Ints]:
    """Whether each of some words [E] has a row in a tile, and which of its map's."""
    s, u = np.nonzero(place >= 0)
    seated = place[s, u]  # ascending
    at = np.searchsorted(seated, words)
    there = np.isin(words, seated)
    return there, np.append(u, 0)[at]
