"""Which sentences of a shard are measured, which count in the metrics; which units keep blocks, which are mapped."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnmetrics.annotation.sentence import Sentences
from attnmetrics.pieces.units import Units
from attnmetrics.statistics.sampling import Selection, sample_hashes, smallest
from attnmetrics.statistics.typical import enough


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a run samples: the same for all of its shards, such as 10,000 sentences, 1,000 of them for the metrics."""

    seed: int
    sample: Selection | None
    """sentences to measure; None: all"""
    metrics: Selection | None
    """those of them that count in the metrics; None: all of them"""
    prefix_sentences: int | None
    """units per shard that keep prefix blocks, those with the smallest hashes; None: all"""
    map_sentences: int | None
    """units per shard that are shown to map families, likewise"""
    similarity_units: int | None = None
    """units per shard in whose rows heads are compared, likewise"""
    rows_a_unit: int | None = None
    """of those rows, how many a unit; None: all"""
    characters: int = 0
    """of the whole corpus; 0: not known"""

    def typical_units(self, characters: int) -> int:
        """Units with the smallest hashes that a shard of so many characters keeps (see `statistics.typical`)."""
        return enough(characters / self.characters if self.characters else 1.0)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The choice within one shard."""

    sentences: Sentences
    """[S] to measure"""
    metrics: NDArray[np.bool_] | None
    """[S] counts in the metrics; None: all"""


@dataclass(frozen=True, slots=True)
class MapSample:
    """The units of a shard whose α is looked at."""

    seed: int
    """of the hash that samples (see `statistics.sampling`), for what a family samples itself"""
    rows: NDArray[np.int64]
    """[M] the units that are mapped"""
    similarity: NDArray[np.int64] | None = None
    """[N] those in whose rows heads are compared; None: those that are mapped"""
    rows_a_unit: int | None = None
    """of those rows, how many a unit, chosen by hash; None: all"""

    def units_of(self, family: str) -> NDArray[np.int64]:
        """The units that a family of `metrics` is shown."""
        return self.similarity if family == "similarity" and self.similarity is not None else self.rows


def choose(sampling: Sampling, sentences: Sentences) -> Chosen:
    """Sample a shard's sentences."""
    if sampling.sample is None and sampling.metrics is None:
        return Chosen(sentences, None)
    hashes = sample_hashes(sampling.seed, sentences.document, sentences.sentence)
    if sampling.sample is not None:
        rows = np.flatnonzero(sampling.sample.selects(hashes, sentences.document_index, sentences.sentence))
        sentences, hashes = sentences.take(rows), hashes[rows]
    if sampling.metrics is None:
        return Chosen(sentences, None)
    return Chosen(sentences, sampling.metrics.selects(hashes, sentences.document_index, sentences.sentence))


def choose_units(
    sampling: Sampling, units: Units, metrics: NDArray[np.bool_] | None
) -> tuple[NDArray[np.int64], NDArray[np.uint64], MapSample]:
    """Which of the units that count in the metrics are in a sample of their own.

    Returns:
        rows [V] of those that keep prefix blocks, ascending, and their hashes [V]; those that are mapped.
    """
    hashes = sample_hashes(sampling.seed, units.document, units.number)
    counted = np.arange(len(units)) if metrics is None else np.flatnonzero(metrics)
    keys = hashes[counted], units.document_index[counted], units.number[counted]

    def take(number: int | None) -> NDArray[np.int64]:
        return counted if number is None else counted[smallest(*keys, number)]

    kept = take(sampling.prefix_sentences)
    compared = take(sampling.similarity_units)
    return kept, hashes[kept], MapSample(sampling.seed, take(sampling.map_sentences), compared, sampling.rows_a_unit)
