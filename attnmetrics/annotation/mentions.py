"""Mentions of entities, from stretches of words to their head words: what coreference is measured between."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from attnmetrics.annotation.sentence import Column, Mentions
from attnmetrics.metrics.family import NO_LABEL

MENTIONS: Final = "mentions"
"""What an annotator declares that may give mentions, with the names of their links."""


@dataclass(frozen=True, slots=True)
class Span:
    """A mention as annotators have it; words are counted over all sentences of a shard."""

    first: int
    """its first word"""
    last: int
    """its last one"""
    entity: Hashable
    """what it is a mention of; no entity is in two documents"""
    text: str
    """its words' forms, joined by a space"""
    link: str = NO_LABEL
    """see `Mentions.link`"""


def make_mentions(spans: Sequence[Span], parents: Sequence[int]) -> Mentions:
    """The mentions of a shard.

    Args:
        spans: of all documents.
        parents: [W] the head of each word, counted over all sentences; −1 for a root.
    """
    placed = sorted(((_head_word(span, parents), span) for span in spans), key=lambda pair: pair[0])
    words: Mapping[Hashable, list[int]] = defaultdict(list)
    for word, span in placed:
        words[span.entity].append(word)
    number = {entity: place for place, entity in enumerate(words)}
    return Mentions(
        word=_integers([word for word, _ in placed]),
        entity=_integers([number[span.entity] for _, span in placed]),
        of_entity=_integers([len(words[span.entity]) for _, span in placed]),
        earlier=_integers([bisect_left(words[span.entity], word) for word, span in placed]),
        text=Column.of([span.text.casefold() for _, span in placed]),
        link=Column.of([span.link for _, span in placed]),
    )


def _head_word(span: Span, parents: Sequence[int]) -> int:
    """The first word whose parent lies outside of the mention; a tree has one in any stretch of words."""
    return next(w for w in range(span.first, span.last + 1) if not span.first <= parents[w] <= span.last)


def _integers(values: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array(values, np.int64)
