"""Sentences end to end, without padding: sorted by length, cut into batches, each batch into tiles of equal lengths.

Everything here depends on the sentences alone, never on who computes them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import isqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

TILE_PAIRS: Final = 1 << 16
"""Pairs of pieces of one tile and head: 0.25 MB of α a head in float32; more for sentences longer than four times its
root (see `_rows_of_long`)."""

Together = Literal["packed", "equal lengths", "alone"]
"""What shares a batch: sentences of any lengths, of one length, or none with any other."""


@dataclass(frozen=True, slots=True)
class Batching:
    """How a model is given sentences so that each has the attention that it has alone (see `neighbours`)."""

    together: Together
    at_once: bool
    """two threads may read batches at the same time"""

    @property
    def reasons(self) -> list[str]:
        """Why this is not the fastest way, in a line each; nothing where it is."""
        share = {"equal lengths": "only sentences of one length share a batch", "alone": "each is read alone"}
        reasons = []
        if self.together in share:
            reasons.append(f"the model's attention in a sentence may depend on its neighbours: {share[self.together]}")
        if not self.at_once:
            reasons.append("the model changes while it reads: batches are read one at a time")
        return reasons


@dataclass(frozen=True, slots=True)
class Tile:
    """Attention rows computed together: all rows of some sentences of one length, or some rows of a long sentence."""

    sentence: int
    """the first of its sentences, counted in the batch"""
    count: int
    """number of its sentences"""
    start: int
    """first packed piece of its first sentence"""
    length: int
    """pieces of each sentence"""
    row: int
    """first attending piece, counted in the sentence"""
    rows: int
    """number of attending pieces per sentence; `length` unless one long sentence is split"""
    measured: bool
    """False where only the strongest pair of each sentence is wanted"""


@dataclass(frozen=True, slots=True)
class Batch:
    """B sentences packed end to end for one forward pass."""

    rows: NDArray[np.int64]
    """[B] the sentences, as rows of the shard"""
    offsets: NDArray[np.int64]
    """[B + 1] packed pieces of sentence b are offsets[b] … offsets[b + 1] − 1"""
    tiles: tuple[Tile, ...]

    @property
    def longest(self) -> int:
        """Pieces of its longest sentence."""
        return max(tile.length for tile in self.tiles)


def pack(
    lengths: NDArray[np.int64], measured: NDArray[np.bool_], batch_pieces: int, tile_pairs: int, equal_lengths: bool,
    most_pairs: int | None = None, depth: NDArray[np.int64] | None = None,
) -> Iterator[Batch]:  # fmt: skip
    """Batches of at most `batch_pieces` pieces (one sentence may exceed it), shortest sentences first.

    Sentences without a piece are left out. Those that are measured come first.

    Args:
        lengths: [S] pieces of each sentence.
        measured: [S] whether a sentence counts in the metrics.
        batch_pieces: most pieces of a batch.
        tile_pairs: most pairs of pieces of a tile.
        equal_lengths: keep to one length in a batch, for models that take rows of equal length only.
        most_pairs: most pairs of pieces of a batch of one length (one sentence may exceed it); unset, any number.
        depth: [S] how many layers a sentence is read in: those of few share batches, where these may mix lengths.
    """
    keys = [lengths, ~measured] if depth is None or equal_lengths else [lengths, depth, ~measured]
    order = np.lexsort(keys)
    order = order[lengths[order] > 0]
    begin = 0
    while begin < len(order):
        ends = np.cumsum(lengths[order[begin:]])
        count = max(1, int(np.searchsorted(ends, batch_pieces, side="right")))
        if equal_lengths:
            same = lengths[order[begin : begin + count]] == lengths[order[begin]]
            count = int(np.argmin(same)) if not same.all() else count
        if most_pairs is not None:
            count = min(count, max(1, most_pairs // int(lengths[order[begin]]) ** 2))
        rows = order[begin : begin + count]
        yield _batch(rows, lengths[rows], measured[rows], tile_pairs)
        begin += count


def _batch(rows: NDArray[np.int64], lengths: NDArray[np.int64], measured: NDArray[np.bool_], tile_pairs: int) -> Batch:
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    change = (np.diff(lengths) != 0) | (measured[1:] != measured[:-1])
    bounds = [0, *(np.flatnonzero(change) + 1).tolist(), len(rows)]
    tiles = [
        tile
        for first, last in pairwise(bounds)
        for tile in _tiles(first, last, int(offsets[first]), int(lengths[first]), bool(measured[first]), tile_pairs)
    ]
    return Batch(rows, offsets, tuple(tiles))


def _tiles(first: int, last: int, start: int, length: int, measured: bool, tile_pairs: int) -> Iterator[Tile]:
    """The tiles of the sentences first … last − 1, all of one length."""
    per_tile = tile_pairs // length**2
    if per_tile:
        for sentence in range(first, last, per_tile):
            count = min(per_tile, last - sentence)
            yield Tile(sentence, count, start + (sentence - first) * length, length, 0, length, measured)
        return
    height = _rows_of_long(length, tile_pairs)
    for sentence in range(first, last):
        for row in range(0, length, height):
            rows = min(height, length - row)
            yield Tile(sentence, 1, start + (sentence - first) * length, length, row, rows, measured)


def _rows_of_long(length: int, tile_pairs: int) -> int:
    """Rows of a tile of a sentence that one tile does not hold: a quarter of a square tile's side at least.

    A product of few rows waits for keys and values from memory: at 4,096 pieces, one of 64 rows takes 0.6 of the time
    of four of 16.
    """
    return max(1, tile_pairs // length, isqrt(tile_pairs) // 4)
