"""What is expected of roles by luck: against heads whose scores are drawn about their chance levels."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from attnmetrics.describing.finding import find
from attnmetrics.describing.luck import Luck, by_luck
from attnmetrics.describing.rules import Limits, Rule, Rules, Term
from attnmetrics.describing.tables import Tables
from attnmetrics.views.luck import ASSUMPTION, NO_INTERVALS, luck_in_short, luck_told

LAYERS, HEADS, TAGS = 24, 40, ("A", "B", "C")
CHANCE = np.array([0.1, 0.3, 0.5])


def rule(name: str = "tag", count: Term | None = None, **limits: float) -> Rule:
    chance = Term(result="even")
    return Rule(role=name, score=Term(result="score"), chance=chance, count=count, each="tag", when=Limits(**limits))


def tables(score: np.ndarray, error: np.ndarray, cases: float = 50) -> Tables:
    dims, labels = ("layer", "head", "tag"), {"layer": range(LAYERS), "head": range(HEADS), "tag": list(TAGS)}
    bounds = score[..., None] + norm.ppf(0.95) * error[..., None] * [-1, 1]
    data = xr.Dataset({"score": (dims, score), "even": ("tag", CHANCE), "cases": ("tag", [cases] * 3)}, labels)
    intervals = xr.Dataset({"score": ((*dims, "bound"), bounds)}, labels | {"bound": ["low", "high"]})
    return Tables(data, intervals.assign_attrs(confidence=0.9))


def passes(rules: Rules, made: Tables) -> int:
    return sum(one.held for own in find(rules, made).of_head.values() for one in own)


@pytest.mark.parametrize("limits", [{"above_chance": 0.05}, {"times_chance": 1.2}, {"low_above_chance": 0.01}])
def test_as_many_pass_as_are_expected(limits: dict[str, float]) -> None:
    random = np.random.default_rng(0)
    shape = LAYERS, HEADS, len(TAGS)
    error = random.uniform(0.03, 0.06, shape)
    made, rules = tables(CHANCE + error * random.standard_normal(shape), error), Rules(roles=[rule(**limits)])
    expected, found = by_luck(rules, made).expected["tag"], passes(rules, made)
    assert 50 < found < LAYERS * HEADS
    assert abs(found - expected) < 4 * np.sqrt(expected)


def test_shares_of_few_cases_scatter_as_such_though_their_intervals_are_points() -> None:
    random, cases = np.random.default_rng(1), 200
    score = random.binomial(cases, CHANCE, (LAYERS, HEADS, len(TAGS))) / cases
    made, rules = tables(score, np.zeros_like(score), cases), Rules(roles=[rule(count=Term(result="cases"), errors=2)])
    expected, found = by_luck(rules, made).expected["tag"], passes(rules, made)
    assert expected == pytest.approx(score.size * norm.sf(2), rel=1e-9)
    assert abs(found - expected) < 5 * np.sqrt(expected)


def test_of_rules_that_ask_for_no_more_than_chance_nothing_can_be_said() -> None:
    shape = LAYERS, HEADS, len(TAGS)
    made = tables(np.full(shape, 0.2), np.full(shape, 0.01))
    roles = [rule("asks less", times_chance=0.9), rule("is low", at_most=0.4), rule("far", above_chance=0.3)]
    found = by_luck(Rules(roles=roles), made)
    assert found.unknown == ("asks less", "is low")
    assert found.expected == {"far": pytest.approx(0, abs=1e-9)}
    without = by_luck(Rules(roles=[rule(above_chance=0.1)]), Tables(made.data))
    assert without == Luck({}, ("tag",))
    assert luck_told(without) == NO_INTERVALS


def test_it_is_told_with_its_assumption() -> None:
    told = luck_told(Luck({"a": 0.004, "b": 0.5, "c": 2.0}, ("d", "e")))
    assert told == (
        f"Heads expected by luck alone, at most: 2.00 c; 0.50 b; under 0.01 each of a; {ASSUMPTION}. It cannot be said "
        "of d and e, whose rules do not ask for scores above a chance level."
    )
    assert luck_told(Luck({"c": 2.0}, ())).endswith(f"{ASSUMPTION}.")


def test_luck_in_short_is_the_sum_over_roles() -> None:
    assert luck_in_short(Luck({"a": 0.004, "b": 0.5, "c": 2.0}, ("d",))).startswith(
        "By luck alone, at most 2.50 heads "
    )
    assert "3 roles" in luck_in_short(Luck({"a": 0.004, "b": 0.5, "c": 2.0}, ("d",)))
    assert luck_in_short(Luck({"a": 0.004}, ())).startswith("By luck alone, under 0.01 heads ")
    assert luck_in_short(Luck({}, ())) == NO_INTERVALS
