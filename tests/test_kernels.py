"""The kernel's reductions against plain float64 loops over α, for every direction, null policy and way of tiling."""

from collections.abc import Iterator
from math import exp, log, nan

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attnmetrics.model.kernels import Null, Reductions, Wanted, dense, want
from attnmetrics.model.pack import Batch, pack
from attnmetrics.statistics.schema import OFFSET_LIMIT, OFFSETS
from attnmetrics.statistics.variability import prefix_pairs

HEADS, WIDTH = 3, 5
CPU = torch.device("cpu")
NULLS = (Null(1, 0), Null(1, 1), Null(0, 0), Null(2, 1))


def one_batch(lengths: list[int], measured: list[bool], tile_pairs: int) -> Batch:
    (batch,) = pack(np.array(lengths, np.int64), np.array(measured), 10**6, tile_pairs, False)
    return batch


def attendable(i: int, j: int, length: int, causal: bool, null: Null) -> bool:
    return (j <= i or not causal) and null.leading <= j < length - null.trailing


def everything_wanted(batch: Batch, measured: list[bool], causal: bool, null: Null) -> Wanted:
    """All attendable pairs of measured sentences, and every second prefix."""
    pairs = [
        (begin + i, begin + j)
        for begin, end, row in zip(batch.offsets[:-1].tolist(), batch.offsets[1:].tolist(), batch.rows, strict=True)
        for i in range(end - begin)
        for j in range(end - begin)
        if measured[row] and attendable(i, j, end - begin, causal, null)
    ]
    attending, attended = np.array(pairs, np.int64).reshape(-1, 2).T
    kept = np.array([b for b, row in enumerate(batch.rows) if measured[row]][::2], np.int64)
    return want(batch, causal, null, (attending, attended), kept, prefix_pairs(causal), CPU)


def slow_alpha(query: np.ndarray, key: np.ndarray, scaling: float, causal: bool) -> np.ndarray:
    """[head, i, j] of one sentence from its [piece, head, width], one weight at a time."""
    length, heads, _ = query.shape
    alpha = np.zeros((heads, length, length))
    for h in range(heads):
        for i in range(length):
            seen = range(i + 1) if causal else range(length)
            scores = {j: float(query[i, h] @ key[j, h]) * scaling for j in seen}
            top = max(scores.values())
            total = sum(exp(score - top) for score in scores.values())
            for j, score in scores.items():
                alpha[h, i, j] = exp(score - top) / total
    return alpha


def slow_reductions(alphas: list[np.ndarray], measured: list[bool], wanted: Wanted) -> dict[str, np.ndarray]:
    """Every field of `Reductions` by its definition, head by head, pair by pair; α per sentence of the batch."""
    batch, null, causal = wanted.batch, wanted.null, wanted.causal
    pieces = int(batch.offsets[-1])
    found = {name: np.zeros((pieces, HEADS)) for name in ("received", "given", "null", "entropy", "kept")}
    found |= {"offsets": np.zeros((HEADS, len(OFFSETS))), "span": np.zeros(HEADS)}
    found["peak"] = np.full((len(alphas), HEADS), -np.inf)
    found["peak_i"], found["peak_j"] = np.full((2, len(alphas), HEADS), -1)
    pairs, prefixes = [], []
    with_prefix = [b for b in range(len(alphas)) if measured[b]][::2]
    for b, alpha in enumerate(alphas):
        begin, length = int(batch.offsets[b]), alpha.shape[-1]
        for i in range(length):
            for j in range(length):
                if attendable(i, j, length, causal, null):
                    larger = alpha[:, i, j] > found["peak"][b]
                    found["peak"][b][larger] = alpha[larger, i, j]
                    found["peak_i"][b][larger], found["peak_j"][b][larger] = i, j
                if not measured[b]:
                    continue
                if not null.leading <= j < length - null.trailing:
                    found["null"][begin + i] += alpha[:, i, j]
                    continue
                found["received"][begin + j] += alpha[:, i, j]
                found["given"][begin + i] += alpha[:, i, j]
                found["span"] += alpha[:, i, j] * abs(i - j)
                found["offsets"][:, max(-OFFSET_LIMIT, min(OFFSET_LIMIT, i - j)) + OFFSET_LIMIT] += alpha[:, i, j]
                if attendable(i, j, length, causal, null):
                    pairs.append(alpha[:, i, j])
            if measured[b]:
                fill_entropies(alpha, i, length, null, found["entropy"][begin + i], found["kept"][begin + i])
        if b in with_prefix:
            prefixes.append(slow_prefix(alpha, causal, null))
    found["pairs"] = np.array(pairs).reshape(-1, HEADS)
    found["prefix"] = np.array(prefixes).reshape(-1, HEADS, wanted.places)
    return found


