"""What probes learn from: of each sentence, the attention between its words in every head, and its tree.

A sentence has n words, those that have a word piece, and E special pieces: the template's and the null ones. Its map
holds for each pair of these n + E places (attending, attended) one number a head.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_PLACE = -1
"""The head of a word whose head word has no piece."""


@dataclass(frozen=True, slots=True)
class WordFeatures:
    """S sentences with W words in all, the shortest sentences first, those of equal length in corpus order."""

    row: NDArray[np.int64]
    """[S] the sentence's place among those of its shard, in corpus order"""
    words: NDArray[np.int64]
    """[S] n, words that have a piece"""
    without_piece: NDArray[np.int64]
    """[S] words that have none"""
    maps: NDArray[np.float16]
    """[Σ (n + E)², K] by pair of places, attending ones slowest, sentence by sentence: attention in each of K heads"""
    head: NDArray[np.int64]
    """[W] place of the head word; n for a root, `NO_PLACE` where the head word has no piece"""
    position: NDArray[np.int64]
    """[W] place in the sentence, words without a piece counted"""
    relation: NDArray[np.str_]
    """[W] to the head"""
    rule: NDArray[np.int64]
    """[W] the rule of the control task (see `control_heads`)"""
    vectors: NDArray[np.float32]
    """[W, V] word vectors"""
    has_vector: NDArray[np.bool_]
    """[W] whether the word's vector is known"""
    special: int
    """E"""

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def join(cls, parts: Sequence["WordFeatures"]) -> "WordFeatures":
        """The sentences of several parts as one: `row` counts on from part to part."""
        if len(parts) == 1:
            return parts[0]
        before = np.cumsum([0, *map(len, parts)])
        columns = {field.name: np.concatenate([getattr(part, field.name) for part in parts])
                   for field in fields(cls) if field.name != "special"}  # fmt: skip
        columns["row"] = np.concatenate([part.row + first for part, first in zip(parts, before[:-1], strict=True)])
        sizes = {"maps": (columns["words"] + parts[0].special) ** 2}
        order = np.lexsort((columns["row"], columns["words"]))
        for name, column in columns.items():
            if name not in ("row", "words", "without_piece"):
                columns[name] = column[_places(sizes.get(name, columns["words"]), order)]
        of_sentences = {name: columns[name][order] for name in ("row", "words", "without_piece")}
        return cls(**{**columns, **of_sentences}, special=parts[0].special)

    def groups(self, most: int) -> Iterator["Group"]:
        """The sentences in order, in groups of one length and of at most so many pairs of places, or one sentence."""
        first_row, first_word, first_pair = 0, 0, 0
        for n, equal in groupby(self.words.tolist()):
            pairs = (n + self.special) ** 2
            size = max(1, most // max(1, pairs))
            left = len(list(equal))
            while left:
                count = min(size, left)
                yield Group(self, n, count, first_row, first_word, first_pair)
                first_row, first_word, first_pair = (
                    first_row + count,
                    first_word + count * n,
                    first_pair + count * pairs,
                )
                left -= count


@dataclass(frozen=True, slots=True)
class Group:
    """Sentences of n words each."""

    features: WordFeatures
    words: int
    """n"""
    count: int
    """number of sentences"""
    first_row: int
    first_word: int
    first_pair: int

    @property
    def maps(self) -> NDArray[np.float16]:
        """[sentence, n + E, n + E, K] attending and attended place, head."""
        places, heads = self.words + self.features.special, self.features.maps.shape[1]
        own = self.features.maps[self.first_pair : self.first_pair + self.count * places**2]
        return own.reshape(self.count, places, places, heads)

    def column(self, name: str) -> NDArray[Any]:
        """[sentence, n, …] a column of words."""
        values: NDArray[Any] = getattr(self.features, name)
        own = values[self.first_word : self.first_word + self.count * self.words]
        return own.reshape(self.count, self.words, *values.shape[1:])


def _places(sizes: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the entries of sentences of these sizes stand, the sentences in another order.

    Example: of the sizes 2 1 in the order 1 0, these are 2 0 1.
    """
    ends = np.cumsum(sizes)
    within = np.arange(ends[-1]) - np.repeat(np.cumsum(sizes[order]) - sizes[order], sizes[order])
    result: NDArray[np.int64] = np.repeat((ends - sizes)[order], sizes[order]) + within
    return result


def control_heads(rule: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the control task puts the head of each word: itself, the first, or the last word of its sentence.

    Args:
        rule: [S, n] 0, 1 or 2, the same for all words of one form.

    >>> control_heads(np.array([[2, 0, 1]])).tolist()
    [[2, 1, 0]]

    Source: Hewitt and Liang 2019.
    """
    words = rule.shape[1]
    return np.where(rule == 0, np.arange(words), np.where(rule == 1, 0, words - 1))
