"""Rules that heads only just miss: what they reach, and what the rule asks for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from attnmetrics.describing.asked import least, least_low
from attnmetrics.describing.finding import Place
from attnmetrics.describing.rules import Condition, Limits, Rule, Rules, Term
from attnmetrics.describing.tables import Array, Tables, has

NEAR: Final = 0.7
"""The part of the way from chance to what a rule asks for that a head has to come, to be told of."""
ON_THE_WHOLE: Final = 0.35
"""Likewise, of all that it is short of together."""
PART: Final = 2 / 3
"""The part of each number that is asked for that it has to reach."""
MOST: Final = 4
"""Misses of a head that are found."""
MOST_ASKS: Final = 2
"""Of a miss."""
_BEYOND: Final = "_excess"
"""What the names of results end with that are beyond chance."""
UNKNOWN: Final = (np.nan, np.nan)


@dataclass(frozen=True, slots=True)
class Ask:
    """A number of a head, and what a rule asks of it instead."""

    term: Term
    of: str
    """what it is: "score", or "low", the lower end of the interval"""
    found: float
    asked: float
    chance: float
    at_most: bool = False
    bounds: tuple[float, float] = UNKNOWN
    """the interval of the term's score; NaN where there is none"""


@dataclass(frozen=True, slots=True)
class Miss:
    """A role that a head has not, and why: what it reaches and is asked for, the rule's own score first."""

    rule: Rule
    label: str
    score: float
    chance: float
    asks: Sequence[Ask]
    bounds: tuple[float, float] = UNKNOWN
    """the interval of the score; NaN where there is none"""

    @property
    def detail(self) -> str:
        """Relation and direction, or tag; "" where the role has none."""
        return self.rule.detail_of(self.label)

    @property
    def way(self) -> float:
        """How much of the way from chance to what is asked for the head has come, on the whole: from 0 to 1."""
        return float(np.mean([np.clip(_way(ask), 0, 1) for ask in self.asks]))


def misses(rules: Rules, tables: Tables, held: Mapping[Place, Collection[tuple[str, str]]]) -> dict[Place, list[Miss]]:
    """What heads just miss: (layer, head) positions → misses, the nearest first, `MOST` at most.

    Args:
        rules: in order.
        tables: of the run.
        held: (role, detail) of each head's roles; a role that one of these contradicts is none that it misses.
    """
    found: dict[Place, dict[tuple[str, str], Miss]] = {}
    for place, miss in chain.from_iterable(_of_rule(rule, tables) for rule in rules.roles if _is_asked(rule, tables)):
        name, own = (miss.rule.role, miss.detail), held.get(place, ())
        known = found.setdefault(place, {})
        if name not in own and not _barred(rules, miss.rule.role, own) and _is_nearer(miss, known.get(name)):
            known[name] = miss
    nearest = {place: sorted(known.values(), key=lambda one: -one.way)[:MOST] for place, known in found.items()}
    return {place: told for place, told in nearest.items() if told}


def beyond_reach(rules: Rules, tables: Tables) -> list[str]:
    """Labels of roles that no head can have: all rules that give them ask for a share of more than 1."""
    asked: dict[str, list[float]] = {}
    for rule in rules.roles:
        if rule.each is None or not _is_asked(rule, tables) or not tables.is_share(rule.score):
            continue
        labels = tables.labels(rule.score, rule.each, rule.skip)
        own = _limited(rule, tables, labels)[0]
        for detail in np.flatnonzero(np.isfinite(own.chance[0, 0])).tolist():
            asked.setdefault(labels[detail], []).append(float(own.least[0, 0, detail]))
    return [label for label, shares in asked.items() if min(shares) > 1]


def asks_of(rule: Rule, label: str, tables: Tables) -> Callable[[Place], list[Ask]]:
    """What a rule asks for at a label that a head has not: its own score first."""
    limits = _limited(rule, tables, tables.labels(rule.score, rule.each, ()) if rule.each is None else [label])
    return lambda place: [ask for one in limits for ask in one.asks((*place, 0))]


def _is_asked(rule: Rule, tables: Tables) -> bool:
    """Whether heads may miss the rule: not what they are told of only, or at rest, or where the run lacks a result."""
    further = [term for one in rule.where for term in (one.score, one.chance)]
    terms = [term for term in (rule.score, rule.chance, rule.count, *further) if term is not None]
    return rule.when is not None and not rule.contradicts_all and all(has(tables.data, term) for term in terms)


