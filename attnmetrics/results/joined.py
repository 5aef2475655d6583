"""What stands beside a run's results, for views that show both: intervals, and what stages after the merge found."""

from collections.abc import Mapping
from typing import Any, Final

import xarray as xr
from numpy.typing import NDArray

from attnmetrics.results.probes import FILE, load_probe, told
from attnmetrics.storage import Location

INTERVALS: Final = "intervals.zarr"
INTERVAL: Final = "_interval"
"""Ends the name of a coordinate that holds a result's interval."""
HALVES: Final = "_halves"
"""Ends that of one that holds a result by halves of the shards."""
NO_INTERVALS: Final = "no_intervals"
"""Attribute: why there are none."""
PROBED: Final = "probed"
"""Attribute: what probes learned from, and how."""
_BESIDE: Final = "beside"
"""Attribute: what `set_apart` took off results."""


def set_apart(data: xr.Dataset) -> xr.Dataset:
    """The same results without what stands beside them as coordinates, which `beside_results` finds all the same.

    For whoever asks for many tables of a whole run: for each, xarray looks through all coordinates.
    """
    return data.reset_coords(drop=True).assign_attrs({_BESIDE: beside_results(data)})


def beside_results(data: xr.Dataset) -> xr.Dataset:
    """What stands beside results, as tables: `<name>_interval` […, bound], `<name>_groups`, `<name>_halves`."""
    taken = data.attrs.get(_BESIDE)
    return data.coords.to_dataset().reset_coords() if taken is None else taken


def with_halves(data: xr.Dataset, halves: xr.Dataset) -> xr.Dataset:
    """The results with those of the halves of the shards as coordinates `<name>_halves` [shards, …]."""
    return data.assign_coords({f"{name}{HALVES}": table.variable for name, table in halves.data_vars.items()})


def halves_of(data: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset] | None:
    """The results of even shards and of odd ones, as far as the run has them; None where it has none."""
    found = {str(name): table for name, table in beside_results(data).items() if str(name).endswith(HALVES)}
    halves = {name.removesuffix(HALVES): table.to_numpy() for name, table in found.items()}
    return (_half(data, halves, 0), _half(data, halves, 1)) if halves else None


def intervals_of(data: xr.Dataset) -> xr.Dataset | None:
    """The intervals that stand beside the results, under the names of these, […, bound]; None where there are none."""
    beside = beside_results(data)
    found = {str(name): table.variable for name, table in beside.items() if str(name).endswith(INTERVAL)}
    tables = {name.removesuffix(INTERVAL): table for name, table in found.items()}
    used = {dim for table in tables.values() for dim in table.dims} & set(data.variables)
    labels = {dim: data.variables[dim] for dim in used} | {"bound": ["low", "high"]}
    return xr.Dataset(tables, labels) if tables else None


def _half(data: xr.Dataset, halves: Mapping[str, NDArray[Any]], half: int) -> xr.Dataset:
    tables = {name: data.variables[name].copy(deep=False, data=values[half]) for name, values in halves.items()}
    used = {dim for table in tables.values() for dim in table.dims}
    attributes = {name: value for name, value in data.attrs.items() if name != _BESIDE}
    return xr.Dataset(tables, {dim: data.variables[dim] for dim in used}, attributes)


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
    joined.attrs[PROBED] = told(found)
    joined.attrs["order"] = [*data.attrs.get("order", ()), *scores]
    return joined
