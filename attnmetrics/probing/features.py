"""A shard's sentences to what probes learn from: attention between words, their trees, their vectors.

A[u, v] is the mean, over the pieces of the attending word u, of the attention that a piece pays to all pieces of the
word v; null columns count as nothing. Each special piece (of the template, or null) is a place of its own after the
words: what a word gives it and gets from it is the evidence for a root, and there null columns count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.annotation.sentence import Sentences
from attnmetrics.model.kernels.choose import choose_kernel
from attnmetrics.model.kernels.reductions import want_nothing
from attnmetrics.model.load import Model
from attnmetrics.model.modules.look import Layer
from attnmetrics.model.pack import TILE_PAIRS, Batch, Tile
from attnmetrics.pieces.align import Pieces, align, ranges, tokenize
from attnmetrics.probing.vectors import WIDTH, VectorFile, embed_pieces
from attnmetrics.statistics.sampling import sample_hash
from attnmetrics.statistics.word_features import NO_PLACE, WordFeatures
from attnmetrics.storage import read_ahead

RULES: Final = 3
"""Of the control task: itself, first, last."""


def extract(
    sentences: Sentences, model: Model, *, seed: int, vectors: VectorFile | None = None, batch_pieces: int | None = None
) -> WordFeatures:
    """What probes learn from in these sentences; those without a word that has a piece are left out.

    Args:
        sentences: annotated, with the columns `rel` and `form`.
        model: the model.
        seed: of the hash that gives each form a rule of the control task.
        vectors: of words; unset, the model's embeddings of their pieces.
        batch_pieces: most pieces of one forward pass; unset, what suits the device.

    Raises:
        ConfigError: the file of vectors is not as it should be.
    """
    places = _Places.of(sentences, model)
    sizes = places.sizes
    rows = np.argsort(sizes, kind="stable")
    rows = rows[sizes[rows] > 0]
    # A row for each word that has a piece, sentence by sentence in the new order: where it stands among all words.
    words = ranges(sentences.word_offsets[rows], sentences.word_offsets[rows + 1])
    words = words[places.of_word[words] >= 0]
    forms = _spell_forms(sentences)
    known, vector = _find_vectors(forms, places, model, vectors)
    return WordFeatures(
        row=rows,
        words=sizes[rows],
        without_piece=(np.diff(sentences.word_offsets) - sizes)[rows],
        maps=_map_words(places, rows, model, batch_pieces or model.batch_pieces),
        head=_find_heads(sentences, places)[words],
        position=(np.arange(len(forms)) - sentences.word_offsets[sentences.word_row])[words],
        relation=np.array([*sentences.columns["rel"].values(), "_"])[words],
        rule=_choose_rules(forms, seed)[words],
        vectors=vector[words].astype(np.float32),
        has_vector=known[words],
        special=places.special,
    )


@dataclass(frozen=True, slots=True)
class _Places:
    """Where words and pieces of S sentences stand among the words that have a piece, followed by special pieces."""

    pieces: Pieces
    word: NDArray[np.int64]
    """[T] the word of each piece, counted over all sentences; −1 for none"""
    of_word: NDArray[np.int64]
    """[W] place in its sentence; `NO_PLACE` without a piece"""
    sizes: NDArray[np.int64]
    """[S] n, words that have a piece"""
    special: int
    """E"""
    of_special: NDArray[np.int64]
    """[T] which of the special pieces it is, −1 for none"""
    null: NDArray[np.bool_]
    """[T] whether its column is null"""

    @classmethod
    def of(cls, sentences: Sentences, model: Model) -> "_Places":
        pieces = tokenize(model.tokenizer, sentences.text, model.template, model.max_pieces)
        word = align(sentences, pieces)
        there = np.zeros(len(sentences.word_start), np.bool_)
        there[word[word >= 0]] = True
        before = np.concatenate([[0], np.cumsum(there)])
        place = before[:-1] - before[sentences.word_offsets[sentences.word_row]]
        length, within = pieces.lengths[pieces.row], np.arange(len(word)) - pieces.offsets[pieces.row]
        leading, trailing = special_pieces(model)
        from_end = within - (length - trailing)
        return cls(
            pieces=pieces,
            word=word,
            of_word=np.where(there, place, NO_PLACE),
            sizes=np.diff(before[sentences.word_offsets]),
            special=leading + trailing,
            of_special=np.where(within < leading, within, np.where(from_end >= 0, leading + from_end, -1)),
            null=model.attends.is_null(within, length),
        )

    def spread(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How places are made of pieces, for sentences of as many pieces each.

        Returns:
            of places that attend, [sentence, piece, place] the weight of each piece: their columns sum to 1; of places
            that are attended, likewise 1 for each of a place's pieces, but for null pieces of words.
        """
        length = int(self.pieces.lengths[rows[0]])
        piece = self.pieces.offsets[rows][:, None] + np.arange(length)
        attended = np.zeros((*piece.shape, int(self.sizes[rows].max()) + self.special), np.float32)
        attending = attended.copy()
        for into, chosen, place in (
            (attending, self.word >= 0, np.append(self.of_word, NO_PLACE)[self.word]),
            (attended, (self.word >= 0) & ~self.null, np.append(self.of_word, NO_PLACE)[self.word]),
        ):
            sentence, column = np.nonzero(chosen[piece])
            into[sentence, column, place[piece[sentence, column]]] = 1
        sentence, column = np.nonzero(self.of_special[piece] >= 0)
        special = self.sizes[rows[sentence]] + self.of_special[piece[sentence, column]]
        attended[sentence, column, special] = attending[sentence, column, special] = 1
        return attending / np.maximum(attending.sum(1, keepdims=True), 1), attended


