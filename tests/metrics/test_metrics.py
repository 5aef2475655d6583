import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr

from attnmetrics.statistics.metrics import PARTITIONS, results
from attnmetrics.statistics.schema import DIRECTIONS, PER_HEAD, RESULTS, STATISTICS
from attnmetrics.statistics.states import Dims, State

DIMS = Dims(layer=(0, 3), head=4, pos=("NOUN", "VERB", "_"), rel=("nsubj", "_"))
HEADS = (2, 4)
seeds = st.integers(0, 2**32 - 1)


def random_state(seed: int) -> State:
    """Statistics that could be real: parts sum to the whole."""
    random = np.random.default_rng(seed)
    sums = {s.name: random.uniform(0.1, 100, DIMS.shape(s.dims)) for s in STATISTICS}
    for name in ("received_by_pos", "received_by_rel", "given_by_pos", "offset_sum"):
        sums[name] *= (sums["given_sum"] / sums[name].sum(axis=-1))[..., None]
    for s in STATISTICS:
        if s.dims in ((), ("pair_distance",), ("edge",)) or s.name == "entropy_rows":
            sums[s.name] = np.floor(sums[s.name] * 1000)
    return State(DIMS, sums)


def prefix(seed: int) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.random.default_rng(seed).uniform(1, 100, (2, *HEADS)))


