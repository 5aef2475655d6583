"""How far attention reaches."""

import numpy as np

from attnmetrics.metrics.reference.sentence import Array, Model, Sentence
from attnmetrics.metrics.reference.sums import over, with_layers

FARTHEST = 32


class Distance:
    """`distance` [layer, head], `attention_at_offset` [layer, head, offset], and by layer; `distance_deviation`
    [layer, head].
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.mass = model.zeros()
        self.span = model.zeros()
        self.squares = model.zeros()
        self.offset = model.zeros(2 * FARTHEST + 1)

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the sums."""
        for i in sentence.pieces:
            for j in self.model.attendable(i, sentence):
                alpha = sentence.alpha[:, :, i, j]
                self.mass += alpha
                self.span += alpha * abs(i - j)
                self.squares += alpha * (i - j) ** 2
                self.offset[:, :, place(i, j)] += alpha

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        mean = over(self.span, self.mass)
        variance = over(self.squares, self.mass) - mean**2
        return {
            **with_layers(_results, self.mass, self.span, self.offset),
            "distance_deviation": np.sqrt(np.where(variance < 0, 0, variance)),
        }


def place(i: int, j: int) -> int:
    """Where i − j stands among the offsets −32 … 32, whose ends hold all beyond."""
    return max(-FARTHEST, min(FARTHEST, i - j)) + FARTHEST


def _results(mass: Array, span: Array, offset: Array) -> dict[str, Array]:
    return {"distance": over(span, mass), "attention_at_offset": over(offset, mass[..., None])}
