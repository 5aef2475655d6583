"""Attention within single sentences, each in one head, sparse: what is too thin to be seen is left out."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VISIBLE = 0.002
"""Weights below are left out. At this opacity a line changes no pixel of a screen by a whole step of 256, and a row
keeps at most 500 weights, however long its sentence."""


@dataclass(frozen=True, slots=True)
class Traces:
    """The weights α ≥ `VISIBLE` of E sentences, each in a head of its own; null columns included."""

    pieces: NDArray[np.int64]
    """[E] n, pieces of the sentence"""
    sizes: NDArray[np.int64]
    """[E] how many of the N weights are the sentence's, one sentence after the other"""
    i: NDArray[np.int32]
    """[N] attending piece"""
    j: NDArray[np.int32]
    """[N] attended piece; (i, j) ascend within a sentence"""
    weight: NDArray[np.float32]
    """[N] α[i, j]"""

    def __post_init__(self) -> None:
        if len(self.pieces) != len(self.sizes) or {len(self.i), len(self.j), len(self.weight)} != {self.sizes.sum()}:
            raise ValueError("expected as many pieces, i, j and weights as sizes say, found others")

    def split(self) -> Iterator[tuple[int, NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]]:
        """(n, i, j, weight) of each sentence."""
        bounds = np.cumsum(self.sizes)[:-1]
        columns = (np.split(column, bounds) for column in (self.i, self.j, self.weight))
        yield from zip(self.pieces.tolist(), *columns, strict=True)
