"""The fastest public way without a kernel of one's own: sums of attention that torch's own kernel takes.

Where values are followed by features of pieces, what attention mixes of them are sums of α over the pieces that have
them. Keys as values, and the logarithm of the sum of exponentials that the kernel gives out, make the entropy of a row;
single weights are e^(score − that logarithm). For causal models: Σ α |i − j| is no mixture where pieces look ahead.
Which pair of a sentence is the strongest is not to be had this way.
"""

from collections.abc import Sequence
from itertools import count
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.benchmark.material import in_batches
from attnmetrics.benchmark.padded import Padded, pad
from attnmetrics.benchmark.paper_way import Features, PaperSums
from attnmetrics.metrics.entropy import ENTROPY_NULL_LIMIT
from attnmetrics.metrics.family import OFFSET_LIMIT, OFFSETS
from attnmetrics.metrics.variability import PREFIX_PIECES
from attnmetrics.pieces.units import Units

NAME: Final = "attnmetrics_recipe"


class Recipe:
    """A causal network of transformers that reads units batch by batch, and sums of what it attends to."""

    def __init__(self, network: Any, units: Units, features: Sequence[Features], sums: PaperSums, pieces: int) -> None:
        from transformers import AttentionInterface

        AttentionInterface.register(NAME, _attend_and_add)
        network.set_attn_implementation(NAME)
        self._network, self._sums = network, sums
        self._batches = [
            pad(units, features, rows, sums, network.device) for rows in in_batches(units.pieces.lengths, pieces)
        ]

    def run(self) -> None:
        """Every unit once."""
        with torch.inference_mode():
            for batch in self._batches:
                self._network(input_ids=batch.ids, use_cache=False, adding=_Adding(batch, self._sums))


def _attend_and_add(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, scaling: float, adding: "_Adding", **_: Any
) -> tuple[Tensor, None]:
    """A layer's attention as transformers asks for it; padding is at the ends, where no causal row looks."""
    groups = query.shape[1] // key.shape[1]
    key, value = (values.repeat_interleave(groups, 1) if groups > 1 else values for values in (key, value))
    mixed, logarithm = _mix(query, key, [value, key, *adding.in_widths(query)], scaling)
    adding.add(query, key, mixed[1], torch.cat(mixed[2:], -1), logarithm, scaling)
    return mixed[0].transpose(1, 2), None


def _mix(query: Tensor, key: Tensor, values: Sequence[Tensor], scaling: float) -> tuple[list[Tensor], Tensor]:
    """What causal attention mixes of each of some values, and the logarithm of each row's sum of exponentials.

    The kernel for processors takes values as wide as keys only: one call for each.
    """
    operators = torch.ops.aten
    if query.device.type == "cpu":
        attend = operators._scaled_dot_product_flash_attention_for_cpu
        found = [attend(query, key, one, 0.0, True, scale=scaling)[:2] for one in values]
    else:
        attend = operators._scaled_dot_product_efficient_attention
        found = [attend(query, key, one, None, True, 0.0, True, scale=scaling)[:2] for one in values]
    return [mixed for mixed, _ in found], found[0][1][:, :, : query.shape[2]]


