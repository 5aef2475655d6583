"""Dependency syntax in maps between words: which word gets most of a head's attention."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import product
from typing import TypeVar

import numpy as np

from attnmetrics.metrics.reference.pieces import words_of_pieces
from attnmetrics.metrics.reference.sentence import Array, Model, Sentence
from attnmetrics.metrics.reference.sums import over, with_layers

RULES = ("row", "column", "parent_row")
SIDES = ("before", "after")
TOGETHER = {"nominal word": "NOUN NUM PRON PROPN", "content word": "ADJ ADV NOUN NUM PROPN VERB"}
OFFSETS = [*range(-10, 0), *range(1, 11)]
LEAST = 20
"""Attainable edges of each half, for a best head or offset to be named."""
TIE = 1e-5
Map = dict[int, dict[int, float]]
"""A by attending and then by attended word, these two not the same."""
Name = TypeVar("Name")
"""What hits: a head, or an offset."""


class Syntax:
    """Over all sentences, each a unit:

    `relation_accuracy` [layer, head, rule, rel], `parse_accuracy`, `relation_accuracy_all` [layer, head, rule], and by
    layer; `near_ties` [layer, head, rule];
    `relation_best_layer`, `relation_best_head`, `relation_best_accuracy`, `relation_best_offset`, `relation_baseline`,
    `relation_class_baseline`, `relation_edges_attainable` [rule, rel];
    `relation_class_accuracy` [rule, rel, word_class, side]; `relation_offset_accuracy` [rule, rel, word_offset];
    `relation_edges`, `relation_unmeasured` [rel]; `map_sentences`.
    """

    def __init__(self, model: Model, rels: Sequence[str], tags: Sequence[str]) -> None:
        self.model = model
        self.rels = list(rels)
        self.classes = [*({tag} - {"_"} for tag in tags), *(set(together.split()) for together in TOGETHER.values())]
        rules, names = len(RULES), len(self.rels)
        self.hits = model.zeros(2, rules, names)
        self.ties = model.zeros(rules)
        self.attainable = np.zeros((2, rules, names))
        self.at_offset = np.zeros((2, rules, names, len(OFFSETS)))
        self.of_class = np.zeros((2, rules, names, len(self.classes), len(SIDES)))
        self.edges = np.zeros(names)
        self.unmeasured = np.zeros(names)
        self.words = 0
        self.sentences = 0

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the counts."""
        pieces = pieces_of_words(sentence)
        self.sentences += 1
        self.words += len(pieces)
        for child, word in enumerate(sentence.words):
            rel = self.rels.index(word.rel)
            if word.head < 0:
                continue
            if child not in pieces or word.head not in pieces:
                self.unmeasured[rel] += 1
                continue
            self.edges[rel] += 1
            for rule, (attending, attended) in enumerate(ends(child, word.head)):
                if self._reaches(pieces[attending], pieces[attended], sentence):
                    self._add_edge(half_of(sentence.document), rule, rel, word.head - child)
                    self._add_class(sentence, rule, child)
        for layer, head in product(range(self.model.layers), range(self.model.heads)):
            self._score(layer, head, sentence, pieces)

    def _reaches(self, attending: Sequence[int], attended: Sequence[int], sentence: Sentence) -> bool:
        return any(j in self.model.attendable(i, sentence) for i in attending for j in attended)

    def _add_edge(self, half: int, rule: int, rel: int, offset: int) -> None:
        self.attainable[half, rule, rel] += 1
        if offset in OFFSETS:
            self.at_offset[half, rule, rel, OFFSETS.index(offset)] += 1

    def _add_class(self, sentence: Sentence, rule: int, child: int) -> None:
        """Take into the counts which nearest words of a class find an edge."""
        word = sentence.words[child]
        asked, right = (word.head, child) if RULES[rule] == "parent_row" else (child, word.head)
        for place, tags in enumerate(self.classes):
            own = [other for other, one in enumerate(sentence.words) if one.pos in tags]
            before, after = [other for other in own if other < asked], [other for other in own if other > asked]
            for side, nearest in enumerate((max(before, default=None), min(after, default=None))):
                if nearest == right:
                    counts = self.of_class[half_of(sentence.document), rule, self.rels.index(word.rel), place]
                    counts[side] += 1

    def _score(self, layer: int, head: int, sentence: Sentence, pieces: dict[int, list[int]]) -> None:
        """Take the hits of one head into the counts."""
        found = word_map(sentence.alpha[layer, head], pieces, sentence.null)
        half = half_of(sentence.document)
        for child, parent, rel in edges(sentence, pieces):
            for rule, (attending, attended) in enumerate(ends(child, parent)):
                if not self._reaches(pieces[attending], pieces[attended], sentence):
                    continue
                answers, right = asked(found, rule, child, parent)
                best = max(answers, key=lambda word: (answers[word], -word))
                if best == right and answers[best] > 0:
                    self.hits[layer, head, half, rule, self.rels.index(rel)] += 1
                second = max([0.0, *(value for word, value in answers.items() if word != best)])
                if answers[best] > 0 and answers[best] - second <= TIE * answers[best]:
                    self.ties[layer, head, rule] += 1

    def results(self) -> dict[str, Array]:
        """Every result under its name."""
        hits, attainable = self.hits.sum(axis=2), self.attainable.sum(axis=0)
        each = np.ones((self.model.layers, self.model.heads, 1, 1))
        parsed = [rel for rel, name in enumerate(self.rels) if name != "punct"]
        return {
            **with_layers(_accuracy, hits, attainable * each),
            **with_layers(_parsed, hits[..., parsed], (attainable * each)[..., parsed]),
            **with_layers(_of_all, hits, self.words * each[..., 0]),
            **self._best(),
            "relation_offset_accuracy": over(self.at_offset.sum(axis=0), attainable[..., None]),
            "relation_class_accuracy": over(self.of_class.sum(axis=0), attainable[..., None, None]),
            "relation_edges": self.edges,
            "relation_edges_attainable": attainable,
            "relation_unmeasured": self.unmeasured,
            "near_ties": self.ties,
            "map_sentences": np.array(float(self.sentences)),
        }

    def _best(self) -> dict[str, Array]:
        """What is best among heads, among offsets and among classes."""
        names = ("layer", "head", "accuracy", "baseline", "offset", "class_baseline")
        found = {name: np.full((len(RULES), len(self.rels)), np.nan) for name in names}
        for rule, rel in product(range(len(RULES)), range(len(self.rels))):
            edges = self.attainable[:, rule, rel].tolist()
            if min(edges) < LEAST:
                continue
            heads = {(layer, head): self.hits[layer, head, :, rule, rel].tolist() for layer, head in self._heads()}
            offsets = {offset: self.at_offset[:, rule, rel, k].tolist() for k, offset in enumerate(OFFSETS)}
            of_class = self.of_class[:, rule, rel]
            classes = {place: of_class[:, *place].tolist() for place in np.ndindex(of_class.shape[1:])}
            (found["layer"][rule, rel], found["head"][rule, rel]), found["accuracy"][rule, rel] = best_of(heads, edges)
            found["offset"][rule, rel], found["baseline"][rule, rel] = best_of(offsets, edges)
            found["class_baseline"][rule, rel] = best_of(classes, edges)[1]
        without_heads = {f"relation_{name}": found.pop(name) for name in ("baseline", "class_baseline")}
        return {**without_heads, **{f"relation_best_{name}": value for name, value in found.items()}}

    def _heads(self) -> list[tuple[int, int]]:
        return list(product(range(self.model.layers), range(self.model.heads)))


