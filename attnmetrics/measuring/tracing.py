"""The pass for the report: the attention in the first exemplars of every head.

A chunk's keys say which exemplars are wanted of its texts: (text, position of the layer, head, rank from 0) of each.
Chunks depend on the exemplars alone; a chunk's traces are stored under the chunk's digest.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from attnmetrics.measuring.ranking import Chunk
from attnmetrics.statistics.exemplars import Exemplars
from attnmetrics.store.shards import ExemplarSentence

CHUNK_SENTENCES = 128
"""Sentences of middling length fill a batch."""


def cut_chunks(
    exemplars: Exemplars, sentences: Mapping[tuple[int, int], Sequence[ExemplarSentence]], drawn: int
) -> list[Chunk]:
    """The first exemplars of every head, as many as are drawn, by sentence."""
    layer, head, rank = np.nonzero(exemplars.sentence[:, :, :drawn] >= 0)
    columns = (exemplars.document_index, exemplars.sentence)
    places, text = np.unique([column[layer, head, rank] for column in columns], axis=1, return_inverse=True)
    wanted = np.stack([text.reshape(-1), layer, head, rank], axis=1)
    wanted = wanted[np.argsort(wanted[:, 0], kind="stable")]
    texts = [sentences[place][0].text for place in zip(*places.tolist(), strict=True)]
    chunks = []
    for start in range(0, len(texts), CHUNK_SENTENCES):
        own = wanted[wanted[:, 0] // CHUNK_SENTENCES == start // CHUNK_SENTENCES] - [start, 0, 0, 0]
        chunks.append(Chunk(tuple(map(tuple, own.tolist())), tuple(texts[start : start + CHUNK_SENTENCES])))
    return chunks
