"""From committed shards to merged state, in shard order: needs no model and no corpus."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnmetrics.statistics.exemplars import Exemplars, merge_all
from attnmetrics.statistics.states import State
from attnmetrics.statistics.variability import Prefix, deviations, equal_quota
from attnmetrics.store import Record, Store


@dataclass(frozen=True, slots=True)
class Merged:
    """A whole run."""

    state: State
    deviation: NDArray[np.float64]
    """[layer, head] Σ |F − F̄| over the prefix blocks"""
    prefix_mass: NDArray[np.float64]
    """[layer, head] Σ F over the same blocks"""
    variability_sentences: int
    exemplars: Exemplars
    sentences: Mapping[tuple[int, int], "ExemplarSentence"]
    """(document_index, sentence) → what stands there, for every exemplar"""


ExemplarSentence = tuple[str, str, list[str]]
"""document id, text, pieces"""


def merge(
    store: Store,
    records: Sequence[Record],
    variability_sentences: int | None,
    advance: Callable[[int], object] = lambda shard: None,
) -> Merged:
    """Merge committed shards, in the order given; memory does not grow with their number.

    Args:
        store: where they are.
        records: their commit records, in shard order; at least one.
        variability_sentences: how many sentences' prefix blocks to take at most; None for all that were kept.
        advance: told of every shard whose state is merged.

    Raises:
        StoreError: a shard is not as it was committed.
        MergeError: no shard, or shards that do not belong together.
    """
    state = State.zero(store.dims)

    def read_all() -> Iterator[Exemplars]:
        nonlocal state
        for record in records:
            shard_state, exemplars = store.read(record)
            state = state.merge(shard_state)
            advance(record["shard"])
            yield exemplars

    exemplars = merge_all(read_all())
    quota = equal_quota([record["counts"]["prefix_sentences"] for record in records], variability_sentences)
    deviation, prefix_mass, sentences = deviations(
        lambda: (_choose_blocks(store.read_prefix(record), quota) for record in records)
    )
    return Merged(state, deviation, prefix_mass, sentences, exemplars, find_sentences(store, records, exemplars))


def _choose_blocks(prefix: Prefix, quota: int) -> NDArray[np.float32]:
    """The blocks of the `quota` sentences with the smallest hashes, in the order of the shard."""
    return prefix.blocks[np.sort(np.argsort(prefix.hashes, kind="stable")[:quota])]


def find_sentences(
    store: Store, records: Sequence[Record], exemplars: Exemplars
) -> dict[tuple[int, int], ExemplarSentence]:
    """Document id, text and pieces of every exemplar's sentence."""
    filled = exemplars.document_index >= 0
    documents, sentences = exemplars.document_index[filled].tolist(), exemplars.sentence[filled].tolist()
    wanted = set(zip(documents, sentences, strict=True))
    first_documents = [record["counts"]["first_document"] for record in records]
    holders = {bisect_right(first_documents, document) - 1 for document, _ in wanted}
    found: dict[tuple[int, int], ExemplarSentence] = {}
    for holder in sorted(holders):
        for row in store.read_candidates(records[holder]).to_pylist():
            if (key := (row["document_index"], row["sentence"])) in wanted:
                found[key] = (row["document"], row["text"], row["pieces"])
    return found
