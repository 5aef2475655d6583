"""From committed shards to merged state, in shard order: needs no model and no corpus."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from attnmetrics.statistics.exemplars import Exemplars, merge_all
from attnmetrics.statistics.states import State
from attnmetrics.statistics.variability import Prefix, deviations, equal_quota
from attnmetrics.storage import AT_ONCE, read_ahead
from attnmetrics.store.shards import ExemplarSentence, Record, Store

SENTENCES_AHEAD = 500
"""Prefix blocks are read ahead of so many sentences at most: 16 MB for a model of GPT-2 small's size."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A whole run."""

    state: State
    deviation: NDArray[np.float64]
    """[layer, head] Σ |F − F̄| over the prefix blocks"""
    prefix_mass: NDArray[np.float64]
    """[layer, head] Σ F over the same blocks"""
    variability_sentences: int


@dataclass(frozen=True, slots=True)
class Candidates:
    """Exemplars as measuring found them, the spare ones among them."""

    exemplars: Exemplars
    sentences: Mapping[tuple[int, int], Sequence[ExemplarSentence]]
    """what stands in each: in a window, in its sentences that hold an attending or attended piece"""


def merge(store: Store, records: Sequence[Record], variability_sentences: int | None) -> Merged:
    """Merge committed shards, in the order given; memory does not grow with their number.

    Args:
        store: where they are.
        records: their commit records, in shard order; at least one.
        variability_sentences: how many sentences' prefix blocks to take at most; None for all that were kept.

    Raises:
        StoreError: a shard is not as it was committed.
        MergeError: no shard, or shards that do not belong together.
    """
    state = reduce(State.merge, read_ahead(store.read_state, records), State.zero(store.dims))
    kept = [record["counts"]["prefix_sentences"] for record in records]
    quota = equal_quota(kept, variability_sentences)
    ahead = min(AT_ONCE, max(1, SENTENCES_AHEAD // max([1, *kept])))
    sums = deviations(
        lambda: (_choose_blocks(prefix, quota) for prefix in read_ahead(store.read_prefix, records, ahead))
    )
    return Merged(state, *sums)


def find_candidates(store: Store, records: Sequence[Record]) -> Candidates:
    """The best sentences of every head over all shards.

    Raises:
        StoreError: a shard is not as it was committed.
        MergeError: no shard.
    """
    exemplars = merge_all(read_ahead(store.read_exemplars, records))
    return Candidates(exemplars, _find_sentences(store, records, exemplars))


def _choose_blocks(prefix: Prefix, quota: int) -> NDArray[np.float32]:
    """The blocks of the `quota` sentences with the smallest hashes, in the order of the shard."""
    return prefix.blocks[np.sort(np.argsort(prefix.hashes, kind="stable")[:quota])]


def _find_sentences(
    store: Store, records: Sequence[Record], exemplars: Exemplars
) -> dict[tuple[int, int], list[ExemplarSentence]]:
    filled = exemplars.document_index >= 0
    columns = (getattr(exemplars, name)[filled].tolist() for name in ("document_index", "sentence", "i", "j"))
    wanted: dict[tuple[int, int], set[int]] = defaultdict(set)
    for document, sentence, i, j in zip(*columns, strict=True):
        wanted[document, sentence] |= {i, j}
    first_documents = [record["counts"]["first_document"] for record in records]
    holders = {bisect_right(first_documents, document) - 1 for document, _ in wanted}
    found: dict[tuple[int, int], list[ExemplarSentence]] = defaultdict(list)
    for table in read_ahead(store.read_candidates, [records[holder] for holder in sorted(holders)]):
        keys = zip(*(table[name].to_pylist() for name in ("document_index", "sentence")), strict=True)
        for row in table.take([place for place, key in enumerate(keys) if key in wanted]).to_pylist():
            key, pieces = (row["document_index"], row["sentence"]), len(row["pieces"])
            if any(0 <= piece - row["first"] < pieces for piece in wanted[key]):
                found[key].append(ExemplarSentence(row["document"], row["text"], row["pieces"], row["first"]))
    return dict(found)
