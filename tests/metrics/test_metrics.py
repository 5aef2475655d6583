import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr

from attnmetrics.metrics import syntax
from attnmetrics.metrics.family import HEAD, MERGED, Quantity
from attnmetrics.metrics.schema import LABELS, LINKS, SPECIAL, Schema
from attnmetrics.statistics.states import State

NAMES = {"pos": ("NOUN", "VERB", "_"), "rel": ("nsubj", "_"), "special": SPECIAL}
SCHEMA = Schema((0, 3), 4, LABELS, LINKS, NAMES)
HEADS = (2, 4)
PER_HEAD = [result for result in SCHEMA.results if result.has_twin]
PARTITIONS = ("pos_to", "pos_from", "dependency_type_to", "special_from", "special_attention", "attention_at_offset")
OF_ROWS = ("output_norm", "separator_attention", "neighbour_attention", "peak_attention", "entropy_all",
           "entropy_summary", "second_sink")  # fmt: skip
"""Means over rows or sentences, of which each head has as many."""
seeds = st.integers(0, 2**32 - 1)


def random_state(seed: int) -> State:
    """Sums that could be real: parts sum to the whole."""
    random = np.random.default_rng(seed)
    sums = {one.name: random.uniform(0.1, 100, SCHEMA.shape(one.dims)) for one in SCHEMA.sums}
    for one in SCHEMA.sums:
        if one.of is Quantity.MAPPED:
            sums[one.name] = np.floor(sums[one.name])
        elif one.dims[:2] == HEAD and one.dims[2:] not in ((), ("edge",)):
            sums[one.name] *= (sums["given_sum"] / sums[one.name].sum(axis=-1))[..., None]
        if one.dims[:2] != HEAD or one.name == "entropy_rows":
            sums[one.name] = np.floor(sums[one.name] * 1000)
    return State(SCHEMA, sums)


def merged(seed: int) -> dict[str, np.ndarray]:
    deviation, mass = np.random.default_rng(seed).uniform(1, 100, (2, *HEADS))
    return {"deviation_sum": deviation, "prefix_sum": mass, "variability_sentences": np.asarray(17.0)}


