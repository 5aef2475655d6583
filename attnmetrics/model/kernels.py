"""From queries and keys to attention's output and its reductions, one layer at a time, tile by tile.

A kernel never hands out attention itself, α, only what sums need, so that a fused one never has to write α to memory.
The plain one below keeps at most one tile of it, and runs everywhere. α is float32, as the model's own queries and keys
are at best, and float64 for a float64 model. Its sums are float64, so that shares add up to 1; only a row's entropy is
as exact as α.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, nan
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.model.pack import Batch, Tile
from attnmetrics.statistics.schema import ENTROPY_NULL_LIMIT, OFFSET_LIMIT, OFFSETS


@dataclass(frozen=True, slots=True)
class Null:
    """The null columns of a sentence: its first `leading` and its last `trailing` pieces."""

    leading: int
    trailing: int


@dataclass(frozen=True, slots=True)
class Reads:
    """The single weights wanted of one tile, as indices into its α [sentence, head, row, column]."""

    pairs: slice
    """its part of the batch's P pairs"""
    pair_index: Tensor
    """[3, pair] sentence, row, column of each of them"""
    blocks: slice
    """its part of the batch's V prefix blocks"""
    block_sentence: Tensor
    """sentence of each block"""
    block_index: Tensor
    """[3, place] the places in a block, of Q, that this tile's rows fill; row, column of each"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read from the attention of one batch of T packed pieces; the same for every layer and head."""

    batch: Batch
    causal: bool
    null: Null
    pairs: int
    """P, the number of single pairs whose weight is wanted"""
    blocks: int
    """V, the number of sentences whose first pieces are wanted"""
    places: int
    """Q, the number of pairs of first pieces"""
    reads: tuple[Reads, ...]
    """one per tile of the batch"""


def want(
    batch: Batch,
    causal: bool,
    null: Null,
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    prefix_sentences: NDArray[np.int64],
    prefix_pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    device: torch.device,
) -> Wanted:
    """Say where in each tile the wanted weights lie, once for all layers.

    Args:
        batch: the packed sentences.
        causal: whether the model attends to earlier pieces only.
        null: the null columns of every sentence.
        pairs: attending [P] and attended [P] packed piece of each wanted pair, attending pieces ascending.
        prefix_sentences: [V] sentences of the batch, ascending, whose first pieces are wanted.
        prefix_pairs: attending [Q] and attended [Q] piece, counted in the sentence.
        device: where the indices go.
    """

    def reads(tile: Tile) -> Reads:
        return _reads(tile, causal, null, pairs, prefix_sentences, prefix_pairs, device)

    sizes = len(pairs[0]), len(prefix_sentences), len(prefix_pairs[0])
    return Wanted(batch, causal, null, *sizes, tuple(reads(tile) for tile in batch.tiles))


def want_nothing(batch: Batch, causal: bool, device: torch.device) -> Wanted:
    """Where the sentences are, and no weight to read: for those who look at attention itself."""
    nothing = np.zeros(0, dtype=np.int64)
    return want(batch, causal, Null(0, 0), (nothing, nothing), nothing, (nothing, nothing), device)


