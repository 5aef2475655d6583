"""A shard's state: every sum, as one value that merges.

Laws (tested): `merge(zero, a) == a`; `merge` is associative and commutative up to float64 rounding;
`state(a ∪ b) == merge(state(a), state(b))` up to rounding for disjoint sets of sentences.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from attnmetrics.errors import MergeError


class Layout(Protocol):
    """What a state holds; `metrics.schema.Schema` is one."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of each sum, in order."""

    @property
    def digest(self) -> str:
        """The same for states that may be added."""


@dataclass(frozen=True, slots=True)
class State:
    """Sums by name, float64."""

    layout: Layout
    sums: Mapping[str, NDArray[np.float64]]

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return self.sums[name]

    @classmethod
    def zero(cls, layout: Layout) -> "State":
        """The identity of `merge`."""
        return cls(layout, {name: np.zeros(shape) for name, shape in layout.shapes.items()})

    def merge(self, other: "State") -> "State":
        """Elementwise sum.

        Raises:
            MergeError: the two states are of different schemas.
        """
        if self.layout.digest != other.layout.digest:
            raise MergeError(
                f"expected a state of the schema {self.layout.digest}, found one of {other.layout.digest}, with other "
                "layers, heads, labels, links or names; merge one run at a time"
            )
        return State(self.layout, {name: self.sums[name] + other.sums[name] for name in self.sums})

    def pack(self) -> NDArray[np.float64]:
        """All sums as one vector, in the order of the layout."""
        return np.concatenate([np.ravel(self.sums[name]) for name in self.layout.shapes])

    @classmethod
    def unpack(cls, layout: Layout, vector: NDArray[np.float64]) -> "State":
        """The inverse of `pack`.

        Raises:
            MergeError: the vector's length does not belong to this layout.
        """
        sizes = [prod(shape) for shape in layout.shapes.values()]
        if vector.shape != (sum(sizes),):
            raise MergeError(
                f"expected a state of {sum(sizes)} numbers, found one of shape {vector.shape}; another version of "
                "attnmetrics may have made it"
            )
        parts = np.split(vector, np.cumsum(sizes)[:-1])
        named = zip(layout.shapes.items(), parts, strict=True)
        return cls(layout, {name: part.reshape(shape) for (name, shape), part in named})
