"""How widely whole rows of α are spread. Null pieces are in."""

from math import log

import numpy as np

from attnmetrics.metrics.reference.sentence import Array, Model, Sentence
from attnmetrics.metrics.reference.sums import over


class Spread:
    """`entropy_all`, `entropy_summary`, `peak_attention` [layer, head], and by layer; `_uniform` without dims."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.entropy = [model.zeros(), np.zeros(())]
        self.summary = [model.zeros(), np.zeros(())]
        self.peak = [model.zeros(), np.zeros(())]
        self.rows = self.summaries = 0

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the sums."""
        for i in sentence.pieces:
            reach = len(self.model.reach(i, sentence))
            entropy = np.apply_along_axis(nats, -1, sentence.alpha[:, :, i])
            self.rows += 1
            self._add(self.entropy, entropy, log(reach))
            self._add(self.peak, sentence.alpha[:, :, i].max(axis=-1), 1 / reach)
            if self._stands_for_all(i, sentence):
                self.summaries += 1
                self._add(self.summary, entropy, log(reach))

    def _stands_for_all(self, i: int, sentence: Sentence) -> bool:
        if self.model.causal:
            return i == sentence.pieces[-1]
        return i == 0 and i in sentence.template

    def _add(self, sums: list[Array], of_heads: Array, even: float) -> None:
        sums[0] += of_heads
        sums[1] += even

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        return {
            **self._means("entropy_all", self.entropy, self.rows),
            **self._means("entropy_summary", self.summary, self.summaries),
            **self._means("peak_attention", self.peak, self.rows),
        }

    def _means(self, name: str, sums: list[Array], rows: int) -> dict[str, Array]:
        of_heads, even = sums
        return {
            name: over(of_heads, np.asarray(rows)),
            f"{name}_by_layer": over(of_heads.sum(axis=1), np.asarray(rows * self.model.heads)),
            f"{name}_uniform": over(even, np.asarray(rows)),
        }


def nats(row: Array) -> float:
    """−Σ α ln α."""
    return -sum((weight * log(weight) for weight in row.tolist() if weight > 0), 0.0)
