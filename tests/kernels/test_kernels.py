"""Every kernel's reductions against plain float64 loops over α, for every direction, null policy and way of tiling."""

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from itertools import pairwise
from math import exp, log, nan, tanh

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import (
    ATTENDS,
    COMPILED,
    GROUPS,
    HEADS,
    ON_CPU,
    WIDTH,
    Case,
    attendable,
    between_of,
    every_kernel,
    every_tiling,
    everything_wanted,
    fused,
    group_of,
    is_null,
    on_cpu,
    one_batch,
)

from attnmetrics.metrics.family import OFFSET_LIMIT, OFFSETS
from attnmetrics.model.kernels.compiled import compiled
from attnmetrics.model.kernels.reductions import Reductions, Wanted
from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.pack import Batch
from attnmetrics.pieces.attends import Attends
from attnmetrics.statistics.variability import prefix_pairs

PLAIN = Scoring(0.7)


def slow_alpha(query: np.ndarray, key: np.ndarray, scoring: Scoring, causal: bool) -> np.ndarray:
    """[head, i, j] of one sentence from its [piece, head, width], weight by weight; what is on a sink is missing."""
    length, heads, _ = query.shape
    alpha = np.zeros((heads, length, length))
    for h in range(heads):
        for i in range(length):
            seen = [j for j in range(length) if (j <= i or not causal) and abs(i - j) < (scoring.window or length)]
            scores = {j: slow_score(query[i, h], key[j, h], scoring) for j in seen}
            if scoring.bias is not None:
                scores = {j: score + float(scoring.bias[h, j] - scoring.bias[h, i]) for j, score in scores.items()}
            beside = [] if scoring.sinks is None else [float(scoring.sinks[h])]
            top = max([*scores.values(), *beside])
            total = sum(exp(score - top) for score in [*scores.values(), *beside])
            for j, score in scores.items():
                alpha[h, i, j] = exp(score - top) / total
    return alpha


def slow_score(query: np.ndarray, key: np.ndarray, scoring: Scoring) -> float:
    score = float(query @ key) * scoring.factor
    return score if scoring.cap is None else scoring.cap * tanh(score / scoring.cap)


def slow_reductions(alphas: list[np.ndarray], measured: list[bool], wanted: Wanted) -> dict[str, np.ndarray]:
    """Every field of `Reductions` by its definition, head by head, pair by pair; α per sentence of the batch."""
    batch, attends = wanted.batch, wanted.attends
    found = no_reductions(int(batch.offsets[-1]), len(alphas))
    for b, alpha in enumerate(alphas):
        begin, length = int(batch.offsets[b]), alpha.shape[-1]
        for i in range(length):
            for j in range(length):
                if attendable(i, j, length, attends):
                    kind = int(i == j)
                    larger = alpha[:, i, j] > found["peak"][kind, b]
                    found["peak"][kind, b][larger] = alpha[larger, i, j]
                    found["peak_i"][kind, b][larger], found["peak_j"][kind, b][larger] = i, j
                if measured[b]:
                    add_pair(found, alpha[:, i, j], begin, i, j, length, attends)
            if measured[b]:
                fill_row(found, alpha[:, i], begin, i, attends)
        if measured[b]:
            found["own_first"][b] = alpha[:, 0, 0]
    with_prefix = [b for b in range(len(alphas)) if measured[b]][::2]
    prefixes = [slow_prefix(alphas[b], attends) for b in with_prefix]
    return found | {"prefix": np.array(prefixes).reshape(-1, HEADS, wanted.places)}


