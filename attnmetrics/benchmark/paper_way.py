"""The paper's way of measuring: one sentence at a time, eager attention as a tensor, its metrics in NumPy.

Written as a careful reader of the paper would write it, without a loop over heads or pieces. Its sums are also a second
source for ours (see the tests).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.entropy import ENTROPY_NULL_LIMIT
from attnmetrics.metrics.family import OFFSET_LIMIT, OFFSETS
from attnmetrics.metrics.variability import PREFIX_PIECES
from attnmetrics.pieces.units import Units

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of a sentence's n pieces."""

    pos: NDArray[np.int64]
    """[n] tag"""
    rel: NDArray[np.int64]
    """[n] relation"""
    head: NDArray[np.int32]
    """[D] piece of the head word of each pair of pieces in a dependency"""
    child: NDArray[np.int32]
    """[D] piece of the child word"""


def features(units: Units) -> list[Features]:
    """Of every unit."""
    links, pos, rel = units.links["dependency"], units.labels["pos"], units.labels["rel"]
    found = []
    for row, (begin, end) in enumerate(pairwise(units.pieces.offsets)):
        own = slice(links.offsets[row], links.offsets[row + 1])
        from_head = links.edge[own] == 0
        head, child = links.attending[own][from_head], links.attended[own][from_head]
        found.append(Features(pos[begin:end], rel[begin:end], head, child))
    return found


class PaperSums:
    """The sums of L layers and H heads; the first column of every row is null, as for GPT-2."""

    def __init__(self, layers: int, heads: int, pos: int, rel: int) -> None:
        shape = (layers, heads)
        self.null_sum, self.given_sum, self.span_sum = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.entropy_sum, self.entropy_rows = np.zeros(shape), np.zeros(shape)
        self.received_by_pos, self.given_by_pos = np.zeros((*shape, pos)), np.zeros((*shape, pos))
        self.received_by_rel = np.zeros((*shape, rel))
        self.dependency_sum = np.zeros((*shape, 2))
        self.offset_sum = np.zeros((*shape, len(OFFSETS)))
        self.prefixes: list[Array] = []
        self.peaks: list[tuple[Array, NDArray[np.int64]]] = []

    def add(self, attention: Array, features: Features) -> None:
        """Add a sentence's α, [layer, head, n, n]."""
        n = attention.shape[-1]
        self.null_sum += attention[..., 0].sum(-1)
        kept = attention.copy()
        kept[..., 0] = 0
        received, given = kept.sum(-2), kept.sum(-1)
        self.given_sum += given.sum(-1)
        self.received_by_pos += received @ np.eye(self.received_by_pos.shape[-1])[features.pos]
        self.given_by_pos += given @ np.eye(self.given_by_pos.shape[-1])[features.pos]
        self.received_by_rel += received @ np.eye(self.received_by_rel.shape[-1])[features.rel]
        i, j = np.arange(n)[:, None], np.arange(n)[None]
        self.span_sum += np.einsum("lhij,ij->lh", kept, np.abs(i - j).astype(float))
        place = np.clip(i - j, -OFFSET_LIMIT, OFFSET_LIMIT) + OFFSET_LIMIT
        for offset in np.unique(place[np.tril_indices(n)]):
            self.offset_sum[..., offset] += kept[..., place == offset].sum(-1)
        self.dependency_sum[..., 0] += kept[..., features.head, features.child].sum(-1)
        self.dependency_sum[..., 1] += kept[..., features.child, features.head].sum(-1)
        self._add_entropy(attention, kept, given)
        self.prefixes.append(kept[..., :PREFIX_PIECES, :PREFIX_PIECES])
        flat = kept.reshape(*kept.shape[:2], -1)
        best = flat.argmax(-1)
        self.peaks.append((np.take_along_axis(flat, best[..., None], -1)[..., 0], best))

    def _add_entropy(self, attention: Array, kept: Array, given: Array) -> None:
        rows = (attention[..., 0] <= ENTROPY_NULL_LIMIT) & (given > 0)
        share = kept / np.where(given > 0, given, 1)[..., None]
        terms = np.zeros_like(share)
        np.log(share, out=terms, where=share > 0)
        self.entropy_sum += np.where(rows, -(share * terms).sum(-1), 0).sum(-1)
        self.entropy_rows += rows.sum(-1)
