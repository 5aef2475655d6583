"""Attention along the pairs of a link."""

import numpy as np

from attnmetrics.metrics.reference.distance import FARTHEST, place
from attnmetrics.metrics.reference.sentence import Array, Model, Pairs, Sentence
from attnmetrics.metrics.reference.sums import over, with_layers


class Link:
    """Of one link, results under its name and:

    `_alignment`, `_expected`, `_excess`, `_attention` [layer, head, direction], and by layer;
    `_baseline`, `_alignment_uniform`, `_attention_uniform`, `_rows` [direction]; `_at_offset` [direction, offset].
    A link without directions lacks this dim. Directions: the attending piece is the parent; the attended one; either.
    """

    def __init__(self, model: Model, name: str, directions: bool) -> None:
        self.name = name
        self.directions = directions
        self.parts = [LinkedPairs(model) for _ in range(3 if directions else 1)]

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the sums."""
        pairs = sentence.links[self.name]
        for part, directed in zip(self.parts, directed_pairs(pairs) if self.directions else [pairs], strict=True):
            part.add(sentence, directed)

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        found = [part.results() for part in self.parts]
        return {f"{self.name}_{name}": self._join(name, [each[name] for each in found]) for name in found[0]}

    def _join(self, name: str, values: list[Array]) -> Array:
        """Along the dim direction, which is the last, or stands before offset."""
        if not self.directions:
            return values[0]
        return np.stack(values, axis=0 if name == "at_offset" else -1)


def directed_pairs(parents: Pairs) -> list[Pairs]:
    """(attending, attended) where the attending one is the parent, where the attended one is, and either."""
    children = frozenset((child, parent) for parent, child in parents)
    return [parents, children, parents | children]


class LinkedPairs:
    """One direction of a link."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.mass, self.even_mass = model.zeros(), np.zeros(())
        self.linked, self.even_linked = model.zeros(), np.zeros(())
        self.offset = model.zeros(2 * FARTHEST + 1)
        self.pairs_at = np.zeros(2 * FARTHEST + 1)
        self.linked_at = np.zeros(2 * FARTHEST + 1)
        self.rows = np.zeros(())

    def add(self, sentence: Sentence, pairs: Pairs) -> None:
        """Take one sentence, and its pairs in this direction, into the sums."""
        for i in sentence.pieces:
            reach = self.model.reach(i, sentence)
            attendable = self.model.attendable(i, sentence)
            partners = [j for j in attendable if (i, j) in pairs]
            for j in attendable:
                self.mass += sentence.alpha[:, :, i, j]
                self.offset[:, :, place(i, j)] += sentence.alpha[:, :, i, j]
                self.pairs_at[place(i, j)] += 1
            for j in partners:
                self.linked += sentence.alpha[:, :, i, j]
                self.linked_at[place(i, j)] += 1
            self.even_mass += len(attendable) / len(reach)
            self.even_linked += len(partners) / len(reach)
            self.rows += len(partners) > 0

    def results(self) -> dict[str, Array]:
        """Every result, without the link's name."""
        every_head = self.model.zeros() + self.rows
        return {
            **with_layers(self._results, self.mass, self.linked, self.offset, every_head),
            "baseline": over(self.linked_at.sum(), self.pairs_at.sum()),
            "alignment_uniform": over(self.even_linked, self.even_mass),
            "attention_uniform": over(self.even_linked, self.rows),
            "rows": self.rows,
            "at_offset": over(self.linked_at, self.pairs_at),
        }

    def _results(self, mass: Array, linked: Array, offset: Array, rows: Array) -> dict[str, Array]:
        alignment = over(linked, mass)
        expected = np.zeros_like(mass)
        for at, pairs in enumerate(self.pairs_at):
            if pairs > 0:
                expected += over(offset[..., at], mass) * self.linked_at[at] / pairs
        expected = np.where(mass > 0, expected, np.nan)
        return {
            "alignment": alignment,
            "expected": expected,
            "excess": alignment - expected,
            "attention": over(linked, rows),
        }
