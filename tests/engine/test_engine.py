"""The Ray engine: who gets which actor, and what a failure costs."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import product, takewhile
from pathlib import Path
from socket import gethostname
from typing import Any

import pytest

from attnmetrics.config import RunConfig, build_config
from attnmetrics.corpus import Document
from attnmetrics.corpus.shards import Shard
from attnmetrics.engine import Call, Damaged, Done, Effort, Event, Failed, Task
from attnmetrics.engine.placement import ALL, ANNOTATING, MEASURING, Duty, Node, Post, Staffing, find_vacancies
from attnmetrics.engine.ray import RayEngine, RemoteWorker
from attnmetrics.engine.surroundings import look_around
from attnmetrics.engine.worker import Measuring
from attnmetrics.errors import ConfigError, DamageError, ModelError, ShardError

SHARDS = 6


def config(**options: object) -> RunConfig:
    return build_config({"model": "demo", "corpus": "demo", "out": "run", **options})


class FakeWorker(RemoteWorker):
    """Does nothing but what the document says: `die`, `hang`, `raise`, `refuse`, or anything else to go on."""

    loaded = False

    def load(self) -> None:
        self.loaded = True

    def describe_model(self) -> dict[str, Any]:
        return {"device": "cuda", "revision": None, "fingerprint": "of its files"}

    def declared(self) -> Any:
        return self._config.device

    def annotate(self, shard: Shard, documents: Sequence[Document], fingerprint: str) -> Effort:
        word = documents[0].text
        if word == "die" or (word == "die once" and not self._mark(shard)):
            time.sleep(0.5)  # the answer to the call before is on its way
            os._exit(1)
        if word == "hang":
            time.sleep(600)
        if word == "raise":
            raise RuntimeError("poison")
        if word == "refuse":
            raise ModelError("no such model")
        if word == "damaged":
            raise DamageError("not as written")
        return self._effort()

    def measure(self, shard: Shard, fingerprint: str, measuring: Measuring | None) -> Effort:
        return self._effort()

    def _effort(self) -> Effort:
        """Whether it was made on the GPU with the model that was described as a number of units, with a model loaded
        before as one of words; pieces are the process.
        """
        as_chosen = self._config.device == "cuda" and self._expected == "of its files"
        return Effort(0.0, 0, units=int(as_chosen), words=int(self.loaded), pieces=os.getpid())

    def _mark(self, shard: Shard) -> bool:
        """Whether this shard was here before, in any process."""
        path = self._config.out / f"{shard.index}"
        before = path.exists()
        path.write(b"")
        return before


def tasks(words: Sequence[str], measure: bool = True) -> list[Task]:
    """One shard a word."""
    shards = [Shard(index, index, 1, len(word), str(index)) for index, word in enumerate(words)]
    last = (Call("measure", ("", None)),) if measure else ()
    texts = ((Document(str(shard.index), word),) for shard, word in zip(shards, words, strict=True))
    return [Task(shard, (Call("annotate", (text, "")), *last)) for shard, text in zip(shards, texts, strict=True)]


@pytest.fixture
def fake_engine(ray_session: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Engines whose workers are fake."""
    import sys

    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr("attnmetrics.engine.ray.RemoteWorker", FakeWorker)
    engines = []

    def make(workers: int, **options: object) -> RayEngine:
        engines.append(RayEngine(config(workers=workers, out=tmp_path, **options), None))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


def of_kind(events: Sequence[Event], kind: type) -> list[tuple[str, int]]:
    """(stage, shard) of the events of one kind, sorted."""
    return sorted((event.stage, event.portion.index) for event in events if isinstance(event, kind))


@pytest.mark.parametrize("workers", [1, 3])
def test_every_stage_of_every_shard_once(fake_engine: Any, workers: int) -> None:
    events = list(fake_engine(workers).run(iter(tasks(["go"] * SHARDS))))
    stages = [(stage, shard) for stage in ("annotate", "measure") for shard in range(SHARDS)]
    assert of_kind(events, Done) == stages


def test_tasks_are_drawn_only_as_there_is_room(fake_engine: Any) -> None:
    drawn = 0

    def stream() -> Any:
        nonlocal drawn
        for task in tasks(["go"] * 40):
            drawn += 1
            yield task

    most = 0
    done = 0
    for event in fake_engine(2).run(stream()):
        done += event.stage == "measure"
        most = max(most, drawn - done)
    assert done == 40
    assert most <= 10


