"""Bounds of every result of a run, from the sums of its groups of shards."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.family import CONSTANTS, Array, Result, Sums
from attnmetrics.statistics.bootstrap import CONFIDENCE, DRAWS, LEAST, count_draws, find_bounds, rank_heads
from attnmetrics.statistics.groups import GroupSums

_NUMBERS: Final = 500_000
"""Sums that are drawn at once: 4 MB, which stay near the processor."""


@dataclass(frozen=True, slots=True)
class Interval:
    """How sure a result is."""

    bounds: Array
    """[…, bound]"""
    groups: NDArray[np.int64]
    """[…] that have evidence for the value"""
    rank: Array | None = None
    """[layer, head, bound] of the heads' ranks, 1 for the highest, where each head has one value"""


class Weighted(Mapping[str, Array]):
    """Sums of groups, each taken as often as a row of weights says: [row, …], as formulas take them."""

    def __init__(self, sums: Sums, weights: Array) -> None:
        """Of sums [group, …], and constants without groups, by weights [row, group]."""
        self.sums = sums
        self.weights = weights
        self.taken = 0
        """numbers of a row that were asked for so far"""

    def __getitem__(self, name: str) -> Array:
        own = self.sums[name]
        if name in CONSTANTS:
            return own
        self.taken += prod(own.shape[1:])
        return np.tensordot(self.weights, own, 1)

    def __iter__(self) -> Iterator[str]:
        return iter(self.sums)

    def __len__(self) -> int:
        return len(self.sums)


def find_intervals(
    groups: GroupSums,
    values: Mapping[str, Array],
    confidence: float = CONFIDENCE,
    names: Collection[str] | None = None,
    drawn: NDArray[np.bool_] | None = None,
) -> dict[str, Interval]:
    """The interval of each result that has bounds.

    Args:
        groups: sums of the run's groups of shards.
        values: of the whole run, by result.
        confidence: how often bounds are to hold the true value.
        names: of the results that are wanted; None for all. No interval depends on which others are.
        drawn: [group] those that are drawn; None for those that are there.
    """
    drawing = Drawing(groups, drawn=drawn)
    results = [result for result in groups.schema.with_twins() if result.has_bounds]
    wanted = [result for result in results if names is None or result.name in names]
    return {result.name: _interval(drawing, result, values[result.name], confidence) for result in wanted}


@dataclass(frozen=True, slots=True)
class Part:
    """Sums of groups that a formula takes at once, and what comes of it."""

    sums: Sums
    """[group, …]"""
    layers: slice
    """of the result"""


class Drawing:
    """The draws of a run's groups, the same for all results."""

    def __init__(self, groups: GroupSums, stream: int = 0, drawn: NDArray[np.bool_] | None = None) -> None:
        """Draws of groups.

        Args:
            groups: of a run, or of a part of it.
            stream: of random numbers (see `count_draws`).
            drawn: [group] those that are drawn; None for those that are there.
        """
        schema = groups.schema
        sums = groups.read()
        self._of_layer = [schema.of_each_head(groups.read_layer(layer)) for layer in range(len(schema.layers))]
        self._all = schema.of_each_head(sums)
        self._together = schema.of_layers(sums)
        self._twins = {f"{result.name}_by_layer" for result in schema.results if result.has_twin}
        self.each = np.eye(len(groups.there))[groups.there][:, groups.held]
        """[group that is there, row of sums] each by itself"""
        among = np.flatnonzero(groups.there if drawn is None else drawn)
        draws = np.zeros((DRAWS, len(groups.there)))
        draws[:, among] = count_draws(len(among), stream)
        self.draws = draws[:, groups.held]
        """[draw, row of sums]"""

    def parts(self, result: Result) -> list[Part]:
        """All at once; layer by layer where each head has several values."""
        if result.per_head and len(result.dims) > 2:
            return [Part(sums, slice(layer, layer + 1)) for layer, sums in enumerate(self._of_layer)]
        return [Part(self._together if result.name in self._twins else self._all, slice(None))]


def _interval(drawing: Drawing, result: Result, values: Array, confidence: float) -> Interval:
    bounds, known = np.empty((*values.shape, 2)), np.empty(values.shape, np.int64)
    rank = None
    for part in drawing.parts(result):
        at = part.layers if result.dims else ...
        known[at] = count_evidence(drawing, result, part)
        if not (known[at] >= LEAST).any():  # no draw is worth its time
            bounds[at] = np.nan
            rank = np.full(bounds.shape, np.nan) if result.has_rank else None
            continue
        draws = draw(result.compute, part.sums, drawing.draws)
        bounds[at] = find_bounds(draws, values[at], known[at], confidence)
        rank = _rank(draws, values, known, confidence) if result.has_rank else None
    return Interval(bounds, known, rank)


def _rank(draws: Array, values: Array, known: NDArray[np.int64], confidence: float) -> Array:
    """[layer, head, bound] of draws [layer, head, draw]."""
    ranks = rank_heads(draws.reshape(-1, draws.shape[-1]))
    rank = rank_heads(values.ravel())
    return find_bounds(ranks.reshape(draws.shape), rank.reshape(values.shape), known, confidence)


def count_evidence(drawing: Drawing, result: Result, part: Part) -> NDArray[np.int64]:
    """[…] groups that are evidence for each value of a result, or of a part of it."""
    evidence = draw(result.evidence or result.compute, part.sums, drawing.each)
    return np.asarray((~np.isnan(evidence)).sum(-1))


def draw(formula: Callable[[Sums], Array], sums: Sums, weights: Array) -> Array:
    """[…, row] what a formula gives for each row of weights."""
    first = Weighted(sums, weights[:1])
    formula(first)
    rows = max(1, _NUMBERS // max(1, first.taken))
    blocks = (weights[start : start + rows] for start in range(0, len(weights), rows))
    return np.concatenate([np.moveaxis(formula(Weighted(sums, block)), 0, -1) for block in blocks], axis=-1)
