"""What stands beside the values of a table: their intervals and their chance level."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import xarray as xr
from rich.table import Table
from rich.text import Text

from attnmetrics.views.certainty import Certainty, certainty, unsure_told, why_none
from attnmetrics.views.tables import Labels, against, at_labels, beside_chance, caption, shown
from attnmetrics.views.terminal.light_table import LightTable
from attnmetrics.views.terminal.style import FAINT

AGAINST: Final = "against it"
"""Heads the column of values against their chance level."""


def about_intervals(data: xr.Dataset, beside: "Beside") -> list[Text]:
    """What is to be said of intervals: why there are none, or what a mark at some of them means."""
    if reason := why_none(data):
        return [Text(), Text(reason, style=FAINT)]
    return [Text(), Text(unsure_told(data), style=FAINT)] if beside.sure and beside.sure.has_unsure else []


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the values of a table: their intervals and their chance level, where there are any."""

    table: xr.DataArray
    level: xr.DataArray | None
    sure: Certainty | None

    @classmethod
    def of(cls, data: xr.Dataset, name: str) -> "Beside":
        """Of a result of a run, with at most one further dimension."""
        table, level = beside_chance(data, name)
        return cls(table, level, certainty(data, name))

    def at(self, labels: Labels) -> "Beside":
        """At these labels."""
        level = None if self.level is None else at_labels(self.level, labels)
        sure = None if self.sure is None else self.sure.at(labels)
        return Beside(at_labels(self.table, labels), level, sure)

    def layout(self, *columns: str, then: Sequence[str] = ()) -> Table:
        """A light table with these columns, the last of values, and one each for their intervals and for what follows
        them; where there is a chance level, one for it, and one for values against it.
        """
        interval = [self.sure.title] if self.sure else []
        return LightTable(*columns, *interval, *then, *([] if self.level is None else [caption(self.level), AGAINST]))

    def cells(self, value: float, at: Labels, *then: str) -> list[str]:
        """A value at these labels, and the cells after it in such a table."""
        interval = [self.interval(value, at)] if self.sure else []
        return [self.told(value, at), *interval, *then, *self.against(value, at)]

    def told(self, value: float, at: Labels) -> str:
        """A value, with as many digits as its interval bears."""
        return self.sure.told(value, at)[0] if self.sure else shown(self.table, value)

    def interval(self, value: float, at: Labels) -> str:
        """Of a value; empty where there is none."""
        return self.sure.told(value, at)[1] if self.sure else ""

    def chance(self, at: Labels) -> list[str]:
        """A cell for the chance level, written as the values are; none where there is none."""
        return [] if self.level is None else [shown(self.table, float(at_labels(self.level, at)))]

    def against(self, value: float, at: Labels) -> list[str]:
        """One more, for the value against it."""
        if self.level is None:
            return []
        return [*self.chance(at), against(self.table, value, float(at_labels(self.level, at)))]