def test_poisonous_shards_are_put_aside_and_the_others_finish(fake_engine: Any) -> None:
    words = ["go", "die", "go", "raise", "hang", "go"]
    events = list(fake_engine(2, shard_timeout_seconds=2).run(iter(tasks(words))))
    reasons = {event.portion.index: event.reason for event in events if isinstance(event, Failed)}
    assert of_kind(events, Failed) == [("annotate", 1), ("annotate", 3), ("annotate", 4)]
    assert re.search(r"its worker died: .*worker process has died.*End of file\. Often .*need less\.$", reasons[1])
    assert reasons[3] == "RuntimeError: poison"
    assert reasons[4] == "its worker died: no result within 2 s (--shard-timeout-seconds)"
    assert of_kind(events, Done) == [(stage, shard) for stage in ("annotate", "measure") for shard in (0, 2, 5)]


def test_workers_without_room_hold_up_nobody(fake_engine: Any) -> None:
    events = list(fake_engine(9).run(iter(tasks(["go"] * SHARDS))))
    assert len(of_kind(events, Done)) == 2 * SHARDS


@pytest.mark.cluster
def test_a_shard_whose_node_dies_is_innocent_for_long(fake_engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attnmetrics.engine.ray.NODE_TRIES", 4)
    monkeypatch.setattr(RayEngine, "_lose", lambda self, actor, reason: self._let_go(actor) or True)
    events = list(fake_engine(2).run(iter(tasks(["die", "die once", "go"]))))
    assert of_kind(events, Failed) == [("annotate", 0)]
    assert "its node died: " in next(event.reason for event in events if isinstance(event, Failed))
    assert of_kind(events, Done) == [(stage, shard) for stage in ("annotate", "measure") for shard in (1, 2)]


def test_a_run_whose_workers_all_die_ends(fake_engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attnmetrics.engine.ray.DEATHS", 1)
    with pytest.raises(ShardError, match=f"3 workers died .* the last on {gethostname()}: "):
        list(fake_engine(2).run(iter(tasks(["die"] * SHARDS))))


@pytest.mark.parametrize("nodes", [[], [Node("another", 4, 0)]])
def test_a_run_whose_own_node_died_ends_at_once(
    fake_engine: Any, monkeypatch: pytest.MonkeyPatch, nodes: list[Node]
) -> None:
    engine = fake_engine(1)
    monkeypatch.setattr("attnmetrics.engine.ray._nodes", lambda: nodes)
    monkeypatch.setattr(engine, "_next_look", 0.0)
    with pytest.raises(ShardError, match=r"the Ray node of this process died; .* run the same command to go on"):
        list(engine.run(iter(tasks(["go"]))))


def test_a_run_without_workers_ends(fake_engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attnmetrics.engine.ray.NEWS_SECONDS", 0.1)
    monkeypatch.setattr("attnmetrics.engine.ray.POLL_SECONDS", 0.2)
    monkeypatch.setattr("attnmetrics.engine.ray.STALL_SECONDS", 1)
    monkeypatch.setattr(
        "attnmetrics.engine.ray.find_vacancies",
        lambda nodes, staffing, held: [] if held else [Post(Duty(ALL, 64, 0), None)],
    )
    engine, said = fake_engine(1), []
    monkeypatch.setattr(engine, "_say", said.append)
    with pytest.raises(ShardError, match="expected a node with 64 CPUs and 0 GPUs free, found 4 CPUs and 0 GPUs"):
        list(engine.run(iter(tasks(["go"]))))
    found = "expected a node with 64 CPUs and 0 GPUs free, found 4 CPUs and 0 GPUs"
    assert said == [f"no worker is ready yet, {found}: waiting for up to 1 s"]
    with pytest.raises(ShardError, match="no worker was ready for 1 s"):
        engine.declared()


def test_a_worker_among_other_packages_ends_the_run(fake_engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here = look_around(config().out)
    monkeypatch.setattr("attnmetrics.engine.ray.look_around", lambda _: replace(here, versions={"torch": "0.1"}))
    with pytest.raises(ConfigError, match=rf"{here.host} torch .* instead of 0\.1"):
        list(fake_engine(1).run(iter(tasks(["go"]))))


def test_all_workers_take_the_device_and_the_files_that_the_model_was_loaded_from(
    fake_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attnmetrics.engine.ray._measures_on_gpus", lambda *_: True)
    monkeypatch.setattr(
        "attnmetrics.engine.ray.find_vacancies",
        lambda nodes, staffing, held: [Post(Duty(ALL, 1, 0), None)] * (2 - len(list(held.elements()))),
    )
    engine = fake_engine(2)
    assert engine.declared() == "auto"
    engine.describe_model()
    events = list(engine.run(iter(tasks(["go", "die once", "go", "go", "go", "go"]))))
    assert of_kind(events, Failed) == []
    assert {event.effort.units for event in events} == {1}
    assert len({event.effort.pieces for event in events}) > 1


def test_all_workers_load_the_model_at_the_same_time(fake_engine: Any) -> None:
    processes = set[int]()
    engine = fake_engine(2)
    engine.describe_model()
    until_both_work = takewhile(lambda _: len(processes) < 2, tasks(["go"] * 10_000))
    for event in engine.run(until_both_work):
        processes.add(event.effort.pieces)
        assert event.effort.words == 1
    assert len(processes) == 2


def test_one_death_costs_one_strike(fake_engine: Any) -> None:
    events = list(fake_engine(2).run(iter(tasks(["go", "die once", "go", "go"]))))
    assert of_kind(events, Failed) == []
    assert len(of_kind(events, Done)) == 8


def test_an_error_of_ours_ends_the_run_as_itself(fake_engine: Any) -> None:
    with pytest.raises(ModelError, match="no such model"):
        list(fake_engine(2).run(iter(tasks(["go", "refuse", "go"]))))


def test_a_question_raises_what_the_worker_raised(fake_engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: FakeWorker) -> None:
        raise ModelError("no such model")

    monkeypatch.setattr(FakeWorker, "declared", refuse)
    with pytest.raises(ModelError, match="no such model"):
        fake_engine(1).declared()


def test_damage_is_told_once_and_what_comes_after_it_is_not_done(fake_engine: Any) -> None:
    events = list(fake_engine(2).run(iter(tasks(["go", "damaged", "go"]))))
    assert [(event.portion.index, event.reason) for event in events if isinstance(event, Damaged)] == [
        (1, "not as written")
    ]
    assert of_kind(events, Failed) == []
    assert of_kind(events, Done) == [(stage, shard) for stage in ("annotate", "measure") for shard in (0, 2)]


def staffing(workers: int | None = None, threads: int = 1, on_gpus: bool = False, grows: bool = True) -> Staffing:
    return Staffing(workers, threads, on_gpus, grows)


def measuring(node: str | None, cpus: float = 1, number: int = 1) -> Counter[Post]:
    return Counter({Post(Duty(MEASURING, cpus, 1), node): number})


def annotating(node: str | None, cpus: float = 1, number: int = 1) -> Counter[Post]:
    return Counter({Post(Duty(ANNOTATING, cpus, 0), node): number})


def whole(node: str | None, cpus: float = 1, number: int = 1) -> Counter[Post]:
    return Counter({Post(Duty(ALL, cpus, 0), node): number})


HEAD = Node("head", 0, 0)
A, B = Node("a", 2, 0), Node("b", 4, 0)
G = Node("g", 2, 1)


@pytest.mark.parametrize(
    ("nodes", "staffing", "posts"),
    [
        ([A], staffing(), whole("a", 1, 2)),
        ([A], staffing(3, grows=False), whole("a", 0.6666, 3)),
        ([A], staffing(3), whole("a", 1, 2) + whole(None)),
        ([A], staffing(threads=8), whole("a", 2)),
        ([A], staffing(1, threads=8, grows=False), whole("a", 2)),
        ([Node("n", 16, 0)], staffing(threads=4), whole("n", 4, 4)),
        ([HEAD, A, B], staffing(), whole("a", 1, 2) + whole("b", 1, 4)),
        ([HEAD, A, B], staffing(4), whole("a", 1, 2) + whole("b", 1, 2)),
        ([HEAD], staffing(), whole(None)),
        ([], staffing(threads=4), whole(None, 4)),
        ([Node("n", 4, 1)], staffing(), whole("n", 1, 4)),
        ([G], staffing(on_gpus=True), measuring("g") + annotating("g")),
        ([Node("n", 16, 1)], staffing(on_gpus=True), measuring("n") + annotating("n", 1, 15)),
        ([Node("n", 16, 4)], staffing(2, on_gpus=True), measuring("n", 1, 2) + annotating("n", 1, 12)),
        ([Node("n", 1, 1)], staffing(on_gpus=True), measuring("n", 0.5) + annotating("n", 0.5)),
        ([Node("n", 2, 4)], staffing(on_gpus=True), measuring("n", 0.4, 4) + annotating("n", 0.4)),
        ([Node("n", 1, 1), A], staffing(on_gpus=True), measuring("n", 0.5) + annotating("a", 1, 2)),
        ([HEAD, B, G], staffing(on_gpus=True), measuring("g") + annotating("b", 1, 4) + annotating("g")),
        ([Node("n", 0, 1)], staffing(on_gpus=True), measuring("n", 0) + annotating(None)),
        ([A], staffing(on_gpus=True), measuring(None) + annotating("a", 1, 2)),
        ([G], staffing(3, on_gpus=True), measuring("g") + measuring(None, 1, 2) + annotating("g")),
        ([G], staffing(3, on_gpus=True, grows=False), measuring("g") + annotating("g")),
    ],
)
def test_workers_are_placed_node_by_node(nodes: list[Node], staffing: Staffing, posts: Counter[Post]) -> None:
    assert Counter(find_vacancies(nodes, staffing, Counter())) == posts


def test_places_fit_their_nodes() -> None:
    for cpus, gpus, other, on_gpus in product(range(5), range(3), range(3), (False, True)):
        nodes = [Node("a", cpus, gpus), Node("b", other, 0)]
        placed = find_vacancies(nodes, staffing(on_gpus=on_gpus), Counter())
        assert {stage for post in placed for stage in post.duty.stages} == ALL
        for node in nodes:
            here = [post.duty for post in placed if post.node == node.id]
            assert sum(duty.cpus for duty in here) <= node.cpus
            assert sum(duty.gpus for duty in here) <= node.gpus


@pytest.mark.parametrize(
    ("nodes", "staffing", "held", "posts"),
    [
        ([A, B], staffing(), whole("a", 1, 2), whole("b", 1, 4)),
        ([A, B], staffing(), whole("a", 1, 2) + whole("b", 1, 3), whole("b")),
        ([A], staffing(), whole(None), whole("a")),
        ([A], staffing(3), whole("a") + whole(None), whole("a")),
        ([A, B], staffing(3), whole("a", 1, 2) + whole("b"), whole("a", 1, 0)),
        ([B], staffing(8), whole("b", 1, 4), whole(None, 1, 4)),
        ([G], staffing(on_gpus=True), annotating("g"), measuring("g")),
        ([G, A], staffing(on_gpus=True), measuring("g") + annotating("g"), annotating("a", 1, 2)),
    ],
)
def test_workers_that_are_there_are_counted(
    nodes: list[Node], staffing: Staffing, held: Counter[Post], posts: Counter[Post]
) -> None:
    assert Counter(find_vacancies(nodes, staffing, held)) == posts


def test_a_gpu_that_is_not_there_is_refused(ray_session: None) -> None:
    with pytest.raises(ConfigError, match="expected a GPU in the Ray cluster"):
        RayEngine(config(device="cuda"), None)


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9"])
def test_a_cluster_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr("attnmetrics.engine.ray.ray.is_initialized", lambda: False)
    with pytest.raises(ConfigError, match=rf"cluster at {address}, .*Connection refused.*--address"):
        RayEngine(config(address=address), None)


@pytest.fixture(scope="module")
def local_session(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """A process with a session of its own: where it listens, then what a signal that came before its end made of it."""
    program = """
import os, psutil, signal
from attnmetrics.config import build_config
from attnmetrics.engine.ray import RayEngine
def stop(number, frame):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, stop)
engine = RayEngine(build_config({"model": "demo", "corpus": "demo", "out": "run", "workers": 1}), None)
engine.declared()
processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
sockets = [socket for process in processes for socket in process.net_connections("inet")]
print(*{socket.laddr.ip for socket in sockets if socket.status == psutil.CONN_LISTEN})
try:
    os.kill(os.getpid(), signal.SIGTERM)
except KeyboardInterrupt:
    print("in order")
engine.close()
"""
    folder = tmp_path_factory.mktemp("session")
    return subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)


def test_a_local_session_listens_on_loopback_only(local_session: subprocess.CompletedProcess[str]) -> None:
    assert set(local_session.stdout.splitlines()[0].split()) == {"127.0.0.1", "::ffff:127.0.0.1"}


def test_a_stop_ends_the_driver_in_order(local_session: subprocess.CompletedProcess[str]) -> None:
    assert (local_session.stdout.splitlines()[1:], local_session.stderr) == (["in order"], "")
