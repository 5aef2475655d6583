"""The end of a run: what was measured, what was left out, the heads that stand out."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import xarray as xr
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attnmetrics.views.certainty import interval_title, why_none
from attnmetrics.views.evidence import is_off, off_in_words
from attnmetrics.views.facts import headline, left_out, other_layers
from attnmetrics.views.heads import Standout, standouts
from attnmetrics.views.pieces import visible
from attnmetrics.views.places import ordinal
from attnmetrics.views.terminal.beside import AGAINST
from attnmetrics.views.terminal.light_table import LightTable
from attnmetrics.views.terminal.style import FAINT

_NOT_IN_SUMMARY: Final = ("least variable", "most variable")
HELD_OUT: Final = (
    "held out: the head chosen on even shards, scored on odd ones; its place there where it is not the first"
)


def summary(data: xr.Dataset, facts: Mapping[str, Any]) -> RenderableType:
    """The end of a run: what was measured, what was left out, the heads that stand out."""
    numbers = ", ".join(value if name == "time" else f"{value} {name}" for name, value in headline(data, facts))
    lines: list[RenderableType] = [Text(numbers)]
    if others := other_layers(facts):
        lines.append(Text(visible(f"layers without attention: {others}")))
    missing = [f"{name} ({value})" for name, value in left_out(data, facts) if value != "0"]
    if missing:
        lines.append(Text(f"left out or cut: {', '.join(missing)}", style="yellow"))
    off = [Text(off_in_words(data), style=FAINT)] if is_off(data).any() else []
    found = [head for head in standouts(data) if head.role.title not in _NOT_IN_SUMMARY]
    if not found:
        return Group(*lines, *off, Text("no head has evidence in this run"))
    groups = ([head for head in found if (head.role.metric == "pos_to") == tags] for tags in (False, True))
    tables: list[RenderableType] = [
        part for group in groups if group for part in (Text(), _standouts(group, interval_title(data)))
    ]
    said = why_none(data) or (HELD_OUT if any(head.held_out for head in found) else "")
    return Group(*lines, *off, *tables, *([Text(), Text(said, style=FAINT)] if said else []))


def _standouts(found: Sequence[Standout], interval: str) -> Table:
    """A row a head; beside the value its interval, and its chance level where that is the same thing for all."""
    what = "heads that stand out" if found[0].role.metric != "pos_to" else "attention to"
    captions = {head.of_chance for head in found}
    of_chance = captions.pop() if len(captions) == 1 else ""
    sure = [interval, "rank"] if interval else []
    beyond = ["held out"] if any(head.held_out for head in found) else []
    table = LightTable(
        what, "head", "", *sure, *beyond, "median", *([of_chance, AGAINST] if of_chance else ["vs chance"])
    )
    for head in found:
        name = head.title.removeprefix("to ")
        place = f"layer {head.layer} head {head.head}"
        level = [head.shown_chance] if of_chance else []
        stands = [head.interval, head.stands] if sure else []
        beside = [*stands, *([_held_out(head)] if beyond else []), head.shown_median, *level, head.against_chance]
        table.add_row(name, place, head.shown, *(Text(one, style=FAINT) for one in beside))
    return table


def _held_out(head: Standout) -> str:
    """What the head that even shards choose has on odd ones: which one, and its place there, where it is another."""
    found = head.held_out
    if found is None:
        return "–"
    other = "" if (found.layer, found.head) == (head.layer, head.head) else f", {found.layer}.{found.head}"
    return f"{found.shown}{other}" if found.place.rank == 1 else f"{found.shown}{other}, {ordinal(found.place.rank)}"
