"""The strongest pairs behind the answers to the question for a word's parent, right ones and wrong ones."""

from itertools import product

from attnmetrics.metrics.reference.answers import Strongest
from attnmetrics.metrics.reference.sentence import Model, Sentence
from attnmetrics.metrics.reference.syntax import RULES, asked, edges, ends, pieces_of_words, word_map


class Relations(Strongest):
    """Of each rule, relation and kind of answer."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def add_sentence(self, sentence: Sentence) -> None:
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
                        self.add((f"relation:{rel}:{RULES[rule]}:{kind}", layer, head), pairs, sentence)
