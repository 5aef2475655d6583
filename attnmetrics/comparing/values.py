"""Documents of one run as sides of a comparison, a side for each value of a field.

All sides are drawn alike: a draw takes the same groups of shards for each, whether these hold documents of one value or
of several. What documents of a group have in common is then no part of a difference.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from attnmetrics.comparing.compare import Say, compare_sides
from attnmetrics.errors import ConfigError
from attnmetrics.metrics.schema import Schema
from attnmetrics.results.comparison import Axis
from attnmetrics.results.intervals import known
from attnmetrics.results.sides import Comparison, Side
from attnmetrics.running.fields import choose_values, fields_of, find_values, intervals_by, results_by
from attnmetrics.running.merging import committed
from attnmetrics.running.runfile import Facts, config_of, read_facts
from attnmetrics.statistics.bootstrap import CONFIDENCE
from attnmetrics.statistics.groups import GroupSums
from attnmetrics.statistics.splitting import Part
from attnmetrics.storage import Location
from attnmetrics.store.merge import merge_part
from attnmetrics.store.room import make_room
from attnmetrics.store.shards import Store
from attnmetrics.views.facts import run_names


def compare_values(
    run: Location, field: str, values: Sequence[str], confidence: float = CONFIDENCE, say: Say = lambda _: None
) -> Comparison:
    """Documents of a run, by the values of a field, compared with those of the first value.

    Values that are all whole numbers, such as years, are points on an axis of the field's name.

    Args:
        run: its folder.
        field: that it is split by.
        values: of the field.
        confidence: how often an interval is to hold the true difference.
        say: is told how it goes.

    Raises:
        ConfigError: the run is not split by this field, or there is only one value.
        StoreError: the folder holds no finished run, or something in it is damaged.
    """
    if len(values) < 2:
        raise ConfigError(f"expected two values of {field} or more to compare, found {', '.join(values)}")
    numbers = all(value.removeprefix("-").isdecimal() for value in values)
    axis = Axis(field, tuple(map(float, values))) if numbers else None
    return compare_sides(read_values(run, field, values), confidence, axis, say)


def choose_by(run: Location, by: str | Mapping[str, Sequence[str]]) -> tuple[str, list[str]]:
    """A field and its values, or those that are given, {"genre": ["news", "interview"]}.

    Raises:
        ConfigError: these are none of this run.
        StoreError: the folder holds no run.
    """
    if isinstance(by, str):
        return find_values(run, by)
    if len(by) != 1:
        raise ConfigError(f"expected one field to compare by, found {', '.join(by) or 'none'}")
    ((field, values),) = by.items()
    return field, choose_values(run, field, values)


def check_one(runs: Sequence[Location], is_with_axis: bool) -> None:
    """Refuse what a comparison by a field has not: several runs, an axis of one's own.

    Raises:
        ConfigError: saying which.
    """
    if len(runs) != 1:
        raise ConfigError(f"expected one run to compare by a field of its documents, found {len(runs)}; leave out --by")
    if is_with_axis:
        raise ConfigError("expected no axis with --by, for the field's values are the points on it; leave out --axis")


def read_values(run: Location, field: str, values: Sequence[str]) -> list[Side]:
    """The documents with each of these values of a field.

    Raises:
        ConfigError: the run is not split by this field.
        StoreError: the folder holds no finished run, or something in it is damaged.
    """
    facts = read_facts(run) or {}
    results, intervals = results_by(run, field, is_with_intervals=False), known(intervals_by(run, field))
    place = list(fields_of(run)).index(field)
    return [
        Side(
            name=value,
            schema=Schema.from_plain(facts["store"]["schema"]),
            results=results.sel({field: value}, drop=True),
            groups=partial(_read_groups, run, facts, (place, results[field].values.tolist().index(value))),
            corpus=f"{facts['corpus']['digest']}, {field}={value}",
            shards=facts["corpus"]["digest"],
            intervals=None if intervals is None else intervals.sel({field: value}, drop=True),
            place=f"{run}, {field}={value}",
            source=" · ".join(filter(None, run_names(facts).values())),
        )
        for value in values
    ]


def _read_groups(run: Location, facts: Facts, part: Part) -> GroupSums:
    """The sums of the groups of shards with documents of a value."""
    store, config = Store.described(run, facts["store"]), config_of(run, facts)
    commits = committed(store, allow_missing=True)
    return merge_part(store, commits, part, config.variability_sentences, make_room)[1]