def metrics(state: State, seed: int = 0) -> dict[str, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return results(state, *prefix(seed), 17)


def test_every_declared_result_has_its_shape_and_type():
    found = metrics(random_state(0))
    expected = {result.name: (DIMS.shape(tuple("edge" if d == "direction" else d for d in result.dims)), result.dtype)
                for result in RESULTS}  # fmt: skip
    directions = {"dependency_alignment": (*HEADS, 3), "dependency_baseline": (3,)}
    for name, (shape, dtype) in expected.items():
        assert found[name].shape == directions.get(name, shape), name
        assert found[name].dtype == dtype, name
    for result in PER_HEAD:
        by_layer = found[f"{result.name}_by_layer"]
        assert by_layer.shape == (2, *found[result.name].shape[2:])
        assert by_layer.dtype == result.dtype
    assert len(found) == len(RESULTS) + len(PER_HEAD)


def test_formulas_on_small_numbers():
    state = State.zero(DIMS)
    head = {
        "null_sum": 3, "given_sum": 5, "given_by_pos": [1, 4, 0], "received_by_pos": [2, 2, 1],
        "received_by_rel": [4, 1], "dependency_sum": [1, 2], "span_sum": 15, "entropy_sum": 6, "entropy_rows": 4,
    }  # fmt: skip
    for name, value in head.items():
        state[name][0, 1] = value
    state["offset_sum"][0, 1, [0, 32, 33]] = [1, 1, 3]
    corpus = {
        "sentences": 2, "pieces": 9, "sentences_cut": 1, "pieces_unaligned": 3, "dependency_distance_sum": 29,
        "attendable_pairs": 8,
    }  # fmt: skip
    for name, value in corpus.items():
        state[name][...] = value
    state["piece_pairs"][[0, 1, 18, 19]] = [5, 4, 2, 2]
    state["dependency_pairs"][[1, 18, 19]] = [1, 1, 2]
    state["attendable_dependency_pairs"][...] = [1, 3]
    deviation, mass = np.zeros((2, *HEADS))
    deviation[0, 1], mass[0, 1] = 1, 2
    found = results(state, deviation, mass, 2)
    expected = {
        "null_attention": 3 / 8, "attention_mass": 5, "pos_to": [0.4, 0.4, 0.2], "pos_from": [0.2, 0.8, 0],
        "dependency_alignment": [0.2, 0.4, 0.6], "dependency_type_to": [0.8, 0.2], "variability": 0.25, "distance": 3,
        "entropy": 1.5, "entropy_rows": 4,
    }  # fmt: skip
    for name, value in expected.items():
        np.testing.assert_allclose(found[name][0, 1], value, rtol=1e-15, err_msg=name)
        np.testing.assert_allclose(found[f"{name}_by_layer"][0], value, rtol=1e-15, err_msg=name)
    np.testing.assert_allclose(found["attention_at_offset"][0, 1, [0, 31, 32, 33]], [0.2, 0, 0.2, 0.6])
    for name, value in {"pieces_per_sentence": 4.5, "mean_dependency_distance": 7.25, "dependency_within_18": 0.5,
                        "sentences_cut": 1, "pieces_unaligned": 3, "variability_sentences": 2}.items():  # fmt: skip
        assert found[name] == value, name
    np.testing.assert_array_equal(found["dependency_probability"][[0, 1, 2, 18, 19]], [0, 0.25, np.nan, 0.5, 1])
    np.testing.assert_array_equal(found["dependency_baseline"], [1 / 8, 3 / 8, 1 / 2])


@given(seeds)
def test_shares_sum_to_one(seed):
    found = metrics(random_state(seed))
    for name in PARTITIONS:
        np.testing.assert_allclose(found[name].sum(axis=-1), 1, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found[f"{name}_by_layer"].sum(axis=-1), 1, rtol=0, atol=1e-12)


@given(seeds)
def test_by_layer_is_the_ratio_of_sums_over_heads(seed):
    state = random_state(seed)
    found = metrics(state, seed)
    mass = state["given_sum"]
    weights = {
        "null_attention": mass + state["null_sum"],
        "variability": prefix(seed)[1],
        "entropy": state["entropy_rows"],
    }
    for result in PER_HEAD:
        if result.name in ("attention_mass", "entropy_rows"):
            expected = found[result.name].sum(axis=1)
        else:
            weight = weights.get(result.name, mass)
            weight = weight.reshape(*HEADS, *[1] * (found[result.name].ndim - 2))
            expected = (found[result.name] * weight).sum(axis=1) / weight.sum(axis=1)
        np.testing.assert_allclose(found[f"{result.name}_by_layer"], expected, rtol=1e-12, err_msg=result.name)


def test_a_head_without_evidence_is_nan_and_the_layer_is_not():
    state = random_state(0)
    for s in STATISTICS:
        if s.dims[:2] == ("layer", "head"):
            state[s.name][1, 2] = 0
    found = metrics(state)
    for result in PER_HEAD:
        if result.name not in ("attention_mass", "entropy_rows", "variability"):
            missing = np.isnan(found[result.name]).reshape(*HEADS, -1)
            assert missing[1, 2].all(), result.name
            assert missing.sum() == missing.shape[-1], result.name
            assert np.isfinite(found[f"{result.name}_by_layer"]).all()
    assert found["attention_mass"][1, 2] == found["entropy_rows"][1, 2] == 0
    assert np.isfinite([found[name] for name in ("distance_sd", "distance_entropy_r", "distance_alignment_p")]).all()


def test_no_sentence_gives_nan_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = results(State.zero(DIMS), np.zeros(HEADS), np.zeros(HEADS), 0)
    for result in RESULTS:
        if result.dtype == "int64" or result.name == "attention_mass":
            assert (found[result.name] == 0).all(), result.name
        else:
            assert np.isnan(found[result.name]).all(), result.name


def test_correlations_are_over_heads_that_have_both():
    state = random_state(3)
    state["entropy_sum"][0, 0] = state["entropy_rows"][0, 0] = 0
    found = metrics(state)
    distance, entropy = found["distance"].ravel(), found["entropy"].ravel()
    assert np.isnan(entropy[0])
    np.testing.assert_allclose(
        [found["distance_entropy_r"], found["distance_entropy_p"]], pearsonr(distance[1:], entropy[1:])
    )
    either = found["dependency_alignment"][..., DIRECTIONS.index("either")].ravel()
    alignment = [found["distance_alignment_r"], found["distance_alignment_p"]]
    np.testing.assert_allclose(alignment, pearsonr(distance, either))
    assert found["distance_sd"] == pytest.approx(np.std(distance, ddof=1), rel=1e-12)


@pytest.mark.parametrize("wobble", [0, 1e-15])
def test_a_constant_has_no_correlation(wobble):
    state = random_state(4)
    state["span_sum"][...] = state["given_sum"] * 3 * (1 + wobble * np.arange(8).reshape(HEADS))
    found = metrics(state)
    assert np.isnan([found["distance_entropy_r"], found["distance_entropy_p"], found["distance_alignment_r"]]).all()
    assert found["distance_sd"] < 1e-13


def test_two_heads_have_no_correlation():
    state = random_state(5)
    state["given_sum"].ravel()[2:] = 0
    found = metrics(state)
    assert np.isfinite(found["distance"]).sum() == 2
    assert np.isnan([found["distance_entropy_r"], found["distance_alignment_p"]]).all()
    assert np.isfinite(found["distance_sd"])
