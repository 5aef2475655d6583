from dataclasses import fields
from itertools import count, pairwise
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmetrics.errors import MergeError
from attnmetrics.statistics.exemplars import Exemplars, Peaks, from_peaks, merge_all, pair_of

LAYERS, HEADS = 2, 2


def peaks(seed: int, sentences: int) -> tuple[np.ndarray, ...]:
    """Few texts, pairs and weights, so that repeats and ties are common; equal texts have equal peaks."""
    random = np.random.default_rng(seed)
    texts = max(1, sentences // 2)
    of_text = random.choice([-np.inf, 0.0, 0.25, 0.5, 0.75, 1.0], (texts, LAYERS, HEADS))
    i, j = random.integers(0, 20, (2, texts, LAYERS, HEADS))
    pair = random.integers(0, 1 + 2 * texts, (texts, LAYERS, HEADS)).astype(np.uint64)
    text = random.integers(0, texts, sentences)
    document, sentence = np.divmod(np.arange(sentences), 3)
    return of_text[text], i[text], j[text], pair[text], document, sentence, text.astype(np.uint64)


def pairs(sentences: int) -> np.ndarray:
    """Of each sentence's peak in one head, all different."""
    return np.arange(sentences).astype(np.uint64).reshape(-1, 1, 1)


def take(columns: tuple[np.ndarray, ...], rows: np.ndarray, k: int) -> Exemplars:
    weight, i, j, pair, *identity = (column[rows] for column in columns)
    return from_peaks(Peaks(weight, i, j, pair), *identity, k)


def assert_equal(a: Exemplars, b: Exemplars) -> None:
    for field in fields(Exemplars):
        x, y = getattr(a, field.name), getattr(b, field.name)
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


def plain_ranking(columns: tuple[np.ndarray, ...], layer: int, head: int) -> list[tuple]:
    """(weight, document, sentence, i, j) of one head in plain Python."""
    weight, i, j, pair, document, sentence, text = columns
    seen, rows = set(), []
    for s in np.lexsort((sentence, document)):
        if np.isfinite(weight[s, layer, head]) and text[s] not in seen:
            at = s, layer, head
            rows.append((weight[at], document[s], sentence[s], i[at], j[at], pair[at]))
        seen.add(text[s])
    pairs, best = set(), []
    for *row, of in sorted(rows, key=lambda row: (-row[0], row[1], row[2])):
        if of not in pairs:
            best.append(tuple(row))
        pairs.add(of)
    return best


partitions = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 40), st.integers(1, 6), st.integers(2, 6))


@given(partitions)
def test_chunks_in_any_order_give_what_the_whole_gives(partition):
    seed, sentences, k, chunks = partition
    columns = peaks(seed, sentences)
    random = np.random.default_rng(seed + 1)
    parts = [take(columns, rows, k) for rows in np.array_split(random.permutation(sentences), chunks)]
    assert len(parts) > 1
    assert_equal(merge_all(parts), take(columns, np.arange(sentences), k))


@given(st.integers(0, 2**32 - 1), st.integers(0, 20), st.integers(0, 6))
def test_packed_exemplars_come_back_bit_for_bit(seed, sentences, k):
    found = take(peaks(seed, sentences), np.arange(sentences), k)
    assert_equal(Exemplars.unpack(found.pack(), found.shape), found)


def test_exemplars_of_another_shape_are_refused():
    with pytest.raises(MergeError, match="expected 7 numbers for each"):
        Exemplars.unpack(Exemplars.zero(1, 2, 3).pack(), (1, 2, 4))


@given(partitions)
def test_every_head_has_the_plain_ranking(partition):
    seed, sentences, k, _ = partition
    columns = peaks(seed, sentences)
    found = take(columns, np.arange(sentences), k)
    for layer in range(LAYERS):
        for head in range(HEADS):
            at = (layer, head)
            names = ("weight", "document_index", "sentence", "i", "j")
            rows = list(zip(*(getattr(found, name)[at].tolist() for name in names), strict=True))
            expected = plain_ranking(columns, layer, head)[:k]
            assert rows[: len(expected)] == expected
            assert all(np.isnan(row[0]) and row[1:] == (-1, -1, -1, -1) for row in rows[len(expected) :])


@given(partitions)
def test_merge_is_a_monoid_to_the_bit(partition):
    seed, sentences, k, _ = partition
    columns = peaks(seed, sentences)
    rows = np.array_split(np.random.default_rng(seed).permutation(sentences), 3)
    a, b, c = (take(columns, part, k) for part in rows)
    zero = Exemplars.zero(LAYERS, HEADS, k)
    assert_equal(zero.merge(a), a)
    assert_equal(a.merge(zero), a)
    assert_equal(a.merge(a), a)
    assert_equal(a.merge(b), b.merge(a))
    assert_equal(a.merge(b).merge(c), a.merge(b.merge(c)))


