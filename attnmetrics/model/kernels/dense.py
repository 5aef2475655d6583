"""The plain kernel: it keeps at most one tile of α, and runs everywhere.

α is float32, as the model's own queries and keys are at best, and float64 for a float64 model. Its sums are float64, so
that shares add up to 1; only a row's entropy is as exact as α.
"""

from collections.abc import Iterable, Iterator
from math import inf

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.metrics.entropy import ENTROPY_NULL_LIMIT
from attnmetrics.metrics.family import OFFSET_LIMIT, OFFSETS
from attnmetrics.model.kernels.reductions import APART, OWN, Reads, Reductions, Show, Wanted, hide
from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.pack import Tile
from attnmetrics.pieces.attends import Attends, is_between


def dense(
    query: Tensor,
    key: Tensor,
    value: Tensor | None,
    scoring: Scoring,
    wanted: Wanted,
    reduce: bool,
    show: Show | None = None,
) -> tuple[Tensor | None, Reductions | None]:
    """The plain kernel (see `Kernel`): α of one tile at a time."""
    output = value.new_empty(value.shape) if value is not None else None

    def mixed() -> Iterator[Attended]:
        for tile, weights, sink in attention(query, key, scoring, wanted):
            if output is not None and value is not None:
                mix(weights, value, tile, output)
            yield tile, weights, sink

    return output, come_down(mixed(), wanted, query.shape[1], query.device, reduce, show)


Attended = tuple[Tile, Tensor, Tensor | None]
"""A tile, its α [sentence, head, row, column], and that on a learned sink, [sentence, head, row], if there is one."""


def come_down(
    tiles: Iterable[Attended], wanted: Wanted, heads: int, device: torch.device, reduce: bool,
    show: Show | None = None,
) -> Reductions | None:  # fmt: skip
    """What one layer's α comes down to, wherever its tiles are from.

    Args:
        tiles: every tile of the batch, in order.
        wanted: see `Kernel`, as what follows.
        heads: of the layer.
        device: where α is.
        reduce: whether the reductions are wanted.
        show: gets each tile's α.
    """
    reductions = Reductions.empty(wanted, heads, device) if reduce else None
    for (tile, weights, sink), reads in zip(tiles, wanted.reads, strict=True):
        if reductions is not None:
            _reduce(weights, sink, tile, reads, wanted, reductions)
        if show is not None:
            show(tile, weights)
    if reductions is not None:
        settle(wanted, reductions)
    return reductions


def attention(query: Tensor, key: Tensor, scoring: Scoring, wanted: Wanted) -> Iterator[Attended]:
    """α of every tile; a causal tile ends at the column of its last row.

    It is float64 where the queries are, else float32.
    """
    dtype = torch.promote_types(query.dtype, torch.float32)
    for tile in wanted.batch.tiles:
        columns = wanted.attends.reach(tile.row + tile.rows - 1, tile.length)
        queries = sentences_of(query, tile)[:, tile.row : tile.row + tile.rows].transpose(1, 2).to(dtype)
        keys = sentences_of(key, tile)[:, :columns].transpose(1, 2).to(dtype)
        later = -inf if wanted.attends.causal else 0.0
        mask = torch.full((tile.rows, columns), later, dtype=dtype, device=query.device).triu_(tile.row + 1)
        sides = queries.flatten(0, 1), keys.flatten(0, 1).transpose(1, 2)
        scores = torch.baddbmm(mask, *sides, beta=scoring.cap is None, alpha=scoring.factor)
        if scoring.cap is not None:
            scores = scoring.limit(scores).add_(mask)
        scores = scoring.hide(scores, tile.row).view(*queries.shape[:2], tile.rows, columns)
        yield tile, *_softmax(scoring.lean(scores, tile.row), scoring.sinks)


