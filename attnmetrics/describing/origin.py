"""Which rule gave a head a role, where several give one of the same name and detail."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.describing.rules import Rule, Rules
from attnmetrics.describing.tables import Tables, has

BY: Final = "rule"
"""The dimension whose label tells such rules apart."""


def givers(rules: Rules, data: xr.Dataset, role: str, detail: str) -> list[Rule]:
    """The rules that may give a role with a detail, of those whose score the run has."""
    own = [rule for rule in rules.roles if rule.role == role and has(data, rule.score)]
    return [rule for rule in own if rule.of_pieces or rule.detail_of(label_of(detail)) == detail]


def given_by(rules: Rules, tables: Tables, frame: pd.DataFrame) -> list[Rule | None]:
    """Of each row of a table of roles the rule that gave it: of several the one by whose score the head has it."""
    found: list[Rule | None] = [None] * len(frame)
    for (role, detail), rows in frame.groupby(["role", "detail"]).indices.items():
        own = givers(rules, tables.data, str(role), str(detail))
        nearest = _nearest(tables, own, frame.iloc[rows]).tolist() if own else []
        for row, n in zip(rows.tolist(), nearest, strict=False):  # no rule gives what an older one gave
            found[row] = own[n]
    return found


def _nearest(tables: Tables, rules: Sequence[Rule], rows: pd.DataFrame) -> NDArray[np.int64]:
    """[row] which of the rules has the score that is nearest to a row's."""
    if len(rules) == 1:
        return np.zeros(len(rows), np.int64)
    label = label_of(str(rows["detail"].iloc[0]))
    places = (
        pd.Index(known).get_indexer(rows[dim]) for dim, known in (("layer", tables.layers), ("head", tables.heads))
    )
    layer, head = places
    scores = np.stack([tables.find(rule.score, rule.each, [label])[layer, head, 0] for rule in rules])
    return np.asarray(np.nan_to_num(np.abs(scores - rows["score"].to_numpy(float)), nan=np.inf).argmin(axis=0))


def detail_by_rule(rule: Rule | None, detail: str) -> str:
    """A detail that names the rule where it names a direction: "nsubj, column"; as it is without such rules."""
    return detail_by(name_of_rule(rule), detail)


def detail_by(name: str, detail: str) -> str:
    """The same, of the name of the rule; "" for none."""
    return f"{label_of(detail)}, {name}" if detail and name else detail


def name_of_rule(rule: Rule | None) -> str:
    """What tells a rule apart from others that give the same role and detail; "" for nothing."""
    return "" if rule is None else str(rule.score.at.get(BY, ""))


def label_of(detail: str) -> str:
    """`label_of("nsubj, attended_is_parent")` is "nsubj"."""
    return detail.partition(", ")[0]
