"""Heads whose attention is planted, through the float64 twins, as a run's results."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from synthetic import without_evidence

from attnmetrics.metrics.reference.distance import Distance
from attnmetrics.metrics.reference.entropy import Entropy
from attnmetrics.metrics.reference.labels import Label
from attnmetrics.metrics.reference.links import Link
from attnmetrics.metrics.reference.null import Null
from attnmetrics.metrics.reference.pieces import label_pieces
from attnmetrics.metrics.reference.sentence import Model, Sentence, Word
from attnmetrics.metrics.reference.sinks import Sinks
from attnmetrics.metrics.reference.spread import Spread
from attnmetrics.metrics.reference.surface import Surface
from attnmetrics.metrics.reference.syntax import Syntax
from attnmetrics.metrics.reference.variability import Variability
from attnmetrics.metrics.schema import LABELS, LINKS, SPECIAL, Schema

POS = ("ADJ", "DET", "NOUN", "VERB", "_")
REL = ("det", "nsubj", "obj", "root", "_")
WORDS = 16
SINK = 2
"""Where the sink of a sentence stands, a determiner."""
SENTENCES = 40

Alpha = NDArray[np.float64]
Rule = Callable[[Sentence, int], dict[int, float]]
"""Weights of the pieces that one attends to; what they lack of 1 is spread evenly over what it may attend to."""


# ---- heads


def previous(_: Sentence, i: int) -> dict[int, float]:
    return {max(i - 1, 0): 1}


def own(_: Sentence, i: int) -> dict[int, float]:
    return {i: 1}


def two_or_three_back(_: Sentence, i: int) -> dict[int, float]:
    return {i - 2: 0.5, i - 3: 0.5} if i > 3 else {0: 1}


def along_dependencies(sentence: Sentence, i: int) -> dict[int, float]:
    """To the head word where it came before, else to a dependent that did; nowhere else."""
    links = sentence.links["dependency"]
    parents = [g for g, d in links if d == i and g < i]
    children = sorted(d for g, d in links if g == i and d < i)
    return {(parents or children or [0])[0]: 1}


def to_the_sink(_: Sentence, i: int) -> dict[int, float]:
    return {SINK: 0.9, 0: 0.1} if i > SINK else {0: 1}


def switched_off(_: Sentence, i: int) -> dict[int, float]:
    return {0: 0.98, max(i - 1, 0): 0.02} if i else {0: 1}


def to_linked(name: str) -> Rule:
    def rule(sentence: Sentence, i: int) -> dict[int, float]:
        partners = [j for attending, j in sentence.links[name] if attending == i]
        return {j: 0.8 / len(partners) for j in partners}

    return rule


def to_determiners(sentence: Sentence, i: int) -> dict[int, float]:
    """To the last one."""
    found = [j for j in range(1, i + 1) if sentence.labels["pos"][j] == "DET"]
    return {max(found): 0.7} if found else {}


def resting(_: Sentence, i: int) -> dict[int, float]:
    return {0: 0.8}


def even(_: Sentence, i: int) -> dict[int, float]:
    return {}


HEADS: dict[str, Rule] = {
    "previous": previous,
    "own": own,
    "position": two_or_three_back,
    "syntax": along_dependencies,
    "second sink": to_the_sink,
    "inactive": switched_off,
    "induction": to_linked("induction"),
    "repetition": to_linked("repeat"),
    "determiners": to_determiners,
    "first piece": resting,
    "broad": even,
}


# ---- sentences


@cache
def planted() -> xr.Dataset:
    """The results of one layer of `HEADS`, causal, the first piece null; not to be written to."""
    model = Model(1, len(HEADS), True)
    single = (Null, Distance, Entropy, Spread, Surface, Sinks, Variability)
    twins = [
        *(make(model) for make in single),
        *(Label(model, name, names) for name, names in NAMES.items()),
        *(Link(model, link.name, bool(link.edges)) for link in LINKS),
        Syntax(model, REL, POS),
    ]
    for sentence in sentences():
        for twin in twins:
            twin.add(sentence)
    data = without_evidence(Schema((0,), len(HEADS), LABELS, LINKS, NAMES))
    for name, value in ((name, value) for twin in twins for name, value in twin.results().items()):
        data[name][...] = value
    return data


NAMES = {"pos": POS, "rel": REL, "special": SPECIAL}


def sentences() -> list[Sentence]:
    random = np.random.default_rng(1)
    return [_with_attention(_sentence(random, n)) for n in range(SENTENCES)]


def _sentence(random: np.random.Generator, number: int) -> Sentence:
    """Words of two characters, one piece each, after a null piece; trees and tags by chance, but for the sink."""
    spans = [(3 * n, 3 * n + 2) for n in range(WORDS)]
    heads = [-1, *(int(random.integers(max(n - 3, 0), n)) for n in range(1, WORDS))]
    turned = random.permutation(WORDS)  # so that heads come before and after
    head = {int(turned[n]): -1 if own < 0 else int(turned[own]) for n, own in enumerate(heads)}
    tags = ["DET" if n == SINK - 1 else str(random.choice(POS[:-1])) for n in range(WORDS)]
    rels = ["root" if head[n] < 0 else str(random.choice(REL[:3])) for n in range(WORDS)]
    words = [Word(*spans[n], tags[n], rels[n], head[n]) for n in range(WORDS)]
    ids = [0, *(int(one) for one in random.integers(1, 25, WORDS))]
    empty = np.zeros((1, len(HEADS), WORDS + 1, WORDS + 1))
    bare = Sentence(
        text=" ".join(["ab"] * WORDS), words=words, spans=[(0, 0), *spans], ids=ids, template=frozenset({0}),
        null=frozenset({0}), alpha=empty, added=empty, document=f"d{number // 3}", document_index=number // 3,
        sentence=number % 3,
    )  # fmt: skip
    return label_pieces(bare)


def _with_attention(sentence: Sentence) -> Sentence:
    maps = np.stack([_alpha(sentence, rule) for rule in HEADS.values()])[None]
    return replace(sentence, alpha=maps, added=maps)


def _alpha(sentence: Sentence, rule: Rule) -> Alpha:
    n = len(sentence.pieces)
    alpha = np.zeros((n, n))
    for i in range(n):
        for j, weight in rule(sentence, i).items():
            alpha[i, j] += weight
        alpha[i, : i + 1] += (1 - alpha[i].sum()) / (i + 1)
    return alpha


def head(name: str) -> int:
    """The number of a head."""
    return list(HEADS).index(name)


def names() -> Sequence[str]:
    """Of all heads, in order."""
    return list(HEADS)
