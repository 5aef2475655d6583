"""As tools that show attention do it: eager, attention of all layers in memory at once, and sums of it in torch."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.benchmark.material import in_batches
from attnmetrics.benchmark.padded import Padded, pad
from attnmetrics.benchmark.paper_way import Features, PaperSums
from attnmetrics.metrics.entropy import ENTROPY_NULL_LIMIT
from attnmetrics.metrics.family import OFFSET_LIMIT
from attnmetrics.metrics.variability import PREFIX_PIECES
from attnmetrics.pieces.units import Units

LONGEST: Final = 512
"""Pieces that are read of a unit, at most."""


class Resident:
    """A network of transformers that reads units batch by batch, and sums of its attention."""

    def __init__(self, network: Any, units: Units, features: Sequence[Features], sums: PaperSums, pieces: int) -> None:
        self._network, self._sums = network, sums
        lengths = np.minimum(units.pieces.lengths, LONGEST)
        self.pieces = int(lengths.sum())
        """of all units that are read"""
        self._batches = [
            pad(units, features, rows, sums, network.device, LONGEST) for rows in in_batches(lengths, pieces)
        ]

    def run(self) -> None:
        """Every unit once."""
        with torch.inference_mode():
            for batch in self._batches:
                mask = batch.real.long()
                given = self._network(input_ids=batch.ids, attention_mask=mask, output_attentions=True, use_cache=False)
                _add(torch.stack(given.attentions), batch, self._sums)


def _add(attention: Tensor, batch: Padded, sums: PaperSums) -> None:
    """Add α [layer, unit, head, row, column] to sums."""
    tags, relations = sums.received_by_pos.shape[-1], sums.received_by_rel.shape[-1]
    attention = attention * batch.real[:, None, :, None]
    kept = attention.clone()
    kept[..., 0] = 0
    received, given = kept.sum(-2), kept.sum(-1)
    pos, rel = batch.known[:, 0, :, :tags], batch.known[:, 0, :, tags : tags + relations]
    sums.null_sum += _plain(attention[..., 0].sum((1, 3)))
    sums.given_sum += _plain(given.sum((1, 3)))
    sums.received_by_pos += _plain(torch.einsum("lbhj,bjt->lht", received, pos))
    sums.received_by_rel += _plain(torch.einsum("lbhj,bjt->lht", received, rel))
    sums.given_by_pos += _plain(torch.einsum("lbhi,bit->lht", given, pos))
    _add_offsets(kept, sums)
    direction, unit, i, j = batch.links
    weights = kept.permute(1, 3, 4, 0, 2)[unit, i, j]
    for way in (0, 1):
        sums.dependency_sum[..., way] += _plain(weights[direction == way].sum(0))
    _add_entropy(attention[..., 0], kept, given, batch.real, sums)
    sums.prefixes.append(_plain(kept[..., :PREFIX_PIECES, :PREFIX_PIECES]))
    weight, place = kept.flatten(-2).max(-1)
    sums.peaks.append((_plain(weight), place.cpu().numpy()))


def _add_offsets(kept: Tensor, sums: PaperSums) -> None:
    """Sums along diagonals, those far from the middle together, and of distances."""
    columns = torch.arange(kept.shape[-1], device=kept.device)
    offset = columns[:, None] - columns
    sums.span_sum += _plain((kept * offset.abs()).sum((1, 3, 4)))
    place = offset.clamp(-OFFSET_LIMIT, OFFSET_LIMIT) + OFFSET_LIMIT
    for found in np.unique(place.cpu().numpy()).tolist():
        sums.offset_sum[..., found] += _plain(kept[..., place == found].sum((1, 3)))


def _add_entropy(null: Tensor, kept: Tensor, given: Tensor, real: Tensor, sums: PaperSums) -> None:
    """Of rows with enough weight beyond the null column, as shares of it."""
    rows = (null <= ENTROPY_NULL_LIMIT) & (given > 0) & real[:, None]
    share = kept / given.clamp(min=torch.finfo(given.dtype).tiny)[..., None]
    entropy = -torch.special.xlogy(share, share).sum(-1)
    sums.entropy_sum += _plain(torch.where(rows, entropy, 0).sum((1, 3)))
    sums.entropy_rows += _plain(rows.sum((1, 3)))


def _plain(values: Tensor) -> NDArray[np.float64]:
    return values.double().cpu().numpy()
