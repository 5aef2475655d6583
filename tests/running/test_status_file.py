"""The status file of a job: where it may be, and what it says while the job goes on."""

import json
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

from attnmetrics.storage import Location, locate

SCRIPT = Path(__file__).parents[2] / "jobs" / "analyze.py"
BEATS = 3


@pytest.fixture
def analyze(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script, in a job with this working folder; its runs are over at once."""
    spec = spec_from_file_location("analyze", SCRIPT)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "run", lambda flags: (0, "done"))
    monkeypatch.setenv(module.JOB_VARIABLE, "{}")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.yaml").write_text("out: runs/yaml")
    return module


@pytest.fixture(params=["local", "object"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """Of a run's folder."""
    if request.param == "local":
        return locate(tmp_path / "runs" / "demo")
    return locate(f"{request.getfixturevalue('bucket')}/{uuid4().hex}/demo")


def read(file: Location) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read())
    return content


@pytest.mark.parametrize(
    ("flags", "name", "found"),
    [
        (["--out=runs/demo"], "out", "runs/demo"),
        (["-o", "demo"], "out", "demo"),
        (["--config=job.yaml"], "out", "runs/yaml"),
        (["--out=/runs/demo", "--annotations=parsed"], "annotations", "parsed"),
        (["--out=/runs/demo", "--status=status.json"], "status", "status.json"),
        (["importance", "runs/demo", "--units=9"], "out", "runs/demo"),
    ],
)
def test_results_in_the_working_folder_of_a_job_are_refused(
    analyze: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    name: str,
    found: str,
) -> None:
    file = tmp_path / "status.json"
    assert analyze.main([f"--status={file}", *flags]) == 1
    said = capsys.readouterr().err
    assert (
        f"--{name}: expected an absolute path or a URL in a Ray job, found {found}, which would be in {tmp_path}, "
        in said
    )
    assert "give one that outlives it, such as /shared/runs/demo or s3://bucket/runs/demo" in said
    status = read(locate(file))
    assert (status["state"], status["exit_code"]) == ("failed", 1)
    assert said == f"attnmetrics: {status['message']}\n"
    monkeypatch.delenv(analyze.JOB_VARIABLE)
    assert analyze.main([f"--status={file}", *flags]) == 0


def test_the_status_says_when_the_job_was_last_seen(
    analyze: ModuleType, place: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a reader can tell a job that goes on from one that was killed."""
    file = place.parent / "demo.status.json"
    times = map(str, count())
    monkeypatch.setattr(analyze, "now", lambda: next(times))
    monkeypatch.setattr(analyze, "BEAT_SECONDS", 0.01)

    def watch(flags: list[str]) -> tuple[int, str]:
        seen: set[str] = set()
        while len(seen) < BEATS:
            with suppress(FileNotFoundError):  # not yet
                status = read(file)
                assert (status["state"], status["started"]) == ("running", "0")
                seen.add(status["seen"])
        return 3, "some shards"

    monkeypatch.setattr(analyze, "run", watch)
    assert analyze.main([f"--out={place}"]) == 3
    status = read(file)
    assert (status["state"], status["exit_code"], status["message"]) == ("shards missing", 3, "some shards")
    assert int(status["ended"]) > BEATS
    assert "seen" not in status


def test_the_status_may_be_an_object(analyze: ModuleType, bucket: str, tmp_path: Path) -> None:
    file = f"{bucket}/{uuid4().hex}/status.json"
    assert analyze.main([f"--out={tmp_path / 'run'}", f"--status={file}"]) == 0
    status = read(locate(file))
    assert (status["state"], status["exit_code"], status["message"]) == ("finished", 0, "done")


@pytest.mark.parametrize(("later", "flag"), [("importance", "--units=9"), ("probe", "--sentences=9")])
def test_later_stages_have_status_files_of_their_own(
    analyze: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, later: str, flag: str
) -> None:
    given: list[list[str]] = []
    monkeypatch.setattr(analyze, "run", lambda flags: (given.append(flags), (0, "done"))[1])
    assert analyze.main([later, str(tmp_path / "demo"), flag]) == 0
    assert analyze.main([f"--out={tmp_path / 'demo'}"]) == 0
    assert given == [[later, str(tmp_path / "demo"), flag], ["run", f"--out={tmp_path / 'demo'}"]]
    for name in (f"demo.{later}.status.json", "demo.status.json"):
        assert read(locate(tmp_path / name))["state"] == "finished"
