"""Faults at chosen or random times in real runs: processes are killed or paused, the same command is given again.

A trial is over when the run is finished. What it left is then compared, bit for bit, with what an undisturbed run left.
"""

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import psutil
from ray.cluster_utils import Cluster

PHASES = ("start", "plan", "load", "annotate", "measure", "trace", "merge", "report")
"""What a driver does, in order; `load` is the start of the engine and of the model."""

VICTIMS = ("driver", "annotator", "measurer", "tracer", "node")
"""A driver, a worker at this stage, or the raylet of a node."""

EXIT_SHARDS_MISSING = 3
ENOUGH_SECONDS = 400.0
"""A driver that takes longer hangs."""

POLL_SECONDS = 0.02

_HEALTH = {"health_check_period_ms": 500, "health_check_timeout_ms": 1000, "health_check_failure_threshold": 3}

Phase = Literal["start", "plan", "load", "annotate", "measure", "trace", "merge", "report"]
Victim = Literal["driver", "annotator", "measurer", "tracer", "node"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is to happen to whom, so many seconds after a phase began."""

    victim: Victim
    phase: Phase
    delay: float = 0.0
    pause: float = 0.0
    """seconds that the victim is stopped for; 0: it is killed"""

    @property
    def kind(self) -> str:
        """Such as `kill driver`."""
        return f"{'pause' if self.pause else 'kill'} {self.victim}"


Strikes = Counter[tuple[str, Phase]]
"""Number of faults by kind and by the phase that the driver was in."""


class Driver:
    """A process of `attnmetrics run`."""

    def __init__(self, out: Path, options: Sequence[str]) -> None:
        self._out = out
        self._log = out.with_name(f"{out.name}.log")
        self._started = time.time()
        self.deadline = time.monotonic() + ENOUGH_SECONDS
        command = [sys.executable, "-m", "attnmetrics", "run", "--out", str(out), *options]
        with self._log.open("w") as log:
            self.process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def runs(self) -> bool:
        """Whether it is still alive.

        Raises:
            AssertionError: it hangs.
        """
        assert time.monotonic() < self.deadline, f"hung in {self.phase()}:\n{self.said()}"
        return self.process.poll() is None

    def said(self) -> str:
        """What it printed."""
        return self._log.read_text()

    def phase(self) -> Phase:
        """What it does now, by what it said and what it wrote."""
        said = self.said()
        if "merging" in said:
            return "report" if self._fresh("tables") else "merge"
        if not re.search("annotate:|measure:|trace:|measured already", said):
            return "load" if "characters," in said else "plan" if "planning" in said else "start"
        shards = int(re.search(r"(\d+) shards", said)[1])  # type: ignore[index]
        if len(list(self._out.glob("commits/*.json"))) == shards:
            return "trace"
        return "measure" if len(list(self._out.glob("annotations/*.parquet"))) == shards else "annotate"

    def has_reached(self, phase: Phase) -> bool:
        """Whether it is in this phase, or past it."""
        return PHASES.index(self.phase()) >= PHASES.index(phase)

    def _fresh(self, name: str) -> bool:
        with suppress(FileNotFoundError):
            return (self._out / name).stat().st_mtime > self._started
        return False


class Nodes:
    """A Ray cluster on this machine: a head without cores, where drivers are, and nodes with one core each."""

    def __init__(self, nodes: int) -> None:
        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "include_dashboard": False, "_system_config": _HEALTH},
        )
        for _ in range(nodes):
            self._cluster.add_node(num_cpus=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._cluster.shutdown()

    @property
    def address(self) -> str:
        """For `--address`."""
        return str(self._cluster.address)

    def raylets(self) -> list[psutil.Process]:
        """Of the nodes that are not the head."""
        return [_raylet(node) for node in self._cluster.worker_nodes]

    def everything(self) -> list[psutil.Process]:
        """All that the head started, but for workers."""
        node = self._cluster.head_node
        return [psutil.Process(info.process.pid) for infos in node.all_processes.values() for info in infos]

    def replace(self, raylet: psutil.Process) -> None:
        """Put a new node in the place of one whose raylet is dead."""
        (node,) = (node for node in self._cluster.worker_nodes if _raylet(node).pid == raylet.pid)
        self._cluster.remove_node(node, allow_graceful=False)
        self._cluster.add_node(num_cpus=1)


def _raylet(node: Any) -> psutil.Process:
    return psutil.Process(node.all_processes["raylet"][0].process.pid)


def workers(stage: str, parents: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Ray actors that are at this stage now, among the descendants of these processes."""
    found = []
    for parent in parents:
        with suppress(psutil.Error):
            found += [process for process in parent.children(recursive=True) if _stage(process) == stage]
    return found


def _stage(process: psutil.Process) -> str:
    """The method that Ray says in the title of an actor's process, such as `ray::RemoteWorker.measure`."""
    with suppress(psutil.Error):
        actor, _, method = "".join(process.cmdline()).partition(".")
        return method if actor.startswith("ray::") else ""
    return ""


def trial(out: Path, options: Sequence[str], faults: Iterable[Fault], nodes: Nodes | None = None) -> Strikes:
    """Give the same command until the run is finished, while these faults happen one after the other.

    Returns:
        the faults that came before the end.

    Raises:
        AssertionError: a driver hung, or ended in another way than finished, killed by us, or with shards put aside.
    """
    strikes: Strikes = Counter()
    left = list(faults)
    if nodes is not None:
        options = [*options, "--address", nodes.address]
    while True:
        driver = Driver(out, options)
        doomed = False
        with driver:
            while driver.runs():
                if left and driver.has_reached(left[0].phase) and not doomed:
                    doomed = _strike(driver, left.pop(0), nodes, strikes)
                time.sleep(POLL_SECONDS)
        if driver.process.returncode == 0:
            return strikes
        assert doomed or driver.process.returncode == EXIT_SHARDS_MISSING, (
            f"exit code {driver.process.returncode} after {dict(strikes)}:\n{driver.said()}"
        )


def _strike(driver: Driver, fault: Fault, nodes: Nodes | None, strikes: Strikes) -> bool:
    """Strike if the driver lives until there is a victim; whether the driver will die of it."""
    time.sleep(fault.delay)
    while driver.runs():
        if victims := _victims(driver, fault.victim, nodes):
            victim, phase = victims[0], driver.phase()
            with suppress(psutil.NoSuchProcess):
                _harm(victim, fault.pause)
                strikes[fault.kind, phase] += 1
                if fault.victim == "node" and nodes is not None:
                    nodes.replace(victim)
                return not fault.pause and (fault.victim == "driver" or (fault.victim == "node" and nodes is None))
        time.sleep(POLL_SECONDS)
    return False


def _victims(driver: Driver, victim: Victim, nodes: Nodes | None) -> list[psutil.Process]:
    if victim == "driver":
        return [driver.process]
    if victim == "node":
        return nodes.raylets() if nodes else _local_raylets(driver)
    stage = {"annotator": "annotate", "measurer": "measure", "tracer": "trace"}[victim]
    return workers(stage, nodes.raylets() if nodes else [driver.process])


def _local_raylets(driver: Driver) -> list[psutil.Process]:
    return [process for process in driver.process.children() if process.name() == "raylet"]


def _harm(process: psutil.Process, pause: float) -> None:
    if not pause:
        process.kill()
        return
    process.suspend()
    try:
        time.sleep(pause)
    finally:
        process.resume()
