"""How widely rows spread their attention."""

from dataclasses import dataclass
from math import log

from attnmetrics.metrics.reference.sentence import Array, Model, Sentence
from attnmetrics.metrics.reference.sums import over, with_layers

CUT = 0.9
NEAR_CUT = 1e-6


@dataclass(frozen=True, slots=True)
class NearRow:
    """A row so near the cut that float32 may see it on the other side."""

    layer: int
    head: int
    entropy: float
    kept: bool


class Entropy:
    """`entropy`, `entropy_rows` [layer, head], and by layer.

    Attributes:
        total: [layer, head] sum of the entropies of the kept rows, in nats
        rows: [layer, head] number of kept rows
        near_rows: rows near the cut, kept or not
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.total = model.zeros()
        self.rows = model.zeros()
        self.near_rows: list[NearRow] = []

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the sums."""
        for layer in range(self.model.layers):
            for head in range(self.model.heads):
                for row in sentence.alpha[layer, head].tolist():
                    self._add_row(layer, head, row, sentence.null)

    def _add_row(self, layer: int, head: int, row: list[float], null: frozenset[int]) -> None:
        """A row, unless nearly all of it is on null columns."""
        on_null = sum(weight for j, weight in enumerate(row) if j in null)
        others = [weight for j, weight in enumerate(row) if j not in null]
        left = sum(others)
        if left <= 0:
            return
        shares = [weight / left for weight in others if weight > 0]
        entropy = -sum(share * log(share) for share in shares)
        kept = on_null <= CUT
        if abs(on_null - CUT) < NEAR_CUT:
            self.near_rows.append(NearRow(layer, head, entropy, kept))
        if kept:
            self.total[layer, head] += entropy
            self.rows[layer, head] += 1

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        return with_layers(_results, self.total, self.rows)


def _results(total: Array, rows: Array) -> dict[str, Array]:
    return {"entropy": over(total, rows), "entropy_rows": rows}
