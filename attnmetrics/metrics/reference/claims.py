"""The strongest pairs of a claim."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.reference.exemplars import Peak
from attnmetrics.metrics.reference.sentence import Array, Model, Pairs, Sentence


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
        claims = {claim: np.array(sorted(attendable & pairs)) for claim, pairs in self._claims(sentence)}
        columns = {j: [i for i in sentence.pieces if (i, j) in attendable] for j in sentence.pieces}
        for layer in range(self.model.layers):
            for head in range(self.model.heads):
                for claim, pairs in claims.items():
                    self._add(claim, layer, head, pairs, sentence)
                sink = self._second_sink(columns, sentence.alpha[layer, head])
                self._add("second_sink", layer, head, np.array([(i, sink) for i in columns.get(sink, ())]), sentence)

    def every(self, claim: str, layer: int, head: int) -> list[Peak]:
        """The strongest of every sentence."""
        return [peak for peak, _ in self.strongest[claim, layer, head]]

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

    def _add(self, claim: str, layer: int, head: int, pairs: NDArray[np.int64], sentence: Sentence) -> None:
        """Take the strongest of pairs [pair, 2] in order, the first of equals."""
        if len(pairs):
            weights = sentence.alpha[layer, head][pairs[:, 0], pairs[:, 1]]
            i, j = pairs[weights.argmax()].tolist()
            peak = Peak(float(weights.max()), sentence.document_index, sentence.sentence, i, j)
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

    def _second_sink(self, columns: Mapping[int, Sequence[int]], alpha: Array) -> int:
        """The column with the largest mean weight, over the rows that may attend to it; −1 for none.

        Args:
            columns: by piece that is not null, the rows that may attend to it.
            alpha: of one head.
        """
        n = len(alpha)
        means = {
            j: float(alpha[rows, j].sum()) / len(rows)
            for j, rows in columns.items()
            if j and n >= 10 and 2 * len(rows) >= n
        }
        return max(means, key=means.__getitem__) if means else -1  # the first of equals
