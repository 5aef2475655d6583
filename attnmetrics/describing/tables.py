"""What rules ask for, as arrays [layer, head, detail], found in a run's results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.describing.rules import Term
from attnmetrics.errors import ConfigError
from attnmetrics.results.joined import intervals_of
from attnmetrics.results.wording import unit_name

Array = NDArray[np.float64]

NULL: Final = "null_attention"
BOUNDS: Final = ("low", "high")
_ONE: Final = ("",)
"""The details of a score that has none."""


@dataclass(frozen=True)
class Tables:
    """A run's results, and their intervals where it has them."""

    data: xr.Dataset
    intervals: xr.Dataset | None = None

    @classmethod
    def of(cls, data: xr.Dataset) -> "Tables":
        """Those of results as they are loaded, with the intervals that stand beside them."""
        return cls(data, intervals_of(data))

    @cached_property
    def layers(self) -> list[int]:
        """Numbers of the layers."""
        return [int(layer) for layer in self.data["layer"].values]

    @cached_property
    def heads(self) -> list[int]:
        """Numbers of the heads of a layer."""
        return [int(head) for head in self.data["head"].values]

    @cached_property
    def unit(self) -> str:
        """What attention was measured in: sentence, window."""
        return unit_name(str(self.data.attrs.get("unit", "sentence")))

    @cached_property
    def evidence(self) -> Array:
        """[layer, head] share of all attention that is off null; all of it where the run does not say."""
        if NULL not in self.data:
            return np.ones((len(self.layers), len(self.heads)))
        return 1 - np.asarray(self.data[NULL].values, np.float64)

    def labels(self, term: Term, each: str | None, skip: Sequence[str]) -> Sequence[str]:
        """The details of a term: labels along `each`; one without a name, where there is no such dimension."""
        if each is None:
            return _ONE
        is_there = each in self.data.variables[term.result].dims
        return [label for label in _places(self.data, each) if label not in skip] if is_there else []

    def find(self, term: Term | None, each: str | None, labels: Sequence[str]) -> Array:
        """[layer, head, detail] values, those of the corpus for each head alike; NaN without a term."""
        found = None if term is None else _values(self.data, term, each, labels)
        if term is None or found is None:
            return self._whole(np.nan, labels)
        found = found * self.evidence[..., None] if term.times_evidence else found
        return self._whole(found, labels)

    def bounds(self, term: Term, each: str | None, labels: Sequence[str]) -> tuple[Array, Array]:
        """(low, high) of `find`; NaN where the run has none, or of what is made of more than one value."""
        is_known = self.intervals is not None and not (term.times_evidence or term.largest)
        low, high = (self._bound(term, each, labels, bound) if is_known else np.nan for bound in BOUNDS)
        return self._whole(low, labels), self._whole(high, labels)

    def _bound(self, term: Term, each: str | None, labels: Sequence[str], bound: str) -> Array | float:
        assert self.intervals is not None
        one = Term(result=term.result, at={**term.at, "bound": bound})
        found = _values(self.intervals, one, each, labels) if has(self.intervals, one) else None
        return np.nan if found is None else found

    def is_share(self, term: Term) -> bool:
        """Whether values are shares of a whole."""
        return self.data.variables[term.result].attrs.get("kind") == "share"

    def _whole(self, values: Array | float, labels: Sequence[str]) -> Array:
        return np.broadcast_to(values, (len(self.layers), len(self.heads), len(labels)))


def has(data: xr.Dataset, term: Term) -> bool:
    """Whether a run has a result, and the labels that are asked for."""
    if term.result not in data.variables:
        return False
    dims = data.variables[term.result].dims
    if term.largest not in (None, *dims):
        return False
    return all(dim in dims and str(label) in _places(data, dim) for dim, label in term.at.items())


def _values(data: xr.Dataset, term: Term, each: str | None, labels: Sequence[str]) -> Array | None:
    """[layer, head, detail], sizes of 1 where a table has no such dimension; None where it lacks a label.

    Raises:
        ConfigError: the table has a dimension of which no label is asked for.
    """
    table = data.variables[term.result]
    chosen = table.isel({dim: _places(data, dim)[str(label)] for dim, label in term.at.items()})
    dims = ("layer", "head", each or "")
    chosen = chosen if term.largest is None else chosen.max(term.largest)
    if each in chosen.dims:
        places = _places(data, str(each))
        if not set(labels) <= set(places):
            return None
        chosen = chosen.isel({each: [places[label] for label in labels]})
    if unnamed := set(chosen.dims) - set(dims):
        raise ConfigError(
            f"expected a rule with a label, or `each`, for every dimension of {term.result!r}, found none for "
            f"{sorted(map(str, unnamed))}; name one under `at`"
        )
    whole = tuple(slice(None) if dim in chosen.dims else None for dim in dims)
    return np.asarray(chosen.transpose(*(dim for dim in dims if dim in chosen.dims)).values, np.float64)[whole]


def _places(data: xr.Dataset, dim: str) -> Mapping[str, int]:
    """Label of a dimension, as text → place; without xarray's care for names, for it is asked hundreds of times."""
    labels = data.variables[dim].values.tolist() if dim in data.variables else range(data.sizes[dim])
    return {str(label): place for place, label in enumerate(labels)}
