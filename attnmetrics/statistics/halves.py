"""What a run gives on each half of its shards: a head is chosen by the even ones, and scored by the odd ones."""

from collections.abc import Collection

import numpy as np

from attnmetrics.metrics.family import Array
from attnmetrics.statistics.groups import GroupSums
from attnmetrics.statistics.intervals import Weighted

HALVES = ("even", "odd")


def of_halves(groups: GroupSums, names: Collection[str]) -> dict[str, Array]:
    """[half, …] the results of these names from the sums of even shards, and from those of odd ones.

    Groups of shards are even or odd as their shards are, for there is an even number of them, or one a shard.
    """
    sums = groups.schema.of_each_head(groups.read())
    odd = np.arange(len(groups.there)) % 2
    weights = groups.there * np.stack([odd == 0, odd == 1])
    halves = Weighted(sums, weights.astype(np.float64))
    return {result.name: result.compute(halves) for result in groups.schema.results if result.name in names}
