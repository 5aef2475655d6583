"""Disk, permission, memory, object store, clock: what a run lacks ends it clearly, and the same command goes on."""

import errno
import itertools
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from checks import outputs, stored_outputs
from conftest import demo_config
from damage import failing_at
from werkzeug.serving import make_server

from attnmetrics import cli, engine
from attnmetrics.engine.worker import Worker
from attnmetrics.errors import ShardError, StoreError
from attnmetrics.running import merging
from attnmetrics.running.driver import progress_of, run
from attnmetrics.running.progress import Reporter
from attnmetrics.running.runfile import read_facts
from attnmetrics.running.seals import OUTPUTS
from attnmetrics.storage import locate, objects

QUIET = Reporter(quiet=True)

pytestmark = pytest.mark.usefixtures("loaded_once")

SMALL: dict[str, Any] = {"max_documents": 2, "shard_characters": 1000, "layers": (0,), "exemplars": 2}
"""Two shards, one layer."""

FLAGS = [
    "-q",
    "--model=demo",
    "--corpus=demo",
    "--max-documents=2",
    "--shard-characters=1000",
    "--layers=0",
    "--exemplars=2",
]
"""The same on the command line."""

REMEDY = "then run the same command|then run `attnmetrics merge` again|name another folder with --annotations"

CREATES = {"open": 0, "os.mkdir": 0, "os.rename": 1}
"""Audit events of what needs room and a right: which of their arguments is the path."""

REMOVES = {"os.remove": 0, "os.rmdir": 0}
"""Of what needs a right only."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures of a report take seconds, and have tests of their own."""
    monkeypatch.setattr("attnmetrics.views.atlas.page.render", lambda *_, **__: "<html></html>")


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run."""
    folder = tmp_path_factory.mktemp("small") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attnmetrics.views.atlas.page.render", lambda *_, **__: "<html></html>")
        run(demo_config(folder, **SMALL), QUIET)
    return folder


class Refusals:
    """Refuses the first operation of a kind that it never refused, and from then on all, until it is mended."""

    def __init__(self) -> None:
        self.refused: set[tuple[str, str]] = set()
        self.mend()

    def mend(self) -> None:
        self.refuses = False
        self._seen: Counter[tuple[str, str]] = Counter()

    def refuse(self, operation: str, path: str) -> bool:
        """Whether this operation is refused. Each of a command's writes of `run.json` is a kind of its own."""
        kind = kind_of(path)
        self._seen[operation, kind] += "run.json" in kind
        key = (operation, f"{kind} {self._seen[operation, kind]}")
        if not self.refuses and key in self.refused:
            return False
        self.refused.add(key)
        self.refuses = True
        return True


def kind_of(path: str) -> str:
    """A path without numbers, and without what is below a folder of arrays or tables."""
    path = re.sub(r"[0-9a-f]{32}|\d+", "#", path)
    return re.sub(r"((?:\w+\.zarr\.#|tables\.#|exemplars|prefix)/).*", r"\1…", path)


