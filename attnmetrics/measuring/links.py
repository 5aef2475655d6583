"""The linked pairs whose weights are read, by unit."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnmetrics.model.kernels.reductions import Linked
from attnmetrics.model.load import Model
from attnmetrics.model.pack import Batch
from attnmetrics.pieces.align import ranges
from attnmetrics.pieces.attends import Attends
from attnmetrics.pieces.links import Pairs, together
from attnmetrics.pieces.special import SEPARATOR
from attnmetrics.pieces.units import Units


@dataclass(frozen=True, slots=True)
class Links:
    """The P linked pairs of the units that count, by unit: the attendable ones of all links; separators of a unit."""

    offsets: NDArray[np.int64]
    """[S + 1] pairs of unit s are offsets[s] … offsets[s + 1] − 1"""
    attending: NDArray[np.int32]
    """[P] piece, counted in the unit"""
    attended: NDArray[np.int32]
    """[P] likewise"""
    group: NDArray[np.int32]
    """[P] see `Schema.groups` and `Schema.separators`"""

    @classmethod
    def of(cls, units: Units, metrics: NDArray[np.bool_], model: Model) -> "Links":
        """The pairs of these units, of which [S] count in the metrics."""
        groups, attends = units.schema.groups, model.attends
        separators = together(units.labels["special"] == SEPARATOR, units.pieces)
        all_columns = replace(attends, leading=0, trailing=0)  # α on separators is wanted where they are null, too
        every = [(pairs, groups[link].start, attends) for link, pairs in units.links.items()]
        every.append((separators, units.schema.separators, all_columns))
        parts = [_chosen(*one, metrics, units.pieces.lengths) for one in every]
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


def _chosen(
    pairs: Pairs, group: int, attends: Attends, metrics: NDArray[np.bool_], lengths: NDArray[np.int64]
) -> list[NDArray[Any]]:
    """Unit, attending and attended piece, and group, of the pairs that count; the first direction is of this group."""
    row = pairs.row
    i, j = pairs.attending.astype(np.int64), pairs.attended.astype(np.int64)
    kept = metrics[row] & attends.pairs(i, j, lengths[row])
    return [column[kept] for column in (row, pairs.attending, pairs.attended, group + pairs.edge)]
