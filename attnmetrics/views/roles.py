"""Roles of heads and their scores in words."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
import xarray as xr

from attnmetrics.describing.finding import Finding
from attnmetrics.views.certainty import bear
from attnmetrics.views.numbers import number, percent
from attnmetrics.views.pieces import visible
from attnmetrics.views.tables import in_words

Told = tuple[str, str, str, str, str]
"""(role in words, its score, the interval of that or "", its chance level, its label)"""


def role_name(role: str, detail: str) -> str:
    """A role and its detail in words: "relation: obj (from a dependent to its head word)"."""
    return next(role_names([(role, detail)]))[1]


def role_names(roles: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """(role, in words) of roles and details in order; what differs in the name alone is one.

    Example: "relation: obj, nsubj (from a dependent to its head word)".
    """
    parts: dict[tuple[str, str], list[str]] = {}
    for role, detail in roles:
        name, _, further = detail.partition(", ")
        parts.setdefault((role, further), []).append(in_words(name))
    for (role, further), names in parts.items():
        listed = f": {', '.join(names)}" if any(names) else ""
        yield role, visible(role) + listed + (f" ({in_words(further)})" if further else "")


def _number(value: float, is_share: bool) -> str:
    return "–" if np.isnan(value) else percent(value) if is_share else number(round(value, 3))


def scores_told(rows: Iterable[Any], shares: Collection[str]) -> list[Told]:
    """A head's roles in order, of rows of the table of roles; `shares`: those whose scores are shares.

    Example: [("syntactic relation: obj (from a dependent to its head word)", "87%", "82 to 91%", "47%", "obj")].
    """
    return [_told(row.role, row.detail, (row.score, row.low, row.high, row.chance), row.role in shares)
            for row in rows if row.role]  # fmt: skip


def finding_told(one: Finding) -> Told:
    """The same of what a rule says of a head, whether it has the role or not."""
    return _told(one.rule.role, one.detail, (one.score, one.low, one.high, one.chance), one.is_share)


def _told(role: str, detail: str, numbers: tuple[float, float, float, float], is_share: bool) -> Told:
    score, low, high, chance = numbers
    table = xr.DataArray(score, attrs={"kind": "share"} if is_share else {})
    told, interval = bear(table, score, low, high)
    is_sure = not np.isnan(low)
    return (role_name(role, detail), told if is_sure else _number(score, is_share), interval if is_sure else "",
            _number(chance, is_share), visible(detail.partition(", ")[0]))  # fmt: skip
