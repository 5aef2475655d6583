"""Exemplars of a whole run against attention that is float64 throughout, every sentence and every head."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import demo_config
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from reference_forward import attention_float64

import attnmetrics
from attnmetrics.annotation import cache
from attnmetrics.assets import MODELS
from attnmetrics.measuring.ranking import CHUNK_SENTENCES, cut_chunks, needs_ranking
from attnmetrics.running.driver import run
from attnmetrics.running.plan import make_plan
from attnmetrics.running.progress import Reporter
from attnmetrics.running.runfile import read_facts, store_of, write_facts
from attnmetrics.statistics.exemplars import Exemplars, choose_heads, uncertain_heads
from attnmetrics.storage import locate
from attnmetrics.store.shards import ExemplarSentence

PLACES = 40
"""So many that weights of middle size are among them, where rounding shows most."""

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with many exemplars."""
    folder = tmp_path_factory.mktemp("ranking") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attnmetrics.running.outputs.write_report", lambda *arguments: None)
        run(demo_config(folder, exemplars=PLACES), Reporter(quiet=True))
    return folder


@pytest.fixture(scope="module")
def peaks(many: Path) -> dict[str, NDArray[np.float64]]:
    """Text → largest F of each head [layer, head], by float64 attention."""
    return {text: peak(text) for text in texts_of(many)}


def texts_of(folder: Path) -> Iterator[str]:
    facts = json.loads((folder / "run.json").read_text())
    for shard in make_plan(demo_config(folder)).shards:
        path = cache.annotation_path(locate(folder / "annotations"), facts["annotator"]["fingerprint"], shard.digest)
        yield from cache.read(path).text


def peak(text: str) -> NDArray[np.float64]:
    alpha = attention_float64(MODELS["demo"], text).alpha
    return alpha[:, :, :, 1:].max(axis=(2, 3), initial=-np.inf)


def test_every_weight_is_within_a_millionth(many: Path, peaks: dict[str, NDArray[np.float64]]) -> None:
    frame = attnmetrics.exemplars(many)
    errors = [abs(row.weight - peaks[row.text][row.layer, row.head]) for row in frame.itertuples()]
    print(f"\nlargest error of {len(errors):,} weights: {max(errors):.1e}")
    assert max(errors) < 1e-6


def test_the_order_is_that_of_all_sentences(many: Path, peaks: dict[str, NDArray[np.float64]]) -> None:
    for (layer, head), rows in attnmetrics.exemplars(many).groupby(["layer", "head"]):
        weights = sorted((found[layer, head] for found in peaks.values()), reverse=True)[:PLACES]
        np.testing.assert_allclose(rows["weight"], weights, rtol=0, atol=1e-6)
        own = np.array([peaks[text][layer, head] for text in rows["text"]])
        assert np.all(np.diff(own) < 1e-6)


def test_the_pair_is_where_the_weight_is(many: Path) -> None:
    frame = attnmetrics.exemplars(many).query("rank % 10 == 1")
    for row in frame.itertuples():
        alpha = attention_float64(MODELS["demo"], row.text).alpha[row.layer, row.head]
        assert abs(alpha[row.i, row.j] - row.weight) < 1e-6
        assert len(row.pieces) == len(alpha)


