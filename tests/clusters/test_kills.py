"""Any kill, same bits: what is left of a run whose processes were killed is what an undisturbed run leaves."""

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from checks import outputs
from conftest import demo_config
from faults import Driver, Fault, Nodes, trial, workers

from attnmetrics.running.driver import run
from attnmetrics.running.merging import merge_run
from attnmetrics.running.progress import Reporter

OPTIONS = {"model": "demo", "corpus": "demo", "max_documents": 10, "shard_characters": 1000, "exemplars": 5}
FLAGS = [part for name, value in OPTIONS.items() for part in (f"--{name.replace('_', '-')}", str(value))]
LATE_SECONDS = 60.0
QUIET = Reporter(quiet=True)

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", autouse=True)
def without_report() -> Iterator[None]:
    """In this process; its figures take seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attnmetrics.running.outputs.write_report", lambda *arguments: None)
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, without_report: None) -> dict[str, bytes]:
    """What a run leaves that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    assert run(demo_config(folder, **OPTIONS), QUIET)["corpus"]["shards"] > 5
    return outputs(folder)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with Nodes(2) as nodes:
        yield nodes


def test_a_driver_is_killed_in_phase_after_phase(undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    faults = [Fault("driver", "annotate"), Fault("driver", "merge", delay=0.05)]
    strikes = trial(tmp_path / "run", [*FLAGS, "--engine", "inline"], faults)
    assert strikes == {("kill driver", "annotate"): 1, ("kill driver", "merge"): 1}
    assert outputs(tmp_path / "run") == undisturbed


def test_workers_a_node_and_the_driver_of_a_cluster_are_killed(
    undisturbed: dict[str, bytes], tmp_path: Path, nodes: Nodes
) -> None:
    faults = [
        Fault("annotator", "annotate"),
        Fault("measurer", "annotate", pause=1.0),
        Fault("node", "annotate"),
        Fault("driver", "annotate"),
        Fault("tracer", "trace"),
    ]
    strikes = trial(tmp_path / "run", FLAGS, faults, nodes)
    assert {kind for kind, _ in strikes} == {fault.kind for fault in faults}
    assert outputs(tmp_path / "run") == undisturbed


def test_an_actor_that_outlives_its_driver_does_no_harm(
    undisturbed: dict[str, bytes], tmp_path: Path, nodes: Nodes
) -> None:
    """The cluster is stopped so that it cannot end the actor; the actor, so that it writes when the run is finished."""
    config = demo_config(tmp_path / "run", **OPTIONS)
    with Driver(tmp_path / "run", [*FLAGS, "--address", nodes.address]) as driver:
        while not (found := workers("measure", nodes.raylets())):
            assert driver.runs(), driver.said()
        actor = found[0]
        frozen = [*nodes.everything(), *nodes.raylets()]
        for process in (actor, *frozen):
            process.suspend()
    try:
        run(config, QUIET)
        assert outputs(tmp_path / "run") == undisturbed
        assert actor.status() == psutil.STATUS_STOPPED
        before = commit_times(tmp_path / "run")
        actor.resume()
        deadline = time.monotonic() + LATE_SECONDS
        while commit_times(tmp_path / "run") == before:
            assert time.monotonic() < deadline, "the actor did not write"
            time.sleep(0.1)
    finally:
        for process in frozen:
            process.resume()
    merge_run(config.out, QUIET)
    assert outputs(tmp_path / "run") == undisturbed


def commit_times(folder: Path) -> dict[str, int]:
    """When each shard was committed."""
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("commits/*.json")}
