"""Intervals hold the true value about as often as they say: a short trial, and that of `make soak`."""

from math import sqrt

import pytest

from attnmetrics.benchmark.coverage import KINDS, SHARDS, try_corpora
from attnmetrics.benchmark.differences import count_false

SHORT = ("null_attention", "pos_to_by_layer", "repeat_attention", "variability", "relation_best_accuracy")


def test_intervals_of_made_up_corpora_hold_the_true_value() -> None:
    """Of 12 corpora of 24 shards, with fixed seeds: 19 of 20 are promised; all would be too many."""
    found = try_corpora(12, 24, names=SHORT, documents=40_000)
    assert set(found) == set(SHORT)
    for name, coverage in found.items():
        assert 0.8 <= coverage.share <= 1, name
    assert 0.88 < sum(coverage.share for coverage in found.values()) / len(SHORT) < 0.985


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_coverage() -> None:
    for shards, least in zip(SHARDS, (0.86, 0.90, 0.92, 0.93), strict=True):
        found = try_corpora(2_000, shards)
        print(shards, *(f"{name} {coverage}," for name, coverage in found.items()))
        assert set(found) == set(KINDS)
        assert all(least <= coverage.share <= 0.985 for coverage in found.values())


@pytest.mark.parametrize("paired", [True, False])
def test_heads_that_do_not_differ_are_seldom_said_to(paired: bool) -> None:
    """Of 8 pairs of runs, with fixed seeds: one family in twenty is promised; more are found by chance alone."""
    found = count_false(8, 24, paired, names=("null_attention", "pos_to"))
    assert all(one.share <= 0.05 + 3 * sqrt(0.05 * 0.95 / 8) for one in found.values())


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("paired", [True, False])
def test_false_differences(paired: bool) -> None:
    for shards in (64, 400):
        found = count_false(500, shards, paired)
        print(shards, *(f"{name} {share}," for name, share in found.items()))
        assert all(one.share <= 0.05 + 3 * one.error for one in found.values())
