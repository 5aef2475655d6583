"""The pass for the report: the attention in the first exemplars of every head.

Chunks depend on the exemplars alone; a chunk's traces are stored under its digest.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from attnmetrics.statistics.exemplars import Exemplars
from attnmetrics.statistics.passages import Passages

CHUNK_SENTENCES = 128
"""Sentences of middling length fill a batch."""


class Drawn(NamedTuple):
    """An exemplar whose attention is drawn."""

    text: int
    """which of the chunk's texts it is"""
    layer: int
    """position of the layer among those measured"""
    head: int
    rank: int
    """from 0"""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Sentences for the model to read once more, and the exemplars that they are."""

    index: int
    texts: tuple[str, ...]
    drawn: tuple[Drawn, ...]

    @property
    def characters(self) -> int:
        """Length of all texts."""
        return sum(map(len, self.texts))

    @property
    def digest(self) -> str:
        """Of texts and exemplars."""
        state = blake2b(np.array(self.drawn, np.int64).tobytes(), digest_size=16)
        for text in self.texts:
            state.update(len(text).to_bytes(8, "little") + text.encode())
        return state.hexdigest()


def cut_chunks(exemplars: Exemplars, passages: Passages, drawn: int) -> list[Chunk]:
    """The first exemplars of every head, as many as are drawn, by sentence."""
    layer, head, rank = np.nonzero(exemplars.sentence[:, :, :drawn] >= 0)
    columns = (exemplars.document_index, exemplars.sentence)
    # A key (document, sentence) for each sentence once; `text` is the number of its key, for each exemplar.
    keys, text = np.unique([column[layer, head, rank] for column in columns], axis=1, return_inverse=True)
    wanted = np.stack([text.reshape(-1), layer, head, rank], axis=1)
    wanted = wanted[np.argsort(wanted[:, 0], kind="stable")]
    texts = [passages[key][0].text for key in zip(*keys.tolist(), strict=True)]
    chunks = []
    for index, start in enumerate(range(0, len(texts), CHUNK_SENTENCES)):
        own = wanted[wanted[:, 0] // CHUNK_SENTENCES == index] - [start, 0, 0, 0]
        drawn_here = tuple(Drawn._make(row) for row in own.tolist())
        chunks.append(Chunk(index, tuple(texts[start : start + CHUNK_SENTENCES]), drawn_here))
    return chunks