def no_reductions(pieces: int, sentences: int) -> dict[str, np.ndarray]:
    by_piece = ("received", "given", "null", "entropy", "kept", "entropy_all", "largest", "sink")
    found = {name: np.zeros((pieces, HEADS)) for name in by_piece}
    found["strongest"] = np.full((pieces, HEADS), -1)
    found |= {name: np.zeros((HEADS, len(OFFSETS))) for name in ("offsets", "offsets_all")}
    found |= {name: np.zeros(HEADS) for name in ("span", "span_squared")}
    found["linked"] = np.zeros((GROUPS, HEADS))
    found["own_first"] = np.zeros((sentences, HEADS))
    found["peak"] = np.full((2, sentences, HEADS), -np.inf)
    found["peak_i"], found["peak_j"] = np.full((2, 2, sentences, HEADS), -1)
    return found


def add_pair(
    found: dict[str, np.ndarray], weight: np.ndarray, begin: int, i: int, j: int, length: int, attends: Attends
) -> None:
    """Add a pair's weight [head] to the sums that it belongs to."""
    offset = max(-OFFSET_LIMIT, min(OFFSET_LIMIT, i - j)) + OFFSET_LIMIT
    found["received"][begin + j] += weight
    found["offsets_all"][:, offset] += weight
    if is_null(j, length, attends):
        found["null"][begin + i] += weight
        return
    found["given"][begin + i] += weight
    found["offsets"][:, offset] += weight
    found["span"] += weight * abs(i - j)
    found["span_squared"] += weight * (i - j) ** 2
    if attendable(i, j, length, attends) and group_of(i, j) != 2:
        found["linked"][group_of(i, j)] += weight


def fill_row(found: dict[str, np.ndarray], weights: np.ndarray, begin: int, i: int, attends: Attends) -> None:
    """What comes of row i of a sentence, [head, j], as a whole."""
    length = weights.shape[-1]
    columns = [j for j in range(length) if attendable(i, j, length, attends)]
    for h in range(HEADS):
        kept = [weights[h, j] for j in columns]
        given = sum(kept)
        on_sink = max(0.0, 1 - sum(weights[h]))
        on_null = sum(weights[h]) - given + on_sink
        found["sink"][begin + i, h] = on_sink
        found["null"][begin + i, h] += on_sink
        if on_null <= 0.9 and given > 0:
            found["kept"][begin + i, h] = 1
            found["entropy"][begin + i, h] = slow_entropy([weight / given for weight in kept])
        found["entropy_all"][begin + i, h] = slow_entropy([*weights[h], on_sink])
        found["largest"][begin + i, h] = max(weights[h])
        if columns:
            found["strongest"][begin + i, h] = columns[kept.index(max(kept))]


def slow_entropy(shares: Iterable[float]) -> float:
    return -sum(share * log(share) for share in shares if share)


def slow_prefix(alpha: np.ndarray, attends: Attends) -> np.ndarray:
    length = alpha.shape[-1]
    columns = []
    for i, j in zip(*prefix_pairs(attends.causal), strict=True):
        exists = i < length and j < length and attendable(int(i), int(j), length, attends)
        columns.append(alpha[:, i, j] if exists else np.full(HEADS, nan))
    return np.stack(columns, axis=1)


def check(found: Reductions, alphas: list[np.ndarray], measured: list[bool], wanted: Wanted, error: float) -> None:
    """The place of a peak, or of a row's strongest, may be that of any weight as large but for rounding.

    Norms are not a kernel's: the pass fills them in, which knows what heads are projected by.
    """
    expected = slow_reductions(alphas, measured, wanted)
    assert set(expected) == {field.name for field in fields(Reductions)} - {"norm"}
    for name, value in expected.items():
        if name not in {"peak_i", "peak_j", "strongest"}:
            np.testing.assert_allclose(
                getattr(found, name).double().cpu().numpy(), value, rtol=error, atol=error, err_msg=name
            )
    assert min(found.entropy.min(), found.entropy_all.min()) >= 0
    peaks = np.stack([found.peak_i.cpu().numpy(), found.peak_j.cpu().numpy()], axis=-1)
    exists = expected["peak_i"] >= 0
    assert (peaks[~exists] == -1).all()
    for kind, b, h in np.argwhere(exists):
        i, j = peaks[kind, b, h]
        assert (i == j) == kind
        check_place(alphas[b][h], i, j, expected["peak"][kind, b, h], wanted.attends, error)
    strongest = found.strongest.cpu().numpy()
    assert found.strongest.dtype == torch.int32
    np.testing.assert_array_equal(strongest >= 0, expected["strongest"] >= 0)
    sentence = np.repeat(np.arange(len(alphas)), np.diff(wanted.batch.offsets))
    for t, h in np.argwhere(strongest >= 0):
        alpha, i = alphas[sentence[t]][h], t - wanted.batch.offsets[sentence[t]]
        check_place(alpha, i, strongest[t, h], alpha[i, expected["strongest"][t, h]], wanted.attends, error)


