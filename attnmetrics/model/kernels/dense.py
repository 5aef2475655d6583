"""The plain kernel: it keeps at most one tile of α, and runs everywhere.

α is float32, as the model's own queries and keys are at best, and float64 for a float64 model. Its sums are float64, so
that shares add up to 1; only a row's entropy is as exact as α.
"""

from collections.abc import Iterator
from math import inf

import torch
from torch import Tensor

from attnmetrics.model.kernels.reductions import Reads, Reductions, Show, Wanted
from attnmetrics.model.pack import Tile
from attnmetrics.statistics.schema import ENTROPY_NULL_LIMIT, OFFSET_LIMIT, OFFSETS


def dense(
    query: Tensor,
    key: Tensor,
    value: Tensor | None,
    scaling: float,
    wanted: Wanted,
    reduce: bool,
    show: Show | None = None,
) -> tuple[Tensor | None, Reductions | None]:
    """The plain kernel (see `Kernel`): α of one tile at a time."""
    output = value.new_empty(value.shape) if value is not None else None
    reductions = Reductions.empty(wanted, query.shape[1], query.device) if reduce else None
    for (tile, weights), reads in zip(attention(query, key, scaling, wanted), wanted.reads, strict=True):
        if output is not None and value is not None:
            mix(weights, value, tile, output)
        if reductions is not None:
            _reduce(weights, tile, reads, wanted, reductions)
        if show is not None:
            show(tile, weights)
    if reductions is not None:
        settle_empty_peaks(wanted, reductions)
    return output, reductions


def attention(query: Tensor, key: Tensor, scaling: float, wanted: Wanted) -> Iterator[tuple[Tile, Tensor]]:
    """α of every tile, [sentence, head, row, column]; a causal tile ends at the column of its last row.

    It is float64 where the queries are, else float32.
    """
    dtype = torch.promote_types(query.dtype, torch.float32)
    for tile in wanted.batch.tiles:
        columns = tile.row + tile.rows if wanted.causal else tile.length
        queries = sentences_of(query, tile)[:, tile.row : tile.row + tile.rows].transpose(1, 2).to(dtype)
        keys = sentences_of(key, tile)[:, :columns].transpose(1, 2).to(dtype)
        later = -inf if wanted.causal else 0.0
        mask = torch.full((tile.rows, columns), later, dtype=dtype, device=query.device).triu_(tile.row + 1)
        scores = torch.baddbmm(mask, queries.flatten(0, 1), keys.flatten(0, 1).transpose(1, 2), alpha=scaling)
        yield tile, torch.softmax(scores, dim=-1).view(*queries.shape[:2], tile.rows, columns)


def sentences_of(packed: Tensor, tile: Tile) -> Tensor:
    """A tile's part of something packed, [T, …] -> [sentence, piece, …], a view."""
    own = packed[tile.start : tile.start + tile.count * tile.length]
    return own.view(tile.count, tile.length, *packed.shape[1:])


def mix(weights: Tensor, value: Tensor, tile: Tile, output: Tensor) -> None:
    """Write a tile's part of the output: the values, mixed by its α."""
    values = sentences_of(value, tile)[:, : weights.shape[-1]].transpose(1, 2)
    mixed = torch.matmul(weights.to(value.dtype), values)
    sentences_of(output, tile)[:, tile.row : tile.row + tile.rows] = mixed.transpose(1, 2)


def _reduce(weights: Tensor, tile: Tile, reads: Reads, wanted: Wanted, into: Reductions) -> None:
    begin = wanted.null.leading
    end = min(weights.shape[-1], tile.length - wanted.null.trailing)
    kept = weights[..., begin : max(begin, end)]
    if kept.shape[-1]:
        _find_peaks(kept, tile, begin, into)
    if not tile.measured:
        return
    rows = slice(tile.row, tile.row + tile.rows)
    exact = weights.double()
    null = exact[..., :begin].sum(-1) + exact[..., max(begin, end) :].sum(-1)
    exact = exact[..., begin : max(begin, end)]
    given = exact.sum(-1)
    has_entropy = (null <= ENTROPY_NULL_LIMIT) & (given > 0)
    entropy = torch.where(has_entropy, given.log() + _entropy(kept) / given, 0)
    sentences_of(into.given, tile)[:, rows] = given.transpose(1, 2)
    sentences_of(into.null, tile)[:, rows] = null.transpose(1, 2)
    sentences_of(into.kept, tile)[:, rows] = has_entropy.transpose(1, 2)
    sentences_of(into.entropy, tile)[:, rows] = entropy.transpose(1, 2)
    sentences_of(into.received, tile)[:, begin : begin + kept.shape[-1]] += exact.sum(-2).transpose(1, 2)
    _add_offsets(exact.sum(0), tile.row - begin, into)
    _copy_single(weights, reads, into)


def _entropy(weights: Tensor) -> Tensor:
    """−Σ w·log w over the last dimension. One pass after the other over a tile beats `torch.special.entr` by far."""
    tiny = torch.finfo(weights.dtype).tiny
    return weights.clamp_min(tiny).log_().mul_(weights).sum(-1).neg_()


def _find_peaks(kept: Tensor, tile: Tile, begin: int, into: Reductions) -> None:
    """Replace the peaks of the tile's sentences where this tile's are larger; `max` gives the first of equals."""
    by_row, column = kept.max(-1)
    peak, row = by_row.max(-1)
    column = column.gather(-1, row.unsqueeze(-1)).squeeze(-1)
    sentences = slice(tile.sentence, tile.sentence + tile.count)
    better = peak > into.peak[sentences]
    into.peak[sentences] = torch.where(better, peak, into.peak[sentences])
    into.peak_i[sentences] = torch.where(better, row + tile.row, into.peak_i[sentences])
    into.peak_j[sentences] = torch.where(better, column + begin, into.peak_j[sentences])


def settle_empty_peaks(wanted: Wanted, reductions: Reductions) -> None:
    """Where every attendable pair has weight 0 (all underflowed), the peak is the first attendable pair."""
    nothing = reductions.peak == 0
    reductions.peak_i[nothing] = wanted.null.leading if wanted.causal else 0
    reductions.peak_j[nothing] = wanted.null.leading


def _add_offsets(summed: Tensor, shift: int, into: Reductions) -> None:
    """Add F summed over sentences, [head, row, column] with i − j = row − column + shift, by offset."""
    rows, columns = summed.shape[1:]
    if not columns:
        return
    # One more column than there are rows left makes each row of the flattened matrix start one place later.
    slanted = torch.nn.functional.pad(summed.flip(2), (0, rows)).flatten(1)[:, :-rows]
    by_offset = slanted.reshape(-1, rows, rows + columns - 1).sum(1)
    offset = torch.arange(rows + columns - 1, device=summed.device) - (columns - 1) + shift
    place = offset.clamp(-OFFSET_LIMIT, OFFSET_LIMIT) + OFFSET_LIMIT
    into.offsets.add_(by_offset @ torch.nn.functional.one_hot(place, len(OFFSETS)).to(summed.dtype))
    into.span.add_(by_offset @ offset.abs().to(summed.dtype))


def _copy_single(weights: Tensor, reads: Reads, into: Reductions) -> None:
    """Copy the single weights wanted of a tile."""
    sentence, row, column = reads.pair_index
    into.pairs[reads.pairs] = weights[sentence, :, row, column]
    place, row, column = reads.block_index
    first = weights[reads.block_sentence[:, None], :, row, column]
    into.prefix[reads.blocks, :, place] = first.transpose(1, 2).double()
