"""Attention to and from the names of a label."""

from collections.abc import Sequence

import numpy as np

from attnmetrics.metrics.reference.sentence import Array, Model, Sentence
from attnmetrics.metrics.reference.sums import over, with_layers


class Label:
    """Of one label: `_to`, `_from` [layer, head, name], and by layer; `_to_uniform`, `_from_uniform` [name].

    Results have the label's name before these; those of the label `rel` have `dependency_type`.
    """

    def __init__(self, model: Model, name: str, names: Sequence[str]) -> None:
        self.model = model
        self.name = name
        self.names = list(names)
        self.mass, self.even_mass = model.zeros(), np.zeros(())
        self.to, self.even_to = model.zeros(len(names)), np.zeros(len(names))
        self.given, self.even_given = model.zeros(len(names)), np.zeros(len(names))

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the sums; even attention has the same share of each piece in reach."""
        codes = [self.names.index(name) for name in sentence.labels[self.name]]
        for i in sentence.pieces:
            even = 1 / len(self.model.reach(i, sentence))
            for j in self.model.attendable(i, sentence):
                alpha = sentence.alpha[:, :, i, j]
                self.mass += alpha
                self.to[:, :, codes[j]] += alpha
                self.given[:, :, codes[i]] += alpha
                self.even_mass += even
                self.even_to[codes[j]] += even
                self.even_given[codes[i]] += even

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        found = with_layers(_results, self.mass, self.to, self.given)
        even = _results(self.even_mass, self.even_to, self.even_given)
        found |= {f"{name}_uniform": value for name, value in even.items()}
        stem = "dependency_type" if self.name == "rel" else self.name
        return {f"{stem}_{name}": value for name, value in found.items()}


def _results(mass: Array, to: Array, given: Array) -> dict[str, Array]:
    return {"to": over(to, mass[..., None]), "from": over(given, mass[..., None])}
