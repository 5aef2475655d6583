"""What is measured of a run: its committed shards, and the exemplars among their units."""

from collections.abc import Sequence
from dataclasses import dataclass

from attnmetrics.measuring.tracing import Chunk, cut_chunks
from attnmetrics.metrics.claims import Claims
from attnmetrics.statistics.listing import Listing, make_listing
from attnmetrics.statistics.passages import Passages
from attnmetrics.store.commits import Commit
from attnmetrics.store.merge import find_passages, merge_claims, merge_exemplars
from attnmetrics.store.shards import Store


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
    exemplars = merge_exemplars(store, commits)
    listing = make_listing(exemplars, merge_claims(store, commits), claims.names, claims.either)
    passages = find_passages(store, commits, listing.units)
    return Measured(store, commits, listing, passages, cut_chunks(listing, passages, drawn))
