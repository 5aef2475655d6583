"""Made-up corpora of which the true values are known: documents that differ, in shards of unequal size.

What a document adds to the sums of a run is drawn from distributions, independently of all other documents, so that the
true value of a ratio of sums is the ratio of their means. States and prefix blocks are those of a real run's shards.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.family import Array
from attnmetrics.metrics.schema import LABELS, LINKS, SPECIAL, Schema
from attnmetrics.statistics.states import State
from attnmetrics.statistics.variability import Prefix, deviation_sum
from attnmetrics.store.commits import Commit, Counts

LAYERS: Final = 2
HEADS: Final = 6
POS: Final = ("NOUN", "VERB", "_")
REL: Final = ("nsubj", "_")
SCHEMA: Final = Schema(tuple(range(LAYERS)), HEADS, LABELS, LINKS, {"pos": POS, "rel": REL, "special": SPECIAL})
PAIRS: Final = 5
"""Of the first pieces of a sentence, for variability."""
SENTENCES: Final = 3
"""Of a document, for variability."""
DOCUMENTS: Final = 4
"""Of a shard, on average."""
EDGES: Final = 30
"""Of a document, on average."""

_NOTHING: Final = State.zero(SCHEMA).sums
_GRID: Final = (LAYERS, HEADS)
_STEPS: Final = np.linspace(-1, 1, LAYERS * HEADS).reshape(_GRID)
"""[layer, head] what makes heads differ."""


@dataclass(frozen=True, slots=True)
class Documents:
    """What N documents add to sums."""

    sums: Mapping[str, Array]
    """[N, …] of the sums that are made up; the others are 0"""
    blocks: NDArray[np.float32]
    """[N, sentence, layer, head, pair] for variability"""


def draw_documents(number: int, random: np.random.Generator) -> Documents:
    """So many documents, each with a size, a subject and a style of its own."""
    style, subject = (_in_all_heads(number, random) for _ in range(2))
    size = np.exp(random.normal(5, 0.8, number))[:, None, None]
    given = size * _share(_STEPS + 0.7 * style)
    nouns = given * _share(0.5 + 1.2 * subject)
    verbs = (given - nouns) * _share(-3 + subject)  # rarely more than a hundredth
    entropy_rows = np.broadcast_to(np.ceil(size), given.shape)
    sums = {
        "null_sum": size - given,
        "given_sum": given,
        "received_by_pos": np.stack([nouns, verbs, given - nouns - verbs], -1),
        "span_sum": given * np.exp(1 + _STEPS + 0.3 * subject),
        "entropy_sum": entropy_rows * np.exp(0.6 + 0.3 * _STEPS + 0.2 * style + 0.1 * np.sin(5 * _STEPS)),
        "entropy_rows": entropy_rows,
        "sentences": np.full(number, float(SENTENCES)),
        **_links("repeat", size[:, 0, 0], random.beta(1, 19, given.shape), random),
        **_links("induction", size[:, 0, 0], random.beta(0.3, 6, given.shape), random),
    }
    return Documents(sums | _edges(number, style, random), _blocks(number, style, random))


def _links(name: str, size: Array, attention: Array, random: np.random.Generator) -> dict[str, Array]:
    """Rows with a link, a hundredth of all, and attention along it, which is the same in all rows of a document.

    What shards of `DOCUMENTS` add to the sum, above its share of their rows, has a skewness of 2.4 where attention is
    β(1, 19), and 3.6 where it is β(0.3, 6).
    """
    rows = random.poisson(0.01 * size).astype(np.float64)
    return {f"{name}_rows_sum": rows, f"{name}_sum": rows[:, None, None] * attention}


def _in_all_heads(number: int, random: np.random.Generator) -> Array:
    """[N, layer, head] normal, half of its variance the document's: errors of heads go together, as in runs."""
    common, own = random.normal(size=(number, 1, 1)), random.normal(size=(number, *_GRID))
    return np.asarray((common + own) / np.sqrt(2))


