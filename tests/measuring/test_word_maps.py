"""Attention between words: equal to loops over α in float64, for whole units and for blocks of rows of long ones."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from attnmetrics.measuring.words.maps import TileRows, WordMaps, WordReader
from attnmetrics.model.pack import Batch, pack
from attnmetrics.pieces.align import Pieces

HEADS = 3
Alpha = dict[int, NDArray[np.float64]]
"""By unit, [head, row, column]."""
Found = dict[tuple[int, int, int, int], float]
"""A by map, attending word, attended word and head."""


@dataclass
class Corpus:
    """Units of random pieces: words of up to four pieces, some pieces of no word, one to three maps a unit."""

    lengths: NDArray[np.int64]
    word: NDArray[np.int64]
    maps: NDArray[np.int64]
    null: NDArray[np.bool_]
    attending: NDArray[np.bool_]

    @property
    def pieces(self) -> Pieces:
        total = self.lengths.sum()
        nothing, offsets = np.zeros(total, np.int64), np.concatenate([[0], np.cumsum(self.lengths)])
        no, units = np.zeros(total, np.bool_), len(self.lengths)
        return Pieces(np.arange(units), offsets, nothing, nothing, nothing, ~no, np.zeros(units, np.bool_))

    def word_maps(self) -> WordMaps:
        return WordMaps.of(self.pieces, self.maps, self.word, self.null, self.attending)


def make_corpus(seed: int, lengths: list[int]) -> Corpus:
    random = np.random.default_rng(seed)
    sizes = np.array(lengths)
    total, row = sizes.sum(), np.repeat(np.arange(len(sizes)), sizes)
    new = (random.random(total) < 0.6) | (np.diff(row, prepend=-1) > 0)
    word = np.cumsum(new) - 1
    new_map = (np.diff(row, prepend=-1) > 0) | (new & (random.random(total) < 0.15))
    maps = np.cumsum(new_map) - 1
    outside = random.random(total) < 0.1
    attending = (random.random(total) < 0.5)[word] if seed % 2 else np.ones(total, np.bool_)
    return Corpus(sizes, np.where(outside, -1, word), maps, random.random(total) < 0.1, attending)


def make_alpha(corpus: Corpus, causal: bool, seed: int) -> Alpha:
    random = np.random.default_rng(seed)
    alpha = {}
    for unit, length in enumerate(corpus.lengths):
        weights = random.random((HEADS, length, length)) ** 4
        weights = np.tril(weights) if causal else weights
        alpha[unit] = (weights / weights.sum(-1, keepdims=True)).astype(np.float32).astype(np.float64)
    return alpha


def loops(corpus: Corpus, alpha: Alpha) -> Found:
    found = Found()
    start = corpus.pieces.offsets
    for unit, weights in alpha.items():
        pieces = range(start[unit], start[unit + 1])
        for i in pieces:
            if corpus.word[i] < 0 or not corpus.attending[i]:
                continue
            own = [p for p in pieces if corpus.word[p] == corpus.word[i]]
            for j in pieces:
                if corpus.word[j] < 0 or corpus.maps[j] != corpus.maps[i]:
                    continue
                for head in range(HEADS):
                    key = int(corpus.maps[i]), int(corpus.word[i]), int(corpus.word[j]), head
                    counts = corpus.word[i] != corpus.word[j] and not corpus.null[j]
                    weight = weights[head, i - start[unit], j - start[unit]] / len(own) if counts else 0.0
                    found[key] = found.get(key, 0.0) + weight
    return found


def tiles(batch: Batch, alpha: Alpha, causal: bool) -> list[NDArray[np.float32]]:
    found = []
    for tile in batch.tiles:
        end = tile.row + tile.rows
        rows = batch.rows[tile.sentence : tile.sentence + tile.count]
        weights = [alpha[int(row)][:, tile.row : end, : end if causal else tile.length] for row in rows]
        found.append(np.stack(weights).astype(np.float32))
    return found


def read(corpus: Corpus, alpha: Alpha, causal: bool, batch_pieces: int, tile_pairs: int) -> Found:
    maps, found = corpus.word_maps(), Found()
    for batch in pack(corpus.lengths, np.ones(len(corpus.lengths), np.bool_), batch_pieces, tile_pairs, False):
        reader = WordReader(maps, batch)
        shown = tiles(batch, alpha, causal)
        for layer in range(2):  # the second one finds nothing left of the first
            for tile, weights in zip(batch.tiles, shown, strict=True):
                rows = reader.rows(tile)
                if rows is not None:
                    before = weights.copy()
                    attention = reader.read(tile, weights)
                    np.testing.assert_array_equal(weights, before)
                    if layer == 1:
                        take(maps, rows, attention, found)
    return found


def take(maps: WordMaps, rows: TileRows, attention: NDArray[np.float32], found: Found) -> None:
    for r in np.flatnonzero(rows.ends):
        map_ = int(maps.map_of(rows.place[r]))
        assert rows.width[r] == np.diff(maps.offsets)[map_]
        assert not attention[r, :, rows.width[r] :].any()
        for head in range(HEADS):
            for v in range(rows.width[r]):
                key = map_, int(maps.word[rows.place[r]]), int(maps.word[rows.first[r] + v]), head
                assert key not in found, "a row comes once"
                found[key] = float(attention[r, head, v])


@settings(max_examples=25)
@given(
    seed=st.integers(0, 1 << 16),
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    causal=st.booleans(),
    tile_pairs=st.sampled_from([20, 70, 300, 1 << 16]),
    batch_pieces=st.sampled_from([20, 1000]),
)
@example(seed=3, lengths=[30], causal=True, tile_pairs=20, batch_pieces=20)
@example(seed=4, lengths=[30, 30, 30], causal=False, tile_pairs=40, batch_pieces=1000)
def test_maps_are_those_of_loops_however_units_are_tiled(
    seed: int, lengths: list[int], causal: bool, tile_pairs: int, batch_pieces: int
) -> None:
    corpus = make_corpus(seed, lengths)
    alpha = make_alpha(corpus, causal, seed)
    expected, found = loops(corpus, alpha), read(corpus, alpha, causal, batch_pieces, tile_pairs)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, abs=1e-6), key


def test_a_word_cut_by_blocks_has_the_mean_of_all_its_rows() -> None:
    # One unit of the words 0 1 1 1 2, a row of α in each tile.
    whole = np.arange(5)
    corpus = Corpus(np.array([5]), np.array([0, 1, 1, 1, 2]), np.zeros(5, np.int64), whole < 0, whole >= 0)
    alpha = np.zeros((HEADS, 5, 5))
    alpha[:, 1:4, 0] = [0.1, 0.2, 0.6]
    alpha[:, 4, 1:4] = [0.1, 0.2, 0.3]
    found = read(corpus, {0: alpha}, True, 10, 5)
    assert found[0, 1, 0, 0] == pytest.approx(0.3)
    assert found[0, 2, 1, 0] == pytest.approx(0.6)
    assert found[0, 1, 1, 0] == 0


def test_words_are_found_in_their_maps() -> None:
    corpus = Corpus(
        np.array([3, 2]), np.array([7, 7, 8, 8, 9]), np.array([0, 0, 0, 1, 1]), np.zeros(5, bool), np.ones(5, bool)
    )
    maps = corpus.word_maps()
    assert maps.place.tolist() == [0, 0, 1, 2, 3]
    assert maps.map_of(np.arange(4)).tolist() == [0, 0, 1, 1]
    assert maps.find(np.array([0, 0, 1, 1, -1]), np.array([8, 9, 8, -1, 7])).tolist() == [1, -1, 2, -1, -1]
