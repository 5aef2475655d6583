"""Typical units of a head: a sample by hash, cut into five parts by the largest weight."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from attnmetrics.metrics.reference.sentence import Model, Sentence

SAMPLE = 500
SHOWN = 5
PARTS = ("0-20", "20-40", "40-60", "60-80", "80-100")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit in one head."""

    digest: int
    """its hash"""
    document_index: int
    sentence: int
    weight: float
    """its largest F, 0 where no pair is attendable"""
    i: int
    """of the first pair with this weight; −1 for none"""
    j: int


class Typical:
    """The units of every head."""

    def __init__(self, model: Model, seed: int = 0) -> None:
        self.model = model
        self.seed = seed
        self.sentences: list[Sentence] = []

    def add(self, sentence: Sentence) -> None:
        """Take one sentence."""
        self.sentences.append(sentence)

    def units(self, layer: int, head: int) -> list[Unit]:
        """The sample, smallest hash first."""
        units = [self._unit(sentence, layer, head) for sentence in self.sentences]
        return sorted(units, key=by_hash)[:SAMPLE]

    def parts(self, layer: int, head: int) -> dict[str, list[Unit]]:
        """What each part shows."""
        return cut(self.units(layer, head))

    def _unit(self, sentence: Sentence, layer: int, head: int) -> Unit:
        alpha = sentence.alpha[layer, head]
        best = (0.0, -1, -1)
        for i, columns in ((i, self.model.attendable(i, sentence)) for i in sentence.pieces):
            j = max(columns, key=alpha[i].__getitem__, default=-1)  # the first of equals
            if j >= 0 and (best[1] < 0 or alpha[i, j] > best[0]):
                best = (float(alpha[i, j]), i, j)
        text = f"{self.seed},{sentence.sentence},{sentence.document}"
        digest = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
        return Unit(digest, sentence.document_index, sentence.sentence, *best)


def by_hash(unit: Unit) -> tuple[int, int, int]:
    """The order of the sample: by hash, equals in corpus order."""
    return unit.digest, unit.document_index, unit.sentence


def cut(units: Sequence[Unit]) -> dict[str, list[Unit]]:
    """The parts of a head's units, of each those with the smallest hashes that have a pair."""
    ascending = sorted(units, key=lambda unit: (unit.weight, *by_hash(unit)))
    parts: dict[str, list[Unit]] = {part: [] for part in PARTS}
    for place, unit in enumerate(ascending):
        parts[PARTS[len(PARTS) * place // len(units)]].append(unit)
    return {part: sorted((unit for unit in own if unit.i >= 0), key=by_hash)[:SHOWN] for part, own in parts.items()}
