"""From committed shards to merged state, in shard order: needs no model and no corpus."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import partial, reduce
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from attnmetrics.statistics.claims import Rows, merge_rows
from attnmetrics.statistics.exemplars import Exemplars, merge_all
from attnmetrics.statistics.groups import GroupSums
from attnmetrics.statistics.passages import Passage, Passages
from attnmetrics.statistics.sampling import equal_share
from attnmetrics.statistics.states import State
from attnmetrics.statistics.variability import Prefix, deviations
from attnmetrics.storage import AT_ONCE, read_ahead
from attnmetrics.store.commits import Commit
from attnmetrics.store.shards import Store

SENTENCES_AHEAD = 500
"""Prefix blocks are read ahead of so many sentences at most: 16 MB for a model of GPT-2 small's size."""


def merge_states(store: Store, commits: Sequence[Commit]) -> State:
    """What all shards add up to, in the order given; memory does not grow with their number.

    Raises:
        StoreError: a shard is not as it was committed.
        MergeError: no shard, or shards that do not belong together.
    """
    return reduce(State.merge, read_ahead(store.read_state, commits), State.zero(store.schema))


def merge(
    store: Store, commits: Sequence[Commit], variability_sentences: int | None, groups: GroupSums | None = None
) -> dict[str, NDArray[np.float64]]:
    """The sums of a whole run, and what the merge adds to them.

    Args:
        store: where they are.
        commits: theirs, in shard order; at least one.
        variability_sentences: how many sentences' prefix blocks to take, an equal number a shard; None for all.
        groups: to these, all shards are added as well.

    Raises:
        StoreError: a shard is not as it was committed.
        MergeError: no shard, or shards that do not belong together.
    """
    share = equal_share(variability_sentences, store.shards, sum(commit.counts.sentences for commit in commits))
    ahead = min(AT_ONCE, max(1, SENTENCES_AHEAD // max([1, *(commit.counts.prefix_sentences for commit in commits)])))

    def read_blocks() -> Iterator[NDArray[np.float32]]:
        return (_choose_blocks(prefix, share) for prefix in read_ahead(store.read_prefix, commits, ahead))

    def add(place: int, sums: Mapping[str, NDArray[np.float64]]) -> None:
        if groups is not None:
            groups.add_merged(commits[place].shard, sums)

    states = read_ahead(store.read_state, commits)
    whole = reduce(State.merge, _added(states, commits, groups), State.zero(store.schema))
    return {**whole.sums, **deviations(read_blocks, None if groups is None else add)}


def _added(states: Iterable[State], commits: Sequence[Commit], groups: GroupSums | None) -> Iterator[State]:
    """The states, each added to its group on the way."""
    for commit, state in zip(commits, states, strict=True):
        if groups is not None:
            groups.add(commit.shard, state)
        yield state


def merge_exemplars(store: Store, commits: Sequence[Commit]) -> Exemplars:
    """The best sentences of every head over all shards, [kind, layer, head, K].

    Raises:
        StoreError: a shard is not as it was committed.
        MergeError: no shard.
    """
    return merge_all(read_ahead(store.read_exemplars, commits))


def merge_claims(store: Store, commits: Sequence[Commit]) -> Rows:
    """The best rows of every claim and head over all shards.

    Raises:
        StoreError: a shard is not as it was committed.
    """
    return merge_rows(read_ahead(store.read_claims, commits))


def find_passages(store: Store, commits: Sequence[Commit], units: Set[tuple[int, int]]) -> Passages:
    """All passages of these units, (document_index, sentence).

    Raises:
        StoreError: a shard is not as it was committed.
    """
    first_documents = [commit.first_document for commit in commits]
    holders = sorted({bisect_right(first_documents, document) - 1 for document, _ in units})
    read = partial(store.read_passages, units=units)
    passages: dict[tuple[int, int], list[Passage]] = defaultdict(list)
    for passage in chain.from_iterable(read_ahead(read, [commits[holder] for holder in holders])):
        passages[passage.document_index, passage.sentence].append(passage)
    return dict(passages)


def _choose_blocks(prefix: Prefix, share: int | None) -> NDArray[np.float32]:
    """The blocks of the `share` sentences with the smallest hashes, in the order of the shard; None for all."""
    return prefix.blocks[np.sort(np.argsort(prefix.hashes, kind="stable")[:share])]
