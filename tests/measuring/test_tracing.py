"""The attention in exemplars: equal to attention that is float64 throughout, sparse, and kept as all else of a run."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from checks import assert_same_attention, dense, outputs
from conftest import demo_config
from damage import flip
from models import FAMILIES, TEXTS, Family, save_model
from numpy.typing import NDArray
from reference_forward import attention_float64
from torch import Tensor

import attnmetrics
from attnmetrics import engine
from attnmetrics.assets import MODELS
from attnmetrics.engine.worker import Worker
from attnmetrics.errors import StoreError
from attnmetrics.measuring import sparse, tracing
from attnmetrics.measuring.sparse import trace_heads
from attnmetrics.measuring.tracing import Chunk, Traced
from attnmetrics.model.load import Model, load_model
from attnmetrics.model.modules.look import Layer, See
from attnmetrics.pieces.align import tokenize
from attnmetrics.running.driver import run
from attnmetrics.running.merging import merge_run
from attnmetrics.running.progress import Reporter
from attnmetrics.running.runfile import read_facts, write_facts
from attnmetrics.statistics.traces import VISIBLE, Traces
from attnmetrics.storage import locate

QUIET = Reporter(quiet=True)
CLOSE = 1e-5
LONG = " ".join(TEXTS)


pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture(autouse=True)
def without_report(demo_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has tests of its own."""
    monkeypatch.setattr("attnmetrics.running.outputs.write_report", lambda *arguments: None)


@pytest.fixture
def traceless(demo_run: Path, tmp_path: Path) -> Path:
    """A copy of the run that was ended before its exemplars were traced."""
    folder = tmp_path / "run"
    shutil.copytree(demo_run, folder)
    shutil.rmtree(folder / "traces")
    facts = read_facts(locate(folder))
    assert facts is not None
    write_facts(locate(folder), facts | {"status": "unfinished"})
    return folder


