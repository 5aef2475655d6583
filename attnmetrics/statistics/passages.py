"""The sentences in which exemplars stand: their texts and their pieces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """What a unit has of a sentence that holds the attending or the attended piece of an exemplar.

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


Passages = Mapping[tuple[int, int], Sequence[Passage]]
"""(document_index, sentence) of a unit → its passages, in order."""
