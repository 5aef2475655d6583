"""The declared rules in words: what a head has to reach to have a role, and which heads answer a question."""

from collections.abc import Iterator, Sequence
from typing import Final

import xarray as xr

from attnmetrics.describing.finding import lacking
from attnmetrics.describing.rules import Limits, Question, Rule, Rules, Term
from attnmetrics.describing.tables import has
from attnmetrics.views.numbers import number
from attnmetrics.views.tables import at_labels, heading, is_share, shown

_OFFSETS: Final = {1: "previous", 0: "current", -1: "next"}
"""What the pieces at an offset are called."""


def question_words(data: xr.Dataset, rules: Rules, question: Question) -> str:
    """Which heads answer a question, by the roles that heads of the run may have."""
    able = {rule.role for rule in rules.roles if _may_hold(data, rule)}
    roles = _listed([_with_least(question, role) for role in question.roles if role in able], "or")
    without = f", and not {_listed(question.without, 'or')}" if question.without else ""
    return f"Heads with the role {roles}{without}."


def rules_told(data: xr.Dataset, rules: Rules, question: Question) -> list[str]:
    """The rules of a question's roles that the run has the results of and a head may have, each in a sentence."""
    gone = lacking(rules, data)
    own = [rule for rule in rules.roles if rule.role in question.roles and rule.role not in gone]
    return [_rule_told(data, rule) for rule in own if rule.score.result in data and _may_hold(data, rule)]


def _may_hold(data: xr.Dataset, rule: Rule) -> bool:
    """Not where its chance level has no evidence, such as that of the next piece in a model that sees none."""
    level = rule.chance
    return level is None or not has(data, level) or bool(at_labels(data[level.result], level.at).notnull().any())


def name_of(data: xr.Dataset, term: Term) -> str:
    """What a score is of: "beyond what distances give: a word and its head: either direction"."""
    words = heading(data[term.result], term.at) if term.result in data else term.result
    if term.result == "attention_at_offset" and term.at.get("offset") in _OFFSETS:
        words = f"attention to the {_OFFSETS[int(term.at['offset'])]} piece"
    largest = f", the largest over {term.largest}s" if term.largest else ""
    return words[:1].lower() + words[1:] + largest + (", of all its attention" if term.times_evidence else "")


def _rule_told(data: xr.Dataset, rule: Rule) -> str:
    assert rule.when is not None
    asked = [
        _asked(data, rule.score, rule.chance, rule.when),
        *(_asked(data, one.score, one.chance, one) for one in rule.where),
    ]
    return f"{rule.role}: {'; '.join(asked)}"


def _asked(data: xr.Dataset, score: Term, chance: Term | None, limits: Limits) -> str:
    level = f" ({name_of(data, chance)})" if chance is not None else ""
    return f"{name_of(data, score)} {_listed(list(_limits(data, score, limits, level)), 'and')}"


def _limits(data: xr.Dataset, score: Term, limits: Limits, level: str) -> Iterator[str]:
    table = data[score.result]
    points = "{:g} points".format if is_share(table) else "{:g}".format
    scale = 100 if is_share(table) else 1
    if limits.at_least is not None:
        yield f"at least {shown(table, limits.at_least)}"
    if limits.at_most is not None:
        yield f"at most {shown(table, limits.at_most)}"
    if limits.above_chance is not None:
        yield f"{points(scale * limits.above_chance)} above its chance level{level}"
    if limits.times_chance is not None:
        yield f"{number(limits.times_chance)} times its chance level{level}"
    if limits.errors is not None:
        yield f"{limits.errors:g} standard errors above it"
    if limits.low_at_least is not None:
        yield f"with its interval from {shown(table, limits.low_at_least)} on"
    if limits.low_above_chance is not None:
        yield f"with its interval {points(scale * limits.low_above_chance)} above it"


def _with_least(question: Question, role: str) -> str:
    least = question.least.get(role)
    return role if least is None else f"{role} (from {least:.0%} on)"


def _listed(parts: Sequence[str], word: str) -> str:
    return f" {word} ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
