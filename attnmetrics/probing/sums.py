"""What a shard's sentences add to the fit of a probe and to its evaluation. Sums of shards are added in their order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from attnmetrics.metrics.family import Array
from attnmetrics.probing.probes import Block, Probe, Shape, score_heads
from attnmetrics.statistics.word_features import NO_PLACE, Group, WordFeatures, control_heads
from attnmetrics.storage import read_ahead

GROUP_NUMBERS = 1 << 18
"""Numbers of maps that are worked on at once: two megabytes in float64, which stay in a core's caches."""

OFFSETS = tuple(offset for offset in range(-10, 11) if offset)
"""Word offsets that are tried as a baseline: the head stands so many words to the right."""

Sums = Mapping[str, Array]
Shapes = Mapping[str, tuple[int, ...]]


class Summing(Protocol):
    """Something that is summed over sentences."""

    def sums(self, features: WordFeatures, threads: int) -> Sums:
        """Its sums over these, the same bits for any number of threads."""


@dataclass(frozen=True, slots=True)
class Loss:
    """`loss`, Σ −log p(head) in nats over the words whose head is there; its `gradient`; `words`, their number."""

    probe: Probe
    shape: Shape
    weights: Array
    """[size]"""

    def sums(self, features: WordFeatures, threads: int) -> Sums:
        """See `Summing`."""
        return _add(
            self._of_group,
            features,
            self.shape.maps,
            threads,
            {"gradient": (self.shape.size,), "loss": (), "words": ()},
        )

    def _of_group(self, group: Group) -> Sums:
        weights = torch.from_numpy(self.weights).view(self.shape.weights).requires_grad_()
        block, heads = Block.of(self.probe, group), torch.from_numpy(find_heads(self.probe, group))
        there = heads != NO_PLACE
        logs = score_heads(weights, block).log_softmax(-1)
        loss = -logs[there].gather(-1, heads[there][:, None]).sum()
        (gradient,) = torch.autograd.grad(loss, weights)
        return {"loss": loss.detach().numpy(), "gradient": gradient.flatten().numpy(), "words": there.sum().numpy()}


@dataclass(frozen=True, slots=True)
class Score:
    """By relation: `right`, words whose most probable head is theirs; the same over `roots`."""

    probe: Probe
    shape: Shape
    weights: Array
    """[size]"""
    relations: tuple[str, ...]

    def sums(self, features: WordFeatures, threads: int) -> Sums:
        """See `Summing`."""
        return _add(self._of_group, features, self.shape.maps, threads, {"right": (len(self.relations),), "roots": ()})

    @torch.no_grad()
    def _of_group(self, group: Group) -> Sums:
        weights = torch.from_numpy(self.weights).view(self.shape.weights)
        scores = score_heads(weights, Block.of(self.probe, group)).numpy()
        right = scores.argmax(-1) == find_heads(self.probe, group)
        relation = _number(group, self.relations)
        roots = group.column("head") == group.words
        return {"right": np.bincount(relation[right], minlength=len(self.relations)), "roots": (right & roots).sum()}


@dataclass(frozen=True, slots=True)
class Count:
    """What there is to be right about: by relation `words`, and those whose head is at each of `OFFSETS`; and more."""

    relations: tuple[str, ...]

    def sums(self, features: WordFeatures, threads: int) -> Sums:
        """See `Summing`."""
        number = len(self.relations)
        shapes = {"words": (number,), "at_offset": (number, len(OFFSETS)), "sentences": (), "roots": (),
                  "without_head": (), "without_vector": ()}  # fmt: skip
        dropped = np.array(features.without_piece.sum())
        return {**_add(self._of_group, features, 1, threads, shapes), "without_piece": dropped.astype(float)}

    def _of_group(self, group: Group) -> Sums:
        head, relation = group.column("head"), _number(group, self.relations)
        position = group.column("position")
        to_head = np.take_along_axis(position, np.clip(head, 0, group.words - 1), 1) - position
        has_head = (head >= 0) & (head < group.words)
        there = [relation[has_head & (to_head == offset)] for offset in OFFSETS]
        at_offset = [np.bincount(found, minlength=len(self.relations)) for found in there]
        return {
            "words": np.bincount(relation.ravel(), minlength=len(self.relations)),
            "at_offset": np.stack(at_offset, -1),
            "sentences": np.array(group.count),
            "roots": (head == group.words).sum(),
            "without_head": (head == NO_PLACE).sum(),
            "without_vector": (~group.column("has_vector").astype(bool)).sum(),
        }


def find_heads(probe: Probe, group: Group) -> NDArray[np.int64]:
    """[S, n] what the probe is to find: the heads, or those of the control task."""
    if probe.control:
        return control_heads(group.column("rule").astype(np.int64))
    return group.column("head").astype(np.int64)


def _number(group: Group, relations: tuple[str, ...]) -> NDArray[np.int64]:
    """[S, n] the place of each word's relation among these."""
    number = {relation: place for place, relation in enumerate(relations)}
    names, code = np.unique(group.column("relation"), return_inverse=True)
    return np.array([number[name] for name in names.tolist()], np.int64)[code].reshape(group.count, group.words)


def _add(
    of_group: Callable[[Group], Sums], features: WordFeatures, maps: int, threads: int, shapes: Shapes
) -> dict[str, Array]:
    """The sums of all groups of sentences with so many maps, added in their order."""
    total = {name: np.zeros(shape) for name, shape in shapes.items()}
    for sums in read_ahead(of_group, features.groups(GROUP_NUMBERS // maps), threads):
        for name, value in sums.items():
            total[name] += value
    return total
