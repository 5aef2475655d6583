"""How often the word that gets most of a head's attention is a dependent's parent, or the other way round."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.measuring.maps.edges import Edges
from attnmetrics.measuring.maps.halves import HALVES
from attnmetrics.measuring.selection import MapSample
from attnmetrics.measuring.strongest.answers import Answers, Questions
from attnmetrics.measuring.words import loops
from attnmetrics.measuring.words.largest import Largest, nearness
from attnmetrics.measuring.words.maps import TileRows, WordMaps, WordReader, map_sentences
from attnmetrics.metrics.syntax import RULES
from attnmetrics.model.load import Model
from attnmetrics.model.modules.look import on_host
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.pieces.align import ranges
from attnmetrics.pieces.units import Units

Ints = NDArray[np.int64]

ROW, COLUMN, PARENT_ROW = range(len(RULES))


class Syntax:
    """The sums of `metrics.syntax` over the sentences of a shard's mapped units."""

    def __init__(self, units: Units, model: Model, sample: MapSample) -> None:
        self.model = model
        self.maps = map_sentences(units, sample.rows)
        self.edges = Edges.of(units, self.maps, model.attends, sample.seed)

    def read(self, batch: Batch) -> "SyntaxReader":
        """A reader for these units."""
        return SyntaxReader(self, batch)


class SyntaxReader:
    """Counts hits in one batch: whole numbers, so that their order has no part in them."""

    def __init__(self, syntax: Syntax, batch: Batch) -> None:
        model, edges, self.maps = syntax.model, syntax.edges, syntax.maps
        self.answers: Answers | None = None
        self._words = WordReader(self.maps, batch)
        self._asked = {tile: _ask(self._words.rows(tile), self.maps, edges) for tile in batch.tiles}
        self._near = nearness(model.dtype)
        self._columns: dict[int, list[NDArray[Any]]] = {}
        self._parsed, self._counts = edges.parsed, edges.count(batch.rows)
        self._hits = np.zeros((len(model.layers), len(RULES), HALVES * len(edges.rels), model.heads))
        self._ties = np.zeros((len(model.layers), len(RULES), model.heads))

    def add(self, layer: int, tile: Tile, weights: Tensor) -> None:
        """Count the hits of what a tile completes (see `MapReader`)."""
        asked, self.answers = self._asked[tile], None
        if asked is not None:
            found = self._words.read(tile, on_host(weights))
            rows, columns = Largest.of_rows(found, asked.rows.width), self._find_in_columns(found, asked)
            self.answers = answers = Answers.empty(len(asked.edges), found.shape[1], found.dtype)
            loops.score(asked.edges, rows, columns, self._near, self._hits[layer], self._ties[layer], answers)

    def questions(self, tile: Tile) -> Questions | None:
        """For the word of each edge, by each rule (see `Answering`); they are numbered by rule and relation."""
        asked = self._asked[tile]
        return None if asked is None else asked.questions

    def _find_in_columns(self, found: NDArray[np.float32], asked: "_Asked") -> Largest:
        """[S, head, W]: of maps that blocks of rows cut, what earlier tiles have too."""
        columns = Largest.none(len(asked.widths), *found.shape[1:], dtype=found.dtype)
        parts = [(map_, [part[s, :, : asked.widths[s]] for part in columns]) for map_, s in asked.cut.items()]
        for map_, own in parts:
            for part, earlier in zip(own, self._columns.pop(map_, ()), strict=False):
                part[...] = earlier
        rows = asked.rows
        loops.find_in_columns(found, asked.map_, rows.place - rows.first, rows.width, columns)
        self._columns |= {map_: [part.copy() for part in own] for map_, own in parts if map_ in asked.go_on}
        return columns

    def sums(self) -> Mapping[str, NDArray[np.float64]]:
        """The sums of the batch."""
        layers, rules, _, heads = self._hits.shape
        # [layer, rule, half × rel, head] becomes [layer, head, half, rule, rel].
        hits = self._hits.reshape(layers, rules, HALVES, -1, heads).transpose(0, 4, 2, 1, 3)
        return {
            "relation_hits": hits,
            "parse_hits": hits[..., self._parsed].sum((2, 4)),
            "near_ties": self._ties.swapaxes(1, 2),
            **self._counts,
        }


# --- what is asked of a tile -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of the R rows of a tile and the columns of its S maps."""

    rows: TileRows
    map_: Ints
    """[R] the map of each row, counted in the tile; −1 for rows that are not whole yet"""
    widths: Ints
    """[S] words of each map"""
    edges: Ints
    """[E, 6] see `words.loops.score`"""
    questions: Questions
    """[E] for the word at the other end of each edge"""
    cut: Mapping[int, int]
    """maps that blocks of rows may cut: number → place in the tile"""
    go_on: frozenset[int]
    """numbers of those that the next tile has rows of"""


def _ask(rows: TileRows | None, maps: WordMaps, edges: Edges) -> _Asked | None:
    if rows is None:
        return None
    first, start, map_ = np.unique(rows.first, return_index=True, return_inverse=True)
    widths, of_all = rows.width[start], maps.map_of(first)
    own = ranges(first, first + widths)  # all words of these maps
    goes_on = np.maximum.reduceat(maps.last[own], np.cumsum(widths) - widths) >= rows.end[start]
    # A row for each rule and edge: its dependent and parent, whose row or column is asked, which word is right.
    rule, child = np.nonzero(edges.attainable[:, own])
    child = own[child]
    parent, by_parent, by_column = edges.parent[child], rule == PARENT_ROW, rule == COLUMN
    holder, right = np.where(by_parent, parent, child), np.where(by_parent, child, parent)
    s, row, code = np.searchsorted(first, child, side="right") - 1, rows.find(holder), edges.code[child]
    here = np.where(by_column, ~goes_on[s], row >= 0)
    asked = [by_column, np.where(by_column, s, row), holder - first[s], right - first[s], rule, code]
    number = rule * len(edges.rels) + code % len(edges.rels)
    return _Asked(
        rows=rows,
        map_=np.where(rows.ends, map_, -1),
        widths=widths,
        edges=np.stack(asked, axis=1)[here],
        questions=Questions(number, holder, first[s], by_column).take(here),
        cut=dict(zip(of_all.tolist(), range(len(first)), strict=True)) if rows.of_block else {},
        go_on=frozenset(of_all[goes_on].tolist()),
    )
