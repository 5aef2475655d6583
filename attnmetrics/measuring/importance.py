"""How much a loss depends on attention, over some units of a shard: pack, differentiate, bin by the kind of piece.

Units of a batch do not attend to one another: the gradient of the sum of their losses is, in each of them, that of its
own. A row counts where the loss can depend on what it attends to. In causal models these are all but a unit's last,
from which nothing is predicted; in others all, but in the last layer only those that predict something.
"""

from functools import partial
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.errors import ModelError
from attnmetrics.measuring.predicting import Predicting, Targets, set_targets
from attnmetrics.metrics.importance import KINDS, Layout
from attnmetrics.metrics.schema import SPECIAL
from attnmetrics.model.gradients import Gradients, differentiate
from attnmetrics.model.kernels.dense import sentences_of
from attnmetrics.model.language import LanguageModel
from attnmetrics.model.pack import TILE_PAIRS, Batch, Tile
from attnmetrics.pieces.units import Units
from attnmetrics.statistics.states import State
from attnmetrics.storage import read_ahead

PIECES: Final = {"cpu": 1 << 8, "cuda": 1 << 11}
"""Most pieces of a batch: what all layers compute is kept until the backward pass."""
SCORES: Final = 1 << 25
"""Most scores of a batch, one for each of its pieces and of the vocabulary: 134 MB."""

Sums = dict[str, NDArray[np.float64]]


def measure_importance(
    units: Units,
    rows: NDArray[np.int64],
    model: LanguageModel,
    how: Predicting,
    layout: Layout,
    batch_pieces: int | None = None,
) -> State:
    """The sums over some units; the same units give the same bits, with any number of threads.

    Args:
        units: with the label `special`.
        rows: which of them.
        model: the model.
        how: what a unit's loss is.
        layout: of the run's sums.
        batch_pieces: most pieces of a batch; unset, what suits the device.

    Raises:
        ModelError: gradients that are not finite, or that torch cannot tell; no mask where one is needed.
    """
    targets = set_targets(units, rows, model, how)
    predicted = np.bincount(units.pieces.row[targets.target >= 0], minlength=len(units))
    wanted = predicted > 0
    lengths = np.where(wanted, units.pieces.lengths, 0)
    batches = model.model.layout.pack(lengths, wanted, _most_pieces(model, batch_pieces), TILE_PAIRS)
    run = partial(_run, units=units, targets=targets, model=model, how=how)
    sums = dict(State.zero(layout).sums)
    for result in read_ahead(run, batches, model.model.threads):
        for name, value in result.items():
            sums[name] = sums[name] + value
    counts = {"units": wanted.sum(), "units_without_loss": len(rows) - wanted.sum(), "predicted": predicted.sum()}
    sums |= {name: np.asarray(count, dtype=np.float64) for name, count in counts.items()}
    _check_finite(sums, layout)
    return State(layout, sums)


