"""From committed shards to merged state, in shard order: needs no model and no corpus."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import partial, reduce
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.family import HEAD
from attnmetrics.statistics.claims import Rows, merge_rows
from attnmetrics.statistics.exemplars import Exemplars, merge_all
from attnmetrics.statistics.groups import GroupSums, Room
from attnmetrics.statistics.passages import Passage, Passages
from attnmetrics.statistics.sampling import equal_share
from attnmetrics.statistics.splitting import Part
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
    share = _share(store, commits, variability_sentences)

    def read_blocks() -> Iterator[NDArray[np.float32]]:
        prefixes = read_ahead(store.read_prefix, commits, _ahead(commits))
        return (prefix.blocks[_chosen(prefix, share)] for prefix in prefixes)

    def add(place: int, sums: Mapping[str, NDArray[np.float64]]) -> None:
        if groups is not None:
            groups.add_merged(commits[place].shard, sums)

    states = read_ahead(store.read_state, commits)
    whole = reduce(State.merge, _added(states, commits, groups), State.zero(store.schema))
    return {**whole.sums, **deviations(read_blocks, None if groups is None else add)}


def merge_part(
    store: Store, commits: Sequence[Commit], part: Part, variability_sentences: int | None, room: Room
) -> tuple[dict[str, NDArray[np.float64]], GroupSums]:
    """The sums of the units with a value of a field, as `merge` gives those of all; nothing of the others is read.

    Blocks for variability are those that `merge` takes, as far as they are of these units, and F̄ is theirs.

    Args:
        store: where they are.
        commits: of all shards, in order.
        part: the field and the value.
        variability_sentences: as for all units.
        room: where sums of groups of shards are kept.

    Returns:
        the sums, and those of the groups of shards that have such units.

    Raises:
        StoreError: a shard is not as it was committed.
    """
    own = [commit for commit in commits if store.has_part(commit, part)]
    groups = GroupSums(store.schema, store.shards, room, [commit.shard for commit in own])
    if not own:
        every = [one for family in store.schema.families for one in family.sums]
        return {one.name: np.zeros(store.schema.shape(one.dims)) for one in every}, groups
    share, rows = _share(store, commits, variability_sentences), list[NDArray[np.int64]]()

    def read_states() -> Iterator[State]:
        for content in read_ahead(partial(store.read_part, part=part), own):
            rows.append(content.prefix_rows)
            yield content.state

    def read_blocks() -> Iterator[NDArray[np.float32]]:
        prefixes = zip(read_ahead(store.read_prefix, own, _ahead(commits)), rows, strict=True)
        return (prefix.blocks[np.intersect1d(_chosen(prefix, share), of_part)] for prefix, of_part in prefixes)

    def add(place: int, sums: Mapping[str, NDArray[np.float64]]) -> None:
        groups.add_merged(own[place].shard, sums)

    whole = reduce(State.merge, _added(read_states(), own, groups), State.zero(store.schema))
    return {**whole.sums, **deviations(read_blocks, add)}, groups


def _share(store: Store, commits: Sequence[Commit], variability_sentences: int | None) -> int | None:
    """Sentences that each shard gives blocks of; None for all."""
    return equal_share(variability_sentences, store.shards, sum(commit.counts.sentences for commit in commits))


def _ahead(commits: Sequence[Commit]) -> int:
    """Shards whose blocks are read ahead."""
    return min(AT_ONCE, max(1, SENTENCES_AHEAD // max([1, *(commit.counts.prefix_sentences for commit in commits)])))


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


def _chosen(prefix: Prefix, share: int | None) -> NDArray[np.int64]:
    """The places of the `share` sentences with the smallest hashes, in the order of the shard; None for all."""
    return np.sort(np.argsort(prefix.hashes, kind="stable")[:share])
