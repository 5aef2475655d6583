"""What sinks and peaks come to in the units of one batch: one number a unit and head, from the reductions."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.metrics.sinks import BINS, FIRST_PIECES, may_be_second_sink
from attnmetrics.model.kernels.reductions import Reductions
from attnmetrics.model.pack import Batch
from attnmetrics.pieces.attends import Attends


@dataclass(frozen=True, slots=True)
class Sinks:
    """Where the numbers of a batch's units lie; of those units that count."""

    counted: Tensor
    """[B] units"""
    long: Tensor
    """[L] those of them whose attention to the first piece counts"""
    first: Tensor
    """[L] their first packed pieces"""
    others: Tensor
    """[L, 1] how many further rows they have"""
    column: Tensor
    """[C] packed pieces that may be second sinks"""
    rows: Tensor
    """[C, 1] how many rows may attend to each"""
    unit: Tensor
    """[C] its unit, counted among those that have such a column"""
    with_column: int
    """how many these are"""

    @classmethod
    def of(
        cls, batch: Batch, null: NDArray[np.bool_], metrics: NDArray[np.bool_], attends: Attends, device: torch.device
    ) -> "Sinks":
        """Those of a batch.

        Args:
            batch: its units.
            null: [T] whether the columns of its packed pieces are null.
            metrics: [units] which of its units count.
            attends: what a row may attend to.
            device: where the reductions are.
        """
        lengths = np.diff(batch.offsets)
        long = np.flatnonzero(metrics & (lengths >= FIRST_PIECES))
        # A row for each packed piece: its unit, its place there, its unit's pieces, and how many rows may attend to it.
        unit = np.repeat(np.arange(len(lengths)), lengths)
        within, length = np.arange(len(unit)) - batch.offsets[unit], lengths[unit]
        rows = attends.seen_by(within, length)
        column = np.flatnonzero(may_be_second_sink(within, length, rows, null) & metrics[unit])
        with_column, place = np.unique(unit[column], return_inverse=True)

        def tensor(index: NDArray[np.int64]) -> Tensor:
            return torch.from_numpy(index).to(device)

        return cls(
            counted=tensor(np.flatnonzero(metrics)),
            long=tensor(long),
            first=tensor(batch.offsets[long]),
            others=tensor(lengths[long, None] - 1),
            column=tensor(column),
            rows=tensor(rows[column, None]),
            unit=tensor(place),
            with_column=len(with_column),
        )

    def first_pieces(self, reductions: Reductions) -> Tensor:
        """[head, weight_bin] long units by mean α on their first piece, of all rows but the first."""
        beside_own = reductions.received[self.first] - reductions.own_first[self.long]
        return _histogram(beside_own / self.others)

    def peaks(self, reductions: Reductions) -> Tensor:
        """[head, weight_bin] units by their largest F."""
        return _histogram(reductions.peak.amax(0)[self.counted])

    def second_sinks(self, reductions: Reductions) -> Tensor:
        """[head] Σ over units of the mean F of the column that gets most."""
        mean = reductions.received[self.column] / self.rows
        largest = mean.new_zeros(self.with_column, mean.shape[1])
        return largest.scatter_reduce_(0, self.unit[:, None].expand_as(mean), mean, "amax").sum(0)


def _histogram(weights: Tensor) -> Tensor:
    """[head, weight_bin] how many weights [unit, head] are in each bin (see `metrics.sinks.find_bins`)."""
    places = (weights * BINS).floor().nan_to_num()  # attention that is not finite is found in other sums
    bins = places.clamp(0, BINS - 1).long()
    counts = weights.new_zeros(weights.shape[1], BINS)
    return counts.scatter_add_(1, bins.T, torch.ones_like(weights.T))
