"""Sums of groups of shards, kept apart while shards are merged, for a bootstrap to draw from."""

from collections.abc import Callable, Iterable, Mapping
from math import prod

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.family import HEAD, MERGED, Array
from attnmetrics.metrics.schema import Schema
from attnmetrics.statistics.bootstrap import MOST_GROUPS
from attnmetrics.statistics.states import State

Room = Callable[[tuple[int, ...]], Array]
"""Gives zeros of a shape."""


def sums_of_groups(states: Mapping[int, State]) -> dict[str, Array]:
    """[group, …] of every sum, of the groups that have any, from the states of shards by number."""
    groups: dict[int, State] = {}
    for shard, state in states.items():
        group = shard % MOST_GROUPS
        groups[group] = groups[group].merge(state) if group in groups else state
    ordered = [groups[group].sums for group in sorted(groups)]
    return {name: np.stack([one[name] for one in ordered]) for name in ordered[0]}


class GroupSums:
    """[row, …] of every sum of a schema, a row a group that has any; shard k is of group k mod `MOST_GROUPS`."""

    def __init__(self, schema: Schema, shards: int, room: Room = np.zeros, own: Iterable[int] | None = None) -> None:
        """No sums yet.

        Args:
            schema: the run's.
            shards: of the whole run, whether they are there or not.
            room: where the sums are kept.
            own: the shards that have something to add, so that there is no room for others; None for all.
        """
        self.schema = schema
        groups = min(shards, MOST_GROUPS)
        self.held = np.arange(groups) if own is None else np.unique([shard % MOST_GROUPS for shard in own]).astype(int)
        """[row] the groups whose sums are read, ascending"""
        self._row = np.full(groups, -1)
        self._row[self.held] = np.arange(len(self.held))
        self.there: NDArray[np.bool_] = np.zeros(groups, bool)
        """[group] whether a shard of it was added"""
        merged = [one for family in schema.families for one in family.sums if one.of in MERGED]
        self._merged = {one.name: np.zeros((len(self.held), *schema.shape(one.dims))) for one in merged}
        self._states = room((len(self.held), schema.size))

    @property
    def bytes(self) -> int:
        """That the sums take, nearly."""
        return self._states.nbytes

    def add(self, shard: int, state: State) -> None:
        """Add the state of a shard."""
        group = shard % MOST_GROUPS
        self.there[group] = True
        self._states[self._row[group]] += state.pack()

    def add_merged(self, shard: int, sums: Mapping[str, Array]) -> None:
        """Add what a merge finds of a shard (see `statistics.variability`)."""
        for name, total in self._merged.items():
            total[self._row[shard % MOST_GROUPS]] += sums[name]

    def read(self) -> dict[str, Array]:
        """[row, …] every sum."""
        ends = np.cumsum([prod(shape) for shape in self.schema.shapes.values()])
        parts = np.split(self._states, ends[:-1], axis=1)
        named = zip(self.schema.shapes.items(), parts, strict=True)
        states = {name: part.reshape(len(self.held), *shape) for (name, shape), part in named}
        return {**states, **self._merged}

    def read_layer(self, layer: int) -> dict[str, Array]:
        """Likewise, of one layer where they are of heads: [row, 1, head, …]."""
        of_heads = {one.name for family in self.schema.families for one in family.sums if one.dims[:2] == HEAD}
        return {name: part[:, layer : layer + 1] if name in of_heads else part for name, part in self.read().items()}
