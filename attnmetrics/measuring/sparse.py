"""Attention of chosen heads in chosen sentences, without the weights that are too thin to be seen."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.model.align import Pieces, tokenize
from attnmetrics.model.kernels.dense import attention, mix
from attnmetrics.model.kernels.reductions import Wanted, want_nothing
from attnmetrics.model.load import Model
from attnmetrics.model.pack import TILE_PAIRS, Batch, Tile, pack
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
    found: list[Entries] = []
    for batch in pack(
        pieces.lengths, every, batch_pieces or model.batch_pieces, TILE_PAIRS, model.layout.equal_lengths
    ):
        place = np.full(len(texts), -1)
        place[batch.rows] = np.arange(len(batch.rows))
        found += _trace(model, pieces, batch, place[sentence], layer, head)
    trace, i, j, weight = (np.concatenate(column) for column in zip(*found, strict=True))
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
    layers = iter(range(len(model.layers)))
    found: list[Entries] = []

    def kernel(
        query: Tensor, key: Tensor, value: Tensor | None, scaling: float, wanted: Wanted, reduce: bool
    ) -> tuple[Tensor | None, None]:
        output = value.new_empty(value.shape) if value is not None else None
        here = np.where(layer == next(layers), place, -1) if reduce else None
        for tile, weights in attention(query, key, scaling, wanted):
            if here is not None:
                found.append(_visible(weights, tile, here, head))
            if output is not None and value is not None:
                mix(weights, value, tile, output)
        return output, None

    ids = torch.from_numpy(pieces.ids_of(batch.rows)).to(model.device)
    model.run(ids, want_nothing(batch, model.causal, model.device), lambda *_: None, kernel)
    return found


def _visible(weights: Tensor, tile: Tile, place: NDArray[np.int64], head: NDArray[np.int64]) -> Entries:
    """What is to be seen in a tile of the traces whose sentences are in it."""
    trace = np.flatnonzero((place >= tile.sentence) & (place < tile.sentence + tile.count))
    own = weights[torch.from_numpy(place[trace] - tile.sentence), torch.from_numpy(head[trace])]
    kept = own >= VISIBLE
    which, row, column = (index.cpu().numpy() for index in kept.nonzero(as_tuple=True))
    return trace[which], row + tile.row, column, own[kept].float().cpu().numpy()
