"""The fit of a probe: L-BFGS on the driver, every step of it a sum over a treebank on the engine.

Shards are summed up in parts of many sentences, and parts are added in their order: the number of workers has no part
in the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy.optimize import minimize

from attnmetrics.corpus.shards import Shard
from attnmetrics.engine import Call, Damaged, Done, Engine, Failed, Task
from attnmetrics.engine.worker import Part
from attnmetrics.errors import DamageError, ShardError
from attnmetrics.metrics.family import Array
from attnmetrics.probing.probes import Probe, Shape
from attnmetrics.probing.sums import Loss, Summing, Sums
from attnmetrics.store.features import FeatureStore

PART_SENTENCES = 500
"""So many that most lengths have several sentences, which are worked on at once."""

GRADIENT = 1e-5
"""A fit is done where no component of the gradient of the mean loss is larger."""

CHANGE = 1e-7
"""Or where a step changes the loss by no more than this share."""


@dataclass(frozen=True, slots=True)
class Treebank:
    """A treebank in parts, and what probes learn from in them."""

    parts: Sequence[Part]
    store: FeatureStore
    engine: Engine

    def sum_up(self, summing: Summing) -> Sums:
        """The sum over all parts.

        Raises:
            DamageError: what is read was damaged; it is removed.
            ShardError: a part failed on every try.
        """
        call = Call("sum_up", (self.store, summing))
        found: dict[int, Sums] = {}
        for event in self.engine.run(Task(part, (call,)) for part in self.parts):
            match event:
                case Done():
                    found[event.portion.index] = event.effort.sums
                case Damaged():
                    raise DamageError(event.reason)
                case Failed():
                    raise ShardError(
                        f"part {event.portion.index} of {self.store.folder} failed on every try: {event.reason}; mend "
                        "the cause, then run the same command to go on"
                    )
        return reduce(_add, (found[part.index] for part in self.parts))


def cut_parts(shards: Sequence[Shard], sentences: Sequence[int]) -> list[Part]:
    """Shards in a row with `PART_SENTENCES` between them, or the last ones."""
    parts: list[Part] = []
    held: list[Shard] = []
    for shard in shards:
        held.append(shard)
        if sum(sentences[one.index] for one in held) >= PART_SENTENCES or shard is shards[-1]:
            parts.append(Part(len(parts), sum(one.characters for one in held), tuple(one.index for one in held)))
            held = []
    return parts


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights that make the loss as small as it can be, and how they were found."""

    weights: Array
    """[size]"""
    loss: float
    """mean loss in nats, without the penalty"""
    words: int
    """that were learned from"""
    iterations: int
    converged: bool


def fit(treebank: Treebank, probe: Probe, shape: Shape, penalty: float, iterations: int) -> Fit:
    """Minimise the mean loss of a word plus λ times the sum of squared weights; from zeros, to the one minimum."""

    def objective(weights: Array) -> tuple[float, Array]:
        sums = treebank.sum_up(Loss(probe, shape, weights))
        words = max(float(sums["words"]), 1)
        value = float(sums["loss"]) / words + penalty * float(np.square(weights).sum())
        return value, sums["gradient"] / words + 2 * penalty * weights

    options = {"maxiter": iterations, "gtol": GRADIENT, "ftol": CHANGE, "maxfun": 10 * iterations}
    found = minimize(objective, np.zeros(shape.size), jac=True, method="L-BFGS-B", options=options)
    best = treebank.sum_up(Loss(probe, shape, found.x))
    words = int(best["words"])
    return Fit(found.x, float(best["loss"]) / max(words, 1), words, int(found.nit), bool(found.success))


def _add(one: Sums, other: Sums) -> Sums:
    return {name: value + other[name] for name, value in one.items()}
