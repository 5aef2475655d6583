"""The dependencies between words of one map: which of them attention can hit, and how many there are."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.annotation.vocabulary import encode
from attnmetrics.measuring.maps.halves import HALVES, find_halves
from attnmetrics.measuring.words.maps import WordMaps
from attnmetrics.metrics.family import NO_LABEL
from attnmetrics.metrics.syntax import (
    CLASSES_TOGETHER,
    PUNCTUATION,
    RULES,
    SIDES,
    WORD_OFFSET_LIMIT,
    WORD_OFFSETS,
    word_classes,
)
from attnmetrics.pieces.attends import Attends
from attnmetrics.pieces.units import Units

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Counts = dict[str, NDArray[np.float64]]

NOWHERE: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Edges:
    """The edge of each of the N words of some maps, to its parent in the same map; and those that no map holds."""

    rels: tuple[str, ...]
    """names of relations"""
    classes: tuple[str, ...]
    """of words, among which the nearest is taken"""
    parent: Ints
    """[N] place of the parent; −1 where there is none in the map"""
    attainable: Bools
    """[rule, N] some pair of pieces of the two words is attendable, the way round that the rule asks for"""
    code: Ints
    """[N] half × number of relations + relation"""
    offset: Ints
    """[N] parent's position in the sentence − the word's own; 0 where there is no parent"""
    nearest: Ints
    """[way, rule, N] class × number of sides + side of which the word that is right is the nearest; −1 for none: first
    its own part of speech, then each that is taken together with others"""
    unit: Ints
    """[N] the unit of each word"""
    lost: Ints
    """[L] relation of each edge of the text of these maps that none of them holds"""
    lost_unit: Ints
    """[L] the unit that it is counted with"""
    first: Bools
    """[N] it is the first map that has the word"""

    @classmethod
    def of(cls, units: Units, maps: WordMaps, attends: Attends, seed: int) -> "Edges":
        """The edges of the maps of some units' sentences.

        Args:
            units: the units.
            maps: of their sentences (see `map_sentences`).
            attends: which pieces attend to which.
            seed: of the hash that halves the corpus.
        """
        words, names, tags = units.words, units.schema.names["rel"], units.schema.names["pos"]
        place = np.arange(len(maps.word))
        rel, heads = encode(words.columns["rel"], names), _heads(units)
        head = heads[maps.word]
        parent = maps.find(maps.map_of(place), head)
        unit = maps.unit[maps.map_of(place)]
        lost, lost_unit = _find_lost(units, maps, heads, unit, parent >= 0)
        return cls(
            rels=names,
            classes=word_classes(tags),
            parent=parent,
            attainable=_find_attainable(maps, parent, attends),
            code=find_halves(units, seed)[unit] * len(names) + rel[maps.word],
            offset=np.where(head >= 0, head - maps.word, 0),
            nearest=_find_nearest(_find_classes(encode(words.columns["pos"], tags), tags), maps.word, head),
            unit=unit,
            lost=rel[lost],
            lost_unit=lost_unit,
            first=np.isin(place, np.unique(maps.word, return_index=True)[1]),
        )

    @property
    def parsed(self) -> Bools:
        """[rel] relations that count as parsed."""
        return np.array([rel != PUNCTUATION for rel in self.rels])

    def count(self, rows: Ints) -> Counts:
        """What the edges of these units come to, without attention: sums of `metrics.syntax`."""
        counted = np.isin(self.unit, rows)
        held, shape = counted & (self.parent >= 0), (HALVES, len(self.rels))
        words = np.flatnonzero(counted)
        attainable = np.stack([self._tally(counted & own).reshape(shape) for own in self.attainable], 1)
        return {
            "relation_attainable": attainable,
            "relation_offset_hits": self._count_offsets(words),
            "relation_class_hits": self._count_classes(words),
            "parse_attainable": attainable[..., self.parsed].sum((0, 2)),
            "relation_edges": self._tally(held).reshape(shape).sum(0),
            "relation_unmeasured": _tally(self.lost[np.isin(self.lost_unit, rows)], len(self.rels)),
            "relation_words": np.array(float((counted & self.first).sum())),
            "map_sentences": np.array(float(len(rows))),
        }

    def _tally(self, chosen: Bools) -> NDArray[np.float64]:
        """[half × rel] how many of these words there are."""
        return _tally(self.code[chosen], HALVES * len(self.rels))

    def _count_offsets(self, words: Ints) -> NDArray[np.float64]:
        """[half, rule, rel, word offset] attainable edges of these words."""
        offset = self.offset[words]
        place = np.where(np.abs(offset) <= WORD_OFFSET_LIMIT, np.searchsorted(WORD_OFFSETS, offset), -1)
        return self._split(words, np.stack([place] * len(RULES)), len(WORD_OFFSETS))

    def _count_classes(self, words: Ints) -> NDArray[np.float64]:
        """[half, rule, rel, class, side] likewise."""
        every, places = np.tile(words, len(self.nearest)), np.hstack(list(self.nearest[:, :, words]))
        found = self._split(every, places, len(self.classes) * len(SIDES))
        return found.reshape(*found.shape[:-1], len(self.classes), len(SIDES))

    def _split(self, words: Ints, place: Ints, number: int) -> NDArray[np.float64]:
        """[half, rule, rel, number] attainable edges of these words by their places [rule, words]; −1 is none."""
        code, kept = self.code[words] * number, self.attainable[:, words] & (place >= 0)
        split = ((code + own)[there] for own, there in zip(place, kept, strict=True))
        tables = [_tally(codes, HALVES * len(self.rels) * number) for codes in split]
        return np.stack([table.reshape(HALVES, len(self.rels), number) for table in tables], 1)


def _tally(codes: Ints, number: int) -> NDArray[np.float64]:
    """[number] how often each code occurs."""
    return np.bincount(codes, minlength=number).astype(np.float64)


def _heads(units: Units) -> Ints:
    """[W] the parent of each word, counted over all words; −1 for roots."""
    words = units.words
    return np.where(words.word_head >= 0, words.word_offsets[words.word_row] + words.word_head, -1)


def _find_classes(pos: Ints, tags: tuple[str, ...]) -> Ints:
    """[way, W] the class of each word, of a tag each: its tag, then by each class of tags together; −1 for none.

    Example: of DET NOUN VERB with the tags DET, NOUN, VERB, _: [0, 1, 2], [−1, 4, −1], [−1, 5, 5].
    """
    is_tag = np.array([name != NO_LABEL for name in tags])
    found = [np.where(is_tag[pos], pos, -1)]
    for place, together in enumerate(CLASSES_TOGETHER.values(), len(tags)):
        is_member = np.array([name in together for name in tags])
        found.append(np.where(is_member[pos], place, -1))
    return np.stack(found)


def _find_nearest(classes: Ints, word: Ints, head: Ints) -> Ints:
    """[way, rule, N] see `Edges.nearest`, given classes [way, W] of all words, and N words and their heads among these.

    Example: of NOUN PUNCT NOUN VERB NOUN, all of the verb, the nearest noun before the verb is the second.
    """
    found = []
    for own in classes:
        keys = np.sort(own * len(own) + np.arange(len(own)))
        from_word, from_head = _ask(own, keys, word, head), _ask(own, keys, head, word)
        places = {"row": from_word, "column": from_word, "parent_row": from_head}
        found.append([np.where(head >= 0, places[rule], -1) for rule in RULES])
    return np.stack(found)


def _ask(classes: Ints, keys: Ints, asked: Ints, right: Ints) -> Ints:
    """[N] class × number of sides + side where the right word is the nearest of its class; −1 where it is not."""
    # How many words of the right one's class stand between the two: words by class, then place, are sorted numbers.
    size = len(classes)
    low, high, own = np.minimum(asked, right), np.maximum(asked, right), classes[right]
    between = np.searchsorted(keys, own * size + high) - np.searchsorted(keys, own * size + low, side="right")
    return np.where((own >= 0) & (between == 0), own * len(SIDES) + (right > asked), -1)


def _find_attainable(maps: WordMaps, parent: Ints, attends: Attends) -> Bools:
    """[rule, N] see `Edges`; False where there is no parent."""
    begin = maps.pieces.offsets[maps.unit[maps.map_of(np.arange(len(parent)))]]
    last = maps.last - begin
    # The first piece of each word that is not null: of those that have one, it is written last.
    first = np.full(len(parent), NOWHERE)
    attended = np.flatnonzero(maps.attended)[::-1]
    first[maps.place[attended]] = attended
    first = np.where(first < NOWHERE, first - begin, NOWHERE)

    def reaches(attending: Ints, attended: Ints) -> Bools:
        i, j = last[attending], first[attended]
        return attends.may_attend(i, j) & (j < NOWHERE) & (parent >= 0)

    word = np.arange(len(parent))
    there = {"row": reaches(word, parent), "column": reaches(parent, word), "parent_row": reaches(parent, word)}
    return np.stack([there[rule] for rule in RULES])


def _find_lost(units: Units, maps: WordMaps, heads: Ints, unit: Ints, held: Bools) -> tuple[Ints, Ints]:
    """Words whose edges no map holds, and the unit that each is counted with.

    It is the first unit that has a piece of one of the two words. Where neither has a piece anywhere, it is the first
    one that has a piece of their sentence.
    """
    words = units.words
    row = words.word_row
    of_word, of_sentence = np.full(len(row) + 1, NOWHERE), np.full(len(words), NOWHERE)
    np.minimum.at(of_word, maps.word, unit)
    np.minimum.at(of_sentence, row[maps.word], unit)
    with_piece = np.zeros(len(row) + 1, np.bool_)
    with_piece[units.word[units.aligned]] = True
    child = np.flatnonzero(heads >= 0)
    child = child[~np.isin(child, maps.word[held])]
    nothing = ~with_piece[child] & ~with_piece[heads[child]]
    counted_with = np.minimum(of_word[child], of_word[heads[child]])
    counted_with = np.where(nothing, of_sentence[row[child]], counted_with)
    there = counted_with < NOWHERE
    return child[there], counted_with[there]
