"""Runs compared by the command and from Python, from their folders alone; what is no finished run is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import attnmetrics
from attnmetrics.cli import main
from attnmetrics.running.runfile import FORMAT, read_facts, write_facts
from attnmetrics.storage import locate

KEPT = (
    "results.zarr", "intervals.zarr", "roles.parquet", "shards.zarr", "prefix", "commits", "run.json",
    "exemplars.parquet", "exemplar_attention.parquet",
)  # fmt: skip
"""Of a run's folder, what a comparison needs."""


@pytest.fixture(autouse=True)
def few_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """All take long to write."""
    names = ["null_attention", "entropy", "pos_to", "pos_to_by_layer", "distance_sd"]
    monkeypatch.setattr("attnmetrics.comparing.compare.comparable", lambda sides: names)


@pytest.fixture
def tuned(demo_run: Path, tmp_path: Path) -> Path:
    """The same run again, in another folder, without its texts."""
    copy = tmp_path / "tuned"
    copy.mkdir()
    for name in KEPT:
        path = demo_run / name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, copy / name)
    return copy


def change(run: Path, **facts: object) -> None:
    known = read_facts(locate(run))
    assert known is not None
    write_facts(locate(run), known | facts)


def compare(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """The exit code, and what is printed."""
    with pytest.raises(SystemExit) as ended:
        main(["compare", *map(str, arguments)])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out + told.err


def test_two_runs_are_compared(
    demo_run: Path, tuned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    code, told = compare(capsys, demo_run, tuned, "--axis", "step=1,2")
    folder = tmp_path / "comparison-demo-run-tuned"
    assert code == 0
    assert f"comparison: {folder}" in told
    assert "tuned against demo-run: 36 heads, the same documents" in told
    assert "expected 8 shards or more" in " ".join(told.split())
    data = attnmetrics.load_comparison(folder)
    assert data["step"].values.tolist() == [1.0, 2.0]
    assert data["paired"].values.tolist() == [True, True]
    results = attnmetrics.load(demo_run)
    np.testing.assert_array_equal(data["entropy"].values, [results["entropy"].values] * 2)
    assert (data["entropy_difference"].values == 0).all()
    with pytest.raises(SystemExit):
        main(["show", str(folder), "entropy", "--top", "1"])
    assert "no head differs clearly" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("nothing", "expected the folder of a run at {run}, found no run.json in it"),
        ("file", "{run}: expected a folder, found a file; give another folder"),
        ("twice", "expected each run once, found {demo} 2 times"),
        ("one", "expected two runs or more to compare, found 1"),
        ("unfinished", "{run} is unfinished: expected a run that is merged"),
        ("unmerged", "expected results at {run}/results.zarr, found none"),
        ("older", "is of another version of attnmetrics (0.1.0): expected format"),
        ("damaged", "{run}/results.zarr is damaged"),
        ("gone", "0 of {shards} shards of {run} are measured"),
        ("unit", "unit: sentence in demo-run, window:64 in tuned"),
        ("null", "null pieces: first in demo-run, none in tuned"),
        ("heads", "heads of a layer: 6 in demo-run, 7 in tuned"),
        ("axis", "a value of step for each of 2 runs, in the order of the runs, found 3"),
        ("out", "exists and is no comparison"),
    ],
)
def test_what_cannot_be_compared(
    what: str, said: str, demo_run: Path, tuned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = read_facts(locate(tuned)) or {}
    spoil(tuned, what)
    runs = [demo_run, *{"twice": [demo_run], "one": []}.get(what, [tuned])]
    axis = ["--axis", "step=1,2,3"] if what == "axis" else []
    out = demo_run if what == "out" else tmp_path / "out"
    code, told = compare(capsys, *runs, "--out", out, *axis)
    assert code == 1
    assert said.format(run=tuned, demo=demo_run, shards=facts["corpus"]["shards"]) in told
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


def spoil(run: Path, what: str) -> None:
    """Make a run one that cannot be compared."""
    facts = read_facts(locate(run)) or {}
    if what == "nothing":
        (run / "run.json").unlink()
    elif what == "file":
        shutil.rmtree(run)
        run.write_text("no run")
    elif what == "unfinished":
        change(run, status="unfinished")
    elif what == "unmerged":
        shutil.rmtree(run / "results.zarr")
    elif what == "older":
        text = json.dumps({**facts, "format": FORMAT - 1})
        (run / "run.json").write_text(text)
    elif what == "damaged":
        (run / "results.zarr" / "stray").write_text("x")
    elif what == "gone":
        shutil.rmtree(run / "commits")
    elif what == "heads":
        change(run, store={**facts["store"], "schema": {**facts["store"]["schema"], "heads": 7}})
    elif what in ("unit", "null"):
        other = {"unit": "window:64"} if what == "unit" else {"null_tokens": "none"}
        change(run, configuration={**facts["configuration"], **other})


def test_a_run_that_lacks_shards_is_compared_and_told(demo_run: Path, tuned: Path) -> None:
    (tuned / "commits" / "000001.json").unlink()
    change(tuned, missing=[{"shard": 1, "stage": "measure", "reason": "a fault"}], status="incomplete")
    data = attnmetrics.compare(demo_run, tuned)
    shards = int(data["shards"][0])
    assert f"tuned lacks 1 of {shards} shards" in data.attrs["remarks"]
    assert data["shards"].values.tolist() == [shards, shards - 1]
