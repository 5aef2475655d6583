"""Rules applied to a run: which heads have which roles, and of which others a sentence tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from attnmetrics.roles.rules import Condition, Limits, Rule, Rules, Term
from attnmetrics.roles.tables import Array, Tables

Mask = NDArray[np.bool_]
Place = tuple[int, int]
"""Positions of a layer and a head in a run's results."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says of a head."""

    rule: Rule
    label: str
    """of the dimension whose labels are details; or a piece"""
    score: float
    low: float
    high: float
    chance: float
    median: float
    """of the score over all heads"""
    is_share: bool
    held: bool
    """whether the head has the role; else a sentence may tell of it"""
    contradicts: tuple[str, ...] = ()
    """Roles that the head would have but for this one."""

    @property
    def detail(self) -> str:
        """Tag, relation and direction, or piece."""
        return self.rule.detail.format(label=self.label) if self.label else ""

    @property
    def name(self) -> str:
        """Role and detail: "part of speech: DET"."""
        return f"{self.rule.role}: {self.detail}" if self.detail else self.rule.role


@dataclass(frozen=True, slots=True)
class Found:
    """What all rules say."""

    of_head: Mapping[Place, Sequence[Finding]]
    """In the order of the rules; of a rule with details, the largest score above chance first."""
    skipped: Mapping[str, str]
    """role of a rule that the run has no results for → the first that it lacks"""


def find(rules: Rules, tables: Tables, pieces: Mapping[Place, str] | None = None) -> Found:
    """Apply all rules.

    Args:
        rules: in order.
        tables: of the run.
        pieces: which piece a head's second sink is at most often.
    """
    applied = [(rule, _apply(rule, tables)) for rule in rules.roles]
    known = [found for _, found in applied if isinstance(found, _Applied)]
    places = list(product(range(len(tables.layers)), range(len(tables.heads))))
    of_head = {place: _at_place(known, place, (pieces or {}).get(place, "")) for place in places}
    skipped = {rule.role: found for rule, found in applied if isinstance(found, str)}
    told = {one.rule.role for one in known}
    return Found(of_head, {role: name for role, name in skipped.items() if role not in told})


# ---- one rule, all heads


@dataclass(frozen=True, slots=True)
class _Applied:
    """A rule's scores [layer, head, detail]."""

    rule: Rule
    labels: Sequence[str]
    score: Array
    low: Array
    high: Array
    chance: Array
    held: Mask
    told: Mask
    is_share: bool

    def at(self, place: Place) -> list[Finding]:
        """What it says of a head."""
        return [self._one(place, detail) for detail in self._order(place) if self.told[place][detail]]

    def _order(self, place: Place) -> list[int]:
        beyond = np.nan_to_num(self.score[place]) - np.nan_to_num(self.chance[place])
        return [int(n) for n in np.lexsort((-beyond, ~self.held[place]))]  # roles first, then by excess

    def _one(self, place: Place, detail: int) -> Finding:
        numbers = [float(table[(*place, detail)]) for table in (self.score, self.low, self.high, self.chance)]
        known = self.score[..., detail][np.isfinite(self.score[..., detail])]
        median = float(np.median(known)) if known.size else np.nan
        held = bool(self.held[(*place, detail)])
        return Finding(self.rule, self.labels[detail], *numbers, median, self.is_share, held)


def _apply(rule: Rule, tables: Tables) -> _Applied | str:
    """The rule's scores, or the name of a result that the run lacks."""
    lacking = next((term.result for term in _terms(rule) if term.result not in tables.data), None)
    if lacking is not None:
        return lacking
    labels = tables.labels(rule.score, rule.each, rule.skip)
    found = {role: None if term is None else tables.find(term, rule.each, labels) for role, term in _main(rule)}
    if any(term is not None and found[role] is None for role, term in _main(rule)):
        return rule.score.result
    score = found["score"]
    assert score is not None
    shape = (len(tables.layers), len(tables.heads), len(labels))
    chance, count = (np.broadcast_to(np.nan if found[one] is None else found[one], shape) for one in ("chance", "count"))
    score = np.broadcast_to(score, shape)
    further = _all(shape, [_holds(one, tables, rule.each, labels, shape) for one in rule.where])
    held = (_within(rule.when, score, chance, count) & further) if rule.when else np.zeros(shape, bool)
    told = held | (_within(rule.told, score, chance, count) if rule.told else False)
    low, high = (np.broadcast_to(bound, shape) for bound in tables.bounds(rule.score, rule.each, labels))
    return _Applied(rule, labels, score, low, high, chance, held, told, tables.is_share(rule.score))


