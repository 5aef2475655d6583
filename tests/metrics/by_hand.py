"""Sentences and attention small enough to be written down."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from attnmetrics.metrics.reference.pieces import label_pieces
from attnmetrics.metrics.reference.sentence import Array, Pairs, Sentence, Word
from attnmetrics.metrics.reference.twins import Reference

POS = ("NOUN", "PRON", "VERB", "_")
REL = ("nsubj", "obj", "root", "_")
SPECIAL = ("first", "separator", "punctuation", "other")
LABELS = {"pos": POS, "rel": REL, "special": SPECIAL}
LINKS = {"dependency": True, "repeat": False, "induction": False}


def new_reference(heads: int = 1, causal: bool = True) -> Reference:
    """One layer, with the labels and links that every run has."""
    return Reference(layers=1, heads=heads, causal=causal, labels=LABELS, links=LINKS)


def sentence_of(
    alpha: Array,
    null: Iterable[int] = (),
    template: Iterable[int] = (),
    labels: Mapping[str, Sequence[str]] | None = None,
    links: Mapping[str, Pairs] | None = None,
    **rest: Any,
) -> Sentence:
    """From α [piece, piece] or [head, piece, piece] of one layer; without a text, unless it is given.

    Piece j adds 1 to the j-th number of the stream, so that heads add α itself.
    """
    n = alpha.shape[-1]
    fields = {"text": "", "words": (), "spans": ((0, 0),) * n, "ids": range(n), **rest}
    maps = alpha.reshape(1, -1, n, n)
    bare = Sentence(alpha=maps, added=maps, null=frozenset(null), template=frozenset(template), **fields)
    return label_pieces(bare, labels, links)


def per_head(found: dict[str, Array]) -> dict[str, Array]:
    """Those of layer 0 and head 0."""
    return {name: value[0, 0] for name, value in found.items() if f"{name}_by_layer" in found}


def lower(*rows: list[float]) -> Array:
    """A causal map from its rows up to the diagonal."""
    return np.array([row + [0.0] * (len(rows) - len(row)) for row in rows])


def uniform(n: int, causal: bool = True) -> Array:
    """Even attention."""
    return lower(*([1 / (i + 1)] * (i + 1) for i in range(n))) if causal else np.full((n, n), 1 / n)


def causal_reference() -> Reference:
    """One layer of two heads, the second one uniform, over two sentences; the first piece is null."""
    reference = new_reference(heads=2)
    words = (Word(0, 4, "NOUN", "nsubj", 1), Word(5, 8, "VERB", "root", -1), Word(9, 13, "NOUN", "obj", 1))
    cats = np.stack([lower([1.0], [0.5, 0.5], [0.2, 0.3, 0.5]), uniform(3)])
    reference.add(sentence_of(cats, null={0}, text="Cats eat fish", words=words, spans=((0, 4), (4, 8), (8, 13))))
    ran = np.stack([lower([1.0], [0.95, 0.05], [0.1, 0.4, 0.5], [0.0, 0.25, 0.25, 0.5]), uniform(4)])
    words = (Word(0, 1, "PRON", "nsubj", 1), Word(2, 8, "VERB", "root", -1))
    spans = ((0, 1), (1, 4), (4, 5), (5, 8))
    reference.add(sentence_of(ran, null={0}, text="I re-ran", words=words, spans=spans, cut=True, sentence=1))
    return reference


def bidirectional_reference() -> Reference:
    """One sentence between [CLS] and [SEP], which are null.

    "ab" overlaps the words "a" and "b" by one character each: the first counts.
    """
    reference = new_reference(causal=False)
    alpha = np.array([[0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25], [0, 0.6, 0.1, 0.3], [0.5, 0.02, 0.03, 0.45]])
    words = (Word(0, 1, "NOUN", "nsubj", 2), Word(1, 2, "PRON", "obj", 2), Word(3, 4, "VERB", "root", -1))
    spans = ((0, 0), (0, 2), (3, 4), (0, 0))
    reference.add(sentence_of(alpha, null={0, 3}, template={0, 3}, text="ab c", words=words, spans=spans))
    return reference
