"""Groups of points that lie close together: average linkage, cut where the groups are told apart best."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.family import Array

MOST_CLUSTERS: Final = 20
EQUAL: Final = 1e-12
"""Silhouettes that differ by less are equal."""

Groups = NDArray[np.int64]
"""[point] the number of its group."""


def find_clusters(distance: Array) -> Array:
    """[point] groups by distances [point, point], numbered from 0 by size, then by their first point.

    Average linkage, cut into the number of groups, from 2 to `MOST_CLUSTERS` and fewer than the points, whose mean
    silhouette is the largest, the smallest such number of equals. NaN for fewer than three points, or where a distance
    is NaN.
    """
    points = len(distance)
    if points < 3 or not np.isfinite(distance).all():
        return np.full(points, np.nan)
    best, most = np.zeros(points, np.int64), -np.inf
    for groups in _cuts(distance):
        mean = float(silhouettes(distance, groups).mean())
        if mean > most + EQUAL:
            best, most = groups, mean
    return renumber(best).astype(np.float64)


def silhouettes(distance: Array, groups: Groups) -> Array:
    """[point] (b − a) ÷ max(a, b) (Rousseeuw 1987): a, b the mean distance to the own group and to the nearest other.

    0 for a point that is alone in its group, or has no distance to any other.
    """
    points = np.arange(len(distance))
    belongs = (groups[:, None] == np.arange(groups.max() + 1)).astype(np.float64)
    size = belongs.sum(axis=0)
    total = distance @ belongs
    own = total[points, groups] / np.maximum(size[groups] - 1, 1)
    others = total / size
    others[points, groups] = np.inf
    other = others.min(axis=1)
    larger = np.maximum(own, other)
    return np.where((size[groups] > 1) & (larger > 0), (other - own) / np.where(larger > 0, larger, 1), 0.0)


def _cuts(distance: Array) -> Iterator[Groups]:
    """The points in 2 groups, in 3, and so on."""
    from scipy.cluster.hierarchy import cut_tree, linkage  # imported late, for it takes its time
    from scipy.spatial.distance import squareform

    tree = linkage(squareform(distance, checks=False), "average")
    numbers = np.arange(2, min(MOST_CLUSTERS, len(distance) - 1) + 1)
    yield from cut_tree(tree, numbers).T.astype(np.int64)


def renumber(groups: Groups) -> Groups:
    """The same groups, the largest first, of equals that with the first point.

    Example: 4 4 2 2 2 becomes 1 1 0 0 0.
    """
    _, first, group, size = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -size))
    return np.asarray(np.argsort(order)[group], np.int64)
