"""Attention of chosen heads in chosen units, without the weights that are too thin to be seen."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.measuring.tracing import Traced
from attnmetrics.model.kernels.reductions import want_nothing
from attnmetrics.model.load import Model
from attnmetrics.model.modules.look import Layer
from attnmetrics.model.pack import TILE_PAIRS, Batch, Tile
from attnmetrics.pieces.align import ranges
from attnmetrics.statistics.traces import VISIBLE, Traces

Entries = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]
"""Of each weight: the trace that it belongs to, attending piece, attended piece, α."""


def trace_heads(
    model: Model, units: Sequence[Sequence[int]], wanted: Traced, batch_pieces: int | None = None,
    segments: Sequence[Sequence[int]] = (),
) -> Traces:  # fmt: skip
    """Each unit in the heads that are wanted of it, as far as it is shown, from one pass over all units.

    A pass over some units ends with the last layer that is wanted of them.

    Args:
        model: the model.
        units: [S] the piece ids of each, no more than the model takes.
        wanted: the E traces.
        batch_pieces: most pieces of one forward pass; unset, what suits the device.
        segments: [S] which segment of its unit each piece is in, for models that are told so; empty: they are not.
    """
    lengths = np.array([len(ids) for ids in units], np.int64)
    offsets = np.append(0, np.cumsum(lengths))
    ids = np.fromiter(chain.from_iterable(units), np.int64, offsets[-1])
    told = np.fromiter(chain.from_iterable(segments), np.int64)
    every = np.ones(len(units), dtype=np.bool_)
    depth = np.ones(len(units), np.int64)
    np.maximum.at(depth, wanted.unit, wanted.layer + 1)
    entries: list[Entries] = []
    for batch in model.layout.pack(lengths, every, batch_pieces or model.batch_pieces, TILE_PAIRS, depth):
        own = ranges(offsets[batch.rows], offsets[batch.rows + 1])
        of_pieces = torch.from_numpy(told[own]).to(model.device) if len(told) else None
        in_batch = torch.from_numpy(ids[own]).to(model.device)
        entries += _trace(model, in_batch, of_pieces, batch, wanted, int(depth[batch.rows].max()))
    trace, i, j, weight = (np.concatenate(column) for column in zip(*entries, strict=True))
    order = np.lexsort((j, i, trace))
    return Traces(
        pieces=wanted.pieces,
        sizes=np.bincount(trace, minlength=len(wanted)),
        i=i[order].astype(np.int32),
        j=j[order].astype(np.int32),
        weight=weight[order],
    )


def _trace(
    model: Model, ids: Tensor, segments: Tensor | None, batch: Batch, wanted: Traced, depth: int
) -> list[Entries]:
    """One forward pass, through so many layers."""
    place = np.full(1 + max(wanted.unit.max(), batch.rows.max()), -1)
    place[batch.rows] = np.arange(len(batch.rows))
    entries: list[Entries] = []

    def record(seen: Layer, tile: Tile, weights: Tensor) -> None:
        # Where in the batch the unit of each trace is; −1 where it is not, or the layer is another.
        in_batch = np.where(wanted.layer == seen.place, place[wanted.unit], -1)
        entries.append(_visible(weights, tile, in_batch, wanted))

    nothing = want_nothing(batch, model.causal, model.device)
    model.run(ids, nothing, see=record, segments=segments, depth=depth)
    return entries


def _visible(weights: Tensor, tile: Tile, place: NDArray[np.int64], wanted: Traced) -> Entries:
    """What is to be seen in a tile of the traces whose units are in it."""
    trace = np.flatnonzero((place >= tile.sentence) & (place < tile.sentence + tile.count))
    sentence = torch.from_numpy(place[trace] - tile.sentence)
    own = weights[sentence, torch.from_numpy(wanted.head[trace])]
    visible = own >= VISIBLE
    # From here on a row for each weight that is seen: which of these traces it is of, and where it stands …
    which, row, column = (index.cpu().numpy() for index in visible.nonzero(as_tuple=True))
    weight, trace = own[visible].float().cpu().numpy(), trace[which]
    # … in the unit, and then among the pieces that are shown.
    i, j = wanted.place(trace, row + tile.row), wanted.place(trace, column)
    kept = (i >= 0) & (j >= 0)
    return trace[kept], i[kept], j[kept], weight[kept]
