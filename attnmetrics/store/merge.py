"""From committed shards to merged state, in shard order: needs no model and no corpus."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial, reduce
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from attnmetrics.statistics.exemplars import Exemplars, merge_all
from attnmetrics.statistics.passages import Passage, Passages
from attnmetrics.statistics.sampling import equal_share
from attnmetrics.statistics.states import State
from attnmetrics.statistics.variability import Prefix, deviations
from attnmetrics.storage import AT_ONCE, read_ahead
from attnmetrics.store.commits import Commit
from attnmetrics.store.shards import Store

SENTENCES_AHEAD = 500
"""Prefix blocks are read ahead of so many sentences at most: 16 MB for a model of GPT-2 small's size."""


def merge(store: Store, commits: Sequence[Commit], variability_sentences: int | None) -> dict[str, NDArray[np.float64]]:
    """The sums of a whole run, from committed shards in the order given; memory does not grow with their number.

    Args:
        store: where they are.
        commits: theirs, in shard order; at least one.
        variability_sentences: how many sentences' prefix blocks to take, an equal number a shard; None for all.

    Raises:
        StoreError: a shard is not as it was committed.
        MergeError: no shard, or shards that do not belong together.
    """
    state = reduce(State.merge, read_ahead(store.read_state, commits), State.zero(store.schema))
    share = equal_share(variability_sentences, store.shards, sum(commit.counts.sentences for commit in commits))
    ahead = min(AT_ONCE, max(1, SENTENCES_AHEAD // max([1, *(commit.counts.prefix_sentences for commit in commits)])))

    def read_blocks() -> Iterator[NDArray[np.float32]]:
        return (_choose_blocks(prefix, share) for prefix in read_ahead(store.read_prefix, commits, ahead))

    return {**state.sums, **deviations(read_blocks)}


def merge_exemplars(store: Store, commits: Sequence[Commit]) -> Exemplars:
    """The best sentences of every head over all shards.

    Raises:
        StoreError: a shard is not as it was committed.
        MergeError: no shard.
    """
    return merge_all(read_ahead(store.read_exemplars, commits))


def find_passages(store: Store, commits: Sequence[Commit], exemplars: Exemplars) -> Passages:
    """The sentences that hold the attending and attended pieces of these exemplars.

    Raises:
        StoreError: a shard is not as it was committed.
    """
    filled = exemplars.document_index >= 0
    columns = (getattr(exemplars, name)[filled].tolist() for name in ("document_index", "sentence", "i", "j"))
    wanted: dict[tuple[int, int], set[int]] = defaultdict(set)
    for document, sentence, i, j in zip(*columns, strict=True):
        wanted[document, sentence] |= {i, j}
    first_documents = [commit.first_document for commit in commits]
    holders = sorted({bisect_right(first_documents, document) - 1 for document, _ in wanted})
    read = partial(store.read_passages, units=wanted)
    found: dict[tuple[int, int], list[Passage]] = defaultdict(list)
    for passage in chain.from_iterable(read_ahead(read, [commits[holder] for holder in holders])):
        unit = passage.document_index, passage.sentence
        if any(0 <= piece - passage.first < len(passage.pieces) for piece in wanted[unit]):
            found[unit].append(passage)
    return dict(found)


def _choose_blocks(prefix: Prefix, share: int | None) -> NDArray[np.float32]:
    """The blocks of the `share` sentences with the smallest hashes, in the order of the shard; None for all."""
    return prefix.blocks[np.sort(np.argsort(prefix.hashes, kind="stable")[:share])]
