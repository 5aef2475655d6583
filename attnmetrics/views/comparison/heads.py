"""What heads do in each run, as the page of a comparison holds it: roles, sentences, and roles gained and lost."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.describing.frame import sentences
from attnmetrics.describing.origin import detail_by, detail_by_rule, given_by
from attnmetrics.describing.rules import package_rules
from attnmetrics.describing.tables import Tables
from attnmetrics.results.sides import Side
from attnmetrics.views.pieces import visible
from attnmetrics.views.roles import role_name, role_names

Head = tuple[int, int]


def pack_roles(sides: Sequence[Side], heads: Sequence[Head]) -> dict[str, Any]:
    """The roles that any head has in any run, and of each run those of its heads; None of a run whose are unknown.

    Args:
        sides: the runs.
        heads: (layer, head) of all, layer by layer.
    """
    frames = [side.roles for side in sides]
    return {
        "known": _known([frame for frame in frames if frame is not None]),
        "of_runs": [None if side.roles is None else _of_run(side.results, side.roles, heads) for side in sides],
    }


def _known(frames: Sequence[pd.DataFrame]) -> list[dict[str, str]]:
    """In the order of the rules, with colour."""
    rules = package_rules()
    colours = {rule.role: rule.colour for rule in reversed(rules.roles)}
    had = {role for frame in frames for role in frame["role"]} - {""}
    return [
        {"name": visible(role), "colour": colours.get(role, "#7d8894")}
        for role in dict.fromkeys([*rules.names_of_roles, *sorted(had)])
        if role in had
    ]


def _of_run(data: xr.Dataset, frame: pd.DataFrame, heads: Sequence[Head]) -> dict[str, Any]:
    """As `static/arithmetic/roles.js` reads them."""
    given = given_by(package_rules(), Tables(data), frame)
    by = [detail_by_rule(rule, str(detail)) for rule, detail in zip(given, frame["detail"], strict=True)]
    frame = frame.assign(by=by)
    said = sentences(frame[frame["sentence"].notna()])
    groups = {(int(key[0]), int(key[1])): rows for key, rows in frame.groupby(["layer", "head"])}
    return {
        "ofHead": [_of_head(groups.get(head, frame.iloc[:0])) for head in heads],
        "sentences": [visible(said.get(head, "")) for head in heads],
    }


def _of_head(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """(role, role with its detail in words) of each, in order."""
    named = zip(rows["role"].tolist(), rows["by"].tolist(), strict=True)
    return [(visible(role), words) for role, words in role_names(named) if role]


def pack_role_changes(runs: Sequence[str], changes: pd.DataFrame) -> list[list[Any]]:
    """[run, layer, head, gained or lost, role, in words, score, the first run's, q], `run` as a place."""
    columns = ("run", "layer", "head", "change", "role", "detail", "rule", "score", "first_score", "q")
    return [_role_change(list(runs), row) for row in zip(*(changes[name].tolist() for name in columns), strict=True)]


def _role_change(runs: list[str], row: tuple[Any, ...]) -> list[Any]:
    run, layer, head, change, role, detail, rule, *numbers = row
    named = [visible(str(role)), role_name(str(role), detail_by(str(rule), str(detail)))]
    return [runs.index(run), int(layer), int(head), str(change), *named, *map(_finite, numbers)]


def _finite(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if np.isfinite(value) else None
