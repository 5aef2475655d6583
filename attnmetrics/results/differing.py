"""The heads that differ clearly from those of the first run, those that differ most first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from attnmetrics.metrics.family import HEAD
from attnmetrics.results.comparison import CLEAR, PARTS_OF_DIFFERENCES, RUN


@dataclass(frozen=True, slots=True)
class Differing:
    """A result of a head that differs from that of the same head in the first run."""

    result: str
    run: str
    layer: int
    head: int
    labels: Mapping[str, str | int]
    """of further dimensions"""
    first: float
    value: float
    difference: float
    low: float
    high: float
    q: float

    @property
    def numbers(self) -> tuple[float, ...]:
        """All of it, in this order."""
        return self.first, self.value, self.difference, self.low, self.high, self.q


def compared_maps(data: xr.Dataset) -> list[str]:
    """The results of heads in a comparison that have differences."""
    names = [str(name) for name in data.data_vars]
    known = set(names)
    return [name for name in names if f"{name}_difference" in known and data[name].dims[1:3] == HEAD]


def differing(data: xr.Dataset, name: str, run: int) -> Iterator[Differing]:
    """The heads that differ clearly in a result, by the size of the difference.

    Args:
        data: a comparison.
        name: of one of its results of heads that have differences.
        run: place of the run that is compared with the first.
    """
    table = data[name]
    of_run = (data[f"{name}_{part}"].to_numpy()[run] for part in PARTS_OF_DIFFERENCES)
    numbers = [table.to_numpy()[0], table.to_numpy()[run], *of_run]  # first, value, difference, low, high, q
    places = np.argwhere(numbers[-1] < CLEAR)
    sizes = np.abs(numbers[2][tuple(places.T)])
    labels = [table[dim].values.tolist() for dim in table.dims[1:]]
    dims = [str(dim) for dim in table.dims[3:]]
    for place in places[np.argsort(-sizes, kind="stable")].tolist():
        layer, head, *further = (own[n] for own, n in zip(labels, place, strict=True))
        told = (float(one[tuple(place)]) for one in numbers)
        named = dict(zip(dims, further, strict=True))
        yield Differing(name, str(data[RUN].values[run]), layer, head, named, *told)


def all_differing(data: xr.Dataset) -> Iterator[Differing]:
    """Of every result, and of every run but the first."""
    for name in compared_maps(data):
        for run in range(1, data.sizes[RUN]):
            yield from differing(data, name, run)
