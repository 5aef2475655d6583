"""A paper as a list of claims: what was published, and how a run's counterpart is computed.

A run of another model or corpus need not agree; a table shows both numbers and judges nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import xarray as xr


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A run's answer to a claim."""

    numbers: tuple[float, ...]
    """The values, in the claim's unit."""
    text: str
    """As a person reads it."""


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
    text: str
    """The run's counterpart, or why there is none."""
    given: bool
    """Whether the run has a counterpart."""


def compare(paper: Paper, data: xr.Dataset) -> list[Row]:
    """Every claim beside this run's counterpart, in the paper's order."""
    return [_row(claim, data) for claim in paper.claims]


def _row(claim: Claim, data: xr.Dataset) -> Row:
    try:
        found = claim.measure(data)
    except NoCounterpartError as error:
        return Row(claim, (), str(error), given=False)
    return Row(claim, found.numbers, found.text, given=True)
