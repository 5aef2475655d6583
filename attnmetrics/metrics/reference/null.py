"""Attention to null pieces, and to all others."""

from attnmetrics.metrics.reference.sentence import Array, Model, Sentence
from attnmetrics.metrics.reference.sums import over, with_layers


class Null:
    """`null_attention`, `attention_mass` [layer, head], and by layer."""

    def __init__(self, model: Model) -> None:
        self.null = model.zeros()
        self.mass = model.zeros()

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the sums."""
        for i in sentence.pieces:
            for j in sentence.pieces:
                if j in sentence.null:
                    self.null += sentence.alpha[:, :, i, j]
                else:
                    self.mass += sentence.alpha[:, :, i, j]

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        return with_layers(_results, self.null, self.mass)


def _results(null: Array, mass: Array) -> dict[str, Array]:
    return {"null_attention": over(null, null + mass), "attention_mass": mass}
