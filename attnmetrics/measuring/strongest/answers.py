"""The strongest pairs behind a head's answers, such as to the question for a word's parent: right ones and wrong ones.

An answer joins two words; its pairs are those of their pieces. Of units whose rows come in blocks, words of which two
blocks have pieces give none, nor do answers that are looked for in a column.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from attnmetrics.measuring.strongest import loops
from attnmetrics.measuring.strongest.segments import Segments, Strongest
from attnmetrics.measuring.words.maps import WordMaps
from attnmetrics.model.pack import Batch, Tile

Ints = NDArray[np.int64]


class Questions(NamedTuple):
    """E questions to a tile, the same in every layer."""

    number: Ints
    """[E] which of all that are asked"""
    word: Ints
    """[E] place of the word whose row or column is looked at"""
    first: Ints
    """[E] place of the first word of its map"""
    by_column: NDArray[np.bool_]
    """[E] whether it is its column: what answers is the word that attends"""

    def take(self, chosen: NDArray[np.bool_]) -> "Questions":
        """Those that are chosen [E]."""
        return Questions(self.number[chosen], self.word[chosen], self.first[chosen], self.by_column[chosen])


class Answers(NamedTuple):
    """What every head answers to E questions."""

    word: Ints
    """[E, head] what answers, counted from the first of its map"""
    value: NDArray[Any]
    """[E, head] A of the two words; 0: no answer"""
    hit: NDArray[np.bool_]
    """[E, head] whether it is right"""

    @classmethod
    def empty(cls, questions: int, heads: int, dtype: Any) -> "Answers":
        """Room for answers."""
        shape = questions, heads
        return cls(np.empty(shape, np.int64), np.empty(shape, dtype), np.empty(shape, np.bool_))

    def take(self, chosen: NDArray[np.bool_]) -> "Answers":
        """Those to the questions that are chosen [E]."""
        return Answers(self.word[chosen], self.value[chosen], self.hit[chosen])


class Answering(Protocol):
    """A reader of maps that knows what heads answer."""

    maps: WordMaps
    answers: Answers | None
    """to the questions to the tile that was added last"""

    def questions(self, tile: Tile) -> Questions | None:
        """What a tile is asked."""
        ...


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
        asked = ((tile, self._ask(tile, batch.rows, by_unit)) for tile in batch.tiles)
        self._asked = {tile: one for tile, one in asked if one is not None}
        self._segments: dict[Tile, Ints] = {}

    def pairs(self) -> list[tuple[Ints, Ints]]:
        """Claims and units [E, 2] that answers may be of, a hit's and a miss's."""
        return [(asked.claim, asked.unit) for asked in self._asked.values()]

    def settle(self, segments: Segments) -> None:
        """Take these segments, which have those of all `pairs`."""
        self._length = segments.length
        self._segments = {tile: segments.find(asked.claim, asked.unit) for tile, asked in self._asked.items()}

    def offer(self, tile: Tile, alpha: NDArray[np.float32], into: Strongest) -> None:
        """Offer what the other reader has just found in a tile."""
        asked, answers, maps = self._asked.get(tile), self._reader.answers, self._reader.maps
        if asked is not None and answers is not None:
            answers = answers if asked.seen is None else answers.take(asked.seen)
            loops.offer_answers(
                alpha, tile.row, asked.unit[:, 0] - tile.sentence, asked.questions, answers, maps.senders,
                maps.receivers, self._segments[tile], self._length, into.weight, into.place,
            )  # fmt: skip

    def _ask(self, tile: Tile, rows: Ints, by_unit: Ints) -> "_Asked | None":
        """What is asked of a tile that has all rows that answer: not of a column where it is a block of rows."""
        maps, questions, seen = self._reader.maps, self._reader.questions(tile), None
        if questions is None:
            return None
        if tile.rows < tile.length:
            seen = ~questions.by_column
            questions = questions.take(seen)
        unit = by_unit[np.searchsorted(rows[by_unit], maps.unit[maps.map_of(questions.word)])]
        claim = self._first + 2 * questions.number
        return _Asked(questions, seen, np.stack([claim, claim + 1], axis=1), np.stack([unit, unit], axis=1))


@dataclass(frozen=True, slots=True)
class _Asked:
    """E questions to a tile whose answers are looked for."""

    questions: Questions
    seen: NDArray[np.bool_] | None
    """which of all questions to the tile they are; None: all"""
    claim: Ints
    """[E, 2] a hit's and a miss's"""
    unit: Ints
    """[E, 2] counted in the batch, both the same"""
