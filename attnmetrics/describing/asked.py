"""What limits ask of a score, as arrays [layer, head, detail]; −∞ where they ask for nothing."""

from collections.abc import Sequence

import numpy as np

from attnmetrics.describing.finding import LEAST_VARIANCE
from attnmetrics.describing.rules import Limits
from attnmetrics.describing.tables import Array


def least(limits: Limits, chance: Array, number: Array) -> Array:
    """Of a score: the highest of what limits ask for, with its chance level and the number of its cases."""
    asked: list[Array | float | None] = [limits.at_least]
    if limits.above_chance is not None:
        asked.append(chance + limits.above_chance)
    if limits.times_chance is not None:
        asked.append(chance * limits.times_chance)
    if limits.errors is not None:
        spread = np.maximum(chance * (1 - chance), LEAST_VARIANCE)
        with np.errstate(divide="ignore", invalid="ignore"):
            asked.append(chance + limits.errors * np.sqrt(spread / number))
    return _highest(asked, chance)


def least_low(limits: Limits, chance: Array) -> Array:
    """Of the lower bound of a score's interval."""
    from_chance = None if limits.low_above_chance is None else chance + limits.low_above_chance
    return _highest([limits.low_at_least, from_chance], chance)


def _highest(asked: Sequence[Array | float | None], like: Array) -> Array:
    """The highest of what is asked for; −∞ where nothing is."""
    found = [np.broadcast_to(np.asarray(one, np.float64), like.shape) for one in asked if one is not None]
    return np.asarray(np.maximum.reduce([np.full(like.shape, -np.inf), *found]))