class _Adding:
    """Adds one batch's attention to sums, layer by layer."""

    def __init__(self, batch: Padded, sums: PaperSums) -> None:
        self._batch, self._sums, self._layers = batch, sums, count()

    def in_widths(self, query: Tensor) -> list[Tensor]:
        """Features for each head, in parts as wide as its queries."""
        heads, width = query.shape[1], query.shape[3]
        known = self._batch.known.to(query.dtype).expand(-1, heads, -1, -1)
        missing = -known.shape[-1] % width
        return list(torch.split(torch.nn.functional.pad(known, (0, missing)), width, -1))

    def add(
        self, query: Tensor, key: Tensor, mixed_keys: Tensor, mixed: Tensor, logarithm: Tensor, scaling: float
    ) -> None:
        """Add a layer: queries and keys, mixtures of keys and of features, and the rows' logarithms."""
        layer, sums = next(self._layers), self._sums
        tags, relations = sums.received_by_pos.shape[-1], sums.received_by_rel.shape[-1]
        real, known = self._batch.real, self._batch.known
        mixed = mixed[..., : known.shape[-1]] * real[:, None, :, None]
        null, place = mixed[..., -2], mixed[..., -1]
        given = (1 - null) * real[:, None]
        # The null column is piece 0: it adds nothing to place, and is no part of F.
        by_tag = mixed - null[..., None] * known[:, :, :1]
        position = torch.arange(real.shape[1], device=real.device)
        sums.null_sum[layer] += _plain(null.sum((0, 2)))
        sums.given_sum[layer] += _plain(given.sum((0, 2)))
        sums.span_sum[layer] += _plain((given * position - place).sum((0, 2)))
        sums.received_by_pos[layer] += _plain(by_tag[..., :tags].sum((0, 2)))
        sums.received_by_rel[layer] += _plain(by_tag[..., tags : tags + relations].sum((0, 2)))
        sums.given_by_pos[layer] += _plain(torch.einsum("bhi,bxit->ht", given, known[..., :tags]))
        self._add_pairs(layer, query, key, logarithm, scaling, given)
        self._add_entropy(layer, query, key, mixed_keys, logarithm, scaling, null)

    def _add_pairs(
        self, layer: int, query: Tensor, key: Tensor, logarithm: Tensor, scaling: float, given: Tensor
    ) -> None:
        """Diagonals, dependencies and first pieces, by single weights; the last diagonal has all that are farther."""
        real, sums = self._batch.real, self._sums
        near = torch.zeros(len(OFFSETS), query.shape[1], dtype=query.dtype, device=query.device)
        for offset in range(min(OFFSET_LIMIT, query.shape[2] - 1)):
            scores = (query[:, :, offset:] * key[:, :, : query.shape[2] - offset]).sum(-1) * scaling
            weights = (scores - logarithm[:, :, offset:]).exp() * real[:, None, offset:]
            near[OFFSET_LIMIT + offset] = weights[:, :, 1:].sum((0, 2))
        near[-1] = given.sum((0, 2)) - near.sum(0)
        sums.offset_sum[layer] += _plain(near.T)
        direction, unit, i, j = self._batch.links
        scores = (query[unit, :, i] * key[unit, :, j]).sum(-1) * scaling
        weights = (scores - logarithm[unit, :, i]).exp() * ((j > 0) & (j <= i))[:, None]
        for way in (0, 1):
            sums.dependency_sum[layer, :, way] += _plain(weights[direction == way].sum(0))
        first = query[:, :, :PREFIX_PIECES] @ key[:, :, :PREFIX_PIECES].transpose(2, 3) * scaling
        sums.prefixes.append(_plain((first - logarithm[:, :, :PREFIX_PIECES, None]).exp()))

    def _add_entropy(
        self,
        layer: int,
        query: Tensor,
        key: Tensor,
        mixed_keys: Tensor,
        logarithm: Tensor,
        scaling: float,
        null: Tensor,
    ) -> None:
        """−Σ a log a of a row's α beyond the null column, as shares a = α / (1 − null): from Σ α · score."""
        score_of_null = (query * key[:, :, :1]).sum(-1) * scaling
        products = (query * mixed_keys).sum(-1) * scaling - null * score_of_null
        rest = 1 - null
        rows = self._batch.real[:, None] & (null <= ENTROPY_NULL_LIMIT) & (rest > 0)
        entropy = logarithm + rest.log() - products / rest
        self._sums.entropy_sum[layer] += _plain(torch.where(rows, entropy, 0).sum((0, 2)))
        self._sums.entropy_rows[layer] += _plain(rows.sum((0, 2)))


def _plain(values: Tensor) -> NDArray[np.float64]:
    return values.double().cpu().numpy()
