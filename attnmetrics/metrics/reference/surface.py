"""Where α goes: to kinds of pieces, to separators, to neighbours. Null pieces are in."""

import numpy as np

from attnmetrics.metrics.reference.sentence import Array, Model, Sentence
from attnmetrics.metrics.reference.sums import over

KINDS = ["first", "separator", "punctuation", "other"]
STEPS = [-1, 0, 1]


class Surface:
    """`special_attention` [layer, head, special], `separator_attention` [layer, head, attending],
    `neighbour_attention` [layer, head, neighbour], and by layer; `_uniform` of each, without layer and head.

    Attending: separators, other pieces. Neighbours: the piece before, the piece itself, the one after it.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.special = Means(model, len(KINDS))
        self.separator = Means(model, 2)
        self.neighbour = Means(model, len(STEPS))

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the means."""
        kinds = sentence.labels["special"]
        separators = [j for j in sentence.pieces if kinds[j] == "separator"]
        for i in sentence.pieces:
            for place, kind in enumerate(KINDS):
                self.special.add(place, sentence, i, [j for j in sentence.pieces if kinds[j] == kind])
            if separators:
                self.separator.add(0 if i in separators else 1, sentence, i, separators)
            for place, step in enumerate(STEPS):
                if i + step in self.model.reach(i, sentence):
                    self.neighbour.add(place, sentence, i, [i + step])

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        return {
            **self.special.results("special_attention"),
            **self.separator.results("separator_attention"),
            **self.neighbour.results("neighbour_attention"),
        }


class Means:
    """Means over rows of their attention to some columns, one mean a place; of even attention too."""

    def __init__(self, model: Model, places: int) -> None:
        self.model = model
        self.rows = np.zeros(places)
        self.total = model.zeros(places)
        self.even = np.zeros(places)

    def add(self, place: int, sentence: Sentence, i: int, columns: list[int]) -> None:
        """Take row i into the mean at a place."""
        reach = self.model.reach(i, sentence)
        self.rows[place] += 1
        for j in columns:
            self.total[:, :, place] += sentence.alpha[:, :, i, j]
            self.even[place] += (j in reach) / len(reach)

    def results(self, name: str) -> dict[str, Array]:
        """The means under their names."""
        return {
            name: over(self.total, self.rows),
            f"{name}_by_layer": over(self.total.sum(axis=1), self.rows * self.model.heads),
            f"{name}_uniform": over(self.even, self.rows),
        }
