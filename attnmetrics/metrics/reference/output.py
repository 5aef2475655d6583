"""How much a head adds to the residual stream."""

from math import sqrt

from attnmetrics.metrics.reference.sentence import Array, Model, Sentence
from attnmetrics.metrics.reference.sums import over, with_layers


class Output:
    """`output_norm` [layer, head], and by layer; `output_norm_relative` [layer, head]."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.norm = model.zeros()
        self.rows = model.zeros()

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the sums."""
        for layer in range(self.model.layers):
            for head in range(self.model.heads):
                for i in sentence.pieces:
                    self.norm[layer, head] += sqrt(sum(x * x for x in sentence.added[layer, head, i].tolist()))
        self.rows += len(sentence.pieces)

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        norm = over(self.norm, self.rows)
        mean = norm.sum(axis=1, keepdims=True) / self.model.heads
        return {**with_layers(_results, self.norm, self.rows), "output_norm_relative": over(norm, mean)}


def _results(norm: Array, rows: Array) -> dict[str, Array]:
    return {"output_norm": over(norm, rows)}
