import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmetrics.errors import MergeError
from attnmetrics.metrics.schema import LABELS, LINKS, SPECIAL, Schema
from attnmetrics.statistics.states import State

NAMES = {"pos": ("NOUN", "_"), "rel": ("nsubj", "obj", "_"), "special": SPECIAL}
SCHEMA = Schema((0, 2), 3, LABELS, LINKS, NAMES)
seeds = st.integers(0, 2**32 - 1)


def random_state(seed: int, schema: Schema = SCHEMA) -> State:
    return State.unpack(schema, np.random.default_rng(seed).uniform(0, 1000, schema.size))


def assert_close(a: State, b: State) -> None:
    np.testing.assert_allclose(a.pack(), b.pack(), rtol=1e-14)


@given(seeds)
def test_zero_is_the_identity(seed):
    state = random_state(seed)
    np.testing.assert_array_equal(State.zero(SCHEMA).merge(state).pack(), state.pack())
    np.testing.assert_array_equal(state.merge(State.zero(SCHEMA)).pack(), state.pack())


@given(seeds, seeds, seeds)
def test_merge_is_associative_and_commutative(a, b, c):
    x, y, z = map(random_state, (a, b, c))
    np.testing.assert_array_equal(x.merge(y).pack(), y.merge(x).pack())
    assert_close(x.merge(y).merge(z), x.merge(y.merge(z)))


@given(seeds)
def test_unpack_inverts_pack(seed):
    state = random_state(seed)
    again = State.unpack(SCHEMA, state.pack())
    assert again.sums.keys() == state.sums.keys() == {one.name for one in SCHEMA.sums}
    for s in SCHEMA.sums:
        assert again[s.name].shape == SCHEMA.shape(s.dims)
        np.testing.assert_array_equal(again[s.name], state[s.name])


@pytest.mark.parametrize(
    "other",
    [
        Schema((0, 2), 3, LABELS, LINKS, {**NAMES, "pos": ("VERB", "_")}),
        Schema((0, 1), 3, LABELS, LINKS, NAMES),
        Schema((0, 2), 3, LABELS, LINKS[:2], NAMES),
    ],
)
def test_states_of_different_schemas_do_not_merge(other):
    with pytest.raises(MergeError, match=r"expected a state of the schema \w+, found one of \w+, .*; merge one run"):
        random_state(0).merge(random_state(0, other))


def test_states_of_equal_schemas_merge():
    again = Schema.from_plain(SCHEMA.plain())
    np.testing.assert_array_equal(
        random_state(0).merge(random_state(1, again)).pack(), random_state(0).pack() + random_state(1).pack()
    )


def test_a_vector_of_another_length_is_refused():
    with pytest.raises(MergeError, match=rf"expected a state of {SCHEMA.size} numbers, found one of shape \(5,\)"):
        State.unpack(SCHEMA, np.zeros(5))
