"""Rules applied to a run: which heads have which roles, and of which others a sentence tells."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.describing.rules import Condition, Limits, Rule, Rules
from attnmetrics.describing.tables import Array, Tables, has

Mask = NDArray[np.bool_]
LEAST_VARIANCE: Final = 0.05
"""Of a share of one trial: a chance level of 0 is no certainty."""

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
    no_better: bool = False
    """whether a simpler rule may reach as much"""
    beyond: float = 0
    """how sure it is that the score is above chance: in standard errors, or without a count of cases as a difference"""
    pieces: tuple[str, ...] = ()
    """of which the label is the first"""
    contradicts: tuple[str, ...] = ()
    """Roles that the head would have but for this one."""

    @property
    def detail(self) -> str:
        """Tag, relation and direction, or piece."""
        return self.rule.detail_of(self.label)

    @property
    def name(self) -> str:
        """Role and detail: "part of speech: DET"."""
        return f"{self.rule.role}: {self.detail}" if self.detail else self.rule.role


@dataclass(frozen=True, slots=True)
class Found:
    """What all rules say."""

    of_head: Mapping[Place, Sequence[Finding]]
    """In the order of the rules; of a role with details, what it has before what is only told, the surest first."""
    skipped: Mapping[str, str]
    """role of a rule that the run has no results for → the first that it lacks"""


def find(
    rules: Rules,
    tables: Tables,
    pieces: Mapping[Place, Sequence[str]] | None = None,
    places: Iterable[Place] | None = None,
) -> Found:
    """Apply all rules that the run has the results of.

    Args:
        rules: in order.
        tables: of the run.
        pieces: which types of pieces a head attends to most, of heads that have any, the first first; None where that
            is unknown.
        places: of heads; None for all.
    """
    applied = [_apply(rule, tables) for rule in rules.roles if lacks(rule, tables.data) is None]
    every = product(range(len(tables.layers)), range(len(tables.heads)))
    of_head = {place: _at_place(applied, place, pieces) for place in (every if places is None else places)}
    return Found(of_head, lacking(rules, tables.data))


def holding(rules: Rules, tables: Tables, role: str) -> Mask:
    """[layer, head] whether some rule gives the role, whatever other roles a head has, and at whatever piece."""
    shape = (len(tables.layers), len(tables.heads))
    applied = [_apply(rule, tables) for rule in rules.roles if rule.role == role and lacks(rule, tables.data) is None]
    return np.asarray(np.logical_or.reduce([np.zeros(shape, bool), *(one.held.any(axis=-1) for one in applied)]))


def lacking(rules: Rules, data: xr.Dataset) -> dict[str, str]:
    """Roles that a run has no results for, each with the first that it lacks; those of no other rule that it has."""
    found = [(rule.role, lacks(rule, data)) for rule in rules.roles]
    told = {role for role, name in found if name is None}
    return {role: name for role, name in found if name is not None and role not in told}


def tried(rules: Rules, tables: Tables) -> int:
    """How many rules each head is tried on, those with details once for every label."""
    own = [rule for rule in rules.roles if rule.when is not None and lacks(rule, tables.data) is None]
    return sum(len(tables.labels(rule.score, rule.each, rule.skip)) for rule in own)


def shares(rules: Rules, data: xr.Dataset) -> list[str]:
    """Roles whose scores are shares of a whole."""
    kinds = {name: table.attrs.get("kind") for name, table in data.variables.items()}
    return [rule.role for rule in rules.roles if kinds.get(rule.score.result) == "share"]


def lacks(rule: Rule, data: xr.Dataset) -> str | None:
    """The first result that a rule asks for and a run has not; None where it has all."""
    further = [term for one in rule.where for term in (one.score, one.chance)]
    terms = [term for term in (rule.score, rule.chance, rule.count, *further) if term is not None]
    name = rule.score.result
    if name in data.variables and rule.each not in (None, *data.variables[name].dims):
        return rule.score.result
    return next((term.result for term in terms if not has(data, term)), None)


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
    no_better: Mask
    beyond: Array
    held: Mask
    told: Mask
    is_share: bool

    def at(self, place: Place) -> list[Finding]:
        """What it says of a head."""
        return [self._one(place, int(detail)) for detail in np.flatnonzero(self.told[place])]

    def _one(self, place: Place, detail: int) -> Finding:
        at = (*place, detail)
        score, low, high, chance = (float(table[at]) for table in (self.score, self.low, self.high, self.chance))
        known = self.score[..., detail][np.isfinite(self.score[..., detail])]
        median = float(np.median(known)) if known.size else np.nan
        held, no_better, beyond = bool(self.held[at]), bool(self.no_better[at]), float(self.beyond[at])
        scores = score, low, high, chance, median
        return Finding(self.rule, self.labels[detail], *scores, self.is_share, held, no_better, beyond)


def _apply(rule: Rule, tables: Tables) -> _Applied:
    labels = tables.labels(rule.score, rule.each, rule.skip)
    score, chance, count = (tables.find(term, rule.each, labels) for term in (rule.score, rule.chance, rule.count))
    low, high = tables.bounds(rule.score, rule.each, labels)
    within = [_within(limits, _Scores(score, low, chance, count)) for limits in (rule.when, rule.told)]
    held = _all([within[0], *(_holds(one, tables, rule.each, labels) for one in rule.where)])
    is_share, beyond = tables.is_share(rule.score), _beyond(rule, score, chance, count)
    no_better = _no_better(rule, tables, labels, np.where(np.isnan(low), score, low))
    return _Applied(rule, labels, score, low, high, chance, no_better, beyond, held, held | within[1], is_share)


def _no_better(rule: Rule, tables: Tables, labels: Sequence[str], low: Array) -> Mask:
    """[layer, head, detail] where the low end of a score's interval is not above what a simpler rule reaches."""
    simpler = rule.simpler if rule.simpler is not None and has(tables.data, rule.simpler) else None
    return np.asarray(low <= tables.find(simpler, rule.each, labels))