def test_a_repeated_text_is_its_first_occurrence_whatever_its_weight():
    weight = np.array([0.3, 0.9, 0.30001]).reshape(3, 1, 1)
    place = np.zeros((3, 1, 1), int)
    text = np.array([7, 8, 7], np.uint64)
    found = from_peaks(Peaks(weight, place, place, pairs(3)), np.array([0, 1, 2]), np.zeros(3, int), text, 3)
    np.testing.assert_array_equal(found.weight[0, 0], [0.9, 0.3, np.nan])
    np.testing.assert_array_equal(found.document_index[0, 0], [1, 0, -1])


def test_a_repeat_does_not_take_a_place_from_another_text():
    weight = np.array([0.9, 0.9, 0.5]).reshape(3, 1, 1)
    place = np.zeros((3, 1, 1), int)
    text = np.array([7, 7, 8], np.uint64)
    found = from_peaks(Peaks(weight, place, place, pairs(3)), np.array([4, 2, 0]), np.zeros(3, int), text, 2)
    np.testing.assert_array_equal(found.weight[0, 0], [0.9, 0.5])
    np.testing.assert_array_equal(found.document_index[0, 0], [2, 0])


def test_of_the_sentences_with_the_same_two_pieces_the_strongest_is_kept():
    weight, place = np.array([0.5, 0.9, 0.9, 0.25]).reshape(4, 1, 1), np.zeros((4, 1, 1), int)
    pair, texts = pair_of(np.array([3, 3, 3, 4]), np.array([4, 4, 4, 3])), np.arange(4).astype(np.uint64)
    found = from_peaks(Peaks(weight, place, place, pair.reshape(4, 1, 1)), np.arange(4), np.zeros(4, int), texts, 3)
    np.testing.assert_array_equal(found.document_index[0, 0], [1, 3, -1])
    np.testing.assert_array_equal(found.weight[0, 0], [0.9, 0.25, np.nan])


def test_the_second_kind_is_chosen_head_by_head():
    apart, own = (take(peaks(seed, 12), np.arange(12), 4) for seed in (3, 4))
    columns = [(getattr(apart, field.name), getattr(own, field.name)) for field in fields(Exemplars)]
    chosen = Exemplars(*map(np.stack, columns)).choose(np.array([[True, False], [False, False]]))
    assert not np.array_equal(apart.weight[0, 0], own.weight[0, 0], equal_nan=True)
    np.testing.assert_array_equal(chosen.weight[0, 0], own.weight[0, 0])
    np.testing.assert_array_equal(chosen.weight[0, 1], apart.weight[0, 1])
    np.testing.assert_array_equal(chosen.weight[1], apart.weight[1])


def test_a_sentence_without_attendable_pairs_is_no_exemplar():
    weight = np.array([np.nan, -np.inf, 0.0]).reshape(3, 1, 1)
    place = np.zeros((3, 1, 1), int)
    texts = np.arange(3).astype(np.uint64)
    found = from_peaks(Peaks(weight, place, place, pairs(3)), np.arange(3), np.zeros(3, int), texts, 2)
    np.testing.assert_array_equal(found.sentence[0, 0], [0, -1])
    np.testing.assert_array_equal(found.weight[0, 0], [0.0, np.nan])


def test_keeping_none_is_allowed():
    assert take(peaks(0, 9), np.arange(9), 0).merge(take(peaks(1, 9), np.arange(9), 0)).shape == (LAYERS, HEADS, 0)


def test_merging_nothing_or_other_shapes_is_refused():
    with pytest.raises(MergeError, match="at least one shard, found none"):
        merge_all([])
    with pytest.raises(MergeError, match=r"= \(2, 2, 5\), found \(2, 2, 6\); merge one run at a time"):
        Exemplars.zero(2, 2, 5).merge(Exemplars.zero(2, 2, 6))


def test_ten_thousand_shards_merge_within_a_minute():
    random = np.random.default_rng(0)
    place = np.zeros((60, 12, 12), np.int32)
    texts = count()
    shards = [random.random((60, 12, 12)) for _ in range(50)]

    def shard(number: int) -> Exemplars:
        digests = np.array([next(texts) for _ in range(60)], np.uint64)
        pair = np.broadcast_to(digests[:, None, None], place.shape)
        peaks = Peaks(shards[number % 50], place, place, pair)
        return from_peaks(peaks, np.full(60, number), np.arange(60), digests, 50)

    made = [shard(number) for number in range(200)]
    start = perf_counter()
    best = merge_all(made[number % 200] for number in range(10_000))
    assert perf_counter() - start < 60
    assert_equal(best, merge_all(made))
    assert all(a >= b for a, b in pairwise(best.weight[3, 4]))
