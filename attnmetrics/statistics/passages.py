"""The sentences in which exemplars stand: their texts and their pieces."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Passage:
    """What a unit has of a sentence.

    All of it where the unit is that sentence; in a window or a pair, what neither a border nor its length cuts off.
    """

    document: str
    """id of the document"""
    document_index: int
    """position of the document in the corpus"""
    sentence: int
    """position of the unit, the sentence or the window, in its document"""
    first: int
    """its first piece, counted in the unit"""
    text: str
    """of the whole sentence"""
    pieces: list[str]
    ids: list[int]
    """of the pieces, in the model's vocabulary"""
    segments: list[int] = field(default_factory=list)
    """which segment of a pair the model is told that each piece is in; empty where it is told of none"""
    words: list[int] = field(default_factory=list)
    """the first piece, counted in the unit, of each piece's word; −1 for none; empty where that is not kept"""
    questions: list[str] = field(default_factory=list)
    """what heads are asked about its words (see `metrics.claims.Claims.question`), once a right answer"""
    asked: list[int] = field(default_factory=list)
    """of each question the word that it is about, by its first piece counted in the unit"""
    right: list[int] = field(default_factory=list)
    """of each question the word that is right, likewise"""


Passages = Mapping[tuple[int, int], Sequence[Passage]]
"""(document_index, sentence) of a unit → all its passages, in order."""


def shown(of_unit: Sequence[Passage], i: int, j: int) -> list[Passage]:
    """The passages that hold the attending and the attended piece, in order; one, where they are the same.

    Example: of a window whose sentences begin at the pieces 0, 4 and 9, the pair (10, 1) shows the first and the third.
    """
    firsts = [passage.first for passage in of_unit]
    return [of_unit[holder] for holder in sorted({bisect_right(firsts, piece) - 1 for piece in (i, j)})]
