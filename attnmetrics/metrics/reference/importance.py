"""How much a loss depends on attention: means over pairs of pieces."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Importance:
    """`importance` [layer, head, special, kind] and what stands beside it, from units added one by one.

    Args:
        layers: layers of the model, all of them
        heads: heads a layer
        causal: whether pieces attend to none after them
        special: all kinds of pieces
    """

    def __init__(self, layers: int, heads: int, causal: bool, special: Sequence[str]) -> None:
        self.layers, self.heads, self.causal, self.special = layers, heads, causal, list(special)
        self.gradient = np.zeros((layers, heads, len(special), 3))
        self.weight = np.zeros((layers, heads, len(special)))
        self.norm = np.zeros((layers, heads, len(special)))
        self.pairs = np.zeros((layers, len(special)))
        self.units = self.without_loss = self.predicted = 0
        self.loss = 0.0

    def add(
        self, alpha: Array, gradient: Array, value: Array, kinds: Sequence[str], predicted: Sequence[int], loss: float
    ) -> None:
        """Take one unit into the sums.

        Args:
            alpha: [layer, head, i, j] α
            gradient: [layer, head, i, j] ∂L/∂α
            value: [layer, head, j, width] v
            kinds: of each piece, one of `special`
            predicted: rows whose output predicts a piece
            loss: L
        """
        if not predicted:
            self.without_loss += 1
            return
        self.units += 1
        self.predicted += len(predicted)
        self.loss += loss
        for layer in range(self.layers):
            for i in range(len(kinds)):
                if self._has_path(layer, i, predicted, len(kinds)):
                    self._add_row(layer, i, alpha[layer], gradient[layer], value[layer], kinds)

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        with np.errstate(invalid="ignore"):
            return {
                "importance": self.gradient / self.pairs[:, None, :, None],
                "importance_weight": self.weight / self.pairs[:, None],
                "importance_value_norm": self.norm / self.pairs[:, None],
                "importance_pairs": self.pairs,
                "importance_units": np.asarray(self.units),
                "importance_units_without_loss": np.asarray(self.without_loss),
                "importance_predicted": np.asarray(self.predicted),
                "importance_loss": np.asarray(self.loss) / self.units,
            }

    def _has_path(self, layer: int, i: int, predicted: Sequence[int], pieces: int) -> bool:
        """Whether a loss can depend on what piece i attends to."""
        if self.causal:
            return i < pieces - 1
        return layer < self.layers - 1 or i in predicted

    def _add_row(self, layer: int, i: int, alpha: Array, gradient: Array, value: Array, kinds: Sequence[str]) -> None:
        reach = [j for j in range(len(kinds)) if j <= i or not self.causal]
        for j in reach:
            kind = self.special.index(kinds[j])
            self.pairs[layer, kind] += 1
            for head in range(self.heads):
                row, slope = alpha[head, i], gradient[head, i]
                centred = slope[j] - sum(row[k] * slope[k] for k in reach)
                self.gradient[layer, head, kind] += abs(slope[j]), abs(centred), row[j] * abs(centred)
                self.weight[layer, head, kind] += row[j]
                self.norm[layer, head, kind] += np.sqrt((value[head, j] ** 2).sum())
