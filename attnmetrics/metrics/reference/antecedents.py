"""The strongest pairs behind the answers to the question for an antecedent, right ones and wrong ones."""

from itertools import product

from attnmetrics.metrics.reference.answers import Strongest
from attnmetrics.metrics.reference.coreference import MentionUnit
from attnmetrics.metrics.reference.sentence import Model, Sentence


class Antecedents(Strongest):
    """Of each kind of answer, among earlier mentions."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def add_sentence(self, sentence: Sentence) -> None:
        """Find the strongest pairs of every anaphor in a sentence."""
        unit = MentionUnit(sentence)
        for (layer, head), anaphor in product(
            product(range(self.model.layers), range(self.model.heads)), unit.anaphors()
        ):
            values = {word: unit.attention(layer, head, anaphor, word) for word in unit.candidates(anaphor)}
            best = max(values, key=lambda word: (values[word], -word))
            if values[best] > 0:
                kind = "hit" if best in unit.antecedents(anaphor) else "miss"
                columns = [j for j in unit.pieces[best] if j not in sentence.null]
                pairs = product(unit.pieces[anaphor], columns)
                self.add((f"coreference:{kind}", layer, head), pairs, sentence)