def check_place(alpha: np.ndarray, i: int, j: int, largest: float, attends: Attends, error: float) -> None:
    """A pair is attendable and has the largest weight; of [i, j] of one head. What is no number in float32 is as 0."""
    assert attendable(i, j, len(alpha), attends)
    np.testing.assert_allclose(alpha[i, j], largest, rtol=error, atol=1e-37)


def sentences_of(packed: torch.Tensor, batch: Batch) -> Iterator[np.ndarray]:
    for begin, end in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
        yield packed[begin:end].double().cpu().numpy()


def check_definitions(
    case: Case, lengths: list[int], measured: list[bool], attends: Attends, tile_pairs: int, sharpness: float,
    scoring: Scoring = PLAIN,
) -> Reductions:  # fmt: skip
    """A kernel's output and reductions on random inputs are what α makes them."""
    batch = one_batch(lengths, measured, tile_pairs)
    wanted = everything_wanted(batch, measured, attends, case.device)
    query, key, value = case.draw(batch, len(lengths), sharpness)
    output, found = case.make()(query, key, value, scoring, wanted, True)
    assert output is not None
    assert found is not None
    queries, keys = sentences_of(query, batch), sentences_of(key, batch)
    alphas = [slow_alpha(own, others, scoring, attends.causal) for own, others in zip(queries, keys, strict=True)]
    largest = 0.7 * float(torch.linalg.vector_norm(query, dim=-1).max() * torch.linalg.vector_norm(key, dim=-1).max())
    error = case.allowed(largest)
    for alpha, own, mixed in zip(alphas, sentences_of(value, batch), sentences_of(output, batch), strict=True):
        np.testing.assert_allclose(mixed, np.einsum("hij,jhw->ihw", alpha, own), rtol=error, atol=error)
    check(found, alphas, [measured[row] for row in batch.rows], wanted, error)
    return found


@on_cpu
@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 14), min_size=1, max_size=8),
    attends=st.sampled_from(ATTENDS),
    tile_pairs=st.sampled_from([1, 20, 60, 1 << 16]),
    sharpness=st.sampled_from([0.1, 2.0, 30.0]),
    data=st.data(),
)
def test_reductions_are_their_definitions(
    case: Case, lengths: list[int], attends: Attends, tile_pairs: int, sharpness: float, data: st.DataObject
) -> None:
    measured = [data.draw(st.booleans()) for _ in lengths]
    check_definitions(case, lengths, measured, attends, tile_pairs, sharpness)


SINKS = torch.tensor([0.5, 2.0])
BIAS = torch.tensor([0.5, -0.25])[:, None] * torch.arange(20) + torch.tensor([1.0, -2.0, 0.0, 0.5]).repeat(5)
SCORINGS = {
    "cap": Scoring(0.7, cap=1.5),
    "window": Scoring(0.7, window=3),
    "itself": Scoring(0.7, window=1),
    "sinks": Scoring(0.7, sinks=SINKS),
    "bias": Scoring(0.7, bias=BIAS),
    "all": Scoring(0.7, cap=1.5, window=4, sinks=SINKS, bias=BIAS),
}


