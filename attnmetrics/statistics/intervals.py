"""Bounds of every result of a run, from the sums of its groups of shards."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import EllipsisType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from attnmetrics.metrics.family import CONSTANTS, Array, Result, Sums
from attnmetrics.statistics.blocks import each_block
from attnmetrics.statistics.bootstrap import CONFIDENCE, DRAWS, LEAST, count_draws, find_bounds, rank_heads
from attnmetrics.statistics.groups import GroupSums

_NUMBERS: Final = 1_000_000
"""Drawn at once of sums: 8 MB, which stay near the processor."""
_LEAST_ROWS: Final = 32
"""Drawn at once of however large sums: a product of few rows reads its other factor too often."""
_BLAS: Final = ThreadpoolController()
"""Of a product, the last bit may depend on the number of threads that share it."""


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
        self._sums = sums
        self._weights = weights
        self._taken: dict[str, Array] = {}

    def __getitem__(self, name: str) -> Array:
        if name in CONSTANTS:
            return self._sums[name]
        if name not in self._taken:
            self._taken[name] = np.tensordot(self._weights, self._sums[name], 1)
        return self._taken[name]

    @property
    def numbers(self) -> int:
        """In a row of what was asked for so far."""
        return sum(prod(one.shape[1:]) for one in self._taken.values())

    def __iter__(self) -> Iterator[str]:
        return iter(self._sums)

    def __len__(self) -> int:
        return len(self._sums)


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
    wanted = [name for name in drawing.results if names is None or name in names]
    found = {name: _room(drawing.results[name], values[name]) for name in wanted}
    for together in drawing.together(wanted):
        for one in drawing.draw(together):
            _fill(found[one.name], one, values[one.name], confidence)
    return found


def find_intervals_of(
    results: Iterable[Result], sums: Sums, values: Mapping[str, Array], confidence: float = CONFIDENCE
) -> dict[str, Interval]:
    """Likewise, of results that have no schema and no twins, and few sums.

    Args:
        results: those without bounds are passed over.
        sums: [group, …] of each group that has any.
        values: of the whole run, by result.
        confidence: how often bounds are to hold the true value.
    """
    formulas = {result.name: result.compute for result in results if result.has_bounds}
    groups = len(next(iter(sums.values())))
    rows = max(_LEAST_ROWS, _NUMBERS * groups // sum(one.size for one in sums.values()))
    each = evaluate(formulas, sums, np.eye(groups), rows)
    known = {name: np.asarray((~np.isnan(found)).sum(-1)) for name, found in each.items()}
    drawn = evaluate(formulas, sums, count_draws(groups), rows)
    return {
        name: Interval(find_bounds(drawn[name], np.asarray(values[name]), known[name], confidence), known[name])
        for name in formulas
    }


def _room(result: Result, values: Array) -> Interval:
    bounds = np.empty((*values.shape, 2))
    return Interval(bounds, np.empty(values.shape, np.int64), np.empty_like(bounds) if result.has_rank else None)


def _fill(interval: Interval, drawn: "Drawn", values: Array, confidence: float) -> None:
    """Put in what is drawn of all heads, or of a layer."""
    at = drawn.layers
    interval.groups[at] = drawn.groups
    interval.bounds[at] = find_bounds(drawn.draws, values[at], drawn.groups, confidence)
    if interval.rank is not None:
        interval.rank[at] = _rank(drawn.draws, values, drawn.groups, confidence)


def _rank(draws: Array, values: Array, known: NDArray[np.int64], confidence: float) -> Array:
    """[layer, head, bound] of draws [layer, head, draw]."""
    ranks = rank_heads(draws.reshape(-1, draws.shape[-1]))
    rank = rank_heads(values.ravel())
    return find_bounds(ranks.reshape(draws.shape), rank.reshape(values.shape), known, confidence)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A result, or a layer of it, as it would be had other groups been drawn."""

    name: str
    layers: slice | EllipsisType
    """of the result"""
    draws: Array
    """[…, draw]; a single one, NaN, where nothing has evidence enough for an interval"""
    groups: NDArray[np.int64]
    """[…] that have evidence for each value"""


