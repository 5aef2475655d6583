"""How sure a number is: what it would be, had other shards of the corpus been drawn.

Shards hold whole documents, so that their sums are independent of one another. A draw takes as many groups of shards as
there are, each any number of times; a number's formula over the sums of a draw is one value that it might have had.
Bounds are widened bias-corrected percentiles of these values (Efron and Tibshirani 1993, chapter 14, without
acceleration; Hesterberg 2015, "What teachers should know about the bootstrap", for the widening).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.family import Array
from attnmetrics.statistics.blocks import each_block

DRAWS: Final = 2000
MOST_GROUPS: Final = 400
"""Shards beyond these join a group that is there: shard k is of group k mod `MOST_GROUPS`."""
UNSURE: Final = 20
"""Bounds from fewer groups are not quite to be trusted."""
LEAST: Final = 8
"""From fewer there are none."""
CONFIDENCE: Final = 0.95
_SEED: Final = 20_191_206
BLOCK: Final = 128
"""Values whose draws are sorted at once: 2 MB."""


def count_draws(groups: int, stream: int = 0) -> Array:
    """[draw, group] how often each draw takes each group: the same for every result and every run of so many groups.

    From raw bits of the generator, which no version of NumPy changes. Draws of another stream are independent of these.
    """
    bits = np.random.PCG64((_SEED, stream)).random_raw(DRAWS * groups).reshape(DRAWS, groups) >> np.uint64(32)
    taken = (bits * np.uint64(groups) >> np.uint64(32)).astype(np.int64)
    places = taken + groups * np.arange(DRAWS)[:, None]
    return np.bincount(places.ravel(), minlength=DRAWS * groups).reshape(DRAWS, groups).astype(np.float64)


def find_bounds(draws: Array, values: Array, groups: NDArray[np.int64], confidence: float = CONFIDENCE) -> Array:
    """[…, bound] lowest and highest that a value may be.

    The percentiles are Φ(2z₀ ± √(n ÷ (n − 1))·t) of those draws that have a value, linearly interpolated; t is
    Student's for n − 1 degrees of freedom, n the groups with evidence, z₀ = Φ⁻¹(share of draws below the value, equal
    ones by half). Where no draw, or every one, is below, as if half a draw were.

    Args:
        draws: […, draw] of each value; NaN for those without evidence.
        values: […] of the whole run.
        groups: […] that have evidence for it.
        confidence: how often bounds are to hold the true value.

    Returns:
        the value itself, twice, where all draws are equal; NaN where it is NaN, or under `LEAST` groups are evidence.
    """
    rows, whole, number = draws.reshape(-1, draws.shape[-1]), values.reshape(-1), groups.reshape(-1)
    found = np.full((values.size, 2), np.nan)
    known = np.flatnonzero(~np.isnan(whole) & (number >= LEAST))

    def bound(block: slice) -> None:
        at = known[block]
        found[at] = _bounds(rows[at], whole[at], number[at], confidence)

    each_block(bound, len(known), BLOCK)
    return found.reshape(*values.shape, 2)


def _bounds(draws: Array, values: Array, groups: NDArray[np.int64], confidence: float) -> Array:
    """[value, bound] of draws [value, draw]; of values in none of the draws, NaN."""
    draws = np.sort(draws, axis=-1)  # NaN last
    number = (~np.isnan(draws)).sum(-1)
    last = np.maximum(number - 1, 0)[:, None]
    are_equal = draws[:, :1] == np.take_along_axis(draws, last, -1)
    shares = _shares(draws, number, values, groups, confidence)
    return np.where(are_equal, values[:, None], _percentiles(draws, last, shares))


def _shares(draws: Array, number: NDArray[np.int64], values: Array, groups: NDArray[np.int64], level: float) -> Array:
    """[value, bound] which percentiles are the bounds, from 0 to 1."""
    from scipy.special import ndtr, ndtri, stdtrit  # takes long to import, and to read a run's state needs none of it

    most = np.maximum(number, 1)
    below = ((draws < values[:, None]).sum(-1) + (draws == values[:, None]).sum(-1) / 2) / most
    bias = ndtri(np.clip(below, 0.5 / most, 1 - 0.5 / most))
    reach = np.sqrt(groups / (groups - 1)) * stdtrit(groups - 1, (1 + level) / 2)
    return np.asarray(ndtr(2 * bias[:, None] + reach[:, None] * np.array([-1.0, 1.0])))


def _percentiles(draws: Array, last: NDArray[np.int64], shares: Array) -> Array:
    """[value, bound] of sorted draws [value, draw], up to the last [value, 1] that counts."""
    place = shares * last
    before = np.floor(place).astype(np.int64)
    after = np.minimum(before + 1, last)
    low, high = (np.take_along_axis(draws, at, -1) for at in (before, after))
    return np.asarray(low + (place - before) * (high - low))


def rank_heads(values: Array) -> Array:
    """[head, …] rank of each head, 1 for the highest; equals share the mean of their ranks, NaN has none.

    >>> rank_heads(np.array([0.1, 0.7, np.nan, 0.1])).tolist()
    [2.5, 1.0, nan, 2.5]
    """
    order = np.argsort(-values, axis=0, kind="stable")  # NaN last
    ordered = np.take_along_axis(values, order, 0)
    begins = np.ones(values.shape, bool)
    begins[1:] = ordered[1:] != ordered[:-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, _middles(begins), 0)
    return np.where(np.isnan(values), np.nan, ranks)


def _middles(begins: NDArray[np.bool_]) -> Array:
    """[head, …] the mean rank of the equals that each is among, where equals stand together, the first of them marked.

    >>> _middles(np.array([True, True, False, True])).tolist()
    [1.0, 2.5, 2.5, 4.0]
    """
    rank = np.cumsum(np.ones(begins.shape), axis=0)
    first = np.maximum.accumulate(np.where(begins, rank, 1), axis=0)
    ends = np.roll(begins, -1, axis=0)
    last = np.minimum.accumulate(np.where(ends, rank, len(begins))[::-1], axis=0)[::-1]
    return np.asarray((first + last) / 2)
