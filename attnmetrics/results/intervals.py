"""How sure the results of a run are, as a labelled Dataset that describes itself.

`intervals.zarr` has, for every result that is no count, name, place or p-value, a variable of the same name and
dimensions and a last one more, `bound`: `low`, `high`. How many groups of shards have evidence for a value is in its
attribute `groups`, or, where not all values have the same, in a variable `<name>_groups`: from fewer than
`unsure_below` bounds are not quite to be trusted, from fewer than `none_below` there are none. Of results with one
value a head, `<name>_rank` has the bounds of its rank among all heads.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.results.dataset import load
from attnmetrics.results.importance import join
from attnmetrics.results.joined import INTERVALS
from attnmetrics.statistics.bootstrap import DRAWS, LEAST, UNSURE
from attnmetrics.statistics.groups import GroupSums
from attnmetrics.statistics.intervals import Interval, find_intervals
from attnmetrics.storage import Location

FILE: Final = INTERVALS
BOUND: Final = "bound"
GROUPS: Final = "groups"
BOUNDS: Final = ("low", "high")
METHOD: Final = "bootstrap of groups of shards, widened bias-corrected percentiles"

Variable = tuple[tuple[str, ...], NDArray[Any], dict[str, Any]]


def intervals_dataset(
    groups: GroupSums,
    results: xr.Dataset,
    confidence: float,
    importance: xr.Dataset | None = None,
    more: Mapping[str, Interval] = MappingProxyType({}),
) -> xr.Dataset:
    """The intervals of a run's results.

    Args:
        groups: sums of the run's groups of shards.
        results: of the same run.
        confidence: how often bounds are to hold the true value.
        importance: of attention in the run, where it was measured.
        more: its intervals.
    """
    found = {**find_all(groups, results, confidence), **more}
    return label_intervals(found, join(results, importance), int(groups.there.sum()), confidence)


def find_all(
    groups: GroupSums, results: xr.Dataset, confidence: float, drawn: NDArray[np.bool_] | None = None
) -> dict[str, Interval]:
    """Likewise, not labelled; of draws of these groups, [group], or of those that are there."""
    values = {str(name): results.variables[name].to_numpy() for name in results.data_vars}
    return find_intervals(groups, values, confidence, drawn=drawn)


def label_intervals(found: Mapping[str, Interval], results: xr.Dataset, groups: int, confidence: float) -> xr.Dataset:
    """Intervals as a Dataset that describes itself.

    Args:
        found: by result, of the shape of its table.
        results: that they are of.
        groups: of shards, in all.
        confidence: of the intervals.
    """
    variables = dict(part for name, one in found.items() for part in _variables(results[name], one))
    used = {dim for dims, _, _ in variables.values() for dim in dims}
    coordinates = {name: coordinate for name, coordinate in results.coords.items() if name in used}
    bound = xr.Variable(BOUND, np.array(BOUNDS, object), {"long_name": "bound", "help": "", "units": "1"})
    return xr.Dataset(variables, {**coordinates, BOUND: bound}, _whole(results, list(variables), groups, confidence))


def load_intervals(run: Location) -> xr.Dataset:
    """The intervals of a run.

    Raises:
        StoreError: there are none, or they cannot be read.
    """
    return load(run / FILE)


def known(intervals: xr.Dataset) -> xr.Dataset | None:
    """The intervals; None where the run has none."""
    return None if intervals.attrs["reason"] else intervals


def reason_for_none(shards: int) -> str:
    """Why a run of so many shards has no intervals, and what to do; empty where it has."""
    if shards >= LEAST:
        return ""
    return (
        f"no intervals: they come from differences between shards of whole documents, expected {LEAST} shards or more, "
        f"found {shards}; take more documents, or, where a shard holds several, smaller shards by --shard-characters"
    )


def doubt(intervals: xr.Dataset) -> str:
    """What is to be said of all intervals of a run: why there are none, or why they are unsure; empty of others."""
    groups = int(intervals.attrs["groups"])
    unsure = f"intervals come from differences between {groups} shards: from fewer than {UNSURE} they are unsure"
    return str(intervals.attrs["reason"]) or (unsure if groups < UNSURE else "")


def _whole(results: xr.Dataset, order: list[str], groups: int, confidence: float) -> dict[str, Any]:
    """What is true of all intervals."""
    return {
        "title": "Intervals of attention metrics",
        "unit": results.attrs["unit"],
        "method": METHOD,
        "confidence": confidence,
        "draws": DRAWS,
        "groups": groups,
        "unsure_below": UNSURE,
        "none_below": LEAST,
        "reason": reason_for_none(groups),
        "order": order,
    }


def _variables(table: xr.DataArray, interval: Interval) -> Iterator[tuple[str, Variable]]:
    """The tables of one result."""
    name, dims = str(table.name), tuple(map(str, table.dims))
    about = _about(table, "Interval: {}", str(table.attrs["units"]))
    found = np.unique(interval.groups)
    yield name, ((*dims, BOUND), interval.bounds, about | ({GROUPS: int(found[0])} if len(found) == 1 else {}))
    if len(found) > 1:
        yield f"{name}_groups", (dims, interval.groups, _about(table, "Groups of shards behind: {}", "groups", "count"))
    if interval.rank is not None:
        about = _about(table, "Interval of the rank: {}", "1", "score")
        yield f"{name}_rank", ((*dims, BOUND), interval.rank, about)


def _about(table: xr.DataArray, title: str, units: str, kind: str | None = None) -> dict[str, Any]:
    about: Mapping[str, Any] = table.attrs
    return {
        "long_name": title.format(about["long_name"]),
        "units": units,
        "kind": kind or about["kind"],
        "family": about["family"],
    }
