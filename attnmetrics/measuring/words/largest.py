"""The largest of values that are not negative, where it stands, and the second largest."""

from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from attnmetrics.measuring.words import loops

NEAR: Final = 1e-5
"""A largest value is in a near tie where the second is smaller by this share of it at most …"""
NEAR_BFLOAT16: Final = 1e-2
"""… or by this, in bfloat16."""

Ints = NDArray[np.int64]


class Largest(NamedTuple):
    """All three arrays have one shape; 0 stands for none."""

    value: NDArray[Any]
    where: Ints
    """of the first of equals"""
    second: NDArray[Any]

    @classmethod
    def none(cls, *shape: int, dtype: Any = np.float32) -> "Largest":
        """Before the first value."""
        return cls(np.zeros(shape, dtype), np.zeros(shape, np.int64), np.zeros(shape, dtype))

    @classmethod
    def of_rows(cls, values: NDArray[Any], end: Ints) -> "Largest":
        """[R, head]: of the first `end` [R] of each row of values [R, head, W]."""
        found = cls.none(*values.shape[:2], dtype=values.dtype)
        loops.find_in_rows(values, end, found)
        return found

    @classmethod
    def among(cls, values: NDArray[Any], start: Ints, column: Ints) -> "Largest":
        """[R, head]: of the columns column[start[r]] … column[start[r + 1] − 1] of each row of values [R, head, W]."""
        found = cls.none(*values.shape[:2], dtype=values.dtype)
        loops.find_among(values, start, column, found)
        return found

    def is_near_tie(self, tolerance: float) -> NDArray[np.bool_]:
        """Whether the second is as large as the largest but for this share of it, and the largest is not 0."""
        near: NDArray[np.bool_] = (self.value - self.second <= tolerance * self.value) & (self.value > 0)
        return near


def nearness(dtype: torch.dtype) -> float:
    """What is a near tie for a model of this precision."""
    return NEAR_BFLOAT16 if dtype == torch.bfloat16 else NEAR
