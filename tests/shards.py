"""Sentences with random annotations, and a shard of them measured."""

import re
from typing import Any

import numpy as np

from attnmetrics.annotation.sentence import Labels, Sentences
from attnmetrics.measuring.shard import ShardResult
from attnmetrics.measuring.shard import measure as measure_units
from attnmetrics.model.load import Model
from attnmetrics.model.units import read_sentences

LABELS = Labels(("ADJ", "NOUN", "VERB", "_"), ("amod", "obj", "root", "_"))


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
    columns = np.array(words, np.int64).reshape(-1, 5).T
    rows = np.arange(len(texts))
    documents = tuple(f"d{row // 5}" for row in rows)
    return Sentences(LABELS, documents, rows // 5, rows % 5, texts, np.array(offsets), *columns)


def measure(sentences: Sentences, model: Model, **options: Any) -> ShardResult:
    """Measure sentences."""
    return measure_units(read_sentences(sentences, model), model, **options)
