"""Roles of heads and their scores in words."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.views.certainty import bear
from attnmetrics.views.numbers import number
from attnmetrics.views.pieces import visible
from attnmetrics.views.tables import in_words


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


def score_number(value: float) -> str:
    """A score without an interval, with three decimals at most."""
    return "–" if np.isnan(value) else number(round(value, 3))


def scores_told(rows: pd.DataFrame) -> list[tuple[str, str, str, str, str]]:
    """(role in words, its score, the interval of that or "", its chance level, its label) of a head's roles, in order.

    Example: [("syntactic relation: obj (from a dependent to its head word)", "0.87", "0.82 to 0.91", "0.468", "obj")].
    """
    return [_score(row) for row in rows[rows["role"] != ""].itertuples()]


def _score(row: Any) -> tuple[str, str, str, str, str]:
    score, interval = bear(xr.DataArray(row.score), row.score, row.low, row.high)
    is_sure = not np.isnan(row.low)
    return (role_name(row.role, row.detail), score if is_sure else score_number(row.score), interval if is_sure else "",
            score_number(row.chance), visible(row.detail.partition(", ")[0]))  # fmt: skip
