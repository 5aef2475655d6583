"""Formulas of results as mathematics that matplotlib sets: `Σ F[i,j]·1(pos(j)=name) ÷ M` with its indices below."""

import re
from collections.abc import Callable, Iterator
from typing import Final

_LETTERS: Final = {
    "α": r"\alpha", "F̄": r"\bar{F}", "Σ": r"\sum", "−": "-", "·": r"\cdot ", "≥": r"\geq ", "≤": r"\leq ",
}  # fmt: skip


def _inner(text: str) -> str:
    """Letters and words within mathematics: words upright."""
    for letter, written in _LETTERS.items():
        text = text.replace(letter, written)
    return re.sub(r"(?<![\\A-Za-z])[A-Za-z]{2,}", lambda found: rf"\mathrm{{{found[0]}}}", text).replace(" ", r"\ ")


Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]
_RULES: Final[tuple[Rule, ...]] = tuple(
    (re.compile(pattern), write)
    for pattern, write in (
        (r"Σ_\{([^}]*)\}", lambda found: rf"\sum_{{{_inner(found[1])}}}"),
        (r"Σ_(\w)(?!\w)", lambda found: rf"\sum_{{{found[1]}}}"),
        (r"Σ", lambda found: r"\sum"),
        (r"(F̄|[FAα])\[([^\[\]]+)\]", lambda found: f"{_inner(found[1])}_{{{_inner(found[2])}}}"),
        (r"·?(?<!\w)1\(((?:\w+\(\w\)|[^()])+)\)", lambda found: rf"\ \mathbf{{1}}_{{{_inner(found[1])}}}"),
        (r"(?<!\w)((?:arg)?max)_(\w+)", lambda found: rf"\mathrm{{{found[1]}}}_{{{found[2]}}}"),
        (r"(?<![\w'’])(F̄|[FMNαpijxvuzbW])(?![\w'’])", lambda found: _inner(found[1])),
    )
)
"""What is mathematics in a formula, and how it is set; all else is words."""


def typeset(formula: str, plain: Callable[[str], str] = str) -> str:
    """A formula with its mathematics between dollar signs.

    Example: `typeset("F[i,j] ÷ M")` is `"$F_{i,j}$ ÷ $M$"`.

    Args:
        formula: as results say it.
        plain: what is done with the words between.
    """
    return "".join(f"${part}$" if is_math else plain(part) for is_math, part in _parts(formula))


def _parts(formula: str) -> Iterator[tuple[bool, str]]:
    """(whether it is mathematics, how it is written), in order."""
    place, words = 0, ""
    while place < len(formula):
        found = next(((one, write) for rule, write in _RULES if (one := rule.match(formula, place))), None)
        if found is None:
            words += formula[place]
            place += 1
            continue
        match, write = found
        if words:
            yield False, words
        yield True, write(match)
        words, place = "", match.end()
    if words:
        yield False, words
