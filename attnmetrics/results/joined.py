"""What stands beside a run's results, for views that show both: intervals, and what stages after the merge found."""

from typing import Final

import xarray as xr

from attnmetrics.results.probes import FILE, load_probe
from attnmetrics.storage import Location

INTERVALS: Final = "intervals.zarr"
INTERVAL: Final = "_interval"
"""Ends the name of a coordinate that holds a result's interval."""
HALVES: Final = "_halves"
"""Ends that of one that holds a result by halves of the shards."""
NO_INTERVALS: Final = "no_intervals"
"""Attribute: why there are none."""


def with_halves(data: xr.Dataset, halves: xr.Dataset) -> xr.Dataset:
    """The results with those of the halves of the shards as coordinates `<name>_halves` [shards, …]."""
    return data.assign_coords({f"{name}{HALVES}": table.variable for name, table in halves.data_vars.items()})


def with_intervals(data: xr.Dataset, intervals: xr.Dataset | None) -> xr.Dataset:
    """The results with their intervals as coordinates, so that no view takes them for results.

    `<name>_interval` […, bound], `<name>_groups`, and attributes `confidence` and `unsure_below`; or `no_intervals`.
    """
    if intervals is None:
        return data.assign_attrs(
            {NO_INTERVALS: "no intervals: this run was merged without; `attnmetrics merge` adds them"}
        )
    about = intervals.attrs
    if about["reason"]:
        return data.assign_attrs({NO_INTERVALS: about["reason"]})
    beside = {
        f"{name}{INTERVAL}" if "bound" in table.dims else str(name): table.variable
        for name, table in intervals.data_vars.items()
    }
    return data.assign_coords(beside).assign_attrs({name: about[name] for name in ("confidence", "unsure_below")})


def with_probes(data: xr.Dataset, run: Location) -> xr.Dataset:
    """The results with the scores of the run's probes, [probe] tables, where it was probed.

    Raises:
        StoreError: `probe.zarr` cannot be read.
    """
    if not (run / FILE).exists():
        return data
    found = load_probe(run)
    scores = [str(name) for name, table in found.data_vars.items() if table.dims == ("probe",) and name not in data]
    joined = data.merge(found[scores], combine_attrs="override")
    joined.attrs["order"] = [*data.attrs.get("order", ()), *scores]
    return joined
