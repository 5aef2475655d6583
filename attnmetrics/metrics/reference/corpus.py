"""What the corpus is, as a tokenizer cuts it."""

import numpy as np

from attnmetrics.metrics.reference.pieces import words_of_pieces
from attnmetrics.metrics.reference.sentence import Array, Model, Sentence
from attnmetrics.metrics.reference.sums import over

FARTHEST = 64
NEAR = 18


class Corpus:
    """Counts, and how often pieces at a distance are in a dependency; no model's direction matters.

    `sentences`, `pieces`, `pieces_per_sentence`, `sentences_cut`, `pieces_unaligned`, `mean_dependency_distance`,
    `dependency_within_18` without dims; `piece_pairs`, `dependency_pairs`, `dependency_probability` [pair_distance].
    """

    def __init__(self, model: Model) -> None:
        self.sentences = self.pieces = self.cut = self.unaligned = 0
        self.pairs = np.zeros(FARTHEST + 1)
        self.dependencies = np.zeros(FARTHEST + 1)
        self.distances: list[int] = []
        """of all dependency pairs"""

    def add(self, sentence: Sentence) -> None:
        """Count one sentence."""
        word = words_of_pieces(sentence)
        self.sentences += 1
        self.pieces += len(sentence.pieces)
        self.cut += sentence.cut
        self.unaligned += sum(word[i] is None and i not in sentence.template for i in sentence.pieces)
        dependency = sentence.links["dependency"]
        for i in sentence.pieces:
            for j in range(i + 1):
                if j not in sentence.null:
                    self._add_pair(i - j, (i, j) in dependency or (j, i) in dependency)

    def _add_pair(self, distance: int, dependency: bool) -> None:
        self.pairs[min(distance, FARTHEST)] += 1
        if dependency:
            self.dependencies[min(distance, FARTHEST)] += 1
            self.distances.append(distance)

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        number = np.array(len(self.distances))
        near = sum(distance <= NEAR for distance in self.distances)
        found = {
            "sentences": self.sentences,
            "pieces": self.pieces,
            "pieces_per_sentence": over(np.array(self.pieces), np.array(self.sentences)),
            "sentences_cut": self.cut,
            "pieces_unaligned": self.unaligned,
            "piece_pairs": self.pairs,
            "dependency_pairs": self.dependencies,
            "dependency_probability": over(self.dependencies, self.pairs),
            "mean_dependency_distance": over(np.array(sum(self.distances)), number),
            "dependency_within_18": over(np.array(near), number),
        }
        return {name: np.asarray(value, np.float64) for name, value in found.items()}
