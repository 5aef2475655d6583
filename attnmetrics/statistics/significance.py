"""Whether a difference is more than chance: p from draws of it, and q, the share of false ones among all so clear.

Benjamini and Hochberg 1995 for q: of the heads with q below 0.05, no more than one in twenty, on average, is one that
does not differ.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.family import Array
from attnmetrics.statistics.bootstrap import LEAST

LEAST_DRAWS: Final = 20
"""With fewer on either side of 0, their number says little, and p comes from the draws' standard deviation."""


def find_p(draws: Array, values: Array, groups: NDArray[np.int64]) -> Array:
    """[…] two-sided p of differences.

    2(b + 1) ÷ (B + 1), B draws and b of them on that side of 0 where there are fewer, those at 0 among them; where
    fewer than `LEAST_DRAWS` lie on one of the sides, 2·T(−|difference| ÷ standard deviation of the draws), T Student's
    distribution of n − 1 degrees of freedom.

    Args:
        draws: […, draw] of each difference; NaN for those without evidence.
        values: […] differences of the whole.
        groups: […] n, that have evidence for it.

    Returns:
        NaN where the difference is NaN, or under `LEAST` groups are evidence.
    """
    number = (~np.isnan(draws)).sum(-1)
    below, above = (draws < 0).sum(-1), (draws > 0).sum(-1)
    at_zero = number - below - above
    fewer = np.minimum(below, above)
    counted = 2 * (fewer + at_zero + 1) / (number + 1)
    known = ~np.isnan(values) & (groups >= LEAST) & (number > 0)
    found = np.where(known, counted, np.nan)
    rare = known & (fewer < LEAST_DRAWS)
    found[rare] = _by_spread(draws[rare], values[rare], groups[rare], number[rare])
    return np.minimum(found, 1.0)


def _by_spread(draws: Array, values: Array, groups: NDArray[np.int64], number: NDArray[np.int64]) -> Array:
    """[…] p by Student's distribution; draws that do not vary leave no doubt whether there is a difference."""
    from scipy.special import stdtr  # takes long to import, and most of the program needs none of it

    mean = np.nansum(draws, -1) / number
    spread = np.sqrt(np.nansum((draws - mean[..., None]) ** 2, -1) / number)
    size = np.abs(values)
    is_sure = np.where(size > 0, np.inf, 0.0)
    distance = np.divide(size, spread, out=is_sure, where=spread > 0)
    return np.asarray(2 * stdtr(groups - 1.0, -distance))


def find_q(p: Array) -> Array:
    """[test, …] q of p, over the tests of each column that have one.

    >>> find_q(np.array([0.01, 0.02, np.nan, 0.5])).round(3).tolist()
    [0.03, 0.03, nan, 0.5]
    """
    last = np.where(np.isnan(p), np.inf, p)
    order = np.argsort(last, axis=0, kind="stable")
    number = np.maximum((~np.isnan(p)).sum(0), 1)
    rank = np.arange(1, len(p) + 1).reshape(-1, *(1 for _ in p.shape[1:]))
    stepped = np.take_along_axis(last, order, 0) * number / rank
    lowest = np.minimum.accumulate(stepped[::-1], axis=0)[::-1]  # of this test and of all that are less clear
    found = np.empty_like(lowest)
    np.put_along_axis(found, order, lowest, 0)
    return np.where(np.isnan(p), np.nan, found)
