"""The Ray engine: who gets which actor, and what a failure costs."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from attnmetrics.config import RunConfig, build_config
from attnmetrics.corpus import Document
from attnmetrics.engine import Call, Done, Event, Failed, Task
from attnmetrics.engine.ray import RayEngine, Role, plan_roles
from attnmetrics.errors import ConfigError, ModelError
from attnmetrics.plan import Shard
from attnmetrics.worker import Counts, Measuring, Worker

SHARDS = 6
MEASURE = frozenset(("measure", "rank"))
ALL = MEASURE | {"annotate"}


def config(**options: object) -> RunConfig:
    return build_config({"model": "demo", "corpus": "demo", "out": "run", **options})


class FakeWorker(Worker):
    """Does nothing but what the document says: `die`, `raise`, `refuse`, or anything else to go on."""

    def annotate(self, shard: Shard, documents: Sequence[Document], fingerprint: str) -> Counts:
        word = documents[0].text
        if word == "die" or (word == "die once" and not self._mark(shard)):
            os._exit(1)
        if word == "raise":
            raise RuntimeError("poison")
        if word == "refuse":
            raise ModelError("no such model")
        return {"shard": shard.index, "text": word}

    def measure(self, shard: Shard, fingerprint: str, measuring: Measuring | None) -> Counts:
        return {"shard": shard.index}

    def _mark(self, shard: Shard) -> bool:
        """Whether this shard was here before, in any process."""
        path = self._config.out / f"{shard.index}"
        before = path.exists()
        path.touch()
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
    monkeypatch.setattr("attnmetrics.engine.ray.Worker", FakeWorker)
    engines = []

    def make(workers: int) -> RayEngine:
        engines.append(RayEngine(config(workers=workers, out=tmp_path), None))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


def of_kind(events: Sequence[Event], kind: type) -> list[tuple[str, int]]:
    """(stage, shard) of the events of one kind, sorted."""
    return sorted((event.stage, event.shard.index) for event in events if isinstance(event, kind))


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


@pytest.mark.parametrize(("word", "reason"), [("die", "worker died"), ("raise", "RuntimeError: poison")])
def test_a_poisonous_shard_is_put_aside_and_the_others_finish(fake_engine: Any, word: str, reason: str) -> None:
    words = ["go", "go", word, "go", "go", "go"]
    events = list(fake_engine(2).run(iter(tasks(words))))
    assert of_kind(events, Failed) == [("annotate", 2)]
    assert reason in next(event.reason for event in events if isinstance(event, Failed))
    assert of_kind(events, Done) == [
        (stage, shard) for stage in ("annotate", "measure") for shard in range(SHARDS) if shard != 2
    ]


def test_one_death_costs_one_strike(fake_engine: Any) -> None:
    events = list(fake_engine(2).run(iter(tasks(["go", "die once", "go", "go"]))))
    assert of_kind(events, Failed) == []
    assert len(of_kind(events, Done)) == 8


def test_an_error_of_ours_ends_the_run_as_itself(fake_engine: Any) -> None:
    with pytest.raises(ModelError, match="no such model"):
        list(fake_engine(2).run(iter(tasks(["go", "refuse", "go"]))))


def test_a_call_raises_what_the_worker_raised(fake_engine: Any) -> None:
    engine = fake_engine(1)
    with pytest.raises(ModelError, match="no such model"):
        engine.call("annotate", Shard(0, 0, 1, 1, ""), (Document("0", "refuse"),), "")


@pytest.mark.parametrize(
    ("options", "resources", "roles"),
    [
        ({}, {"CPU": 2}, [Role(ALL, 2, 1.0, 0)]),
        ({"workers": 3}, {"CPU": 2}, [Role(ALL, 3, 2 / 3, 0)]),
        ({"threads": 4}, {"CPU": 16}, [Role(ALL, 4, 4.0, 0)]),
        ({"threads": 8}, {"CPU": 2}, [Role(ALL, 1, 2.0, 0)]),
        ({"device": "cpu"}, {"CPU": 4, "GPU": 1}, [Role(ALL, 4, 1.0, 0)]),
        (
            {},
            {"CPU": 16, "GPU": 1},
            [Role(MEASURE, 1, 1.0, 1), Role(frozenset(("annotate",)), 15, 1.0, 0)],
        ),
        (
            {"workers": 1},
            {"CPU": 2, "GPU": 2},
            [Role(MEASURE, 1, 1.0, 1), Role(frozenset(("annotate",)), 1, 1.0, 0)],
        ),
    ],
)
def test_roles(options: dict[str, object], resources: dict[str, float], roles: list[Role]) -> None:
    assert list(plan_roles(config(**options), resources)) == roles


def test_roles_fit_into_the_cluster() -> None:
    for cpus in range(1, 9):
        for gpus in range(3):
            for workers in (None, 1, 2, 5):
                roles = plan_roles(config(workers=workers), {"CPU": cpus, "GPU": gpus})
                assert sum(role.actors * role.cpus for role in roles) <= cpus + 1e-9
                assert sum(role.actors * role.gpus for role in roles) <= gpus
                assert {stage for role in roles for stage in role.stages} == ALL


def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a GPU in the Ray cluster"):
        plan_roles(config(device="cuda"), {"CPU": 2})


def test_a_stop_ends_the_driver_in_order() -> None:
    program = """
import os, signal
from attnmetrics.config import build_config
from attnmetrics.engine.ray import RayEngine
def stop(number, frame):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, stop)
engine = RayEngine(build_config({"model": "demo", "corpus": "demo", "out": "run", "workers": 1}), None)
try:
    os.kill(os.getpid(), signal.SIGTERM)
except KeyboardInterrupt:
    print("in order")
engine.close()
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (found.stdout.strip(), found.stderr) == ("in order", "")


def test_a_cluster_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> None:
        raise ConnectionError("no answer")

    monkeypatch.setattr("attnmetrics.engine.ray.ray.is_initialized", lambda: False)
    monkeypatch.setattr("attnmetrics.engine.ray.ray.init", refuse)
    with pytest.raises(ConfigError, match=r"cluster at 127\.0\.0\.1:9, .*no answer.*--address"):
        RayEngine(config(address="127.0.0.1:9"), None)
