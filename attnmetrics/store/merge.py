"""From committed shards to merged state, in shard order: needs no model and no corpus."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from functools import partial, reduce
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.family import HEAD
from attnmetrics.statistics.claims import Rows, merge_rows
from attnmetrics.statistics.exemplars import Exemplars, merge_all
from attnmetrics.statistics.passages import Passage, Passages
from attnmetrics.statistics.sampling import equal_share
from attnmetrics.statistics.states import State
from attnmetrics.statistics.tokens import KEY, QUERY, Tokens, Totals
from attnmetrics.statistics.typical import Typical, merge_typical
from attnmetrics.statistics.variability import Prefix, deviations
from attnmetrics.storage import AT_ONCE, read_ahead
from attnmetrics.store.commits import Commit
from attnmetrics.store.shards import Store

SENTENCES_AHEAD = 500
"""Prefix blocks are read ahead of so many sentences at most: 16 MB for a model of GPT-2 small's size."""


TOKEN_BYTES = 256 << 20
"""Sums over types of pieces that are held at once; with more, all shards are read again for the other layers."""
HEADS_AHEAD = 600
"""A shard's sums over types of pieces, some 50 KB a head, are read ahead of so many heads at most."""


def merge_states(store: Store, commits: Sequence[Commit]) -> State:
    """What all shards add up to, in the order given; memory does not grow with their number.

    Raises:
        StoreError: a shard is not as it was committed.
        MergeError: no shard, or shards that do not belong together.
    """
    return reduce(State.merge, read_ahead(store.read_state, commits), State.zero(store.schema))


def merge(store: Store, commits: Sequence[Commit], variability_sentences: int | None) -> dict[str, NDArray[np.float64]]:
    """The sums of a whole run, and what the merge adds to them.

    Args:
        store: where they are.
        commits: theirs, in shard order; at least one.
        variability_sentences: how many sentences' prefix blocks to take, an equal number a shard; None for all.

    Raises:
        StoreError: a shard is not as it was committed.
        MergeError: no shard, or shards that do not belong together.
    """
    share = equal_share(variability_sentences, store.shards, sum(commit.counts.sentences for commit in commits))
    ahead = min(AT_ONCE, max(1, SENTENCES_AHEAD // max([1, *(commit.counts.prefix_sentences for commit in commits)])))

    def read_blocks() -> Iterator[NDArray[np.float32]]:
        return (_choose_blocks(prefix, share) for prefix in read_ahead(store.read_prefix, commits, ahead))

    return {**merge_states(store, commits).sums, **deviations(read_blocks)}


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


def find_typical_units(store: Store, commits: Sequence[Commit]) -> Typical:
    """The sample of typical units over all shards.

    Raises:
        StoreError: a shard is not as it was committed.
        MergeError: no shard.
    """
    return merge_typical(read_ahead(store.read_typical, commits))


def merge_tokens(store: Store, commits: Sequence[Commit], least: int, has_null: bool) -> Tokens:
    """The types of pieces that every head lists over all shards, in bounded memory.

    Args:
        store: where they are.
        commits: theirs, in shard order.
        least: occurrences that a type needs.
        has_null: whether some attention is null: where none is, all rows give the same, and queries are not listed.

    Raises:
        StoreError: a shard is not as it was committed.
    """
    layers, heads = store.schema.shape(HEAD)
    read = partial(read_ahead, items=commits, at_once=max(1, min(AT_ONCE, HEADS_AHEAD // (layers * heads))))
    totals = Totals()
    for part in read(partial(store.read_tokens, layers=())):
        totals.add(part.types)
    competitors, rows = totals.competitors(least), []
    for own in _blocks(layers, bytes_of_layer=16 * len(competitors) * heads):
        attention = competitors.sum_up(read(partial(store.read_tokens, layers=own)), (len(own), heads))
        rows.append(competitors.rank(attention, (KEY, QUERY) if has_null else (KEY,), own[0]))
    return Tokens(competitors.types, np.concatenate(rows))


def _blocks(layers: int, bytes_of_layer: int) -> Iterator[range]:
    """The layers, so many at once as are held in memory."""
    size = max(1, TOKEN_BYTES // max(1, bytes_of_layer))
    return (range(first, min(first + size, layers)) for first in range(0, layers, size))


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