def metrics(state: State, seed: int = 0) -> dict[str, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return SCHEMA.compute({**state.sums, **merged(seed)})


def test_every_name_is_declared_once():
    sums = [one.name for family in SCHEMA.families for one in family.sums]
    assert len(set(sums)) == len(sums)
    results = [result.name for result in SCHEMA.with_twins()]
    assert len(set(results)) == len(results)
    assert {one.name for family in SCHEMA.families for one in family.sums if one.of in MERGED} == set(merged(0))


def test_every_chance_level_is_a_result():
    by_name = {result.name: result for result in SCHEMA.results}
    for result in SCHEMA.results:
        for name in filter(None, (result.chance, result.excess, *result.beside)):
            assert set(by_name[name].dims) <= set(result.dims), result.name
        assert not (result.excess and by_name[result.excess].dims != result.dims), result.name


def test_every_declared_result_has_its_shape_and_type():
    found = metrics(random_state(0))
    assert list(found) == [result.name for result in SCHEMA.with_twins()]
    for result in SCHEMA.with_twins():
        assert found[result.name].shape == SCHEMA.shape(result.dims), result.name
        whole = result.kind == "count" and "attention_mass" not in result.name
        assert found[result.name].dtype == (np.int64 if whole else np.float64), result.name


def test_formulas_on_small_numbers():
    state = State.zero(SCHEMA)
    head = {
        "null_sum": 3, "given_sum": 5, "given_by_pos": [1, 4, 0], "received_by_pos": [2, 2, 1],
        "received_by_rel": [4, 1], "received_by_special": [1, 0, 1, 3], "dependency_sum": [1, 2], "repeat_sum": 2,
        "span_sum": 15, "norm_sum": 18, "entropy_sum": 6, "entropy_rows": 4, "received_all_by_special": [4, 2, 1, 3],
        "to_separators_sum": [0.5, 1.5], "neighbour_sum": [3, 2, 0], "entropy_all_sum": 6, "entropy_summary_sum": 1,
        "largest_sum": 3, "span_squared_sum": 50, "second_sink_sum": 0.6,
    }  # fmt: skip
    for name, value in head.items():
        state[name][0, 1] = value
    state["offset_sum"][0, 1, [0, 32, 33]] = [1, 1, 3]
    state["first_piece_sentences"][0, 1, [0, 14, 15, 49]] = [1, 2, 3, 4]
    state["peak_sentences"][0, 1, 7] = 2
    corpus = {
        "sentences": 2, "pieces": 9, "sentences_cut": 1, "pieces_unaligned": 3, "dependency_distance_sum": 29,
        "even_received_by_pos": [1, 1, 2], "even_given_by_pos": [3, 1, 0], "even_given_sum": 4,
        "dependency_even_sum": [0.5, 0.3], "dependency_rows_sum": [2, 3, 4], "repeat_even_sum": 1, "repeat_rows_sum": 4,
        "even_received_all_by_special": [3, 2, 1, 4], "to_separators_even_sum": [0.25, 1], "to_separators_rows": [1, 4],
        "neighbour_even_sum": [2, 1.5, 0], "neighbour_rows": [6, 8, 0], "entropy_all_even_sum": 18, "summary_rows": 2,
        "entropy_summary_even_sum": 5, "largest_even_sum": 4.5, "second_sink_sentences": 2, "second_sink_even_sum": 0.5,
    }  # fmt: skip
    for name, value in corpus.items():
        state[name][...] = value
    state["first_piece_even_sentences"][[3, 15]] = [4, 1]
    state["piece_pairs"][[0, 1, 18, 19]] = [5, 4, 2, 2]
    state["dependency_pairs"][[1, 18, 19]] = [1, 1, 2]
    state["attendable_at_offset"][[32, 33]] = [3, 5]
    state["dependency_pairs_at_offset"][:, 33] = [1, 3]
    state["repeat_pairs_at_offset"][[32, 33]] = [1, 1]
    deviation, mass = np.zeros((2, *HEADS))
    deviation[0, 1], mass[0, 1] = 1, 2
    extra = {"deviation_sum": deviation, "prefix_sum": mass, "variability_sentences": np.asarray(2.0)}
    found = SCHEMA.compute({**state.sums, **extra})
    expected = {
        "null_attention": 3 / 8, "attention_mass": 5, "pos_to": [0.4, 0.4, 0.2], "pos_from": [0.2, 0.8, 0],
        "dependency_alignment": [0.2, 0.4, 0.6], "dependency_type_to": [0.8, 0.2], "special_to": [0.2, 0, 0.2, 0.6],
        "variability": 0.25, "distance": 3, "entropy": 1.5, "entropy_rows": 4, "repeat_alignment": 0.4,
        "dependency_expected": [0.6 / 5, 0.6 * 3 / 5, 0.6 * 4 / 5], "dependency_excess": [0.08, 0.04, 0.12],
        "repeat_expected": 0.2 / 3 + 0.6 / 5, "special_attention": [0.4, 0.2, 0.1, 0.3], "sink_rate": 0.7,
    }  # fmt: skip
    for name, value in expected.items():
        np.testing.assert_allclose(found[name][0, 1], value, rtol=1e-14, err_msg=name)
        np.testing.assert_allclose(found[f"{name}_by_layer"][0], value, rtol=1e-14, err_msg=name)
    np.testing.assert_allclose(found["dependency_attention"][0, 1], [1 / 2, 2 / 3, 3 / 4])
    np.testing.assert_allclose(found["dependency_attention_by_layer"][0], [1 / 8, 1 / 6, 3 / 16])
    of_rows = {
        "separator_attention": [0.5, 0.375], "neighbour_attention": [0.5, 0.25, np.nan], "entropy_all": 2 / 3,
        "entropy_summary": 0.5, "peak_attention": 1 / 3, "second_sink": 0.3,
    }  # fmt: skip
    for name, value in of_rows.items():  # each head has as many rows, and all but this one have no attention
        np.testing.assert_allclose(found[name][0, 1], value, err_msg=name)
        np.testing.assert_allclose(found[f"{name}_by_layer"][0], np.divide(value, 4), err_msg=name)
    np.testing.assert_allclose(found["second_sink_off_null"][0], [np.nan, 0.3 / (5 / 8), np.nan, np.nan])
    np.testing.assert_allclose(found["distance_deviation"][0], [np.nan, 1, np.nan, np.nan])  # √(50 ÷ 5 − 3²)
    np.testing.assert_array_equal(found["first_piece_histogram"][0, 1, [0, 14, 15, 49]], [1, 2, 3, 4])
    assert found["first_piece_histogram"].sum() == 10
    assert found["unit_peak_histogram"][0, 1, 7] == found["unit_peak_histogram"].sum() == 2
    np.testing.assert_allclose(found["output_norm"][0], [0, 2, 0, 0])
    np.testing.assert_allclose(found["output_norm_relative"][0], [0, 4, 0, 0])
    np.testing.assert_allclose(found["output_norm_by_layer"][0], 0.5)
    np.testing.assert_allclose(found["attention_at_offset"][0, 1, [0, 31, 32, 33]], [0.2, 0, 0.2, 0.6])
    for name, value in {"pieces_per_sentence": 4.5, "mean_dependency_distance": 7.25, "dependency_within_18": 0.5,
                        "sentences_cut": 1, "pieces_unaligned": 3, "variability_sentences": 2, "repeat_rows": 4,
                        "repeat_baseline": 1 / 4, "repeat_alignment_uniform": 1 / 4,
                        "repeat_attention_uniform": 1 / 4}.items():  # fmt: skip
        assert found[name] == value, name
    np.testing.assert_array_equal(found["dependency_probability"][[0, 1, 2, 18, 19]], [0, 0.25, np.nan, 0.5, 1])
    np.testing.assert_array_equal(found["dependency_baseline"], [1 / 8, 3 / 8, 1 / 2])
    np.testing.assert_allclose(found["dependency_alignment_uniform"], [0.125, 0.075, 0.2])
    np.testing.assert_allclose(found["dependency_attention_uniform"], [0.25, 0.1, 0.2])
    np.testing.assert_allclose(found["dependency_at_offset"][:, 33], [0.2, 0.6, 0.8])
    np.testing.assert_array_equal(found["dependency_rows"], [2, 3, 4])
    np.testing.assert_array_equal(found["pos_to_uniform"], [0.25, 0.25, 0.5])
    np.testing.assert_array_equal(found["pos_from_uniform"], [0.75, 0.25, 0])
    np.testing.assert_allclose(found["special_attention_uniform"], [0.3, 0.2, 0.1, 0.4])
    np.testing.assert_array_equal(found["separator_attention_uniform"], [0.25, 0.25])
    np.testing.assert_allclose(found["neighbour_attention_uniform"], [1 / 3, 3 / 16, np.nan])
    even = {"entropy_all_uniform": 2, "entropy_summary_uniform": 2.5, "peak_attention_uniform": 0.5,
            "sink_rate_uniform": 0.2, "second_sink_uniform": 0.25}  # fmt: skip
    assert {name: found[name] for name in even} == even


@settings(max_examples=20)
@given(seeds, seeds)
def test_leading_dimensions_are_free(a, b):
    states = [random_state(seed) for seed in (a, b)]
    sums = [{**state.sums, **merged(seed)} for state, seed in zip(states, (a, b), strict=True)]
    together = SCHEMA.compute({name: np.stack([one[name] for one in sums]) for name in sums[0]})
    for shard, state in enumerate(states):
        alone = metrics(state, (a, b)[shard])
        for name, value in alone.items():
            np.testing.assert_allclose(together[name][shard], value, rtol=1e-12, err_msg=name)


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
        "variability": merged(seed)["prefix_sum"],
        "entropy": state["entropy_rows"],
        **{f"{link.name}_attention": np.ones(HEADS) for link in LINKS},
        "special_attention": state["received_all_by_special"].sum(-1),
        "sink_rate": state["first_piece_sentences"].sum(-1),
        **{name: np.ones(HEADS) for name in OF_ROWS},
        **dict.fromkeys(("relation_accuracy", "parse_accuracy", "relation_accuracy_all"), np.ones(HEADS)),
    }
    for result in PER_HEAD:
        if result.name in ("attention_mass", "entropy_rows"):
            expected = found[result.name].sum(axis=1)
        else:
            weight = weights.get(result.name, mass)
            weight = weight.reshape(*HEADS, *[1] * (found[result.name].ndim - 2))
            expected = (found[result.name] * weight).sum(axis=1) / weight.sum(axis=1)
        np.testing.assert_allclose(found[f"{result.name}_by_layer"], expected, rtol=1e-9, err_msg=result.name)


