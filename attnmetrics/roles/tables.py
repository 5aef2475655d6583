"""What rules ask for, as arrays [layer, head, detail], found in a run's results; None where the run has it not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.results.wording import unit_name
from attnmetrics.roles.rules import Term

Array = NDArray[np.float64]
NULL = "null_attention"
BOUNDS = ("low", "high")


@dataclass(frozen=True)
class Tables:
    """A run's results, and their intervals where it has them."""

    data: xr.Dataset
    intervals: xr.Dataset | None = None

    @property
    def layers(self) -> list[int]:
        """Numbers of the layers."""
        return [int(layer) for layer in self.data["layer"].values]

    @property
    def heads(self) -> list[int]:
        """Numbers of the heads of a layer."""
        return [int(head) for head in self.data["head"].values]

    @property
    def unit(self) -> str:
        """What attention was measured in: sentence, window."""
        return unit_name(str(self.data.attrs.get("unit", "sentence")))

    @cached_property
    def evidence(self) -> Array:
        """[layer, head] share of all attention that is off null; all of it where the run does not say."""
        if NULL not in self.data:
            return np.ones((len(self.layers), len(self.heads)))
        return 1 - np.asarray(self.data[NULL].values, np.float64)

    def labels(self, term: Term, each: str | None, skip: Sequence[str] = ()) -> list[str]:
        """The details of a term, along `each`; one without a name, where it has no such dimension."""
        if each is None:
            return [""]
        return [str(label) for label in self.data[term.result][each].values.tolist() if str(label) not in skip]

    def find(self, term: Term, each: str | None, labels: Sequence[str]) -> Array | None:
        """[layer, head, detail], sizes of 1 where a table has no such dimension; None where the run lacks it."""
        found = _at(self.data, term, each, labels)
        if found is None:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = found * self.evidence[..., None] if term.times_evidence else found
            return scaled / self.evidence[..., None] if term.over_evidence else scaled

    def bounds(self, term: Term, each: str | None, labels: Sequence[str]) -> tuple[Array, Array]:
        """(low, high) of `find`; NaN where the run has no intervals."""
        parts = [self._bound(term, each, labels, bound) for bound in BOUNDS]
        low, high = (np.full((1, 1, 1), np.nan) if part is None else part for part in parts)
        return low, high

    def _bound(self, term: Term, each: str | None, labels: Sequence[str], bound: str) -> Array | None:
        if self.intervals is None or term.over_evidence:  # both would vary
            return None
        return _at(self.intervals, Term(result=term.result, at={**term.at, "bound": bound}), each, labels)

    def is_share(self, term: Term) -> bool:
        """Whether values are shares of a whole."""
        return self.data[term.result].attrs.get("kind") == "share"


def _at(data: xr.Dataset, term: Term, each: str | None, labels: Sequence[str]) -> Array | None:
    table = data.get(term.result)
    if table is None or not all(_has(table, dim, [str(label)]) for dim, label in term.at.items()):
        return None
    chosen = table.isel({dim: _places(table, dim)[str(label)] for dim, label in term.at.items()})
    if each is not None and each in chosen.dims:
        if not _has(chosen, each, labels):
            return None
        chosen = chosen.isel({each: [_places(chosen, each)[label] for label in labels]})
    return _in_order(chosen, each)


def _in_order(table: xr.DataArray, each: str | None) -> Array | None:
    """[layer, head, detail]; None where the table has further dimensions."""
    dims = ("layer", "head", *([each] if each else ["detail"]))
    if not set(table.dims) <= set(dims):
        return None
    kept = [dim for dim in dims if dim in table.dims]
    whole = tuple(slice(None) if dim in table.dims else None for dim in dims)
    return np.asarray(table.transpose(*kept).values, np.float64)[whole]


def _has(table: xr.DataArray, dim: str, labels: Sequence[str]) -> bool:
    return dim in table.dims and set(labels) <= set(_places(table, dim))


def _places(table: xr.DataArray, dim: str) -> Mapping[str, int]:
    """Label, as text → place."""
    return {str(label): place for place, label in enumerate(table[dim].values.tolist())}
