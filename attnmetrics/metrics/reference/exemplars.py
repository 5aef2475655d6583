"""The sentences with the largest single weights of a head."""

from collections import defaultdict
from dataclasses import dataclass

from attnmetrics.metrics.reference.sentence import Model, Sentence


@dataclass(frozen=True, slots=True)
class Peak:
    """The largest F[i,j] of a sentence in one head."""

    weight: float
    document_index: int
    sentence: int
    i: int
    j: int


class Exemplars:
    """The peak of every sentence with an attendable pair, by head."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.peaks: dict[tuple[int, int], list[tuple[Peak, str]]] = defaultdict(list)
        """by (layer, head), peaks and texts"""

    def add(self, sentence: Sentence) -> None:
        """Find a sentence's peak in every head."""
        pairs = [(i, j) for i in sentence.pieces for j in self.model.attendable(i, sentence)]
        if not pairs:
            return
        for layer in range(self.model.layers):
            for head in range(self.model.heads):
                alpha = sentence.alpha[layer, head]
                i, j = max(pairs, key=alpha.__getitem__)  # the first of equals
                peak = Peak(float(alpha[i, j]), sentence.document_index, sentence.sentence, i, j)
                self.peaks[layer, head].append((peak, sentence.text))

    def rank(self, layer: int, head: int) -> list[Peak]:
        """All peaks of a head, largest first; each text once, as its first occurrence; ties in the corpus's order."""
        seen: set[str] = set()
        once: list[Peak] = []
        for peak, text in sorted(self.peaks[layer, head], key=lambda each: _order(each[0])):
            if text not in seen:
                seen.add(text)
                once.append(peak)
        return sorted(once, key=lambda peak: (-peak.weight, *_order(peak)))


def _order(peak: Peak) -> tuple[int, int]:
    return peak.document_index, peak.sentence
