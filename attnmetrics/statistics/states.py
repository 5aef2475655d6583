"""A shard's state: every statistic, as one value that merges.

Laws (tested): `merge(zero, a) == a`; `merge` is associative and commutative up to float64 rounding;
`state(a ∪ b) == merge(state(a), state(b))` up to rounding for disjoint sets of sentences.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from attnmetrics.errors import MergeError
from attnmetrics.statistics.schema import EDGES, OFFSETS, PAIR_DISTANCES, STATISTICS


@dataclass(frozen=True, slots=True)
class Dims:
    """The labels of every dimension of a run's state."""

    layer: tuple[int, ...]
    """Indices of the layers measured, from 0."""
    head: int
    """Heads per layer."""
    pos: tuple[str, ...]
    """Part-of-speech tags; the last is `_`."""
    rel: tuple[str, ...]
    """Dependency relations; the last is `_`."""

    def size(self, dim: str) -> int:
        """Length of one dimension."""
        return {
            "layer": len(self.layer),
            "head": self.head,
            "pos": len(self.pos),
            "rel": len(self.rel),
            "edge": len(EDGES),
            "offset": len(OFFSETS),
            "pair_distance": len(PAIR_DISTANCES),
        }[dim]

    def shape(self, dims: tuple[str, ...]) -> tuple[int, ...]:
        """Shape of an array with these dimensions."""
        return tuple(self.size(dim) for dim in dims)


@dataclass(frozen=True, slots=True)
class State:
    """Sums of every statistic of `schema.STATISTICS`, float64."""

    dims: Dims
    sums: Mapping[str, NDArray[np.float64]]

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return self.sums[name]

    @classmethod
    def zero(cls, dims: Dims) -> "State":
        """The identity of `merge`."""
        return cls(dims, {s.name: np.zeros(shape) for s, shape in zip(STATISTICS, _shapes(dims), strict=True)})

    def merge(self, other: "State") -> "State":
        """Elementwise sum.

        Raises:
            MergeError: the two states have different labels.
        """
        if self.dims != other.dims:
            raise MergeError(f"expected a state with {self.dims}, found one with {other.dims}; merge one run at a time")
        return State(self.dims, {name: self.sums[name] + other.sums[name] for name in self.sums})

    def pack(self) -> NDArray[np.float64]:
        """All statistics as one vector [packed_size(dims)], in the order of `schema.STATISTICS`."""
        return np.concatenate([np.ravel(self.sums[s.name]) for s in STATISTICS])

    @classmethod
    def unpack(cls, dims: Dims, vector: NDArray[np.float64]) -> "State":
        """The inverse of `pack`.

        Raises:
            MergeError: the vector's length does not belong to these dimensions.
        """
        if vector.shape != (packed_size(dims),):
            raise MergeError(f"expected a state of {packed_size(dims)} numbers for {dims}, found shape {vector.shape}")
        shapes = _shapes(dims)
        parts = np.split(vector, np.cumsum([prod(shape) for shape in shapes])[:-1])
        named = zip(STATISTICS, parts, shapes, strict=True)
        return cls(dims, {s.name: part.reshape(shape) for s, part, shape in named})


def packed_size(dims: Dims) -> int:
    """Numbers in a packed state."""
    return sum(map(prod, _shapes(dims)))


@cache
def _shapes(dims: Dims) -> tuple[tuple[int, ...], ...]:
    """Of every statistic, in the order of `schema.STATISTICS`."""
    return tuple(dims.shape(s.dims) for s in STATISTICS)
