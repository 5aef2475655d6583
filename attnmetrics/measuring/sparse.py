"""Attention of chosen heads in chosen sentences, without the weights that are too thin to be seen."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.model.align import Pieces, tokenize
from attnmetrics.model.kernels.reductions import want_nothing
from attnmetrics.model.load import Model
from attnmetrics.model.look import Layer
from attnmetrics.model.pack import TILE_PAIRS, Batch, Tile
from attnmetrics.statistics.traces import VISIBLE, Traces

Entries = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]
"""Of each weight: the trace that it belongs to, attending piece, attended piece, α."""


def trace_heads(
    model: Model,
    texts: Sequence[str],
    sentence: NDArray[np.int64],
    layer: NDArray[np.int64],
    head: NDArray[np.int64],
    batch_pieces: int | None = None,
) -> Traces:
    """Each sentence in the head that is wanted of it, from one pass over all sentences.

    Args:
        model: the model.
        texts: [S] sentences; one longer than the model takes loses its last pieces.
        sentence: [E] which of them, for each trace.
        layer: [E] position of its layer in `model.layers`.
        head: [E] its head.
        batch_pieces: most pieces of one forward pass; unset, what suits the device.
    """
    pieces = tokenize(model.tokenizer, texts, model.template, model.max_pieces)
    every = np.ones(len(texts), dtype=np.bool_)
    entries: list[Entries] = []
    for batch in model.layout.pack(pieces.lengths, every, batch_pieces or model.batch_pieces, TILE_PAIRS):
        place = np.full(len(texts), -1)
        place[batch.rows] = np.arange(len(batch.rows))
        entries += _trace(model, pieces, batch, place[sentence], layer, head)
    trace, i, j, weight = (np.concatenate(column) for column in zip(*entries, strict=True))
    order = np.lexsort((j, i, trace))
    return Traces(
        pieces=pieces.lengths[sentence],
        sizes=np.bincount(trace, minlength=len(sentence)),
        i=i[order].astype(np.int32),
        j=j[order].astype(np.int32),
        weight=weight[order],
    )


def _trace(
    model: Model,
    pieces: Pieces,
    batch: Batch,
    place: NDArray[np.int64],
    layer: NDArray[np.int64],
    head: NDArray[np.int64],
) -> list[Entries]:
    """One forward pass; `place` is where in the batch the sentence of each trace is, −1 where it is not."""
    entries: list[Entries] = []

    def record(seen: Layer, tile: Tile, weights: Tensor) -> None:
        entries.append(_visible(weights, tile, np.where(layer == seen.place, place, -1), head))

    ids = torch.from_numpy(pieces.ids_of(batch.rows)).to(model.device)
    model.run(ids, want_nothing(batch, model.causal, model.device), see=record)
    return entries


def _visible(weights: Tensor, tile: Tile, place: NDArray[np.int64], head: NDArray[np.int64]) -> Entries:
    """What is to be seen in a tile of the traces whose sentences are in it."""
    trace = np.flatnonzero((place >= tile.sentence) & (place < tile.sentence + tile.count))
    sentence = torch.from_numpy(place[trace] - tile.sentence)
    own = weights[sentence, torch.from_numpy(head[trace])]
    visible = own >= VISIBLE
    # From here on a row for each weight that is seen: which of these traces it is of, and where it stands.
    which, row, column = (index.cpu().numpy() for index in visible.nonzero(as_tuple=True))
    return trace[which], row + tile.row, column, own[visible].float().cpu().numpy()
