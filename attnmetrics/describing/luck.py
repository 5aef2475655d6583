"""How many heads would pass the rules of each role by luck."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from attnmetrics.describing.asked import least, least_low
from attnmetrics.describing.finding import LEAST_VARIANCE, lacks
from attnmetrics.describing.rules import Rule, Rules
from attnmetrics.describing.tables import Array, Tables

USUAL_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Luck:
    """What is expected by luck of the roles that a run can tell of."""

    expected: dict[str, float]
    """role → passes that are expected if every score of its rules were its chance level but for chance itself"""
    unknown: tuple[str, ...]
    """Roles of which that cannot be said: a rule asks for no more than chance, or its scores have no intervals."""


def by_luck(rules: Rules, tables: Tables) -> Luck:
    """Σ over a role's rules, heads and details of P(score ≥ what the rule asks of it).

    Scores are normal about their chance levels. Their standard errors are those of their intervals and, where a rule
    counts cases, no less than those of shares of so many. It is no less than the expected number of heads: one may pass
    twice, and further scores that a rule asks for are left out.
    """
    asked = [rule for rule in rules.roles if rule.when is not None and lacks(rule, tables.data) is None]
    found = [(rule.role, _expected(rule, tables)) for rule in asked if _may_hold(rule, tables)]
    unknown = tuple(dict.fromkeys(role for role, number in found if number is None))
    roles = dict.fromkeys(role for role, _ in found if role not in unknown)
    return Luck({role: sum(number or 0 for other, number in found if other == role) for role in roles}, unknown)


def _may_hold(rule: Rule, tables: Tables) -> bool:
    """Whether there is evidence of its score and its chance level, where it has one."""
    labels = tables.labels(rule.score, rule.each, rule.skip)
    terms = [term for term in (rule.score, rule.chance) if term is not None]
    return all(bool(np.isfinite(tables.find(term, rule.each, labels)).any()) for term in terms)


def _expected(rule: Rule, tables: Tables) -> float | None:
    """Passes of one rule; None where that is unknown."""
    from scipy.special import ndtr  # imported late, for whoever opens finished results

    assert rule.when is not None
    labels = tables.labels(rule.score, rule.each, rule.skip)
    score, chance, cases = (tables.find(term, rule.each, labels) for term in (rule.score, rule.chance, rule.count))
    low, high = tables.bounds(rule.score, rule.each, labels)
    reach = _reach(tables)
    error = _error((high - low) / 2 / reach, chance, cases)
    asked = np.maximum(least(rule.when, chance, cases), least_low(rule.when, chance) + reach * error)
    known = np.isfinite(score) & np.isfinite(chance) & np.isfinite(error)
    if not known.any() or rule.when.at_most is not None or (asked <= chance)[known].any():
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(ndtr((chance - asked) / error)[known].sum())


def _reach(tables: Tables) -> float:
    """How many standard errors an interval reaches to either side."""
    from scipy.special import ndtri

    own = {} if tables.intervals is None else tables.intervals.attrs
    confidence = (tables.data.attrs | own).get("confidence", USUAL_CONFIDENCE)
    return float(ndtri((1 + confidence) / 2))


def _error(of_interval: Array, chance: Array, cases: Array) -> Array:
    """Standard errors of scores."""
    with np.errstate(divide="ignore", invalid="ignore"):
        of_share = np.sqrt(np.maximum(chance * (1 - chance), LEAST_VARIANCE) / cases)
    return np.where(np.isnan(of_share), of_interval, np.maximum(of_interval, of_share))
