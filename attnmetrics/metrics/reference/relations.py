"""The strongest pairs behind the answers to the question for a word's parent, right ones and wrong ones."""

from collections import defaultdict
from itertools import product

from attnmetrics.metrics.reference.exemplars import Peak
from attnmetrics.metrics.reference.sentence import Model, Sentence
from attnmetrics.metrics.reference.syntax import RULES, asked, edges, ends, pieces_of_words, word_map


class Relations:
    """Of each rule, relation and kind of answer, the strongest pair of every sentence and head."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.strongest: dict[tuple[str, int, int], dict[tuple[int, int], tuple[Peak, str]]] = defaultdict(dict)
        """by (claim, layer, head), of each sentence the pair and the text"""

    def add(self, sentence: Sentence) -> None:
        """Find the strongest pairs of every edge in a sentence."""
        pieces = pieces_of_words(sentence)
        for layer, head in product(range(self.model.layers), range(self.model.heads)):
            found = word_map(sentence.alpha[layer, head], pieces, sentence.null)
            for child, parent, rel in edges(sentence, pieces):
                for rule, (attending, attended) in enumerate(ends(child, parent)):
                    if not any(
                        j in self.model.attendable(i, sentence) for i in pieces[attending] for j in pieces[attended]
                    ):
                        continue
                    answers, right = asked(found, rule, child, parent)
                    best = max(answers, key=lambda word: (answers[word], -word))
                    if answers[best] > 0:
                        kind = "hit" if best == right else "miss"
                        holder = parent if RULES[rule] == "parent_row" else child
                        u, v = (best, holder) if RULES[rule] == "column" else (holder, best)
                        pairs = [(i, j) for i in pieces[u] for j in pieces[v] if j not in sentence.null]
                        self._add(f"relation:{rel}:{RULES[rule]}:{kind}", layer, head, pairs, sentence)

    def best(self, claim: str, layer: int, head: int) -> list[Peak]:
        """The strongest of every sentence, largest first; each text once."""
        seen: set[str] = set()
        best: list[Peak] = []
        found = self.strongest[claim, layer, head].values()
        for peak, text in sorted(found, key=lambda each: (-each[0].weight, each[0].document_index, each[0].sentence)):
            if text not in seen:
                seen.add(text)
                best.append(peak)
        return best

    def _add(self, claim: str, layer: int, head: int, pairs: list[tuple[int, int]], sentence: Sentence) -> None:
        alpha = sentence.alpha[layer, head]
        i, j = max(sorted(pairs), key=alpha.__getitem__)  # the first of equals
        peak = Peak(float(alpha[i, j]), sentence.document_index, sentence.sentence, i, j)
        own, key = self.strongest[claim, layer, head], (sentence.document_index, sentence.sentence)
        before = own.get(key)
        if before is None or (-peak.weight, i, j) < (-before[0].weight, before[0].i, before[0].j):
            own[key] = peak, sentence.text
