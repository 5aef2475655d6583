"""Which pieces of a unit attend to which: the one place that says it in NumPy.

Kernels that are compiled say it again in their own languages, `loops.reach` and `programs._attends`, `_is_null`.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Index = TypeVar("Index", int, NDArray[np.int64])
"""A piece or a number of pieces, or many of them."""
Pieces = NDArray[np.int64]
"""Pieces, counted in their units, or units' numbers of pieces; arrays of one rule broadcast against each other."""

NOTHING: Final = (0, 0)
"""Where the null pieces between the segments of a unit begin and end that has none."""


def is_between(j: Any, between: Any) -> Any:
    """Whether piece j is from the first to one before the second of these.

    >>> is_between(np.arange(5), (1, 3)).tolist()
    [False, True, True, False, False]
    """
    begin, end = between
    return (j >= begin) & (j < end)


@dataclass(frozen=True, slots=True)
class Attends:
    """What every row may attend to, and what counts of it.

    Piece i *may attend* to piece j where the model looks that way. A column j is *null* where it is one of the unit's
    first or last pieces that take attention for nothing, or of those between its two segments. A pair (i, j) is
    *attendable* where i may attend to j and j is not null.
    """

    causal: bool
    """pieces attend to themselves and earlier ones only"""
    leading: int
    """null columns at the beginning of a unit"""
    trailing: int
    """null columns at its end"""
    between: bool = False
    """the template's pieces between two segments are null too; where they are is known of each unit"""

    def reach(self, i: Index, n: Index) -> Index:
        """How many pieces piece i of a unit of n pieces may attend to: 0 … reach − 1, null ones too.

        >>> Attends(causal=True, leading=1, trailing=0).reach(2, 5)
        3
        """
        return i + 1 if self.causal else n

    def seen_by(self, j: Index, n: Index) -> Index:
        """How many rows of a unit of n pieces may attend to piece j, null or not: the last ones.

        >>> Attends(causal=True, leading=1, trailing=0).seen_by(2, 5)
        3
        """
        return n - j if self.causal else n

    def columns(self, n: Index) -> tuple[int, Index]:
        """The first, and one past the last, of the columns of a unit of n pieces that are not null for being at an end.

        >>> Attends(causal=False, leading=1, trailing=1).columns(np.array([5, 2, 1]))
        (1, array([4, 1, 1]))
        """
        return self.leading, np.maximum(self.leading, n - self.trailing)

    def may_attend(self, i: Pieces, j: Pieces) -> NDArray[np.bool_]:
        """Whether piece i may attend to piece j of its unit, null or not.

        >>> Attends(causal=True, leading=1, trailing=0).may_attend(np.array([0, 2, 1]), np.array([0, 1, 2])).tolist()
        [True, True, False]
        """
        result: NDArray[np.bool_] = (j <= i) | (not self.causal)
        return result

    def is_null(self, j: Pieces, n: Any, between: Any = NOTHING) -> NDArray[np.bool_]:
        """Whether column j of a unit of n pieces is null, given the first and one past the last null piece between.

        >>> Attends(causal=True, leading=1, trailing=1).is_null(np.arange(4), 4).tolist()
        [True, False, False, True]
        """
        result: NDArray[np.bool_] = (j < self.leading) | (j >= n - self.trailing) | is_between(j, between)
        return result

    def pairs(self, i: Pieces, j: Pieces, n: Any) -> NDArray[np.bool_]:
        """Whether the pair (i, j) of a unit of n pieces, none of them null between segments, is attendable.

        >>> Attends(causal=True, leading=1, trailing=0).pairs(np.array([0, 2, 1]), np.array([0, 1, 2]), 3).tolist()
        [False, True, False]
        """
        return self.may_attend(i, j) & ~self.is_null(j, n)

    def count(self, n: Index) -> Index:
        """The number of attendable pairs of a unit of n pieces, none of them null between segments.

        >>> Attends(causal=True, leading=1, trailing=0).count(np.array([1, 2, 3])).tolist()
        [0, 1, 3]
        """
        first, end = self.columns(n)
        columns = end - first
        # Column j of a causal model is attended by the n − j pieces from j on: n − first of the first, n − end + 1 of
        # the last one.
        return columns * (2 * n - first - end + 1) // 2 if self.causal else columns * n
