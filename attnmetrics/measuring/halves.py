"""Halves of a corpus: what is chosen on one is scored on the other. The one place that says which half a unit is in.

The half is the parity of the hash of the unit's document (see `sampling.sample_hash`): no document is in both.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from attnmetrics.model.units import Units
from attnmetrics.statistics.sampling import sample_hash

HALVES = 2


def find_halves(units: Units, seed: int) -> NDArray[np.int64]:
    """[S] the half of each unit, 0 or 1."""
    half = cache(lambda document: sample_hash(seed, document) % HALVES)
    return np.fromiter(map(half, units.document), np.int64, len(units))
