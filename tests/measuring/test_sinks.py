"""Sinks, peaks and deviations of distance: by every kernel as by the twin's loops, and of heads that are planted."""

from collections.abc import Callable
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from kernel_cases import ATTENDS, HEADS, Case, everything_wanted, is_null, on_cpu, one_batch
from models import TEXTS, save_model
from shards import annotate, new_schema, read
from torch import Tensor

from attnmetrics.measuring.shard import measure
from attnmetrics.measuring.sinks import Sinks
from attnmetrics.metrics.reference.sentence import Model as ReferenceModel
from attnmetrics.metrics.reference.sentence import Sentence
from attnmetrics.metrics.reference.sinks import Sinks as Reference
from attnmetrics.metrics.sinks import BINS
from attnmetrics.model.kernels.compiled import compiled
from attnmetrics.model.kernels.reductions import Kernel, Reductions, Show, Wanted, want_nothing
from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.load import Model, choose_attends, load_model
from attnmetrics.pieces.attends import Attends
from attnmetrics.results.dataset import dataset
from attnmetrics.statistics.variability import deviations

LENGTHS = [1, 9, 10, 11, 15, 16, 17, 24, 33]
MEASURED = [length != 11 for length in LENGTHS]


@on_cpu
@pytest.mark.parametrize("attends", [ATTENDS[place] for place in (0, 3, 9, 11, 14)], ids=str)
def test_every_kernel_gives_what_loops_give(case: Case, attends: Attends) -> None:
    batch = one_batch(LENGTHS, MEASURED, 300)
    wanted = everything_wanted(batch, MEASURED, attends, case.device)
    query, key, _ = case.draw(batch, 3, 3.0)
    lengths = np.diff(batch.offsets).tolist()
    null = np.array([is_null(j, length, attends) for length in lengths for j in range(length)])
    measured = np.array([MEASURED[row] for row in batch.rows])
    sinks = Sinks.of(batch, null, measured, attends, case.device)
    found = case.reduce(query, key, 0.7, wanted)
    reference = Reference(ReferenceModel(1, HEADS, attends.causal))
    scores = torch.einsum("ihw,jhw->hij", query.double().cpu(), key.double().cpu()) * 0.7
    for b in np.flatnonzero(measured).tolist():
        begin, end = batch.offsets[b : b + 2].tolist()
        own = scores[:, begin:end, begin:end]
        own = own.masked_fill(torch.ones(own.shape[1:]).triu(1) > 0, -torch.inf) if attends.causal else own
        reference.add(sentence_of(torch.softmax(own, -1).numpy(), attends))
    expected = reference.results()
    check_histogram(sinks.first_pieces(found), reference.weights["first_piece_histogram"])
    check_histogram(sinks.peaks(found), reference.weights["unit_peak_histogram"])
    second = sinks.second_sinks(found).cpu().numpy() / reference.with_second
    np.testing.assert_allclose(second, expected["second_sink"][0], rtol=2e-6)
    assert (sinks.with_column, len(sinks.long)) == (reference.with_second, 4)
    assert reference.with_second >= 5


def sentence_of(alpha: np.ndarray, attends: Attends) -> Sentence:
    """From α [head, piece, piece] of one layer."""
    n = alpha.shape[-1]
    null = frozenset(j for j in range(n) if is_null(j, n, attends))
    return Sentence("", (), ((0, 0),) * n, range(n), frozenset(), null, alpha[None], alpha[None])


def check_histogram(found: Tensor, weights: list[np.ndarray]) -> None:
    """[head, weight_bin] is that of these weights, each [1, head], but for rounding at the edges of bins."""
    assert found.dtype == torch.float64
    below = np.cumsum(found.cpu().numpy(), axis=1)
    edges, one = np.arange(1, BINS) / BINS, np.stack(weights)[:, 0, :, None]
    assert (below[:, -1] == len(weights)).all()
    assert (((one < edges - 1e-5).sum(0) <= below[:, :-1]) & (below[:, :-1] <= (one < edges + 1e-5).sum(0))).all()


# ---- planted heads


def planting(*heads: Callable[[int, int, int], float]) -> Kernel:
    """The kernel of a CPU with attention of our own: each head's α[i, j] in n pieces, rows that sum to 1."""

    def kernel(
        query: Tensor, key: Tensor, value: Tensor | None, scoring: Scoring, wanted: Wanted, reduce: bool,
        show: Show | None = None,
    ) -> tuple[Tensor | None, Reductions | None]:  # fmt: skip
        lengths = np.diff(wanted.batch.offsets).tolist()
        queries = torch.full((int(wanted.batch.offsets[-1]), len(heads), max(lengths)), -200.0)
        start = 0
        for n in lengths:
            for i, j in np.ndindex(n, n):
                for head, alpha in enumerate(heads):
                    if weight := alpha(i, j, n):
                        queries[start + i, head, j] = log(weight)
            start += n
        # Column j of a query is the score of piece j: the key of piece j is a row of the identity matrix.
        keys = torch.cat([torch.eye(max(lengths))[:n] for n in lengths])[:, None].repeat(1, len(heads), 1)
        return compiled(queries, keys, value, Scoring(1.0), wanted, reduce, show)

    return kernel


def first(i: int, j: int, n: int) -> float:
    """.87 on the first piece, the rest even over all others that the row sees."""
    if i == 0:
        return float(j == 0)
    return 0.87 if j == 0 else 0.13 / i


