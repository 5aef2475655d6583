"""Which word is right, by the annotation, where heads are asked for a word's parent, dependent or antecedent.

A word in a unit goes by its first piece there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from attnmetrics.measuring.maps.coreference import Coreference
from attnmetrics.measuring.maps.families import MapFamily
from attnmetrics.measuring.maps.syntax import PARENT_ROW, Syntax
from attnmetrics.metrics.claims import COREFERENCE, relation_question
from attnmetrics.metrics.syntax import RULES
from attnmetrics.pieces.units import Units

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RightWords:
    """R right answers in some units, those of a unit side by side."""

    first: Ints
    """[T] the first piece of each piece's word, counted in the unit; −1 for pieces of no word"""
    unit: Ints
    """[R] ascending"""
    question: NDArray[np.str_]
    """[R] see `metrics.claims.Claims.question`"""
    asked: Ints
    """[R] the word that the question is about"""
    right: Ints
    """[R] the word that is right"""

    @classmethod
    def of(cls, units: Units, families: Sequence[MapFamily]) -> Self:
        """What these families ask in the units that they are shown."""
        places = _Places.of(units)
        found = [rows for family in families for rows in _answers(family)] or [_Rows.none()]
        unit, question, asked, right = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.argsort(unit, kind="stable")
        asked, right = places.find(unit, asked), places.find(unit, right)
        return cls(places.first, unit[order], question[order], asked[order], right[order])

    def of_sentence(self, unit: int, begin: int, pieces: slice) -> dict[str, list[Any]]:
        """The fields `words`, `questions`, `asked` and `right` of a `Passage`.

        Args:
            unit: which holds the sentence.
            begin: the unit's first piece, counted over all T.
            pieces: those of the sentence, likewise.
        """
        own = np.arange(*np.searchsorted(self.unit, (unit, unit + 1)))
        asked = self.asked[own] + begin
        own = own[(asked >= pieces.start) & (asked < pieces.stop)]
        columns = {"questions": self.question, "asked": self.asked, "right": self.right}
        return {"words": self.first[pieces].tolist(), **{name: all_[own].tolist() for name, all_ in columns.items()}}


@dataclass(frozen=True, slots=True)
class _Places:
    """Where words begin in the units that hold a piece of them."""

    first: Ints
    """[T] see `RightWords`"""
    base: int
    keys: Ints
    """[P] unit · base + word, ascending"""
    begin: Ints
    """[P] the word's first piece, counted in the unit"""

    @classmethod
    def of(cls, units: Units) -> Self:
        row, word = units.pieces.row, units.word
        own, base = np.flatnonzero(word >= 0), int(word.max(initial=0)) + 1
        keys, first, place = np.unique(row[own] * base + word[own], return_index=True, return_inverse=True)
        begin = own[first] - units.pieces.offsets[row[own[first]]]
        of_pieces = np.full(len(word), -1)
        of_pieces[own] = begin[place]
        return cls(of_pieces, base, keys, begin)

    def find(self, unit: Ints, word: Ints) -> Ints:
        """[R] the first piece of words that have one in the unit."""
        return self.begin[np.searchsorted(self.keys, unit * self.base + word)]


class _Rows(NamedTuple):
    """Right answers, words counted over all sentences."""

    unit: Ints
    question: NDArray[np.str_]
    asked: Ints
    right: Ints

    @classmethod
    def none(cls) -> Self:
        nothing = np.zeros(0, np.int64)
        return cls(nothing, np.zeros(0, np.str_), nothing, nothing)


def _answers(family: MapFamily) -> Iterator[_Rows]:
    if isinstance(family, Syntax):
        yield _of_relations(family)
    if isinstance(family, Coreference):
        yield _of_coreference(family)


def _of_relations(family: Syntax) -> _Rows:
    """Those of every edge that is attainable, by every rule."""
    edges, word = family.edges, family.maps.word
    names = np.array([relation_question(*one) for one in product(RULES, edges.rels)], np.str_)
    rule, child = np.nonzero(edges.attainable)
    own, parent, of_parent = word[child], word[edges.parent[child]], rule == PARENT_ROW
    question = rule * len(edges.rels) + edges.code[child] % len(edges.rels)
    asked, right = np.where(of_parent, parent, own), np.where(of_parent, own, parent)
    return _Rows(edges.unit[child], names[question], asked, right)


def _of_coreference(family: Coreference) -> _Rows:
    """Every antecedent of every anaphor."""
    anaphors = family.anaphors
    of = np.repeat(np.arange(len(anaphors.unit)), np.diff(anaphors.offsets))[anaphors.right]
    question = np.full(len(of), COREFERENCE)
    return _Rows(anaphors.unit[of], question, anaphors.word[of], anaphors.candidate[anaphors.right])
