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

from attnmetrics.metrics.family import OFFSETS
from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.pieces.attends import Attends, is_between


@dataclass(frozen=True, slots=True)
class Linked:
    """P pairs of a batch, none that the model may not attend along, whose weights are summed by group, in any order."""

    attending: NDArray[np.int64]
    """[P] packed piece"""
    attended: NDArray[np.int64]
    """[P] packed piece of the same sentence"""
    group: NDArray[np.int64]
    """[P] 0 … groups − 1"""
    groups: int
    """G"""


@dataclass(frozen=True, slots=True)
class Reads:
    """Where in one tile's α [sentence, head, row, column] the wanted weights lie.

    In a tile of rows 4 … 7 of one long sentence, the pair (i, j) = (6, 1) lies at [0, :, 2, 1]. In one of whole
    sentences of 5 pieces, the pair of packed pieces (8, 6), counted from the tile's first, lies at [1, :, 3, 1].
    """

    linked: Tensor
    """[3, pair] int32: sentence, row, column of its linked pairs"""
    group: Tensor
    """[pair] int32"""
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
    attends: Attends
    between: NDArray[np.int64] | None
    """[2, B] the first, and one past the last, null piece between the segments of each sentence, both 0 for none; None
    where no sentence has one"""
    group_sizes: NDArray[np.int64]
    """[G] number of linked pairs of each group"""
    blocks: int
    """V, the number of sentences whose first pieces are wanted"""
    places: int
    """Q, the number of pairs of first pieces"""
    reads: tuple[Reads, ...]
    """one per tile of the batch"""
    hidden: Tensor | None
    """[V, Q] places of prefix blocks that are null for being between segments; None where there is no such piece"""


