"""From sums to results: quotients, per head and per layer."""

from collections.abc import Callable

import numpy as np

from attnmetrics.metrics.reference.sentence import Array


def over(numerator: Array, denominator: Array) -> Array:
    """A quotient; NaN where there is no evidence."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, np.divide(numerator, denominator), np.nan)


def with_layers(formula: Callable[..., dict[str, Array]], *sums: Array) -> dict[str, Array]:
    """What a formula makes of sums [layer, head, …], and, by layer, of their sums over its heads."""
    of_heads = formula(*sums)
    of_layers = formula(*(each.sum(axis=1) for each in sums))
    return {**of_heads, **{f"{name}_by_layer": value for name, value in of_layers.items()}}
