"""The strongest of the pairs that a claim may rest on, unit by unit and head by head.

A *segment* is all pairs of one claim in one unit.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from attnmetrics.measuring.strongest import loops
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
    i: NDArray[Any]
    j: NDArray[Any]
    weight: NDArray[np.float32]


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

    def choose(self, found: Strongest, least: NDArray[np.float32]) -> Chosen:
        """The strongest pair of each segment that may be among its claim's best.

        Args:
            found: those of all segments.
            least: [claim, head] what a weight must reach in any case.
        """
        claim, unit = np.divmod(self.keys, self.units)
        claims, first = np.unique(claim, return_index=True)
        chosen = np.empty(found.weight.shape, np.bool_)
        loops.choose(found.weight, np.append(first, len(claim)), least[claims], self.most, 1 - NEAR, chosen)
        head, segment = np.nonzero(chosen)
        i, j = np.divmod(found.place[head, segment], self.length)
        return Chosen(claim[segment], unit[segment], head, i, j, found.weight[head, segment])
