"""How far a run is, what it is, and what to do next."""

from collections.abc import Mapping
from typing import Any, Protocol

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attnmetrics.storage import Location
from attnmetrics.views.facts import about, duration, stage_seconds
from attnmetrics.views.numbers import percent
from attnmetrics.views.pieces import visible
from attnmetrics.views.terminal.style import FAINT


class Progress(Protocol):
    """What `show_status` needs to know of a run."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """run.json"""

    @property
    def shards(self) -> int:
        """Shards in the plan."""

    @property
    def measured(self) -> int:
        """Shards that are committed."""

    @property
    def driver(self) -> str:
        """Who works on it now; empty where nobody does."""


def show_status(folder: Location, progress: Progress) -> RenderableType:
    """How far a run is, what it is, and what to do next."""
    facts = progress.facts
    status = str(facts.get("status", "unfinished"))
    share = progress.measured / progress.shards if progress.shards else 0.0
    table = Table.grid(padding=(0, 2))
    rows = [
        ("run", str(folder)),
        ("status", status),
        ("measured", f"{progress.measured:,} of {progress.shards:,} shards ({percent(share)})"),
        *([("worked on by", progress.driver)] if progress.driver else []),
        *about(facts),
        *((f"{stage} time", duration(seconds)) for stage, seconds in stage_seconds(facts).items()),
    ]
    for name, value in rows:
        table.add_row(Text(name, style=FAINT), Text(visible(value)))
    missing = [Text(_missing(one), style="yellow") for one in facts.get("missing", [])]
    return Group(table, *missing, Text(_next(folder, status, progress)))


def _missing(shard: Mapping[str, Any]) -> str:
    return visible(f"shard {shard['shard']} is missing, {shard['stage']}: {shard['reason']}")


def _next(folder: Location, status: str, progress: Progress) -> str:
    where = visible(str(folder))
    if progress.driver:
        return "next: wait until it is done, or stop it and run `attnmetrics run` with the same options to go on later"
    if status in ("finished", "incomplete"):
        again = "; run `attnmetrics run` with the same options to try again what is missing"
        return f"next: attnmetrics show {where}, or open {where}/report/index.html{again * (status == 'incomplete')}"
    if progress.shards and progress.measured == progress.shards:
        return f"next: attnmetrics merge {where}"
    return "next: run `attnmetrics run` with the same options to go on"
