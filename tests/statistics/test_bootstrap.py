"""Bounds against a bootstrap written with loops, and the laws that they keep."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from schemas import small_schema
from scipy.stats import rankdata
from scipy.stats import t as student

from attnmetrics.metrics.importance import RESULTS, Layout, compute
from attnmetrics.metrics.schema import Schema
from attnmetrics.statistics.bootstrap import DRAWS, LEAST, MOST_GROUPS, count_draws, find_bounds, rank_heads
from attnmetrics.statistics.groups import GroupSums, sums_of_groups
from attnmetrics.statistics.intervals import Interval, find_intervals, find_intervals_of
from attnmetrics.statistics.states import State

SCHEMA = small_schema((0, 1), 2)
NAMES = ("null_attention", "distance", "distance_by_layer", "pos_to", "distance_entropy_r")


def new_state(seed: int, schema: Schema | Layout = SCHEMA) -> State:
    """Sums of a shard of some size."""
    random = np.random.default_rng(seed)
    size = random.integers(1, 6)
    return State(schema, {name: random.gamma(0.5, size, shape) for name, shape in schema.shapes.items()})


def new_groups(states: dict[int, State], order: list[int] | None = None) -> GroupSums:
    """The groups of these shards, added in some order."""
    groups = GroupSums(SCHEMA, max(states) + 1)
    for shard in order or states:
        groups.add(shard, states[shard])
    return groups


def find(
    states: dict[int, State], order: list[int] | None = None, names: tuple[str, ...] = NAMES
) -> dict[str, Interval]:
    sums = {name: sum(state[name] for state in states.values()) for name in SCHEMA.shapes}
    none = {"deviation_sum": np.zeros((2, 2)), "prefix_sum": np.zeros((2, 2)), "variability_sentences": np.zeros(())}
    return find_intervals(new_groups(states, order), SCHEMA.compute({**sums, **none}), names=names)


# ---- the twin


def percentile(values: list[float], share: float) -> float:
    place = share * (len(values) - 1)
    before = int(place)
    after = min(before + 1, len(values) - 1)
    return values[before] + (place - before) * (values[after] - values[before])


def bounds_by_loops(draws: list[float], value: float, groups: int, confidence: float = 0.95) -> tuple[float, float]:
    """Φ(2z₀ ± √(n ÷ (n − 1))·t), draw by draw."""
    below = 0.0
    for draw in draws:
        below += 1.0 if draw < value else 0.5 if draw == value else 0.0
    normal = NormalDist()
    bias = normal.inv_cdf(min(max(below / len(draws), 0.5 / len(draws)), 1 - 0.5 / len(draws)))
    reach = (groups / (groups - 1)) ** 0.5 * float(student.ppf((1 + confidence) / 2, groups - 1))
    low, high = (normal.cdf(2 * bias + sign * reach) for sign in (-1, 1))
    return percentile(sorted(draws), low), percentile(sorted(draws), high)


def draws_by_loops(groups: int) -> list[list[int]]:
    """How often each draw takes each group: the upper half of a raw number, times the groups, ÷ 2³², is the next."""
    source = np.random.PCG64(20_191_206)
    draws = [[0] * groups for _ in range(2000)]
    for counts in draws:
        for _ in range(groups):
            counts[(source.random_raw() // 2**32) * groups // 2**32] += 1
    return draws


def test_a_run_has_the_bounds_of_a_bootstrap_written_with_loops() -> None:
    states = {shard: new_state(shard) for shard in range(11)}
    found = find(states)
    shares: list[float] = []
    distances: list[float] = []
    for row in draws_by_loops(11):
        null = given = span = layer_given = 0.0
        for shard, times in enumerate(row):
            for _ in range(times):
                null += states[shard]["null_sum"][1, 0]
                given += states[shard]["given_sum"][1, 0]
                span += states[shard]["span_sum"][1].sum()
                layer_given += states[shard]["given_sum"][1].sum()
        shares.append(null / (null + given))
        distances.append(span / layer_given)
    whole = {name: sum(state[name] for state in states.values()) for name in ("null_sum", "given_sum", "span_sum")}
    share = whole["null_sum"][1, 0] / (whole["null_sum"] + whole["given_sum"])[1, 0]
    distance = whole["span_sum"][1].sum() / whole["given_sum"][1].sum()
    np.testing.assert_allclose(found["null_attention"].bounds[1, 0], bounds_by_loops(shares, share, 11), rtol=1e-9)
    twin = found["distance_by_layer"]
    np.testing.assert_allclose(twin.bounds[1], bounds_by_loops(distances, distance, 11), rtol=1e-9)
    assert (found["null_attention"].groups == 11).all()
    assert found["null_attention"].rank is not None
    assert twin.rank is None


def test_importance_has_the_bounds_of_loops_too() -> None:
    layout = Layout((0, 1), 2, "test")
    states = {shard: new_state(shard, layout) for shard in (0, 1, 3, 4, 5, 6, 8, 9, MOST_GROUPS)}
    for shard in (1, 3):
        states[shard].sums["pairs"][1, 2] = 0
        states[shard].sums["gradient_sum"][1, :, 2] = 0
    whole = {name: sum(state[name] for state in states.values()) for name in layout.shapes}
    found = find_intervals_of(RESULTS, sums_of_groups(states), compute(whole))
    groups = [[states[0], states[MOST_GROUPS]], *([states[shard]] for shard in (1, 3, 4, 5, 6, 8, 9))]
    draws: list[float] = []
    for row in draws_by_loops(8):
        gradient = pairs = 0.0
        for group, times in zip(groups, row, strict=True):
            for state in group:
                gradient += times * state["gradient_sum"][1, 1, 3, 2]
                pairs += times * state["pairs"][1, 3]
        draws.append(gradient / pairs)
    value = whole["gradient_sum"][1, 1, 3, 2] / whole["pairs"][1, 3]
    one = found["importance"]
    np.testing.assert_allclose(one.bounds[1, 1, 3, 2], bounds_by_loops(draws, value, 8), rtol=1e-9)
    assert (one.groups[0] == 8).all() and (one.groups[1, :, 2] == 6).all() and np.isnan(one.bounds[1, :, 2]).all()
    assert set(found) == {"importance", "importance_weight", "importance_value_norm", "importance_loss"}


@given(
    st.lists(st.integers(-3, 3), min_size=2, max_size=30),
    st.integers(-3, 3),
    st.integers(LEAST, 500),
    st.sampled_from([0.5, 0.9, 0.95, 0.99]),
)
@limits(max_examples=60)
def test_bounds_are_those_of_loops(draws: list[int], value: int, groups: int, confidence: float) -> None:
    found = find_bounds(np.array([draws], float), np.array([float(value)]), np.array([groups]), confidence)
    equal = len(set(draws)) == 1
    expected = (value, value) if equal else bounds_by_loops([float(draw) for draw in draws], value, groups, confidence)
    np.testing.assert_allclose(found[0], expected, atol=1e-9)


# ---- draws


def test_draws_take_as_many_groups_as_there_are_and_are_always_the_same() -> None:
    draws = count_draws(12)
    assert draws.shape == (DRAWS, 12)
    assert (draws.sum(1) == 12).all()
    np.testing.assert_allclose(draws.mean(0), 1, atol=0.1)
    np.testing.assert_allclose(draws.var(0), 11 / 12, atol=0.12)
    assert draws[0].tolist() == [1, 2, 0, 2, 0, 2, 1, 1, 0, 1, 0, 2]
    np.testing.assert_array_equal(draws, count_draws(12))


# ---- laws


@given(st.permutations(range(9)))
@limits(max_examples=2)
def test_the_order_of_shards_has_no_part_in_intervals(order: list[int]) -> None:
    states = {shard: new_state(shard) for shard in range(9)}
    for name, one in find(states).items():
        np.testing.assert_allclose(find(states, order)[name].bounds, one.bounds, rtol=1e-9, err_msg=name)


def test_what_is_asked_for_has_no_part_in_intervals() -> None:
    states = {shard: new_state(shard) for shard in range(9)}
    alone = find(states, names=("pos_to",))
    assert list(alone) == ["pos_to"]
    np.testing.assert_array_equal(alone["pos_to"].bounds, find(states)["pos_to"].bounds)


def test_shards_beyond_the_most_groups_join_one_that_is_there() -> None:
    groups = GroupSums(SCHEMA, MOST_GROUPS + 2)
    for shard in (0, 1, MOST_GROUPS, MOST_GROUPS + 1):
        groups.add(shard, new_state(shard))
    expected = new_state(1)["given_sum"] + new_state(MOST_GROUPS + 1)["given_sum"]
    np.testing.assert_allclose(groups.read()["given_sum"][1], expected)
    assert groups.there.sum() == 2


# ---- evidence


def test_shards_that_are_missing_are_not_drawn() -> None:
    """Of 10 shards with one gone, the intervals are those of the other nine."""
    states = {shard: new_state(shard) for shard in range(10) if shard != 4}
    gapless = dict(enumerate(states.values()))
    for name, one in find(states).items():
        np.testing.assert_allclose(one.bounds, find(gapless)[name].bounds, rtol=1e-9, err_msg=name)
        assert (one.groups == 9).all()


@pytest.mark.parametrize("shards", [LEAST - 1, LEAST])
def test_few_shards_have_no_intervals(shards: int) -> None:
    found = find({shard: new_state(shard) for shard in range(shards)})
    assert np.isnan(found["distance"].bounds).all() == (shards < LEAST)
    assert (found["distance"].groups == shards).all()


def test_a_group_without_evidence_does_not_count() -> None:
    states = {shard: new_state(shard) for shard in range(12)}
    for shard in range(5):
        for name in ("given_sum", "null_sum", "span_sum", "received_by_pos"):
            states[shard].sums[name][0, 1] = 0
    found = find(states)
    assert found["distance"].groups.tolist() == [[12, 7], [12, 12]]
    assert np.isnan(found["distance"].bounds[0, 1]).all()
    assert np.isfinite(found["distance"].bounds[1, 1]).all()


def test_the_best_head_has_bounds_though_no_shard_has_enough_edges() -> None:
    """Two heads over 30 shards of 4 edges, 60 in each half: the better one hits three of four."""
    random = np.random.default_rng(5)
    states = {}
    for shard in range(30):
        sums = {name: np.zeros(shape) for name, shape in SCHEMA.shapes.items()}
        sums["relation_attainable"][shard % 2, 0, 0] = 4
        sums["relation_hits"][0, 0, shard % 2, 0, 0] = random.binomial(4, 0.75)
        sums["relation_hits"][1, 1, shard % 2, 0, 0] = random.binomial(4, 0.25)
        states[shard] = State(SCHEMA, sums)
    one = find(states, names=("relation_best_accuracy",))["relation_best_accuracy"]
    low, high = one.bounds[0, 0]
    assert one.groups[0, 0] == 30
    assert 0.6 < low < 0.75 < high < 0.9
    assert np.isnan(one.bounds[1:]).all()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_ranks_are_those_of_scipy(values: list[int]) -> None:
    both = np.array([values, values[::-1]], float).T
    np.testing.assert_array_equal(rank_heads(both), rankdata(-both, axis=0))


def test_equals_share_their_rank() -> None:
    values = np.array([[0.5, 0.2, np.nan, 0.5], [0.1, 0.3, 0.2, 0.4]]).T
    assert rank_heads(values).T.tolist()[1] == [4, 2, 3, 1]
    np.testing.assert_array_equal(rank_heads(values)[:, 0], [1.5, 3, np.nan, 1.5])
