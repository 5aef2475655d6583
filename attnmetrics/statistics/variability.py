"""Eq. 5: how much a head's attention pattern over the first N pieces changes from sentence to sentence.

    variability = Σ_x Σ_{i,j<N, attendable} |F − F̄[i,j]| ÷ (2 Σ_x Σ_{i,j<N} F)

F̄ needs all sentences before the first deviation can be taken, so shards keep the blocks themselves (`Prefix`), and the
merge goes over them twice: `prefix_sums` gives F̄, then `deviation_sum` the numerator.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from attnmetrics.errors import MergeError
from attnmetrics.metrics.variability import PREFIX_PIECES

CHUNK_NUMBERS = 2_000_000
"""Float64 numbers in a temporary array: 16 MB."""

Keep = Callable[[int, Mapping[str, NDArray[np.float64]]], None]
"""Takes the place of a shard, and sums of it."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The prefix blocks of V sentences."""

    blocks: NDArray[np.float32]
    """[V, layer, head, Q] F of the pairs of `prefix_pairs`; NaN where the sentence has no such pair or it is not
    attendable"""
    hashes: NDArray[np.uint64]
    """[V] the order in which sentences are chosen when not all can be kept"""

    def __len__(self) -> int:
        return len(self.hashes)

    def pack(self) -> NDArray[np.uint8]:
        """The shape of the blocks (4 int64), the hashes and the blocks, as bytes."""
        parts = (np.array(self.blocks.shape, np.int64), self.hashes, self.blocks)
        return np.concatenate([np.ravel(part).view(np.uint8) for part in parts])

    @classmethod
    def unpack(cls, data: NDArray[np.uint8]) -> "Prefix":
        """The inverse of `pack`.

        Raises:
            MergeError: the bytes are not as many as their shape says.
        """
        shape = data[:32].view(np.int64).tolist() if len(data) >= 32 else [-1]
        begin = 32 + 8 * shape[0]
        if min(shape) < 0 or len(data) != begin + 4 * prod(shape):
            raise MergeError(f"expected hashes and prefix blocks of shape {shape}, found {len(data)} bytes")
        return cls(blocks=data[begin:].view(np.float32).reshape(shape), hashes=data[32:begin].view(np.uint64))


def prefix_pairs(causal: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(i[Q], j[Q]), row by row: all pairs of the first N pieces, those with j ≤ i for causal models."""
    n = PREFIX_PIECES
    i, j = np.divmod(np.arange(n * n, dtype=np.int64), n)
    kept = (j <= i) if causal else np.full(n * n, True)
    return i[kept], j[kept]


def prefix_sums(blocks: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(Σ_x F [layer, head, Q], number of sentences with the pair [Q]) of blocks [V, layer, head, Q]."""
    total = np.zeros(blocks.shape[1:])
    number = np.zeros(blocks.shape[-1], np.int64)
    for chunk in _chunks(blocks):
        total += np.nansum(chunk, axis=0, dtype=np.float64)
        number += np.count_nonzero(~np.isnan(chunk[:, 0, 0, :]), axis=0)
    return total, number


def prefix_mean(total: NDArray[np.float64], number: NDArray[np.int64]) -> NDArray[np.float64]:
    """F̄ [layer, head, Q] from the two values of `prefix_sums`; NaN for a pair that no sentence has."""
    mean = np.full(total.shape, np.nan)
    np.divide(total, number, out=mean, where=number > 0)
    return mean


def deviation_sum(blocks: NDArray[np.float32], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ_x Σ_{i,j} |F − F̄| [layer, head] of blocks [V, layer, head, Q] and F̄ [layer, head, Q]."""
    total = np.zeros(blocks.shape[1:3])
    for chunk in _chunks(blocks):
        total += np.nansum(np.abs(chunk - mean), axis=(0, 3))
    return total


def deviations(
    read: Callable[[], Iterable[NDArray[np.float32]]], keep: Keep | None = None
) -> dict[str, NDArray[np.float64]]:
    """Sums over the blocks of all shards.

    `deviation_sum` [layer, head] Σ_x Σ |F − F̄|, `prefix_sum` [layer, head] Σ_x Σ F, and `variability_sentences`, the
    number of sentences.

    Args:
        read: gives the blocks [V, layer, head, Q] of each shard, in shard order; called once for each of two passes.
        keep: is given the place of each shard in this order, and these sums of its own; F̄ is that of all shards.

    Raises:
        MergeError: there is no shard.
    """
    total, number, sentences = _totals(read())
    mean = prefix_mean(total, number)
    deviation = np.zeros(total.shape[:2])
    for place, blocks in enumerate(read()):
        own = deviation_sum(blocks, mean)
        deviation += own
        if keep is not None:
            keep(place, _sums(own, prefix_sums(blocks)[0], len(blocks)))
    return _sums(deviation, total, sentences)


def _sums(deviation: NDArray[np.float64], total: NDArray[np.float64], sentences: int) -> dict[str, NDArray[np.float64]]:
    return {
        "deviation_sum": deviation,
        "prefix_sum": total.sum(axis=-1),
        "variability_sentences": np.asarray(sentences, np.float64),
    }


def _totals(parts: Iterable[NDArray[np.float32]]) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    """Σ F [layer, head, Q], sentences with the pair [Q], and sentences, over all shards."""
    totals: tuple[NDArray[np.float64], NDArray[np.int64], int] | None = None
    for blocks in parts:
        total, number = prefix_sums(blocks)
        before = totals or (np.zeros_like(total), np.zeros_like(number), 0)
        totals = (before[0] + total, before[1] + number, before[2] + len(blocks))
    if totals is None:
        raise MergeError("expected prefix blocks of at least one shard, found none; measure a shard before merging")
    return totals


def _chunks(blocks: NDArray[np.float32]) -> Iterable[NDArray[np.float32]]:
    """Slices along the first axis, of about `CHUNK_NUMBERS` numbers."""
    rows = max(1, CHUNK_NUMBERS // max(1, blocks[0].size)) if len(blocks) else 1
    return (blocks[start : start + rows] for start in range(0, len(blocks), rows))
