"""What whole sentences rest on."""

from collections.abc import Sequence

import numpy as np

from attnmetrics.metrics.reference.sentence import Array, Model, Sentence
from attnmetrics.metrics.reference.sums import over

BINS = 50
FROM = 15
LONG, LONG_ENOUGH = 16, 10


class Sinks:
    """`first_piece_histogram`, `unit_peak_histogram` [layer, head, weight_bin]; `sink_rate`, `second_sink`
    [layer, head], and by layer, and `_uniform` without dims; `second_sink_off_null` [layer, head].

    Attributes:
        weights: by histogram, a list of the weights that were put into it, each [layer, head]
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.first = model.zeros(BINS)
        self.first_even = np.zeros(BINS)
        self.peak = model.zeros(BINS)
        self.second = model.zeros()
        self.second_even = 0.0
        self.with_second = 0
        self.all, self.off_null = model.zeros(), model.zeros()
        self.weights: dict[str, list[Array]] = {"first_piece_histogram": [], "unit_peak_histogram": []}

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the sums."""
        self._add_peak(sentence)
        self._add_null(sentence)
        if len(sentence.pieces) >= LONG:
            self._add_first(sentence)
        columns = [j for j in sentence.pieces if self._may_be_second(j, sentence)]
        if len(sentence.pieces) >= LONG_ENOUGH and columns:
            self._add_second(columns, sentence)

    def _add_peak(self, sentence: Sentence) -> None:
        largest = self.model.zeros()
        for i in sentence.pieces:
            for j in self.model.attendable(i, sentence):
                largest = np.maximum(largest, sentence.alpha[:, :, i, j])
        self._count(self.peak, largest)
        self.weights["unit_peak_histogram"].append(largest)

    def _add_null(self, sentence: Sentence) -> None:
        for j in sentence.pieces:
            given = sentence.alpha[:, :, :, j].sum(axis=-1)
            self.all += given
            if j not in sentence.null:
                self.off_null += given

    def _add_first(self, sentence: Sentence) -> None:
        rows = sentence.pieces[1:]
        mean = sum((sentence.alpha[:, :, i, 0] for i in rows), self.model.zeros()) / len(rows)
        self._count(self.first, mean)
        self.weights["first_piece_histogram"].append(mean)
        self.first_even[bin_of(sum(1 / len(self.model.reach(i, sentence)) for i in rows) / len(rows))] += 1

    def _count(self, histogram: Array, weights: Array) -> None:
        for layer in range(self.model.layers):
            for head in range(self.model.heads):
                histogram[layer, head, bin_of(weights[layer, head])] += 1

    def _rows(self, j: int, sentence: Sentence) -> list[int]:
        return [i for i in sentence.pieces if j in self.model.reach(i, sentence)]

    def _may_be_second(self, j: int, sentence: Sentence) -> bool:
        return j >= 1 and j not in sentence.null and len(self._rows(j, sentence)) >= len(sentence.pieces) / 2

    def _add_second(self, columns: Sequence[int], sentence: Sentence) -> None:
        best, best_even = self.model.zeros(), 0.0
        for j in columns:
            rows = self._rows(j, sentence)
            best = np.maximum(best, sum((sentence.alpha[:, :, i, j] for i in rows), self.model.zeros()) / len(rows))
            best_even = max(best_even, sum(1 / len(self.model.reach(i, sentence)) for i in rows) / len(rows))
        self.second += best
        self.second_even += best_even
        self.with_second += 1

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        number = np.asarray(self.with_second)
        second = over(self.second, number)
        return {
            "first_piece_histogram": self.first,
            "unit_peak_histogram": self.peak,
            "sink_rate": rate(self.first),
            "sink_rate_by_layer": rate(self.first.sum(axis=1)),
            "sink_rate_uniform": rate(self.first_even),
            "second_sink": second,
            "second_sink_by_layer": over(self.second.sum(axis=1), number * self.model.heads),
            "second_sink_off_null": np.minimum(over(second, over(self.off_null, self.all)), 1),
            "second_sink_uniform": over(np.asarray(self.second_even), number),
        }


def bin_of(weight: float) -> int:
    """Which of the bins, each 0.02 wide; the last one holds 1, too."""
    return min(int(50 * weight), BINS - 1)


def rate(histogram: Array) -> Array:
    """The share from 0.3 on."""
    return over(histogram[..., FROM:].sum(axis=-1), histogram.sum(axis=-1))
