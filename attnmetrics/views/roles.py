"""Roles of heads and their scores in words."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.describing.finding import Finding
from attnmetrics.describing.origin import detail_by_rule, given_by, label_of
from attnmetrics.describing.rules import SECOND_SINK, Rule, Rules
from attnmetrics.describing.tables import Tables
from attnmetrics.views.certainty import bear
from attnmetrics.views.numbers import number, percent
from attnmetrics.views.pieces import visible
from attnmetrics.views.role_evidence import RoleEvidence
from attnmetrics.views.tables import in_words
from attnmetrics.views.word_classes import Nearest, NearestWords


class Told(NamedTuple):
    """What is said of a role and what makes it; "" where there is nothing to say."""

    role: str
    """In words."""
    score: str
    interval: str
    """Of the score."""
    level: str
    """What its chance level is called."""
    chance: str
    cases: str
    """Of how many cases the score is a share."""
    nearest: str
    """What the nearest word of a class finds."""
    remark: str
    """Where the head finds no more than that."""
    label: str
    """The role's."""


RULES: Final = {
    "row": "the dependent looks most at its head word",
    "column": "the dependent is looked at most by its head word",
    "parent_row": "the head word looks most at its dependent",
}
"""What a rule of relations counts."""


def role_name(role: str, detail: str) -> str:
    """A role and its detail in words: "relation: obj (the dependent looks most at its head word)"."""
    return next(role_names([(role, detail)]))[1]


def role_names(roles: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """(role, in words) of roles and details in order; what differs in the name alone is one.

    Example: "relation: obj, nsubj (the dependent looks most at its head word)"; of what is a piece in each sentence
    "second sink: most often the".
    """
    parts: dict[tuple[str, str], list[str]] = {}
    for role, detail in roles:
        name, _, further = detail.partition(", ")
        parts.setdefault((role, further), []).append(in_words(name))
    for (role, further), names in parts.items():
        listed = f": {'most often ' * (role == SECOND_SINK)}{', '.join(names)}" if any(names) else ""
        yield role, visible(role) + listed + (f" ({RULES.get(further) or in_words(further)})" if further else "")


def _number(value: float, is_share: bool) -> str:
    return "–" if np.isnan(value) else percent(value) if is_share else number(round(value, 3))


def with_rules(rules: Rules, tables: Tables, frame: pd.DataFrame) -> pd.DataFrame:
    """A table of roles with six more columns: the `rule` that gave a role, or None; `by`, the detail by that rule;
    `level`, what the chance level of its score is called; `cases`, of how many the score is a share; `nearest`, what
    the nearest word of a class finds; and `remark`, that a head finds no more.
    """
    found, evidence = given_by(rules, tables, frame), RoleEvidence(tables)
    by = [detail_by_rule(rule, detail) for rule, detail in zip(found, frame["detail"], strict=True)]
    level = ["" if rule is None else level_name(tables.data, rule) for rule in found]
    places = zip(found, frame["detail"], frame["layer"], frame["head"], strict=True)
    cases = [evidence.told(rule, label_of(str(detail)), layer, head) for rule, detail, layer, head in places]
    words = NearestWords(tables.data)
    beside = [words.beside(rule, label_of(str(detail))) for rule, detail in zip(found, frame["detail"], strict=True)]
    nearest = ["" if one is None else one.told for one in beside]
    scores = zip(beside, frame["score"], frame["low"], strict=True)
    remark = ["" if one is None else one.remark(score, low) for one, score, low in scores]
    rules_of_rows = pd.Series(found, frame.index, object)
    return frame.assign(rule=rules_of_rows, by=by, level=level, cases=cases, nearest=nearest, remark=remark)


def level_name(data: xr.Dataset, rule: Rule) -> str:
    """What the chance level of a rule's score is called: "best word offset", "rules of form and agreement"."""
    if rule.chance is None:
        return ""
    called = data.variables[rule.chance.result].attrs.get("caption", "")  # xarray's own tables are slow to ask
    return visible(str(called)) or ", ".join(map(in_words, rule.chance.at.values()))


def scores_told(rows: Iterable[Any], shares: Collection[str]) -> list[Told]:
    """A head's roles in order, of rows of a table with rules; `shares`: those whose scores are shares.

    Example: [Told("syntactic relation: obj (the dependent looks most at its head word)", "87%", "82 to 91%",
    "best word offset", "47%", "of 300 edges", "nearest verb before 71%", "", "obj")].
    """
    return [_told(row.role, row.by, (row.score, row.low, row.high, row.chance), row.role in shares,
                  (row.level, row.cases, row.nearest, row.remark))
            for row in rows if row.role]  # fmt: skip


def finding_told(data: xr.Dataset, one: Finding, cases: str, nearest: Nearest | None) -> Told:
    """The same of what a rule says of a head, whether it has the role or not."""
    words = ("", "") if nearest is None else (nearest.told, nearest.remark(one.score, one.low))
    numbers, beside = (one.score, one.low, one.high, one.chance), (level_name(data, one.rule), cases, *words)
    return _told(one.rule.role, detail_by_rule(one.rule, one.detail), numbers, one.is_share, beside)


def _told(
    role: str,
    detail: str,
    numbers: tuple[float, float, float, float],
    is_share: bool,
    beside: tuple[str, str, str, str],
) -> Told:
    (score, low, high, chance), (level, cases, nearest, remark) = numbers, beside
    table = xr.DataArray(score, attrs={"kind": "share"} if is_share else {})
    told, interval = bear(table, score, low, high)
    is_sure = not np.isnan(low)
    return Told(
        role=role_name(role, detail),
        score=told if is_sure else _number(score, is_share),
        interval=interval if is_sure else "",
        level="" if np.isnan(chance) else level,
        chance=_number(chance, is_share),
        cases=cases,
        nearest=nearest,
        remark=remark,
        label=visible(label_of(detail)),
    )
