"""Batches and tiles cover every attention row once, whatever the lengths."""

from math import isqrt

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from attnmetrics.model.pack import TILE_PAIRS, Batch, pack

Lengths = st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=60)


def packed(rows: list[tuple[int, bool]], batch_pieces: int, tile_pairs: int, equal_lengths: bool) -> list[Batch]:
    lengths = np.array([length for length, _ in rows], np.int64)
    measured = np.array([flag for _, flag in rows], bool)
    return list(pack(lengths, measured, batch_pieces, tile_pairs, equal_lengths))


@settings(max_examples=200, deadline=None)
@given(Lengths, st.integers(1, 200), st.integers(1, 3000), st.booleans())
def test_every_row_of_every_sentence_is_in_one_tile(
    rows: list[tuple[int, bool]], batch_pieces: int, tile_pairs: int, equal_lengths: bool
) -> None:
    batches = packed(rows, batch_pieces, tile_pairs, equal_lengths)
    sentences = [row for batch in batches for row in batch.rows.tolist()]
    assert sorted(sentences) == [row for row, (length, _) in enumerate(rows) if length]
    for batch in batches:
        covered = np.zeros(batch.offsets[-1], int)
        for tile in batch.tiles:
            for k in range(tile.count):
                row = batch.rows[tile.sentence + k]
                assert rows[row] == (tile.length, tile.measured)
                begin = batch.offsets[tile.sentence + k]
                assert begin == tile.start + k * tile.length
                covered[begin + tile.row : begin + tile.row + tile.rows] += 1
            assert tile.count * tile.rows <= max(tile_pairs // tile.length, isqrt(tile_pairs) // 4, 1)
            assert tile.count == 1 or (tile.row, tile.rows) == (0, tile.length)
        assert (covered == 1).all()


@settings(max_examples=100, deadline=None)
@given(Lengths, st.integers(1, 200), st.booleans())
def test_batches_keep_their_limit(rows: list[tuple[int, bool]], batch_pieces: int, equal_lengths: bool) -> None:
    for batch in packed(rows, batch_pieces, 1 << 16, equal_lengths):
        assert batch.offsets[-1] <= batch_pieces or len(batch.rows) == 1
        if equal_lengths:
            assert len(set(np.diff(batch.offsets).tolist())) == 1


def test_measured_sentences_come_first_then_shorter_ones() -> None:
    (batch,) = packed([(3, True), (2, False), (2, True), (3, True)], 100, 1 << 16, False)
    assert batch.rows.tolist() == [2, 0, 3, 1]
    tiles = [(tile.count, tile.length, tile.measured) for tile in batch.tiles]
    assert tiles == [(1, 2, True), (2, 3, True), (1, 2, False)]


def test_tiles_of_long_sentences_do_not_become_flat() -> None:
    heights = {length: packed([(length, True)], 1, TILE_PAIRS, False)[0].tiles[0].rows for length in (256, 512, 8192)}
    assert heights == {256: 256, 512: 128, 8192: 64}
