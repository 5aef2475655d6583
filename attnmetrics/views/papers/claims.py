"""A paper as a list of claims: what was published, and how a run's counterpart is computed.

A run of another model or corpus need not agree; a table shows both numbers, and which of those published lie within the
run's intervals.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from math import isnan, nan
from typing import Final

import xarray as xr

from attnmetrics.views.certainty import bear

Bounds = tuple[float, float]


class Field(str):
    """A number in a text that its interval may stand behind, as it is written where there is none."""

    __slots__ = ()


Text = tuple[str, ...]
"""What is written, end to end; some of it fields."""


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A run's answer to a claim."""

    numbers: tuple[float, ...]
    """The values, in the claim's unit."""
    text: Text
    """As a person reads it; the first of the numbers are its fields, in their order."""
    bounds: tuple[Bounds, ...] = ()
    """Lowest and highest of the first of the numbers that they may be; NaN, or none at all, where that is unknown."""
    is_alike: bool = True
    """Whether the numbers are of the same things as those published: not layers of a model of another depth."""


class NoCounterpartError(LookupError):
    """The run cannot give the number; the message says why."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One published number or statement, or several of a kind."""

    name: str
    claim: str
    published: str
    """In print; empty where it was released alone."""
    unit: str
    measure: Callable[[xr.Dataset], Counterpart]
    where: str = ""
    """Figure, table or section."""
    released: str = ""
    """What the authors' released code or notebooks show, where that is other than the print, or more."""
    numbers: int = 1
    """How many were published or released."""
    result: str = ""
    """The run's table that the counterpart is read from."""
    note: str = ""
    """What keeps the two from being the same thing."""
    percent: bool = False
    """Whether its shares are written in percent."""
    values: tuple[float, ...] = ()
    """The published numbers that the first of a counterpart's answer, in its unit; none of statements in words."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper, and all that is compared with it."""

    key: str
    """in addresses"""
    name: str
    """"Vig and Belinkov 2019" """
    citation: str
    conditions: str
    """What the published numbers are of."""
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A claim beside a run."""

    claim: Claim
    numbers: tuple[float, ...]
    written: Text
    """The run's counterpart, or why there is none."""
    given: bool
    """Whether the run has a counterpart."""
    bounds: tuple[Bounds, ...] = ()
    is_alike: bool = True

    @property
    def text(self) -> str:
        """What is written, without intervals."""
        return "".join(self.written)

    @property
    def told(self) -> str:
        """The same, each number that is comparable to the digit that its interval bears, and that behind it.

        Example: "0.61 [0.58 to 0.65] (layer 4 head 11)".
        """
        pairs = zip(self.numbers, self.bounds, strict=False) if self.is_alike else ()
        found = chain((_told(self.claim, *pair) for pair in pairs), repeat(("", "–")))
        told = (_with_interval(part, *next(found)) if isinstance(part, Field) else part for part in self.written)
        return "".join(told)

    @property
    def within(self) -> tuple[bool | None, ...]:
        """Whether each published number lies within the interval of the run's; None where there is no interval."""
        if not self.given or not self.is_alike:
            return ()
        return tuple(map(_lies, self.claim.values, chain(self.bounds, repeat(_UNKNOWN))))

    @property
    def verdict(self) -> str:
        """The same in words; empty where there is no published number to compare."""
        known = [one for one in self.within if one is not None]
        if not known:
            return "no interval" if self.within else ""
        if len(self.within) == 1:
            return "within" if known[0] else "outside"
        rest = f", {without} without interval" if (without := len(self.within) - len(known)) else ""
        return f"{sum(known)} of {len(known)} within{rest}"

    @property
    def intervals(self) -> str:
        """Those of the numbers that are compared, in their order; empty where there are none."""
        pairs = zip(self.claim.values, self.numbers, self.bounds, strict=False)
        told = [_told(self.claim, number, one)[1] for _, number, one in pairs]
        return "; ".join(told) if any(one != "–" for one in told) else ""


_UNKNOWN: Final = (nan, nan)


def _lies(value: float, bounds: Bounds) -> bool | None:
    low, high = bounds
    return None if isnan(low) or isnan(value) else low <= value <= high


def _with_interval(written: str, value: str, interval: str) -> str:
    return written if interval == "–" else f"{value} [{interval}]"


def _told(claim: Claim, number: float, bounds: Bounds) -> tuple[str, str]:
    """A number and its interval, to the digit that it bears."""
    kind = "share" if claim.percent else "score"
    value, interval = bear(xr.DataArray(number, attrs={"kind": kind}), number, *bounds)
    return value.replace("-", "−"), interval.replace("-", "−")


def summed_up(rows: Sequence[Row]) -> str:
    """How many of the published numbers lie within the intervals of a run, in one sentence."""
    found = [one for row in rows for one in row.within]
    known = [one for one in found if one is not None]
    if not found:
        return "This run answers none of the published numbers."
    if not known:
        return (
            f"This run answers {len(found)} of the published numbers; it has no intervals to say which it agrees with."
        )
    rest = f"; {len(found) - len(known)} more have no interval here" if len(found) > len(known) else ""
    inside = f"{sum(known) or 'none'} of them {'lies' if sum(known) < 2 else 'lie'}"
    within = f"{inside} within the interval of the run's own value"
    return f"This run answers {len(known)} of the published numbers; {within}{rest}."


def compare(paper: Paper, data: xr.Dataset) -> list[Row]:
    """Every claim beside this run's counterpart, in the paper's order."""
    return [_row(claim, data) for claim in paper.claims]


def _row(claim: Claim, data: xr.Dataset) -> Row:
    try:
        found = claim.measure(data)
    except NoCounterpartError as error:
        return Row(claim, (), (str(error),), given=False)
    return Row(claim, found.numbers, found.text, given=True, bounds=found.bounds, is_alike=found.is_alike)
