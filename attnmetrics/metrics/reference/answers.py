"""Of each kind of answer, the strongest pair of every sentence and head."""

from collections import defaultdict
from collections.abc import Iterable

from attnmetrics.metrics.reference.exemplars import Peak
from attnmetrics.metrics.reference.sentence import Sentence


class Strongest:
    """Pairs by (claim, layer, head), of each sentence the strongest."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, int], dict[tuple[int, int], tuple[Peak, str]]] = defaultdict(dict)

    def add(self, at: tuple[str, int, int], pairs: Iterable[tuple[int, int]], sentence: Sentence) -> None:
        """Take the strongest of some pairs, the first of equals, if no pair of the sentence is stronger."""
        alpha = sentence.alpha[at[1:]]
        i, j = max(sorted(pairs), key=alpha.__getitem__)
        peak = Peak(float(alpha[i, j]), sentence.document_index, sentence.sentence, i, j)
        own, key = self._found[at], (sentence.document_index, sentence.sentence)
        before = own.get(key)
        if before is None or (-peak.weight, i, j) < (-before[0].weight, before[0].i, before[0].j):
            own[key] = peak, sentence.text

    def every(self, claim: str, layer: int, head: int) -> list[Peak]:
        """The strongest of every sentence."""
        return [peak for peak, _ in self._found[claim, layer, head].values()]

    def best(self, claim: str, layer: int, head: int) -> list[Peak]:
        """The strongest of every sentence, largest first; each text once."""
        seen: set[str] = set()
        best: list[Peak] = []
        found = self._found[claim, layer, head].values()
        for peak, text in sorted(found, key=lambda each: (-each[0].weight, each[0].document_index, each[0].sentence)):
            if text not in seen:
                seen.add(text)
                best.append(peak)
        return best
