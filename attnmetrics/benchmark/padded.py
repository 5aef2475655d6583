"""Units side by side, padded at their ends, as other ways of measuring read them, and what is known of their pieces."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.benchmark.paper_way import Features, PaperSums
from attnmetrics.pieces.units import Units


@dataclass(frozen=True, slots=True)
class Padded:
    """Units side by side, [unit, piece], with padding at their ends."""

    ids: Tensor
    real: Tensor
    """which pieces are no padding"""
    known: Tensor
    """[unit, 1, piece, feature]: part of speech, relation, being the null piece, position"""
    links: Tensor
    """[4, pair]: direction (0 from a head word), unit, attending and attended piece"""


def pad(
    units: Units,
    features: Sequence[Features],
    rows: NDArray[np.int64],
    sums: PaperSums,
    device: torch.device,
    longest: int | None = None,
) -> Padded:
    """Put some units side by side.

    Args:
        units: all units.
        features: of every unit.
        rows: those that are wanted.
        sums: what is to be found of them.
        device: where they are wanted.
        longest: pieces that are read of a unit, at most.
    """
    lengths = np.minimum(units.pieces.lengths[rows], longest or units.pieces.lengths.max())
    tags, relations = sums.received_by_pos.shape[-1], sums.received_by_rel.shape[-1]
    ids = np.zeros((len(rows), lengths.max()), np.int64)
    known = np.zeros((*ids.shape, tags + relations + 2), np.float32)
    links: list[NDArray[np.int64]] = []
    for place, (row, length) in enumerate(zip(rows, lengths, strict=True)):
        own, k = features[row], np.arange(length)
        ids[place, :length] = units.pieces.ids_of(rows[place : place + 1])[:length]
        known[place, k, own.pos[:length]] = known[place, k, tags + own.rel[:length]] = known[place, 0, -2] = 1
        known[place, k, -1] = k
        head, child = np.stack([own.head, own.child])[:, np.maximum(own.head, own.child) < length]
        pairs = (head, child), (child, head)
        links += [np.stack([np.full(len(i), d), np.full(len(i), place), i, j]) for d, (i, j) in enumerate(pairs)]
    real = np.arange(ids.shape[1]) < lengths[:, None]
    on_device = (torch.from_numpy(values).to(device) for values in (ids, real, known[:, None], np.hstack(links)))
    return Padded(*on_device)
