"""The last step of measuring: exemplars whose weights float32 leaves uncertain are ranked anew, in float64.

Candidates are few, so this costs little where the corpus is large. They are ranked in chunks that depend on the
candidates alone, and a chunk's result is stored under the chunk's digest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain

import numpy as np

from attnmetrics.statistics.exemplars import Exemplars, choose_heads, merge_all, uncertain_heads
from attnmetrics.store import ExemplarSentence, Store

CHUNK_SENTENCES = 256


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some candidate sentences."""

    keys: tuple[tuple[int, int], ...]
    """(document_index, sentence) of each"""
    texts: tuple[str, ...]

    @property
    def characters(self) -> int:
        """Length of all texts."""
        return sum(map(len, self.texts))

    @property
    def digest(self) -> str:
        """Of keys and texts."""
        state = blake2b(np.array(self.keys, np.int64).tobytes(), digest_size=16)
        for text in self.texts:
            state.update(len(text).to_bytes(8, "little") + text.encode())
        return state.hexdigest()


def cut_chunks(candidates: Exemplars, sentences: Mapping[tuple[int, int], ExemplarSentence]) -> list[Chunk]:
    """The candidates of heads with an uncertain weight, in corpus order, cut into chunks."""
    chosen = uncertain_heads(candidates)[:, :, None] & (candidates.document_index >= 0)
    keys = sorted(
        set(zip(candidates.document_index[chosen].tolist(), candidates.sentence[chosen].tolist(), strict=True))
    )
    parts = (tuple(keys[start : start + CHUNK_SENTENCES]) for start in range(0, len(keys), CHUNK_SENTENCES))
    return [Chunk(part, tuple(sentences[key].text for key in part)) for part in parts]


def settle(store: Store, candidates: Exemplars, chunks: list[Chunk], k: int) -> Exemplars:
    """The final k exemplars of every head.

    Raises:
        StoreError: a chunk is not ranked.
    """
    layers, heads, _ = candidates.shape
    ranked = merge_all(
        chain([Exemplars.zero(layers, heads, k)], (store.read_ranking(chunk.digest) for chunk in chunks))
    )
    return choose_heads(uncertain_heads(candidates), ranked, candidates, k)
