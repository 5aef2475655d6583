"""The strongest of the pairs that a claim may rest on, unit by unit and head by head.

A *segment* is all pairs of one claim in one unit.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from attnmetrics.statistics.claims import BEST

Ints = NDArray[np.int64]
NEAR: Final = 1e-4
"""Two weights that differ by this share of them may be the other way round once they are weighed in float64."""


class Chosen(NamedTuple):
    """N pairs (i, j), each the strongest of a claim in a unit and a head."""

    claim: NDArray[Any]
    unit: NDArray[Any]
    """counted in the batch"""
    head: NDArray[Any]
    weight: NDArray[Any]
    i: NDArray[Any]
    j: NDArray[Any]

    def take(self, chosen: NDArray[np.bool_]) -> "Chosen":
        """Those of the pairs [N]."""
        return Chosen(*(column[chosen] for column in self))


@dataclass(frozen=True, slots=True)
class Strongest:
    """The strongest pair of each of S segments, so far."""

    weight: NDArray[np.float32]
    """[head, S] −inf for none"""
    place: Ints
    """[head, S] where it is: i · length + j, less for a smaller (i, j)"""


@dataclass(frozen=True, slots=True)
class Segments:
    """The S segments of some units."""

    length: int
    """pieces of the longest unit"""
    units: int
    keys: Ints
    """[S] claim · units + unit, ascending"""
    most: int
    """so many of a claim's segments may be among its best: more than `BEST` where a text occurs twice"""

    @classmethod
    def of(cls, length: int, digests: NDArray[np.uint64], pairs: list[tuple[Ints, Ints]]) -> "Segments":
        """The segments of pairs.

        Args:
            length: pieces of the longest unit.
            digests: of the texts of all units.
            pairs: claims and units, of the same shape, of some pairs each.
        """
        repeats = len(digests) - len(np.unique(digests))
        keys = [np.zeros(0, np.int64), *((claim * len(digests) + unit).ravel() for claim, unit in pairs)]
        return cls(length, len(digests), np.unique(np.concatenate(keys)), BEST + repeats)

    def find(self, claim: Ints, unit: Ints) -> Ints:
        """The segment of each pair of a claim in a unit."""
        return np.searchsorted(self.keys, claim * self.units + unit)

    def start(self, heads: int) -> Strongest:
        """Before the first pair."""
        shape = (heads, len(self.keys))
        return Strongest(np.full(shape, -np.inf, np.float32), np.zeros(shape, np.int64))

    def choose(self, strongest: Strongest) -> Chosen:
        """The strongest pair of each segment that may be among its claim's best."""
        weight, place = strongest.weight, strongest.place
        claim, unit = np.divmod(self.keys, self.units)
        least = self._least(weight, claim, unit)
        head, segment = np.nonzero((weight >= least - NEAR * np.abs(least)) & (weight > -np.inf))
        i, j = np.divmod(place[head, segment], self.length)
        return Chosen(claim[segment], unit[segment], head, weight[head, segment], i, j)

    def _least(self, weight: NDArray[np.float32], claim: Ints, unit: Ints) -> NDArray[np.float32]:
        """[head, S] what a segment's strongest weight must reach to be among the `most` of its claim."""
        if self.units <= self.most:
            return np.full_like(weight, -np.inf)
        present, code = np.unique(claim, return_inverse=True)
        by_unit = np.full((len(weight), len(present), self.units), -np.inf, np.float32)
        by_unit[:, code, unit] = weight
        last = self.units - self.most
        least: NDArray[np.float32] = np.partition(by_unit, last, axis=2)[..., last]
        return least[:, code]
