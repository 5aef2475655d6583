"""How results go together over all heads of the model."""

import numpy as np

from attnmetrics.metrics.reference.distance import Distance
from attnmetrics.metrics.reference.entropy import Entropy
from attnmetrics.metrics.reference.links import Link
from attnmetrics.metrics.reference.sentence import Array, Model, Sentence

QUADRATURE_NODES = 200


class OverHeads:
    """`distance_entropy_r`, `_p`, `distance_alignment_r`, `_p`, `distance_sd`, without dims."""

    def __init__(self, model: Model) -> None:
        self.distance = Distance(model)
        self.entropy = Entropy(model)
        self.dependency = Link(model, "dependency", directions=True)

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the three."""
        for twin in (self.distance, self.entropy, self.dependency):
            twin.add(sentence)

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        distance = self.distance.results()["distance"].ravel()
        entropy = self.entropy.results()["entropy"].ravel()
        either = self.dependency.results()["dependency_alignment"][:, :, 2].ravel()
        entropy_r, entropy_p = pearson(distance, entropy)
        alignment_r, alignment_p = pearson(distance, either)
        found = {
            "distance_entropy_r": entropy_r,
            "distance_entropy_p": entropy_p,
            "distance_alignment_r": alignment_r,
            "distance_alignment_p": alignment_p,
            "distance_sd": deviation(distance),
        }
        return {name: np.array(value) for name, value in found.items()}


def pearson(x: Array, y: Array) -> tuple[float, float]:
    """Pearson's r over the heads that have both, and its two-sided p; NaN for fewer than three, or a constant."""
    both = np.isfinite(x) & np.isfinite(y)
    n = int(np.count_nonzero(both))
    if n < 3:
        return np.nan, np.nan
    dx, dy = x[both] - x[both].mean(), y[both] - y[both].mean()
    if not dx.any() or not dy.any():
        return np.nan, np.nan
    r = float((dx * dy).sum() / np.sqrt((dx**2).sum() * (dy**2).sum()))
    return r, _tail(abs(r), n) / _tail(0.0, n)


def _tail(r: float, n: int) -> float:
    """∫ from r to 1 of (1 − t²)^((n − 4) ÷ 2) dt: without correlation, the density of r, up to a factor.

    With t = sin θ the integrand is cos^(n − 3) θ, smooth for every n ≥ 3.
    """
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE_NODES)
    low, high = np.arcsin(min(r, 1.0)), np.pi / 2
    theta = low + (high - low) * (nodes + 1) / 2
    return float((weights * np.cos(theta) ** (n - 3)).sum() * (high - low) / 2)


def deviation(x: Array) -> float:
    """Standard deviation with n − 1 over the heads that have a value; NaN for fewer than two."""
    finite = x[np.isfinite(x)]
    if len(finite) < 2:
        return np.nan
    return float(np.sqrt(((finite - finite.mean()) ** 2).sum() / (len(finite) - 1)))
