"""The heads that differ clearly from those of the first run, those that differ most first.

Tables are read as `data.variables[name]`: a comparison has hundreds, and `data[name]` goes through all of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from attnmetrics.metrics.family import HEAD, Array
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
    """The results of heads in a comparison that have differences, in order."""
    names = [str(name) for name in data.attrs.get("order", data.data_vars)]
    known = set(data.variables)
    return [name for name in names if f"{name}_difference" in known and data.variables[name].dims[1:3] == HEAD]


def chance_levels(data: xr.Dataset) -> set[str]:
    """The results that are the chance level of another, and are not told of by themselves."""
    return {str(data.variables[name].attrs.get("chance", "")) for name in compared_maps(data)}


def flat(data: xr.Dataset, name: str) -> Array:
    """[run, layer, (head,) label]: further dimensions become one, the last of them varying fastest."""
    table = data.variables[name]
    kept = [dim for dim in (RUN, *HEAD) if dim in table.dims]
    ordered = table.transpose(*kept, ...)
    return np.asarray(ordered.to_numpy(), np.float64).reshape(*ordered.shape[: len(kept)], -1)


def differing(data: xr.Dataset, name: str, run: int) -> Iterator[Differing]:
    """The heads that differ clearly in a result, by the size of the difference.

    Args:
        data: a comparison.
        name: of one of its results of heads that have differences.
        run: place of the run that is compared with the first.
    """
    difference, q = (data.variables[f"{name}_{part}"].to_numpy()[run] for part in ("difference", "q"))
    places = np.argwhere(q < CLEAR)
    sizes = np.abs(difference[tuple(places.T)])
    yield from map(_Teller(data, name, run), places[np.argsort(-sizes, kind="stable")].tolist())


def most_different(data: xr.Dataset, name: str, run: int) -> Differing | None:
    """The head with the largest difference in a result, clear or not; None where no head has a difference."""
    sizes = np.abs(data.variables[f"{name}_difference"].to_numpy()[run])
    if not np.isfinite(sizes).any():
        return None
    return _Teller(data, name, run)(_place(int(np.nanargmax(sizes)), sizes.shape))


def differing_at(data: xr.Dataset, name: str, run: int, layer: int, head: int, label: int) -> Differing:
    """A head's difference in a result, by the places of layer, head, and label, as `flat` has labels."""
    return _Teller(data, name, run)([layer, head, *_place(label, data.variables[name].shape[3:])])


def _place(number: int, shape: tuple[int, ...]) -> list[int]:
    """`_place(4, (2, 3)) == [1, 1]`."""
    return [int(place) for place in np.unravel_index(number, shape)] if shape else []


class _Teller:
    """Tells of heads in a result of a run, by the places of their layer, head and further labels."""

    def __init__(self, data: xr.Dataset, name: str, run: int) -> None:
        table = data.variables[name]
        parts = (data.variables[f"{name}_{part}"].to_numpy()[run] for part in PARTS_OF_DIFFERENCES)
        self._numbers = [table.to_numpy()[0], table.to_numpy()[run], *parts]  # first, value, difference, low, high, q
        self._labels = [data.variables[dim].to_numpy().tolist() for dim in table.dims[1:]]
        self._dims = [str(dim) for dim in table.dims[3:]]
        self._of = name, str(data.variables[RUN].to_numpy()[run])

    def __call__(self, place: Sequence[int]) -> Differing:
        layer, head, *further = (own[n] for own, n in zip(self._labels, place, strict=True))
        told = (float(one[tuple(place)]) for one in self._numbers)
        return Differing(*self._of, layer, head, dict(zip(self._dims, further, strict=True)), *told)


def all_differing(data: xr.Dataset) -> Iterator[Differing]:
    """Of every result, and of every run but the first."""
    for name in compared_maps(data):
        for run in range(1, data.sizes[RUN]):
            yield from differing(data, name, run)
