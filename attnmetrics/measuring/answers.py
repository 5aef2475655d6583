"""The strongest pairs behind a head's answers, such as to the question for a word's parent: right ones and wrong ones.

An answer joins two words; its pairs are those of their pieces. Of units whose rows come in blocks, words of which two
blocks have pieces give none, nor do answers that are looked for in a column.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.measuring import strongest
from attnmetrics.measuring.segments import Segments, Strongest
from attnmetrics.measuring.word_maps import WordMaps
from attnmetrics.model.pack import Batch, Tile

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Questions:
    """E questions to a tile, the same in every layer."""

    number: Ints
    """[E] which of all that are asked"""
    word: Ints
    """[E] place of the word whose row or column is looked at"""
    first: Ints
    """[E] place of the first word of its map"""
    by_column: bool
    """whether it is its column: what answers is the word that attends"""


@dataclass(frozen=True, slots=True)
class Answers:
    """What every head answers to E questions."""

    questions: Questions
    index: Tensor
    """[E, head] the word that answers, counted from the first of its map"""
    value: Tensor
    """[E, head] A of the two words; 0: no answer"""
    hit: Tensor
    """[E, head] whether it is right"""


class Answering(Protocol):
    """A reader of maps that knows what heads answer."""

    maps: WordMaps
    words: "tuple[Words, Words]"
    """of the maps, the pieces that attend, and those that are attended to"""
    answers: Sequence[Answers]
    """to the questions to the tile that was added last"""

    def questions(self, tile: Tile) -> Sequence[Questions]:
        """What a tile is asked."""
        ...


@dataclass(frozen=True, slots=True)
class Words:
    """The pieces of the words of some maps: those of the word at place w are piece[start[w]] … piece[start[w + 1] − 1].

    Example: of two units with the words 0 0 1 | 2, these are 0 1 2 0 and 0 2 3 4.
    """

    start: Ints
    """[N + 1]"""
    piece: Ints
    """counted in the unit"""

    @classmethod
    def both(cls, maps: WordMaps) -> "tuple[Words, Words]":
        """The pieces that attend, and those that are attended to."""
        return cls.of(maps, maps.attending), cls.of(maps, maps.attended)

    @classmethod
    def of(cls, maps: WordMaps, chosen: NDArray[np.bool_]) -> "Words":
        """The pieces [T] that are chosen."""
        piece = np.flatnonzero(chosen)
        piece = piece[np.argsort(maps.place[piece], kind="stable")]
        start = np.searchsorted(maps.place[piece], np.arange(len(maps.word) + 1))
        return cls(start, piece - maps.pieces.offsets[maps.pieces.row[piece]])


class AnswerReader:
    """What finds them in a batch, beside the reader that counts hits.

    Args:
        reader: the other reader.
        first: the claim that hits of the question 0 are; its misses are the next one, and then come those of others.
        batch: the units.
    """

    def __init__(self, reader: Answering, first: int, batch: Batch) -> None:
        self._reader, self._first = reader, first
        by_unit = np.argsort(batch.rows)
        self._asked = {tile: self._ask(tile, batch.rows, by_unit) for tile in batch.tiles}

    def pairs(self) -> list[tuple[Ints, Ints]]:
        """Claims and units [E, 2] that answers may be of, a hit's and a miss's."""
        return [pair for asked in self._asked.values() for pair in asked]

    def settle(self, segments: Segments) -> None:
        """Take these segments, which have those of all `pairs`."""
        self._length = segments.length
        self._found = {tile: [segments.find(*pair) for pair in asked] for tile, asked in self._asked.items()}

    def offer(self, tile: Tile, alpha: NDArray[np.float32], into: Strongest) -> None:
        """Offer what the other reader has just found in a tile."""
        answers = [one for one in self._reader.answers if _is_seen(tile, one.questions)]
        for one, (_, unit), segment in zip(answers, self._asked[tile], self._found[tile], strict=True):
            index, value, hit = (_on_host(part) for part in (one.index, one.value.float(), one.hit))
            asked, own = one.questions, unit[:, 0] - tile.sentence
            senders, receivers = ((words.start, words.piece) for words in self._reader.words)
            strongest.offer_answers(
                alpha, tile.row, own, asked.word, asked.first, asked.by_column, index, value, hit, senders, receivers,
                segment, self._length, into.weight, into.place,
            )  # fmt: skip

    def _ask(self, tile: Tile, rows: Ints, by_unit: Ints) -> list[tuple[Ints, Ints]]:
        """Claims and units [E, 2] of the questions to a tile; units are counted in the batch."""
        maps, found = self._reader.maps, []
        for asked in self._reader.questions(tile):
            if _is_seen(tile, asked):
                unit = by_unit[np.searchsorted(rows[by_unit], maps.unit[maps.map_of(asked.word)])]
                claim = self._first + 2 * asked.number
                found.append((np.stack([claim, claim + 1], axis=1), np.stack([unit, unit], axis=1)))
        return found


def _on_host(tensor: Tensor) -> NDArray[Any]:
    return np.ascontiguousarray(tensor.cpu().numpy())


def _is_seen(tile: Tile, questions: Questions) -> bool:
    """Whether the tile has all rows that answer."""
    return tile.rows == tile.length or not questions.by_column
