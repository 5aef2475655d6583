"""Which words of a unit refer to what was mentioned before in the unit.

A mention is in a unit where its head word has a piece. An *anaphor* is the head word of a mention with an earlier
mention of its entity in the unit; its *antecedents* are the head words of these. A mention that its annotation calls
an apposition, a predicate or one of discourse is no anaphor, but may be an antecedent.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.annotation.sentence import Mentions
from attnmetrics.pieces.align import Pieces, ranges

NO_ANAPHORS: Final = ("appos", "pred", "disc")
"""Links of mentions that are no anaphors."""


@dataclass(frozen=True, slots=True)
class UnitMentions:
    """The P places at which a head word stands in a unit: a word that a window cuts stands in two."""

    mentions: Mentions
    """of all units"""
    unit: NDArray[np.int64]
    """[P] ascending"""
    word: NDArray[np.int64]
    """[P] counted over all sentences, ascending in a unit"""
    place: NDArray[np.int64]
    """[E] for each place and mention whose head word stands there: the place …"""
    mention: NDArray[np.int64]
    """[E] … and the mention"""

    @classmethod
    def of(cls, mentions: Mentions, pieces: Pieces, word: NDArray[np.int64]) -> "UnitMentions":
        """The head words in units, given the word of each piece, [T] (−1 for none)."""
        heads = np.isin(word, mentions.word)
        row, own = np.unique(np.stack([pieces.row[heads], word[heads]]), axis=1)
        first, last = (np.searchsorted(mentions.word, own, side) for side in ("left", "right"))
        return cls(mentions, row, own, np.repeat(np.arange(len(own)), last - first), ranges(first, last))

    @property
    def anaphoric(self) -> NDArray[np.bool_]:
        """[E] whether the mention may be an anaphor."""
        link = self.mentions.link
        return ~np.isin(np.array([*link.names, ""]), NO_ANAPHORS)[link.codes[self.mention]]

    def antecedents(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(anaphor, antecedent) as places, each pair once, by anaphor and then in the order of words."""
        entity, unit = self.mentions.entity[self.mention], self.unit[self.place]
        order = np.lexsort((self.place, entity, unit))
        place, anaphoric = self.place[order], self.anaphoric[order]
        # Mentions of one entity in one unit stand side by side now: each is paired with all of them before itself.
        new = np.ones(len(order), dtype=np.bool_)
        new[1:] = (np.diff(unit[order]) != 0) | (np.diff(entity[order]) != 0)
        first = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
        later = np.repeat(np.arange(len(order)), np.arange(len(order)) - first)
        earlier = ranges(first, np.arange(len(order)))
        kept = anaphoric[later] & (place[earlier] < place[later])
        pairs = np.unique(np.stack([place[later[kept]], place[earlier[kept]]]), axis=1)
        return pairs[0], pairs[1]


def link_mentions(
    mentions: Mentions, pieces: Pieces, word: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Attending and attended words of the link `word.coreference`: anaphors and their antecedents, both ways."""
    heads = UnitMentions.of(mentions, pieces, word)
    anaphor, antecedent = (heads.word[places] for places in heads.antecedents())
    pairs = np.unique(np.stack([np.append(anaphor, antecedent), np.append(antecedent, anaphor)]), axis=1)
    return pairs[0], pairs[1]
