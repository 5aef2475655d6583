"""How much attention differs between sentences at the same positions."""

from collections import defaultdict

import numpy as np

from attnmetrics.metrics.reference.sentence import Array, Model, Sentence
from attnmetrics.metrics.reference.sums import over, with_layers

FIRST = 10


class Variability:
    """`variability` [layer, head], and by layer; `variability_sentences` of the corpus."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.sentences = 0
        self.weights: dict[tuple[int, int], list[Array]] = defaultdict(list)
        """by (i, j), the α of every sentence that has the two, j not null"""

    def add(self, sentence: Sentence) -> None:
        """Keep the attention among a sentence's first pieces."""
        self.sentences += 1
        for i in sentence.pieces[:FIRST]:
            for j in self.model.attendable(i, sentence):
                if j < FIRST:
                    self.weights[i, j].append(sentence.alpha[:, :, i, j].copy())

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        deviation, mass = self.model.zeros(), self.model.zeros()
        for weights in self.weights.values():
            mean = sum(weights, self.model.zeros()) / len(weights)
            for weight in weights:
                deviation += abs(weight - mean)
                mass += weight
        per_head = with_layers(_results, deviation, mass)
        return {**per_head, "variability_sentences": np.array(float(self.sentences))}


def _results(deviation: Array, mass: Array) -> dict[str, Array]:
    return {"variability": over(deviation, 2 * mass)}
