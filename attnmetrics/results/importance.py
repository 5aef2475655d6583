"""`importance.zarr`: the results of `metrics.importance` as a Dataset that describes itself, as `results.zarr` does."""

from collections.abc import Mapping
from dataclasses import dataclass

import xarray as xr

from attnmetrics.metrics.family import Result, Sums
from attnmetrics.metrics.importance import RESULTS, Layout, compute
from attnmetrics.results.dataset import describe_result, label_dimension, load
from attnmetrics.statistics.intervals import Interval
from attnmetrics.storage import Location

FILE = "importance.zarr"
TITLE = "Importance of attention"

COORDINATES = {
    "layer": ("layer", "of the model, from 0", "1"),
    "head": ("head", "of the layer, from 0", "1"),
    "special": ("kind of piece", "the attended one", "1"),
    "kind": ("kind of gradient", "what is told of the gradient", "1"),
}
"""Dimension → (long name, help, units)."""


@dataclass(frozen=True, slots=True)
class Importance:
    """What a run has of the importance of attention."""

    results: xr.Dataset
    intervals: Mapping[str, Interval]
    """by result"""


def importance_dataset(layout: Layout, sums: Sums, unit: str, how: Mapping[str, str | None]) -> xr.Dataset:
    """Every result, labelled.

    Args:
        layout: of the sums.
        sums: the merged sums of all shards.
        unit: what stands for sentences, as `RunConfig.unit` has it.
        how: how the loss was made; what is None is left out.
    """
    values = compute(sums)
    variables = {
        result.name: (result.dims, values[result.name], describe_result(result, TITLE, unit) | _by_layer(result))
        for result in RESULTS
    }
    about = {"title": TITLE, "unit": unit, "order": list(variables)}
    about |= {name: value for name, value in how.items() if value is not None}
    coordinates = {dim: label_dimension(dim, labels, *COORDINATES[dim]) for dim, labels in layout.coordinates.items()}
    return xr.Dataset(variables, coordinates, about)


def _by_layer(result: Result) -> dict[str, str]:
    """How views get a value of a layer: its heads have the same pairs, and there is no twin."""
    return {"by_layer": "mean of heads"} if result.per_head else {}


def join(results: xr.Dataset, importance: xr.Dataset | None) -> xr.Dataset:
    """A run's results with those of importance, for whoever shows all of them."""
    if importance is None:
        return results
    order = [*results.attrs.get("order", results.data_vars), *importance.attrs.get("order", importance.data_vars)]
    return results.merge(importance, compat="override", combine_attrs="override").assign_attrs(order=order)


def load_importance(run: Location) -> xr.Dataset:
    """The importance of attention in a run, in memory.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    return load(run / FILE)