def special_pieces(model: Model) -> tuple[int, int]:
    """How many of a sentence's first and of its last pieces are of the template or null."""
    attends, template = model.attends, model.template
    return max(len(template.before), attends.leading), max(len(template.after), attends.trailing)


def _map_words(places: _Places, rows: NDArray[np.int64], model: Model, batch_pieces: int) -> NDArray[np.float16]:
    """The maps of these sentences, as `WordFeatures` has them."""
    lengths = np.zeros_like(places.sizes)
    lengths[rows] = places.pieces.lengths[rows]
    every = np.ones(len(lengths), np.bool_)
    batches = model.layout.pack(lengths, every, batch_pieces, TILE_PAIRS)
    threads = model.threads if model.device.type == "cpu" else 1
    found: dict[int, NDArray[np.float16]] = {}
    for of_batch in read_ahead(partial(_map_batch, places, model), batches, threads):
        found |= of_batch
    nothing = np.zeros((0, len(model.layers) * model.heads), np.float16)
    return np.concatenate([nothing, *(found[row] for row in rows.tolist())])


def _map_batch(places: _Places, model: Model, batch: Batch) -> dict[int, NDArray[np.float16]]:
    """By sentence, [place × place, layer × head]: one forward pass."""
    maps = _BatchMaps(places, batch, model)
    ids = torch.from_numpy(places.pieces.ids_of(batch.rows)).to(model.device)
    wanted = want_nothing(batch, model.causal, model.device)
    model.run(ids, wanted, kernel=choose_kernel(model.device, model.dtype), see=maps.see)
    return maps.read()


class _BatchMaps:
    """Maps of the sentences of a batch, made of α tile by tile."""

    def __init__(self, places: _Places, batch: Batch, model: Model) -> None:
        self._rows = batch.rows
        self._places = places
        self._model = model
        self._spread = cache(self._spread_of)
        self._found: dict[int, Tensor] = {}

    def see(self, layer: Layer, tile: Tile, weights: Tensor) -> None:
        """Add a tile (see `look.See`); of a long sentence, blocks of rows add up."""
        attending, attended = self._spread(tile.sentence, tile.count)
        own = attending[:, None, tile.row : tile.row + tile.rows].transpose(2, 3)
        maps = own @ (weights.float() @ attended[:, None, : weights.shape[-1]])
        found = self._found.get(tile.sentence)
        if found is None:
            found = maps.new_zeros(tile.count, len(self._model.layers), *maps.shape[1:])
            self._found[tile.sentence] = found
        found[:, layer.place] += maps

    def read(self) -> dict[int, NDArray[np.float16]]:
        """By sentence, [place × place, layer × head]."""
        maps: dict[int, NDArray[np.float16]] = {}
        for first, found in self._found.items():
            for row, one in zip(self._rows[first : first + len(found)].tolist(), found, strict=True):
                size = int(self._places.sizes[row]) + self._places.special
                by_pair = one[:, :, :size, :size].permute(2, 3, 0, 1).reshape(size**2, -1)
                maps[row] = by_pair.half().cpu().numpy()
        return maps

    def _spread_of(self, sentence: int, count: int) -> tuple[Tensor, Tensor]:
        attending, attended = self._places.spread(self._rows[sentence : sentence + count])
        device = self._model.device
        return torch.from_numpy(attending).to(device), torch.from_numpy(attended).to(device)


def _find_heads(sentences: Sentences, places: _Places) -> NDArray[np.int64]:
    """[W] as `WordFeatures.head`."""
    row, head = sentences.word_row, sentences.word_head
    of_head = places.of_word[sentences.word_offsets[row] + np.maximum(head, 0)]
    result: NDArray[np.int64] = np.where(head < 0, places.sizes[row], of_head)
    return result


def _spell_forms(sentences: Sentences) -> list[str]:
    """[W] each word in lower case."""
    spelled = sentences.columns["form"].values() if "form" in sentences.columns else [""] * len(sentences.word_start)
    spans = zip(sentences.word_row, sentences.word_start, sentences.word_end, spelled, strict=True)
    return [(form or sentences.text[row][start:end]).lower() for row, start, end, form in spans]


def _choose_rules(forms: Sequence[str], seed: int) -> NDArray[np.int64]:
    """[W] the rule of each form: its hash, modulo their number."""
    rules = {form: sample_hash(seed, form) % RULES for form in set(forms)}
    return np.array([rules[form] for form in forms], np.int64)


def _find_vectors(
    forms: Sequence[str], places: _Places, model: Model, vectors: VectorFile | None
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """[W] whether a word's vector is known, [W, V] the vector; zeros where it is not."""
    if vectors is None:
        aligned = places.word >= 0
        pieces = np.bincount(places.word[aligned], minlength=len(forms))
        total = np.zeros((len(forms), WIDTH))
        np.add.at(total, places.word[aligned], embed_pieces(model, places.pieces.ids[aligned]))
        return pieces > 0, total / np.maximum(pieces, 1)[:, None]
    found = vectors.read(set(forms))
    nothing = np.zeros(vectors.width, np.float32)
    table = [found.get(form, nothing) for form in forms]
    return np.array([form in found for form in forms], np.bool_), np.array(table, float).reshape(-1, vectors.width)
