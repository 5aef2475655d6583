"""Which sentences of a shard are measured, which count in the metrics, and which units keep their prefix blocks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnmetrics.annotation.sentence import Sentences
from attnmetrics.model.units import Units
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
    """units per shard that keep prefix blocks, those with the smallest hashes; None: all"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The choice within one shard."""

    sentences: Sentences
    """[S] to measure"""
    metrics: NDArray[np.bool_] | None
    """[S] counts in the metrics; None: all"""


def choose(rule: Rule, sentences: Sentences) -> Chosen:
    """Apply the rule to a shard's sentences."""
    if rule.sample is None and rule.metrics is None:
        return Chosen(sentences, None)
    hashes = sentence_hashes(rule.seed, sentences.document, sentences.sentence)
    if rule.sample is not None:
        rows = np.flatnonzero(rule.sample.selects(hashes, sentences.document_index, sentences.sentence))
        sentences, hashes = sentences.take(rows), hashes[rows]
    if rule.metrics is None:
        return Chosen(sentences, None)
    return Chosen(sentences, rule.metrics.selects(hashes, sentences.document_index, sentences.sentence))


def choose_prefixes(
    rule: Rule, units: Units, metrics: NDArray[np.bool_] | None
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Which of the units that count in the metrics keep prefix blocks: rows [V], ascending, and their hashes [V]."""
    hashes = sentence_hashes(rule.seed, units.document, units.number)
    rows = np.arange(len(units)) if metrics is None else np.flatnonzero(metrics)
    if rule.prefix_sentences is not None:
        rows = rows[smallest(hashes[rows], units.document_index[rows], units.number[rows], rule.prefix_sentences)]
    return rows, hashes[rows]
