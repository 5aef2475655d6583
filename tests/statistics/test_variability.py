import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmetrics.errors import MergeError
from attnmetrics.statistics import variability
from attnmetrics.statistics.variability import (
    Prefix,
    deviation_sum,
    deviations,
    prefix_mean,
    prefix_pairs,
    prefix_sums,
)


def random_blocks(seed: int, sentences: int, causal: bool = True) -> np.ndarray:
    """Blocks with NaN from some piece on, as short sentences have, and in the first column, as null columns have."""
    random = np.random.default_rng(seed)
    i, j = prefix_pairs(causal)
    lengths = random.integers(1, 15, sentences)
    missing = (np.maximum(i, j) >= lengths[:, None]) | (j == 0)
    return np.where(missing[:, None, None], np.nan, random.random((sentences, 2, 3, len(i)))).astype(np.float32)


def test_pairs_of_a_causal_model_are_the_lower_triangle_row_by_row():
    i, j = prefix_pairs(causal=True)
    assert len(i) == 55
    assert list(zip(i, j, strict=True))[:6] == [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]


def test_pairs_of_a_bidirectional_model_are_all_pairs():
    i, j = prefix_pairs(causal=False)
    assert list(zip(i, j, strict=True)) == [(a, b) for a in range(10) for b in range(10)]


def test_two_sentences_by_hand():
    # Pair 0: 0.2 and 0.6, mean 0.4, deviations 0.2 + 0.2. Pair 1: only the second sentence, no deviation.
    # Pair 2: nobody. Σ F = 0.2 + 0.6 + 0.5.
    blocks = np.array([[[[0.2, np.nan, np.nan]]], [[[0.6, 0.5, np.nan]]]], np.float32)
    total, number = prefix_sums(blocks)
    np.testing.assert_allclose(total, [[[0.8, 0.5, 0.0]]], rtol=1e-7)
    np.testing.assert_array_equal(number, [2, 1, 0])
    mean = prefix_mean(total, number)
    np.testing.assert_allclose(mean, [[[0.4, 0.5, np.nan]]], rtol=1e-7)
    np.testing.assert_allclose(deviation_sum(blocks, mean), [[0.4]], rtol=1e-7)
    sums = deviations(lambda: [blocks])
    np.testing.assert_allclose(sums["deviation_sum"], [[0.4]], rtol=1e-7)
    np.testing.assert_allclose(sums["prefix_sum"], [[1.3]], rtol=1e-7)
    assert sums["variability_sentences"] == 2


@given(st.integers(0, 2**32 - 1), st.integers(0, 30), st.integers(2, 5), st.booleans())
def test_shards_give_what_the_whole_gives(seed, sentences, shards, causal):
    blocks = random_blocks(seed, sentences, causal)
    whole = deviations(lambda: [blocks])
    parts = np.array_split(blocks, shards)
    assert len(parts) > 1
    split = deviations(lambda: parts)
    for name in ("deviation_sum", "prefix_sum"):
        np.testing.assert_allclose(split[name], whole[name], rtol=1e-12, err_msg=name)
    assert split["variability_sentences"] == whole["variability_sentences"] == sentences


def test_bounded_chunks_change_nothing(monkeypatch):
    blocks = random_blocks(0, 50)
    whole = deviations(lambda: [blocks])
    monkeypatch.setattr(variability, "CHUNK_NUMBERS", 1000)
    chunked = deviations(lambda: [blocks])
    for name in ("deviation_sum", "prefix_sum"):
        np.testing.assert_allclose(chunked[name], whole[name], rtol=1e-12, err_msg=name)


def test_sums_are_float64():
    blocks = np.full((3_000, 1, 1, 55), 0.1, np.float32)
    total, _ = prefix_sums(blocks)
    np.testing.assert_allclose(total, 3_000 * float(np.float32(0.1)), rtol=1e-13)


def test_no_sentence_gives_no_evidence():
    sums = deviations(lambda: [random_blocks(0, 0)])
    np.testing.assert_array_equal(sums["deviation_sum"], np.zeros((2, 3)))
    np.testing.assert_array_equal(sums["prefix_sum"], np.zeros((2, 3)))
    assert sums["variability_sentences"] == 0


def test_no_shard_is_refused():
    with pytest.raises(MergeError, match="at least one shard, found none"):
        deviations(list)


@given(st.integers(0, 2**32 - 1), st.integers(0, 5), st.booleans())
def test_what_was_packed_is_unpacked(seed, sentences, causal):
    hashes = np.random.default_rng(seed).integers(0, 2**64, sentences, dtype=np.uint64)
    prefix = Prefix(random_blocks(seed, sentences, causal), hashes)
    packed = prefix.pack()
    found = Prefix.unpack(packed)
    np.testing.assert_array_equal(found.blocks, prefix.blocks, strict=True)
    np.testing.assert_array_equal(found.hashes, prefix.hashes, strict=True)
    for size in (0, 20, len(packed) - 4, len(packed) + 4):
        with pytest.raises(MergeError, match=f"found {size} bytes"):
            Prefix.unpack(np.resize(packed, size))


def test_blocks_of_no_shape_are_refused():
    shape = np.array([2, 3, -1, -8])
    with pytest.raises(MergeError, match=r"shape \[2, 3, -1, -8\], found 240 bytes"):
        Prefix.unpack(np.append(shape, np.zeros(26, np.int64)).view(np.uint8))