def _main(rule: Rule) -> list[tuple[str, Term | None]]:
    return [("score", rule.score), ("chance", rule.chance), ("count", rule.count)]


def _terms(rule: Rule) -> list[Term]:
    """All that the rule asks for."""
    further = [term for one in rule.where for term in (one.score, one.chance)]
    return [term for term in (*(term for _, term in _main(rule)), *further) if term is not None]


def _holds(one: Condition, tables: Tables, each: str | None, labels: Sequence[str], shape: tuple[int, ...]) -> Mask:
    terms = [None if term is None else tables.find(term, each, labels) for term in (one.score, one.chance)]
    score, chance = (np.broadcast_to(np.nan if term is None else term, shape) for term in terms)
    return _within(one, score, chance, np.full(shape, np.nan))


def _within(limits: Limits, score: Array, chance: Array, count: Array) -> Mask:
    """Where a score is within limits; without evidence it is not."""
    known = np.nan_to_num(chance)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(np.maximum(known * (1 - known), 0.05) / count)  # a chance of 0 is no certainty
        checks = [
            (limits.at_least, score),
            (None if limits.at_most is None else -limits.at_most, -score),
            (limits.above_chance, score - chance),
            (limits.times_chance, score / chance),
            (limits.errors, (score - chance) / error),
        ]
    return _all(score.shape, [np.isfinite(score), *(value >= limit for limit, value in checks if limit is not None)])


def _all(shape: tuple[int, ...], masks: Sequence[Mask]) -> Mask:
    found = np.ones(shape, bool)
    for mask in masks:
        found = found & mask
    return found


# ---- one head, all rules


def _at_place(applied: Sequence[_Applied], place: Place, piece: str) -> list[Finding]:
    """What is said of a head: each role and detail once, and none that another contradicts."""
    found: dict[str, Finding] = {}
    for finding in (one for rule in applied for one in rule.at(place)):
        named = replace(finding, label=piece) if finding.rule.detail == "{piece}" else finding
        if named.name not in found or _is_better(named, found[named.name]):
            found[named.name] = named
    return _consistent(list(found.values()))


def _is_better(one: Finding, other: Finding) -> bool:
    """Of two rules for the same role and detail, the one that holds, then the one with the larger score."""
    return (one.held, one.score) > (other.held, other.score)


def _consistent(findings: Sequence[Finding]) -> list[Finding]:
    """Without what the head's roles contradict, which are named where they contradict it."""
    struck: dict[int, list[int]] = {}
    gone: set[int] = set()
    for n, judge in enumerate(findings):
        if judge.held and n not in gone:
            struck[n] = [m for m, one in enumerate(findings) if m not in gone and m != n and _contradicts(judge, one)]
            gone.update(struck[n])
    alone = any(findings[n].rule.contradicts_all for n in struck)
    kept = [(n, one) for n, one in enumerate(findings) if n not in gone]
    return [_judged(one, [findings[m] for m in struck.get(n, ())], alone) for n, one in kept]


def _judged(one: Finding, struck: Sequence[Finding], alone: bool) -> Finding:
    """With the names of the roles that it contradicts; where one role stands alone, no other is held."""
    names = tuple(other.name for other in struck if other.held)
    return replace(one, contradicts=names, held=one.held and (not alone or one.rule.contradicts_all))


def _contradicts(judge: Finding, other: Finding) -> bool:
    if judge.rule.contradicts_all:
        return not _rests(other)  # where its attention rests is no other role than being switched off
    return other.rule.role in judge.rule.contradicts


def _rests(one: Finding) -> bool:
    words = one.rule.words
    return words is not None and words.place == "rests"
