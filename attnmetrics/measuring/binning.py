"""The reductions of one layer of one batch, binned by labels and links: what a schema sums of each head."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.metrics.family import HEAD, Quantity, Sum
from attnmetrics.metrics.schema import Schema
from attnmetrics.model.kernels.reductions import Reductions
from attnmetrics.model.units import Units


@dataclass(frozen=True, slots=True)
class Binning:
    """Where the reductions of one batch of T pieces belong."""

    schema: Schema
    given: Tensor
    """[name, T] float64, 1 where an attending piece has the name; of all labels, one label below the other"""
    received: Tensor
    """[name, T] likewise of attended pieces; 0 where they are null"""
    rows: Mapping[str, slice]
    """the names of each label among these"""

    @classmethod
    def of(cls, units: Units, piece: NDArray[np.int64], null: NDArray[np.bool_], device: torch.device) -> "Binning":
        """The binning of a batch.

        Args:
            units: the units that the batch is of.
            piece: [T] its pieces, counted over all units.
            null: [T] whether the piece is null in its unit.
            device: where the reductions are.
        """
        names = units.schema.names
        # [name, T] by label whether the piece has the name, and then all of these one below the other.
        members = [units.labels[label][piece] == np.arange(len(own))[:, None] for label, own in names.items()]
        of_all = np.concatenate([np.zeros((0, len(piece)), np.bool_), *members])
        given, received = (torch.from_numpy(part).to(device, torch.float64) for part in (of_all, of_all & ~null))
        ends = np.cumsum([len(own) for own in names.values()]).tolist()
        rows = {label: slice(end - len(names[label]), end) for label, end in zip(names, ends, strict=True)}
        return cls(units.schema, given, received, rows)

    def bin(self, reductions: Reductions) -> dict[str, Tensor]:
        """[head, …] each sum of the schema that kernels give, float64; nothing here waits for the device."""
        given, received = self.given @ reductions.given, self.received @ reductions.received

        def total(wanted: Sum) -> Tensor:
            if wanted.of is Quantity.LINKED:
                own = reductions.linked[self.schema.groups[str(wanted.by)]].T
                return own if len(wanted.dims) > len(HEAD) else own[:, 0]
            if wanted.by is not None:
                of_names = given if wanted.of is Quantity.GIVEN else received
                return of_names[self.rows[wanted.by]].T
            return _OF_HEADS[wanted.of](reductions)

        return {one.name: total(one) for one in self.schema.head_sums}


_OF_HEADS: Mapping[Quantity, Callable[[Reductions], Tensor]] = {
    Quantity.GIVEN: lambda reductions: reductions.given.sum(0),
    Quantity.NULL: lambda reductions: reductions.null.sum(0),
    Quantity.ENTROPY: lambda reductions: reductions.entropy.sum(0),
    Quantity.KEPT: lambda reductions: reductions.kept.sum(0),
    Quantity.OFFSETS: lambda reductions: reductions.offsets,
    Quantity.SPAN: lambda reductions: reductions.span,
    Quantity.NORM: lambda reductions: reductions.norm.sum(0),
}
"""[head, …] quantities that are not split."""
