"""How many heads would have each role by luck alone, in words."""

from collections.abc import Sequence
from typing import Final

from attnmetrics.describing.luck import Luck
from attnmetrics.views.pieces import visible

FEW: Final = 0.01
"""Less than this is told as less."""
ASSUMPTION: Final = (
    "if the true value of every score were its chance level, about which it scatters as its interval, or the number of "
    "its cases, says"
)
NOT_SAID: Final = "It cannot be said of {}, whose rules do not ask for scores above a chance level."
NO_INTERVALS: Final = "How many would pass by luck alone cannot be said: this run's scores have no intervals."


def luck_told(luck: Luck) -> str:
    """How many heads of each role are expected, under what assumption, and of which roles that cannot be said."""
    if not luck.expected:
        return NO_INTERVALS
    ranked = sorted(luck.expected.items(), key=lambda one: -one[1])
    many = [f"{number:.2f} {visible(role)}" for role, number in ranked if number >= FEW]
    few = [visible(role) for role, number in ranked if number < FEW]
    told = [*many, *([f"under {FEW} each of {_listed(few)}"] if few else [])]
    expected = "; ".join(told)
    unknown = f" {NOT_SAID.format(_listed(luck.unknown))}" if luck.unknown else ""
    return f"Heads expected by luck alone, at most: {expected}; {ASSUMPTION}.{unknown}"


def luck_in_short(luck: Luck) -> str:
    """How many heads are expected in all: at most 0.72, to have one of 9 roles."""
    if not luck.expected:
        return NO_INTERVALS
    roles = len(luck.expected)
    which = f"one of the {roles} roles that ask for scores above chance" if roles > 1 else "the role that asks for that"
    heads = sum(luck.expected.values())
    most = f"at most {heads:.2f}" if heads >= FEW else f"under {FEW}"
    return f"By luck alone, {most} heads are expected to have {which}."


def _listed(words: Sequence[str]) -> str:
    """`_listed(["a", "b", "c"])` is "a, b and c"."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
