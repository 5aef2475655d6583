"""What a run says while it works: one bar a stage, with shards, sentences/s, pieces/s and the time left.

On a terminal the bars move; in a log a line is printed every few seconds.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

LOG_SECONDS = 10.0
"""Time between two lines of a stage where there is no terminal."""


@dataclass(slots=True)
class Bar:
    """One stage. Work is counted in characters, which are known before there are sentences."""

    name: str
    characters: int
    shards: int
    done_characters: int = 0
    done_shards: int = 0
    totals: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)
    logged: float = 0.0

    def add(self, characters: int, seconds: float, amounts: Mapping[str, int]) -> None:
        """A shard of so many characters is done, in so many seconds; `amounts` of it are shown as rates."""
        if not self.done_shards:
            self.started = min(self.started, time.monotonic() - seconds)
        self.done_characters += characters
        self.done_shards += 1
        self.totals.update(amounts)

    def describe(self) -> str:
        """Shards, rates and the time left."""
        seconds = max(time.monotonic() - self.started, 1e-6)
        rates = [f"{_rate(total / seconds)} {unit}/s" for unit, total in self.totals.items()]
        share = self.done_characters / self.characters if self.characters else 1.0
        left = f"{clock(seconds * (1 - share) / share)} left" if share else "time left unknown"
        return " · ".join([f"{self.done_shards}/{self.shards} shards", *rates, left])


class Reporter:
    """Speaks to the person who waits; `quiet` leaves only warnings."""

    def __init__(self, quiet: bool = False, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._quiet = quiet
        self._bars: dict[str, Bar] = {}
        self._tasks: dict[str, TaskID] = {}
        self._display: Progress | None = None

    def say(self, message: str) -> None:
        """One line."""
        if not self._quiet:
            self.console.print(Text(printable(message)))

    def warn(self, message: str) -> None:
        """One line that is shown even when quiet."""
        self.console.print(Text.assemble(("warning:", "yellow"), f" {printable(message)}"))

    @contextmanager
    def stages(self, sizes: Mapping[str, tuple[int, int]]) -> Iterator[None]:
        """While it lasts, show a bar for each stage of (characters, shards)."""
        self._bars = {name: Bar(name, *size) for name, size in sizes.items()}
        if self._quiet or not self.console.is_terminal:
            yield
            return
        columns = (TextColumn("{task.description:>9}"), BarColumn(28), TextColumn("{task.fields[facts]}"))
        with Progress(*columns, console=self.console, transient=False) as self._display:
            for bar in self._bars.values():
                self._tasks[bar.name] = self._display.add_task(bar.name, total=bar.characters, facts="waiting")
            yield

    def advance(self, stage: str, characters: int, seconds: float, amounts: Mapping[str, int]) -> None:
        """A shard of so many characters has been through a stage (see `Bar.add`)."""
        bar = self._bars[stage]
        bar.add(characters, seconds, amounts)
        if self._display is not None:
            self._display.update(self._tasks[stage], completed=bar.done_characters, facts=bar.describe())
        elif time.monotonic() - bar.logged > LOG_SECONDS or bar.done_shards == bar.shards:
            bar.logged = time.monotonic()
            self.say(f"{stage}: {bar.describe()}")


def _rate(value: float) -> str:
    """Whole numbers; below 10 two digits, so that what is slow does not look as if it stood still."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def printable(text: str) -> str:
    """Text without control characters, so that the content of a file never steers the terminal."""
    return "".join(character if character.isprintable() or character == "\n" else "�" for character in text)


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
