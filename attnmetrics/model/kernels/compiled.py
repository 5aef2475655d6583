"""The kernel for float32 and bfloat16 on a CPU: products by torch, and between them one compiled loop over the scores.

The plain kernel reads a tile's α once for every sum. The loop makes α from scores and takes all sums while a row is in
the cache, and never looks beyond the diagonal of a causal model. In the end, peaks are weighed with float64 scores.
"""

import torch
from torch import Tensor

from attnmetrics.model.kernels import loops
from attnmetrics.model.kernels.dense import mix, sentences_of, settle_empty_peaks
from attnmetrics.model.kernels.reductions import Reads, Reductions, Show, Wanted
from attnmetrics.model.pack import Tile
from attnmetrics.statistics.schema import ENTROPY_NULL_LIMIT, OFFSET_LIMIT


def compiled(
    query: Tensor,
    key: Tensor,
    value: Tensor | None,
    scaling: float,
    wanted: Wanted,
    reduce: bool,
    show: Show | None = None,
) -> tuple[Tensor | None, Reductions | None]:
    """One layer (see `kernels.Kernel`)."""
    query, key = query.float(), key.float()
    output = value.new_empty(value.shape) if value is not None else None
    reductions = Reductions.empty(wanted, query.shape[1], query.device) if reduce else None
    sums = _sums(reductions) if reductions is not None else None
    for tile, reads in zip(wanted.batch.tiles, wanted.reads, strict=True):
        weights = _score(query, key, scaling, tile, wanted.causal)
        if sums is None:
            loops.soften(weights.numpy(), tile.row, wanted.causal)
        else:
            loops.reduce(weights.numpy(), _place(tile, wanted), ENTROPY_NULL_LIMIT, OFFSET_LIMIT, sums)
            if tile.measured:
                _read(weights, reads, sums)
        if show is not None:
            show(tile, weights)
        if output is not None and value is not None:
            mix(weights, value, tile, output)
    if reductions is not None and sums is not None:
        loops.weigh_peaks(query.numpy(), key.numpy(), wanted.batch.offsets, float(scaling), wanted.causal, sums)
        settle_empty_peaks(wanted, reductions)
    return output, reductions


def _score(query: Tensor, key: Tensor, scaling: float, tile: Tile, causal: bool) -> Tensor:
    """A tile's scores, [sentence, head, row, column]; a causal tile ends at the column of its last row."""
    columns = tile.row + tile.rows if causal else tile.length
    queries = sentences_of(query, tile)[:, tile.row : tile.row + tile.rows].transpose(1, 2)
    keys = sentences_of(key, tile)[:, :columns].permute(0, 2, 3, 1)
    nothing = query.new_zeros(())
    scores = torch.baddbmm(nothing, queries.flatten(0, 1), keys.flatten(0, 1), beta=0, alpha=scaling)
    return scores.view(*queries.shape[:3], columns)


def _place(tile: Tile, wanted: Wanted) -> loops.Place:
    null = wanted.null
    own = (tile.sentence, tile.start, tile.length, tile.row, null.leading, null.trailing)
    return loops.Place(*own, wanted.causal, tile.measured)


def _sums(reductions: Reductions) -> loops.Sums:
    return loops.Sums(*(getattr(reductions, name).numpy() for name in loops.Sums._fields))


def _read(weights: Tensor, reads: Reads, into: loops.Sums) -> None:
    pair_index, block_sentence, block_index = (
        index.numpy() for index in (reads.pair_index, reads.block_sentence, reads.block_index)
    )
    pairs, prefix = into.pairs[reads.pairs], into.prefix[reads.blocks]
    loops.read(weights.numpy(), pair_index, pairs, block_sentence, block_index, prefix)
