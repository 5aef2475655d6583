"""How alike two heads attend, a map of all heads, and groups of them: by loops, from the definitions."""

from collections.abc import Sequence
from itertools import combinations
from math import log, sqrt

import numpy as np

from attnmetrics.metrics.reference.sentence import Array, Model, Sentence
from attnmetrics.metrics.reference.sums import over

MOST_CLUSTERS = 20
POWER_STEPS = 200_000


class Similarity:
    """`head_distance`, `head_map`, `head_cluster`, `layer_distance`, `similarity_rows`.

    Over every row but row 0 of causal models.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.heads = [(layer, head) for layer in range(model.layers) for head in range(model.heads)]
        self.total = np.zeros((len(self.heads), len(self.heads)))
        self.rows = np.zeros(())

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the sums."""
        rows = [i for i in sentence.pieces if i or not self.model.causal]
        for a, b in combinations(range(len(self.heads)), 2):
            p, q = (sentence.alpha[self.heads[head]][rows] for head in (a, b))
            self.total[a, b] += divergence(p, q)
            self.total[b, a] = self.total[a, b]
        self.rows += len(rows)

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        grid = self.model.layers, self.model.heads
        distance = over(self.total, np.broadcast_to(self.rows, self.total.shape))
        return {
            "head_distance": distance.reshape(*grid, *grid),
            "head_map": map_of(distance).reshape(*grid, 2),
            "head_cluster": clusters_of(np.sqrt(distance)).reshape(grid),
            "layer_distance": self._layers(distance),
            "similarity_rows": self.rows,
        }

    def _layers(self, distance: Array) -> Array:
        found = np.full((self.model.layers, self.model.layers), np.nan)
        for layer in range(self.model.layers):
            for other in range(self.model.layers):
                own = [a for a, (one, _) in enumerate(self.heads) if one == layer]
                others = [b for b, (one, _) in enumerate(self.heads) if one == other]
                values = [distance[a, b] for a in own for b in others if a != b]
                if values:
                    found[layer, other] = sum(values) / len(values)
        return found


def divergence(p: Array, q: Array) -> float:
    """Σ of the Jensen-Shannon divergences of the rows of p and q [row, column], nats; 0 · ln 0 = 0."""
    m = (p + q) / 2
    total = 0.0
    for one in (p, q):
        some = one > 0
        total += float((one[some] * np.log(one[some] / m[some])).sum()) / 2
    return total


def divergence_of_rows(p: Sequence[float], q: Sequence[float]) -> float:
    """The Jensen-Shannon divergence of two rows, number by number."""
    total = 0.0
    for x, y in zip(p, q, strict=True):
        m = (x + y) / 2
        total += x * log(x / m) / 2 if x > 0 else 0.0
        total += y * log(y / m) / 2 if y > 0 else 0.0
    return total


def map_of(distance: Array) -> Array:
    """[point, 2] the points of the plane that holds most of squared distances [point, point], by power iteration."""
    number = len(distance)
    if np.isnan(distance).any():
        return np.full((number, 2), np.nan)
    row = distance.mean(axis=0)
    products = -(distance - row[:, None] - row[None, :] + distance.mean()) / 2
    found = np.zeros((number, 2))
    for axis in range(2):
        value, vector = _largest(products)
        found[:, axis] = sqrt(max(value, 0.0)) * _signed(vector)
        products = products - value * np.outer(vector, vector)
    return found


def _largest(products: Array) -> tuple[float, Array]:
    """The largest eigenvalue of a matrix without a negative one worth the name, and its vector."""
    vector = np.random.default_rng(0).normal(size=len(products))
    for _ in range(POWER_STEPS):
        turned = products @ vector
        length = float(np.linalg.norm(turned))
        if length < 1e-14:
            return 0.0, vector / np.linalg.norm(vector)
        moved = float(np.abs(turned / length - vector).max())
        vector = turned / length
        if moved < 1e-15:
            break
    return float(vector @ products @ vector), vector


def _signed(vector: Array) -> Array:
    sizes = [abs(x) for x in vector.tolist()]
    first = next(n for n, size in enumerate(sizes) if size >= max(sizes) * (1 - 1e-9))
    return -vector if vector[first] < 0 else vector


def clusters_of(distance: Array) -> Array:
    """[point] groups by distances [point, point]: the two with the least mean distance of their points are joined."""
    number = len(distance)
    found = np.full(number, np.nan)
    if number < 3 or np.isnan(distance).any():
        return found
    groups = [[point] for point in range(number)]
    cuts: dict[int, list[list[int]]] = {}
    while len(groups) > 2:
        pairs = combinations(range(len(groups)), 2)
        a, b = min(pairs, key=lambda pair: _between(distance, groups[pair[0]], groups[pair[1]]))
        groups = [group for n, group in enumerate(groups) if n not in (a, b)] + [groups[a] + groups[b]]
        cuts[len(groups)] = groups
    scores = {k: _silhouette(distance, cuts[k]) for k in range(2, min(MOST_CLUSTERS, number - 1) + 1)}
    best = min(scores, key=lambda k: (-round(scores[k], 12), k))
    for n, group in enumerate(sorted(cuts[best], key=lambda group: (-len(group), min(group)))):
        found[group] = n
    return found


def _between(distance: Array, ones: Sequence[int], others: Sequence[int]) -> float:
    return sum(float(distance[a, b]) for a in ones for b in others) / (len(ones) * len(others))


def _silhouette(distance: Array, groups: Sequence[Sequence[int]]) -> float:
    """The mean over points of (b − a) ÷ max(a, b); 0 for one alone."""
    found = []
    for group in groups:
        for point in group:
            own = [float(distance[point, other]) for other in group if other != point]
            near = min(_between(distance, [point], other) for other in groups if other is not group)
            mean = sum(own) / len(own) if own else 0.0
            found.append((near - mean) / max(near, mean) if own and max(near, mean) > 0 else 0.0)
    return sum(found) / len(found)