@dataclass(frozen=True, slots=True)
class _Part:
    """Sums of groups that formulas take at once."""

    sums: Sums
    """[group, …]"""
    layers: slice | EllipsisType = ...
    """of the results"""


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
        self.results = {result.name: result for result in schema.with_twins() if result.has_bounds}
        """those that have bounds"""
        self._twins = {f"{result.name}_by_layer": result.name for result in schema.results if result.has_twin}
        self._family = {result.name: family.title for family in schema.families for result in family.results}
        layers = range(len(schema.layers))
        self._by_layer = [_Part(schema.of_each_head(groups.read_layer(at)), slice(at, at + 1)) for at in layers]
        self._all = [_Part(schema.of_each_head(groups.read()))]
        self._of_twins = [_Part(schema.of_layers(groups.read()))]
        among = np.flatnonzero(groups.there if drawn is None else drawn)
        draws = np.zeros((DRAWS, len(groups.there)))
        draws[:, among] = count_draws(len(among), stream)
        self._draws = draws[:, groups.held]
        """[draw, row of sums]"""
        self._each = np.eye(len(groups.there))[groups.there][:, groups.held]
        """[group that is there, row of sums] each by itself"""
        self._rows_of: dict[tuple[str, int], int] = {}

    def together(self, names: Collection[str]) -> list[list[str]]:
        """Results that are drawn together: of one family, which take the same sums, and of the same parts of these."""
        found = defaultdict[tuple[str, int], list[str]](list)
        for name in names:
            found[self._kind(name)].append(name)
        return list(found.values())

    def draw(self, names: Sequence[str]) -> Iterator[Drawn]:
        """What comes of results that are drawn together, at once or a layer after the other."""
        for part in range(self.parts(names)):
            yield from self.draw_part(names, part)

    def parts(self, names: Sequence[str]) -> int:
        """How many parts results that are drawn together are drawn in: one, or a part a layer."""
        return len(self._parts(names[0]))

    def draw_part(self, names: Sequence[str], place: int) -> Iterator[Drawn]:
        """What comes of one of these parts."""
        part, rows = self._parts(names[0])[place], self._rows(names[0])
        groups = self._count_evidence(part.sums, names, rows)
        sure = [name for name in names if (groups[name] >= LEAST).any()]  # no other draw is worth its time
        draws = evaluate({name: self.results[name].compute for name in sure}, part.sums, self._draws, rows)
        for name in names:
            nothing = np.full((*groups[name].shape, 1), np.nan)
            yield Drawn(name, part.layers, draws.get(name, nothing), groups[name])

    def _kind(self, name: str) -> tuple[str, int]:
        return self._family[self._twins.get(name, name)], id(self._parts(name))

    def _rows(self, name: str) -> int:
        """Draws at once of a result and all that can be drawn together with it, whether they are or not."""
        kind = self._kind(name)
        if kind not in self._rows_of:
            one = Weighted(self._parts(name)[0].sums, self._draws[:1])
            for result in self.results.values():
                if self._kind(result.name) == kind:
                    result.compute(one)
            self._rows_of[kind] = max(_LEAST_ROWS, _NUMBERS // max(1, one.numbers))
        return self._rows_of[kind]

    def _parts(self, name: str) -> list[_Part]:
        """All at once; layer by layer where each head has several values."""
        result = self.results[name]
        if result.per_head and len(result.dims) > 2:
            return self._by_layer
        return self._of_twins if name in self._twins else self._all

    def _count_evidence(self, sums: Sums, names: Sequence[str], rows: int) -> dict[str, NDArray[np.int64]]:
        """[…] groups that are evidence for each value."""
        results = [self.results[name] for name in names]
        formulas = {result.name: result.evidence or result.compute for result in results}
        found = evaluate(formulas, sums, self._each, rows)
        return {name: np.asarray((~np.isnan(values)).sum(-1)) for name, values in found.items()}


def evaluate(
    formulas: Mapping[str, Callable[[Sums], Array]], sums: Sums, weights: Array, rows: int
) -> dict[str, Array]:
    """[…, row] what formulas give for each row of weights, so many at once, which draw each sum once."""
    found: dict[str, Array] = {}

    def fill(block: slice) -> None:
        weighted = Weighted(sums, weights[block])
        for name, formula in formulas.items():
            values = formula(weighted)
            if name not in found:
                found.setdefault(name, np.empty((*values.shape[1:], len(weights))))
            found[name][..., block] = np.moveaxis(values, 0, -1)

    with _BLAS.limit(limits=1, user_api="blas"):
        each_block(fill, len(weights), rows, at_once=rows > _LEAST_ROWS)
    return found