def second(i: int, j: int, n: int) -> float:
    """.81 on piece 3, the rest on the first piece."""
    if i < 3 or n < 4:
        return float(j == 0)
    return {3: 0.81, 0: 0.19}.get(j, 0.0)


def inactive(i: int, j: int, n: int) -> float:
    return float(j == 0)


def previous(i: int, j: int, n: int) -> float:
    return float(j == max(i - 1, 0))


SENTENCES = annotate(TEXTS)
PLANTED = planting(first, second, inactive, previous)


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(str(save_model(tmp_path_factory.mktemp("model") / "gpt2", "gpt2", layers=1)))


def results(model: Model, kernel: Kernel) -> xr.Dataset:
    found = measure(read(SENTENCES, model), model, kernel=kernel, exemplars=0)
    return dataset(new_schema(model), found.state.sums | deviations(lambda: [found.blocks]))


def test_planted_heads_of_a_causal_model(gpt2: Model) -> None:
    lengths = read(SENTENCES, gpt2).pieces.lengths
    long, enough = lengths[lengths >= 16], lengths[lengths >= 10]
    assert len(long) > 5
    found = results(gpt2, PLANTED).isel(layer=0)
    histogram = found["first_piece_histogram"].to_numpy()
    assert histogram[0, 43] == histogram[2, 49] == len(long)
    # Of n − 1 rows, two rest on the first piece and n − 3 have .19 there; or one, and it is the one before.
    of_second = np.bincount((50 * (2 + 0.19 * (long - 3)) / (long - 1)).astype(int), minlength=50)
    np.testing.assert_array_equal(histogram[1], of_second)
    np.testing.assert_array_equal(histogram[3], np.bincount((50 / (long - 1)).astype(int), minlength=50))
    np.testing.assert_array_equal(found["sink_rate"], [1, of_second[15:].sum() / len(long), 1, 0])
    # The first piece is null. Off it, the column before the middle has the fewest rows, of which one gives it all.
    np.testing.assert_allclose(found["second_sink"][[1, 2]], [0.81, 0], rtol=1e-6)
    np.testing.assert_allclose(found["second_sink"][3], np.mean(1 / (enough - enough // 2)), rtol=1e-6)
    assert found["second_sink"].argmax("head") == 1 and found["second_sink_uniform"] < 0.4
    peaks = found["unit_peak_histogram"].to_numpy()
    assert peaks[1, 40] == (lengths > 3).sum() and peaks[2, 0] == len(lengths) and peaks[3, 49] == (lengths > 2).sum()
    np.testing.assert_allclose(found["distance"][3], 1, rtol=1e-6)
    assert found["distance_deviation"][3] < 1e-3 < found["distance_deviation"][0]
    assert np.isnan(found["distance_deviation"][2])


def test_distances_that_are_always_the_same_have_no_deviation(gpt2: Model) -> None:
    def far(i: int, j: int, n: int) -> float:
        return float(j == max(i - 9, 0))

    attends = choose_attends("none", True, gpt2.template)
    found = results(replace(gpt2, attends=attends), planting(far, previous, first, second)).isel(layer=0, head=[0, 1])
    # Near the beginning, distances are less; those are counted in.
    lengths = read(SENTENCES, gpt2).pieces.lengths
    for head, step in ((0, 9), (1, 1)):
        distance = np.concatenate([np.minimum(np.arange(n), step) for n in lengths])
        np.testing.assert_allclose(found["distance"][head], distance.mean(), rtol=1e-6)
        np.testing.assert_allclose(found["distance_deviation"][head], distance.std(), rtol=1e-6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model") / "bert", "bert", layers=1)


def test_planted_heads_of_a_model_that_looks_both_ways(folder: Path) -> None:
    def rows_differ(i: int, j: int, n: int) -> float:
        """All rows but the first rest on it; the first has .9 on the last piece."""
        return {0: 0.1, n - 1: 0.9}.get(j, 0.0) if i == 0 else {0: 0.65, n - 1: 0.35}.get(j, 0.0)

    model = load_model(str(folder))
    lengths = read(SENTENCES, model).pieces.lengths
    for null in ("special", "none"):
        attends = choose_attends(null, False, model.template)
        found = results(replace(model, attends=attends), planting(*[rows_differ] * 4)).isel(layer=0, head=0)
        assert found["first_piece_histogram"][32] == (lengths >= 16).sum() > 5
        assert found["sink_rate"] == 1 and found["sink_rate_uniform"] == 0
        enough = lengths[lengths >= 10]
        last = np.mean(0.35 + 0.55 / enough)
        np.testing.assert_allclose(found["second_sink"], last if null == "none" else 0, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(found["second_sink_uniform"], np.mean(1 / enough), rtol=1e-12)


def test_nothing_is_asked_of_a_batch_of_short_units() -> None:
    batch = one_batch([3, 4], [True, True], 100)
    wanted = want_nothing(batch, True, torch.device("cpu"))
    sinks = Sinks.of(batch, np.zeros(7, np.bool_), np.ones(2, np.bool_), Attends(True, 0, 0), torch.device("cpu"))
    empty = Reductions.empty(wanted, 2, torch.device("cpu"))
    assert not sinks.first_pieces(empty).any() and sinks.second_sinks(empty).tolist() == [0, 0]
    assert sinks.peaks(empty)[:, 0].tolist() == [2, 2]
