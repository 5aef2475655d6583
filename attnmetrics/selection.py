"""Which sentences of a shard are measured, which count in the metrics, and which keep their prefix blocks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnmetrics.annotation.sentence import Sentences
from attnmetrics.statistics.sampling import Selection, sentence_hashes, smallest


@dataclass(frozen=True, slots=True)
class Rule:
    """The same for all shards of a run."""

    seed: int
    sample: Selection | None
    """sentences to measure; None: all"""
    metrics: Selection | None
    """those of them that count in the metrics; None: all of them"""
    prefix_sentences: int | None
    """sentences per shard that keep prefix blocks, those with the smallest hashes; None: all"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The choice within one shard."""

    sentences: Sentences
    """[S] to measure"""
    metrics: NDArray[np.bool_]
    """[S] counts in the metrics"""
    prefix: NDArray[np.int64]
    """[V] rows that keep prefix blocks, ascending"""
    prefix_hashes: NDArray[np.uint64]
    """[V]"""


def choose(rule: Rule, sentences: Sentences) -> Chosen:
    """Apply the rule to a shard's sentences."""
    hashes = sentence_hashes(rule.seed, sentences.document, sentences.sentence)
    if rule.sample is not None:
        rows = np.flatnonzero(rule.sample.selects(hashes, sentences.document_index, sentences.sentence))
        sentences, hashes = sentences.take(rows), hashes[rows]
    metrics = np.ones(len(sentences), bool)
    if rule.metrics is not None:
        metrics = rule.metrics.selects(hashes, sentences.document_index, sentences.sentence)
    prefix = np.flatnonzero(metrics)
    if rule.prefix_sentences is not None:
        keys = (hashes[prefix], sentences.document_index[prefix], sentences.sentence[prefix])
        prefix = prefix[smallest(*keys, rule.prefix_sentences)]
    return Chosen(sentences, metrics, prefix, hashes[prefix])
