"""Which roles of heads a run has gained or lost, against another."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.describing.origin import given_by, name_of_rule
from attnmetrics.describing.rules import Rule, Rules, Term
from attnmetrics.describing.tables import Tables, has

COLUMNS: Final = ("run", "layer", "head", "role", "detail", "change", "score", "first_score", "q", "rule")
GAINED: Final = "gained"
LOST: Final = "lost"
_KEY: Final = ["layer", "head", "role", "detail"]


def role_changes(rules: Rules, data: xr.Dataset, frames: Sequence[pd.DataFrame | None]) -> pd.DataFrame:
    """The roles that heads have in a run and not in the first, and those that they have in the first alone.

    Args:
        rules: by which roles were found.
        data: the comparison of the runs.
        frames: the roles of each run, as `roles.parquet` has them; None of a run whose roles are unknown.

    Returns:
        a row a role: run, layer, head, role, detail, change (`gained` or `lost`), score (in the run), first_score (in
        the first), q of their difference, NaN where the role's score is no result at labels or a run has it not; and
        the rule that gave it, where several may: its label of the score's dimension `rule`, else empty.
    """
    first, *others = frames
    sides = [None if frame is None else _Side(rules, data, place, frame) for place, frame in enumerate(frames)]
    names = data["run"].values.tolist()[1:]
    rows: list[tuple[object, ...]] = []
    for place, (name, frame) in enumerate(zip(names, others, strict=True), 1):
        if first is not None and frame is not None:
            rows += (
                (name, *key, change, *_told(data, place, key, sides[place if change == GAINED else 0]))
                for change, key in _changes(first, frame)
            )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"layer": np.int64, "head": np.int64})


def _changes(first: pd.DataFrame, other: pd.DataFrame) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """(gained or lost, (layer, head, role, detail)), by layer and head."""
    before, after = (_keys(frame) for frame in (first, other))
    for key in sorted(before.keys() ^ after.keys()):
        yield GAINED if key in after else LOST, key


def _keys(frame: pd.DataFrame) -> dict[tuple[Any, ...], None]:
    held = frame[frame["role"] != ""]
    return dict.fromkeys(zip(*(held[column].tolist() for column in _KEY), strict=True))


class _Side:
    """The rules that gave the roles of one run."""

    def __init__(self, rules: Rules, data: xr.Dataset, run: int, frame: pd.DataFrame) -> None:
        held = frame[frame["role"] != ""]
        found = given_by(rules, Tables(data.isel(run=run)), held)
        self.rules = dict(zip(zip(*(held[column].tolist() for column in _KEY), strict=True), found, strict=True))


def _told(data: xr.Dataset, run: int, key: tuple[Any, ...], side: _Side | None) -> tuple[float, float, float, str]:
    """(score in a run, in the first, q, which rule) of a role that a head has on a side."""
    rule = side.rules[key] if side else None
    return *_scores(data, run, key, rule), name_of_rule(rule)


def _scores(data: xr.Dataset, run: int, key: tuple[Any, ...], rule: Rule | None) -> tuple[float, float, float]:
    """(score in a run, in the first, q) of a head's role."""
    layer, head, _, detail = key
    at = {"layer": data["layer"].values.tolist().index(layer), "head": data["head"].values.tolist().index(head)}
    term = next(iter(_terms(rule, detail, data)), None) if rule else None
    if term is None:
        return np.nan, np.nan, np.nan
    places = {dim: [str(one) for one in data[dim].values.tolist()].index(str(label)) for dim, label in term.at.items()}
    places |= at
    score, first = (float(data[term.result].isel({**places, "run": one})) for one in (run, 0))
    name = f"{term.result}_q"
    return score, first, float(data[name].isel({**places, "run": run})) if name in data else np.nan


def _terms(rule: Rule, detail: str, data: xr.Dataset) -> Iterable[Term]:
    """The score of a rule at the labels of a detail, where it is a result at one label a dimension."""
    term = rule.score
    if not has(data, term) or term.largest is not None:
        return []
    labels = [] if rule.each is None else [str(label) for label in data[rule.each].values.tolist()]
    named = [label for label in labels if rule.detail.replace("{label}", label) == detail]
    if rule.each is not None and not named:
        return []
    at = {**term.at, **({rule.each: named[0]} if rule.each else {})}
    left = set(data[term.result].dims) - {"run", "layer", "head", *at}
    return [] if left else [Term(result=term.result, at=at)]