def want(
    batch: Batch,
    attends: Attends,
    linked: Linked,
    prefix_sentences: NDArray[np.int64],
    prefix_pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    device: torch.device,
    between: NDArray[np.int64] | None = None,
) -> Wanted:
    """Say where in each tile the wanted weights lie, once for all layers.

    Args:
        batch: the packed sentences.
        attends: which pieces attend to which, in every sentence.
        linked: the pairs whose weights are summed.
        prefix_sentences: [V] sentences of the batch, ascending, whose first pieces are wanted.
        prefix_pairs: attending [Q] and attended [Q] piece, counted in the sentence.
        device: where the indices go.
        between: [2, B] see `Wanted.between`; unset, nothing is.
    """
    if between is not None:
        between = np.ascontiguousarray(between) if between.any() else None
    order = np.argsort(linked.attending, kind="stable")
    ascending = Linked(linked.attending[order], linked.attended[order], linked.group[order], linked.groups)

    def tensor(index: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(index).to(device)

    def reads(tile: Tile) -> Reads:
        index, group = _linked_index(tile, ascending)
        blocks = slice(*np.searchsorted(prefix_sentences, [tile.sentence, tile.sentence + tile.count]).tolist())
        return Reads(
            linked=tensor(index),
            group=tensor(group),
            blocks=blocks,
            block_sentence=tensor(prefix_sentences[blocks] - tile.sentence),
            block_index=tensor(_block_index(tile, attends, *prefix_pairs)),
        )

    return Wanted(
        batch=batch,
        attends=attends,
        between=between,
        group_sizes=np.bincount(linked.group, minlength=linked.groups),
        blocks=len(prefix_sentences),
        places=len(prefix_pairs[0]),
        reads=tuple(reads(tile) for tile in batch.tiles),
        hidden=None if between is None else tensor(is_between(prefix_pairs[1], between[:, prefix_sentences, None])),
    )


def want_nothing(batch: Batch, causal: bool, device: torch.device) -> Wanted:
    """Where the sentences are, and no weight to read: for those who look at attention itself."""
    nothing = np.zeros(0, dtype=np.int64)
    return want(batch, Attends(causal, 0, 0), Linked(nothing, nothing, nothing, 0), nothing, (nothing, nothing), device)


def _linked_index(tile: Tile, linked: Linked) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """[3, pair] sentence, row, column of the tile's linked pairs, and [pair] group; attending pieces ascend."""
    begin = tile.start + tile.row
    end = begin + (tile.count - 1) * tile.length + tile.rows
    own = slice(*np.searchsorted(linked.attending, [begin, end]).tolist())
    # Counted from the tile's first piece, packed piece p is piece p mod length of sentence p div length.
    sentence, i = np.divmod(linked.attending[own] - tile.start, tile.length)
    j = linked.attended[own] - tile.start - sentence * tile.length
    return np.stack([sentence, i - tile.row, j]).astype(np.int32), linked.group[own].astype(np.int32)


def _block_index(tile: Tile, attends: Attends, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.int64]:
    """[3, place] the places among the first pairs (i, j) that the tile's rows fill; row, column of each."""
    exists = (i >= tile.row) & (i < tile.row + tile.rows) & attends.pairs(i, j, tile.length)
    return np.stack([np.flatnonzero(exists), i[exists] - tile.row, j[exists]])


def hide(prefix: Tensor, wanted: Wanted) -> None:
    """Forget the weights of prefix blocks [V, head, Q] that are null for being between segments."""
    if wanted.hidden is not None:
        prefix.masked_fill_(wanted.hidden[:, None], nan)


APART, OWN = range(2)
"""The two kinds of peaks: between two pieces, and from a piece to itself."""


@dataclass(frozen=True, slots=True)
class Reductions:
    """What one layer's attention comes down to.

    F is α with null columns set to 0. All but indices are float64. Of sentences that are not measured there are peaks
    only; they and their pieces have 0 everywhere, and −1 as `strongest`.
    """

    received: Tensor
    """[T, head] column sums of α, null columns too; those of F are those of the other columns"""
    given: Tensor
    """[T, head] row sums of F"""
    null: Tensor
    """[T, head] row sums of α over null columns, a learned sink too"""
    entropy: Tensor
    """[T, head] nats, of the row of F scaled to 1; 0 in rows that are not kept"""
    kept: Tensor
    """[T, head] whether the row has an entropy"""
    entropy_all: Tensor
    """[T, head] nats, of the whole row of α, a learned sink too"""
    largest: Tensor
    """[T, head] the row's largest α, null columns too"""
    strongest: Tensor
    """[T, head] int32: attended piece of the row's largest F, counted in the sentence; the first of equals (or of
    weights that rounding alone tells apart); −1 where no pair is attendable"""
    offsets: Tensor
    """[head, offset] sums of F by i − j, both ends holding all beyond"""
    offsets_all: Tensor
    """[head, offset] those of α"""
    span: Tensor
    """[head] Σ F·|i − j|"""
    span_squared: Tensor
    """[head] Σ F·(i − j)²"""
    linked: Tensor
    """[G, head] Σ α over the linked pairs of each group"""
    peak: Tensor
    """[2, B, head] largest F[i, j] of each sentence with i ≠ j, then with i = j; −inf where none is attendable"""
    peak_i: Tensor
    """[2, B, head] its attending piece; −1 where there is none"""
    peak_j: Tensor
    """[2, B, head] its attended piece; the pair is the smallest (i, j) of equals"""
    own_first: Tensor
    """[B, head] α of each sentence's first piece to itself, null or not"""
    prefix: Tensor
    """[V, head, Q] F at the wanted first pieces; NaN where a pair does not exist or is not attendable"""
    sink: Tensor
    """[T, head] the row's α on a learned sink, which is no piece: null, and 0 without one"""
    norm: Tensor
    """[T, head] length of what the head adds to the stream; no kernel knows it, and it is NaN until it is filled in"""

    @classmethod
    def empty(cls, wanted: Wanted, heads: int, device: torch.device) -> "Reductions":
        """Room for the reductions of one layer: sums at 0, nothing strongest, no peaks, no prefix."""
        pieces, sentences = int(wanted.batch.offsets[-1]), len(wanted.batch.rows)

        def full(*shape: int, value: float = 0, dtype: torch.dtype = torch.float64) -> Tensor:
            return torch.full(shape, value, dtype=dtype, device=device)

        return cls(
            received=full(pieces, heads),
            given=full(pieces, heads),
            null=full(pieces, heads),
            entropy=full(pieces, heads),
            kept=full(pieces, heads, dtype=torch.bool),
            entropy_all=full(pieces, heads),
            largest=full(pieces, heads),
            strongest=full(pieces, heads, value=-1, dtype=torch.int32),
            offsets=full(heads, len(OFFSETS)),
            offsets_all=full(heads, len(OFFSETS)),
            span=full(heads),
            span_squared=full(heads),
            linked=full(len(wanted.group_sizes), heads),
            peak=full(2, sentences, heads, value=-inf),
            peak_i=full(2, sentences, heads, value=-1, dtype=torch.int64),
            peak_j=full(2, sentences, heads, value=-1, dtype=torch.int64),
            own_first=full(sentences, heads),
            prefix=full(wanted.blocks, heads, wanted.places, value=nan),
            sink=full(pieces, heads),
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
        scoring: Scoring,
        wanted: Wanted,
        reduce: bool,
        show: Show | None = None,
    ) -> tuple[Tensor | None, Reductions | None]:
        """One layer.

        Args:
            query: [T, head, width] packed queries.
            key: [T, head, width] packed keys, repeated where heads share them.
            value: [T, head, value width] packed values; None where the output is not needed.
            scoring: what scores are made of.
            wanted: where the sentences are, and what to read.
            reduce: whether the reductions are wanted.
            show: gets each tile's α, in order.

        Returns:
            output [T, head, value width] or None, reductions or None.
        """
        ...
