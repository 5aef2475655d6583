import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmetrics.errors import MergeError
from attnmetrics.statistics.schema import PER_HEAD, RESULTS, STATISTICS
from attnmetrics.statistics.states import Dims, State, packed_size

DIMS = Dims(layer=(0, 2), head=3, pos=("NOUN", "_"), rel=("nsubj", "obj", "_"))
seeds = st.integers(0, 2**32 - 1)


def random_state(seed: int, dims: Dims = DIMS) -> State:
    return State.unpack(dims, np.random.default_rng(seed).uniform(0, 1000, packed_size(dims)))


def assert_close(a: State, b: State) -> None:
    np.testing.assert_allclose(a.pack(), b.pack(), rtol=1e-14)


def test_every_name_is_declared_once():
    assert len({s.name for s in STATISTICS}) == len(STATISTICS)
    assert len({r.name for r in RESULTS}) == len(RESULTS)
    assert {r.dims[:2] for r in PER_HEAD} == {("layer", "head")}


@given(seeds)
def test_zero_is_the_identity(seed):
    state = random_state(seed)
    np.testing.assert_array_equal(State.zero(DIMS).merge(state).pack(), state.pack())
    np.testing.assert_array_equal(state.merge(State.zero(DIMS)).pack(), state.pack())


@given(seeds, seeds, seeds)
def test_merge_is_associative_and_commutative(a, b, c):
    x, y, z = map(random_state, (a, b, c))
    np.testing.assert_array_equal(x.merge(y).pack(), y.merge(x).pack())
    assert_close(x.merge(y).merge(z), x.merge(y.merge(z)))


@given(seeds)
def test_unpack_inverts_pack(seed):
    state = random_state(seed)
    again = State.unpack(DIMS, state.pack())
    assert again.sums.keys() == state.sums.keys() == {s.name for s in STATISTICS}
    for s in STATISTICS:
        assert again[s.name].shape == DIMS.shape(s.dims)
        np.testing.assert_array_equal(again[s.name], state[s.name])


def test_states_of_different_runs_do_not_merge():
    other = Dims(layer=(0, 2), head=3, pos=("VERB", "_"), rel=("nsubj", "obj", "_"))
    with pytest.raises(MergeError, match=r"expected a state with .*NOUN.*, found one with .*VERB.*; merge one run"):
        random_state(0).merge(random_state(0, other))


def test_a_vector_of_another_length_is_refused():
    with pytest.raises(MergeError, match=rf"expected a state of {packed_size(DIMS)} numbers .* found shape \(5,\)"):
        State.unpack(DIMS, np.zeros(5))
