"""One driver at a time works on a folder; the folder of a dead one is free."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from checks import outputs
from conftest import demo_config

from attnmetrics.corpus.shards import Shard
from attnmetrics.engine.worker import Counts, Worker
from attnmetrics.errors import StoreError
from attnmetrics.running import lease
from attnmetrics.running.driver import run, run_measure
from attnmetrics.running.lease import FILE, hold, name_driver
from attnmetrics.running.merging import merge_run
from attnmetrics.running.progress import Reporter
from attnmetrics.storage import LocalLocation, Location, Version, locate

QUIET = Reporter(quiet=True)
ELSEWHERE = {
    "owner": "x",
    "host": "elsewhere",
    "machine": "another",
    "pid": 1,
    "started": "1",
    "since": "then",
    "beat": 0,
}


@pytest.fixture(params=["local", "object"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    if request.param == "local":
        return locate(tmp_path / "run")
    return locate(f"{request.getfixturevalue('bucket')}/{uuid4().hex}")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(lease, "EXPIRY_SECONDS", 1.0)


def leave(folder: Location, **changes: object) -> None:
    """The record of a driver that is gone."""
    (folder / FILE).write(json.dumps({**ELSEWHERE, **changes}).encode())


def take_over(folder: Location, **changes: object) -> None:
    """What another driver does, whatever the holder writes at the same time."""
    place, record = folder / FILE, json.dumps({**ELSEWHERE, **changes}).encode()
    while (found := place.version()) is None or place.replace(record, found[1]) is None:
        pass


@contextmanager
def beating(folder: Location) -> Iterator[None]:
    """A driver on another machine."""
    done = threading.Event()

    def beat() -> None:
        number = 0
        while not done.wait(0.1):
            number += 1
            leave(folder, beat=number)

    leave(folder)
    thread = threading.Thread(target=beat)
    thread.start()
    yield
    done.set()
    thread.join()


def test_a_second_driver_is_refused_until_the_first_is_done(folder: Location) -> None:
    with hold(folder, QUIET):
        here = f"is being worked on by process {os.getpid()} on "
        with pytest.raises(StoreError, match=here), hold(folder, QUIET):
            pass
    with hold(folder, QUIET):
        pass
    assert not (folder / FILE).exists()


def test_the_lease_of_a_dead_process_is_free_at_once(folder: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "EXPIRY_SECONDS", 1e6)
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    machine = lease._process()["machine"]
    leave(folder, machine=machine, pid=int(dead.stdout))
    with hold(folder, QUIET):
        pass
    leave(folder, machine=machine, pid=os.getpid(), started="1")  # a process that has the number of a dead one
    with hold(folder, QUIET):
        pass


def test_a_driver_elsewhere_lives_while_it_beats(folder: Location) -> None:
    with (
        beating(folder),
        pytest.raises(StoreError, match="worked on by process 1 on elsewhere"),
        hold(folder, QUIET),
    ):
        pass
    start = time.monotonic()
    with hold(folder, QUIET):
        assert time.monotonic() - start >= lease.EXPIRY_SECONDS


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\x00", b'{"pid": "x"}'])
def test_a_damaged_lease_is_that_of_nobody_who_beats(folder: Location, content: bytes) -> None:
    (folder / FILE).write(content)
    with hold(folder, QUIET):
        pass


def test_a_driver_that_lost_its_lease_stops_and_leaves_the_others_alone(folder: Location) -> None:
    with hold(folder, QUIET) as held:
        held.check()
        leave(folder, owner="the next")
        deadline = time.monotonic() + 30
        while held._version is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(StoreError, match=f"another driver took over {folder}"):
            held.check()
    assert json.loads((folder / FILE).read())["owner"] == "the next"


def test_beats_go_on_after_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hold(locate(tmp_path), QUIET) as held:
        with monkeypatch.context() as patch:
            patch.setattr(LocalLocation, "write", full)
            time.sleep(0.3)
        before = held._version
        deadline = time.monotonic() + 30
        while held._version == before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert held._version not in (None, before)
        held.check()


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_an_answer_that_was_lost_is_no_lost_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = LocalLocation.replace

    def lose_answer(place: LocalLocation, content: bytes, version: Version | None) -> Version | None:
        replace(place, content, version)
        return None

    with monkeypatch.context() as patch:
        patch.setattr(LocalLocation, "replace", lose_answer)
        with hold(locate(tmp_path), QUIET) as held:
            time.sleep(0.3)
            held.check()
    assert not (tmp_path / FILE).exists()


def test_the_driver_at_work_is_named(folder: Location) -> None:
    assert name_driver(folder) == ""
    with hold(folder, QUIET):
        assert name_driver(folder).startswith(f"process {os.getpid()} on ")
        assert not name_driver(folder).endswith("unless it died")
    leave(folder)
    assert name_driver(folder) == "process 1 on elsewhere (since then), unless it died"
    leave(folder, machine=lease._process()["machine"], pid=os.getpid(), started="1")
    assert name_driver(folder) == ""


def test_of_many_drivers_at_once_one_gets_the_folder(folder: Location) -> None:
    inside, most, done = [0], [0], [0]
    lock = threading.Lock()

    def drive() -> None:
        try:
            with hold(folder, QUIET):
                with lock:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                time.sleep(0.2)
                with lock:
                    inside[0] -= 1
                    done[0] += 1
        except StoreError:
            pass

    threads = [threading.Thread(target=drive) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] and done[0] >= 1


def test_no_command_touches_a_folder_that_is_held(demo_run: Path, tmp_path: Path) -> None:
    folder = locate(tmp_path / "run")
    with hold(folder, QUIET):
        for command in (run, run_measure):
            with pytest.raises(StoreError, match="is being worked on"):
                command(demo_config(tmp_path / "run"), QUIET)
        assert [name for name in folder.names() if not name.startswith(f".{FILE}")] == [FILE]
    with hold(locate(demo_run), QUIET):
        with pytest.raises(StoreError, match="is being worked on"):
            merge_run(locate(demo_run), QUIET)
        assert run(demo_config(demo_run), QUIET)["status"] == "finished"


def test_a_driver_that_loses_its_lease_stops_at_the_next_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = locate(tmp_path / "run")
    measure, measured = Worker.measure, []

    def lose(worker: Worker, shard: Shard, *arguments: Any) -> Counts:
        measured.append(shard.index)
        take_over(folder, owner="the next")
        time.sleep(1)
        (folder / "run.json").write(b"the next one's")
        return measure(worker, shard, *arguments)

    monkeypatch.setattr(Worker, "measure", lose)
    with pytest.raises(StoreError, match="another driver took over"):
        run(demo_config(tmp_path / "run"), QUIET)
    assert measured == [0]
    assert (folder / "run.json").read() == b"the next one's"
    assert json.loads((folder / FILE).read())["owner"] == "the next"


@pytest.mark.cluster
def test_a_second_command_waits_for_the_death_of_the_first(demo_run: Path, tmp_path: Path) -> None:
    config = demo_config(tmp_path / "run")
    arguments = config.model_dump(mode="json", exclude_defaults=True, exclude={"corpus"})
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in arguments.items()]
    command = [sys.executable, "-m", "attnmetrics", "run", "--corpus=demo", *flags]
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        while not list((tmp_path / "run").glob("commits/*.json")):
            assert first.poll() is None
            time.sleep(0.02)
        first.send_signal(signal.SIGSTOP)
        with pytest.raises(StoreError, match=f"is being worked on by process {first.pid} on "):
            run(config, QUIET)
    finally:
        first.kill()
        first.wait()
    run(config, QUIET)
    assert outputs(tmp_path / "run") == outputs(demo_run)
