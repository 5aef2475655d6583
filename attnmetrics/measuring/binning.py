"""The reductions of one layer of one batch, binned by labels and links: what a schema sums of each head."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.measuring.sinks import Sinks
from attnmetrics.metrics.family import HEAD, OFFSETS, Quantity, Sum
from attnmetrics.metrics.schema import Schema
from attnmetrics.model.kernels.reductions import Reductions
from attnmetrics.pieces.special import FIRST, SEPARATOR, is_summary
from attnmetrics.pieces.units import Units


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
    summary: Tensor
    """[T] float64, 1 where a row stands for its unit"""
    sinks: Sinks

    @classmethod
    def of(
        cls,
        units: Units,
        piece: NDArray[np.int64],
        within: NDArray[np.int64],
        length: NDArray[np.int64],
        causal: bool,
        sinks: Sinks,
        device: torch.device,
    ) -> "Binning":
        """The binning of a batch.

        Args:
            units: the units that the batch is of.
            piece: [T] its pieces, counted over all units.
            within: [T] the same, counted in their units.
            length: [T] pieces of their units.
            causal: whether the model is.
            sinks: what is asked of its units as a whole.
            device: where the reductions are.
        """
        names = units.schema.names
        # [name, T] by label whether the piece has the name, and then all of these one below the other.
        members = [units.labels[label][piece] == np.arange(len(own))[:, None] for label, own in names.items()]
        of_all = np.concatenate([np.zeros((0, len(piece)), np.bool_), *members])
        summary = is_summary(within, length, units.pieces.in_text[piece], causal)
        parts = (of_all, of_all & ~units.null[piece], summary)
        given, received, of_units = (torch.from_numpy(part).to(device, torch.float64) for part in parts)
        ends = np.cumsum([len(own) for own in names.values()]).tolist()
        rows = {label: slice(end - len(names[label]), end) for label, end in zip(names, ends, strict=True)}
        return cls(units.schema, given, received, rows, of_units, sinks)

    def bin(self, reductions: Reductions) -> dict[str, Tensor]:
        """[head, …] each sum of the schema that kernels give, float64; nothing here waits for the device."""
        by_name = {
            Quantity.GIVEN: self.given @ reductions.given,
            Quantity.RECEIVED: self.received @ reductions.received,
        }

        def total(wanted: Sum) -> Tensor:
            if wanted.of is Quantity.LINKED:
                own = reductions.linked[self.schema.groups[str(wanted.by)]].T
                return own if len(wanted.dims) > len(HEAD) else own[:, 0]
            if wanted.by is not None and wanted.of in by_name:
                return by_name[wanted.of][self.rows[wanted.by]].T
            if wanted.of in _BY_PIECE:
                return _BY_PIECE[wanted.of](self, reductions)
            return _OF_HEADS[wanted.of](reductions)

        return {one.name: total(one) for one in self.schema.head_sums}

    def received_by_kind(self, reductions: Reductions) -> Tensor:
        """[head, special] Σ α on each kind of piece, null or not; a learned sink stands before all pieces."""
        by_kind = (self.given[self.rows["special"]] @ reductions.received).T
        by_kind[:, FIRST] += reductions.sink.sum(0)
        return by_kind

    def to_separators(self, reductions: Reductions) -> Tensor:
        """[head, 2] Σ α on separators, of rows that are separators, and of all others.

        The difference is exact to α's own rounding: both sums are of the same weights, in float64.
        """
        between = reductions.linked[self.schema.separators]
        of_all = self.given[self.rows["special"]][SEPARATOR] @ reductions.received
        return torch.stack([between, (of_all - between).clamp_min(0)], dim=-1)


_BY_PIECE: Mapping[Quantity, Callable[[Binning, Reductions], Tensor]] = {
    Quantity.RECEIVED_ALL: Binning.received_by_kind,
    Quantity.TO_SEPARATORS: Binning.to_separators,
    Quantity.ENTROPY_SUMMARY: lambda binning, reductions: binning.summary @ reductions.entropy_all,
    Quantity.FIRST_PIECE: lambda binning, reductions: binning.sinks.first_pieces(reductions),
    Quantity.SECOND_SINK: lambda binning, reductions: binning.sinks.second_sinks(reductions),
    Quantity.PEAK: lambda binning, reductions: binning.sinks.peaks(reductions),
}
"""[head, …] quantities of some pieces or units."""

_NEIGHBOURS: Final = [OFFSETS.index(offset) for offset in (1, 0, -1)]
"""Where the offsets of the previous, the same and the next piece are."""

_OF_HEADS: Mapping[Quantity, Callable[[Reductions], Tensor]] = {
    Quantity.GIVEN: lambda reductions: reductions.given.sum(0),
    Quantity.NULL: lambda reductions: reductions.null.sum(0),
    Quantity.ENTROPY: lambda reductions: reductions.entropy.sum(0),
    Quantity.KEPT: lambda reductions: reductions.kept.sum(0),
    Quantity.OFFSETS: lambda reductions: reductions.offsets,
    Quantity.SPAN: lambda reductions: reductions.span,
    Quantity.SPAN_SQUARED: lambda reductions: reductions.span_squared,
    Quantity.NORM: lambda reductions: reductions.norm.sum(0),
    Quantity.NEIGHBOURS: lambda reductions: reductions.offsets_all[:, _NEIGHBOURS],
    Quantity.ENTROPY_ALL: lambda reductions: reductions.entropy_all.sum(0),
    Quantity.LARGEST: lambda reductions: reductions.largest.sum(0),
}
"""[head, …] quantities that are not split."""
