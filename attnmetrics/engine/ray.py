"""Shards on Ray actors: a driver loop over plain actors, with strikes for shards whose worker dies or hangs.

The only file that imports Ray. A shard's bits do not depend on which worker has it, nor on their number.
"""

import ctypes
import os
import signal
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import ray
from ray._private import ray_constants
from ray.exceptions import GetTimeoutError, OutOfMemoryError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from attnmetrics.annotation.sentence import Declared
from attnmetrics.assets import MODELS
from attnmetrics.config import Masking, RunConfig
from attnmetrics.engine import OUT_OF_MEMORY, TRIES, Damaged, Done, Event, LanguageFacts, Stage, Task, reason_of
from attnmetrics.engine.backlog import Backlog, Step
from attnmetrics.engine.placement import Node, Post, Staffing, find_vacancies
from attnmetrics.engine.surroundings import Surroundings, look_around, refuse_foreign
from attnmetrics.engine.worker import Worker
from attnmetrics.errors import AttnmetricsError, ConfigError, DamageError, ShardError, first_line
from attnmetrics.model.pack import Batching

if TYPE_CHECKING:
    from attnmetrics.model.load import ModelFacts

QUEUED_CALLS = 2
"""Calls waiting at an actor: enough that it never idles, few enough to bound memory."""

READY_SECONDS = 120.0
"""How long a new actor may take to answer; another is then asked for in its place."""

NEWS_SECONDS = 30.0
"""After how long without a worker a run says so."""

STALL_SECONDS = 600.0
"""How long a run waits while no actor works: long enough for a cloud to start a node."""

POLL_SECONDS = 2.0
"""How often the cluster is looked at for nodes that joined or left, and actors for calls that take too long."""

CONNECT_SECONDS = 5.0
"""How long the address of a cluster may take to answer; Ray itself would try for two minutes."""

DEATHS = 8
"""Actors, beside as many as there are, that may die one after the other without finishing a call before the run gives
up; more than `TRIES`, so that one bad shard is put aside first."""

NODE_TRIES = 10
"""A shard whose node dies is innocent, but not this many times."""


class RemoteWorker(Worker):
    """A worker in a process of its own."""

    def ready(self) -> tuple[str, Surroundings]:
        """Answer, to show that the process is up: the id of its node, and what is there."""
        return ray.get_runtime_context().get_node_id(), look_around(self._config.out)

    def pin(self, **chosen: str) -> None:
        """Load the model on this device, or from this commit, whatever others there are."""
        self._config = self._config.model_copy(update=chosen)

    def load(self) -> None:
        """Load the model, which will be asked for."""
        self._load_model()


@dataclass(slots=True, eq=False)
class Actor:
    """A worker that starts, or is ready, and the calls it holds, oldest first."""

    post: Post
    handle: Any
    probe: Any
    """a reference to its first answer; None once it has come"""
    since: float = field(default_factory=time.monotonic)
    """when it was started, or its oldest call became the oldest"""
    calls: deque[tuple[Any, Step]] = field(default_factory=deque)


