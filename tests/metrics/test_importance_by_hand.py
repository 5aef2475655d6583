"""Importance against numbers worked out by hand."""

import numpy as np
import pytest

from attnmetrics.metrics.importance import Layout, compute
from attnmetrics.metrics.reference.importance import Importance
from attnmetrics.metrics.schema import SPECIAL
from attnmetrics.statistics.states import State

KINDS = ["first", "other", "punctuation"]
ALPHA = np.array([[1, 0, 0], [0.25, 0.75, 0], [0.2, 0.3, 0.5]])
GRADIENT = np.array([[5, 9, 9], [4, -2, 9], [0, 0, 0]], dtype=np.float64)
VALUE = np.array([[3, 4], [0, 2], [1, 0]], dtype=np.float64)


def test_a_causal_unit_of_three_pieces() -> None:
    found = Importance(layers=1, heads=1, causal=True, special=SPECIAL)
    found.add(ALPHA[None, None], GRADIENT[None, None], VALUE[None, None], KINDS, predicted=[0, 1], loss=2.0)
    found.add(ALPHA[None, None], GRADIENT[None, None], VALUE[None, None], KINDS[:1], predicted=[], loss=0.0)
    results = found.results()
    # Rows 0 and 1. Row 0: G = 5 of weight 1, nothing is left of it. Row 1: α G adds up to 1 − 1.5; what is left is 4.5
    # and −1.5, times α 1.125 each.
    first, separator, punctuation, other = results["importance"][0, 0]
    np.testing.assert_allclose(first, [4.5, 2.25, 0.5625])
    np.testing.assert_allclose(other, [2, 1.5, 1.125])
    assert np.isnan(separator).all() and np.isnan(punctuation).all()
    np.testing.assert_array_equal(results["importance_pairs"], [[2, 0, 0, 1]])
    np.testing.assert_allclose(results["importance_weight"][0, 0, [0, 3]], [0.625, 0.75])
    np.testing.assert_allclose(results["importance_value_norm"][0, 0, [0, 3]], [5, 2])
    assert (results["importance_units"], results["importance_units_without_loss"]) == (1, 1)
    assert (results["importance_predicted"], results["importance_loss"]) == (2, 2.0)


def test_in_the_last_layer_of_a_masked_model_only_rows_that_predict_count() -> None:
    found = Importance(layers=2, heads=1, causal=False, special=SPECIAL)
    twice = [np.stack([part, part])[:, None] for part in (ALPHA, GRADIENT, VALUE)]
    found.add(*twice, KINDS, predicted=[1], loss=1.0)
    np.testing.assert_array_equal(found.results()["importance_pairs"], [[3, 0, 3, 3], [1, 0, 1, 1]])


def test_results_are_quotients_of_merged_sums() -> None:
    layout = Layout((0, 2), 1, "digest")
    random = np.random.default_rng(0)
    states = [State(layout, {name: random.random(shape) for name, shape in layout.shapes.items()}) for _ in range(2)]
    merged = states[0].merge(states[1])
    results = compute(merged.sums)
    pairs = states[0]["pairs"] + states[1]["pairs"]
    gradient = states[0]["gradient_sum"] + states[1]["gradient_sum"]
    np.testing.assert_allclose(results["importance"][1, 0, 2, 1], gradient[1, 0, 2, 1] / pairs[1, 2])
    assert float(results["importance_loss"]) == pytest.approx(float(merged["loss"] / merged["units"]))


def test_no_evidence_is_nan() -> None:
    results = compute(State.zero(Layout((0,), 2, "digest")).sums)
    assert np.isnan(results["importance"]).all() and np.isnan(results["importance_loss"])
    assert not results["importance_pairs"].any() and results["importance_units"] == 0
