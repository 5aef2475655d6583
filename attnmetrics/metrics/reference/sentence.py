"""What the twins are given: a model's shape, and sentences with their attention."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Pairs = frozenset[tuple[int, int]]
"""(attending, attended) of pieces, or of words."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence."""

    start: int
    """first character in the sentence's text"""
    end: int
    """one past the last"""
    pos: str
    rel: str
    head: int
    """index of the head within the sentence; −1 for a root"""
    form: str = ""
    """where the text does not spell it"""
    feats: Mapping[str, str] = field(default_factory=dict)
    """its morphological features"""


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention of an entity."""

    word: int
    """index of its head word within the sentence"""
    entity: int
    """what it is a mention of, distinct over the document"""
    text: str
    """the forms of its words, joined by a space"""
    anaphoric: bool
    """whether it may refer back"""
    of_entity: int
    """mentions of the entity in the document"""
    earlier: int
    """of these, those with an earlier head word"""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its attention."""

    text: str
    words: Sequence[Word]
    spans: Sequence[tuple[int, int]]
    """first and one past the last character of every piece; leading white space may be part of it"""
    ids: Sequence[int]
    """of every piece, in the tokenizer's vocabulary"""
    template: frozenset[int]
    """pieces that the tokenizer's template added"""
    null: frozenset[int]
    """null columns"""
    alpha: Array
    """[layer, head, piece, piece] α[i,j]"""
    added: Array
    """[layer, head, piece, stream] what the head adds to the residual stream: its values, without their bias, mixed by
    α and projected"""
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """by label, the name of every piece"""
    links: Mapping[str, Pairs] = field(default_factory=dict)
    """by link, its pairs of pieces; of a link with directions, (parent, child)"""
    mentions: Sequence[Mention] = ()
    """those whose head words are words of the sentence"""
    cut: bool = False
    """whether it lost pieces"""
    document: str = ""
    """its id"""
    document_index: int = 0
    sentence: int = 0

    @property
    def pieces(self) -> range:
        """Its pieces, from 0."""
        return range(len(self.spans))


@dataclass(frozen=True, slots=True)
class Model:
    """How many heads attend, and what they may attend to."""

    layers: int
    heads: int
    causal: bool

    def zeros(self, *shape: int) -> Array:
        """[layer, head, *shape]."""
        return np.zeros((self.layers, self.heads, *shape))

    def reach(self, i: int, sentence: Sentence) -> list[int]:
        """All pieces that piece i may attend to, null ones too."""
        return [j for j in sentence.pieces if j <= i or not self.causal]

    def attendable(self, i: int, sentence: Sentence) -> list[int]:
        """Those that are not null."""
        return [j for j in self.reach(i, sentence) if j not in sentence.null]