def _share(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def _edges(number: int, style: Array, random: np.random.Generator) -> dict[str, Array]:
    """Edges of a document, which is of one half of the corpus, and hits: four heads are nearly equally good."""
    edges = random.poisson(random.gamma(2, EDGES / 2, number))
    skill = _share(np.where(_STEPS > 0.35, 0.3 * _STEPS, _STEPS - 1) + 0.4 * style)
    hits = random.binomial(edges[:, None, None], skill)
    half = random.integers(2, size=number)
    at = (np.arange(number), half)
    attainable = np.zeros((number, 2, 3, len(REL)))
    attainable[(*at, 0, 0)] = edges
    found = np.zeros((number, 2, *_GRID, 3, len(REL)))
    found[(*at, slice(None), slice(None), 0, 0)] = hits
    return {"relation_attainable": attainable, "relation_hits": np.moveaxis(found, 1, 3)}


def _blocks(number: int, style: Array, random: np.random.Generator) -> NDArray[np.float32]:
    """F of the first pairs of the first sentences."""
    shape = (number, SENTENCES, *_GRID, PAIRS)
    between = np.linspace(-1, 1, PAIRS) + 0.8 * style[:, None, ..., None] + random.normal(0, 0.7, shape)
    return (_share(between) * np.exp(-np.arange(PAIRS) / 2)).astype(np.float32)


def true_values(names: Sequence[str], random: np.random.Generator, documents: int = 400_000) -> dict[str, Array]:
    """What these results are in a corpus without end; the accuracy of the best head is that of the one that is best."""
    parts = [draw_documents(10_000, random) for _ in range(documents // 10_000)]
    state = {name: np.mean([part.sums[name].mean(0) for part in parts], 0) for name in parts[0].sums}
    found = SCHEMA.compute({**_NOTHING, **state, **_deviations(parts)})
    best = found["relation_accuracy"].max((0, 1))
    return {name: best if name == "relation_best_accuracy" else found[name] for name in names}


def _deviations(parts: Sequence[Documents]) -> dict[str, Array]:
    mean = np.mean([part.blocks.mean((0, 1), np.float64) for part in parts], 0)
    around = np.mean([deviation_sum(part.blocks.reshape(-1, *mean.shape), mean) for part in parts], 0)
    sentences = len(parts[0].blocks) * SENTENCES
    return {
        "deviation_sum": around / sentences,
        "prefix_sum": mean.sum(-1),
        "variability_sentences": np.ones(()),
    }


def _chosen(kept: NDArray[np.bool_], one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """[N, …] the one of documents that are kept, else the other."""
    return np.where(kept.reshape(-1, *(1 for _ in one.shape[1:])), one, other)


class MadeUpShards:
    """The shards of a corpus, as a run's store gives them."""

    def __init__(self, shards: int, random: np.random.Generator) -> None:
        """Shards of unequal numbers of documents, one at least."""
        self.schema = SCHEMA
        self.shards = shards
        numbers = 1 + random.poisson(random.gamma(1.5, (DOCUMENTS - 1) / 1.5, shards))
        self._first = np.append(0, np.cumsum(numbers))
        self._hold(draw_documents(int(numbers.sum()), random))

    def _hold(self, documents: Documents) -> None:
        starts = self._first[:-1]
        self._documents = documents
        self._sums = {name: np.add.reduceat(part, starts, axis=0) for name, part in documents.sums.items()}
        self._blocks = documents.blocks

    def measured_anew(self, random: np.random.Generator, same: float = 0.5) -> "MadeUpShards":
        """The same shards by a model that does what the first did in this share of the documents, by chance which.

        In the others it does as on any document, so that the true values of both models are the same.
        """
        other = copy(self)
        fresh = draw_documents(int(self._first[-1]), random)
        kept = random.random(len(fresh.blocks)) < same
        sums = {name: _chosen(kept, part, fresh.sums[name]) for name, part in self._documents.sums.items()}
        other._hold(Documents(sums, _chosen(kept, self._blocks, fresh.blocks)))
        return other

    @property
    def commits(self) -> list[Commit]:
        """Of all shards, in order."""
        first = self._first.tolist()
        return [Commit(shard, first[shard], Counts(sentences=SENTENCES)) for shard in range(self.shards)]

    def read_state(self, commit: Commit) -> State:
        """See `store.shards.Store`."""
        own = {name: part[commit.shard] for name, part in self._sums.items()}
        return State(SCHEMA, {**_NOTHING, **own})

    def read_prefix(self, commit: Commit) -> Prefix:
        """See `store.shards.Store`."""
        blocks = self._blocks[slice(*self._first[commit.shard : commit.shard + 2])].reshape(-1, *_GRID, PAIRS)
        return Prefix(blocks, np.arange(len(blocks), dtype=np.uint64))
