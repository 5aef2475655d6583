"""Tables without the shards that failed say so, are right for the rest, and become whole later."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from checks import assert_close, outputs
from conftest import DEMO_DOCUMENTS, demo_config
from damage import failing_at
from pages import page_data

import attnmetrics
from attnmetrics import engine
from attnmetrics.assets import CORPORA
from attnmetrics.cli import EXIT_SHARDS_MISSING, main
from attnmetrics.engine.worker import Worker
from attnmetrics.errors import ShardError, StoreError
from attnmetrics.running.driver import progress_of, run
from attnmetrics.running.merging import merge_run
from attnmetrics.running.progress import Reporter
from attnmetrics.storage import locate

QUIET = Reporter(quiet=True)

pytestmark = pytest.mark.usefixtures("loaded_once")

MISSING = range(3, 6)
"""The documents of shard 1."""


def poison(patch: pytest.MonkeyPatch) -> None:
    """Let shard 1 fail on every try."""
    patch.setattr(Worker, "measure", failing_at(1, lambda: RuntimeError("poison"), engine.TRIES))


def reported(folder: Path) -> str:
    return json.dumps(page_data((folder / "report" / "index.html").read_text(encoding="utf-8"))[0])


def test_tables_without_a_shard_say_so_and_are_completed_later(
    demo_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        poison(patch)
        facts = run(demo_config(folder, allow_missing=True), Reporter(quiet=True))
    shards = facts["corpus"]["shards"]
    assert facts["status"] == "incomplete"
    (entry,) = facts["missing"]
    assert (entry["shard"], entry["reason"]) == (1, "RuntimeError: poison")
    assert range(entry["first_document"], entry["first_document"] + entry["documents"]) == MISSING
    assert f"1 of {shards} shards are missing" in capsys.readouterr().err

    found = attnmetrics.load(folder)
    assert found.attrs["shards_missing"] == f"1 of {shards}"
    with (folder / "tables" / "corpus.csv").open(newline="") as file:
        assert {row[0]: row[1] for row in csv.reader(file)}["shards_missing"] == f"1 of {shards}"
    assert "shards missing" in reported(folder) and "RuntimeError: poison" in reported(folder)
    assert '["status", "incomplete"]' in reported(folder)

    records = CORPORA["demo"].read_text().splitlines()[:DEMO_DOCUMENTS]
    rest = tmp_path / "rest.jsonl"
    rest.write_text("\n".join(line for index, line in enumerate(records) if index not in MISSING))
    run(demo_config(tmp_path / "rest", corpus=rest), QUIET)
    assert_close(found, attnmetrics.load(tmp_path / "rest"))

    assert run(demo_config(folder), QUIET)["missing"] == []
    assert outputs(folder) == outputs(demo_run)
    assert "shards missing" not in reported(folder)
    assert '["status", "finished"]' in reported(folder)


def test_what_there_is_of_a_run_can_be_merged(tmp_path: Path, demo_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(ShardError, match="--allow-missing makes tables without them"):
        poison(patch)
        run(demo_config(folder), QUIET)
    with pytest.raises(StoreError, match=r"shards of .* are measured"):
        merge_run(locate(folder), QUIET)
    facts = merge_run(locate(folder), QUIET, allow_missing=True)
    assert [entry["shard"] for entry in facts["missing"]] == [1]
    assert attnmetrics.load(folder).attrs["shards_missing"].startswith("1 of ")
    assert progress_of(locate(folder)).measured == facts["corpus"]["shards"] - 1


def test_nothing_can_be_made_of_no_shard_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no device")

    monkeypatch.setattr(Worker, "measure", fail)
    with pytest.raises(ShardError, match="RuntimeError: no device"):
        run(demo_config(tmp_path / "run", allow_missing=True), QUIET)


def test_a_sample_needs_all_annotations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("poison")

    monkeypatch.setattr(Worker, "annotate", fail)
    with pytest.raises(ShardError, match=r"samples and names are drawn from all sentences: .*$") as error:
        run(demo_config(tmp_path / "run", allow_missing=True, sample_sentences=5), QUIET)
    assert "--allow-missing makes" not in str(error.value)


def test_outputs_in_the_making_are_not_loaded(tmp_path: Path, demo_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    shutil.copytree(demo_run, folder)
    chunk = folder / "shards.zarr" / "state" / "c.1.0"
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[:-1])
    with pytest.raises(StoreError, match="shard 1 of"):
        merge_run(locate(folder), QUIET)
    assert attnmetrics.load(folder).identical(attnmetrics.load(demo_run))  # a merge that fails leaves what there was

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    chunk.write_bytes(whole)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("attnmetrics.running.outputs.save_exemplars", stop)
        merge_run(locate(folder), QUIET)
    for use in (attnmetrics.load, attnmetrics.exemplars):
        with pytest.raises(StoreError, match=f"{folder} is unfinished"):
            use(folder)


def test_exit_codes_tell_missing_shards_from_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = demo_config(tmp_path / "run").model_dump(mode="json", exclude_defaults=True, exclude={"corpus"})
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]

    def code(*more: str) -> int | str | None:
        with monkeypatch.context() as patch, pytest.raises(SystemExit) as end:
            poison(patch)
            main(["run", "--corpus=demo", *flags, *more])
        return end.value.code

    assert code() == EXIT_SHARDS_MISSING == 3
    assert "shard 1, measure: RuntimeError: poison" in capsys.readouterr().err
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "unfinished"
    assert code("--allow-missing") == 0
    assert "shards are missing" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        main(["status", str(tmp_path / "run")])
    said = " ".join(capsys.readouterr().out.split())
    assert not end.value.code and "incomplete" in said and "to try again what is missing" in said
