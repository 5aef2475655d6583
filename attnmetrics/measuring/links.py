"""The linked pairs whose weights are read, by unit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnmetrics.model.align import ranges
from attnmetrics.model.kernels.reductions import Linked
from attnmetrics.model.load import Model
from attnmetrics.model.pack import Batch
from attnmetrics.model.units import Units


@dataclass(frozen=True, slots=True)
class Links:
    """The P attendable linked pairs of the units that count, of all links, by unit."""

    offsets: NDArray[np.int64]
    """[S + 1] pairs of unit s are offsets[s] … offsets[s + 1] − 1"""
    attending: NDArray[np.int32]
    """[P] piece, counted in the unit"""
    attended: NDArray[np.int32]
    """[P] likewise"""
    group: NDArray[np.int32]
    """[P] see `Schema.groups`"""

    @classmethod
    def of(cls, units: Units, metrics: NDArray[np.bool_], model: Model) -> "Links":
        """The pairs of these units, of which [S] count in the metrics."""
        lengths, groups = units.pieces.lengths, units.schema.groups
        parts = []
        for link, pairs in units.links.items():
            row = pairs.row
            i, j = pairs.attending.astype(np.int64), pairs.attended.astype(np.int64)
            kept = metrics[row] & model.attends.pairs(i, j, lengths[row])
            group = groups[link].start + pairs.edge
            parts.append([column[kept] for column in (row, pairs.attending, pairs.attended, group)])
        # The links' pairs one link after the other, and from here on unit by unit.
        row, attending, attended, group = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(row, kind="stable")
        offsets = np.searchsorted(row[order], np.arange(len(units) + 1))
        return cls(offsets, attending[order], attended[order], group[order].astype(np.int32))

    def of_batch(self, batch: Batch, groups: int) -> Linked:
        """The pairs of a batch's units, in packed pieces."""
        begin, end = self.offsets[batch.rows], self.offsets[batch.rows + 1]
        # A row for each pair of the batch: where it stands among all pairs, and the first packed piece of its unit.
        pair = ranges(begin, end)
        start = np.repeat(batch.offsets[:-1], end - begin)
        return Linked(
            attending=start + self.attending[pair],
            attended=start + self.attended[pair],
            group=self.group[pair].astype(np.int64),
            groups=groups,
        )