def _reads(
    tile: Tile,
    causal: bool,
    null: Null,
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    prefix_sentences: NDArray[np.int64],
    prefix_pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    device: torch.device,
) -> Reads:
    def tensor(index: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(index).to(device)

    begin = tile.start + tile.row
    end = begin + (tile.count - 1) * tile.length + tile.rows
    own = slice(*np.searchsorted(pairs[0], [begin, end]).tolist())
    (sentence, attending), attended = np.divmod(pairs[0][own] - tile.start, tile.length), pairs[1][own] - tile.start
    blocks = slice(*np.searchsorted(prefix_sentences, [tile.sentence, tile.sentence + tile.count]).tolist())
    i, j = prefix_pairs
    exists = (i >= tile.row) & (i < tile.row + tile.rows) & (j >= null.leading) & (j < tile.length - null.trailing)
    if causal:
        exists &= j <= i
    return Reads(
        pairs=own,
        pair_index=tensor(np.stack([sentence, attending - tile.row, attended % tile.length])),
        blocks=blocks,
        block_sentence=tensor(prefix_sentences[blocks] - tile.sentence),
        block_index=tensor(np.stack([np.flatnonzero(exists), i[exists] - tile.row, j[exists]])),
    )


@dataclass(frozen=True, slots=True)
class Reductions:
    """What one layer's attention comes down to. F is α with null columns set to 0; float64 but for indices."""

    received: Tensor
    """[T, head] column sums of F"""
    given: Tensor
    """[T, head] row sums of F"""
    null: Tensor
    """[T, head] row sums of α over null columns"""
    entropy: Tensor
    """[T, head] nats; 0 in rows that are not kept"""
    kept: Tensor
    """[T, head] whether the row has an entropy"""
    offsets: Tensor
    """[head, offset] sums of F by i − j, both ends holding all beyond"""
    span: Tensor
    """[head] Σ F·|i − j|"""
    pairs: Tensor
    """[P, head] α at the wanted pairs"""
    peak: Tensor
    """[B, head] largest F of each sentence; −inf where no pair is attendable"""
    peak_i: Tensor
    """[B, head] its attending piece; −1 where there is none"""
    peak_j: Tensor
    """[B, head] its attended piece; the pair is the smallest (i, j) of equals"""
    prefix: Tensor
    """[V, head, Q] F at the wanted first pieces; NaN where a pair does not exist or is not attendable"""

    @classmethod
    def empty(cls, wanted: Wanted, heads: int, device: torch.device) -> "Reductions":
        """Room for the reductions of one layer: sums at 0, no peaks, no prefix."""
        pieces, sentences = int(wanted.batch.offsets[-1]), len(wanted.batch.rows)

        def full(*shape: int, value: float = 0, dtype: torch.dtype = torch.float64) -> Tensor:
            return torch.full(shape, value, dtype=dtype, device=device)

        return cls(
            received=full(pieces, heads),
            given=full(pieces, heads),
            null=full(pieces, heads),
            entropy=full(pieces, heads),
            kept=full(pieces, heads, dtype=torch.bool),
            offsets=full(heads, len(OFFSETS)),
            span=full(heads),
            pairs=full(wanted.pairs, heads),
            peak=full(sentences, heads, value=-inf),
            peak_i=full(sentences, heads, value=-1, dtype=torch.int64),
            peak_j=full(sentences, heads, value=-1, dtype=torch.int64),
            prefix=full(wanted.blocks, heads, wanted.places, value=nan),
        )


class Kernel(Protocol):
    """Attention over packed sentences."""

    def __call__(
        self, query: Tensor, key: Tensor, value: Tensor | None, scaling: float, wanted: Wanted, reduce: bool
    ) -> tuple[Tensor | None, Reductions | None]:
        """One layer.

        Args:
            query: [T, head, width] packed queries.
            key: [T, head, width] packed keys, repeated where heads share them.
            value: [T, head, value width] packed values; None where the output is not needed.
            scaling: factor of the scores.
            wanted: where the sentences are, and what to read.
            reduce: whether the reductions are wanted.

        Returns:
            output [T, head, value width] or None, reductions or None.
        """
        ...


def dense(
    query: Tensor, key: Tensor, value: Tensor | None, scaling: float, wanted: Wanted, reduce: bool
) -> tuple[Tensor | None, Reductions | None]:
    """The plain kernel (see `Kernel`): α of one tile at a time."""
    output = value.new_empty(value.shape) if value is not None else None
    reductions = Reductions.empty(wanted, query.shape[1], query.device) if reduce else None
    for (tile, weights), reads in zip(attention(query, key, scaling, wanted), wanted.reads, strict=True):
        if output is not None and value is not None:
            mix(weights, value, tile, output)
        if reductions is not None:
            _reduce(weights, tile, reads, wanted, reductions)
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
