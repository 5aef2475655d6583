"""All twins at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from attnmetrics.metrics.reference.antecedents import Antecedents
from attnmetrics.metrics.reference.claims import Claims
from attnmetrics.metrics.reference.coreference import Coreference
from attnmetrics.metrics.reference.corpus import Corpus
from attnmetrics.metrics.reference.distance import Distance
from attnmetrics.metrics.reference.entropy import Entropy, NearRow
from attnmetrics.metrics.reference.exemplars import Exemplars, Peak
from attnmetrics.metrics.reference.labels import Label
from attnmetrics.metrics.reference.links import Link
from attnmetrics.metrics.reference.null import Null
from attnmetrics.metrics.reference.output import Output
from attnmetrics.metrics.reference.over_heads import OverHeads
from attnmetrics.metrics.reference.relations import Relations
from attnmetrics.metrics.reference.sentence import Array, Model, Sentence
from attnmetrics.metrics.reference.similarity import Similarity
from attnmetrics.metrics.reference.sinks import Sinks
from attnmetrics.metrics.reference.spread import Spread
from attnmetrics.metrics.reference.surface import Surface
from attnmetrics.metrics.reference.syntax import Syntax
from attnmetrics.metrics.reference.tokens import Tokens
from attnmetrics.metrics.reference.typical import Typical
from attnmetrics.metrics.reference.variability import Variability


class Twin(Protocol):
    """A family of results, from sentences added one by one."""

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the sums."""

    def results(self) -> dict[str, Array]:
        """Every result under its name, the by-layer ones too."""


SINGLE: dict[str, Callable[[Model], Twin]] = {
    "null": Null,
    "distance": Distance,
    "entropy": Entropy,
    "spread": Spread,
    "surface": Surface,
    "sinks": Sinks,
    "variability": Variability,
    "corpus": Corpus,
    "output": Output,
    "similarity": Similarity,
    "over_heads": OverHeads,
}
"""Families of which a run has one."""

TWINS: dict[str, Callable[..., Twin]] = {
    **SINGLE,
    "labels": Label,
    "links": Link,
    "syntax": Syntax,
    "coreference": Coreference,
}
"""The twin of each family; a run has one for each label and each link."""


class Reference:
    """The results of all families, and the exemplars.

    Attributes:
        twins: one of each single family, label and link
        entropy: the twin of its family, for its sums
        strongest: the largest single weights of every head
        claims: the largest single weights of every claim and head
        relations: those behind the answers to the question for a word's parent
        antecedents: those behind the answers to the question for an antecedent
        tokens: what each type of piece receives and gives
        typical: a sample of sentences, cut into parts

    Args:
        layers: number of layers
        heads: number of heads a layer
        causal: whether pieces attend to none after them
        labels: by label, all names that pieces may have
        links: by link, whether it has directions; `dependency` is always one, `coreference` has a family of its own
    """

    def __init__(
        self, layers: int, heads: int, causal: bool, labels: Mapping[str, Sequence[str]], links: Mapping[str, bool]
    ) -> None:
        self.model = Model(layers, heads, causal)
        self.twins: list[Twin] = [
            *(make(self.model) for make in SINGLE.values()),
            *(Label(self.model, name, names) for name, names in labels.items()),
            *(Link(self.model, name, directions) for name, directions in links.items()),
            Syntax(self.model, labels["rel"], labels["pos"]),
            *([Coreference(self.model)] if "coreference" in links else []),
        ]
        self.entropy = next(twin for twin in self.twins if isinstance(twin, Entropy))
        self.strongest = Exemplars(self.model)
        self.claims = Claims(self.model, labels, links)
        self.relations = Relations(self.model)
        self.antecedents = Antecedents(self.model)
        self.tokens = Tokens(self.model)
        self.typical = Typical(self.model)

    @property
    def near_rows(self) -> list[NearRow]:
        """Rows whose entropy float32 may keep or skip otherwise."""
        return self.entropy.near_rows

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into all sums.

        Raises:
            ValueError: the attention does not have the expected shape, looks ahead in a causal model, or has rows
                that do not sum to 1.
        """
        self._check(sentence)
        for twin in self.twins:
            twin.add(sentence)
        self.strongest.add(sentence)
        self.claims.add(sentence)
        self.relations.add_sentence(sentence)
        self.antecedents.add_sentence(sentence)
        self.tokens.add(sentence)
        self.typical.add(sentence)

    def results(self) -> dict[str, Array]:
        """Every result under its name, the by-layer ones too."""
        return {name: value for twin in self.twins for name, value in twin.results().items()}

    def exemplars(self, layer: int, head: int) -> list[Peak]:
        """All sentences with a pair of the head's kind, largest weight first; each text and each pair of ids once."""
        return self.strongest.rank(layer, head, self.strongest.kind(layer, head))

    def _check(self, sentence: Sentence) -> None:
        alpha, n = sentence.alpha, len(sentence.pieces)
        shape = (self.model.layers, self.model.heads, n, n)
        if alpha.shape != shape or alpha.dtype != np.float64:
            raise ValueError(f"expected float64 α of shape {shape}, found {alpha.dtype} {alpha.shape}")
        if self.model.causal and np.triu(alpha, 1).any():
            raise ValueError("expected no attention to later pieces in a causal model, found some")
        if not np.allclose(alpha.sum(axis=-1), 1, rtol=0, atol=1e-12):
            raise ValueError("expected rows of α that sum to 1")
