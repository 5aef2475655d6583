"""`ray job submit` on a head node of its own: outputs, the status file, exit codes, a stop."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import psutil
import pytest
from checks import outputs
from conftest import DEMO_DOCUMENTS, demo_config
from ray.job_submission import JobStatus, JobSubmissionClient
from rich.console import Console

import attnmetrics
from attnmetrics.assets import CORPORA
from attnmetrics.running.driver import run
from attnmetrics.running.progress import Reporter

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
RAY = Path(sys.executable).with_name("ray")
FLAGS = ["--config=jobs/demo.yaml", f"--max-documents={DEMO_DOCUMENTS}", "--shard-characters=4000", "--exemplars=5"]
"""Those of the fixture `demo_run`, but for the engine."""

PATIENCE_SECONDS = 400.0
"""A job compiles the loops of its own copy of the package."""

POISON = """
_measure = Worker.measure


def _poisoned(self, shard, *arguments):
    if shard.index == 1:
        raise ValueError("poison")
    return _measure(self, shard, *arguments)


Worker.measure = _poisoned
"""
OWN = {
    "my_words.py": """
from my_limits import LONG

def length(sentence):
    return ["long" if len(word.text) > LONG else "short" for word in sentence.words]

def siblings(sentence):
    words = range(len(sentence.words))
    return [(i, j) for i in words for j in words if sentence.words[i].head == sentence.words[j].head]
""",
    "my_limits.py": "LONG = 7",
}
"""Files of the user's: a module with a label and a link, and what it imports."""


@pytest.fixture(scope="module")
def head() -> Iterator[str]:
    """The address for jobs of a head node that listens on loopback only."""
    ports = free_ports(5)
    address = f"http://127.0.0.1:{ports[1]}"
    kinds = (
        "port",
        "dashboard-port",
        "dashboard-agent-listen-port",
        "dashboard-agent-grpc-port",
        "metrics-export-port",
    )
    options = [f"--{kind}={port}" for kind, port in zip(kinds, ports, strict=True)]
    options += ["--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", "--num-cpus=2", "--disable-usage-stats"]
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:  # short: it holds sockets
        command = [str(RAY), "start", "--head", "--block", "--include-dashboard=true", f"--temp-dir={folder}", *options]
        environment = {**os.environ, "PATH": f"{RAY.parent}:{os.environ['PATH']}"}
        process = psutil.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: answers(address) or process.poll() is not None)
            assert process.poll() is None
            yield address
        finally:
            everything = [process, *process.children(recursive=True)]
            for one in everything:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            psutil.wait_procs(everything, timeout=30)


def free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def answers(address: str) -> bool:
    """Whether the node takes jobs: its dashboard is up, and the agent that starts them."""
    try:
        JobSubmissionClient(address).submit_job(entrypoint="true")
    except (ConnectionError, RuntimeError):
        return False
    return True


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def submit(head: str, working_dir: Path, *flags: str) -> tuple[JobSubmissionClient, str]:
    client = JobSubmissionClient(head)
    command = " ".join(["python", "jobs/analyze.py", *flags])
    return client, client.submit_job(entrypoint=command, runtime_env={"working_dir": str(working_dir)})


def end_of(client: JobSubmissionClient, job: str) -> JobStatus:
    wait_for(lambda: client.get_job_status(job).is_terminal())
    return client.get_job_status(job)


