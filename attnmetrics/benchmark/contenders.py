"""Who takes part: each reads all sentences once per round."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from attnmetrics.benchmark.material import Material, in_batches
from attnmetrics.benchmark.paper_way import Features, PaperSums
from attnmetrics.model.align import Pieces, align, pair_dependencies, tokenize
from attnmetrics.model.kernels import want_nothing
from attnmetrics.model.load import TILE_PAIRS, Model
from attnmetrics.model.pack import pack
from attnmetrics.model.units import read_sentences
from attnmetrics.shard import measure

BATCH_PIECES = 4096
"""Of a run, unless it says otherwise."""
BARE_BATCHES = (1024, 2048, 4096)
"""The bare forward pass may choose."""
PAPER_SENTENCES = 40
"""The paper's way is slow; its rate is known after some sentences."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One way through the sentences."""

    key: str
    title: str
    dtype: str
    pieces: int
    """of all sentences that it reads in a round"""
    run: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Text:
    """The pieces of all sentences, and their features."""

    pieces: Pieces
    features: Sequence[Features]

    def ids(self, row: int) -> NDArray[np.int64]:
        """Of one sentence."""
        return self.pieces.ids[self.pieces.offsets[row] : self.pieces.offsets[row + 1]]


def read(material: Material, model: Model) -> Text:
    """Cut and align the sentences, as the paper's way needs it too."""
    sentences = material.sentences
    pieces = tokenize(model.tokenizer, sentences.text, model.template, model.max_pieces)
    word = align(sentences, pieces)
    pairs = pair_dependencies(sentences, pieces, word)
    pos = np.append(sentences.word_pos, len(sentences.labels.pos) - 1)[word]
    rel = np.append(sentences.word_rel, len(sentences.labels.rel) - 1)[word]
    bounds = zip(pieces.offsets[:-1], pieces.offsets[1:], pairs.offsets[:-1], pairs.offsets[1:], strict=True)
    return Text(pieces, [Features(pos[a:b], rel[a:b], pairs.head[c:d], pairs.child[c:d]) for a, b, c, d in bounds])


def measuring(material: Material, model: Model, dtype: str) -> Contender:
    """Ours, with all metrics and exemplars."""
    pieces = _pieces(material, model)
    return Contender(
        "d", "attnmetrics, all metrics and exemplars", dtype, int(pieces.lengths.sum()),
        lambda: measure(read_sentences(material.sentences, model), model, batch_pieces=BATCH_PIECES),
    )  # fmt: skip


def passing(material: Material, model: Model, dtype: str) -> Contender:
    """Ours, with the reductions left out: what they cost is the difference."""
    pieces = _pieces(material, model)
    batches = list(pack(pieces.lengths, np.ones(len(pieces.lengths), np.bool_), BATCH_PIECES, TILE_PAIRS, False))

    def run() -> None:
        for batch in batches:
            ids = np.concatenate([pieces.ids[pieces.offsets[row] : pieces.offsets[row + 1]] for row in batch.rows])
            model.run(torch.from_numpy(ids), want_nothing(batch, model.causal, model.device), lambda *_: None, _bare)

    return Contender("d0", "attnmetrics, its reductions left out", dtype, int(pieces.lengths.sum()), run)


def bare(network: Any, text: Text, dtype: str, batch_pieces: int) -> Contender:
    """Transformers' forward pass in padded batches, sorted by length: nothing is computed from it."""
    title = f"transformers, sdpa, batches of {batch_pieces:,} pieces, nothing computed"
    return Contender("c", title, dtype, len(text.pieces.ids), _batches(network, text, batch_pieces, attentions=False))


def eager(network: Any, text: Text, batch_pieces: int = 2048) -> Contender:
    """The same, eager and with attention given out."""
    title = "transformers, eager, attentions given out, nothing computed"
    run = _batches(network, text, batch_pieces, attentions=True)
    return Contender("b", title, "float32", len(text.pieces.ids), run)


def paper(network: Any, text: Text, sums: Callable[[], PaperSums]) -> Contender:
    """The paper's way (see `paper_way`)."""
    rows = np.unique(np.linspace(0, len(text.features) - 1, PAPER_SENTENCES).astype(np.int64))
    pieces = int(text.pieces.lengths[rows].sum())
    return Contender("a", "one sentence at a time, eager, metrics in NumPy", "float32", pieces,
                     lambda: sum_up(network, text, rows, sums()))  # fmt: skip


def sum_up(network: Any, text: Text, rows: NDArray[np.int64], found: PaperSums) -> PaperSums:
    """Add these sentences the paper's way."""
    with torch.inference_mode():
        for row in rows:
            given = network(input_ids=torch.from_numpy(text.ids(row))[None], output_attentions=True, use_cache=False)
            found.add(torch.cat(given.attentions).double().numpy(), text.features[row])
    return found


def _batches(network: Any, text: Text, batch_pieces: int, attentions: bool) -> Callable[[], None]:
    padded = []
    for rows in in_batches(text.pieces.lengths, batch_pieces):
        ids = torch.zeros(len(rows), int(text.pieces.lengths[rows].max()), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for place, row in enumerate(rows):
            own = text.ids(row)
            ids[place, : len(own)] = torch.from_numpy(own)
            mask[place, : len(own)] = 1
        padded.append((ids, mask))

    def run() -> None:
        with torch.inference_mode():
            for ids, mask in padded:
                network(input_ids=ids, attention_mask=mask, output_attentions=attentions, use_cache=False)

    return run


def _pieces(material: Material, model: Model) -> Pieces:
    return tokenize(model.tokenizer, material.sentences.text, model.template, model.max_pieces)


def _bare(query: Any, key: Any, value: Any, scaling: float, wanted: Any, reduce: bool) -> Any:
    """Attention without its reductions; the last layer's, of which only weights are wanted, is left out."""
    from attnmetrics.model.kernels import dense

    return dense(query, key, value, scaling, wanted, reduce=False)
