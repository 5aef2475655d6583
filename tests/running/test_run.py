"""A run from end to end: the same results whatever the engine, the workers, the shard size, the interruptions."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from checks import assert_close, assert_same_attention, outputs
from conftest import demo_config
from damage import failing_at

import attnmetrics
from attnmetrics import engine
from attnmetrics.assets import CORPORA, MODELS
from attnmetrics.config import RunConfig
from attnmetrics.engine.worker import Worker
from attnmetrics.errors import ConfigError, CorpusError, ModelError, ShardError, StoreError
from attnmetrics.running import driver
from attnmetrics.running.driver import progress_of, run, run_annotate, run_measure
from attnmetrics.running.merging import merge_run
from attnmetrics.running.progress import Reporter
from attnmetrics.running.runfile import read_facts, write_facts
from attnmetrics.storage import locate
from attnmetrics.store.shards import Store

QUIET = Reporter(quiet=True)

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture(autouse=True)
def without_report(demo_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its figures take seconds, and have tests of their own."""
    monkeypatch.setattr("attnmetrics.running.outputs.write_report", lambda *arguments: None)


def test_every_result_is_there_under_its_name(demo_run: Path) -> None:
    with xr.open_zarr(demo_run / "results.zarr") as results:
        schema = Store.described(locate(demo_run), read_facts(locate(demo_run))["store"]).schema
        for result in schema.with_twins():
            assert results[result.name].dims == result.dims
            assert results[result.name].attrs["units"] == result.unit
            assert results[result.name].attrs["formula"] == result.formula
        for name, dim in (("pos_to", "pos"), ("pos_from", "pos"), ("dependency_type_to", "rel")):
            np.testing.assert_allclose(results[name].sum(dim), 1, rtol=0, atol=1e-9)
        np.testing.assert_allclose(results["attention_at_offset"].sum("offset"), 1, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "workers", [pytest.param(1, marks=pytest.mark.cluster), 2, pytest.param(3, marks=pytest.mark.cluster)]
)
def test_ray_with_any_number_of_workers_gives_the_bits_of_inline(
    demo_run: Path, tmp_path: Path, ray_session: None, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative paths start where the run was started; Ray's workers stay where Ray was."""
    shutil.copytree(MODELS["demo"], tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    run(demo_config(Path("run"), model="model", engine="ray", workers=workers), QUIET)
    assert outputs(tmp_path / "run") == outputs(demo_run)


@pytest.mark.parametrize("characters", [1000, pytest.param(10**9, marks=pytest.mark.cluster)])
def test_another_shard_size_gives_the_same_tables(demo_run: Path, tmp_path: Path, characters: int) -> None:
    facts = run(demo_config(tmp_path / "run", shard_characters=characters), QUIET)
    shards = [found["corpus"]["shards"] for found in (facts, json.loads((demo_run / "run.json").read_text()))]
    assert max(shards) > 1 and shards[0] != shards[1]
    assert_close(attnmetrics.load(tmp_path / "run"), attnmetrics.load(demo_run))
    found, expected = (attnmetrics.exemplars(folder, bucket="top") for folder in (tmp_path / "run", demo_run))
    np.testing.assert_allclose(found["weight"], expected["weight"], rtol=0, atol=1e-6)
    same = found["text"] == expected["text"]
    assert same.mean() > 0.9
    traced = [
        attnmetrics.exemplar_attention(folder).query("claim == '' and bucket == 'top'")
        for folder in (tmp_path / "run", demo_run)
    ]
    of_top = same[found["claim"] == ""]
    assert_same_attention(*(frame[of_top] for frame in traced))


def test_stages_one_by_one_give_the_bits_of_a_run(demo_run: Path, tmp_path: Path) -> None:
    config = demo_config(tmp_path / "run")
    run_annotate(config, QUIET)
    run_measure(config, QUIET)
    merge_run(config.out, QUIET)
    assert outputs(Path(config.out)) == outputs(demo_run)


def test_measuring_without_annotations_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"not annotated.*run `attnmetrics annotate`"):
        run_measure(demo_config(tmp_path / "run"), QUIET)


def test_merging_what_is_not_measured_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no measured run"):
        merge_run(locate(tmp_path), QUIET)


def test_a_finished_run_is_left_as_it_is(demo_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "open_engine", lambda *_: pytest.fail("an engine was started"))
    facts = read_facts(locate(demo_run))
    assert facts is not None
    assert run(RunConfig(**facts["configuration"]), QUIET) == facts


def test_outputs_that_are_gone_are_written_anew(tmp_path: Path) -> None:
    config = demo_config(tmp_path / "run", max_documents=2, layers=(0,))
    run(config, QUIET)
    before = outputs(Path(config.out))
    (Path(config.out) / "exemplars.parquet").unlink()
    run(config, QUIET)
    assert outputs(Path(config.out)) == before
    damaged = sorted((Path(config.out) / "passages").iterdir())[0]
    damaged.write_bytes(b"")
    with pytest.raises(StoreError, match=r"is damaged.*measures it anew"):
        merge_run(config.out, QUIET)
    run(config, QUIET)
    assert outputs(Path(config.out)) == before


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("seed", 1, "seed: 0 there, 1 now"),
        ("batch_pieces", 100, "batch_pieces: None there, 100 now"),
        ("max_documents", 7, "corpus digest"),
        ("layers", (0,), "layers: None there"),
    ],
)
def test_another_configuration_is_refused_by_name(demo_run: Path, option: str, value: object, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        run(demo_config(demo_run, **{option: value}), QUIET)


def test_a_slip_that_shows_before_the_model_is_there_can_be_corrected(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="99"):
        run(demo_config(tmp_path / "run", layers=(99,)), QUIET)
    assert run(demo_config(tmp_path / "run", layers=(0,)), QUIET)["configuration"]["layers"] == [0]


@pytest.mark.parametrize("field", ["sample_sentences", "metric_sentences"])
def test_a_sample_larger_than_the_corpus_is_told(
    tmp_path: Path, field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = run(demo_config(tmp_path / "run", max_documents=1, **{field: 5000}), Reporter(quiet=True))
    told = " ".join(capsys.readouterr().err.split())
    flag = field.replace("_", "-")
    assert f"expected 5,000 sentences for --{flag}, found {facts['counts']['sentences']} to measure" in told


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(StoreError, match=r"is no run: it holds thesis\.tex"):
        run(demo_config(tmp_path), QUIET)


@pytest.mark.parametrize("content", ["{bad", "[]", '{"mine": 1}'])
def test_a_record_that_is_not_ours_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    for use in (
        lambda folder, _: merge_run(locate(folder), QUIET),
        lambda folder, _: progress_of(locate(folder)),
        lambda folder, _: run(demo_config(folder), QUIET),
    ):
        with pytest.raises(StoreError, match=r"run\.json .*give another --out, or remove the folder"):
            use(tmp_path, QUIET)
    assert (tmp_path / "run.json").read_text() == content


@pytest.mark.parametrize("other", [None, 1, 99])
def test_a_run_of_another_format_is_refused_with_what_to_do(demo_run: Path, tmp_path: Path, other: int | None) -> None:
    facts = json.loads((demo_run / "run.json").read_text()) | {"format": other, "attnmetrics": "0.1.0"}
    if other is None:
        del facts["format"]  # as the first versions wrote it
    (tmp_path / "run.json").write_text(json.dumps(facts))
    refused = pytest.raises(StoreError, match=r"version of attnmetrics \(0\.1\.0\): .*give another --out, or remove")
    with refused:
        progress_of(locate(tmp_path))
    with refused:
        merge_run(locate(tmp_path), QUIET)
    with refused:
        run(demo_config(tmp_path), QUIET)
    with refused:
        attnmetrics.load(tmp_path)


def test_a_run_with_other_options_is_not_merged(demo_run: Path, tmp_path: Path) -> None:
    facts = read_facts(locate(demo_run))
    assert facts is not None
    facts["configuration"]["former_option"] = 1
    write_facts(locate(tmp_path), facts)
    with pytest.raises(ConfigError, match=r"run\.json: .*\n *former_option: no such field"):
        merge_run(locate(tmp_path), QUIET)


def test_shards_of_an_unknown_run_are_not_taken(tmp_path: Path) -> None:
    (tmp_path / "commits").mkdir()
    (tmp_path / "commits" / "000000.json").write_text("{}")
    with pytest.raises(StoreError, match=r"no run\.json says of which run"):
        run(demo_config(tmp_path), QUIET)


def test_another_device_is_refused_by_name(tmp_path: Path) -> None:
    """`--device auto` may find another one when a run goes on."""
    config = demo_config(tmp_path / "run", max_documents=1)
    run_annotate(config, QUIET)
    run_measure(config, QUIET)
    facts = read_facts(config.out)
    assert facts is not None
    write_facts(config.out, facts | {"identity": facts["identity"] | {"model's device": "cuda"}})
    with pytest.raises(StoreError, match="model's device: 'cuda' there, 'cpu' now"):
        run(config, QUIET)


def test_an_interrupted_run_goes_on_from_committed_shards(
    demo_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = demo_config(tmp_path / "run")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Worker, "measure", failing_at(2, KeyboardInterrupt, 1))
        run(config, QUIET)
    measured: list[int] = []
    measure = Worker.measure
    monkeypatch.setattr(Worker, "measure", lambda *args: measured.append(args[1].index) or measure(*args))
    facts = run(config, QUIET)
    assert measured == list(range(2, facts["corpus"]["shards"]))
    assert outputs(Path(config.out)) == outputs(demo_run)


def test_a_run_is_not_finished_before_its_outputs_can_be_opened(
    demo_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(demo_run, tmp_path / "run")
    monkeypatch.setattr("attnmetrics.running.outputs.save_exemplars", lambda frame, place: place.remove())
    with pytest.raises(StoreError, match=r"exemplars\.parquet"):
        merge_run(locate(folder), QUIET)
    assert read_facts(locate(folder))["status"] == "unfinished"


def test_a_shard_that_fails_twice_is_tried_again(
    demo_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Worker, "measure", failing_at(1, lambda: RuntimeError("bad luck"), engine.TRIES - 1))
    run(demo_config(tmp_path / "run"), QUIET)
    assert outputs(tmp_path / "run") == outputs(demo_run)


def test_a_shard_that_always_fails_is_put_aside_and_can_be_completed(
    demo_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = demo_config(tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(Worker, "measure", failing_at(1, lambda: RuntimeError("poison"), engine.TRIES))
        with pytest.raises(ShardError, match="shard 1, measure: RuntimeError: poison"):
            run(config, QUIET)
    facts = json.loads((Path(config.out) / "run.json").read_text())
    (missing,) = facts["missing"]
    assert (missing["shard"], missing["stage"], missing["reason"]) == (1, "measure", "RuntimeError: poison")
    assert (missing["first_document"], missing["documents"]) == (3, 3)
    assert facts["status"] == "unfinished"
    assert not (Path(config.out) / "results.zarr").exists()
    assert run(config, QUIET)["missing"] == []
    assert outputs(Path(config.out)) == outputs(demo_run)


def test_damaged_shards_are_measured_anew(demo_run: Path, tmp_path: Path) -> None:
    config = demo_config(tmp_path / "run")
    run_annotate(config, QUIET)
    run_measure(config, QUIET)
    chunk = Path(config.out) / "shards.zarr" / "state" / "c.1.0"
    chunk.write_bytes(chunk.read_bytes()[:-9])
    run(config, QUIET)
    assert outputs(Path(config.out)) == outputs(demo_run)


def test_annotations_that_are_not_there_in_the_end_are_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attnmetrics.engine.worker.cache.write", lambda *_, **__: None)
    with pytest.raises(StoreError, match=r"2 of 2 shards were annotated, but .*annotations does not hold them"):
        run_annotate(demo_config(tmp_path / "run", max_documents=2, shard_characters=1000), QUIET)


def test_shards_that_were_measured_and_are_not_there_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a node that has another disk at the path of the run's folder."""
    config = demo_config(tmp_path / "run", max_documents=2, shard_characters=1000, layers=(0,))
    write = Store.write
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", lambda store, commit, content: commit.shard and write(store, commit, content))
        with pytest.raises(StoreError, match=r"1 of 2 shards were measured, but .*run does not hold them"):
            run(config, QUIET)
    assert not (tmp_path / "run" / "results.zarr").exists()
    assert run(config, QUIET)["status"] == "finished"


@pytest.mark.cluster
def test_a_dead_actor_costs_nothing(demo_run: Path, tmp_path: Path, ray_session: None) -> None:
    from attnmetrics.engine.ray import RayEngine

    class Deadly(RayEngine):
        killed = False

        def _collect(self, backlog):  # type: ignore[no-untyped-def]
            if not self.killed and self._actors[-1].calls:
                import ray

                Deadly.killed = True
                ray.kill(self._actors[-1].handle)
            yield from super()._collect(backlog)

    config = demo_config(tmp_path / "run", engine="ray", workers=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attnmetrics.engine.ray.RayEngine", Deadly)
        run(config, QUIET)
    assert Deadly.killed
    assert outputs(Path(config.out)) == outputs(demo_run)


def test_a_second_model_parses_nothing(demo_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where spaCy cannot be imported."""
    monkeypatch.setitem(sys.modules, "spacy", None)
    monkeypatch.setattr("attnmetrics.annotation.spacy.load_pipeline", lambda *_: pytest.fail("a pipeline was loaded"))
    out = tmp_path / "second"
    run(demo_config(out, annotations=demo_run / "annotations", layers=(0,)), QUIET)
    first, second = attnmetrics.load(demo_run), attnmetrics.load(out)
    assert second["layer"].values.tolist() == [0]
    assert_close(
        second[["pos_to", "entropy", "variability"]], first[["pos_to", "entropy", "variability"]].sel(layer=[0])
    )
    assert not (out / "annotations").exists()


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of ten sentences."""
    out = tmp_path_factory.mktemp("sampled") / "ten"
    run(demo_config(out, sample_sentences=10, exemplars=100), QUIET)
    return out


class TestSampling:
    def keys(self, folder: Path) -> set[tuple[str, int]]:
        """(document, sentence) of all exemplars: with many places, all sentences that were measured."""
        frame = attnmetrics.exemplars(folder)
        return set(zip(frame["document"], frame["sentence"], strict=True))

    def test_exactly_n_whatever_the_shards(self, tmp_path: Path) -> None:
        runs, shards = {}, []
        for characters in (1500, 5000):
            out = tmp_path / str(characters)
            config = demo_config(out, sample_sentences=20, shard_characters=characters, exemplars=100, seed=5)
            facts = run(config, QUIET)
            assert facts["counts"]["sentences"] == 20
            shards.append(facts["corpus"]["shards"])
            runs[characters] = out
        assert shards[0] > shards[1] > 1
        assert len(self.keys(runs[1500])) == 20
        assert self.keys(runs[1500]) == self.keys(runs[5000])
        assert_close(attnmetrics.load(runs[1500]), attnmetrics.load(runs[5000]))

    def test_another_seed_is_another_sample(self, ten: Path, tmp_path: Path) -> None:
        run(demo_config(tmp_path / "run", sample_sentences=10, exemplars=100, seed=1), QUIET)
        assert len(self.keys(tmp_path / "run")) == len(self.keys(ten)) == 10
        assert self.keys(tmp_path / "run") != self.keys(ten)

    def test_metrics_from_fewer_sentences_than_exemplars(self, ten: Path, tmp_path: Path) -> None:
        both = tmp_path / "both"
        facts = run(demo_config(both, sample_sentences=30, metric_sentences=10, exemplars=100), QUIET)
        assert (facts["counts"]["sentences"], facts["counts"]["exemplar_sentences"]) == (10, 30)
        assert_close(attnmetrics.load(both), attnmetrics.load(ten))
        assert self.keys(ten) < self.keys(both)

    def test_what_is_not_sampled_is_counted(self, ten: Path, demo_run: Path) -> None:
        facts, everything = (json.loads((folder / "run.json").read_text()) for folder in (ten, demo_run))
        counted = facts["left_out"]["sentences_not_sampled"] + facts["counts"]["exemplar_sentences"]
        assert counted == everything["counts"]["sentences"] > facts["counts"]["exemplar_sentences"]


class TestVariability:
    def test_an_equal_number_from_every_shard(self, demo_run: Path, tmp_path: Path) -> None:
        shards = json.loads((demo_run / "run.json").read_text())["corpus"]["shards"]
        facts = run(demo_config(tmp_path / "run", variability_sentences=2 * shards + 1), QUIET)
        results = attnmetrics.load(tmp_path / "run")
        assert results["variability_sentences"] == facts["counts"]["prefix_sentences"] == 2 * shards
        assert results["sentences"] > 2 * shards
        everything = attnmetrics.load(demo_run)
        assert everything["variability_sentences"] == everything["sentences"]
        assert_close(results.drop_vars(VARIABILITY), everything.drop_vars(VARIABILITY))
        assert np.abs(results["variability"] - everything["variability"]).max() > 1e-3

    def test_fewer_than_one_a_shard_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="at least one variability sentence for each of"):
            run(demo_config(tmp_path / "run", variability_sentences=1), QUIET)

    def test_fewer_than_one_a_short_shard_is_refused_before_measuring(self, tmp_path: Path) -> None:
        corpus = tmp_path / "short.txt"
        corpus.write_text("It rains.\n\nShe reads.\n\nWe sleep.\n")
        options = {"corpus": corpus, "text_documents": "blank-line", "shard_characters": 1, "variability_sentences": 2}
        with pytest.raises(ConfigError, match="at least one variability sentence for each of 3 shards"):
            run(demo_config(tmp_path / "run", **options), QUIET)
        assert not (tmp_path / "run" / "commits").exists()


VARIABILITY = ["variability", "variability_by_layer", "variability_sentences"]


def test_the_record_of_a_run_is_whole(demo_run: Path) -> None:
    facts = json.loads((demo_run / "run.json").read_text())
    assert facts["status"] == "finished"
    assert set(facts["configuration"]) == set(RunConfig.model_fields)
    assert facts["model"]["class"] == "GPT2Model"
    assert facts["model"]["causal"] is True
    assert set(facts["versions"]) >= {"torch", "transformers", "spacy", "zarr", "python"}
    results = attnmetrics.load(demo_run)
    assert facts["counts"]["sentences"] == results["sentences"]
    assert facts["counts"]["pieces"] == results["pieces"]
    assert facts["units"] == results["sentences"]
    assert set(facts["seconds"]) == {"plan", "count_units", "measure", "trace", "merge"}
    assert facts["peak_memory_bytes"]["worker"] > 10**8


def test_exemplars_are_what_they_say(demo_run: Path) -> None:
    frame = attnmetrics.exemplars(demo_run)
    results = attnmetrics.load(demo_run)
    heads = results.sizes["layer"] * results.sizes["head"]
    assert list(frame.columns) == [
        "layer",
        "head",
        "claim",
        "bucket",
        "rank",
        "weight",
        "document",
        "sentence",
        "i",
        "j",
        "text",
        "pieces",
        "right",
    ]
    frame = frame[(frame["claim"] == "") & (frame["bucket"] == "top")]
    assert len(frame) == heads * 5
    texts = {record["text"] for record in map(json.loads, CORPORA["demo"].read_text().splitlines())}
    for row in frame.itertuples():
        assert 0 < row.weight <= 1
        assert 0 < row.j <= row.i < len(row.pieces)
        assert any(row.text in text for text in texts)
    by_head = frame.groupby(["layer", "head"])
    assert all(by_head["rank"].apply(list).map(lambda ranks: ranks == [1, 2, 3, 4, 5]))
    assert by_head["weight"].apply(lambda weights: weights.is_monotonic_decreasing).all()
    assert not by_head["text"].apply(lambda column: column.duplicated().any()).any()
    assert isinstance(frame, pd.DataFrame)


def test_nothing_left_to_measure_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "blank.txt").write_text(" \n \n")
    with pytest.raises(CorpusError):
        run(demo_config(tmp_path / "run", corpus=str(tmp_path / "blank.txt")), QUIET)


def test_python_gives_a_dataset(tmp_path: Path) -> None:
    results = attnmetrics.run(
        model="demo", corpus="demo", out=tmp_path / "run", max_documents=2, engine="inline", layers="0"
    )
    assert results["pos_to"].dims == ("layer", "head", "pos")
    assert results["distance"].attrs["units"] == "pieces"