def read(status: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(status.read_text())
    return content


def test_a_submitted_job_gives_the_same_bits(head: str, demo_run: Path, tmp_path: Path) -> None:
    """Of a corpus that goes with it in its working folder."""
    out = tmp_path / "runs" / "demo"
    corpus = CORPORA["demo"].relative_to(ROOT)
    job = [
        "--",
        "python",
        "jobs/analyze.py",
        *FLAGS,
        f"--corpus={corpus}",
        f"--out={out}",
        f"--annotations={tmp_path / 'annotations'}",
    ]
    command = [str(RAY), "job", "submit", f"--address={head}", "--working-dir=.", *job]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"report: {out / 'report' / 'index.html'}" in done.stdout
    assert outputs(out) == outputs(demo_run)
    status = read(tmp_path / "runs" / "demo.status.json")
    assert (status["state"], status["exit_code"], status["put_aside"]) == ("finished", 0, [])
    assert status["shards"] == status["shards_done"] == len(list((out / "commits").iterdir())) > 2
    assert status["started"] < status["ended"]


def test_a_bad_configuration_leaves_a_status(head: str, tmp_path: Path) -> None:
    status = tmp_path / "status.json"
    client, job = submit(head, ROOT, *FLAGS, "--threads=none", f"--out={tmp_path / 'run'}", f"--status={status}")
    assert end_of(client, job) == JobStatus.FAILED
    assert client.get_job_info(job).driver_exit_code == 1
    found = read(status)
    assert (found["state"], found["exit_code"]) == ("failed", 1)
    assert "threads: " in found["message"]
    assert "found 'none'" in found["message"]
    assert not (tmp_path / "run").exists()


def copy_program(folder: Path) -> Path:
    """A working folder with the package and the entry point of jobs."""
    shutil.copytree(ROOT / "attnmetrics", folder / "attnmetrics", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "jobs", folder / "jobs")
    return folder


def test_functions_of_ones_own_go_with_the_job(
    head: str, demo_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are given to workers, and what they import lies in the working folder."""
    working_dir, out = copy_program(tmp_path / "work"), tmp_path / "run"
    for name, text in OWN.items():
        (working_dir / name).write_text(text)
    label, link = {"length": "python:my_words:length"}, {"siblings": "python:my_words:siblings"}
    own = ["--label=length=python:my_words:length", "--link=siblings=python:my_words:siblings"]
    client, job = submit(head, working_dir, *FLAGS, *own, f"--out={out}")
    assert end_of(client, job) == JobStatus.SUCCEEDED, client.get_job_logs(job)
    monkeypatch.chdir(working_dir)
    expected = demo_config(tmp_path / "expected", label=label, link=link, annotations=demo_run / "annotations")
    run(expected, Reporter(quiet=True))
    assert outputs(out) == outputs(tmp_path / "expected")
    assert (attnmetrics.load(out)["length_to"].sel(length="long") > 0).all()


def test_a_poisoned_shard_is_named_and_can_be_had_later(head: str, demo_run: Path, tmp_path: Path) -> None:
    working_dir, out = copy_program(tmp_path / "work"), tmp_path / "run"
    with (working_dir / "attnmetrics" / "engine" / "worker.py").open("a") as file:
        file.write(POISON)
    client, job = submit(head, working_dir, *FLAGS, "--engine=inline", f"--out={out}")
    assert end_of(client, job) == JobStatus.FAILED
    assert client.get_job_info(job).driver_exit_code == 3
    status = read(tmp_path / "run.status.json")
    assert (status["state"], status["exit_code"]) == ("shards missing", 3)
    assert status["shards_done"] == status["shards"] - 1
    (aside,) = status["put_aside"]
    assert (aside["shard"], aside["stage"], aside["reason"]) == (1, "measure", "ValueError: poison")
    run(demo_config(out), Reporter(quiet=True))
    assert outputs(out) == outputs(demo_run)


def test_a_stopped_job_says_so_and_leaves_no_worker(head: str, demo_run: Path, tmp_path: Path) -> None:
    """The next run goes on at once, whether or not the stop left time to give back the lease."""
    out = tmp_path / "run"
    client, job = submit(head, ROOT, *FLAGS, f"--out={out}")
    wait_for(lambda: any((out / "annotations").glob("*.parquet")) or client.get_job_status(job).is_terminal())
    client.stop_job(job)
    assert end_of(client, job) == JobStatus.STOPPED
    status = read(tmp_path / "run.status.json")
    assert (status["state"], status["exit_code"]) == ("stopped", 130)
    assert status["message"].endswith("run the same command again to go on")
    assert status["shards_done"] < status["shards"]
    wait_for(lambda: not workers())
    said = StringIO()
    run(demo_config(out), Reporter(console=Console(file=said, width=1000)))
    assert "to see whether it lives" not in said.getvalue()
    assert outputs(out) == outputs(demo_run)


def test_a_killed_job_is_seen_no_more(head: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    file = tmp_path / "run.status.json"
    client, job = submit(head, ROOT, *FLAGS, "--engine=inline", f"--out={out}")
    wait_for(lambda: file.exists() and out.exists())
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if f"--out={out}" in " ".join(process.cmdline()):
                process.kill()
    assert end_of(client, job) == JobStatus.FAILED
    status = read(file)
    assert status["state"] == "running"
    assert status["started"] <= status["seen"] <= datetime.now(UTC).isoformat()


def test_results_in_the_working_folder_are_refused(head: str, tmp_path: Path) -> None:
    file = tmp_path / "status.json"
    client, job = submit(head, ROOT, *FLAGS, f"--status={file}")
    assert end_of(client, job) == JobStatus.FAILED
    status = read(file)
    assert (status["state"], status["exit_code"]) == ("failed", 1)
    assert "--out: expected an absolute path or a URL in a Ray job, found runs/demo," in status["message"]
    assert "_ray_pkg_" in status["message"]


def workers() -> list[psutil.Process]:
    """Ray actors of ours among this process's descendants."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "RemoteWorker" in "".join(process.cmdline()):
                found.append(process)
    return found
