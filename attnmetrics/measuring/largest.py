"""The largest value along a dimension, where it stands, and the second largest; also where values come in blocks."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

NEAR: Final = 1e-5
"""A largest value is in a near tie where the second is smaller by this share of it at most …"""
NEAR_BFLOAT16: Final = 1e-2
"""… or by this, in bfloat16."""


@dataclass(frozen=True, slots=True)
class Largest:
    """Of values that are not negative; all three tensors have the other dimensions."""

    value: Tensor
    index: Tensor
    """of the first of equals"""
    second: Tensor
    """0 where there is only one"""

    @classmethod
    def of(cls, values: Tensor, dim: int) -> "Largest":
        """The largest values along a dimension; `values` are changed for a moment."""
        value, index = values.max(dim, keepdim=True)
        values.scatter_(dim, index, 0)
        second = values.amax(dim)
        values.scatter_(dim, index, value)
        return cls(value.squeeze(dim), index.squeeze(dim), second)

    def before(self, later: "Largest") -> "Largest":
        """Of these values and then others, whose `index` goes on from where these end."""
        replaced = later.value > self.value
        loser = torch.minimum(self.value, later.value)
        return Largest(
            value=torch.maximum(self.value, later.value),
            index=torch.where(replaced, later.index, self.index),
            second=torch.maximum(loser, torch.maximum(self.second, later.second)),
        )

    def part(self, s: int, width: int) -> "Largest":
        """A copy of [s, :, :width] of each."""
        return Largest(*(part[s, :, :width].clone() for part in (self.value, self.index, self.second)))

    def replace(self, s: int, part: "Largest") -> None:
        """Put a `part` back."""
        width = part.value.shape[-1]
        self.value[s, :, :width], self.index[s, :, :width] = part.value, part.index
        self.second[s, :, :width] = part.second

    def swap(self) -> "Largest":
        """The same with the last two dimensions the other way round."""
        return Largest(*(part.transpose(-1, -2) for part in (self.value, self.index, self.second)))

    def is_near_tie(self, tolerance: float) -> Tensor:
        """Whether the second is as large as the largest but for this share of it, and the largest is not 0."""
        return (self.value - self.second <= tolerance * self.value) & (self.value > 0)
