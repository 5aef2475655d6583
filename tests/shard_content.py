"""What might be kept of a measured shard: random numbers of the right shapes."""

import numpy as np
from schemas import small_schema

from attnmetrics.statistics.claims import make_rows
from attnmetrics.statistics.exemplars import Exemplars, Peaks
from attnmetrics.statistics.passages import Passage
from attnmetrics.statistics.states import State
from attnmetrics.statistics.tokens import PieceTypes, TokenSums
from attnmetrics.statistics.typical import from_peaks
from attnmetrics.statistics.variability import Prefix
from attnmetrics.store.shards import ShardContent

SCHEMA = small_schema((0, 2), 3)
PLACES = 4


def content(seed: int, sentences: int = 5) -> ShardContent:
    """Random numbers of the right shapes."""
    random = np.random.default_rng(seed)
    shape = (2, 2, 3, PLACES)
    exemplars = Exemplars(
        weight=random.random(shape),
        document_index=random.integers(0, 9, shape),
        sentence=random.integers(0, 9, shape),
        i=random.integers(0, 9, shape, dtype=np.int32),
        j=random.integers(0, 9, shape, dtype=np.int32),
        digest=random.integers(0, 2**63, shape, dtype=np.uint64),
        pair=random.integers(0, 2**63, shape, dtype=np.uint64),
    )
    claims = make_rows(claim=random.integers(0, 9, 20), layer=1, head=2, weight=random.random(20, dtype=np.float32))
    blocks = random.random((sentences, 2, 3, 55), dtype=np.float32)
    blocks[:1, :, :, 7:] = np.nan
    prefix = Prefix(blocks, random.integers(0, 2**63, sentences, dtype=np.uint64))
    passage = Passage("d", 1, 2, 0, "A \x1b[2J b", ["A", "Ġb"], [1, 2])
    state = State.unpack(SCHEMA, random.random(SCHEMA.size))
    units = np.arange(7)
    typical = from_peaks(Peaks(*(random.random((4, 7, 2, 2, 3)))), units < 6, units.astype(np.uint64), units, units, 3)
    types = PieceTypes(np.array([3, 8]), ["a", "Ġb"], np.array([[1, 2], [1, 3]]), np.array([0.5, 2]))
    tokens = TokenSums(types, random.random((2, 2, 2, 3)))
    return ShardContent(state, prefix, exemplars, claims, typical, tokens, [passage])
