"""The kernel for float32 and bfloat16 on a CPU: products by torch, and between them one compiled loop over the scores.

The plain kernel reads a tile's α once for every sum. The loop makes α from scores and takes all sums while a row is in
the cache, and never looks beyond the diagonal of a causal model. In the end, peaks are weighed with float64 scores.
"""

from dataclasses import fields
from math import inf, prod
from typing import Any

import numpy as np
from torch import Tensor

from attnmetrics.metrics.entropy import ENTROPY_NULL_LIMIT
from attnmetrics.metrics.family import OFFSET_LIMIT
from attnmetrics.model.kernels import loops
from attnmetrics.model.kernels.dense import mix, sentences_of, settle
from attnmetrics.model.kernels.reductions import Reads, Reductions, Show, Wanted
from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.pack import Tile
from attnmetrics.pieces.attends import Attends


def compiled(
    query: Tensor,
    key: Tensor,
    value: Tensor | None,
    scoring: Scoring,
    wanted: Wanted,
    reduce: bool,
    show: Show | None = None,
) -> tuple[Tensor | None, Reductions | None]:
    """One layer (see `kernels.Kernel`)."""
    query, key = query.float(), key.float()
    output = value.new_empty(value.shape) if value is not None else None
    reductions = Reductions.empty(wanted, query.shape[1], query.device) if reduce else None
    arrays = _arrays(reductions) if reductions is not None else None
    rule = as_rule(scoring, query.shape[1])
    room = query.new_empty(max(tile.count * tile.rows * tile.length for tile in wanted.batch.tiles) * query.shape[1])
    for tile, reads in zip(wanted.batch.tiles, wanted.reads, strict=True):
        weights = _score(query, key, scoring, tile, wanted.attends, room)
        if arrays is None:
            loops.softmax(weights.numpy(), tile.row, wanted.attends.causal, rule.sinks)
        else:
            place = _place(tile, wanted.attends)
            loops.reduce(weights.numpy(), place, wanted.between, rule.sinks, ENTROPY_NULL_LIMIT, OFFSET_LIMIT, arrays)
            if tile.measured:
                _read(weights, tile, reads, arrays)
        if show is not None:
            show(tile, weights)
        if output is not None and value is not None:
            mix(weights, value, tile, output, scoring.seen_from(tile.row, tile.rows, weights.shape[-1]))
    if reductions is not None and arrays is not None:
        offsets = wanted.batch.offsets
        sides = as_vectors(query), as_vectors(key)
        loops.weigh_peaks(*sides, offsets, rule, wanted.attends.causal, arrays)
        # Two compilations may add up a row in two orders: in float32 their weights are the same.
        arrays.peak[:] = arrays.peak.astype(np.float32)
        settle(wanted, reductions)
    return output, reductions


def as_vectors(values: Tensor) -> loops.Vectors:
    """Values [T, head, width] on a CPU as the loops take them, without a copy where a vector's numbers are together."""
    values = values if values.stride(2) == 1 else values.contiguous()
    by_piece, by_head, _ = values.stride()
    pieces, heads, width = values.shape
    size = (pieces - 1) * by_piece + (heads - 1) * by_head + width
    return loops.Vectors(values.as_strided((size,), (1,)).numpy(), by_piece, by_head, width)


def as_rule(scoring: Scoring, heads: int) -> loops.Rule:
    """What scores are made of, as the loops take it."""
    sinks = np.full(heads, -inf, np.float32) if scoring.sinks is None else scoring.sinks.detach().float().cpu().numpy()
    bias = np.zeros((0, 0)) if scoring.bias is None else scoring.bias.detach().double().cpu().numpy()
    return loops.Rule(float(scoring.factor), float(scoring.cap or 0), int(scoring.window or loops.ANY), sinks, bias)


def _score(query: Tensor, key: Tensor, scoring: Scoring, tile: Tile, attends: Attends, room: Tensor) -> Tensor:
    """A tile's scores, [sentence, head, row, column]; a causal tile ends at the column of its last row.

    All tiles use the same room, one after the other: memory that is new takes longer to write to than the product.
    """
    columns = attends.reach(tile.row + tile.rows - 1, tile.length)
    queries = sentences_of(query, tile)[:, tile.row : tile.row + tile.rows].transpose(1, 2)
    seen = scoring.seen_from(tile.row, tile.rows, columns)
    keys = sentences_of(key, tile)[:, seen].permute(0, 2, 3, 1)
    size = *queries.shape[:3], columns
    scores = room[: prod(size)].view(-1, *size[2:])
    # What no row sees is left as it was in the room: it is hidden below.
    scores[..., seen].baddbmm_(queries.flatten(0, 1), keys.flatten(0, 1), beta=0, alpha=scoring.factor)
    scores = scoring.hide(scoring.limit(scores), tile.row).view(size)
    return scoring.lean(scores, tile.row)


def _place(tile: Tile, attends: Attends) -> loops.Place:
    own = (tile.sentence, tile.start, tile.length, tile.row)
    return loops.Place(*own, *attends.columns(tile.length), attends.causal, tile.measured)


def _arrays(reductions: Reductions) -> Any:
    """The memory of reductions as `loops.Arrays`."""
    return loops.Arrays(**{field.name: getattr(reductions, field.name).numpy() for field in fields(reductions)})


def _read(weights: Tensor, tile: Tile, reads: Reads, into: Any) -> None:
    loops.add_linked(weights.numpy(), reads.linked.numpy(), reads.group.numpy(), into.linked)
    blocks = into.prefix[reads.blocks]
    loops.copy_blocks(weights.numpy(), reads.block_sentence.numpy(), reads.block_index.numpy(), blocks)
    if tile.row == 0:
        into.own_first[tile.sentence : tile.sentence + tile.count] = weights.numpy()[:, :, 0, 0]