def check(found: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
    """All that can be seen is kept, nothing else, and rightly."""
    kept = found > 0
    np.testing.assert_allclose(found[kept], expected[kept], rtol=0, atol=CLOSE)
    assert found[kept].min() >= np.float32(VISIBLE)
    assert expected[~kept].max() < VISIBLE + CLOSE
    assert found.sum(axis=1).max() < 1 + CLOSE
    np.testing.assert_allclose(found.sum(axis=1) + np.where(kept, 0, expected).sum(axis=1), 1, rtol=0, atol=CLOSE)


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_are_those_of_the_reference(family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sentence in every head, some cut to the model's positions, in batches and tiles of several sizes."""
    folder = save_model(tmp_path / family, family, sharp=True, layers=2)
    model = load_model(str(folder))
    texts = (*TEXTS[:6], LONG)
    pieces = tokenize(model.tokenizer, texts, model.template, model.max_pieces)
    units = [pieces.ids_of(np.array([row])).tolist() for row in range(len(texts))]
    reference = [attention_float64(folder, text).alpha for text in texts]
    places = [(text, layer, head) for head in range(model.heads) for layer in (1, 0) for text in range(len(texts))]
    text, layer, head = np.array(places).T
    lengths = pieces.lengths[text]
    stretches = np.stack([np.zeros_like(lengths), lengths, lengths, lengths], axis=1)
    parts = np.stack([lengths // 4, lengths // 2, lengths - lengths // 4, lengths], axis=1)
    for batch_pieces, tile_pairs in ((4096, 1 << 16), (70, 400)):
        monkeypatch.setattr(sparse, "TILE_PAIRS", tile_pairs)
        traces = trace_heads(model, units, Traced(text, layer, head, stretches), batch_pieces)
        for place, (n, i, j, weight) in zip(places, traces.split(), strict=True):
            expected = reference[place[0]][place[1:]]
            assert n == len(expected) <= model.max_pieces
            assert list(zip(i, j, strict=True)) == sorted(zip(i, j, strict=True))
            check(dense(n, i, j, weight), expected)
        assert model.max_pieces in traces.pieces
        of_parts = trace_heads(model, units, Traced(text, layer, head, parts), batch_pieces).split()
        for part, (n, *weights), (shown, *own) in zip(parts, traces.split(), of_parts, strict=True):
            kept = [*range(*part[:2]), *range(*part[2:])]
            np.testing.assert_array_equal(dense(shown, *own), dense(n, *weights)[np.ix_(kept, kept)])


def test_a_pass_ends_with_the_last_layer_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of two units is wanted in an early layer alone: it is read first, and no further."""
    model, layers, run = load_model(str(MODELS["demo"])), [], Model.run

    def count(self: Model, ids: Tensor, *arguments: Any, see: See, **named: Any) -> None:
        def record(layer: Layer, *shown: Any) -> None:
            layers.append((len(ids), layer.place))
            see(layer, *shown)

        run(self, ids, *arguments, see=record, **named)

    units = [[5, 6, 7, 8], [5, 6, 7, 8, 9]]
    unit, layer = np.array([0, 0, 1]), np.array([3, 1, 1])
    ends = np.array([4, 4, 5])
    wanted = Traced(unit, layer, np.zeros(3, np.int64), np.stack([0 * ends, ends, ends, ends], axis=1))
    together = trace_heads(model, units, wanted)
    monkeypatch.setattr(Model, "run", count)
    apart = trace_heads(model, units, wanted, batch_pieces=5)
    assert layers == [(5, 0), (5, 1), (4, 0), (4, 1), (4, 2), (4, 3)]
    np.testing.assert_array_equal(apart.sizes, together.sizes)
    np.testing.assert_allclose(apart.weight, together.weight, rtol=0, atol=CLOSE)


def test_every_exemplar_of_a_run_is_there(demo_run: Path) -> None:
    frame = attnmetrics.exemplar_attention(demo_run)
    exemplars = attnmetrics.exemplars(demo_run)
    reference = {text: attention_float64(MODELS["demo"], text).alpha for text in exemplars["text"].unique()[::4]}
    is_told = (exemplars["claim"] == "") | exemplars["claim"].str.startswith("relation:")
    exemplars = exemplars[is_told & ((exemplars["bucket"] == "top") | (exemplars["rank"] == 1))]
    assert exemplars["bucket"].nunique() == 6
    keys = ["layer", "head", "claim", "bucket", "rank"]
    assert list(frame.columns) == [*keys, "pieces", "i", "j", "weight"]
    pd.testing.assert_frame_equal(frame[keys], exemplars[keys].reset_index(drop=True))
    assert exemplars["claim"].nunique() > 20
    for row, exemplar in zip(frame.itertuples(), exemplars.itertuples(), strict=True):
        assert row.pieces == len(exemplar.pieces)
        alpha = dense(row.pieces, row.i, row.j, row.weight)
        if exemplar.text in reference:
            check(alpha, reference[exemplar.text][row.layer, row.head])
        assert abs(alpha[exemplar.i, exemplar.j] - exemplar.weight) < CLOSE
        if not exemplar.claim:  # the first piece is null
            own = np.eye(len(alpha)) if exemplar.i == exemplar.j else 1 - np.eye(len(alpha))
            assert alpha[exemplar.i, exemplar.j] > (alpha * own)[:, 1:].max() - CLOSE


def test_only_chunks_that_are_not_whole_are_traced_again(
    traceless: Path, demo_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "CHUNK_UNITS", 20)
    traced: list[str] = []
    trace = Worker.trace

    def interrupted(self: Worker, chunk: Chunk, *arguments: object) -> object:
        if len(traced) == 2:
            raise KeyboardInterrupt
        traced.append(chunk.digest)
        return trace(self, chunk, *arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Worker, "trace", interrupted)
        run(demo_config(traceless), QUIET)
    files = {path.stem for path in (traceless / "traces").iterdir()}
    assert files == set(traced)
    traced.clear()
    monkeypatch.setattr(Worker, "trace", lambda *given: traced.append(given[1].digest) or trace(*given))
    run(demo_config(traceless), QUIET)
    assert len(traced) > 1
    assert files.isdisjoint(traced)
    before, files = outputs(traceless), files | set(traced)
    assert {path.stem for path in (traceless / "traces").iterdir()} == files

    damaged, lost = sorted((traceless / "traces").iterdir())[:2]
    flip(damaged, 0.5)
    lost.unlink()
    (traceless / "exemplar_attention.parquet").unlink()
    traced.clear()
    assert run(demo_config(traceless), QUIET)["status"] == "finished"
    assert sorted(traced) == [damaged.stem, lost.stem]
    assert outputs(traceless) == before

    assert_same_attention(*(attnmetrics.exemplar_attention(folder) for folder in (traceless, demo_run)))


def test_what_is_not_traced_is_counted_and_completed_later(
    traceless: Path, demo_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a merge, by a run whose pass fails, by one whose pass does not."""
    facts = read_facts(locate(traceless))
    assert facts is not None
    (traceless / "exemplar_attention.parquet").unlink()
    write_facts(locate(traceless), facts | {"status": "finished"})
    with pytest.raises(StoreError, match=r"expected attention of exemplars at .*exemplar_attention\.parquet"):
        attnmetrics.exemplar_attention(traceless)
    tries: list[str] = []

    def fail(self: Worker, chunk: Chunk, *_: object) -> None:
        tries.append(chunk.digest)
        raise RuntimeError("poison")

    number = len(attnmetrics.exemplar_attention(demo_run))
    with monkeypatch.context() as patch:
        patch.setattr(Worker, "trace", fail)
        for go_on in (lambda: merge_run(locate(traceless), QUIET), lambda: run(demo_config(traceless), QUIET)):
            facts = go_on()
            assert (facts["status"], facts["left_out"]["exemplars_without_attention"]) == ("incomplete", number)
            assert attnmetrics.exemplar_attention(traceless).empty
            said = " ".join(capsys.readouterr().err.split())
            assert f"the attention in {number} exemplars is missing from the report" in said
    assert "trace failed: RuntimeError: poison" in said
    assert len(tries) == engine.TRIES

    facts = run(demo_config(traceless), QUIET)
    assert facts["status"] == "finished"
    assert "exemplars_without_attention" not in facts["left_out"]
    assert outputs(traceless) == outputs(demo_run)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"drawn_exemplars": 0}, 0),
        ({"drawn_exemplars": 2}, 2),
        ({"exemplars": 0}, 0),
    ],
)
def test_as_many_as_asked_for_are_traced(options: dict[str, object], expected: int, tmp_path: Path) -> None:
    chosen = {"max_documents": 2, "layers": (1, 4), "exemplars": 3, **options}
    facts = run(demo_config(tmp_path / "run", **chosen), QUIET)
    frame = attnmetrics.exemplar_attention(tmp_path / "run")
    assert ("trace" in facts["seconds"]) == (tmp_path / "run" / "traces").exists() == (len(frame) > 0)
    parts = frame[frame["bucket"] != "top"]
    assert set(parts["rank"]) <= {1}
    assert (parts.groupby(["layer", "head"]).size() == 5).all()
    frame = frame[(frame["claim"] == "") & (frame["bucket"] == "top")]
    assert len(frame) == facts["model"]["heads"] * 2 * expected
    assert (frame.dtypes[["layer", "head", "rank", "pieces"]] == np.int64).all()
    if expected:
        exemplars = attnmetrics.exemplars(tmp_path / "run", claim="", bucket="top").query("rank <= @expected")
        assert set(frame["layer"]) == {1, 4}
        for row, exemplar in zip(frame.itertuples(), exemplars.itertuples(), strict=True):
            alpha = dense(row.pieces, row.i, row.j, row.weight)
            assert abs(alpha[exemplar.i, exemplar.j] - exemplar.weight) < CLOSE


def test_traces_that_do_not_fit_together_are_refused() -> None:
    one, two = np.ones(1, np.int64), np.ones(2)
    with pytest.raises(ValueError, match="expected as many pieces"):
        Traces(one, one, two, two, two)
