"""What is measured of a run: its committed shards, and the exemplars among their units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from attnmetrics.measuring.tracing import Chunk, cut_chunks
from attnmetrics.metrics.claims import Claims
from attnmetrics.metrics.family import Array
from attnmetrics.metrics.surface import NEIGHBOURS
from attnmetrics.statistics.listing import Listing, make_listing
from attnmetrics.statistics.passages import Passages
from attnmetrics.store.commits import Commit
from attnmetrics.store.merge import find_passages, merge_claims, merge_exemplars, merge_states
from attnmetrics.store.shards import Store

CHOOSING: Final = ("neighbour_attention", "relation_best_accuracy", "relation_best_layer", "relation_best_head")
"""Results by which exemplars are chosen."""
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
    claims, results = Claims(store.schema), store.schema.compute_some(merge_states(store, commits).sums, CHOOSING)
    exemplars = merge_exemplars(store, commits).choose(results["neighbour_attention"][..., CURRENT] > MOSTLY)
    best = find_best(claims, results)
    listing = make_listing(exemplars, merge_claims(store, commits), claims.names, claims.either, best)
    passages = find_passages(store, commits, listing.units)
    return Measured(store, commits, listing, passages, cut_chunks(listing, passages, drawn))


def find_best(claims: Claims, results: Mapping[str, Array]) -> dict[str, tuple[int, int, int]]:
    """The claims of relations, name → (number, place of the layer, head): of the head and the rule that hit it best."""
    accuracy, layers = results["relation_best_accuracy"], list(claims.schema.layers)
    best: dict[str, tuple[int, int, int]] = {}
    for rel, name in enumerate(claims.rels):
        if np.isnan(accuracy[:, rel]).all():
            continue
        rule = int(np.nanargmax(accuracy[:, rel]))  # the first of equals
        layer, head = (int(results[f"relation_best_{of}"][rule, rel]) for of in ("layer", "head"))
        for is_miss, answer in enumerate(("hit", "miss")):
            number = claims.first_of_relation(rule) + 2 * rel + is_miss
            best[f"relation:{name}:{answer}"] = number, layers.index(layer), head
    return best
