"""Roles gained and lost, where several rules may give a role: told and scored by the one that gave it."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from attnmetrics.describing.changes import role_changes
from attnmetrics.describing.rules import read_rules
from attnmetrics.views.comparison.heads import pack_role_changes, pack_roles
from attnmetrics.views.roles import RULES

ROLE, DETAIL = "syntactic relation", "nsubj, attending_is_parent"
NAMES = ["row", "column", "parent_row"]


def compared() -> xr.Dataset:
    """Of two runs, two heads."""
    accuracy = np.arange(2 * 2 * 3).reshape(2, 1, 2, 3, 1) / 20
    labels = {"run": ["base", "tuned"], "layer": [4], "head": [0, 1], "rule": NAMES, "rel": ["nsubj"]}
    dims = tuple(labels)
    tables = {"relation_accuracy": (dims, accuracy), "relation_accuracy_q": (dims, accuracy / 10)}
    return xr.Dataset(tables, labels)


def frame(score: float | None) -> pd.DataFrame:
    """The roles of a run whose second head has one, or none."""
    held = (4, 1, "", "", np.nan) if score is None else (4, 1, ROLE, DETAIL, score)
    return pd.DataFrame([(4, 0, "", "", np.nan), held], columns=["layer", "head", "role", "detail", "score"])


@pytest.mark.parametrize("rule", ["column", "parent_row"])
@pytest.mark.parametrize("change", ["gained", "lost"])
def test_a_change_is_told_and_scored_by_the_rule_that_gave_the_role(rule: str, change: str) -> None:
    data = compared()
    of_rule = data["relation_accuracy"].sel(head=1, rule=rule, rel="nsubj", layer=4)
    first, other = (float(of_rule.sel(run=run)) for run in ("base", "tuned"))
    frames = [frame(None), frame(other)] if change == "gained" else [frame(first), frame(None)]
    found = role_changes(read_rules(None), data, frames)
    (row,) = found.to_dict("records")
    assert (row["change"], row["rule"], row["score"], row["first_score"]) == (change, rule, other, first)
    assert row["q"] == pytest.approx(other / 10)
    (told,) = pack_role_changes(["base", "tuned"], found)
    assert told[4:6] == [ROLE, f"{ROLE}: nsubj ({RULES[rule]})"]


def test_roles_of_a_run_in_a_comparison_are_told_by_the_rule_that_gave_them() -> None:
    data = compared().isel(run=1)
    score = float(data["relation_accuracy"].sel(layer=4, head=1, rule="column", rel="nsubj"))
    side = SimpleNamespace(results=data, roles=frame(score).assign(sentence=""))
    packed = pack_roles([side], [(4, 0), (4, 1)])  # type: ignore[list-item]
    assert packed["of_runs"][0]["ofHead"] == [[], [(ROLE, f"{ROLE}: nsubj ({RULES['column']})")]]
