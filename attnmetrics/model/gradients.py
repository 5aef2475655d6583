"""The gradient of a loss with respect to every attention weight, with no weight kept for it.

With o the mixed values of a head before the output projection, ∂L/∂α[i, j] = ⟨∂L/∂o_i, v_j⟩: all other weights held
fixed, later layers computed anew. So attention is here a function with a backward pass of its own, which is handed
∂L/∂o, computes α once more, tile by tile, and shows both before it goes on to queries, keys and values.

Source: Clark et al. 2019, section 3.2, for what is differentiated.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from attnmetrics.errors import ModelError
from attnmetrics.model.kernels.dense import attention, dense, sentences_of
from attnmetrics.model.kernels.reductions import Reductions, Show, Wanted
from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.language import LanguageModel, read_logits
from attnmetrics.model.pack import Batch, Tile

Loss = Callable[[Tensor], Tensor]
"""A number, from [T, vocabulary] the scores of what each packed piece predicts."""


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """Of a tile; [sentence, head, row, column], a causal tile ending at the column of its last row.

    Where the row may not attend to the column, α is 0 and the gradients are numbers without meaning.
    """

    weights: Tensor
    """α"""
    raw: Tensor
    """G = ∂L/∂α"""
    centred: Tensor
    """G − Σ_k α G over the row: what is left of G where a constant added to its row changes nothing, as Σ_k α = 1"""
    value: Tensor
    """[sentence, head, column, width] v"""


See = Callable[[int, Tile, Gradients], None]
"""Gets the place of a layer among the measured ones, a tile and what is in it; the last layer comes first."""


def differentiate(
    model: LanguageModel, ids: Tensor, batch: Batch, loss: Loss, see: See, segments: Tensor | None = None
) -> None:
    """A forward and a backward pass, from the loss down to the first measured layer.

    Args:
        model: the model.
        ids: [T] packed piece ids, on the model's device.
        batch: where units begin and end.
        loss: what is differentiated.
        see: is shown the gradients of every measured layer.
        segments: [T] which segment of its unit each piece is in, for models that tell segments apart.

    Raises:
        ModelError: the loss does not depend on some layer's attention, as far as torch can tell.
    """
    layers = model.model.numbering.calls(model.model.layers)
    kernel = _Kernel(layers, see)
    with torch.enable_grad():
        total = loss(read_logits(model, ids, batch, kernel, layers, segments))
    if kernel.first is not None and total.requires_grad:
        torch.autograd.grad(total, kernel.first)
    if unseen := set(range(len(layers))) - kernel.seen:
        raise ModelError(
            f"expected what {type(model.network).__name__} predicts to depend on attention in every layer, found none "
            f"that torch can tell in layer {model.model.layers[min(unseen)]}; importance can't be measured"
        )


class _Kernel:
    """Attention that can be differentiated (see `kernels.Kernel`), from the first measured layer on."""

    def __init__(self, layers: tuple[int, ...], see: See) -> None:
        self.first: Tensor | None = None
        """the values of the first measured layer: nothing before them needs a gradient"""
        self.seen: set[int] = set()
        """places of the layers that were shown"""
        self._layers = layers
        self._see = see
        self._calls = 0

    def __call__(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor | None,
        scoring: Scoring,
        wanted: Wanted,
        reduce: bool,
        show: Show | None = None,
    ) -> tuple[Tensor | None, Reductions | None]:
        layer, self._calls = self._calls, self._calls + 1
        if layer < self._layers[0]:
            return dense(query, key, value, scoring, wanted, False)
        if layer == self._layers[0]:
            assert value is not None
            self.first = value = value.detach().requires_grad_()
        attend: Callable[..., Tensor] = _Attention.apply
        output = attend(query, key, value, scoring, wanted, self._showing(layer))
        return output, None

    def _showing(self, layer: int) -> Callable[[Tile, Gradients], None] | None:
        """What is shown a layer's tiles; None where it is not measured."""
        if layer not in self._layers:
            return None
        place = self._layers.index(layer)

        def show(tile: Tile, gradients: Gradients) -> None:
            self.seen.add(place)
            self._see(place, tile, gradients)

        return show


class _Attention(torch.autograd.Function):
    """Packed attention, [T, head, width] each; of the weights, one tile is there at a time."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        scoring: Scoring,
        wanted: Wanted,
        show: Callable[[Tile, Gradients], None] | None,
    ) -> Tensor:
        ctx.save_for_backward(query, key, value)
        ctx.scoring, ctx.wanted, ctx.show = scoring, wanted, show
        output, _ = dense(query, key, value, scoring, wanted, False)
        assert output is not None
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value = ctx.saved_tensors
        (to_output,) = gradients
        into = [torch.zeros_like(tensor) for tensor in (query, key, value)]
        for tile, weights, _ in attention(query, key, ctx.scoring, ctx.wanted):
            found = _of_tile(weights, to_output, value, tile)
            if ctx.show is not None:
                ctx.show(tile, found)
            _add(found, query, key, to_output, ctx.scoring, tile, *into)
        return (*into, None, None, None)


def _of_tile(weights: Tensor, to_output: Tensor, value: Tensor, tile: Tile) -> Gradients:
    values = sentences_of(value, tile)[:, : weights.shape[-1]].transpose(1, 2)
    raw = _rows(to_output, tile) @ values.mT
    return Gradients(weights, raw, raw - (weights * raw).sum(-1, keepdim=True), values)


def _add(
    found: Gradients,
    query: Tensor,
    key: Tensor,
    to_output: Tensor,
    scoring: Scoring,
    tile: Tile,
    to_query: Tensor,
    to_key: Tensor,
    to_value: Tensor,
) -> None:
    """Add a tile's part to the gradients of queries, keys and values."""
    to_scores = found.weights * found.centred * scoring.factor
    columns = slice(found.weights.shape[-1])
    keys = sentences_of(key, tile)[:, columns].transpose(1, 2)
    if scoring.cap is not None:
        products = _rows(query, tile) @ keys.mT
        to_scores = to_scores * (1 - torch.tanh(products * (scoring.factor / scoring.cap)).square())
    _rows(to_query, tile).add_(to_scores @ keys)
    for_keys, for_values = to_scores.mT @ _rows(query, tile), found.weights.mT @ _rows(to_output, tile)
    sentences_of(to_key, tile)[:, columns].add_(for_keys.transpose(1, 2))
    sentences_of(to_value, tile)[:, columns].add_(for_values.transpose(1, 2))


def _rows(packed: Tensor, tile: Tile) -> Tensor:
    """[sentence, head, row, width] the tile's rows of something packed, a view."""
    return sentences_of(packed, tile)[:, tile.row : tile.row + tile.rows].transpose(1, 2)