def fill_entropies(alpha: np.ndarray, i: int, length: int, null: Null, entropy: np.ndarray, kept: np.ndarray) -> None:
    for h in range(HEADS):
        row = [alpha[h, i, j] for j in range(null.leading, length - null.trailing)]
        given = sum(row)
        on_null = sum(alpha[h, i]) - given
        if on_null <= 0.9 and given > 0:
            kept[h] = 1
            entropy[h] = -sum(weight / given * log(weight / given) for weight in row if weight)


def slow_prefix(alpha: np.ndarray, causal: bool, null: Null) -> np.ndarray:
    length = alpha.shape[-1]
    columns = []
    for i, j in zip(*prefix_pairs(causal), strict=True):
        exists = i < length and j < length and attendable(int(i), int(j), length, causal, null)
        columns.append(alpha[:, i, j] if exists else np.full(HEADS, nan))
    return np.stack(columns, axis=1)


def check(found: Reductions, alphas: list[np.ndarray], measured: list[bool], wanted: Wanted) -> None:
    """A peak's place may be that of any weight that rounding alone tells from the largest."""
    expected = slow_reductions(alphas, measured, wanted)
    for name, value in expected.items():
        if name not in {"peak_i", "peak_j"}:
            np.testing.assert_allclose(
                getattr(found, name).double().numpy(), value, rtol=1e-11, atol=1e-13, err_msg=name
            )
    places = np.stack([found.peak_i.numpy(), found.peak_j.numpy()], axis=-1)
    exists = expected["peak_i"] >= 0
    assert (places[~exists] == -1).all()
    for b, h in np.argwhere(exists):
        i, j = places[b, h]
        assert attendable(i, j, alphas[b].shape[-1], wanted.causal, wanted.null)
        np.testing.assert_allclose(alphas[b][h, i, j], expected["peak"][b, h], rtol=1e-11, atol=1e-300)


def draw_inputs(batch: Batch, seed: int, sharpness: float) -> Iterator[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    for scale in (sharpness, 1.0, 1.0):
        yield torch.randn(int(batch.offsets[-1]), HEADS, WIDTH, generator=generator, dtype=torch.float64) * scale


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 14), min_size=1, max_size=8),
    causal=st.booleans(),
    null=st.sampled_from(NULLS),
    tile_pairs=st.sampled_from([1, 20, 60, 1 << 16]),
    sharpness=st.sampled_from([0.1, 2.0, 30.0]),
    data=st.data(),
)
def test_reductions_are_their_definitions(
    lengths: list[int], causal: bool, null: Null, tile_pairs: int, sharpness: float, data: st.DataObject
) -> None:
    measured = [data.draw(st.booleans()) for _ in lengths]
    batch = one_batch(lengths, measured, tile_pairs)
    wanted = everything_wanted(batch, measured, causal, null)
    query, key, value = draw_inputs(batch, len(lengths), sharpness)
    output, found = dense(query, key, value, 0.7, wanted, reduce=True)
    spans = [slice(*pair) for pair in zip(batch.offsets[:-1], batch.offsets[1:], strict=True)]
    alphas = [slow_alpha(query[span].numpy(), key[span].numpy(), 0.7, causal) for span in spans]
    assert output is not None
    assert found is not None
    for span, alpha in zip(spans, alphas, strict=True):
        expected = np.einsum("hij,jhw->ihw", alpha, value[span].numpy())
        np.testing.assert_allclose(output[span].numpy(), expected, rtol=1e-11, atol=1e-13)
    check(found, alphas, [measured[row] for row in batch.rows], wanted)


