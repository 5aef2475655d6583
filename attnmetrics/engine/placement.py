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

ANNOTATING: frozenset[Stage] = frozenset({"annotate"})
MEASURING: frozenset[Stage] = frozenset({"measure", "trace"})
ALL = ANNOTATING | MEASURING


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster."""

    id: str
    cpus: float
    gpus: int


@dataclass(frozen=True, slots=True)
class Role:
    """What a worker does, and what it takes of its node."""

    stages: frozenset[Stage]
    cpus: float
    gpus: int


@dataclass(frozen=True, slots=True)
class Place:
    """Room for one worker."""

    role: Role
    node: str | None
    """None: on any node that has room, once there is one"""


@dataclass(frozen=True, slots=True)
class Rule:
    """How many workers are wanted, and of which kinds."""

    workers: int | None
    """that measure; None: as many as fit"""
    threads: int
    """of a worker that measures without a GPU"""
    on_gpus: bool
    """measure on GPUs and annotate beside them; else every worker does both"""
    grows: bool
    """Nodes may join: workers without room wait for them. Else they share the one machine there is."""


def find_places(nodes: Sequence[Node], rule: Rule) -> list[Place]:
    """Room for workers, taken from one node after the other in turn.

    With GPUs, one measuring worker a GPU, with a core of its own, and annotators on the other cores. A node without
    a core to spare shares its cores: evenly among its measuring workers and, if no node can spare one, an annotator.
    """
    spare = any(floor(node.cpus) > node.gpus for node in nodes)
    turns = zip_longest(*([Place(role, node.id) for role in _roles(node, rule, spare)] for node in nodes))
    return [place for turn in turns for place in turn if place]


def find_vacancies(nodes: Sequence[Node], rule: Rule, held: Counter[Place]) -> list[Place]:
    """Places for which workers are to be started, given those that `held` ones have.

    Where there is no room for a worker that is wanted, its place has no node: Ray keeps it waiting, which tells an
    autoscaler to start a node. `workers` that are unset want no more than there is room for, and at least one of each
    kind: a cluster of nodes that are started on demand grows for a number of workers, or by its own least size.
    """
    places = find_places(nodes, rule)
    return [place for role in _kinds(rule) for place in _vacant(role, places, rule, held)]


def _roles(node: Node, rule: Rule, spare: bool) -> list[Role]:
    if not rule.on_gpus:
        return _whole_roles(node, rule)
    others = floor(node.cpus) - node.gpus
    if others > 0:
        return [Role(MEASURING, 1, 1)] * node.gpus + [Role(ANNOTATING, 1, 0)] * others
    share = _share(node.cpus, node.gpus + 1)
    return [Role(MEASURING, share, 1)] * node.gpus + [Role(ANNOTATING, share, 0)] * (share > 0 and not spare)


def _whole_roles(node: Node, rule: Rule) -> list[Role]:
    """Workers that do everything."""
    fitting = max(floor(node.cpus / rule.threads), int(node.cpus > 0))
    workers = fitting if rule.grows or rule.workers is None else rule.workers
    return [Role(ALL, min(rule.threads, _share(node.cpus, max(workers, 1))), 0)] * workers


def _share(cpus: float, workers: int) -> float:
    """Ray counts in ten-thousandths of a core."""
    return floor(cpus / workers * 10_000) / 10_000


def _kinds(rule: Rule) -> Iterator[Role]:
    """A worker of each kind, as it is asked for where no node has room."""
    if rule.on_gpus:
        yield Role(MEASURING, 1, 1)
        yield Role(ANNOTATING, 1, 0)
    else:
        yield Role(ALL, rule.threads, 0)


def _vacant(role: Role, places: Sequence[Place], rule: Rule, held: Counter[Place]) -> list[Place]:
    room = [place for place in places if place.role.stages == role.stages]
    taken = Counter({place: number for place, number in held.items() if place.role.stages == role.stages})
    wanted = rule.workers if rule.workers and "measure" in role.stages else max(1, len(room))
    if not rule.grows:
        wanted = min(wanted, len(room))
    short = max(0, wanted - taken.total())
    free = []
    for place in room:
        if taken[place]:
            taken[place] -= 1
        else:
            free.append(place)
    return (free + [Place(role, None)] * short)[:short]
