"""`attnmetrics importance`: a stage on a measured run, the same bits whatever the engine and the interruptions."""

import json
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from conftest import demo_config
from damage import flip
from models import save_model
from pyarrow import parquet as pq
from shards import annotate, read

import attnmetrics
from attnmetrics.assets import CORPORA, MODELS
from attnmetrics.cli import main
from attnmetrics.engine.worker import Worker
from attnmetrics.errors import ConfigError, CorpusError, ModelError, ShardError, StoreError
from attnmetrics.measuring.importance import measure_importance
from attnmetrics.measuring.predicting import Predicting
from attnmetrics.metrics.importance import Layout, compute
from attnmetrics.model import language
from attnmetrics.model.load import load_model
from attnmetrics.running import outputs
from attnmetrics.running.driver import run, run_importance, run_measure
from attnmetrics.running.importance import Options
from attnmetrics.running.merging import merge_run
from attnmetrics.running.progress import Reporter
from attnmetrics.statistics.sampling import sample_hash
from attnmetrics.storage import Location, locate

QUIET = Reporter(quiet=True)
SOME = Options(units=9)
SENTENCES = ("Nobody knew .", "The bridge was built by two brothers , and then it was destroyed .", "Stop !")

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Heads are loaded once; the report has tests of its own; a table that is there already stays."""
    save = outputs.save

    def save_new(results: xr.Dataset, path: Location) -> None:
        if path.name == "importance.zarr" or not path.exists():
            save(results, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outputs, "save", save_new)
        patch.setattr(language, "load_language_model", cache(language.load_language_model))
        patch.setattr("attnmetrics.running.outputs.write_report", lambda *arguments: None)
        yield


@pytest.fixture(scope="module")
def measured(demo_run: Path, tmp_path_factory: pytest.TempPathFactory, quick: None) -> Path:
    """A finished run whose importance is measured; not to be written to."""
    folder = Path(shutil.copytree(demo_run, tmp_path_factory.mktemp("runs") / "measured"))
    facts = run_importance(locate(folder), SOME, QUIET)
    assert facts["status"] == "finished" and len(facts["importance"]["shards"]) > 2
    return folder


@pytest.fixture
def copy(measured: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(measured, tmp_path / "run"))


def bits(folder: Path) -> dict[str, bytes]:
    """Of all that importance left there."""
    found = [*(folder / "importance").rglob("*"), *(folder / "importance.zarr").rglob("*")]
    paths = [path for path in [*found, *(folder / "tables").rglob("*")] if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def conllu(words: str) -> str:
    rows = [f"{n + 1}\t{word}\t_\tX\t_\t_\t{n}\tdep\t_\t_" for n, word in enumerate(words.split())]
    return "\n".join([*rows, "", ""])


def annotated(folder: Path) -> list[dict]:
    """The annotated sentences of a run: document, sentence, text."""
    tables = (pq.read_table(path) for path in (folder / "annotations").rglob("*.parquet"))
    rows = [row for table in tables for row in table.select(["document", "sentence", "text"]).to_pylist()]
    return sorted(rows, key=lambda row: (row["document"], row["sentence"]))


def counted(monkeypatch: pytest.MonkeyPatch, fail: Callable[[int], BaseException | None] = lambda _: None) -> list[int]:
    """The shards whose importance is measured from now on; `fail` says what is raised instead."""
    done: list[int] = []
    measure = Worker.importance

    def note(self: Worker, shard: object, *given: object) -> object:
        if (error := fail(shard.index)) is not None:  # type: ignore[attr-defined]
            raise error
        done.append(shard.index)  # type: ignore[attr-defined]
        return measure(self, shard, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Worker, "importance", note)
    return done


def test_the_sample_is_of_the_whole_corpus_by_hash(demo_run: Path, measured: Path) -> None:
    found = attnmetrics.importance(measured)
    rows = annotated(demo_run)
    rows.sort(key=lambda row: sample_hash(0, row["document"], row["sentence"]))
    model = language.load_language_model(load_model(str(MODELS["demo"])))
    units = read(annotate(tuple(row["text"] for row in rows[: SOME.units])), model.model)
    layout = Layout(model.model.layers, model.model.heads, "test")
    state = measure_importance(units, np.arange(len(units)), model, Predicting(None, "mean", 0), layout)
    for name, table in compute(state.sums).items():
        np.testing.assert_allclose(found[name], table, rtol=1e-4, atol=1e-9, err_msg=name)
    assert found["importance_units"] + found["importance_units_without_loss"] == SOME.units


def test_the_table_says_what_it_is_and_is_in_the_csv(measured: Path) -> None:
    found = attnmetrics.importance(measured)
    table = found["importance"]
    assert table.dims == ("layer", "head", "special", "kind")
    assert table["special"].values.tolist() == ["first", "separator", "punctuation", "other"]
    assert table["kind"].values.tolist() == ["raw", "centred", "weighted"]
    assert (table.attrs["units"], found.attrs["loss"]) == ("nats", "mean")
    assert np.isnan(table.sel(special="separator")).all() and (table.sel(special="other") > 0).all()
    assert (
        (measured / "tables" / "importance.csv").read_text().startswith("layer,head,special,kind,importance\n0,0,first")
    )
    with xr.open_zarr(measured / "importance.zarr") as stored:
        assert stored["importance_loss"].attrs["formula"]
    facts = json.loads((measured / "run.json").read_text())
    assert (facts["importance"]["dtype"], facts["importance"]["masking"]) == ("float32", None)
    assert facts["seconds"]["importance"] > 0 and "importance.zarr" in facts["outputs"]


def test_the_command_prints_it_and_show_does_again(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["importance", str(copy), "--units", "9", "--engine", "inline"])
    printed = capsys.readouterr().out
    loss = attnmetrics.importance(copy)["importance_loss"].item()
    assert f"mean loss {loss:.3g} nats" in printed and "report: " in printed
    with pytest.raises(SystemExit, match="0"):
        main(["show", str(copy), "importance"])
    shown = capsys.readouterr().out
    assert shown.strip() and shown in printed


def test_a_run_without_it_says_how_to_have_it(demo_run: Path) -> None:
    with pytest.raises(StoreError, match=r"found none; `attnmetrics importance .*` measures it"):
        attnmetrics.importance(demo_run)


@pytest.mark.cluster
def test_ray_gives_the_bits_of_inline(demo_run: Path, measured: Path, tmp_path: Path, ray_session: None) -> None:
    folder = Path(shutil.copytree(demo_run, tmp_path / "run"))
    run_importance(locate(folder), SOME, QUIET, engine="ray", workers=2)
    assert bits(folder) == bits(measured)


def test_what_was_interrupted_goes_on(
    demo_run: Path, measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(demo_run, tmp_path / "run"))
    before = (folder / "run.json").read_bytes()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        counted(patch, lambda shard: KeyboardInterrupt() if shard == 1 else None)
        run_importance(locate(folder), SOME, QUIET)
    assert (folder / "run.json").read_bytes() == before and not (folder / "importance.zarr").exists()
    done = counted(monkeypatch)
    shards = run_importance(locate(folder), SOME, QUIET)["corpus"]["shards"]
    assert done == list(range(1, shards))
    assert bits(folder) == bits(measured)


def test_sums_that_are_damaged_are_measured_anew(
    measured: Path, copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = sorted((copy / "importance").rglob("*.zst"))[1]
    flip(file, 0.7)
    merge_run(locate(copy), QUIET)
    assert "importance of attention in 1 of" in capsys.readouterr().err
    assert not (copy / "tables" / "importance.csv").exists()
    done = counted(monkeypatch)
    run_importance(locate(copy), SOME, QUIET)
    assert done == [1]
    assert bits(copy) == bits(measured)


@pytest.mark.cluster
def test_a_table_that_is_damaged_is_written_anew_with_the_others(measured: Path, copy: Path) -> None:
    flip(next((copy / "importance.zarr" / "importance").glob("c.*")), 0.5)
    with pytest.raises(StoreError, match=r"importance\.zarr is damaged"):
        attnmetrics.importance(copy)
    run(demo_config(copy), QUIET)
    assert bits(copy) == bits(measured)


@pytest.mark.cluster
def test_another_sample_is_measured_apart(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = counted(monkeypatch)
    facts = run_importance(locate(copy), Options(units=3, loss="sum"), QUIET)
    assert done == facts["importance"]["shards"]
    found = attnmetrics.importance(copy)
    assert found["importance_units"] <= 3 and found.attrs["loss"] == "sum"
    assert len(list((copy / "importance").iterdir())) == 2


def test_a_shard_that_fails_is_named(demo_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(shutil.copytree(demo_run, tmp_path / "run"))
    counted(monkeypatch, lambda shard: RuntimeError("bad luck") if shard == 2 else None)
    with pytest.raises(ShardError, match="shard 2, importance: RuntimeError: bad luck"):
        run_importance(locate(folder), Options(units=2), QUIET)
    assert json.loads((folder / "run.json").read_text())["status"] == "finished"


def test_windows_are_drawn_by_hash_too(demo_run: Path, tmp_path: Path) -> None:
    folder, size, number = tmp_path / "run", 32, 4
    options = {"annotations": demo_run / "annotations", "unit": f"window:{size}", "layers": "0", "exemplars": 0}
    facts = run_measure(demo_config(folder, **options), QUIET)
    assert facts["corpus"]["shards"] > 1
    facts = run_importance(locate(folder), Options(units=number), QUIET)
    found = attnmetrics.importance(folder)
    assert facts["status"] == "finished" and found.attrs["unit"] == f"window:{size}"

    texts: dict[str, list[str]] = {}
    for row in annotated(demo_run):
        texts.setdefault(row["document"], []).append(row["text"])
    tokenizer, windows = load_model(str(MODELS["demo"])).tokenizer, []
    for document in texts:
        pieces = len(tokenizer.encode(" ".join(texts[document])).ids)
        lengths = [min(size, pieces - begin) for begin in range(0, pieces, size)]
        windows += [(sample_hash(0, document, place), length) for place, length in enumerate(lengths)]
    assert len(windows) > number
    sample = [length for _, length in sorted(windows)[:number]]
    assert int(found["importance_units"]) == number
    assert int(found["importance_predicted"]) == sum(sample) - number
    assert int(found["importance_pairs"].sum()) == sum(length * (length - 1) // 2 for length in sample)


# ---- models that read both ways, and what is refused


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory, quick: None) -> Path:
    """A run of a small BERT."""
    folder = tmp_path_factory.mktemp("masked")
    model, text = save_model(folder / "bert", "bert", layers=2), folder / "text.conllu"
    text.write_text("".join(map(conllu, SENTENCES)))
    run(demo_config(folder / "run", model=str(model), corpus=str(text), exemplars=0), QUIET)
    return folder / "run"


def test_a_model_that_reads_both_ways_predicts_what_is_hidden(masked: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(masked, tmp_path / "run"))
    facts = run_importance(locate(folder), Options(), QUIET)
    found = attnmetrics.importance(folder)
    assert facts["importance"]["masking"] == found.attrs["masking"] == "mask"
    first, last = found["importance_pairs"].sum("special").values.tolist()
    assert 0 < last < first
    assert (found["importance"].sel(special=["first", "separator", "punctuation"]) > 0).all()
    every = run_importance(locate(folder), Options(masking="none"), QUIET)
    assert every["importance"]["masking"] == "none"
    pieces = int(found["importance_predicted"])
    assert int(attnmetrics.importance(folder)["importance_predicted"]) > 5 * pieces > 0


def test_a_causal_model_is_not_masked(demo_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(demo_run, tmp_path / "run"))
    with pytest.raises(ConfigError, match=r"is causal, and predicts the next piece.*leave out --mlm"):
        run_importance(locate(folder), Options(masking="mask"), QUIET)


def test_a_run_that_is_not_measured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no measured run"):
        run_importance(locate(tmp_path), Options(), QUIET)


def test_another_corpus_or_model_is_refused(masked: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(masked, tmp_path / "run"))
    file = folder / "run.json"
    facts = json.loads(file.read_text())
    facts.pop("seal")
    for name, changed in (("corpus", [str(CORPORA["demo"])]), ("model", "demo")):
        options = facts["configuration"] | {name: changed}
        file.write_text(json.dumps(facts | {"configuration": options}))
        with pytest.raises(StoreError, match=f"(?s)another configuration.*{name}"):
            run_importance(locate(folder), Options(), QUIET)


def test_without_its_head_a_model_is_refused_before_anything_is_measured(
    masked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, done = Path(shutil.copytree(masked, tmp_path / "run")), counted(monkeypatch)

    def refuse(*_: object) -> None:
        raise ModelError("no head")

    monkeypatch.setattr(language, "load_language_model", refuse)
    with pytest.raises(ModelError, match="no head"):
        run_importance(locate(folder), Options(), QUIET)
    assert done == [] and not (folder / "importance").exists()


def test_units_in_which_nothing_is_predicted_make_no_table(
    demo_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(demo_run, tmp_path / "run"))
    monkeypatch.setattr("attnmetrics.measuring.importance.set_targets", nothing_to_predict)
    with pytest.raises(CorpusError, match="has a piece that is predicted"):
        run_importance(locate(folder), Options(units=2), QUIET)
    assert json.loads((folder / "run.json").read_text())["status"] == "finished"


def nothing_to_predict(units, rows, model, how):  # type: ignore[no-untyped-def]
    from attnmetrics.measuring.predicting import Targets

    return Targets(units.pieces.ids, np.full(len(units.pieces.ids), -1))