def half_of(document: str, seed: int = 0) -> int:
    """0 or 1: the parity of the document's hash."""
    return blake2b(f"{seed},{document}".encode(), digest_size=8).digest()[0] % 2


def pieces_of_words(sentence: Sentence) -> dict[int, list[int]]:
    """The pieces of every word that has one."""
    found: dict[int, list[int]] = defaultdict(list)
    for piece, word in enumerate(words_of_pieces(sentence)):
        if word is not None:
            found[word].append(piece)
    return dict(sorted(found.items()))


def word_map(alpha: Array, pieces: dict[int, list[int]], null: frozenset[int]) -> Map:
    """Mean over the pieces of one word of the sum of F over those of another."""
    weights = alpha.tolist()
    found: Map = {u: dict.fromkeys(pieces, 0.0) for u in pieces}
    for u, v in product(pieces, pieces):
        for i, j in product(pieces[u], pieces[v]):
            found[u][v] += weights[i][j] / len(pieces[u]) if j not in null else 0
    return {u: {v: value for v, value in row.items() if v != u} for u, row in found.items()}


def best_of(hits: Mapping[Name, Sequence[float]], edges: Sequence[float]) -> tuple[Name, float]:
    """The first with most hits; and the accuracy of those with most hits on one half, on the other half."""
    most = max(sum(own) for own in hits.values())
    total = 0.0
    for half in (0, 1):
        largest = max(own[half] for own in hits.values())
        chosen = next(own for own in hits.values() if own[half] == largest)
        total += chosen[1 - half]
    return next(name for name, own in hits.items() if sum(own) == most), total / sum(edges)


def edges(sentence: Sentence, pieces: dict[int, list[int]]) -> Iterator[tuple[int, int, str]]:
    """Child, parent and relation of all edges whose words have pieces."""
    for child, word in enumerate(sentence.words):
        if word.head >= 0 and child in pieces and word.head in pieces:
            yield child, word.head, word.rel


def ends(child: int, parent: int) -> list[tuple[int, int]]:
    """By rule, the attending and the attended word that make a hit."""
    return [(child, parent), (parent, child), (parent, child)]


def asked(found: Map, rule: int, child: int, parent: int) -> tuple[dict[int, float], int]:
    """The words that compete, with their values, and the right one."""
    if RULES[rule] == "column":
        return {u: row[child] for u, row in found.items() if u != child}, parent
    return (found[child], parent) if RULES[rule] == "row" else (found[parent], child)


def _accuracy(hits: Array, attainable: Array) -> dict[str, Array]:
    return {"relation_accuracy": over(hits, attainable)}


def _parsed(hits: Array, attainable: Array) -> dict[str, Array]:
    return {"parse_accuracy": over(hits.sum(axis=-1), attainable.sum(axis=-1))}


def _of_all(hits: Array, words: Array) -> dict[str, Array]:
    return {"relation_accuracy_all": over(hits.sum(axis=-1), words)}