def test_float32_alone_is_not_enough(many: Path, tmp_path: Path, peaks: dict[str, NDArray[np.float64]]) -> None:
    """What the ranking is for: without it some weight is off by more than rounding in float64."""
    config = demo_config(tmp_path / "run", exemplars=PLACES, exact_exemplars=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attnmetrics.running.outputs.write_report", lambda *arguments: None)
        facts = run(config, Reporter(quiet=True))
    frame = attnmetrics.exemplars(config.out)
    errors = [abs(row.weight - peaks[row.text][row.layer, row.head]) for row in frame.itertuples()]
    assert 1e-8 < max(errors) < 1e-5
    assert "rank" not in facts["seconds"]
    assert not (Path(config.out) / "ranking").exists()


def test_a_lost_ranking_is_made_again(many: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(many, folder)
    facts = read_facts(locate(folder))
    assert facts is not None
    write_facts(locate(folder), facts | {"status": "unfinished"})
    before = (folder / "exemplars.parquet").read_bytes()
    shutil.rmtree(folder / "ranking")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attnmetrics.running.outputs.write_report", lambda *arguments: None)
        run(demo_config(folder, exemplars=PLACES), Reporter(quiet=True))
    assert (folder / "exemplars.parquet").read_bytes() == before
    assert Path(store_of(locate(folder), facts).folder) == folder


weights = st.lists(st.one_of(st.floats(0, 1), st.just(np.nan)), min_size=6, max_size=6)


def exemplars_of(values: list[float]) -> Exemplars:
    """One layer, two heads, three places."""
    weight = np.array(values).reshape(1, 2, 3)
    position = np.arange(6).reshape(weight.shape)
    return Exemplars(
        weight, position, position, position.astype(np.int32), position.astype(np.int32), position.astype(np.uint64)
    )


@given(weights)
def test_uncertain_heads_have_a_weight_of_middle_size(values: list[float]) -> None:
    expected = [any(w * (1 - w) > 0.02 for w in values[head : head + 3] if w == w) for head in (0, 3)]
    assert uncertain_heads(exemplars_of(values)).tolist() == [expected]


@given(weights, weights, st.tuples(st.booleans(), st.booleans()), st.integers(1, 3))
def test_heads_are_chosen_whole(a: list[float], b: list[float], chosen: tuple[bool, bool], k: int) -> None:
    found = choose_heads(np.array([chosen]), exemplars_of(a), exemplars_of(b), k)
    for head in range(2):
        source = exemplars_of(a if chosen[head] else b)
        np.testing.assert_array_equal(found.weight[0, head], source.weight[0, head, :k])


@given(st.integers(0, 3 * CHUNK_SENTENCES))
def test_chunks_hold_every_candidate_once(number: int) -> None:
    position = np.arange(number, dtype=np.int64).reshape(1, 1, number)
    half = np.full((1, 1, number), 0.5)
    candidates = Exemplars(
        half, position, position, position.astype(np.int32), position.astype(np.int32), position.astype(np.uint64)
    )
    sentences = {(row, row): [ExemplarSentence("d", f"text {row}", [], 0)] for row in range(number)}
    chunks = cut_chunks(candidates, sentences)
    assert sorted(key for chunk in chunks for key in chunk.keys) == list(sentences)
    assert all(chunk.texts == tuple(sentences[key][0].text for key in chunk.keys) for chunk in chunks)
    assert len({chunk.digest for chunk in chunks}) == len(chunks)


@pytest.mark.parametrize(("error", "needed"), [(0, False), (4e-7, False), (6e-7, True)])
def test_a_model_that_float32_measures_exactly_enough_is_not_ranked(error: float, needed: bool) -> None:
    candidates = exemplars_of([0.9, 0.5, 0.4, 0.8, 0.7, np.nan])
    assert needs_ranking(candidates, exemplars_of([0.9, 0.5, 0.4, 0.8, 0.7 + error, np.nan])) is needed


def test_chunks_that_are_not_needed_are_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attnmetrics.running.outputs.write_report", lambda *arguments: None)
    monkeypatch.setattr("attnmetrics.measuring.ranking.ENOUGH", 1)
    monkeypatch.setattr("attnmetrics.measuring.ranking.PROBE_SENTENCES", 8)
    run(demo_config(tmp_path / "run"), Reporter(quiet=True))
    assert len(list((tmp_path / "run" / "ranking").iterdir())) == 1
    run(demo_config(tmp_path / "plain", exact_exemplars=False), Reporter(quiet=True))
    plain = (tmp_path / "plain" / "exemplars.parquet").read_bytes()
    assert (tmp_path / "run" / "exemplars.parquet").read_bytes() == plain