def _beyond(rule: Rule, score: Array, chance: Array, count: Array) -> Array:
    """[layer, head, detail] `Finding.beyond`."""
    level = np.nan_to_num(chance)
    return score - level if rule.count is None else _errors(score, level, count)


def _errors(score: Array, chance: Array, count: Array) -> Array:
    """Standard errors of a share of so many cases between a score and its chance level."""
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.maximum(chance * (1 - chance), LEAST_VARIANCE)
        return np.asarray((score - chance) / np.sqrt(spread / count))


def _holds(one: Condition, tables: Tables, each: str | None, labels: Sequence[str]) -> Mask:
    score, chance, nothing = (tables.find(term, each, labels) for term in (one.score, one.chance, None))
    low, _ = tables.bounds(one.score, each, labels)
    return _within(one, _Scores(score, low, chance, nothing))


@dataclass(frozen=True, slots=True)
class _Scores:
    """What limits are of: scores [layer, head, detail], their lower bounds, chance levels and numbers of trials."""

    score: Array
    low: Array
    chance: Array
    count: Array


def _within(limits: Limits | None, found: _Scores) -> Mask:
    """Where a score is within limits; without evidence it is not, and without limits nothing is."""
    score, chance = found.score, found.chance
    if limits is None:
        return np.zeros(score.shape, bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(np.isnan(found.low), np.inf, found.low)
        checks = [
            (limits.at_least, score),
            (None if limits.at_most is None else -limits.at_most, -score),
            (limits.above_chance, score - chance),
            (limits.times_chance, score / chance),
            (limits.errors, _errors(score, chance, found.count)),
            (limits.low_at_least, low),
            (limits.low_above_chance, low - chance),
        ]
    return _all([np.isfinite(score), *(value >= limit for limit, value in checks if limit is not None)])


def _all(masks: Sequence[Mask]) -> Mask:
    return np.asarray(np.logical_and.reduce(masks))


# ---- one head, all rules


def _at_place(applied: Sequence[_Applied], place: Place, pieces: Mapping[Place, Sequence[str]] | None) -> list[Finding]:
    """What is said of a head: each role and detail once, and none that another contradicts."""
    found: dict[str, Finding] = {}
    for finding in (one for rule in applied for one in rule.at(place)):
        named = _at_piece(finding, place, pieces) if finding.rule.of_pieces else finding
        if named is not None and (named.name not in found or _is_better(named, found[named.name])):
            found[named.name] = named
    return _consistent(_surest_first(list(found.values())))


def _surest_first(findings: Sequence[Finding]) -> list[Finding]:
    """By role in the order of the rules; of a role, whatever rule gives it, what is held first, then what is surer."""
    roles = list(dict.fromkeys(one.rule.role for one in findings))
    return sorted(findings, key=lambda one: (roles.index(one.rule.role), not one.held, -one.beyond))


def _at_piece(finding: Finding, place: Place, pieces: Mapping[Place, Sequence[str]] | None) -> Finding | None:
    """With the piece that it is at; None where it is known to be at none."""
    if pieces is None:
        return finding
    return replace(finding, label=pieces[place][0], pieces=tuple(pieces[place])) if place in pieces else None


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
