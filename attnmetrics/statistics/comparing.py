"""What differs between two runs of one shape, and how surely, from the sums of their groups of shards.

Where both are of the same documents, cut alike, a draw takes the same groups of both: what the documents have in common
is then no part of the difference. Other runs are drawn independently of each other.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.family import Array, Result
from attnmetrics.metrics.over_heads import pearson
from attnmetrics.statistics.blocks import each_block
from attnmetrics.statistics.bootstrap import BLOCK, CONFIDENCE, LEAST, find_bounds
from attnmetrics.statistics.groups import GroupSums
from attnmetrics.statistics.intervals import Drawing
from attnmetrics.statistics.significance import find_p, find_q

ROUNDING: Final = 1e-12
"""A difference that is smaller, relative to what differs, is none."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One of two runs, or parts of a run, that are compared."""

    groups: GroupSums
    values: Mapping[str, Array]
    """of the whole, by result"""
    corpus: str
    """the same where group k of both holds documents of the same shards"""


@dataclass(frozen=True, slots=True)
class Difference:
    """How much a result differs, and how surely."""

    value: Array
    """[…] the other − the one"""
    bounds: Array
    """[…, bound]"""
    groups: NDArray[np.int64]
    """[…] that have evidence for it, of that sample which has fewer"""
    q: Array
    """[…] among all heads, or layers, at one label"""


Names = Mapping[str, tuple[str, ...]]
"""The names of labels."""


def union(schemas: Collection[Names]) -> dict[str, tuple[str, ...]]:
    """The names of each label that all have, in the order in which they come.

    >>> union([{"pos": ("NOUN", "_")}, {"pos": ("VERB", "_"), "own": ("a",)}])
    {'pos': ('NOUN', '_', 'VERB')}
    """
    first, *others = schemas
    shared = [label for label in first if all(label in names for names in others)]
    return {label: tuple(dict.fromkeys(name for names in schemas for name in names[label])) for label in shared}


@dataclass(frozen=True, slots=True)
class Spread:
    """Puts tables of a run at the names of labels that several runs have together."""

    places: Mapping[str, NDArray[np.int64]]
    """label → place of each name among the run's own; −1 where it has no such name"""

    @classmethod
    def between(cls, own: Names, together: Names) -> "Spread":
        """From a run's own names to those of all; labels whose names are the same stay as they are."""
        changed = {label: names for label, names in together.items() if names != own[label]}
        return cls({label: np.array([_place(own[label], name) for name in names]) for label, names in changed.items()})

    def __call__(self, table: NDArray[Any], dims: tuple[str, ...]) -> NDArray[Any]:
        """A table of these dimensions and any further ones, NaN at names that the run has not."""
        for axis, dim in enumerate(dims):
            if dim in self.places:
                table = _at_places(table, axis, self.places[dim])
        return table


