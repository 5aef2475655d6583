"""What holds over all heads of the model: how their distances go with entropy and alignment."""

from collections.abc import Callable
from typing import Final

import numpy as np

from attnmetrics.metrics.distance import distance
from attnmetrics.metrics.entropy import entropy
from attnmetrics.metrics.family import PAPER, Array, Family, Result, Sums
from attnmetrics.metrics.null import attention_mass
from attnmetrics.metrics.ratios import ratio

CONSTANT: Final = 1e-13
"""Values that vary by less than this, relative to their size, have no correlation."""


def pearson(x: Array, y: Array) -> tuple[float, float]:
    """Pearson's r of two lists [head] and its two-sided p over the heads that have both.

    NaN for fewer than three heads, or for a constant.
    """
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < 3 or _is_constant(x) or _is_constant(y):
        return np.nan, np.nan
    from scipy.stats import pearsonr  # imported late: it takes as long as all the rest that opens finished results

    r, p = pearsonr(x, y)
    return float(r), float(p)


def _is_constant(x: Array) -> bool:
    return bool(np.ptp(x) <= CONSTANT * np.max(np.abs(x)))


def _alignment(sums: Sums) -> Array:
    return ratio(sums["dependency_sum"].sum(-1), attention_mass(sums))


def _all_heads(table: Array) -> Array:
    """[…, layer × head] from […, layer, head]."""
    return table.reshape(*table.shape[:-2], -1)


def _correlation(other: Callable[[Sums], Array], part: int) -> Callable[[Sums], Array]:
    """R (part 0) or p (part 1) of distance and another metric."""

    def compute(sums: Sums) -> Array:
        x, y = _all_heads(distance(sums)), _all_heads(other(sums))
        # A row for each of the leading dimensions, such as shards.
        rows = zip(x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1]), strict=True)
        return np.array([pearson(*row)[part] for row in rows]).reshape(x.shape[:-1])

    return compute


def _spread(sums: Sums) -> Array:
    """Of heads that have a distance; NaN for fewer than two."""
    heads = _all_heads(distance(sums))
    number = np.isfinite(heads).sum(-1).astype(np.float64)
    mean = ratio(np.nansum(heads, -1), number)
    squares = np.nansum((heads - mean[..., None]) ** 2, -1)
    return np.sqrt(ratio(squares, np.where(number > 1, number - 1, 0)))


def _result(name: str, title: str, formula: str, compute: Callable[[Sums], Array], unit: str = "1") -> Result:
    return Result(name, (), unit, "score", title, formula, compute, f"{PAPER}, section 4.4")


FAMILY: Final = Family(
    "over_heads",
    "Over all heads",
    results=(
        _result(
            "distance_entropy_r", "Correlation of distance and entropy", "Pearson r over heads",
            _correlation(entropy, 0),
        ),
        _result("distance_entropy_p", "p-value of that correlation", "two-sided", _correlation(entropy, 1)),
        _result(
            "distance_alignment_r", "Correlation of distance and alignment",
            "Pearson r over heads; alignment in either direction", _correlation(_alignment, 0),
        ),
        _result("distance_alignment_p", "p-value of that correlation", "two-sided", _correlation(_alignment, 1)),
        _result("distance_sd", "Standard deviation of head distances", "over heads, n − 1", _spread, "pieces"),
    ),
)  # fmt: skip