def test_a_head_without_evidence_is_nan_and_the_layer_is_not():
    state = random_state(0)
    for one in SCHEMA.head_sums:
        state[one.name][1, 2] = 0
    found = metrics(state)
    by_corpus = {result.name for result in syntax.FAMILY.results}  # whose evidence no head has a part in
    for result in PER_HEAD:
        if (
            result.name not in by_corpus
            and result.name not in ("attention_mass", "entropy_rows", "variability", *OF_ROWS)
            and "_attention" not in result.name
        ):
            missing = np.isnan(found[result.name]).reshape(*HEADS, -1)
            assert missing[1, 2].all(), result.name
            assert missing.sum() == missing.shape[-1], result.name
            assert np.isfinite(found[f"{result.name}_by_layer"]).all()
    assert found["attention_mass"][1, 2] == found["entropy_rows"][1, 2] == 0
    assert np.isfinite([found[name] for name in ("distance_sd", "distance_entropy_r", "distance_alignment_p")]).all()


def test_no_sentence_gives_nan_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = metrics(State.zero(SCHEMA))
    for result in SCHEMA.results:
        if result.name.startswith("variability"):
            continue
        if result.kind == "count" or result.name == "attention_mass":
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
    either = found["dependency_alignment"][..., 2].ravel()
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
