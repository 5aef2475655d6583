"""What holds over all heads of the model: how their distances go with entropy and alignment."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.distance import distance
from attnmetrics.metrics.entropy import entropy
from attnmetrics.metrics.family import PAPER, Array, Family, Result, Sums
from attnmetrics.metrics.null import attention_mass
from attnmetrics.metrics.ratios import ratio

CONSTANT: Final = 1e-13
"""Values that vary by less than this, relative to their size, have no correlation."""


def pearson(x: Array, y: Array) -> Array:
    """[…] Pearson's r of x and y [… , head], over the heads that have both.

    NaN for fewer than three heads, or for a constant.
    """
    both = np.isfinite(x) & np.isfinite(y)
    number = both.sum(-1)
    x, y = (_from_mean(np.where(both, values, 0.0), both, number) for values in (x, y))
    covariance, squares = (x * y).sum(-1), (x**2).sum(-1) * (y**2).sum(-1)
    known = (number >= 3) & (squares > 0)
    return np.where(known, np.clip(ratio(covariance, np.sqrt(squares)), -1, 1), np.nan)


def _from_mean(values: Array, both: NDArray[np.bool_], number: NDArray[np.int64]) -> Array:
    """[…, head] differences from the mean over the heads that have both; 0 of the others, and of what is constant."""
    mean = values.sum(-1) / np.maximum(number, 1)
    differences = np.where(both, values - mean[..., None], 0.0)
    is_constant = np.abs(differences).max(-1, initial=0) <= CONSTANT * np.abs(values).max(-1, initial=0)
    return np.where(is_constant[..., None], 0.0, differences)


def _chance_of(r: Array, number: NDArray[np.int64]) -> Array:
    """Two-sided p of r over so many heads: that of normal values without correlation."""
    from scipy.special import betainc  # imported late, for whoever opens finished results

    shape = np.maximum(number / 2 - 1, 0.5)
    return np.asarray(2 * betainc(shape, shape, (1 - np.abs(r)) / 2))


def _alignment(sums: Sums) -> Array:
    return ratio(sums["dependency_sum"].sum(-1), attention_mass(sums))


def _all_heads(table: Array) -> Array:
    """[…, layer × head] from […, layer, head]."""
    return table.reshape(*table.shape[:-2], -1)


def _correlation(other: Callable[[Sums], Array]) -> Callable[[Sums], Array]:
    """R of distance and another metric."""
    return lambda sums: pearson(_all_heads(distance(sums)), _all_heads(other(sums)))


def _p_value(other: Callable[[Sums], Array]) -> Callable[[Sums], Array]:
    """P of this r."""

    def compute(sums: Sums) -> Array:
        x, y = _all_heads(distance(sums)), _all_heads(other(sums))
        return _chance_of(pearson(x, y), (np.isfinite(x) & np.isfinite(y)).sum(-1))

    return compute


def _spread(sums: Sums) -> Array:
    """Of heads that have a distance; NaN for fewer than two."""
    heads = _all_heads(distance(sums))
    number = np.isfinite(heads).sum(-1).astype(np.float64)
    mean = ratio(np.nansum(heads, -1), number)
    squares = np.nansum((heads - mean[..., None]) ** 2, -1)
    return np.sqrt(ratio(squares, np.where(number > 1, number - 1, 0)))


def _result(
    name: str, title: str, formula: str, compute: Callable[[Sums], Array], unit: str = "1", bounded: bool = True
) -> Result:
    return Result(name, (), unit, "score", title, formula, compute, f"{PAPER}, section 4.4", bounded=bounded)


FAMILY: Final = Family(
    "over_heads",
    "Over all heads",
    results=(
        _result(
            "distance_entropy_r", "Correlation of distance and entropy", "Pearson r over heads",
            _correlation(entropy),
        ),
        _result("distance_entropy_p", "p-value of that correlation", "two-sided", _p_value(entropy), bounded=False),
        _result(
            "distance_alignment_r", "Correlation of distance and alignment",
            "Pearson r over heads; alignment in either direction", _correlation(_alignment),
        ),
        _result(
            "distance_alignment_p", "p-value of that correlation", "two-sided", _p_value(_alignment), bounded=False
        ),
        _result("distance_sd", "Standard deviation of head distances", "over heads, n − 1", _spread, "pieces"),
    ),
)  # fmt: skip