@pytest.mark.parametrize("attends", [Attends(True, 1, 0), Attends(False, 1, 1, True)], ids=["causal", "both ways"])
@pytest.mark.parametrize("name", SCORINGS)
@every_kernel
def test_caps_windows_sinks_and_biases_are_their_definitions(case: Case, name: str, attends: Attends) -> None:
    beside = {field: getattr(SCORINGS[name], field) for field in ("sinks", "bias")}
    scoring = replace(
        SCORINGS[name], **{field: beside[field].to(case.device) for field in beside if beside[field] is not None}
    )
    lengths, measured = [1, 2, 9, 9, 13], [True, True, False, True, True]
    found = check_definitions(case, lengths, measured, attends, 60, 2.0, scoring)
    assert (found.sink.sum() > 1) == (scoring.sinks is not None)
    assert (found.offsets_all[:, OFFSET_LIMIT + 5].max() == 0) == (scoring.window is not None)


@fused
@pytest.mark.parametrize(
    ("lengths", "attends", "sharpness"),
    [
        ([1, 3, 18, 9], Attends(True, 1, 0), 2.0),
        ([2, 18], Attends(True, 2, 1), 30.0),
        ([1, 3, 18, 9], Attends(False, 1, 1), 2.0),
        ([4, 17], Attends(False, 0, 0), 30.0),
        ([1, 3, 18, 9], Attends(False, 1, 1, True), 2.0),
        ([2, 18], Attends(True, 1, 0, True), 2.0),
    ],
)
def test_fused_reductions_are_their_definitions(
    case: Case, lengths: list[int], attends: Attends, sharpness: float
) -> None:
    measured = [length != 3 for length in lengths]
    check_definitions(case, lengths, measured, attends, 1 << 16, sharpness)


@every_tiling
@pytest.mark.parametrize("causal", [True, False])
def test_long_sentences_and_far_offsets(case: Case, tile_pairs: int, causal: bool) -> None:
    lengths = [70, 41] if case in ON_CPU.values() else [40]
    found = check_definitions(case, lengths, [True] * len(lengths), Attends(causal, 1, 0), tile_pairs, 2.0)
    assert found.offsets[:, -1].min() > 0


@pytest.mark.parametrize("tile_pairs", [1, 60, 1 << 16])
@pytest.mark.parametrize("causal", [True, False])
def test_compiled_peaks_are_weighed_in_float64(causal: bool, tile_pairs: int) -> None:
    lengths = [1, 2, 5, 5, 9]
    batch = one_batch(lengths, [True, True, False, True, True], tile_pairs)
    query, key = 4 * torch.randn(2, sum(lengths), HEADS, WIDTH, generator=torch.Generator().manual_seed(0))
    found = COMPILED.reduce(query, key, 0.7, everything_wanted(batch, [True] * 5, Attends(causal, 1, 0)))
    assert found.peak[:, 0].tolist() == [[-np.inf] * HEADS] * 2
    for b, (begin, end) in enumerate(pairwise(batch.offsets.tolist())):
        alpha = slow_alpha(query[begin:end].double().numpy(), key[begin:end].double().numpy(), PLAIN, causal)[..., 1:]
        if end - begin > 1:
            is_own = np.tri(end - begin, end - begin - 1, -1) - np.tri(end - begin, end - begin - 1, -2) > 0
            for kind, chosen in enumerate((~is_own, is_own)):
                largest = np.where(chosen, alpha, -np.inf).max((-1, -2))
                held = np.where(largest > 0, found.peak[kind, b].numpy(), largest)
                np.testing.assert_allclose(held, largest, rtol=1e-7)


