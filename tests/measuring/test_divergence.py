"""Divergences of heads over sampled rows: the loop, the rows that are chosen, and the sums of shards."""

from hashlib import blake2b
from itertools import combinations, pairwise
from math import log
from pathlib import Path

import numpy as np
import pytest
from conftest import demo_config
from models import TEXTS, save_model
from scipy.spatial.distance import jensenshannon
from shards import annotate, measure, read
from treebanks import treebank

from attnmetrics.errors import ConfigError
from attnmetrics.measuring.maps.divergence import add_divergences
from attnmetrics.measuring.selection import MapSample
from attnmetrics.metrics.reference.similarity import divergence
from attnmetrics.model.load import Model, load_model
from attnmetrics.running.progress import Reporter
from attnmetrics.running.samples import Limits, known_units, make_sampling, rows_compared
from attnmetrics.running.stages import prepare, refuse_many_heads

SENTENCES = annotate(TEXTS)
EVERY = np.arange(len(TEXTS))


@pytest.fixture(scope="module", params=["gpt2", "bert"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = save_model(tmp_path_factory.mktemp("similar") / request.param, request.param, sharp=True)
    return load_model(str(folder), layers=(0, 2))


def divergences(rows: np.ndarray, reach: np.ndarray) -> np.ndarray:
    heads = rows.shape[1]
    into = np.zeros(heads * (heads - 1) // 2)
    add_divergences(rows, reach, into)
    return into


def test_the_loop_gives_what_scipy_gives() -> None:
    random = np.random.default_rng(0)
    rows = random.dirichlet(np.full(37, 0.1), (5, 4)).astype(np.float32)
    rows[0, :, 20:] = 0
    rows[0] /= rows[0].sum(-1, keepdims=True)
    rows[1, 1] = rows[1, 0]
    reach = np.array([20, 37, 37, 37, 37])
    pairs = list(combinations(range(4), 2))
    exact = rows.astype(np.float64)
    exact /= exact.sum(-1, keepdims=True)
    expected = [(jensenshannon(exact[:, a], exact[:, b], axis=-1) ** 2).sum() for a, b in pairs]
    np.testing.assert_allclose(divergences(rows, reach), expected, rtol=1e-5)


def test_equal_rows_have_none_and_rows_without_a_common_piece_have_ln_2() -> None:
    rows = np.zeros((3, 3, 8), np.float32)
    rows[:, 0, 2] = rows[:, 1, 5] = 1
    rows[:, 2] = rows[:, 0]
    found = divergences(rows, np.full(3, 8))
    np.testing.assert_allclose(found, [3 * log(2), 0, 3 * log(2)], atol=1e-14)
    assert found[1] == 0


def test_roots_of_divergences_are_distances() -> None:
    rows = np.random.default_rng(1).dirichlet(np.full(9, 0.2), (1, 12)).astype(np.float32)
    root = np.zeros((12, 12))
    root[np.triu_indices(12, 1)] = np.sqrt(divergences(rows, np.array([9])))
    root += root.T
    assert (root[:, :, None] <= root[:, None, :] + root[None] + 1e-7).all()


def chosen_rows(document: str, position: int, rows: range) -> list[int]:
    """Four rows with the smallest hashes."""

    def hashed(row: int) -> int:
        text = f"3,{position},{row},{document}"
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")

    return sorted(sorted(rows, key=hashed)[:4])


def attention(model: Model, ids: np.ndarray) -> np.ndarray:
    """[head of any layer, row, column] α in float64."""
    import torch
    from transformers import AutoModel

    network = AutoModel.from_pretrained(model.name, attn_implementation="eager", dtype=torch.float64).eval()
    with torch.inference_mode():
        found = network(input_ids=torch.from_numpy(ids)[None], output_attentions=True).attentions
    return np.concatenate([found[layer][0].numpy() for layer in model.layers])


def test_four_rows_of_a_unit_are_compared_however_units_are_tiled(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    units, own = read(SENTENCES, model), np.array([0, 4, 5, 12])
    heads = len(model.layers) * model.heads
    expected, number = np.zeros(heads * (heads - 1) // 2), 0
    for unit in own.tolist():
        alpha = attention(model, units.pieces.ids_of(np.array([unit])))
        rows = range(int(model.attends.causal), alpha.shape[1])
        rows = chosen_rows(units.document[unit], int(units.number[unit]), rows)
        number += len(rows)
        expected += [divergence(alpha[a][rows], alpha[b][rows]) for a, b in combinations(range(heads), 2)]
    sample = MapSample(seed=3, rows=EVERY, similarity=own, rows_a_unit=4)
    for tile_pairs in (1 << 16, 60):
        monkeypatch.setattr("attnmetrics.measuring.shard.TILE_PAIRS", tile_pairs)
        state = measure(SENTENCES, model, map_sample=sample).state
        np.testing.assert_allclose(state["divergence_sum"], expected, rtol=1e-4, atol=1e-6)
        assert state["similarity_rows"] == number


def test_shards_add_up_and_threads_change_no_bit(model: Model) -> None:
    from dataclasses import replace

    whole = measure(SENTENCES, model).state
    bounds = [0, 5, 10, len(TEXTS)]
    parts = [measure(SENTENCES.take(np.arange(a, b)), model).state for a, b in pairwise(bounds)]
    assert len(parts) == 3
    merged = parts[0].merge(parts[1]).merge(parts[2])
    together = measure(SENTENCES, replace(model, threads=3), batch_pieces=40).state
    alone = measure(SENTENCES, model, batch_pieces=40).state
    assert merged["similarity_rows"] == whole["similarity_rows"] > 3 * len(parts)
    np.testing.assert_allclose(merged["divergence_sum"], whole["divergence_sum"], rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(together["divergence_sum"], alone["divergence_sum"])


def test_a_sample_has_the_mean_of_all_rows(model: Model) -> None:
    def means(rows_a_unit: int | None, seed: int) -> tuple[np.ndarray, float]:
        sample = MapSample(seed, EVERY, rows_a_unit=rows_a_unit)
        state = measure(SENTENCES, model, map_sample=sample).state
        return state["divergence_sum"] / state["similarity_rows"], float(state["similarity_rows"])

    every, rows = means(None, 0)
    assert rows == sum(np.diff(read(SENTENCES, model).pieces.offsets) - int(model.attends.causal))
    some, number = means(4, 5)
    assert number < rows / 2
    # A row's divergence lies between 0 and ln 2: no deviation is above half of that.
    error = log(2) / 2 / np.sqrt(number)
    assert (np.abs(some - every) < 3 * error).all()


def test_a_run_takes_fewer_rows_of_many_heads(tmp_path: Path) -> None:
    def rows(heads: int, **options: object) -> int | None:
        return rows_compared(demo_config(tmp_path, **options), heads)

    assert (rows(144), rows(270), rows(1200)) == (4096, 4096, 260)  # a sentence counts as 32 pieces
    assert (rows(144, unit="window:128"), rows(270, unit="window:128")) == (4096, 1290)
    assert (rows(9, similarity_rows=100), rows(1200, similarity_rows="all")) == (100, None)


def test_of_a_treebank_of_few_sentences_every_one_is_compared(tmp_path: Path) -> None:
    corpus = treebank(tmp_path / "dev.conllu", 4)  # of 3 sentences each

    def units(rows: int, **options: object) -> int | None:
        config = demo_config(tmp_path / "run", corpus=corpus, shard_characters=400, similarity_rows=rows, **options)
        job, limits = prepare(config, Reporter(quiet=True)), Limits.of(config, heads=2)
        assert len(job.plan.shards) == 4
        known = known_units(job, limits)
        assert known == (12 if config.window is None else None), "windows are to be counted"
        return make_sampling(job, limits, known or 13).similarity_units

    assert (units(48), units(47)) == (None, 2), "12 sentences of 4 rows; 11 of them, shared out"
    assert (units(52, unit="window:32"), units(48, unit="window:32")) == (None, 3), "13 windows"


def test_too_many_heads_are_refused_with_a_way_out() -> None:
    refuse_many_heads(1500)
    with pytest.raises(ConfigError, match=r"at most 1,500 heads, .* found 5,120 .*--layers"):
        refuse_many_heads(5120)