class RayEngine:
    """Actors that each hold one `Worker`, on the nodes that there are at the time.

    Actors start while others work. One that does not become ready is started again, for as long as any other works.
    """

    def __init__(
        self,
        config: RunConfig,
        gold: Declared | None,
        columns: frozenset[str] = frozenset(),
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._config = _with_absolute_paths(config)
        self._surroundings = look_around(config.out)
        self._annotating = gold, columns
        self._say = say
        self._said_since = 0.0
        self._fingerprint = ""
        self._actors: list[Actor] = []
        self._deaths = 0
        self._next_look = 0.0
        self._owns_session = not ray.is_initialized()
        address = _address(config)
        if self._owns_session:
            with _keeping_sigterm():
                _connect(address)
        try:
            self._home = ray.get_runtime_context().get_node_id()
            on_gpus = _measures_on_gpus(config, _nodes())
            if not on_gpus:
                self._pin(device="cpu")
            grows = not self._owns_session or address is not None
            self._staffing = Staffing(config.workers, config.threads, on_gpus, grows)
            self._follow()
        except BaseException:
            self.close()
            raise

    def describe_model(self) -> "ModelFacts":
        """See `Engine`. From then on, every worker takes the device and the commit that the model was loaded from, and
        measures with no other files than these.

        Where both are known, all load it at the same time; what is wrong with it, the one that is asked says.
        """
        if self._config.device != "auto" and (self._config.revision or _is_local(self._config.model)):
            for actor in self._actors:
                if "measure" in actor.post.duty.stages:
                    actor.handle.load.remote()
        model: ModelFacts = self._ask("measure", "describe_model")
        self._pin(device=model["device"], revision=model["revision"])
        self._fingerprint = model["fingerprint"]
        for actor in self._actors:
            actor.handle.expect.remote(self._fingerprint)
        return model

    def find_batching(self) -> Batching:
        """See `Engine`."""
        batching: Batching = self._ask("measure", "find_batching")
        return batching

    def describe_language_model(self, masking: Masking | None) -> LanguageFacts:
        """See `Engine`."""
        facts: LanguageFacts = self._ask("importance", "describe_language_model", masking)
        return facts

    def declared(self) -> Declared:
        """See `Engine`."""
        declared: Declared = self._ask("annotate", "declared")
        return declared

    def _ask(self, stage: Stage, method: str, *arguments: Any) -> Any:
        """What this method of a worker for this stage returns. One that dies is replaced, `TRIES` times in all."""
        reason = ""
        for _ in range(TRIES):
            actor = self._await_ready(stage)
            try:
                return ray.get(getattr(actor.handle, method).remote(*arguments), timeout=self._limit)
            except RayTaskError as error:
                raise _cause(error) from None
            except GetTimeoutError:
                reason = self._overdue
                self._lose(actor, reason)
            except RayError as error:
                reason = _last_line(error)
                self._lose(actor, reason)
        raise ShardError(f"the worker died in {method}: {reason}; is there enough memory for the model?")

    def run(self, tasks: Iterator[Task]) -> Iterator[Event]:
        """See `Engine`."""
        backlog = Backlog(tasks)
        worked = time.monotonic()
        while True:
            self._follow()
            self._hand_out(backlog)
            if any(actor.calls for actor in self._actors):
                worked = time.monotonic()
            elif backlog.is_empty():
                return
            self._check_stall(worked)
            yield from self._collect(backlog)
            yield from self._stop_overdue(backlog)

    def close(self) -> None:
        """See `Engine`."""
        for actor in self._actors:
            with suppress(Exception):
                ray.kill(actor.handle)
        if self._owns_session:
            with _keeping_sigterm():
                ray.shutdown()

    @property
    def _limit(self) -> int | None:
        return self._config.shard_timeout_seconds

    @property
    def _overdue(self) -> str:
        return f"no result within {self._limit} s (--shard-timeout-seconds)"

    def _follow(self) -> None:
        """Every `POLL_SECONDS`, start actors where there is room for them; those of nodes that left are forgotten.

        Raises:
            ShardError: the node that this process is on died; Ray then ends all its actors and starts no other.
        """
        if time.monotonic() < self._next_look:
            return
        nodes = _nodes()
        if self._home not in {node.id for node in nodes}:
            raise ShardError(
                "the Ray node of this process died; committed shards are kept: run the same command to go on"
            )
        self._next_look = time.monotonic() + POLL_SECONDS
        for actor in [actor for actor in self._actors if not actor.calls and _has_left(actor.post, nodes)]:
            self._let_go(actor)
        held = Counter(actor.post for actor in self._actors)
        self._actors.extend(self._start(post) for post in find_vacancies(nodes, self._staffing, held))

    def _start(self, post: Post) -> Actor:
        where = NodeAffinitySchedulingStrategy(post.node, soft=False) if post.node else "DEFAULT"
        remote = ray.remote(
            num_cpus=post.duty.cpus,
            num_gpus=post.duty.gpus,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy=where,
        )(RemoteWorker)
        handle = remote.remote(self._config, *self._annotating)
        handle.expect.remote(self._fingerprint)
        return Actor(post, handle, handle.ready.remote())

    def _pin(self, **chosen: str | None) -> None:
        """Let all workers take the same device and the same commit of the model: bits depend on both."""
        self._config = self._config.model_copy(update=chosen)
        for actor in self._actors:
            actor.handle.pin.remote(**chosen)

    def _await_ready(self, stage: Stage) -> Actor:
        """An actor for a stage, once there is one."""
        start = time.monotonic()
        backlog = Backlog(iter(()))
        while True:
            for actor in self._actors:
                if stage in actor.post.duty.stages and actor.probe is None:
                    return actor
            self._check_stall(start)
            list(self._collect(backlog))
            list(self._stop_overdue(backlog))
            self._follow()

    def _check_stall(self, since: float) -> None:
        """Say once that nothing has been done for a while, and give up in the end.

        Raises:
            ShardError: what was asked of the cluster, and what it has.
        """
        waited = time.monotonic() - since
        if waited < NEWS_SECONDS or (waited < STALL_SECONDS and self._said_since == since):
            return
        self._said_since = since
        duties = {actor.post.duty for actor in self._actors}
        wanted = ", or ".join(sorted(f"{duty.cpus:g} CPUs and {duty.gpus} GPUs" for duty in duties))
        there = "; ".join(f"{node.cpus:g} CPUs and {node.gpus} GPUs" for node in _nodes()) or "no node"
        missing = f"expected a node with {wanted} free, found {there}"
        if waited >= STALL_SECONDS:
            raise ShardError(f"no worker was ready for {STALL_SECONDS:g} s: {missing}; has another step taken them?")
        self._say(f"no worker is ready yet, {missing}: waiting for up to {STALL_SECONDS:g} s")

    def _hand_out(self, backlog: Backlog) -> None:
        """Give every actor with room something to do; shards that are annotated go before new ones."""
        actors = [actor for actor in self._actors if actor.probe is None]
        room = QUEUED_CALLS * len(actors)
        for calls in range(QUEUED_CALLS):
            for actor in actors:
                if len(actor.calls) > calls:
                    continue
                if (step := backlog.take(actor.post.duty.stages, room)) is not None:
                    if not actor.calls:
                        actor.since = time.monotonic()
                    actor.calls.append((_submit(actor, step), step))

    def _collect(self, backlog: Backlog) -> Iterator[Event]:
        """Wait for the next answer of any actor, for `POLL_SECONDS` at most."""
        waiting = {actor.probe: actor for actor in self._actors if actor.probe is not None}
        waiting |= {reference: actor for actor in self._actors for reference, _ in actor.calls}
        if not waiting:
            time.sleep(POLL_SECONDS)
            return
        answered, _ = ray.wait(list(waiting), num_returns=1, timeout=POLL_SECONDS)
        for reference in answered:
            yield from self._take(waiting[reference], reference, backlog)

    def _take(self, actor: Actor, reference: Any, backlog: Backlog) -> Iterator[Event]:
        """An actor's answer: that it is ready, what a call came to, or an error.

        Raises:
            AttnmetricsError: what no retry can mend.
        """
        step = next((step for held, step in actor.calls if held == reference), None)
        try:
            answer: Any = ray.get(reference)
        except RayTaskError as error:
            answer = _cause(error)
        except RayError as error:
            yield from self._bury(actor, _last_line(error), backlog)
            return
        actor.since = time.monotonic()
        if step is None:
            actor.post, actor.probe = Post(actor.post.duty, self._welcome(answer)), None
            return
        actor.calls.remove((reference, step))
        match answer:
            case DamageError():
                yield Damaged(step.call.stage, step.task.portion, str(answer))
            case AttnmetricsError():
                raise answer from None
            case Exception():
                yield from backlog.fail(step, reason_of(answer), TRIES)
            case _:
                self._deaths = 0
                backlog.go_on(step)
                yield Done(step.call.stage, step.task.portion, answer)

    def _welcome(self, answer: Any) -> str:
        """The node of a worker that is ready.

        Raises:
            ConfigError: its results would be others, or be lost.
        """
        if isinstance(answer, Exception):
            raise ConfigError(f"a worker cannot start on a node of the Ray cluster: {reason_of(answer)}")
        node, surroundings = answer
        refuse_foreign(surroundings, self._surroundings, self._config.out)
        return str(node)

    def _stop_overdue(self, backlog: Backlog) -> Iterator[Event]:
        """Let go the actors that do not get ready, or have one call for too long."""
        now = time.monotonic()
        for actor in list(self._actors):
            if actor.probe is not None and now - actor.since > READY_SECONDS:
                self._let_go(actor)
            elif actor.calls and self._limit and now - actor.since > self._limit and not _is_done(actor.calls[0][0]):
                yield from self._bury(actor, self._overdue, backlog)

    def _bury(self, actor: Actor, reason: str, backlog: Backlog) -> Iterator[Event]:
        """Let a dead actor go. It ran its calls in order: the oldest is the suspect, the others are innocent.

        Where the whole node is dead, the oldest is innocent as well.
        """
        by_node = self._lose(actor, reason)
        if not actor.calls:
            return
        suspect, *others = (step for _, step in actor.calls)
        backlog.put_back(others)
        if by_node:
            yield from backlog.fail(suspect, f"its node died: {reason}", NODE_TRIES)
        else:
            yield from backlog.fail(suspect, f"its worker died: {reason}", TRIES)

    def _lose(self, actor: Actor, reason: str) -> bool:
        """Let a dead actor go, so that another is started soon.

        Returns:
            whether it died with its node.

        Raises:
            ShardError: too many died by themselves.
        """
        self._let_go(actor)
        self._next_look = 0.0
        if _has_left(actor.post, _nodes()):
            return True
        self._deaths += 1
        if self._deaths > DEATHS + len(self._actors):
            raise ShardError(
                f"{self._deaths} workers died without finishing a shard between them, the last on "
                f"{_host(actor.post.node)}: {reason}; mend the cause there, then run the same command to go on"
            )
        return False

    def _let_go(self, actor: Actor) -> None:
        with suppress(Exception):
            ray.kill(actor.handle)
        self._actors.remove(actor)


def _nodes() -> list[Node]:
    """The nodes that are alive, in an order that stays."""
    alive = [(node["NodeID"], node["Resources"]) for node in ray.nodes() if node["Alive"]]
    return [Node(name, has.get("CPU", 0.0), int(has.get("GPU", 0))) for name, has in sorted(alive, key=lambda n: n[0])]


def _host(node: str | None) -> str:
    """The name of a node's machine."""
    names = {one["NodeID"]: str(one["NodeManagerHostname"]) for one in ray.nodes()}
    return names.get(node or "", "a node that is unknown")


def _has_left(post: Post, nodes: list[Node]) -> bool:
    """Whether the post was on a node that is not among these."""
    return post.node not in {None, *(node.id for node in nodes)}


def _measures_on_gpus(config: RunConfig, nodes: list[Node]) -> bool:
    """Whether this run measures on GPUs: decided once, since bits depend on it, whatever joins later.

    Raises:
        ConfigError: a GPU is asked for and there is none.
    """
    gpus = any(node.gpus for node in nodes)
    if config.device == "cuda" and not gpus:
        raise ConfigError("--device cuda: expected a GPU in the Ray cluster, found none; use --device cpu")
    return gpus and config.device != "cpu"


def _is_local(model: str) -> bool:
    """Whether a model is files, of which there is one version, and no name on the Hub."""
    return model in MODELS or Path(model).is_dir()


def _with_absolute_paths(config: RunConfig) -> RunConfig:
    """The configuration for workers: in a cluster that was there before, they are in another working folder."""
    paths = {}
    if config.model not in MODELS and Path(config.model).is_dir():
        paths["model"] = str(Path(config.model).absolute())
    if "/" in config.annotator and Path(config.annotator).is_dir():
        paths["annotator"] = str(Path(config.annotator).absolute())
    return config.model_copy(update=paths)


@contextmanager
def _keeping_sigterm() -> Iterator[None]:
    """The handler that was there before ends a run in order.

    When Ray starts, it sets one that aborts the driver with a trace of the stack; when it ends, the system's default,
    which kills; both in C, at some time in a call of seconds, and unknown to Python.
    """
    libc, action, done = ctypes.CDLL(None), ctypes.create_string_buffer(1024), threading.Event()
    libc.sigaction(signal.SIGTERM, None, action)
    before = signal.getsignal(signal.SIGTERM)

    def keep() -> None:
        while not done.wait(0.001):
            libc.sigaction(signal.SIGTERM, action, None)

    keeper = threading.Thread(target=keep, name="sigterm", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()
        libc.sigaction(signal.SIGTERM, action, None)  # for a thread that is not the main one
    if before is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


def _address(config: RunConfig) -> str | None:
    """The cluster to join, if there is to be one."""
    address = config.address or os.environ.get("RAY_ADDRESS")
    return None if address == "local" else address


def _connect(address: str | None) -> None:
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address:
        _join(address, options)
        return
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    try:
        with _on_loopback():
            ray.init(address="local", include_dashboard=False, **options)
    except Exception as error:  # Ray's own are no more special
        raise ConfigError(
            f"expected Ray to start on this machine, found: {error}; it needs free memory and room in "
            f"{os.environ.get('RAY_TMPDIR', '/tmp')} (or where RAY_TMPDIR says); or use --engine inline"
        ) from error


@contextmanager
def _on_loopback() -> Iterator[None]:
    """Let a new session listen on loopback only, as Ray does where it knows no clusters: it takes no such address."""
    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


def _join(address: str, options: dict[str, Any]) -> None:
    """Connect to a cluster.

    Raises:
        ConfigError: there is none at this address.
    """
    try:
        _check_answer(address)
        ray.init(address=address, **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"expected a Ray cluster at {address}, found none that answers ({first_line(error)}); correct --address or "
            "$RAY_ADDRESS, or leave both out to start one here"
        ) from error


def _check_answer(address: str) -> None:
    """See whether anything listens at a host and port.

    Raises:
        OSError: nothing does.
        ValueError: the port is no number.
    """
    parts = urlsplit(f"//{address.removeprefix('ray://')}")
    if parts.hostname and parts.port:
        socket.create_connection((parts.hostname, parts.port), CONNECT_SECONDS).close()


def _submit(actor: Actor, step: Step) -> Any:
    return getattr(actor.handle, step.call.stage).remote(step.task.portion, *step.call.arguments)


def _is_done(reference: Any) -> bool:
    return bool(ray.wait([reference], timeout=0)[0])


def _cause(error: RayTaskError) -> Exception:
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, Exception) else error


def _last_line(error: RayError) -> str:
    """What Ray says of a death, less of whom, what may have caused it and how to set up Ray."""
    if isinstance(error, OutOfMemoryError):
        return OUT_OF_MEMORY
    line = (str(error).strip().splitlines() or [type(error).__name__])[-1]
    fact, causes, _ = line.partition(" Some common causes include")
    return f"{fact} Often the system killed it for lack of memory; fewer --workers need less." if causes else fact