def _softmax(scores: Tensor, sinks: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """α [sentence, head, row, column], and that on sinks, whose scores are [head]."""
    if sinks is None:
        return torch.softmax(scores, dim=-1), None
    beside = sinks.to(scores.dtype).view(-1, 1, 1).expand(*scores.shape[:3], 1)
    weights = torch.softmax(torch.cat([scores, beside], dim=-1), dim=-1)
    return weights[..., :-1].contiguous(), weights[..., -1]


def sentences_of(packed: Tensor, tile: Tile) -> Tensor:
    """A tile's part of something packed, [T, …] -> [sentence, piece, …], a view."""
    own = packed[tile.start : tile.start + tile.count * tile.length]
    return own.view(tile.count, tile.length, *packed.shape[1:])


def mix(weights: Tensor, value: Tensor, tile: Tile, output: Tensor, seen: slice | None = None) -> None:
    """Write a tile's part of the output: the values, mixed by its α, which is 0 but for the columns that are seen."""
    seen = seen or slice(0, weights.shape[-1])
    values = sentences_of(value, tile)[:, seen].transpose(1, 2)
    mixed = torch.matmul(weights[..., seen].to(value.dtype), values)
    sentences_of(output, tile)[:, tile.row : tile.row + tile.rows] = mixed.transpose(1, 2)


def _reduce(weights: Tensor, sink: Tensor | None, tile: Tile, reads: Reads, wanted: Wanted, into: Reductions) -> None:
    first, end = wanted.attends.columns(tile.length)
    closed = _find_closed(weights, tile, wanted)
    open_weights = weights if closed is None else weights.masked_fill(closed, -inf)
    _find_peaks(open_weights, first, end, tile, wanted.attends, into)
    if tile.measured:
        _, strongest = _find_strongest(open_weights[..., first:end], tile, first, wanted.attends)
        kept = weights if closed is None else weights.masked_fill(closed, 0)
        _store_rows(weights, sink, kept, strongest, tile, slice(first, end), into)
        _add_offsets(weights, kept, tile.row, slice(first, end), into)
        _read(weights, tile, reads, into)


def _find_closed(weights: Tensor, tile: Tile, wanted: Wanted) -> Tensor | None:
    """[sentence, 1, row, column] pairs with a null piece between segments, or none that the model may attend along.

    None where no sentence of the batch has such a piece.
    """
    if wanted.between is None:
        return None
    between = wanted.between[:, tile.sentence : tile.sentence + tile.count]
    i, j = np.arange(tile.row, tile.row + tile.rows), np.arange(weights.shape[-1])
    closed = ~wanted.attends.may_attend(i[:, None], j) | is_between(j, between[:, :, None])[:, None]
    return torch.from_numpy(closed[:, None]).to(weights.device)


def _find_strongest(kept: Tensor, tile: Tile, first: int, attends: Attends) -> tuple[Tensor, Tensor]:
    """[sentence, head, row] largest F and its column, from the columns `first` … that are not null.

    They are −inf and −1 where no pair is attendable. `max` gives the first of equals.
    """
    if not kept.shape[-1]:
        shape = kept.shape[:-1]
        return kept.new_full(shape, -inf), kept.new_full(shape, -1, dtype=torch.int64)
    by_row, column = kept.max(-1)
    i = np.arange(tile.row, tile.row + tile.rows)
    exists = torch.from_numpy(attends.pairs(i, np.full_like(i, first), tile.length)).to(kept.device) & (by_row > -inf)
    return by_row.where(exists, -inf), (column + first).where(exists, -1)


def _store_rows(
    weights: Tensor, sink: Tensor | None, kept: Tensor, strongest: Tensor, tile: Tile, columns: slice, into: Reductions
) -> None:
    """Sums by row and by column; `columns` of `kept` are F."""
    exact, surprise = weights.double(), _surprise(weights)
    null = exact[..., : columns.start].sum(-1) + exact[..., columns.stop :].sum(-1)
    exact_kept, surprise_kept = exact, surprise
    if kept is not weights:
        exact_kept, surprise_kept = kept.double(), _surprise(kept)
        null += (exact - exact_kept)[..., columns].sum(-1)
    beside = torch.zeros_like(null) if sink is None else sink.double()
    null += beside
    given = exact_kept[..., columns].sum(-1)
    has_entropy = (null <= ENTROPY_NULL_LIMIT) & (given > 0)
    entropy = torch.where(has_entropy, given.log() + surprise_kept[..., columns].sum(-1) / given, 0).clamp_min_(0)
    by_row = {
        "given": given,
        "null": null,
        "entropy": entropy,
        "kept": has_entropy,
        "strongest": strongest,
        "entropy_all": surprise.sum(-1) + _surprise(beside),
        "sink": beside,
        "largest": weights.amax(-1),
    }
    for name, value in by_row.items():
        sentences_of(getattr(into, name), tile)[:, tile.row : tile.row + tile.rows] = value.transpose(1, 2)
    sentences_of(into.received, tile)[:, : weights.shape[-1]] += exact.sum(-2).transpose(1, 2)


def _surprise(weights: Tensor) -> Tensor:
    """−w·log w, 0 where rounding gives w > 1. One pass after the other over a tile beats `torch.special.entr`."""
    return weights.clamp(torch.finfo(weights.dtype).tiny, 1).log_().mul_(weights).neg_()


def _find_peaks(weights: Tensor, first: int, end: int, tile: Tile, attends: Attends, into: Reductions) -> None:
    """Look for both kinds of peaks among the columns `first` … `end` − 1 of a tile."""
    i = torch.arange(tile.row, tile.row + tile.rows, device=weights.device)
    kept = weights[..., first:end]
    is_own = i[:, None] == torch.arange(first, first + kept.shape[-1], device=weights.device)
    by_row, strongest = _find_strongest(kept.masked_fill(is_own, -inf), tile, first, attends)
    _replace_peaks(APART, by_row, strongest, tile, into)
    own = weights.diagonal(tile.row, -2, -1)
    i = i[: own.shape[-1]]
    _replace_peaks(OWN, own.where((i >= first) & (i < end), -inf), i.expand_as(own), tile, into)


def _replace_peaks(kind: int, by_row: Tensor, column: Tensor, tile: Tile, into: Reductions) -> None:
    """Replace the peaks of a kind of the tile's sentences where one of its rows has a larger weight in its column."""
    if not by_row.shape[-1]:
        return
    peak, row = by_row.max(-1)
    column = column.gather(-1, row.unsqueeze(-1)).squeeze(-1)
    own = kind, slice(tile.sentence, tile.sentence + tile.count)
    better = peak > into.peak[own]
    into.peak[own] = torch.where(better, peak, into.peak[own])
    into.peak_i[own] = torch.where(better, row + tile.row, into.peak_i[own])
    into.peak_j[own] = torch.where(better, column, into.peak_j[own])


def settle(wanted: Wanted, reductions: Reductions) -> None:
    """What remains when all tiles are done: peaks of nothing, and prefix blocks without what is between segments.

    Where every attendable pair of a kind has weight 0 (all underflowed), the peak is the first attendable pair.
    """
    hide(reductions.prefix, wanted)
    first, end = wanted.attends.columns(np.diff(wanted.batch.offsets))
    own = _skip(np.full_like(end, first), wanted.between)
    apart_i, apart_j = _first_apart(own, end, wanted)
    for places, pair in ((reductions.peak_i, (apart_i, own)), (reductions.peak_j, (apart_j, own))):
        of_all = torch.from_numpy(np.stack(pair))[..., None].to(places.device)
        places.copy_(torch.where(reductions.peak == 0, of_all, places))


def _first_apart(
    first: NDArray[np.int64], end: NDArray[np.int64], wanted: Wanted
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """[B] the smallest attendable (i, j) with i ≠ j of sentences whose first column that is not null is `first`."""
    if wanted.attends.causal:
        return first + 1, first
    second = _skip(first + 1, wanted.between)
    j = np.where((first == 0) & (second < end), second, first)
    return np.where(j == 0, 1, 0), j


def _skip(piece: NDArray[np.int64], between: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """[B] pieces; those that are null for being between segments are replaced by the first one after these."""
    return piece if between is None else np.where(is_between(piece, between), between[1], piece)


def _add_offsets(weights: Tensor, kept: Tensor, first_row: int, columns: slice, into: Reductions) -> None:
    """Add α [sentence, head, row, column] by offset; and F, which is `kept` with other columns set to 0."""
    summed = weights.sum(0, dtype=torch.float64)
    _, of_all = _by_offset(summed, first_row)
    if kept is not weights:
        summed = kept.sum(0, dtype=torch.float64)
    summed[..., : columns.start] = 0
    summed[..., columns.stop :] = 0
    offset, of_kept = _by_offset(summed, first_row)
    place = offset.clamp(-OFFSET_LIMIT, OFFSET_LIMIT) + OFFSET_LIMIT
    to_place = torch.nn.functional.one_hot(place, len(OFFSETS)).to(summed.dtype)
    into.offsets_all.add_(of_all @ to_place)
    into.offsets.add_(of_kept @ to_place)
    into.span.add_(of_kept @ offset.abs().to(summed.dtype))
    into.span_squared.add_(of_kept @ offset.square().to(summed.dtype))


def _by_offset(summed: Tensor, first_row: int) -> tuple[Tensor, Tensor]:
    """[D] offsets i − j of the diagonals of [head, row, column], the last column's first; [head, D] their sums.

    Rows 1 and 2 of three columns have the offsets −1 … 2: row 1 fills the first three, row 2 the last three.
    """
    rows, columns = summed.shape[1:]
    # One more column than there are rows left makes each row of the flattened matrix start one place later.
    slanted = torch.nn.functional.pad(summed.flip(2), (0, rows)).flatten(1)[:, :-rows]
    by_offset = slanted.reshape(-1, rows, rows + columns - 1).sum(1)
    offset = torch.arange(rows + columns - 1, device=summed.device) - (columns - 1) + first_row
    return offset, by_offset


def _read(weights: Tensor, tile: Tile, reads: Reads, into: Reductions) -> None:
    """Add linked weights to their groups, and copy the prefix blocks and what first pieces give themselves.

    Groups are summed by a product: adding at indices has no fixed order on a GPU.
    """
    sentence, row, column = reads.linked
    of_group = reads.group == torch.arange(len(into.linked), device=weights.device)[:, None]
    into.linked.add_(of_group.double() @ weights[sentence, :, row, column].double())
    place, row, column = reads.block_index
    first = weights[reads.block_sentence[:, None], :, row, column]
    into.prefix[reads.blocks, :, place] = first.transpose(1, 2).double()
    if tile.row == 0:
        into.own_first[tile.sentence : tile.sentence + tile.count] = weights[:, :, 0, 0].double()