def _barred(rules: Rules, role: str, own: Collection[tuple[str, str]]) -> bool:
    """Whether a head's roles contradict one."""
    names = {name for name, _ in own}
    return any(rule.role in names and (rule.contradicts_all or role in rule.contradicts) for rule in rules.roles)


def _is_nearer(one: Miss, other: Miss | None) -> bool:
    return other is None or one.way > other.way


def _of_rule(rule: Rule, tables: Tables) -> list[tuple[Place, Miss]]:
    """All heads and details that come near a rule without its being held."""
    labels = tables.labels(rule.score, rule.each, rule.skip)
    own, *further = _limited(rule, tables, labels)
    found = []
    for layer, head, detail in np.argwhere(own.way >= NEAR).tolist():
        at = layer, head, detail
        asks = [ask for one in (own, *further) for ask in one.asks(at)]
        told = asks[:MOST_ASKS]
        miss = Miss(rule, labels[detail], float(own.score[at]), float(own.chance[at]), told, own.bounds(at))
        if asks and miss.way >= ON_THE_WHOLE and not any(map(_is_far_off, asks)):
            found.append(((layer, head), miss))
    return found


def _limited(rule: Rule, tables: Tables, labels: Sequence[str]) -> list["_Limited"]:
    """The score of a rule, and the further ones that it asks for."""
    assert rule.when is not None
    own = _Limited(rule.when, rule.score, rule.chance, rule.count, tables, (rule.each, labels))
    further = (_Limited(one, one.score, one.chance, None, tables, (rule.each, labels)) for one in rule.where)
    return [own, *further]


class _Limited:
    """A score [layer, head, detail], and the least that limits ask of it, all of them together."""

    def __init__(
        self,
        limits: Limits | Condition,
        score: Term,
        chance: Term | None,
        count: Term | None,
        tables: Tables,
        details: tuple[str | None, Sequence[str]],
    ) -> None:
        self._limits, self._term = limits, score
        self.score, self.chance, number = (tables.find(term, *details) for term in (score, chance, count))
        self._low, self._high = tables.bounds(score, *details)
        self.least = least(limits, self.chance, number)
        self._least_low = least_low(limits, self.chance)

    @property
    def way(self) -> Array:
        """How much of the way from chance to what is asked for the score has come; 1 where it is asked for nothing."""
        most = self._limits.at_most
        with np.errstate(divide="ignore", invalid="ignore"):
            base = np.nan_to_num(self.chance)
            up = np.where(self.least == -np.inf, 1, (self.score - base) / (self.least - base))
            down = np.inf if most is None else most / self.score
        return np.where(np.isnan(self.score), np.nan, np.minimum(up, down))

    def bounds(self, at: tuple[int, ...]) -> tuple[float, float]:
        """The interval of the score."""
        return float(self._low[at]), float(self._high[at])

    def asks(self, at: tuple[int, ...]) -> list[Ask]:
        """What limits ask for and the score is not."""
        score, chance, low = float(self.score[at]), float(self.chance[at]), float(self._low[at])
        asked, asked_low, most = float(self.least[at]), float(self._least_low[at]), self._limits.at_most
        found = []
        if not score >= asked:
            found.append(Ask(self._term, "score", score, asked, chance, bounds=self.bounds(at)))
        if most is not None and not score <= most:
            found.append(Ask(self._term, "score", score, most, chance, at_most=True, bounds=self.bounds(at)))
        if low < asked_low and not found:  # no interval, no ask
            found.append(Ask(self._term, "low", low, asked_low, chance, bounds=self.bounds(at)))
        return found


def _is_far_off(ask: Ask) -> bool:
    """Whether much less is reached than is asked for; what is beyond a chance level already is no part of anything."""
    less, more = (ask.asked, ask.found) if ask.at_most else (ask.found, ask.asked)
    return ask.of == "score" and not ask.term.result.endswith(_BEYOND) and less < PART * more


def _way(ask: Ask) -> float:
    if ask.at_most:
        return ask.asked / ask.found
    base = 0 if np.isnan(ask.chance) else ask.chance
    return (ask.found - base) / (ask.asked - base) if ask.asked > base else 0
