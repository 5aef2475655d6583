"""Shards on Ray actors: a driver loop over plain actors, with strikes for shards whose worker dies.

The only file that imports Ray. A shard's bits do not depend on which worker has it, nor on their number.
"""

import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayActorError, RayTaskError

from attnmetrics.annotation.sentence import Labels
from attnmetrics.assets import MODELS
from attnmetrics.config import RunConfig
from attnmetrics.engine import TRIES, Done, Event, Failed, Stage, Task
from attnmetrics.errors import AttnmetricsError, ConfigError, ShardError
from attnmetrics.worker import Worker

QUEUED_CALLS = 2
"""Calls waiting at an actor: enough that it never idles, few enough to bound memory."""

READY_SECONDS = 120.0
"""How long a new actor may take to answer."""

DEATHS = 8
"""Actors that may die one after the other without finishing a call before the run gives up; more than `TRIES`, so that
one bad shard is put aside first."""


@dataclass(frozen=True, slots=True)
class Role:
    """A pool of like actors."""

    stages: frozenset[Stage]
    actors: int
    cpus: float
    gpus: float


@dataclass(frozen=True, slots=True)
class Job:
    """A task from one of its calls on."""

    task: Task
    step: int = 0

    @property
    def stage(self) -> Stage:
        """What is to be done now."""
        return self.task.calls[self.step].stage


@dataclass(slots=True)
class Actor:
    """A live worker and the calls it holds, oldest first."""

    role: Role
    handle: Any
    calls: deque[tuple[Any, Job]] = field(default_factory=deque)


class RayEngine:
    """Actors that each hold one `Worker`."""

    def __init__(self, config: RunConfig, gold_labels: Labels | None) -> None:
        self._config = _with_absolute_paths(config)
        self._gold_labels = gold_labels
        self._owns_session = not ray.is_initialized()
        if self._owns_session:
            with _keeping_sigterm():
                _connect(config)
        self._deaths = 0
        self._actors: list[Actor] = []
        try:
            for role in plan_roles(config, ray.cluster_resources()):
                self._actors.extend(self._start(role) for _ in range(role.actors))
            for actor in self._actors:
                _await_ready(actor)
        except BaseException:
            self.close()
            raise

    def call(self, method: str, *arguments: Any) -> Any:
        """See `Engine`."""
        stage: Stage = "measure" if method == "describe_model" else "annotate"
        actor = next(actor for actor in self._actors if stage in actor.role.stages)
        try:
            return ray.get(getattr(actor.handle, method).remote(*arguments))
        except RayTaskError as error:
            raise _cause(error) from None
        except RayActorError as error:
            raise ShardError(f"the worker died in {method}: {error}; is there enough memory for the model?") from None

    def run(self, tasks: Iterator[Task]) -> Iterator[Event]:
        """See `Engine`."""
        waiting: deque[Job] = deque()
        strikes: Counter[tuple[Stage, int]] = Counter()
        while True:
            self._hand_out(waiting, tasks)
            running = {reference: actor for actor in self._actors for reference, _ in actor.calls}
            if not running:
                return
            finished, _ = ray.wait(list(running), num_returns=1)
            yield from self._collect(running[finished[0]], finished[0], waiting, strikes)

    def close(self) -> None:
        """See `Engine`."""
        for actor in self._actors:
            with suppress(Exception):
                ray.kill(actor.handle)
        if self._owns_session:
            ray.shutdown()

    def _hand_out(self, waiting: deque[Job], tasks: Iterator[Task]) -> None:
        """Give every actor with room something to do; shards that are annotated go before new ones."""
        room = QUEUED_CALLS * len(self._actors)
        for calls in range(QUEUED_CALLS):
            for actor in self._actors:
                if len(actor.calls) > calls:
                    continue
                if (job := _next_job(actor.role, waiting, tasks, room)) is not None:
                    actor.calls.append((_submit(actor, job), job))

    def _collect(
        self, actor: Actor, reference: Any, waiting: deque[Job], strikes: Counter[tuple[Stage, int]]
    ) -> Iterator[Event]:
        job = next(job for held, job in actor.calls if held == reference)
        try:
            counts = ray.get(reference)
        except RayActorError as error:
            yield from self._bury(actor, str(error), waiting, strikes)
            return
        except RayTaskError as error:
            actor.calls.remove((reference, job))
            yield from _strike(job, _describe(error), waiting, strikes)
            return
        self._deaths = 0
        actor.calls.remove((reference, job))
        if job.step + 1 < len(job.task.calls):
            waiting.appendleft(Job(job.task, job.step + 1))
        yield Done(job.stage, job.task.shard, counts)

    def _bury(
        self, actor: Actor, reason: str, waiting: deque[Job], strikes: Counter[tuple[Stage, int]]
    ) -> Iterator[Event]:
        """Replace a dead actor. It ran its calls in order: the oldest is the suspect, the others are innocent."""
        self._deaths += 1
        if self._deaths > DEATHS:
            raise ShardError(f"{self._deaths} workers died without finishing a shard between them; the last: {reason}")
        suspect, *others = (job for _, job in actor.calls)
        waiting.extendleft(reversed(others))
        with suppress(Exception):
            ray.kill(actor.handle)
        self._actors.remove(actor)
        replacement = self._start(actor.role)
        _await_ready(replacement)
        self._actors.append(replacement)
        yield from _strike(suspect, f"its worker died: {reason}", waiting, strikes)

    def _start(self, role: Role) -> Actor:
        remote = ray.remote(num_cpus=role.cpus, num_gpus=role.gpus, max_restarts=0, max_task_retries=0)(Worker)
        return Actor(role, remote.remote(self._config, self._gold_labels))


