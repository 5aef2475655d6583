"""What is measured of a run: its committed shards, and the exemplars among their units."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from attnmetrics.measuring.tracing import Chunk, cut_chunks
from attnmetrics.metrics.claims import Claims
from attnmetrics.metrics.surface import NEIGHBOURS
from attnmetrics.statistics.listing import Listing, make_listing
from attnmetrics.statistics.passages import Passages
from attnmetrics.store.commits import Commit
from attnmetrics.store.merge import find_passages, merge_claims, merge_exemplars, merge_states
from attnmetrics.store.shards import Store

CURRENT: Final = NEIGHBOURS.index("current")
MOSTLY: Final = 0.5
"""Heads with more of their attention from a piece to itself are shown by it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Committed shards, in order, and the exemplars over all of them."""

    store: Store
    commits: Sequence[Commit]
    listing: Listing
    passages: Passages
    chunks: Sequence[Chunk]
    """of the exemplars that are drawn"""


def gather(store: Store, commits: Sequence[Commit], drawn: int) -> Measured:
    """Find the exemplars over these shards, and of each head the first that are drawn.

    Raises:
        StoreError: a shard is not as it was committed.
    """
    claims = Claims(store.schema)
    results = store.schema.compute_some(merge_states(store, commits).sums, ("neighbour_attention",))
    current = results["neighbour_attention"][..., CURRENT]
    exemplars = merge_exemplars(store, commits).choose(current > MOSTLY)
    listing = make_listing(exemplars, merge_claims(store, commits), claims.names, claims.either)
    passages = find_passages(store, commits, listing.units)
    return Measured(store, commits, listing, passages, cut_chunks(listing, passages, drawn))