@pytest.mark.parametrize("causal", [True, False])
def test_long_sentences_and_far_offsets(causal: bool) -> None:
    lengths, measured = [70, 41], [True, True]
    query, key, _ = draw_inputs(one_batch(lengths, measured, 1 << 16), 0, 2.0)
    results = []
    for tile_pairs in (1 << 16, 300):
        batch = one_batch(lengths, measured, tile_pairs)
        wanted = everything_wanted(batch, measured, causal, Null(1, 0))
        _, found = dense(query, key, None, 1.0, wanted, reduce=True)
        assert found is not None
        results.append(found)
        spans = [slice(*pair) for pair in zip(batch.offsets[:-1], batch.offsets[1:], strict=True)]
        alphas = [slow_alpha(query[span].numpy(), key[span].numpy(), 1.0, causal) for span in spans]
        check(found, alphas, measured, wanted)
    assert results[0].offsets[:, -1].min() > 0


@pytest.mark.parametrize("tile_pairs", [1, 12, 1 << 16])
@pytest.mark.parametrize(("causal", "first"), [(True, (1, 1)), (False, (0, 1))])
def test_equal_weights_peak_at_the_smallest_pair(causal: bool, first: tuple[int, int], tile_pairs: int) -> None:
    batch = one_batch([6], [True], tile_pairs)
    wanted = everything_wanted(batch, [True], causal, Null(1, 0))
    same = torch.zeros(6, HEADS, WIDTH)
    _, found = dense(same, same, None, 1.0, wanted, reduce=True)
    assert found is not None
    assert (found.peak_i[0].tolist(), found.peak_j[0].tolist()) == ([first[0]] * HEADS, [first[1]] * HEADS)
    np.testing.assert_allclose(found.peak[0].numpy(), 0.5 if causal else 1 / 6, rtol=1e-15)


@pytest.mark.parametrize("tile_pairs", [1, 20, 1 << 16])
def test_the_largest_of_several_rows_and_columns_peaks_at_the_smallest_pair(tile_pairs: int) -> None:
    """Rows 2 and 4 are equal, and each looks at columns 3, 5 and 6 alike; scores are whole numbers, so exactly."""
    batch = one_batch([7], [True], tile_pairs)
    wanted = everything_wanted(batch, [True], False, Null(1, 0))
    query, key = torch.zeros(2, 7, HEADS, WIDTH)
    query[[2, 4]] = 2
    key[[3, 5, 6]] = 1
    _, found = dense(query, key, None, 1.0, wanted, reduce=True)
    assert found is not None
    assert (found.peak_i[0].tolist(), found.peak_j[0].tolist()) == ([2] * HEADS, [3] * HEADS)
    np.testing.assert_allclose(found.peak[0].numpy(), 1 / (3 + 4 * exp(-10)), rtol=1e-14)


@pytest.mark.parametrize(("causal", "first"), [(True, (1, 1)), (False, (0, 1))])
def test_a_peak_of_nothing_is_the_first_attendable_pair(causal: bool, first: tuple[int, int]) -> None:
    """All attention on the null column, so that every other weight underflows."""
    batch = one_batch([4], [True], 1 << 16)
    wanted = everything_wanted(batch, [True], causal, Null(1, 0))
    query, key = torch.ones(4, HEADS, WIDTH), torch.zeros(4, HEADS, WIDTH)
    key[0] = 1e6
    _, found = dense(query, key, None, 1.0, wanted, reduce=True)
    assert found is not None
    assert found.peak[0].tolist() == [0.0] * HEADS
    assert (found.peak_i[0, 0].item(), found.peak_j[0, 0].item()) == first
    assert not found.kept.any()
    assert found.given.sum() == 0


def test_sentences_with_nothing_but_null_columns() -> None:
    batch = one_batch([2, 1], [True, True], 1 << 16)
    wanted = everything_wanted(batch, [True, True], False, Null(1, 1))
    query, key, _ = draw_inputs(batch, 0, 1.0)
    _, found = dense(query, key, None, 1.0, wanted, reduce=True)
    assert found is not None
    assert found.peak.isneginf().all()
    assert (found.peak_i == -1).all()
    assert found.given.sum() == 0
    assert found.prefix.isnan().all()
    np.testing.assert_allclose(found.null.numpy(), 1, rtol=1e-15)


def test_without_reductions_only_the_output_is_made() -> None:
    batch = one_batch([3], [True], 1 << 16)
    wanted = everything_wanted(batch, [True], True, Null(1, 0))
    query, key, value = draw_inputs(batch, 0, 1.0)
    output, found = dense(query, key, value, 1.0, wanted, reduce=False)
    assert found is None
    assert output is not None
    np.testing.assert_array_equal(output[0].numpy(), value[0].numpy())
