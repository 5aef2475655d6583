"""The table of all roles: a row for each role of a head, one without a role for a head that has none."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.describing.finding import Finding, Found, Place, find, lacking, shares
from attnmetrics.describing.rules import Rules
from attnmetrics.describing.sentences import sentence
from attnmetrics.describing.tables import Tables

COLUMNS = (
    "layer", "head", "role", "detail", "score", "low", "high", "chance", "evidence", "contradicts", "sentence",
)  # fmt: skip


def roles_frame(
    rules: Rules,
    data: xr.Dataset,
    intervals: xr.Dataset | None = None,
    pieces: Mapping[Place, Sequence[str]] | None = None,
    places: Iterable[Place] | None = None,
) -> pd.DataFrame:
    """The roles of all heads, by layer and head, in the order of the rules.

    Args:
        rules: in order.
        data: a run's results.
        intervals: of the same results, with a last dimension `bound`.
        pieces: which types of pieces a head attends to most, of heads that have any, by positions of layer and head;
            None where it is unknown.
        places: of the heads that are told of; None for all.

    Returns:
        columns `COLUMNS`: `evidence` is the share of the head's attention that is off null; `contradicts` the roles
        that it would have but for this one, joined by "; "; `sentence` is in a head's first row. `attrs["skipped"]`
        has the roles that the run has no results for, `attrs["shares"]` those whose scores are shares.
    """
    tables = Tables(data, intervals)
    found = find(rules, tables, pieces, places)
    rows = [row for place in found.of_head for row in _rows(rules, tables, found, place)]
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"layer": np.int64, "head": np.int64})
    return with_facts(frame, rules, data)


def with_facts(frame: pd.DataFrame, rules: Rules, data: xr.Dataset) -> pd.DataFrame:
    """The table with what it knows of the rules that it was made by, which its file does not keep."""
    frame.attrs |= {"skipped": lacking(rules, data), "shares": shares(rules, data)}
    return frame


def shares_in(frame: pd.DataFrame) -> Sequence[str]:
    """The roles whose scores are shares, as the table knows."""
    return list(frame.attrs.get("shares", ()))


def _rows(rules: Rules, tables: Tables, found: Found, place: Place) -> list[tuple[object, ...]]:
    layer, head = place
    findings, evidence = found.of_head[place], float(tables.evidence[place])
    said = sentence(findings, evidence, tables.unit, rules.names)
    held: Sequence[Finding | None] = [one for one in findings if one.held] or [None]
    at = (tables.layers[layer], tables.heads[head])
    return [(*at, *_row(one), evidence, _contradicts(one), "" if n else said) for n, one in enumerate(held)]


def _row(one: Finding | None) -> tuple[str, str, float, float, float, float]:
    """role, detail, score, low, high, chance"""
    if one is None:
        return ("", "", *(np.nan,) * 4)
    return (one.rule.role, one.detail, one.score, one.low, one.high, one.chance)


def _contradicts(one: Finding | None) -> str:
    return "" if one is None else "; ".join(one.contradicts)


def replaced(frame: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """A table of roles in which some heads have the rows of another one in place of theirs."""
    gone = set(map(tuple, others[["layer", "head"]].values.tolist()))
    kept = [key not in gone for key in zip(frame["layer"].tolist(), frame["head"].tolist(), strict=True)]
    whole = pd.concat([frame[kept], others]).sort_values(["layer", "head"], kind="stable", ignore_index=True)
    whole.attrs = frame.attrs
    return whole


def sentences(frame: pd.DataFrame) -> dict[tuple[int, int], str]:
    """(layer, head) → the head's sentence."""
    firsts = frame.drop_duplicates(["layer", "head"])
    keys = zip(firsts["layer"].tolist(), firsts["head"].tolist(), strict=True)
    return dict(zip(keys, firsts["sentence"].tolist(), strict=True))


def with_role(frame: pd.DataFrame, roles: Sequence[str], without: Sequence[str] = ()) -> pd.DataFrame:
    """The rows of these roles, of heads that have none of the others."""
    barred = set(map(tuple, frame.loc[frame["role"].isin(without), ["layer", "head"]].values.tolist()))
    keys = [key not in barred for key in zip(frame["layer"].tolist(), frame["head"].tolist(), strict=True)]
    return frame[frame["role"].isin(roles) & np.array(keys, bool)]
