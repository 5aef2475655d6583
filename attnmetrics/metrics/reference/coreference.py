"""Whether the word that an anaphor attends to most is one that it refers back to."""

from collections.abc import Callable, Collection, Sequence

import numpy as np

from attnmetrics.metrics.reference.sentence import Array, Mention, Model, Sentence, Word
from attnmetrics.metrics.reference.sums import over, with_layers
from attnmetrics.metrics.reference.syntax import half_of, pieces_of_words

CLASSES = ("pronoun", "proper", "nominal", "other", "all")
NOMINAL = ("NOUN", "NUM", "ADJ", "SYM", "X")
FEATURES = ("Number", "Gender", "Person")
TIE = 1e-5
LEAST = 20


class Coreference:
    """`coreference_…`: `accuracy` [layer, head, candidates, mention_class], and by layer, `near_ties` of these dims;
    `anaphors`, `unreachable`, `candidates` [mention_class], `heuristic` [heuristic, mention_class]; `best_layer`,
    `best_head`, `best_accuracy` [candidates, mention_class].
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.hits, self.ties = model.zeros(2, 2, len(CLASSES)), model.zeros(2, len(CLASSES))
        self.anaphors = np.zeros((2, len(CLASSES)))
        self.unreachable, self.candidates = np.zeros((2, len(CLASSES)))
        self.heuristic = np.zeros((4, len(CLASSES)))

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the sums."""
        unit = MentionUnit(sentence)
        half = half_of(sentence.document)
        for anaphor in sorted({mention.word for mention in unit.mentions}):
            classes = _classes(sentence.words[anaphor])
            if unit.reachable(anaphor):
                self.anaphors[half, classes] += 1
                self._add_anaphor(unit, anaphor, half, classes)
            elif any(mention.earlier for mention in unit.referring(anaphor)):
                self.unreachable[classes] += 1

    def _add_anaphor(self, unit: "MentionUnit", anaphor: int, half: int, classes: Sequence[int]) -> None:
        right, mentions = unit.antecedents(anaphor), unit.candidates(anaphor)
        words = [word for word in sorted(unit.pieces) if word < anaphor]
        self.candidates[classes] += len(mentions)
        found = [_nearest(mentions), unit.same_head(anaphor), unit.sieves(anaphor)]
        for place, word in enumerate(found):
            self.heuristic[place, classes] += word in right
        self.heuristic[3, classes] += len(right) / len(mentions)
        for place, candidates in enumerate((mentions, words)):
            for layer in range(self.model.layers):
                for head in range(self.model.heads):
                    values = [unit.attention(layer, head, anaphor, word) for word in candidates]
                    most = max(values)
                    hit = most > 0 and candidates[values.index(most)] in right
                    self.hits[layer, head, half, place, classes] += hit
                    self.ties[layer, head, place, classes] += most > 0 and _is_tie(values)

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        anaphors = self.anaphors.sum(axis=0)
        every_head = self.model.zeros(2, len(CLASSES)) + anaphors
        found = {
            **with_layers(lambda hits, cases: {"accuracy": over(hits, cases)}, self.hits.sum(axis=2), every_head),
            "near_ties": self.ties,
            "anaphors": anaphors,
            "unreachable": self.unreachable,
            "candidates": over(self.candidates, anaphors),
            "heuristic": over(self.heuristic, anaphors + np.zeros((4, 1))),
            **{name: self._each(choose) for name, choose in BEST.items()},
        }
        return {f"coreference_{name}": np.asarray(value) for name, value in found.items()}

    def _each(self, choose: Callable[[Array, Array], float]) -> Array:
        """[candidates, mention_class] what is chosen by hits [layer, head, half]; NaN where a half has few anaphors."""
        chosen = np.full((2, len(CLASSES)), np.nan)
        for place in range(2):
            for of_class in range(len(CLASSES)):
                anaphors = self.anaphors[:, of_class]
                if anaphors.min() >= LEAST:
                    chosen[place, of_class] = choose(self.hits[:, :, :, place, of_class], anaphors)
        return chosen


