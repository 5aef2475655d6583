"""The sentences with the largest single weights of a head."""

from collections import defaultdict
from dataclasses import dataclass

from attnmetrics.metrics.reference.sentence import Model, Sentence

APART, OWN = "apart", "own"
"""The kinds of pairs: between two pieces, from a piece to itself."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The largest F[i,j] of a sentence in one head."""

    weight: float
    document_index: int
    sentence: int
    i: int
    j: int


class Exemplars:
    """The peaks of every sentence, by head: the largest of each kind."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.peaks: dict[tuple[str, int, int], list[tuple[Peak, str, tuple[int, int]]]] = defaultdict(list)
        """by (kind, layer, head), peaks, texts and the ids of the two pieces"""
        self.current = model.zeros()
        """Σ α[i,i]"""
        self.rows = 0

    def add(self, sentence: Sentence) -> None:
        """Find a sentence's peaks in every head."""
        pairs = [(i, j) for i in sentence.pieces for j in self.model.attendable(i, sentence)]
        kinds = {APART: [(i, j) for i, j in pairs if i != j], OWN: [(i, j) for i, j in pairs if i == j]}
        self.rows += len(sentence.pieces)
        for layer in range(self.model.layers):
            for head in range(self.model.heads):
                alpha = sentence.alpha[layer, head]
                self.current[layer, head] += sum(alpha[i, i] for i in sentence.pieces)
                for kind, of_kind in kinds.items():
                    if of_kind:
                        i, j = max(of_kind, key=alpha.__getitem__)  # the first of equals
                        peak = Peak(float(alpha[i, j]), sentence.document_index, sentence.sentence, i, j)
                        ids = sentence.ids[i], sentence.ids[j]
                        self.peaks[kind, layer, head].append((peak, sentence.text, ids))

    def kind(self, layer: int, head: int) -> str:
        """Which kind a head is shown by: its own pieces, where they have more than half of its attention."""
        return OWN if self.rows and self.current[layer, head] / self.rows > 0.5 else APART

    def every(self, layer: int, head: int, kind: str) -> list[tuple[Peak, tuple[int, int]]]:
        """All peaks of a kind with the ids of their pieces, largest first; each text once, as its first occurrence."""
        seen: set[str] = set()
        once: list[tuple[Peak, tuple[int, int]]] = []
        for peak, text, ids in sorted(self.peaks[kind, layer, head], key=lambda each: _order(each[0])):
            if text not in seen:
                seen.add(text)
                once.append((peak, ids))
        return sorted(once, key=lambda each: (-each[0].weight, *_order(each[0])))

    def rank(self, layer: int, head: int, kind: str) -> list[Peak]:
        """Those of `every` that are the first with their two piece ids."""
        seen: set[tuple[int, int]] = set()
        ranked: list[Peak] = []
        for peak, ids in self.every(layer, head, kind):
            if ids not in seen:
                seen.add(ids)
                ranked.append(peak)
        return ranked


def _order(peak: Peak) -> tuple[int, int]:
    return peak.document_index, peak.sentence
