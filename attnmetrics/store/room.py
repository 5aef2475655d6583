"""Room for many numbers: memory, or a file that nobody sees."""

from math import prod
from tempfile import TemporaryFile
from typing import Final

import numpy as np
from numpy.typing import NDArray

HELD_BYTES: Final = 1 << 29
"""More than this lies in a file: sums of 400 groups of shards of a model with a thousand heads."""


def make_room(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Zeros of this shape."""
    if prod(shape) * 8 <= HELD_BYTES:
        return np.zeros(shape)
    with TemporaryFile() as file:
        return np.memmap(file, np.float64, "w+", shape=shape)
