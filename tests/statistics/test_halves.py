"""Results by halves of the shards: the even ones choose, the odd ones score."""

import numpy as np
import xarray as xr
from merged import SCHEMA
from numpy.testing import assert_allclose, assert_array_equal

from attnmetrics.results.dataset import dataset
from attnmetrics.results.halves import halves_dataset
from attnmetrics.results.joined import with_halves
from attnmetrics.statistics.groups import GroupSums
from attnmetrics.statistics.states import State
from attnmetrics.views.heads import ROLES, asked_by_standouts, standouts

SHARDS = 11
DEVIATIONS = {"deviation_sum": np.ones((2, 3)), "prefix_sum": np.full((2, 3), 2.0)}


def merged(shards: list[int]) -> xr.Dataset:
    """The results of these shards alone."""
    total = State.zero(SCHEMA)
    for shard in shards:
        total = total.merge(state_of(shard))
    sums = {name: len(shards) * one for name, one in DEVIATIONS.items()}
    return dataset(SCHEMA, {**total.sums, **sums, "variability_sentences": np.array(3.0 * len(shards))})


def state_of(shard: int) -> State:
    return State.unpack(SCHEMA, np.random.default_rng(shard).integers(1, 100, SCHEMA.size).astype(float))


def groups_of(shards: int) -> GroupSums:
    groups = GroupSums(SCHEMA, shards)
    for shard in range(shards):
        groups.add(shard, state_of(shard))
        groups.add_merged(shard, {**DEVIATIONS, "variability_sentences": np.array(3.0)})
    return groups


def test_each_half_is_a_run_of_its_shards() -> None:
    results = merged(list(range(SHARDS)))
    names = asked_by_standouts(results)
    assert {role.metric for role in ROLES} & set(results) <= set(names)
    found = halves_dataset(groups_of(SHARDS), results, names)
    assert set(found) == set(names)
    assert found["shards"].values.tolist() == ["even", "odd"]
    for n in (0, 1):
        alone = merged(list(range(n, SHARDS, 2)))
        for name in names:
            assert_allclose(found[name][n], alone[name], rtol=1e-12)
            is_one = name in ("variability", "second_sink_off_null")  # planted as such, and 1 at most
            assert is_one == np.array_equal(found[name][0], found[name][1])


def test_heads_chosen_on_even_shards_are_scored_on_odd_ones() -> None:
    """Against loops over the heads of two runs, one of even shards and one of odd ones."""
    results = merged(list(range(SHARDS)))
    even, odd = merged(list(range(0, SHARDS, 2))), merged(list(range(1, SHARDS, 2)))
    data = with_halves(results, halves_dataset(groups_of(SHARDS), results, asked_by_standouts(results)))
    found = {one.role.title: one for one in standouts(data)}
    for title, metric, sign in (("most diffuse", "entropy", 1), ("most local", "distance", -1)):
        held = found[title].held_out
        assert held is not None
        scores = {(a, b): sign * float(even[metric][a, b]) for a in range(2) for b in range(3)}
        (layer, head) = max(scores, key=lambda place: scores[place])
        assert (held.layer, held.head) == (SCHEMA.layers[layer], head)
        assert held.value == float(odd[metric][layer, head])
        better = (sign * odd[metric].values > sign * held.value).sum()
        assert (held.place.rank, held.place.of) == (better + 1, 6)


def test_a_run_too_small_for_intervals_has_no_halves() -> None:
    results = merged([0, 1, 2])
    halves = halves_dataset(groups_of(3), results, asked_by_standouts(results))
    assert not halves.data_vars
    data = with_halves(results, halves)
    assert_array_equal([one.held_out is None for one in standouts(data)], True)