def test_compiled_exponentials_are_exact_to_the_last_bit_but_one() -> None:
    from attnmetrics.model.kernels import loops

    x = np.float32([0, -1e-30, *-np.geomspace(1e-8, 87, 5000), -87.5, -1e4, -3e38])
    found = x.copy()
    total, product = loops._exponentiate(found, np.float32(0))
    expected = np.exp(x.astype(np.float64))
    np.testing.assert_allclose(found[:-3], expected[:-3], rtol=1.2e-7)
    assert found[-3:].tolist() == [0, 0, 0]
    np.testing.assert_allclose([total, product], [found.sum(dtype=np.float64), (found * x.astype(np.float64)).sum()])
    assert np.isnan(loops._exponentiate(np.float32([np.nan, -1]), np.float32(0))[0])


def test_compiled_loops_find_the_largest_and_the_first_of_equals() -> None:
    from attnmetrics.model.kernels import loops

    drawn = np.random.default_rng(0).normal(size=100).astype(np.float32)
    for scores in (drawn, -np.abs(drawn), np.float32([-np.inf, -3e38]), np.float32([-0.0, 0.0, -1]), drawn[:1]):
        largest = loops._largest(scores)
        assert largest == scores.max()
        assert loops._find(scores, largest) == scores.argmax()
        assert loops._find(scores, np.float32(1e9)) == len(scores)
    assert loops._largest(drawn[:0]) == -np.inf
    assert np.isnan(loops._largest(np.float32([np.nan, 1]))) or loops._largest(np.float32([np.nan, 1])) == 1


@every_tiling
@pytest.mark.parametrize(
    ("causal", "apart", "weights"), [(True, (2, 1), (1 / 3, 1 / 2)), (False, (0, 1), (1 / 6, 1 / 6))]
)
def test_equal_weights_peak_at_the_smallest_pair(
    case: Case, causal: bool, apart: tuple[int, int], weights: tuple[float, float], tile_pairs: int
) -> None:
    batch = one_batch([6], [True], tile_pairs)
    wanted = everything_wanted(batch, [True], Attends(causal, 1, 0), case.device)
    same = case.take(torch.zeros(6, HEADS, WIDTH))
    found = case.reduce(same, same, 1.0, wanted)
    for kind, (i, j) in enumerate((apart, (1, 1))):
        assert found.peak_i[kind].tolist() == [[i] * HEADS]
        assert found.peak_j[kind].tolist() == [[j] * HEADS]
        np.testing.assert_allclose(found.peak[kind].cpu().numpy(), weights[kind], rtol=case.error)


@every_tiling
@pytest.mark.parametrize("first", [2, 18])
def test_the_largest_of_several_rows_and_columns_peaks_at_the_smallest_pair(
    case: Case, tile_pairs: int, first: int
) -> None:
    """Three rows are equal, and each looks at columns 3, 5 and 19 alike; scores are whole numbers, so exactly."""
    batch = one_batch([21], [True], tile_pairs)
    wanted = everything_wanted(batch, [True], Attends(False, 1, 0), case.device)
    query, key = case.take(torch.zeros(2, 21, HEADS, WIDTH))
    query[[first, 19, 20]] = 2
    key[[3, 5, 19]] = 1
    found = case.reduce(query, key, 1.0, wanted)
    assert found.peak_i.tolist() == [[[first] * HEADS], [[19] * HEADS]]
    assert found.peak_j.tolist() == [[[3] * HEADS], [[19] * HEADS]]
    np.testing.assert_allclose(found.peak.cpu().numpy(), 1 / (3 + 18 * exp(-10)), rtol=case.error)


