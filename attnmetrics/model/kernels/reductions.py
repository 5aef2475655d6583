"""What a kernel is asked for, and what one layer's attention comes down to.

A kernel goes from queries and keys to attention's output and its reductions, one layer at a time, tile by tile. It
hands out what sums need, so that a fused one never has to write α to memory. α itself is shown where someone looks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.model.pack import Batch, Tile
from attnmetrics.statistics.schema import OFFSETS


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
    norm: Tensor
    """[T, head] length of what the head adds to the stream; no kernel knows it, and it is NaN until it is filled in"""

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
            norm=full(pieces, heads, value=nan),
        )


Show = Callable[[Tile, Tensor], None]
"""Gets a tile and its α, [sentence, head, row, column]."""


class Kernel(Protocol):
    """Attention over packed sentences."""

    def __call__(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor | None,
        scaling: float,
        wanted: Wanted,
        reduce: bool,
        show: Show | None = None,
    ) -> tuple[Tensor | None, Reductions | None]:
        """One layer.

        Args:
            query: [T, head, width] packed queries.
            key: [T, head, width] packed keys, repeated where heads share them.
            value: [T, head, value width] packed values; None where the output is not needed.
            scaling: factor of the scores.
            wanted: where the sentences are, and what to read.
            reduce: whether the reductions are wanted.
            show: gets each tile's α, in order.

        Returns:
            output [T, head, value width] or None, reductions or None.
        """
        ...
