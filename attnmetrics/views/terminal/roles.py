"""Roles of heads: which heads answer a question, what one head does."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attnmetrics.describing.frame import sentences, shares_in
from attnmetrics.describing.questions import HEAD, Answer
from attnmetrics.views.answers import Grouped, Heads, in_groups
from attnmetrics.views.certainty import OF_PAIRS
from attnmetrics.views.headlines import surest_first
from attnmetrics.views.pieces import visible
from attnmetrics.views.role_evidence import cases_and_held_out
from attnmetrics.views.roles import Told, role_names, scores_told
from attnmetrics.views.terminal.light_table import OF_CLASS, LightTable
from attnmetrics.views.terminal.style import FAINT

_MOST: Final = 3
"""Roles of a head in a list."""
_BARRED: Final = "nearly switched off, but for that among them"
_NEAR: Final = "only just missing the rule, but better than the nearest word of any class in a relation"
_SPARE: Final = ("interval", "of", "held out", OF_CLASS)
"""Columns that stand only where a row has something in them."""


def show_answers(
    found: Sequence[Answer],
    frame: pd.DataFrame,
    top: int,
    with_sentences: bool = False,
    near: Mapping[str, Heads] | None = None,
) -> RenderableType:
    """The heads that answer each question.

    Args:
        found: the answers.
        frame: all roles, with rules (`views/roles.py`); `attrs["skipped"]` has those that the run has no results for.
        top: heads of each that are told in full; the others are named.
        with_sentences: whether each head's sentence stands under it.
        near: of each question, the heads that nearly answer it (see `views.misses.near_answers`).
    """
    said = _in_full(frame) if with_sentences else {}
    others = near or {}
    parts = [part for one in found for part in (*_answer(one, said, top, others.get(one.key, ())), Text())]
    lacking = [f"{role} (no {result})" for role, result in frame.attrs.get("skipped", {}).items()]
    note = f"not told of this run: {', '.join(lacking)}" if lacking else ""
    return Group(*parts, *([Text(visible(note), style=FAINT)] if note else []))


def _in_full(frame: pd.DataFrame) -> dict[tuple[int, int], RenderableType]:
    """The sentence of each head under its name, and the scores of its roles."""
    said, own = sentences(frame), {(int(key[0]), int(key[1])): rows for key, rows in frame.groupby(HEAD)}
    return {
        head: Group(_sentence(*head, text), _score_table(own[head], shares_in(frame))) for head, text in said.items()
    }


def _answer(one: Answer, said: Mapping[tuple[int, int], RenderableType], top: int, near: Heads) -> list[RenderableType]:
    grouped, heads = in_groups(one, near), one.heads
    head = Text.assemble((one.title, "bold"), (f"  {len(heads)} heads" if len(heads) != 1 else "  1 head", FAINT))
    if not heads and not one.barred and not near:
        return [head, Text("none")]
    besides = [f"{name}: {_listed(some)}" for name, some in ((_NEAR, near), (_BARRED, one.barred)) if some]
    summed = [Text(grouped.told.partition("; ")[2])] if grouped.told else []
    return [head, *summed, *_lists(grouped, said, top), *(Text(words, style=FAINT) for words in besides)]


def _lists(grouped: Grouped, said: Mapping[tuple[int, int], RenderableType], top: int) -> Iterator[RenderableType]:
    """The first heads of all in full, group by group under its title, the others of each named."""
    one = grouped.answer
    groups = [(group.title, group.heads) for group in grouped.groups] or [("", one.heads)]
    for title, heads in groups:
        if title:
            yield Text.assemble((f"{title}:", "bold"), (f"  {len(heads)}", FAINT))
        if full := heads[:top]:
            yield from [_table(one, full)] if not said else [said[head] for head in full]
        if rest := _listed(heads[len(full) :]):
            yield Text(f"and {rest}" if full else rest, style=FAINT)
        top -= len(full)


def _listed(heads: Heads) -> str:
    return ", ".join(f"{layer}.{head}" for layer, head in heads)


def _sentence(layer: int, head: int, text: str) -> Text:
    return Text.assemble((f"layer {layer} head {head}  ", "bold"), visible(text))


def _table(one: Answer, heads: Heads) -> Table:
    groups, shares = {(int(key[0]), int(key[1])): rows for key, rows in one.rows.groupby(HEAD)}, shares_in(one.rows)
    told = [
        ("" if n else f"layer {layer} head {head}", row)
        for layer, head in heads
        for n, row in enumerate(scores_told(groups[layer, head].head(_MOST).itertuples(), shares))
    ]
    columns = _columns([row for _, row in told])
    result = LightTable("head", "by", *columns)
    result.columns[1].justify, result.columns[1].no_wrap = "left", False
    for n, (name, row) in enumerate(told):
        result.add_row(name, _role(row), *(cells[n] for cells in columns.values()))
    return result


def _role(row: Told) -> Text:
    """A role, and that a simpler rule finds as much: the column that says what it finds may have no room."""
    return Text(f"{row.role}; {row.remark}" if row.remark else row.role)


def _columns(told: Sequence[Told]) -> dict[str, list[str]]:
    """The columns of scores; without those that are empty and need not be there."""
    evidence = [cases_and_held_out(row.cases) for row in told]
    columns = {
        "score": [row.score for row in told],
        "interval": [row.interval for row in told],
        "of": [cases for cases, _ in evidence],
        "held out": [held_out for _, held_out in evidence],
        "chance": [row.chance for row in told],
        "chance is": [row.level for row in told],
        OF_CLASS: [row.nearest.removeprefix("nearest ") for row in told],
    }
    kept = {name: cells for name, cells in columns.items() if any(cells) or name not in _SPARE}
    return {name: [cell or "–" for cell in cells] if name in _SPARE else cells for name, cells in kept.items()}


def show_sentence(frame: pd.DataFrame, layer: int, head: int) -> RenderableType:
    """What a head does in one sentence, and its roles; nothing where the table, which has rules, has no such head."""
    own = frame[(frame["layer"] == layer) & (frame["head"] == head)]
    if own.empty:
        return Group()
    return Group(Text(visible(str(own["sentence"].iloc[0]))), Text(), _score_table(own, shares_in(frame)))


def _score_table(rows: pd.DataFrame, shares: Collection[str]) -> RenderableType:
    """Those scores in columns; nothing without a role."""
    told = scores_told(surest_first(list(rows.itertuples())), shares)
    if not told:
        return Group()
    columns = _columns(told)
    result = LightTable("role", *columns)
    for n, row in enumerate(told):
        result.add_row(_role(row), *(cells[n] for cells in columns.values()))
    return result


def show_families(frame: pd.DataFrame) -> RenderableType:
    """Families of heads with like profiles, the largest first; heads like no other in one row."""
    result = LightTable("family", "heads", "")
    result.columns[-1].justify, result.columns[-1].no_wrap = "left", False
    alone = []
    for _, rows in frame.groupby("family"):
        heads = [f"{layer}.{head}" for layer, head in zip(rows["layer"], rows["head"], strict=True)]
        if len(heads) > 1:
            result.add_row(Text(visible(rows["name"].iloc[0])), str(len(heads)), Text(", ".join(heads)))
        else:
            alone += heads
    if alone:
        result.add_row(Text("like no other", style=FAINT), str(len(alone)), Text(", ".join(alone)))
    return result


def show_like(near: pd.DataFrame, frame: pd.DataFrame) -> RenderableType:
    """The heads with the profiles most like one's, and their roles; nothing where there are none.

    Args:
        near: columns layer, head, profile_distance, the nearest first.
        frame: the table of roles, with rules.
    """
    if near.empty:
        return Group()
    result = LightTable("profile most like", "distance", "roles")
    result.columns[-1].justify, result.columns[-1].no_wrap = "left", False
    for row in near.itertuples():
        name = f"layer {row.layer} head {row.head}"
        result.add_row(name, f"{row.profile_distance:.2f}", Text("; ".join(_roles(frame, row.layer, row.head))))
    return Group(result, Text(OF_PAIRS.lower().rstrip("."), style=FAINT))


def _roles(frame: pd.DataFrame, layer: int, head: int) -> list[str]:
    """Those of a head, in words."""
    own = frame[(frame["layer"] == layer) & (frame["head"] == head)]
    return [words for role, words in role_names(zip(own["role"], own["by"], strict=True)) if role]
