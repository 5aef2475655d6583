"""The last step of measuring: exemplars whose weights float32 leaves uncertain are ranked anew, in float64.

Candidates are few, so this costs little where the corpus is large; and if the first chunk shows that float32 was exact
enough for this model, no other is ranked. Chunks depend on the candidates alone; a chunk's result is stored under the
chunk's digest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from attnmetrics.statistics.exemplars import Exemplars, choose_heads, merge_all, uncertain_heads
from attnmetrics.store.shards import ExemplarSentence, Store

CHUNK_SENTENCES = 256
PROBE_SENTENCES = 64

ENOUGH = 5e-7
"""Largest error of the first chunk's weights at which the others are taken as they are: half of what is promised. On
GPT-2 small's size and on the demo model, the first chunk had the largest error of all."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some sentences for the model to read once more."""

    keys: tuple[tuple[int, ...], ...]
    """what is wanted of them; here (document_index, sentence) of each"""
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


def cut_chunks(candidates: Exemplars, sentences: Mapping[tuple[int, int], Sequence[ExemplarSentence]]) -> list[Chunk]:
    """The candidates of heads with an uncertain weight: first a few from all over the corpus, then the others."""
    chosen = uncertain_heads(candidates)[:, :, None] & (candidates.document_index >= 0)
    places = zip(candidates.document_index[chosen].tolist(), candidates.sentence[chosen].tolist(), strict=True)
    keys = sorted(set(places))
    probe = keys[:: max(1, len(keys) // PROBE_SENTENCES)]
    others = sorted(set(keys) - set(probe))
    parts = [probe, *(others[start : start + CHUNK_SENTENCES] for start in range(0, len(others), CHUNK_SENTENCES))]
    return [Chunk(tuple(part), tuple(sentences[key][0].text for key in part)) for part in parts if part]


def needs_ranking(candidates: Exemplars, probe: Exemplars) -> bool:
    """Whether the weights of the first chunk show that float32 is not enough for this model."""
    same = candidates.text[:, :, :, None] == probe.text[:, :, None, :]
    errors = np.abs(candidates.weight[:, :, :, None] - probe.weight[:, :, None, :])
    return bool(np.max(np.nan_to_num(errors), where=same, initial=0) > ENOUGH)


def settle(store: Store, candidates: Exemplars, chunks: list[Chunk], k: int) -> Exemplars:
    """The final k exemplars of every head.

    Raises:
        StoreError: a chunk is not ranked.
    """
    heads = uncertain_heads(candidates)
    if not chunks or not needs_ranking(candidates, store.read_ranking(chunks[0].digest)):
        return choose_heads(np.zeros_like(heads), candidates, candidates, k)
    ranked = merge_all(store.read_ranking(chunk.digest) for chunk in chunks)
    return choose_heads(heads, ranked, candidates, k)
