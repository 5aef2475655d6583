"""Halves of a corpus: what is chosen on one is scored on the other. The one place that says which half a unit is in.

The half is the parity of the hash of the unit's document (see `sampling.sample_hash`): no document is in both. Units
that belong to no known document, as those of CoNLL-U without `# newdoc`, have a hash each.
"""

import numpy as np
from numpy.typing import NDArray

from attnmetrics.pieces.units import Units
from attnmetrics.statistics.sampling import sample_hash

HALVES = 2


def find_halves(units: Units, seed: int) -> NDArray[np.int64]:
    """[S] the half of each unit, 0 or 1."""
    known = {document: sample_hash(seed, document) % HALVES for document in set(units.document)}
    loose = units.words.loose
    keys = zip(units.document, units.document_index.tolist(), units.number.tolist(), strict=True)
    halves = (sample_hash(seed, name, at) % HALVES if index in loose else known[name] for name, index, at in keys)
    return np.fromiter(halves, np.int64, len(units))
