"""Pairs of things, each once: a triangle of numbers and the square that it stands for."""

import numpy as np

from attnmetrics.metrics.family import Array


def count_pairs(number: int) -> int:
    """How many pairs of different ones there are among so many.

    >>> count_pairs(4)
    6
    """
    return number * (number - 1) // 2


def square(triangle: Array, number: int) -> Array:
    """[…, one, other] from […, pair], in the order (0, 1), (0, 2), …, (1, 2), …; 0 between each and itself.

    >>> square(np.array([1.0, 2.0, 3.0]), 3).tolist()
    [[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]]
    """
    one, other = np.triu_indices(number, 1)
    found = np.zeros((*triangle.shape[:-1], number, number))
    found[..., one, other] = found[..., other, one] = triangle
    return found
