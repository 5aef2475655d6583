"""Scores, losses and optima of probes, against loops, finite differences, and trees that are planted."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

from attnmetrics.corpus.shards import Shard
from attnmetrics.engine import Done, Effort
from attnmetrics.engine.worker import Part
from attnmetrics.metrics.reference import probes as reference
from attnmetrics.probing.probes import Block, Probe, Shape, score_heads
from attnmetrics.probing.sums import OFFSETS, Count, Loss, Score, Summing, find_heads
from attnmetrics.running.fitting import Treebank, cut_parts, fit
from attnmetrics.statistics.word_features import NO_PLACE, WordFeatures, control_heads

SPECIAL, HEADS, WIDTH = 2, 3, 2
RELATIONS = ("obj", "punct")


def features(
    heads: list[list[int]],
    attention: Callable[[int, int, int], float] | None = None,
    seed: int = 0,
) -> WordFeatures:
    """Sentences with these heads (n: the root), and random attention, or one that is a function of head and places."""
    random = np.random.default_rng(seed)
    heads = sorted(heads, key=len)
    maps = []
    for sentence in heads:
        places = len(sentence) + SPECIAL
        own = random.dirichlet(np.ones(places), (places, HEADS)).transpose(0, 2, 1)
        if attention is not None:
            for place, head in enumerate(sentence):
                own[place, :, 0] = [attention(place, other, head) for other in range(places)]
        maps.append(own.reshape(-1, HEADS))
    words = np.array([len(sentence) for sentence in heads])
    total = int(words.sum())
    return WordFeatures(
        row=np.arange(len(heads)),
        words=words,
        without_piece=np.zeros(len(heads), np.int64),
        maps=np.concatenate(maps).astype(np.float16),
        head=np.concatenate(heads).astype(np.int64),
        position=np.concatenate([np.arange(len(sentence)) for sentence in heads]),
        relation=random.choice(np.array(RELATIONS), total),
        rule=random.integers(0, 3, total),
        vectors=random.normal(size=(total, WIDTH)).astype(np.float32),
        has_vector=np.ones(total, np.bool_),
        special=SPECIAL,
    )


def trees(number: int, seed: int = 1) -> list[list[int]]:
    """Random heads; one word of each sentence is its root."""
    random = np.random.default_rng(seed)
    found = []
    for length in random.integers(2, 6, number).tolist():
        root = int(random.integers(length))
        others = [[i for i in range(length) if i != j] for j in range(length)]
        found.append([length if j == root else int(random.choice(others[j])) for j in range(length)])
    return found


class Together:
    """An engine that sums up features as they are, whatever the store."""

    def __init__(self, parts: list[WordFeatures]) -> None:
        self.parts = parts

    def run(self, tasks):
        for task in reversed(list(tasks)):  # events come in any order
            _, summing = task.calls[0].arguments
            effort = Effort(0.0, 0, 0, sums=summing.sums(self.parts[task.portion.index], 1))
            yield Done("sum_up", task.portion, effort)


def bank(*parts: WordFeatures) -> Treebank:
    return Treebank([Part(place, 1, (place,)) for place in range(len(parts))], None, Together(list(parts)))  # type: ignore[arg-type]


def shape_of(probe: Probe) -> Shape:
    return Shape.of(probe, HEADS, SPECIAL, WIDTH)


PROBES = [Probe("attention"), Probe("attention", words=True), Probe("attention", words=True, control=True)]


def loops(probe: Probe, weights: NDArray[np.float64], found: WordFeatures) -> float:
    """The loss of all words, one after the other."""
    total = 0.0
    for group in found.groups(1):
        (maps,), (vectors,), (heads,) = group.maps.astype(float), group.column("vectors"), find_heads(probe, group)
        vectors = vectors if probe.words else vectors[:, :0]
        for dependent, head in enumerate(heads.tolist()):
            scores = reference.score(weights, maps, SPECIAL, vectors.tolist(), dependent, probe.control)
            total += reference.loss(scores, head) if head != NO_PLACE else 0.0
    return total


@pytest.mark.parametrize("probe", PROBES, ids=str)
def test_loss_is_that_of_loops_and_its_gradient_that_of_differences(probe: Probe) -> None:
    random, shape = np.random.default_rng(3), shape_of(probe)
    found = features([*trees(6), [1, NO_PLACE, 3]])
    weights = random.normal(size=shape.size)
    sums = Loss(probe, shape, weights).sums(found, 1)
    np.testing.assert_allclose(sums["loss"], loops(probe, weights.reshape(shape.weights), found), rtol=1e-12)
    assert sums["words"] == len(found.head) - (not probe.control)
    direction = random.normal(size=shape.size)
    ahead, behind = (Loss(probe, shape, weights + step * direction).sums(found, 1)["loss"] for step in (1e-5, -1e-5))
    np.testing.assert_allclose(sums["gradient"] @ direction, (ahead - behind) / 2e-5, rtol=1e-6)


@pytest.mark.parametrize("probe", PROBES[:2], ids=str)
def test_the_optimum_is_that_of_the_dense_loss(probe: Probe) -> None:
    found, shape = features(trees(4)), shape_of(probe)
    penalty = 0.05
    ours = fit(bank(found), probe, shape, penalty, 500)
    assert ours.converged and ours.words == len(found.head)

    def dense(weights: NDArray[np.float64]) -> float:
        mean = loops(probe, weights.reshape(shape.weights), found) / len(found.head)
        return mean + penalty * float(weights @ weights)

    if probe.words:  # differences over all weights take their time: the value is enough, for it is the lowest
        random = np.random.default_rng(0)
        near = [dense(ours.weights + 0.01 * random.normal(size=shape.size)) for _ in range(8)]
        assert dense(ours.weights) < min(near)
        return
    theirs = minimize(dense, np.zeros(shape.size), method="BFGS", options={"gtol": 1e-6})
    np.testing.assert_allclose(ours.weights, theirs.x, atol=2e-3)
    np.testing.assert_allclose(dense(ours.weights), theirs.fun, rtol=1e-5)


def accuracy(probe: Probe, weights: NDArray[np.float64], found: WordFeatures) -> float:
    right = Score(probe, shape_of(probe), weights, RELATIONS).sums(found, 1)["right"]
    return float(right.sum() / len(found.head))


def planted(place: int, other: int, head: int) -> float:
    """All attention of a word goes to its head; of a root, to the first special piece."""
    return float(other == head)


def test_a_tree_that_one_head_holds_is_found_whole_and_that_head_has_most_weight() -> None:
    train, test = (features(trees(60, seed), planted) for seed in (1, 2))
    probe = Probe("attention")
    fitted = fit(bank(train), probe, shape_of(probe), 1e-4, 200)
    assert accuracy(probe, fitted.weights, test) == 1
    by_head = fitted.weights.reshape(shape_of(probe).weights)[..., 0]
    assert np.unravel_index(np.abs(by_head).argmax(), by_head.shape) == (1, 0)  # the dependent attends
    assert accuracy(probe, fitted.weights, features(trees(60, 2))) < 0.6


def test_heads_at_random_are_found_no_better_than_by_distance() -> None:
    train, test = (features(trees(150, seed)) for seed in (1, 2))
    scores = {}
    for probe in (Probe("attention"), Probe("distances")):
        shape = shape_of(probe)
        weights = fit(bank(train), probe, shape, 1e-2, 100).weights
        right = Score(probe, shape, weights, RELATIONS).sums(test, 1)["right"]
        scores[probe.maps] = float(right.sum() / len(test.head))
    assert abs(scores["attention"] - scores["distances"]) < 0.1
    assert scores["attention"] < 0.5


@settings(max_examples=10)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=3, unique=True), st.integers(0, 3))
def test_sums_of_shards_add_up_and_have_the_same_bits_with_any_number_of_threads(cuts: list[int], seed: int) -> None:
    heads, random = trees(10, seed), np.random.default_rng(seed)
    whole = features(heads, planted)
    bounds = [0, *sorted(cuts), 10]
    parts = [features(heads[a:b], planted) for a, b in pairwise(bounds) if heads[a:b]]
    assert len(parts) > 1
    probe = Probe("distances", words=False)
    shape = shape_of(probe)
    weights = random.normal(size=shape.size)
    for summing in (Loss(probe, shape, weights), Score(probe, shape, weights, RELATIONS)):
        one, many = bank(whole).sum_up(summing), bank(*parts).sum_up(summing)
        together = summing.sums(whole, 3)
        for name in one:
            np.testing.assert_array_equal(together[name], one[name])
            if name != "right":  # relations are drawn anew in each part
                np.testing.assert_allclose(many[name], one[name], rtol=1e-12)


def test_counts_by_hand() -> None:
    counts: Summing = Count(RELATIONS)
    sums = counts.sums(features([[1, 2], [1, 4, 1, NO_PLACE]]), 1)
    assert {name: float(sums[name]) for name in ("sentences", "roots", "without_head")} == {
        "sentences": 2, "roots": 2, "without_head": 1,
    }  # fmt: skip
    at_offset = dict(zip(OFFSETS, sums["at_offset"].sum(0).tolist(), strict=True))
    assert {offset: number for offset, number in at_offset.items() if number} == {1: 2, -1: 1}


def test_a_word_is_its_own_head_in_the_control_task_alone() -> None:
    assert control_heads(np.array([[0, 1, 2, 0]])).tolist() == [[0, 0, 3, 3]]
    (group,) = features([[1, 2]]).groups(100)
    for control in (False, True):
        probe = Probe("attention", control=control)
        scores = score_heads(torch.zeros(shape_of(probe).weights, dtype=torch.float64), Block.of(probe, group))
        assert torch.isinf(torch.diagonal(scores[0])).all() == (not control)


def test_parts_hold_enough_sentences_each_or_are_the_last_ones() -> None:
    shards = [Shard(index, index, 1, 10, "") for index in range(6)]
    parts = cut_parts(shards, [300, 300, 500, 10, 0, 20])
    assert parts == [Part(0, 20, (0, 1)), Part(1, 10, (2,)), Part(2, 30, (3, 4, 5))]


def test_joined_parts_are_the_whole() -> None:
    heads = trees(9)
    parts = [features(heads[:4], seed=1), features(heads[4:], seed=2)]
    joined = WordFeatures.join(parts)
    assert joined.words.tolist() == sorted(map(len, heads)) and sorted(joined.row.tolist()) == list(range(9))
    for row, group in zip(joined.row.tolist(), joined.groups(1), strict=True):
        part, own = (parts[0], row) if row < 4 else (parts[1], row - 4)
        expected = list(part.groups(1))[part.row.tolist().index(own)]
        np.testing.assert_array_equal(group.maps, expected.maps)
        for name in ("head", "relation", "vectors"):
            np.testing.assert_array_equal(group.column(name), expected.column(name))
