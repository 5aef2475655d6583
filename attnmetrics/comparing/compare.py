"""Sides compared with the first of them."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Final

from attnmetrics.comparing.agreement import check_alike, remarks
from attnmetrics.comparing.axis import check_axis
from attnmetrics.comparing.names import name_runs
from attnmetrics.comparing.runs import read_run
from attnmetrics.describing.changes import role_changes
from attnmetrics.describing.rules import package_rules
from attnmetrics.errors import ConfigError
from attnmetrics.results.comparison import About, Axis, comparable, comparison_dataset
from attnmetrics.results.intervals import known, label_intervals
from attnmetrics.results.sides import Comparison, Side
from attnmetrics.statistics.bootstrap import CONFIDENCE
from attnmetrics.statistics.comparing import Difference, Sample, find_each_difference, union
from attnmetrics.statistics.intervals import find_intervals
from attnmetrics.storage import Location
from attnmetrics.store.room import HELD_BYTES

AT_ONCE: Final = 8
"""Sides that the first is drawn once for: with more, little is left to save."""

Say = Callable[[str], object]


def compare_runs(
    runs: Sequence[Location], confidence: float = CONFIDENCE, axis: Axis | None = None, say: Say = lambda _: None
) -> Comparison:
    """Runs compared with the first of them, from their folders alone.

    Args:
        runs: their folders.
        confidence: how often an interval is to hold the true difference.
        axis: what the runs are points on.
        say: is told how it goes.

    Raises:
        ConfigError: a run stands twice; or runs differ in what must be the same; or the axis is none of these runs.
        StoreError: a folder holds no finished run.
    """
    places = [str(run) for run in runs]
    if twice := [place for place in dict.fromkeys(places) if places.count(place) > 1]:
        raise ConfigError(f"expected each run once, found {twice[0]} {places.count(twice[0])} times")
    sides = [read_run(run, name) for run, name in zip(runs, name_runs(runs), strict=True)]
    return compare_sides(sides, confidence, axis, say)


def compare_sides(
    sides: Sequence[Side],
    confidence: float = CONFIDENCE,
    axis: Axis | None = None,
    say: Say = lambda _: None,
    names: Collection[str] | None = None,
) -> Comparison:
    """Sides compared with the first of them (see `compare_runs`).

    Args:
        sides: all of them.
        confidence: how often an interval is to hold the true difference.
        axis: what they are points on.
        say: is told how it goes.
        names: of results that are wanted; None for all. No difference depends on which others are.

    Raises:
        ConfigError: they differ in what must be the same, or the axis is none of them.
        StoreError: what a side reads is damaged.
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"expected a confidence between 0 and 1, such as 0.95, found {confidence:g}")
    check_alike(sides)
    check_axis(sides, axis)
    together = union([side.schema.names for side in sides])
    wanted = [name for name in comparable(sides) if names is None or name in names]
    first, differences = _sample(sides[0]), list[dict[str, Difference]]()
    shards = [int(first.groups.there.sum())]
    for block in _blocks(sides[1:], first):
        say(f"comparing {', '.join(side.name for side in block)} with {sides[0].name}")
        others = [_sample(side) for side in block]
        shards += [int(other.groups.there.sum()) for other in others]
        differences += find_each_difference(first, others, together, confidence, wanted)
    sides = [at_confidence(side, confidence, wanted) for side in sides]
    about = About(confidence, shards, axis, remarks(sides, together, shards, differences))
    data = comparison_dataset(sides, wanted, together, differences, about)
    return Comparison(data, tuple(sides), role_changes(package_rules(), data, [side.roles for side in sides]))


def at_confidence(side: Side, confidence: float, names: Collection[str]) -> Side:
    """A side with intervals of this confidence: where it has those of another one, these results' are found anew."""
    if side.intervals is None or side.intervals.attrs["confidence"] == confidence:
        return side
    groups = side.groups()
    values = {name: side.results[name].to_numpy() for name in names}
    found = find_intervals(groups, values, confidence, names)
    intervals = label_intervals(found, side.results, int(groups.there.sum()), confidence)
    return replace(side, intervals=known(intervals))


def _blocks(sides: Sequence[Side], first: Sample) -> Iterator[Sequence[Side]]:
    """The sides, so many at a time as are held in memory."""
    size = max(1, min(AT_ONCE, HELD_BYTES // first.groups.bytes))
    return (sides[start : start + size] for start in range(0, len(sides), size))


def _sample(side: Side) -> Sample:
    values = {str(name): table.to_numpy() for name, table in side.results.items()}
    return Sample(side.groups(), values, side.drawn_with)