class Disk:
    """An audit hook: Python calls it before each operation on files."""

    def __init__(self) -> None:
        self.folder: Path | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None or event not in self.events:
            return
        path = str(arguments[self.events[event]])
        if not path.startswith(f"{self.folder}/") or (event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        if self.refusals.refuse(event, path.removeprefix(f"{self.folder}/")):
            raise OSError(self.error, os.strerror(self.error), path)

    @contextmanager
    def failing(self, folder: Path, error: int, events: Mapping[str, int]) -> Iterator[Refusals]:
        self.error, self.events, self.refusals = error, events, Refusals()
        self.folder = folder
        try:
            yield self.refusals
        finally:
            self.folder = None


DISK = Disk()
sys.addaudithook(DISK)


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("error", "events"), [(errno.ENOSPC, CREATES), (errno.EROFS, CREATES | REMOVES)], ids=["full", "read-only"]
)
def test_whatever_cannot_be_written_ends_the_command_and_the_next_goes_on(
    error: int, events: Mapping[str, int], small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every kind of operation on files fails once, and all that follow it; then the same command is given again."""
    monkeypatch.setattr(merging, "merge_outputs", once(merging.merge_outputs))  # half of the commands come so far
    folder = tmp_path / "run"
    failures = []
    with DISK.failing(folder, error, events) as refusals:
        while not failures or refusals.refuses:
            refusals.mend()
            try:
                run(demo_config(folder, **SMALL), QUIET)
            except StoreError as raised:
                failures.append(str(raised))
                facts = read_facts(locate(folder))
                assert facts is None or facts["status"] == "unfinished"
    for message in failures:
        assert message.startswith(("cannot write", "expected to write"))
        assert str(folder) in message
        assert os.strerror(error) in message
        assert re.search(REMEDY, message)
    assert outputs(folder) == outputs(small_run)
    refused = " ".join(path for _, path in refusals.refused)
    parts = "run.json lease.json labels- annotations/#.parquet shards.zarr/state/ shards.zarr/exemplars/ prefix/"
    for part in [*parts.split(), "typical/", "tokens/", "passages/", "commits/", "traces/", *OUTPUTS]:
        assert part in refused
    left, expected = ({path.name for path in place.iterdir()} for place in (folder, small_run))
    if events is not CREATES:  # temporary files cannot be removed either
        left, expected = ({name for name in names if name[0] != "."} for names in (left, expected))
    assert left == expected
    assert len(failures) > 40


def once(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, that returns what it returned first."""
    returned: list[Any] = []

    def call(*arguments: Any) -> Any:
        if not returned:
            returned.append(function(*arguments))
        return returned[0]

    return call


IN_A_NAMESPACE = """
import json, subprocess, sys
from functools import cache
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import attnmetrics.views.atlas.page
from attnmetrics import cli
from attnmetrics.annotation import spacy
from attnmetrics.model import load
from attnmetrics.engine.worker import Worker
from checks import outputs

attnmetrics.views.atlas.page.render = lambda *_, **__: "<html></html>"
load.load_model, spacy.load_pipeline = cache(load.load_model), cache(spacy.load_pipeline)
disk, flags = Path(sys.argv[2]), sys.argv[4:]


def mount(options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], check=True)


def give(*arguments):
    try:
        cli.main(arguments)
    except SystemExit as end:
        print("exit", end.code, file=sys.stderr, flush=True)


def measure(worker, shard, *arguments):
    if shard.index:
        mount("remount,ro")
    return whole(worker, shard, *arguments)


mount("size=40k")
command = ["run", *flags, "--engine=inline", f"--out={disk}/run"]
for size in (80, 120, 200, 400, 800):
    give(*command)
    mount(f"remount,size={size}k")
mount("remount,size=16m")
whole, Worker.measure = Worker.measure, measure
give("run", *flags, "--engine=inline", f"--out={disk}/other")
Worker.measure = whole
mount("remount,rw")
for _ in range(2):
    give(*command)
    give("run", *flags, "--engine=inline", f"--out={disk}/other")
    mount("remount,ro")
give("run", *flags, "--engine=inline", f"--out={disk}/new")
give("show", f"{disk}/run")
give("status", f"{disk}/run")
for name in ("run", "other"):
    subprocess.run(["cp", "-r", disk / name, sys.argv[3]], check=True)
"""


def may_mount() -> bool:
    command = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.cluster
@pytest.mark.skipif(not may_mount(), reason="the system lets nobody mount; refused operations are tested above")
def test_a_file_system_that_is_full_or_read_only(small_run: Path, tmp_path: Path) -> None:
    (disk := tmp_path / "disk").mkdir()
    (kept := tmp_path / "kept").mkdir()
    program = [sys.executable, "-c", IN_A_NAMESPACE, Path(__file__).parents[1], disk, kept, *FLAGS]
    done = subprocess.run(["unshare", "--map-root-user", "--mount", *program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *commands, rest = re.split(r"exit (\d+)\n", done.stderr)
    said, codes = commands[::2], "".join(commands[1::2])
    assert re.fullmatch("1{3,5}0*10000100", codes), done.stderr
    for message, code in zip(said, codes, strict=True):
        assert "Traceback" not in message
        assert message.count("attnmetrics: ") == int(code)
        if code == "1":
            assert re.search("No space left on device|Read-only file system", message)
            assert re.search(REMEDY, message)
    assert rest == ""
    for name in ("run", "other"):
        assert outputs(kept / name) == outputs(small_run)


def test_a_shard_that_memory_does_not_suffice_for_is_put_aside(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = demo_config(tmp_path / "run", **SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(Worker, "measure", failing_at(1, MemoryError, engine.TRIES))
        with pytest.raises(ShardError, match="shard 1, measure: MemoryError: out of memory; fewer --workers"):
            run(config, QUIET)
    run(config, QUIET)
    assert outputs(tmp_path / "run") == outputs(small_run)


def test_a_merge_that_memory_does_not_suffice_for_ends_with_one_line(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def merge(*_: object) -> None:
        raise MemoryError

    command = ["run", *FLAGS, "--engine=inline", f"--out={tmp_path / 'run'}"]
    with monkeypatch.context() as patch:
        patch.setattr("attnmetrics.running.outputs.merge", merge)
        with pytest.raises(SystemExit, match="1"):
            cli.main(command)
    assert capsys.readouterr().err == (
        "attnmetrics: out of memory; what is committed is kept: run the same command with more memory to go on\n"
    )
    with pytest.raises(SystemExit, match="0"):
        cli.main(command)
    assert outputs(tmp_path / "run") == outputs(small_run)


def ray_run(out: Path, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """A run with a Ray of its own, in a shell that first does something else."""
    command = (
        f"{before} exec {sys.executable} -m attnmetrics run {' '.join(FLAGS)} --engine=ray --workers=1 --out={out}"
    )
    shell = ["unshare", "--map-root-user", "--mount"] if before else []
    return subprocess.run(
        [*shell, "sh", "-c", command], capture_output=True, text=True, env={**os.environ, **environment}
    )


@pytest.mark.cluster
def test_workers_that_are_killed_for_memory_end_the_run(small_run: Path, tmp_path: Path) -> None:
    done = ray_run(tmp_path / "run", RAY_memory_usage_threshold="0.01", RAY_memory_monitor_refresh_ms="100")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "out of memory; fewer --workers need less, or take a machine with more; mend the cause there" in done.stderr
    run(demo_config(tmp_path / "run", **SMALL), QUIET)
    assert outputs(tmp_path / "run") == outputs(small_run)


@pytest.mark.cluster
@pytest.mark.skipif(not may_mount(), reason="the system lets nobody mount")
def test_64_megabytes_of_shared_memory_suffice(small_run: Path, tmp_path: Path) -> None:
    """What a container has unless told otherwise."""
    done = ray_run(tmp_path / "run", "mount -t tmpfs -o size=64m tmpfs /dev/shm &&")
    assert done.returncode == 0, done.stderr
    assert outputs(tmp_path / "run") == outputs(small_run)


def test_a_ray_that_cannot_start_says_what_it_needs(tmp_path: Path) -> None:
    done = ray_run(tmp_path / "run", RAY_TMPDIR="/proc/nowhere")
    assert done.returncode == 1
    assert re.search(r"attnmetrics: expected Ray to start .*'/proc/nowhere'.*--engine inline\n$", done.stderr)
    assert "Traceback" not in done.stderr


@pytest.mark.cluster
def test_few_files_may_be_open(small_run: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "attnmetrics", "run", *FLAGS, "--engine=inline", f"--out={tmp_path / 'run'}"]
    limit = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"]
    done = subprocess.run([*limit, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert outputs(tmp_path / "run") == outputs(small_run)


def test_a_clock_that_jumps_changes_nothing(small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = itertools.cycle([0, 7 * 3600, -9 * 3600, 30 * 86400, -1e9])
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + next(hours))
    facts = run(demo_config(tmp_path / "run", **SMALL), QUIET)
    assert all(0 <= seconds < 600 for seconds in facts["seconds"].values())
    assert outputs(tmp_path / "run") == outputs(small_run)


class Gate:
    """A server of an object store that refuses writes of one kind, with all that follow, until it is mended."""

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._application = DomainDispatcherApplication(create_backend_app)
        self.status = ""
        self.word = ""
        self.refuses = False

    def __call__(self, environment: dict[str, Any], start: Callable[..., Any]) -> Any:
        if environment["REQUEST_METHOD"] in ("PUT", "POST", "DELETE") and self.word:
            self.refuses |= self.word in environment["PATH_INFO"]
            if self.refuses:
                start(self.status, [("Content-Length", "0")])
                return [b""]
        return self._application(environment, start)


@contextmanager
def serving(application: Any, port: int = 0) -> Iterator[int]:
    server = make_server("127.0.0.1", port, application, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


REFUSALS = {"403 Forbidden": "lease.json", "507 Insufficient Storage": "commits/", "503 Slow Down": "results.zarr"}
"""What is refused, and how."""


@pytest.mark.cluster
def test_an_object_store_that_refuses_ends_the_run(
    bucket: str, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PATIENCE_SECONDS", 1)
    gate = Gate()
    with serving(gate) as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        create_bucket("refusing")
        url = "s3://refusing/run"
        config = demo_config(url, annotations=tmp_path / "run" / "annotations", **SMALL)
        for gate.status, gate.word in REFUSALS.items():
            gate.refuses = False
            start = time.monotonic()
            with pytest.raises(StoreError, match=f"write .*{url}.*{gate.status[:3]}.*({REMEDY})"):
                run(config, QUIET)
            assert time.monotonic() - start < 60
        gate.word = ""
        run(config, QUIET)
        assert stored_outputs(locate(url)) == outputs(small_run)


def create_bucket(name: str) -> None:
    import boto3

    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=name)


@pytest.mark.cluster
def test_an_object_store_that_goes_away_ends_the_run(
    bucket: str, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PATIENCE_SECONDS", 1)
    config = demo_config("s3://gone/run", **SMALL)
    measure = Worker.measure
    with serving(Gate()) as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        create_bucket("gone")
    with monkeypatch.context() as patch:
        server = serving(Gate(), port)
        server.__enter__()

        def leave(worker: Worker, shard: Any, *arguments: Any) -> Any:
            if shard.index == 1:
                server.__exit__(None, None, None)
            return measure(worker, shard, *arguments)

        patch.setattr(Worker, "measure", leave)
        with pytest.raises(
            StoreError, match=r"cannot read s3://gone/run/annotations/.*; mend its rights or the connection"
        ):
            run(config, QUIET)
    with serving(Gate(), port):
        assert progress_of(locate("s3://gone/run")).measured == 1
        run(config, QUIET)
        assert stored_outputs(locate("s3://gone/run")) == outputs(small_run)
