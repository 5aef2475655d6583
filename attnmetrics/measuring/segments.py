"""The strongest of the pairs that a claim may rest on, unit by unit and head by head.

A *spot* is such a pair; a *segment* is all spots of one claim in one unit. Segments lie end to end.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from attnmetrics.model.align import ranges
from attnmetrics.statistics.claims import BEST

Ints = NDArray[np.int64]


class Chosen(NamedTuple):
    """N pairs (i, j), each the strongest of a claim in a unit and a head."""

    claim: NDArray[Any]
    unit: NDArray[Any]
    """counted in the batch"""
    head: NDArray[Any]
    weight: NDArray[Any]
    i: NDArray[Any]
    j: NDArray[Any]


def nothing() -> Chosen:
    """No pair."""
    return Chosen(*(np.zeros(0, np.float32 if name == "weight" else np.int64) for name in Chosen._fields))


@dataclass(frozen=True, slots=True)
class Segments:
    """S segments of the spots of some units."""

    length: int
    """pieces of the longest unit"""
    start: NDArray[np.int64]
    """[S] the first spot of each segment"""
    claim: NDArray[np.int64]
    """[S]"""
    unit: NDArray[np.int64]
    """[S] counted in the batch"""
    most: int
    """so many of a claim's segments may be among its best: more than `BEST` where a text occurs twice"""

    @classmethod
    def of(cls, length: int, unit: NDArray[Any], claim: NDArray[Any], digests: NDArray[np.uint64]) -> "Segments":
        """The segments of spots with these units [X] and claims [X], those of a segment side by side.

        Args:
            length: pieces of the longest unit.
            unit: of each spot.
            claim: of each spot.
            digests: of the texts of all units.
        """
        new = np.ones(len(unit), np.bool_)
        new[1:] = (unit[1:] != unit[:-1]) | (claim[1:] != claim[:-1])
        start = np.flatnonzero(new)
        repeats = len(digests) - len(np.unique(digests))
        return cls(length, start, claim[start], unit[start], BEST + repeats)

    def choose(self, weight: NDArray[np.float32], places: Ints) -> Chosen:
        """The strongest spot of each segment that may be among its claim's best.

        Args:
            weight: [head, X] of each spot; −inf for none.
            places: [head, X] where they are: i · length + j, less for a smaller (i, j).
        """
        if not len(self.start):
            return nothing()
        strongest = np.maximum.reduceat(weight, self.start, axis=1)  # [head, S]
        head, segment = np.nonzero((strongest >= self._least(strongest)) & (strongest > -np.inf))
        if not len(head):
            return nothing()
        # From here on a row for each segment that is kept of a head, and for each spot of it: the first of equals wins.
        begin, end = self.start[segment], np.append(self.start[1:], weight.shape[1]).astype(np.int64)[segment]
        spot, of = ranges(begin, end), np.repeat(head, end - begin)
        equal = weight[of, spot] == np.repeat(strongest[head, segment], end - begin)
        place = np.where(equal, places[of, spot], self.length**2)
        i, j = np.divmod(np.minimum.reduceat(place, offsets(end - begin)), self.length)
        return Chosen(self.claim[segment], self.unit[segment], head, strongest[head, segment], i, j)

    def _least(self, strongest: NDArray[np.float32]) -> NDArray[np.float32]:
        """[head, S] what a segment's strongest weight must reach to be among the `most` of its claim."""
        units = 1 + int(self.unit.max())
        if units <= self.most:
            return np.full_like(strongest, -np.inf)
        present, code = np.unique(self.claim, return_inverse=True)
        by_unit = np.full((len(strongest), len(present), units), -np.inf, np.float32)
        by_unit[:, code, self.unit] = strongest
        least: NDArray[np.float32] = np.partition(by_unit, units - self.most, axis=2)[..., units - self.most]
        return least[:, code]


def offsets(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of some lists begins that stand end to end: 0 2 5 of the sizes 2 3 4."""
    return np.cumsum(sizes) - sizes
