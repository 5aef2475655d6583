"""Classical scaling: points in a plane whose distances are as near as can be to given ones.

With D² the squared distances and J = 1 − 1/K, the matrix −½ J D² J holds the scalar products of K points about their
centre; its two largest eigenvalues and their vectors give the plane (Torgerson 1952).
"""

from typing import Final

import numpy as np

from attnmetrics.metrics.family import Array
from attnmetrics.metrics.ratios import ratio

AXES: Final = (0, 1)
EQUAL: Final = 1e-9
"""Components whose sizes differ by less, relative to the largest, are equal."""


def place(squared: Array) -> Array:
    """[…, point, axis] from squared distances […, point, point].

    On each axis the component that is largest in absolute value, the first of equals, is positive. NaN where a distance
    is NaN.
    """
    matrices = squared.reshape(-1, *squared.shape[-2:])
    return np.reshape([_place(one) for one in matrices], (*squared.shape[:-1], len(AXES)))


def explained(squared: Array) -> Array:
    """[axis] how much of all squared distances [point, point] from the centre lies along each; NaN where all are 0."""
    return ratio((place(squared) ** 2).sum(axis=0), np.asarray(np.trace(_products(squared))))


def _place(squared: Array) -> Array:
    from scipy.linalg import eigh  # imported late, for it takes its time

    number = len(squared)
    points = np.zeros((number, len(AXES)))
    if not np.isfinite(squared).all():
        return np.full_like(points, np.nan)
    kept = min(number, len(AXES))
    values, vectors = eigh(_products(squared), subset_by_index=(number - kept, number - 1))
    # The largest first; a single point has one alone.
    points[:, :kept] = (_turn(vectors) * np.sqrt(np.maximum(values, 0)))[:, ::-1]
    return points


def _products(squared: Array) -> Array:
    """−½ J D² J, [point, point]."""
    centred = squared - squared.mean(axis=0)
    return np.asarray(-(centred - centred.mean(axis=1, keepdims=True)) / 2, np.float64)


def _turn(vectors: Array) -> Array:
    """Vectors [component, vector], each with the sign that makes its largest component positive."""
    size = np.abs(vectors)
    first = np.argmax(size >= size.max(axis=0) * (1 - EQUAL), axis=0)
    return np.asarray(vectors * np.where(vectors[first, np.arange(vectors.shape[1])] < 0, -1, 1), np.float64)
