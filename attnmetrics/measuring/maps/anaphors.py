"""Anaphors of units, their candidates and antecedents, and what rules of thumb find: all that texts alone say.

A *place* is a head word in a unit (see `model.mentions.UnitMentions`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.annotation.features import parse_features
from attnmetrics.annotation.sentence import Column, Sentences
from attnmetrics.metrics.coreference import ANAPHOR_CLASSES
from attnmetrics.pieces.align import ranges
from attnmetrics.pieces.mentions import UnitMentions
from attnmetrics.pieces.units import Units

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CLASS_OF: Final = {
    "PRON": "pronoun",
    "PROPN": "proper",
    **dict.fromkeys(("NOUN", "NUM", "ADJ", "SYM", "X"), "nominal"),
}
"""The class of an anaphor by its part of speech; all others are `other`."""
AGREEMENT: Final = ("Number", "Gender", "Person")
"""Features in which two words agree, unless one of them lacks it."""


@dataclass(frozen=True, slots=True)
class Anaphors:
    """R anaphors with an antecedent in reach, in the order of units and words, and their C candidates."""

    unit: Ints
    """[R]"""
    word: Ints
    """[R] counted over all sentences"""
    kind: Ints
    """[R] index into `ANAPHOR_CLASSES`"""
    offsets: Ints
    """[R + 1] candidates of anaphor r are offsets[r] … offsets[r + 1] − 1; each has one at least"""
    candidate: Ints
    """[C] head words of earlier mentions, ascending for each anaphor"""
    right: Bools
    """[C] whether it is an antecedent"""
    unreachable_unit: Ints
    """[U] of head words whose antecedents are all out of reach"""
    unreachable_kind: Ints
    """[U]"""
    found: Mapping[str, NDArray[np.float64]]
    """[R] by heuristic, 1 where it finds an antecedent; of `chance` how probable that is"""

    def of_units(self, units: Ints) -> Ints:
        """The anaphors of these units."""
        begin, end = (np.searchsorted(self.unit, units, side) for side in ("left", "right"))
        return ranges(begin, end)

    def candidates_of(self, anaphors: Ints) -> tuple[Ints, Ints]:
        """All candidates of some anaphors: place of the anaphor among these, and candidate."""
        begin, end = self.offsets[anaphors], self.offsets[anaphors + 1]
        return np.repeat(np.arange(len(anaphors)), end - begin), ranges(begin, end)


def find_anaphors(units: Units, rows: Ints) -> Anaphors:
    """The anaphors of some units.

    Args:
        units: the units.
        rows: those that are looked at.
    """
    pieces, row, sentences = units.pieces, units.pieces.row, units.words
    heads = UnitMentions.of(sentences.mentions, pieces, np.where(np.isin(row, rows), units.word, -1))
    base = len(sentences.word_start) + 1
    seen = np.isin(heads.unit * base + heads.word, row[~units.null] * base + units.word[~units.null])
    anaphor, antecedent = heads.antecedents()
    places = np.unique(anaphor[seen[antecedent]])
    kind = _kinds(sentences)[heads.word]
    lost = np.setdiff1d(heads.place[heads.anaphoric & (sentences.mentions.earlier[heads.mention] > 0)], places)
    # A row for each anaphor and earlier place in its unit; of these, candidates are kept.
    first = np.searchsorted(heads.unit, heads.unit[places])
    of, earlier = np.repeat(np.arange(len(places)), places - first), ranges(first, places)
    recurs = np.isin(np.arange(len(heads.unit)), heads.place[sentences.mentions.of_entity[heads.mention] > 1])
    of, earlier = of[recurs[earlier]], earlier[recurs[earlier]]
    right = np.isin(places[of] * len(recurs) + earlier, anaphor * len(recurs) + antecedent)
    offsets = np.searchsorted(of, np.arange(len(places) + 1))
    passes = {
        "string": _same_string(heads, places[of], earlier),
        "head": _same_head(sentences, heads.word[places[of]], heads.word[earlier]),
        "agreement": _agree(sentences, heads.word[places[of]], heads.word[earlier]),
        "any": np.ones(len(of), np.bool_),
    }
    return Anaphors(
        unit=heads.unit[places],
        word=heads.word[places],
        kind=kind[places],
        offsets=offsets,
        candidate=heads.word[earlier],
        right=right,
        unreachable_unit=heads.unit[lost],
        unreachable_kind=kind[lost],
        found=_heuristics(offsets, right, passes),
    )


def _kinds(sentences: Sentences) -> Ints:
    """[W] the class of each word, were it an anaphor."""
    pos = sentences.columns["pos"]
    kind_of = [ANAPHOR_CLASSES.index(CLASS_OF.get(name, "other")) for name in pos.names]
    return np.array(kind_of, np.int64)[pos.codes]


# --- rules of thumb ---------------------------------------------------------------------------------------------------


def _heuristics(offsets: Ints, right: Bools, passes: Mapping[str, Bools]) -> dict[str, NDArray[np.float64]]:
    """See `Anaphors.found`; `passes` says by sieve, in order, which candidates [C] pass it."""
    nearest = {sieve: _nearest(passing, offsets) for sieve, passing in passes.items()}
    chosen = np.full(len(offsets) - 1, -1)
    for choice in nearest.values():
        chosen = np.where(chosen < 0, choice, chosen)
    hit = np.append(right, False)  # candidate −1 is none
    antecedents = np.diff(np.concatenate([[0], np.cumsum(right)])[offsets])
    return {
        "nearest": hit[nearest["any"]].astype(np.float64),
        "head_match": hit[nearest["head"]].astype(np.float64),
        "sieves": hit[chosen].astype(np.float64),
        "chance": antecedents / np.diff(offsets),
    }


def _nearest(passing: Bools, offsets: Ints) -> Ints:
    """[R] the last candidate of each anaphor that passes; −1 for none.

    Example: of candidates that pass 1 1 0 | 0, with offsets 0 3 4, these are 1 and −1.
    """
    last = np.maximum.accumulate(np.where(passing, np.arange(len(passing)), -1))
    nearest = last[offsets[1:] - 1]
    return np.where(nearest >= offsets[:-1], nearest, -1)


def _same_string(heads: UnitMentions, anaphor: Ints, candidate: Ints) -> Bools:
    """[C] whether a mention at the candidate's place has the string of one at the anaphor's that may be an anaphor."""
    text, strings = heads.mentions.text.codes[heads.mention], len(heads.mentions.text.names)
    own = heads.place[heads.anaphoric] * strings + text[heads.anaphoric]
    # A row for each candidate and mention at its place; these stand in the order of places.
    begin, end = (np.searchsorted(heads.place, candidate, side) for side in ("left", "right"))
    of = np.repeat(np.arange(len(candidate)), end - begin)
    equal = np.isin(anaphor[of] * strings + text[ranges(begin, end)], own)
    return np.bincount(of, equal, len(candidate)) > 0


def _same_head(sentences: Sentences, word: Ints, other: Ints) -> Bools:
    """[C] whether two words have the same form, upper or lower case."""
    distinct, codes = np.unique(np.append(word, other), return_inverse=True)
    forms = Column.of(_forms(sentences, distinct)).codes[codes]
    return np.equal(*np.split(forms, 2))


def _forms(sentences: Sentences, words: Ints) -> list[str]:
    """The forms of these words, case-folded."""
    rows = sentences.word_row[words].tolist()
    spans = zip(rows, sentences.word_start[words].tolist(), sentences.word_end[words].tolist(), strict=True)
    spelled = [sentences.text[row][start:end] for row, start, end in spans]
    kept = sentences.columns["form"].take(words).values() if "form" in sentences.columns else [""] * len(words)
    return [(form or text).casefold() for form, text in zip(kept, spelled, strict=True)]


def _agree(sentences: Sentences, word: Ints, other: Ints) -> Bools:
    """[C] whether two words agree in all features that both have."""
    agree = np.ones(len(word), np.bool_)
    for key in AGREEMENT if "feats" in sentences.columns else ():
        feats = sentences.columns["feats"]
        values = Column.of([parse_features(name).get(key, "") for name in feats.names])
        value = values.codes[feats.codes]
        known = (np.array([*values.names, ""]) != "")[value]
        agree &= (value[word] == value[other]) | ~known[word] | ~known[other]
    return agree
