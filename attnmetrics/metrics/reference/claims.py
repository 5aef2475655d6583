"""The strongest pairs of a claim."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from attnmetrics.metrics.reference.exemplars import Peak
from attnmetrics.metrics.reference.sentence import Model, Pairs, Sentence


class Claims:
    """The strongest pair of each claim, in every sentence and head.

    Args:
        model: what attends to what
        labels: by label, its names
        links: by link, whether it has directions
    """

    def __init__(self, model: Model, labels: Mapping[str, Sequence[str]], links: Mapping[str, bool]) -> None:
        self.model = model
        self.labels = labels
        self.links = links
        self.strongest: dict[tuple[str, int, int], list[tuple[Peak, str]]] = defaultdict(list)
        """by (claim, layer, head), pairs and texts"""

    def add(self, sentence: Sentence) -> None:
        """Find the strongest pair of each claim in a sentence."""
        attendable = {(i, j) for i in sentence.pieces for j in self.model.attendable(i, sentence)}
        claims = {claim: attendable & pairs for claim, pairs in self._claims(sentence)}
        for layer in range(self.model.layers):
            for head in range(self.model.heads):
                for claim, pairs in claims.items():
                    self._add(claim, layer, head, pairs, sentence)
                self._add("second_sink", layer, head, self._second_sink(sentence, layer, head) & attendable, sentence)

    def best(self, claim: str, layer: int, head: int) -> list[Peak]:
        """The strongest of every sentence, largest first; each text once."""
        seen: set[str] = set()
        best: list[Peak] = []
        found = self.strongest[claim, layer, head]
        for peak, text in sorted(found, key=lambda each: (-each[0].weight, each[0].document_index, each[0].sentence)):
            if text not in seen:
                seen.add(text)
                best.append(peak)
        return best

    def _add(self, claim: str, layer: int, head: int, pairs: Pairs | set[tuple[int, int]], sentence: Sentence) -> None:
        if pairs:
            alpha = sentence.alpha[layer, head]
            i, j = max(sorted(pairs), key=alpha.__getitem__)  # the first of equals
            peak = Peak(float(alpha[i, j]), sentence.document_index, sentence.sentence, i, j)
            self.strongest[claim, layer, head].append((peak, sentence.text))

    def _claims(self, sentence: Sentence) -> Iterator[tuple[str, Pairs]]:
        """Every claim but `second_sink`, with its pairs, attendable or not."""
        n = len(sentence.pieces)
        for label, names in self.labels.items():
            stem = "dependency_type" if label == "rel" else label
            for name in names:
                columns = [j for j in range(n) if sentence.labels[label][j] == name]
                yield f"{stem}_to:{name}", frozenset((i, j) for i in range(n) for j in columns)
        for link, has_directions in self.links.items():
            pairs = sentence.links[link]
            back = frozenset((j, i) for i, j in pairs)
            if has_directions:
                yield f"{link}:attending_is_parent", pairs
                yield f"{link}:attended_is_parent", back
                yield f"{link}:either", pairs | back
            else:
                yield link, pairs
        for name, step in (("previous", -1), ("current", 0), ("next", 1)):
            yield name, frozenset((i, i + step) for i in range(n))

    def _second_sink(self, sentence: Sentence, layer: int, head: int) -> Pairs:
        """All pairs at the column with the largest mean weight, over the rows that may attend to it."""
        n = len(sentence.pieces)
        means: dict[int, float] = {}
        for j in range(1, n):
            rows = [i for i in range(n) if j in self.model.attendable(i, sentence)]
            if n >= 10 and rows and 2 * len(rows) >= n:
                means[j] = sum(float(sentence.alpha[layer, head, i, j]) for i in rows) / len(rows)
        if not means:
            return frozenset()
        sink = max(means, key=means.__getitem__)  # the first of equals
        return frozenset((i, sink) for i in range(n))