@every_kernel
@pytest.mark.parametrize(
    ("attends", "apart", "own"),
    [
        (Attends(True, 1, 0), (2, 1), (1, 1)),
        (Attends(False, 1, 0), (0, 1), (1, 1)),
        (Attends(False, 0, 1), (0, 1), (0, 0)),
        (Attends(False, 0, 3), (1, 0), (0, 0)),
        (Attends(False, 0, 0, True), (0, 3), (0, 0)),
        (Attends(True, 1, 0, True), (2, 1), (1, 1)),
    ],
)
def test_a_peak_of_nothing_is_the_first_attendable_pair(
    case: Case, attends: Attends, apart: tuple[int, int], own: tuple[int, int]
) -> None:
    """All attention on the null column, so that every other weight underflows."""
    batch = one_batch([4], [True], 1 << 16)
    wanted = everything_wanted(batch, [True], attends, case.device)
    query, key = case.take(torch.ones(4, HEADS, WIDTH)), case.take(torch.zeros(4, HEADS, WIDTH))
    key[0 if attends.leading else between_of(4, attends)[0] or -1] = 1e6
    found = case.reduce(query, key, 1.0, wanted)
    assert found.peak.tolist() == [[[0.0] * HEADS]] * 2
    for kind, first in enumerate((apart, own)):
        assert (found.peak_i[kind, 0, 0].item(), found.peak_j[kind, 0, 0].item()) == first
    assert not found.kept.any()
    assert found.given.sum() == 0
    np.testing.assert_allclose(found.null.cpu().numpy(), 1, rtol=1e-6)


@every_kernel
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # of Triton's interpreter
@pytest.mark.parametrize(("query_size", "key_size"), [(2.0**10, 2.0**10), (2.0**62, 2.0**63)])
def test_weights_of_nothing_add_nothing(case: Case, query_size: float, key_size: float) -> None:
    """Even where the difference of two scores is infinite in float32."""
    batch = one_batch([3], [True], 1 << 16)
    wanted = everything_wanted(batch, [True], Attends(True, 0, 0), case.device)
    query, key = (case.take(torch.full((3, HEADS, WIDTH), -size)) for size in (query_size, key_size))
    key[1] = key_size
    found = case.reduce(query, key, 1.0, wanted)
    np.testing.assert_allclose(found.received.cpu().numpy(), np.outer([2.5, 0, 0.5], [1] * HEADS), atol=1e-6)
    np.testing.assert_allclose(found.entropy.cpu().numpy(), np.outer([0, 0, log(2)], [1] * HEADS), atol=1e-6)


@every_kernel
def test_sentences_with_nothing_but_null_columns(case: Case) -> None:
    batch = one_batch([2, 1], [True, True], 1 << 16)
    wanted = everything_wanted(batch, [True, True], Attends(False, 1, 1), case.device)
    query, key, _ = case.draw(batch, 0, 1.0)
    found = case.reduce(query, key, 1.0, wanted)
    assert found.peak.isneginf().all()
    assert (found.peak_i == -1).all()
    assert found.given.sum() == 0
    assert found.prefix.isnan().all()
    np.testing.assert_allclose(found.null.cpu().numpy(), 1, rtol=case.error)


@every_kernel
def test_without_reductions_only_the_output_is_made(case: Case) -> None:
    batch = one_batch([3], [True], 1 << 16)
    wanted = everything_wanted(batch, [True], Attends(True, 1, 0), case.device)
    query, key, value = case.draw(batch, 0, 1.0)
    output, found = case.make()(query, key, value, Scoring(1.0), wanted, False)
    assert found is None
    assert output is not None
    np.testing.assert_array_equal(output[0].cpu().numpy(), value[0].cpu().numpy())


def test_compiled_takes_bfloat16_as_the_float32_numbers_that_it_is() -> None:
    batch = one_batch([3, 7, 7], [True] * 3, 60)
    wanted = everything_wanted(batch, [True] * 3, Attends(True, 1, 0))
    narrow = [tensor.bfloat16() for tensor in COMPILED.draw(batch, 0, 2.0)]
    output, found = compiled(*narrow, PLAIN, wanted, True)
    expected_output, expected = compiled(*(tensor.float() for tensor in narrow), PLAIN, wanted, True)
    assert output is not None
    assert expected_output is not None
    assert output.dtype == torch.bfloat16
    np.testing.assert_allclose(output.float().numpy(), expected_output.numpy(), rtol=0.02, atol=0.02)
    for field in fields(Reductions):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name), err_msg=field.name)
