"""Which workers a cluster has room for: arithmetic on the resources of its nodes.

Every worker is planned for one node, because the rule that matters is one of nodes: the core beside a GPU belongs to
the worker that measures there. Ray's own placement sees totals only, and would let an annotator have that core
while its owner is being replaced.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import floor

from attnmetrics.engine import Stage

ANNOTATING: frozenset[Stage] = frozenset({"annotate", "count"})
MEASURING: frozenset[Stage] = frozenset(
    {"count_units", "measure", "trace", "sample", "importance", "extract", "sum_up"}
)
ALL = ANNOTATING | MEASURING


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster."""

    id: str
    cpus: float
    gpus: int


@dataclass(frozen=True, slots=True)
class Duty:
    """What a worker does, and what it takes of its node."""

    stages: frozenset[Stage]
    cpus: float
    gpus: int


@dataclass(frozen=True, slots=True)
class Post:
    """Room for one worker."""

    duty: Duty
    node: str | None
    """None: on any node that has room, once there is one"""


@dataclass(frozen=True, slots=True)
class Staffing:
    """How many workers are wanted, and of which kinds."""

    workers: int | None
    """that measure; None: as many as fit"""
    threads: int
    """of a worker that measures without a GPU"""
    on_gpus: bool
    """measure on GPUs and annotate beside them; else every worker does both"""
    grows: bool
    """Nodes may join: workers without room wait for them. Else they share the one machine there is."""


def find_posts(nodes: Sequence[Node], staffing: Staffing) -> list[Post]:
    """Room for workers, taken from one node after the other in turn.

    With GPUs, one measuring worker a GPU, with a core of its own, and annotators on the other cores. A node without
    a core to spare shares its cores: evenly among its measuring workers and, if no node can spare one, an annotator.
    """
    spare = any(floor(node.cpus) > node.gpus for node in nodes)
    turns = zip_longest(*([Post(duty, node.id) for duty in _duties(node, staffing, spare)] for node in nodes))
    return [post for turn in turns for post in turn if post]


def find_vacancies(nodes: Sequence[Node], staffing: Staffing, held: Counter[Post]) -> list[Post]:
    """Posts for which workers are to be started, given those that `held` ones have.

    Where there is no room for a worker that is wanted, its post has no node: Ray keeps it waiting, which tells an
    autoscaler to start a node. `workers` that are unset want no more than there is room for, and at least one of each
    kind: a cluster of nodes that are started on demand grows for a number of workers, or by its own least size.
    """
    posts = find_posts(nodes, staffing)
    return [post for duty in _kinds(staffing) for post in _vacant(duty, posts, staffing, held)]


def _duties(node: Node, staffing: Staffing, spare: bool) -> list[Duty]:
    if not staffing.on_gpus:
        return _whole_duties(node, staffing)
    others = floor(node.cpus) - node.gpus
    if others > 0:
        return [Duty(MEASURING, 1, 1)] * node.gpus + [Duty(ANNOTATING, 1, 0)] * others
    share = _share(node.cpus, node.gpus + 1)
    return [Duty(MEASURING, share, 1)] * node.gpus + [Duty(ANNOTATING, share, 0)] * (share > 0 and not spare)


def _whole_duties(node: Node, staffing: Staffing) -> list[Duty]:
    """Workers that do everything."""
    fitting = max(floor(node.cpus / staffing.threads), int(node.cpus > 0))
    workers = fitting if staffing.grows or staffing.workers is None else staffing.workers
    return [Duty(ALL, min(staffing.threads, _share(node.cpus, max(workers, 1))), 0)] * workers


def _share(cpus: float, workers: int) -> float:
    """Ray counts in ten-thousandths of a core."""
    return floor(cpus / workers * 10_000) / 10_000


def _kinds(staffing: Staffing) -> Iterator[Duty]:
    """A worker of each kind, as it is asked for where no node has room."""
    if staffing.on_gpus:
        yield Duty(MEASURING, 1, 1)
        yield Duty(ANNOTATING, 1, 0)
    else:
        yield Duty(ALL, staffing.threads, 0)


def _vacant(duty: Duty, posts: Sequence[Post], staffing: Staffing, held: Counter[Post]) -> list[Post]:
    room = [post for post in posts if post.duty.stages == duty.stages]
    taken = Counter({post: number for post, number in held.items() if post.duty.stages == duty.stages})
    wanted = staffing.workers if staffing.workers and "measure" in duty.stages else max(1, len(room))
    if not staffing.grows:
        wanted = min(wanted, len(room))
    short = max(0, wanted - taken.total())
    free = []
    for post in room:
        if taken[post]:
            taken[post] -= 1
        else:
            free.append(post)
    return (free + [Post(duty, None)] * short)[:short]
