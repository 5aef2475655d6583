"""Classical scaling: points in a plane whose distances are as near as can be to given ones.

With D² the squared distances and J = 1 − 1/K, the matrix −½ J D² J holds the scalar products of K points about their
centre; its two largest eigenvalues and their vectors give the plane (Torgerson 1952).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

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
    known, products = _products(squared)
    values, vectors = np.linalg.eigh(products)
    # The two largest, descending; a single point has one.
    values, vectors = values[..., : -len(AXES) - 1 : -1], vectors[..., : -len(AXES) - 1 : -1]
    points = _turn(vectors) * np.sqrt(np.maximum(values, 0))[..., None, :]
    missing = len(AXES) - points.shape[-1]
    padded = np.concatenate([points, np.zeros((*points.shape[:-1], missing))], axis=-1)
    return np.where(known[..., None, None], padded, np.nan)


def explained(squared: Array) -> Array:
    """[…, axis] how much of all squared distances from the centre lies along each axis; NaN where there is none."""
    points = place(squared)
    _, products = _products(squared)
    return ratio((points**2).sum(axis=-2), np.trace(products, axis1=-2, axis2=-1)[..., None])


def _products(squared: Array) -> tuple[NDArray[np.bool_], Array]:
    """Whether all distances are known […], and −½ J D² J […, point, point], 0 where they are not."""
    known = np.asarray(np.isfinite(squared).all(axis=(-2, -1)))
    centred = np.where(known[..., None, None], squared, 0)
    for axis in (-2, -1):
        centred = centred - centred.mean(axis=axis, keepdims=True)
    return known, -centred / 2


def _turn(vectors: Array) -> Array:
    """Vectors […, component, vector], each with the sign that makes its largest component positive."""
    size = np.abs(vectors)
    first = np.argmax(size >= size.max(axis=-2, keepdims=True) * (1 - EQUAL), axis=-2)
    largest = np.take_along_axis(vectors, first[..., None, :], axis=-2)
    return vectors * np.where(largest < 0, -1, 1)
