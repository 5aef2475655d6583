"""What is measured of a run: its committed shards, and the best sentences among them."""

from collections.abc import Sequence
from dataclasses import dataclass

from attnmetrics.measuring.tracing import Chunk, cut_chunks
from attnmetrics.statistics.exemplars import Exemplars
from attnmetrics.statistics.passages import Passages
from attnmetrics.store.commits import Commit
from attnmetrics.store.merge import find_passages, merge_exemplars
from attnmetrics.store.shards import Store


@dataclass(frozen=True, slots=True)
class Measured:
    """Committed shards, in order, and the exemplars over all of them."""

    store: Store
    commits: Sequence[Commit]
    exemplars: Exemplars
    passages: Passages
    chunks: Sequence[Chunk]
    """of the exemplars that are drawn"""


def gather(store: Store, commits: Sequence[Commit], drawn: int) -> Measured:
    """Find the exemplars over these shards, and of each head the first that are drawn.

    Raises:
        StoreError: a shard is not as it was committed.
    """
    exemplars = merge_exemplars(store, commits)
    passages = find_passages(store, commits, exemplars)
    return Measured(store, commits, exemplars, passages, cut_chunks(exemplars, passages, drawn))
