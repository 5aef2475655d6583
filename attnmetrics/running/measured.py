"""What is measured of a run: its committed shards, and the exemplars among their units."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from attnmetrics.measuring.tracing import Chunk, cut_chunks
from attnmetrics.metrics.claims import Claims
from attnmetrics.metrics.coreference import CANDIDATES, MENTION_CLASSES
from attnmetrics.metrics.family import Array
from attnmetrics.metrics.surface import NEIGHBOURS
from attnmetrics.statistics.listing import Listing, make_listing
from attnmetrics.statistics.passages import Passages
from attnmetrics.store.commits import Commit
from attnmetrics.store.merge import find_passages, find_typical_units, merge_claims, merge_exemplars, merge_states
from attnmetrics.store.shards import Store

BEST: Final = ("best_accuracy", "best_layer", "best_head")
CHOOSING: Final = (
    "neighbour_attention",
    *(f"relation_{of}" for of in BEST),
    *(f"coreference_{of}" for of in BEST),
)
"""Results by which exemplars are chosen."""
ALL_MENTIONS: Final = CANDIDATES.index("mentions"), MENTION_CLASSES.index("all")
"""Of the results of coreference, the one by which its head is chosen."""
CURRENT: Final = NEIGHBOURS.index("current")
MISS: Final = ":miss"
"""How claims of wrong answers end."""
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
    own, typical = merge_claims(store, commits), find_typical_units(store, commits)
    missed = {name: claims.question(number) for name, (number, *_) in best.items() if name.endswith(MISS)}
    listing = make_listing(exemplars, own, claims.names, claims.either, best, typical, missed)
    passages = find_passages(store, commits, listing.units)
    return Measured(store, commits, listing, passages, cut_chunks(listing, passages, drawn))


def find_best(claims: Claims, results: Mapping[str, Array]) -> dict[str, tuple[int, int, int]]:
    """The claims of a best head, name → (number, place of the layer, head).

    A relation's head is the best by the rule by which it is hit best; coreference's is that of all mentions, among
    earlier mentions.
    """
    best: dict[str, tuple[int, int, int]] = {}
    for name, number, layer, head in (*_best_of_relations(claims, results), *_best_of_coreference(claims, results)):
        place = claims.schema.layers.index(layer)
        best |= {f"{name}:{answer}": (number + is_miss, place, head) for is_miss, answer in enumerate(("hit", "miss"))}
    return best


def _best_of_relations(claims: Claims, results: Mapping[str, Array]) -> Iterator[tuple[str, int, int, int]]:
    """(name, number of the hits, layer, head)"""
    accuracy = results["relation_best_accuracy"]
    for rel, name in enumerate(claims.rels):
        if not np.isnan(accuracy[:, rel]).all():
            rule = int(np.nanargmax(accuracy[:, rel]))  # the first of equals
            number = claims.first_of_relation(rule) + 2 * rel
            yield f"relation:{name}", number, *_head(results, "relation", rule, rel)


def _best_of_coreference(claims: Claims, results: Mapping[str, Array]) -> Iterator[tuple[str, int, int, int]]:
    """Likewise, where the run has coreference."""
    accuracy = results.get("coreference_best_accuracy")
    if accuracy is not None and not np.isnan(accuracy[ALL_MENTIONS]):
        yield "coreference", claims.first_of_coreference, *_head(results, "coreference", *ALL_MENTIONS)


def _head(results: Mapping[str, Array], of: str, *at: int) -> tuple[int, int]:
    """Layer and head of the best."""
    return int(results[f"{of}_best_layer"][at]), int(results[f"{of}_best_head"][at])
