"""Sentences with random annotations, and a shard of them measured."""

import re
from typing import Any

import numpy as np

from attnmetrics.annotation.functions import Functions
from attnmetrics.annotation.marks import mark
from attnmetrics.annotation.sentence import Column, Sentences
from attnmetrics.measuring.shard import ShardResult
from attnmetrics.measuring.shard import measure as measure_units
from attnmetrics.metrics.schema import LABELS, LINKS, SPECIAL, Schema
from attnmetrics.model.load import Model
from attnmetrics.pieces.units import Units, read_sentences

NAMES = {"pos": ("ADJ", "NOUN", "VERB", "_"), "rel": ("amod", "obj", "root", "_"), "special": SPECIAL}


def annotate(texts: tuple[str, ...], seed: int = 0) -> Sentences:
    """Words and marks with random tags and a random projective-like tree; five sentences to a document."""
    random = np.random.default_rng(seed)
    offsets, words = [0], []
    for text in texts:
        spans = [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]
        root = int(random.integers(len(spans))) if spans else 0
        for k, (start, end) in enumerate(spans):
            head = -1 if k == root else int(random.integers(root, k) if k > root else random.integers(k + 1, root + 1))
            words.append((start, end, random.integers(3), random.integers(3), head))
        offsets.append(len(words))
    start, end, pos, rel, head = np.array(words, np.int64).reshape(-1, 5).T
    rows = np.arange(len(texts))
    documents = tuple(f"d{row // 5}" for row in rows)
    columns = {"pos": Column(NAMES["pos"], pos), "rel": Column(NAMES["rel"], rel)}
    return Sentences(documents, rows // 5, rows % 5, texts, np.array(offsets), start, end, head, columns)


def new_schema(model: Model) -> Schema:
    """What every run measures."""
    return Schema(model.layers, model.heads, LABELS, LINKS, NAMES)


def read(sentences: Sentences, model: Model) -> Units:
    """Sentences as units."""
    return read_sentences(sentences, mark(sentences, new_schema(model), Functions()), model)


def measure(sentences: Sentences, model: Model, **options: Any) -> ShardResult:
    """Measure sentences."""
    return measure_units(read(sentences, model), model, **options)