def plan_roles(config: RunConfig, resources: dict[str, float]) -> tuple[Role, ...]:
    """Which actors a cluster with these resources gets.

    With GPUs, one measuring actor a GPU and annotators on the other cores; without, every actor does both stages.

    Raises:
        ConfigError: a GPU is asked for and there is none.
    """
    cpus, gpus = int(resources.get("CPU", 1)), int(resources.get("GPU", 0))
    if config.device == "cuda" and not gpus:
        raise ConfigError("--device cuda: expected a GPU in the Ray cluster, found none; use --device cpu")
    if config.device == "cpu" or not gpus:
        actors = config.workers or max(1, cpus // config.threads)
        share = min(float(config.threads), max(1.0, float(cpus)) / actors)
        return (Role(frozenset[Stage](("annotate", "measure", "rank")), actors, share, 0),)
    measurers = min(config.workers or gpus, gpus)
    annotators = max(1, cpus - measurers)
    share = min(1.0, cpus / (measurers + annotators))
    return (
        Role(frozenset[Stage](("measure", "rank")), measurers, share, 1),
        Role(frozenset[Stage](("annotate",)), annotators, share, 0),
    )


def _with_absolute_paths(config: RunConfig) -> RunConfig:
    """The configuration for workers: in a cluster that was there before, they are in another working folder."""
    paths: dict[str, Any] = {"out": config.out.absolute(), "annotations": config.annotation_folder.absolute()}
    if config.model not in MODELS and Path(config.model).is_dir():
        paths["model"] = str(Path(config.model).absolute())
    if "/" in config.annotator and Path(config.annotator).is_dir():
        paths["annotator"] = str(Path(config.annotator).absolute())
    return config.model_copy(update=paths)


@contextmanager
def _keeping_sigterm() -> Iterator[None]:
    """Ray's own handler would abort the driver with a trace of the stack; the one before ends a run in order."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    if before is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


def _connect(config: RunConfig) -> None:
    address = config.address or os.environ.get("RAY_ADDRESS")
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address:
        _join(address, options)
        return
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    ray.init(address="local", include_dashboard=False, **options)


def _join(address: str, options: dict[str, Any]) -> None:
    """Connect to a cluster.

    Raises:
        ConfigError: there is none at this address.
    """
    try:
        ray.init(address=address, **options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConfigError(
            f"expected a Ray cluster at {address}, found none that answers ({reason}); correct --address or "
            "$RAY_ADDRESS, or leave both out to start one here"
        ) from error


def _await_ready(actor: Actor) -> None:
    try:
        ray.get(actor.handle.ready.remote(), timeout=READY_SECONDS)
    except (RayActorError, ray.exceptions.GetTimeoutError) as error:
        raise ShardError(
            f"a worker with {actor.role.cpus:g} CPUs and {actor.role.gpus:g} GPUs did not start within "
            f"{READY_SECONDS:g} s: {error}; has the cluster these resources free?"
        ) from None


def _next_job(role: Role, waiting: deque[Job], tasks: Iterator[Task], room: int) -> Job | None:
    """A job for this role: one that waits, or a stage of a new task while fewer than `room` jobs wait."""
    for job in waiting:
        if job.stage in role.stages:
            waiting.remove(job)
            return job
    if len(waiting) >= room or (task := next(tasks, None)) is None:
        return None
    job = Job(task)
    if job.stage in role.stages:
        return job
    waiting.append(job)
    return None


def _submit(actor: Actor, job: Job) -> Any:
    call = job.task.calls[job.step]
    return getattr(actor.handle, call.stage).remote(job.task.shard, *call.arguments)


def _strike(job: Job, reason: str, waiting: deque[Job], strikes: Counter[tuple[Stage, int]]) -> Iterator[Event]:
    key = (job.stage, job.task.shard.index)
    strikes[key] += 1
    if strikes[key] < TRIES:
        waiting.append(job)
    else:
        yield Failed(job.stage, job.task.shard, reason)


def _cause(error: RayTaskError) -> Exception:
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, Exception) else error


def _describe(error: RayTaskError) -> str:
    """The reason of a failed call; what no retry can mend is raised.

    Raises:
        AttnmetricsError: the worker raised one.
    """
    cause = _cause(error)
    if isinstance(cause, AttnmetricsError):
        raise cause from None
    return f"{type(cause).__name__}: {cause}"
