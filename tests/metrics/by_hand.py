"""Sentences and attention small enough to be written down."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from attnmetrics.metrics.reference.pieces import label_pieces
from attnmetrics.metrics.reference.sentence import Array, Sentence
from attnmetrics.metrics.reference.twins import Reference

POS = ("NOUN", "PRON", "VERB", "_")
REL = ("nsubj", "obj", "root", "_")
SPECIAL = ("first", "separator", "punctuation", "other")
LABELS = {"pos": POS, "rel": REL, "special": SPECIAL}
LINKS = {"dependency": True, "repeat": False, "induction": False}


def new_reference(heads: int = 1, causal: bool = True) -> Reference:
    """One layer, with the labels and links that every run has."""
    return Reference(layers=1, heads=heads, causal=causal, labels=LABELS, links=LINKS)


def sentence_of(alpha: Array, null: Iterable[int] = (), template: Iterable[int] = (), **rest: Any) -> Sentence:
    """From α [piece, piece] or [head, piece, piece] of one layer; without a text, unless it is given."""
    n = alpha.shape[-1]
    fields = {"text": "", "words": (), "spans": ((0, 0),) * n, "ids": range(n), **rest}
    return label_pieces(
        Sentence(alpha=alpha.reshape(1, -1, n, n), null=frozenset(null), template=frozenset(template), **fields)
    )


def per_head(found: dict[str, Array]) -> dict[str, Array]:
    """Those of layer 0 and head 0."""
    return {name: value[0, 0] for name, value in found.items() if f"{name}_by_layer" in found}


def lower(*rows: list[float]) -> Array:
    """A causal map from its rows up to the diagonal."""
    return np.array([row + [0.0] * (len(rows) - len(row)) for row in rows])


def uniform(n: int, causal: bool = True) -> Array:
    """Even attention."""
    return lower(*([1 / (i + 1)] * (i + 1) for i in range(n))) if causal else np.full((n, n), 1 / n)