def _best(hits: Array) -> tuple[int, int]:
    """Layer and head with most of [layer, head], the first of equals."""
    layer, head = np.argwhere(hits == hits.max())[0].tolist()
    return layer, head


def _held_out(hits: Array, anaphors: Array) -> float:
    return float((hits[_best(hits[..., 0])][1] + hits[_best(hits[..., 1])][0]) / anaphors.sum())


BEST: dict[str, Callable[[Array, Array], float]] = {
    "best_layer": lambda hits, _: float(_best(hits.sum(axis=-1))[0]),
    "best_head": lambda hits, _: float(_best(hits.sum(axis=-1))[1]),
    "best_accuracy": _held_out,
}


class MentionUnit:
    """A sentence's mentions whose head words have a piece."""

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence
        self.pieces = pieces_of_words(sentence)
        self.mentions = [mention for mention in sentence.mentions if mention.word in self.pieces]

    def referring(self, anaphor: int) -> list[Mention]:
        """Mentions of a head word that may be anaphors."""
        return [mention for mention in self.mentions if mention.word == anaphor and mention.anaphoric]

    def antecedents(self, anaphor: int) -> set[int]:
        """Head words of earlier mentions of the same entities."""
        entities = {mention.entity for mention in self.referring(anaphor)}
        return {mention.word for mention in self.mentions if mention.entity in entities and mention.word < anaphor}

    def anaphors(self) -> list[int]:
        """Head words with an antecedent in reach."""
        return [word for word in sorted({mention.word for mention in self.mentions}) if self.reachable(word)]

    def reachable(self, anaphor: int) -> bool:
        """Whether an antecedent has a piece that is not null."""
        pieces = [piece for word in self.antecedents(anaphor) for piece in self.pieces[word]]
        return any(piece not in self.sentence.null for piece in pieces)

    def candidates(self, anaphor: int) -> list[int]:
        """Head words of earlier mentions of entities that the document mentions again, in order."""
        recurring = (mention for mention in self.mentions if mention.of_entity > 1)
        return sorted({mention.word for mention in recurring if mention.word < anaphor})

    def same_head(self, anaphor: int) -> int | None:
        """The nearest candidate with the same form."""
        return _nearest([w for w in self.candidates(anaphor) if self._form(w) == self._form(anaphor)])

    def sieves(self, anaphor: int) -> int | None:
        """The nearest candidate that passes the first sieve which lets any pass."""
        strings = {mention.text.casefold() for mention in self.referring(anaphor)}
        candidates = self.candidates(anaphor)
        same_string = {mention.word for mention in self.mentions if mention.text.casefold() in strings}
        agreeing = [word for word in candidates if self._agree(word, anaphor)]
        sieves = (
            _nearest([word for word in candidates if word in same_string]),
            self.same_head(anaphor),
            _nearest(agreeing),
            _nearest(candidates),
        )
        return next((word for word in sieves if word is not None), None)

    def attention(self, layer: int, head: int, attending: int, attended: int) -> float:
        """Mean over the pieces of one word of the sum over those of the other, null ones left out."""
        alpha = self.sentence.alpha[layer, head]
        columns = [j for j in self.pieces[attended] if j not in self.sentence.null]
        rows = self.pieces[attending]
        return float(sum(alpha[i, j] for i in rows for j in columns) / len(rows))

    def _form(self, word: int) -> str:
        own = self.sentence.words[word]
        return (own.form or self.sentence.text[own.start : own.end]).casefold()

    def _agree(self, word: int, other: int) -> bool:
        ours, theirs = (self.sentence.words[each].feats for each in (word, other))
        return all(ours[key] == theirs[key] for key in FEATURES if key in ours and key in theirs)


def _classes(word: Word) -> list[int]:
    """The class of an anaphor, and all."""
    kind = {"PRON": "pronoun", "PROPN": "proper", **dict.fromkeys(NOMINAL, "nominal")}.get(word.pos, "other")
    return [CLASSES.index(kind), CLASSES.index("all")]


def _nearest(words: Collection[int]) -> int | None:
    return max(words, default=None)


def _is_tie(values: Sequence[float]) -> bool:
    largest, *others = sorted(values, reverse=True)
    return bool(others) and largest - others[0] <= TIE * largest