def _most_pieces(model: LanguageModel, batch_pieces: int | None) -> int:
    most = min(batch_pieces or model.model.batch_pieces, PIECES[model.model.device.type])
    return max(1, min(most, SCORES // model.model.vocabulary))


def _check_finite(sums: Sums, layout: Layout) -> None:
    """Refuse what is no number.

    Raises:
        ModelError: a gradient is not finite.
    """
    finite = np.isfinite(sums["gradient_sum"]) & np.isfinite(sums["loss"])
    if not finite.all():
        layer = layout.layers[int(np.argwhere(~finite)[0][0])]
        raise ModelError(
            f"expected finite gradients, found others, first in layer {layer}; the weights are damaged, or the model "
            "gives a piece no probability at all"
        )


def _run(batch: Batch, units: Units, targets: Targets, model: LanguageModel, how: Predicting) -> Sums:
    """One batch, forward and back."""
    # A row for each piece of the batch: its unit's place in the batch, and its own place among all pieces.
    unit = np.repeat(np.arange(len(batch.rows)), np.diff(batch.offsets))
    piece = units.pieces.offsets[batch.rows][unit] + np.arange(batch.offsets[-1]) - batch.offsets[unit]
    target = targets.target[piece]
    loss = _Loss(target, unit, how, model)
    binning = _Binning(units.labels["special"][piece], target >= 0, model)
    device = model.model.device
    segments = None if units.segments is None else torch.from_numpy(units.segments[piece]).to(device)
    differentiate(model, torch.from_numpy(targets.ids[piece]).to(device), batch, loss, binning.see, segments)
    return {**binning.read(), "loss": np.asarray(loss.value)}


class _Loss:
    """The losses of a batch's units, added up: each the mean, or the sum, over the pieces predicted in it."""

    def __init__(
        self, target: NDArray[np.int64], unit: NDArray[np.int64], how: Predicting, model: LanguageModel
    ) -> None:
        predicted = np.flatnonzero(target >= 0)
        number = np.bincount(unit[predicted]) if how.loss == "mean" else np.ones(unit[-1] + 1)
        device = model.model.device
        self._predicted = torch.from_numpy(predicted).to(device)
        self._target = torch.from_numpy(target[predicted]).to(device)
        self._share = torch.from_numpy(1 / number[unit[predicted]]).to(device)
        self.value = 0.0
        """once it is known"""

    def __call__(self, logits: Tensor) -> Tensor:
        found = torch.nn.functional.cross_entropy(logits[self._predicted], self._target, reduction="none")
        total = (found.double() * self._share).sum()
        self.value = float(total.detach())
        return total


class _Binning:
    """What the gradients of a batch come down to."""

    def __init__(self, kind: NDArray[np.int64], predicted: NDArray[np.bool_], model: LanguageModel) -> None:
        network, device = model.model, model.model.device
        self._kind = torch.from_numpy(np.eye(len(SPECIAL))[kind]).to(device)
        """[T, kind] 1 where a piece is of it"""
        last = len(network.numbering.attending) - 1
        every = predicted if network.causal else np.ones_like(predicted)
        paths = [predicted if call == last else every for call in network.numbering.calls(network.layers)]
        self._paths = [torch.from_numpy(path).to(device) for path in paths]
        """[T] by layer: whether the loss can depend on what a piece attends to"""
        self._causal = network.causal
        shape = len(network.layers), network.heads, len(SPECIAL)
        self._gradient = torch.zeros(*shape, len(KINDS), dtype=torch.float64, device=device)
        self._weight = torch.zeros(*shape, dtype=torch.float64, device=device)
        self._norm = torch.zeros(*shape, dtype=torch.float64, device=device)
        self._pairs = torch.zeros(shape[0], shape[2], dtype=torch.float64, device=device)

    def see(self, layer: int, tile: Tile, found: Gradients) -> None:
        """Add a tile (see `gradients.See`)."""
        counts = self._count(layer, tile, found.weights)
        kind = sentences_of(self._kind, tile)[:, : found.weights.shape[-1]]
        centred = found.centred.abs()
        for place, values in enumerate((found.raw.abs(), centred, found.weights * centred)):
            self._gradient[layer, ..., place] += _by_kind(values, counts, kind)
        self._weight[layer] += _by_kind(found.weights, counts, kind)
        rows = counts.sum(1, dtype=torch.float64)
        self._norm[layer] += torch.einsum("shc,sc,sck->hk", found.value.double().norm(dim=-1), rows, kind)
        self._pairs[layer] += torch.einsum("sc,sck->k", rows, kind)

    def read(self) -> Sums:
        """The sums, by the names of `metrics.importance.SUMS`."""
        named = {
            "gradient_sum": self._gradient,
            "weight_sum": self._weight,
            "value_norm_sum": self._norm,
            "pairs": self._pairs,
        }
        return {name: total.cpu().numpy() for name, total in named.items()}

    def _count(self, layer: int, tile: Tile, weights: Tensor) -> Tensor:
        """[sentence, row, column] 1 for the pairs that count, 0 for others."""
        path = sentences_of(self._paths[layer], tile)[:, tile.row : tile.row + tile.rows]
        counts = path[:, :, None].to(weights.dtype).expand(-1, -1, weights.shape[-1])
        return counts.tril(tile.row) if self._causal else counts


def _by_kind(values: Tensor, counts: Tensor, kind: Tensor) -> Tensor:
    """[head, kind] values [sentence, head, row, column] of the pairs that count, summed by the kind of column."""
    by_column = (values * counts[:, None]).sum(2, dtype=torch.float64)
    return torch.einsum("shc,sck->hk", by_column, kind)
