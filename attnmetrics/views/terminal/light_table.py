"""Tables for a terminal, which leave out what is least needed where there is no room, and say so."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from itertools import compress
from operator import not_
from typing import Final

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from attnmetrics.views.terminal.style import FAINT


def is_interval(header: str) -> bool:
    """Whether a column has the intervals of the one before it."""
    return header.endswith("interval")


OF_CLASS: Final = "nearest of a class"
"""The column that tells what the nearest word of a class finds."""
NAMES: Final = 22
"""Least characters of the first column and of others that may wrap, where their cells have so many."""
LEAST_NEEDED: Final[tuple[Callable[[str], bool], ...]] = (
    lambda header: header == "chance is",
    lambda header: header == OF_CLASS,
    lambda header: header in ("median", "mean of heads"),
    lambda header: header == "held out",
    lambda header: header == "rank",
    lambda header: header == "correlation",
    lambda header: header == "first run",
    lambda header: header == "values",
    lambda header: header == "of",
    is_interval,
)
"""Which columns are left out, by their headers, in this order; with a column its interval, which follows it."""


class LightTable(Table):
    """The first column to the left, the others to the right and never wrapped; those least needed are left out first;
    before intervals are, headers take a line a word.

    Example: where 80 characters do not hold metric, value, interval, rank, median, chance and what chance is, the last
    goes first, then the median.
    """

    def __init__(self, *columns: str) -> None:
        super().__init__(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
        for n, column in enumerate(columns):
            self.add_column(Text(column), justify="left" if n == 0 else "right", no_wrap=n > 0)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What of it fits, and the names of what does not."""
        fitting = copy(self)
        left_out: list[str] = []
        for is_least_needed in LEAST_NEEDED:
            if is_least_needed is is_interval and _needed(console, options, fitting) > options.max_width:
                fitting.columns = [_a_word_a_line(column) for column in fitting.columns]
            if _needed(console, options, fitting) <= options.max_width:
                break
            goes = _with_intervals([is_least_needed(_header(column)) for column in fitting.columns], fitting.columns)
            left_out += map(_header, compress(fitting.columns, goes))
            kept = compress(fitting.columns, map(not_, goes))
            fitting.columns = [replace(column, _index=place) for place, column in enumerate(kept)]
        yield from Table.__rich_console__(fitting, console, options)
        if left_out:
            yield Text(f"a wider terminal shows also: {', '.join(dict.fromkeys(left_out))}", style=FAINT)


def _with_intervals(goes: Sequence[bool], columns: Sequence[Column]) -> list[bool]:
    """Which columns go, and which intervals with them."""
    before = [False, *goes]
    return [own or (before[n] and is_interval(_header(columns[n]))) for n, own in enumerate(goes)]


def _a_word_a_line(column: Column) -> Column:
    """A column whose header is as narrow as its words, unless it may wrap anyway."""
    return replace(column, header=Text("\n".join(_header(column).split()))) if column.no_wrap else column


def _header(column: Column) -> str:
    return " ".join(str(column.header).split())


def _needed(console: Console, options: ConsoleOptions, table: Table) -> int:
    """Characters that hold all columns, those wrapped that may be."""
    widths = [(_width(console, options, column), column.no_wrap) for column in table.columns]
    columns = sum(width if is_whole else min(width, NAMES) for width, is_whole in widths)
    return columns + table._extra_width + 2 * (len(widths) - 1)


def _width(console: Console, options: ConsoleOptions, column: Column) -> int:
    return max((Measurement.get(console, options, cell).maximum for cell in [column.header, *column.cells]), default=0)
