"""The best of many, chosen on each half of the corpus and scored on the other.

Counts have the dimensions […, half, a, b]: any in front, such as shards, layers and heads, and two behind.
"""

from typing import Final

import numpy as np

from attnmetrics.metrics.family import Array
from attnmetrics.metrics.ratios import ratio

HALVES: Final = (0, 1)
LEAST: Final = 20
"""Cases that each half must have for a best of many to be named."""


def of_all_heads(hits: Array) -> Array:
    """[…, layer × head, half, a, b] of […, layer, head, half, a, b]."""
    return hits.reshape(*hits.shape[:-5], -1, *hits.shape[-3:])


def held_out(hits: Array, cases: Array) -> Array:
    """Accuracy of what is best on one half, on the other half, hits of the two added.

    Args:
        hits: […, candidate, half, a, b] of each candidate.
        cases: […, half, a, b] that there are.

    Returns:
        […, a, b]; NaN where a half has fewer cases than `LEAST`.

    Example: of 30 cases in each half, candidate 0 hits 20 and 10, candidate 1 hits 19 and 12: 0 is the best of the
    first half, 1 of the second, and the accuracy is (10 + 19) ÷ 60.
    """
    best = hits.argmax(-4, keepdims=True)  # […, 1, half, a, b]
    on_the_other = np.take_along_axis(hits, best[..., ::-1, :, :], -4)[..., 0, :, :, :]
    return _where_enough(ratio(on_the_other.sum(-3), cases.sum(-3)), cases)


def best(hits: Array, cases: Array, names: Array) -> Array:
    """[…, a, b] the name of the candidate that hits most in both halves, the first of equals; NaN as in `held_out`."""
    return _where_enough(names[hits.sum(-3).argmax(-3)], cases)


def best_layer(hits: Array, cases: Array, layers: Array) -> Array:
    """[…, a, b] the layer of the head that hits most (see `best`), given hits […, layer, head, half, a, b]."""
    return best(of_all_heads(hits), cases, np.repeat(layers, hits.shape[-4]))


def best_head(hits: Array, cases: Array) -> Array:
    """[…, a, b] the number of that head in its layer."""
    layers, heads = hits.shape[-5:-3]
    return best(of_all_heads(hits), cases, np.tile(np.arange(float(heads)), layers))


def _where_enough(values: Array, cases: Array) -> Array:
    """[…, a, b] values; NaN where a half has fewer cases than `LEAST`."""
    return np.where(cases.min(-3) >= LEAST, values, np.nan)
