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
    return find_each_difference(one, [other], labels, confidence, names)[0]


def find_each_difference(
    one: Sample,
    others: Sequence[Sample],
    labels: Names,
    confidence: float = CONFIDENCE,
    names: Collection[str] | None = None,
) -> list[dict[str, Difference]]:
    """Likewise of each of several others, for which the one is drawn once, of those results that all have."""
    results = _shared([one, *others], names)
    fewest = [int(min(one.groups.there.sum(), other.groups.there.sum())) for other in others]
    found = {
        place: {result.name: _without_draws(one, others[place], result, labels, groups) for result in results}
        for place, groups in enumerate(fewest)
        if groups < LEAST
    }
    for alike in _drawn_alike(one, others, [place for place in range(len(others)) if place not in found]):
        found |= zip(alike, _draw(one, [others[place] for place in alike], labels, confidence, results), strict=True)
    return [found[place] for place in range(len(others))]


def _shared(samples: Sequence[Sample], names: Collection[str] | None) -> list[Result]:
    """The results with bounds that all have, of those that are wanted."""
    first, *others = (sample.groups.schema.with_twins() for sample in samples)
    known = [{result.name for result in other} for other in others]
    shared = [result for result in first if result.has_bounds and all(result.name in own for own in known)]
    return [result for result in shared if names is None or result.name in names]


def _drawn_alike(one: Sample, others: Sequence[Sample], places: Sequence[int]) -> list[list[int]]:
    """These places among the others, together where the one is drawn in the same way beside them."""
    found = defaultdict[tuple[int, bytes], list[int]](list)
    for place in places:
        stream, drawn = _way(one, others[place])
        found[stream, drawn.tobytes()].append(place)
    return list(found.values())


def _way(sample: Sample, beside: Sample) -> tuple[int, NDArray[np.bool_]]:
    """The stream of random numbers, and the groups, that a sample is drawn by beside another.

    Of one corpus the same; else independently, and each as beside no other.
    """
    if sample.corpus == beside.corpus:
        return 0, sample.groups.there | beside.groups.there
    return _stream(sample.corpus), sample.groups.there


def _stream(corpus: str) -> int:
    return int.from_bytes(blake2b(corpus.encode(), digest_size=8).digest())


def _draw(
    one: Sample, others: Sequence[Sample], labels: Names, confidence: float, results: Sequence[Result]
) -> list[dict[str, Difference]]:
    """Differences from one that is drawn in the same way beside all of these."""
    first, each = _Drawer(one, others[0], labels), [_Drawer(other, one, labels) for other in others]
    found = [defaultdict[str, list[tuple[NDArray[Any], ...]]](list) for _ in others]
    for together, part in first.parts([result.name for result in results]):
        mine = list(first.draw(together, part))
        for drawer, own in zip(each, found, strict=True):
            for a, b in zip(mine, drawer.draw(together, part), strict=True):
                own[a.name].append(_compare(a, b, confidence))
    return [{result.name: _difference(own[result.name], result) for result in results} for own in found]


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
    """A sample that is drawn from beside another."""

    def __init__(self, sample: Sample, beside: Sample, labels: Names) -> None:
        self._drawing = Drawing(sample.groups, *_way(sample, beside))
        self._values = sample.values
        self._spread = Spread.between(sample.groups.schema.names, labels)

    def parts(self, names: Collection[str]) -> Iterator[tuple[list[str], int]]:
        """Results that are drawn together, and each part that they are drawn in."""
        for together in self._drawing.together(names):
            yield from ((together, part) for part in range(self._drawing.parts(together)))

    def draw(self, names: Sequence[str], part: int) -> Iterator[_Drawn]:
        """A part of results that are drawn together."""
        for one in self._drawing.draw_part(names, part):
            dims = self._drawing.results[one.name].dims
            values, draws, groups = (
                self._spread(table, dims) for table in (self._values[one.name][one.layers], one.draws, one.groups)
            )
            yield _Drawn(one.name, values, draws, np.nan_to_num(groups).astype(np.int64))


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
    difference = np.asarray(a - b, np.float64)
    difference[np.abs(difference) <= ROUNDING * np.abs(a)] = 0.0
    return difference


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