def _place(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1


def _at_places(table: NDArray[Any], axis: int, places: NDArray[np.int64]) -> NDArray[Any]:
    found = np.take(table, np.maximum(places, 0), axis)
    absent = (places < 0).reshape(-1, *(1 for _ in range(table.ndim - axis - 1)))
    return np.where(absent, np.nan, found) if absent.any() else found


def find_differences(
    one: Sample,
    other: Sample,
    labels: Names,
    confidence: float = CONFIDENCE,
    names: Collection[str] | None = None,
) -> dict[str, Difference]:
    """How each result that has bounds differs, of those that both have.

    Args:
        one: what is compared with.
        other: of the same layers and heads.
        labels: the names of those that differences are at (see `union`).
        confidence: how often bounds are to hold the true difference.
        names: of the results that are wanted; None for all. No difference depends on which others are.
    """
    known = {result.name for result in one.groups.schema.with_twins()}
    results = [result for result in other.groups.schema.with_twins() if result.has_bounds and result.name in known]
    wanted = [result for result in results if names is None or result.name in names]
    fewest = min(int(sample.groups.there.sum()) for sample in (one, other))
    if fewest < LEAST:
        return {result.name: _without_draws(one, other, result, labels, fewest) for result in wanted}
    first, second = _draw_both(one, other, labels)
    found = defaultdict[str, list[tuple[NDArray[Any], ...]]](list)
    for together in first.drawing.together([result.name for result in wanted]):
        for mine, theirs in zip(first.draw(together), second.draw(together), strict=True):
            found[mine.name].append(_compare(mine, theirs, confidence))
    return {result.name: _difference(found[result.name], result) for result in wanted}


def _without_draws(one: Sample, other: Sample, result: Result, together: Names, groups: int) -> Difference:
    """Of so few groups that nothing is known of how sure it is."""
    tables = [
        Spread.between(sample.groups.schema.names, together)(sample.values[result.name], result.dims)
        for sample in (one, other)
    ]
    value = subtract(tables[1], tables[0])
    bounds = np.full((*value.shape, 2), np.nan)
    return Difference(value, bounds, np.where(np.isnan(value), 0, groups), np.full(value.shape, np.nan))


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A result of a sample, or one of its layers, at the names of both samples."""

    name: str
    values: Array
    """[…]"""
    draws: Array
    """[…, draw]"""
    groups: NDArray[np.int64]
    """[…] with evidence"""


class _Drawer:
    """A sample that is drawn from."""

    def __init__(self, sample: Sample, drawing: Drawing, together: Names) -> None:
        self.drawing = drawing
        self._values = sample.values
        self._spread = Spread.between(sample.groups.schema.names, together)

    def draw(self, names: Sequence[str]) -> Iterator[_Drawn]:
        """Of results that are drawn together, at once or a layer after the other."""
        for one in self.drawing.draw(names):
            dims = self.drawing.results[one.name].dims
            values, draws, groups = (
                self._spread(table, dims) for table in (self._values[one.name][one.layers], one.draws, one.groups)
            )
            yield _Drawn(one.name, values, draws, np.nan_to_num(groups).astype(np.int64))


def _draw_both(one: Sample, other: Sample, together: Names) -> tuple[_Drawer, _Drawer]:
    """Of one corpus the same groups; else independently, and of each as of no other."""
    if one.corpus == other.corpus:
        drawn = one.groups.there | other.groups.there
        drawings = Drawing(one.groups, drawn=drawn), Drawing(other.groups, drawn=drawn)
    else:
        drawings = Drawing(one.groups, _stream(one.corpus)), Drawing(other.groups, _stream(other.corpus))
    return _Drawer(one, drawings[0], together), _Drawer(other, drawings[1], together)


def _stream(corpus: str) -> int:
    return int.from_bytes(blake2b(corpus.encode(), digest_size=8).digest())


def _compare(one: _Drawn, other: _Drawn, confidence: float) -> tuple[NDArray[Any], ...]:
    """Differences, their bounds, groups with evidence, and p."""
    values, groups = subtract(other.values, one.values), np.minimum(one.groups, other.groups)
    bounds, p = np.full((values.size, 2), np.nan), np.full(values.size, np.nan)
    rows = [draws.reshape(-1, draws.shape[-1]) for draws in (one.draws, other.draws)]
    known = np.flatnonzero(~np.isnan(values.ravel()) & (groups.ravel() >= LEAST))

    def compare(block: slice) -> None:
        at = known[block]
        draws, of, number = subtract(rows[1][at], rows[0][at]), values.ravel()[at], groups.ravel()[at]
        bounds[at] = find_bounds(draws, of, number, confidence)
        p[at] = find_p(draws, of, number)

    each_block(compare, len(known), BLOCK)
    return values, bounds.reshape(*values.shape, 2), groups, p.reshape(values.shape)


def _difference(layers: list[tuple[NDArray[Any], ...]], result: Result) -> Difference:
    values, bounds, groups, p = map(_joined, zip(*layers, strict=True))
    return Difference(values, bounds, groups, _among_all(p, result))


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """All layers; a number alone is one."""
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def subtract(a: Array, b: Array) -> Array:
    """Differences; 0 where no more than rounding is between the two."""
    difference = a - b
    return np.where(np.abs(difference) <= ROUNDING * np.abs(a), 0.0, difference)


def _among_all(p: Array, result: Result) -> Array:
    """Q among all heads at a label, or all layers; of what is neither, p."""
    if result.per_head:
        return find_q(p.reshape(-1, *p.shape[2:])).reshape(p.shape)
    return find_q(p) if "layer" in result.dims else p


def correlate(a: Array, b: Array) -> tuple[Array, NDArray[np.int64]]:
    """[…] Pearson's r of two maps [layer, head, …] over the heads that have both, and their number.

    NaN for fewer than three heads, or for a constant.
    """
    heads = [np.moveaxis(one.reshape(-1, *one.shape[2:]), 0, -1) for one in (a, b)]
    return pearson(*heads), (np.isfinite(heads[0]) & np.isfinite(heads[1])).sum(-1)
