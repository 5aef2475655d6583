"""What a head does in a few words: the headlines of the rules that gave it its roles."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from attnmetrics.describing.origin import label_of
from attnmetrics.describing.rules import Rules
from attnmetrics.views.glossary import explain
from attnmetrics.views.pieces import visible
from attnmetrics.views.role_evidence import HELD_OUT
from attnmetrics.views.roles import Told, scores_told

MOST: Final = 2
"""Headlines of a head."""
NONE: Final = "No clear role: no rule’s score is far enough above chance"
RELATION: Final = "rel"
_ARTICLES: Final = ("a ", "an ", "the ")

Headline = tuple[str, str]
"""(words, the number that they rest on, of how many cases, and its chance level; "" without one)"""


def headlines(rows: Sequence[Any], rules: Rules, unit: str, shares: Collection[str]) -> list[Headline]:
    """Of a head, the first that its roles have; what a nearest word of a class finds too comes last, and says so.

    Example: [("Looks at the piece before", "87% [86 to 87%]; even attention 11%")].

    Args:
        rows: its rows of a table with rules (see `views.roles.with_rules`).
        rules: for what they call labels.
        unit: what attention was measured in.
        shares: the roles whose scores are shares.
    """
    if not any(row.role for row in rows):
        return [(NONE, "")]
    said = [row for row in surest_first(rows) if row.rule is not None and row.rule.headline][:MOST]
    return [
        (_filled(row, rules, unit), number_line(told))
        for row, told in zip(said, scores_told(said, shares), strict=True)
    ]


def surest_first(rows: Sequence[Any]) -> list[Any]:
    """The rows of a head in order, but those of relations last that the nearest word of a class finds as well."""
    return sorted(rows, key=lambda row: row.remark != "")


def number_line(told: Told) -> str:
    """`71% [66 to 76%] of 402 edges; best word offset 27%, but nearest preposition before 97%`, which finds as many."""
    cases = told.cases.partition(HELD_OUT)[0]
    found = " ".join(filter(None, [told.score, told.interval and f"[{told.interval}]", cases]))
    nearest = f"but {told.nearest}" if told.remark else told.nearest
    beside = ", ".join(filter(None, [told.level and f"{told.level} {told.chance}", nearest]))
    return f"{found}; {beside}" if beside else found


def _filled(row: Any, rules: Rules, unit: str) -> str:
    label = label_of(str(row.detail))
    name = _named(row.rule.each, label, rules)
    piece = f", most often “{label}”" if row.rule.of_pieces and label else ""
    parts = {"name": name, "its": _bare(name), "piece": piece, "unit": unit}
    text = str(row.rule.headline)
    for part, words in parts.items():
        text = text.replace(f"{{{part}}}", words)
    return visible(f"{text}, {row.remark}" if row.remark else text)


def _named(dim: str | None, label: str, rules: Rules) -> str:
    """What a label is called: "proper nouns", "a determiner (det: “the” in “the boats”)"; by itself where unknown."""
    entry = explain(label) if dim == RELATION else None
    return entry.named(label) if entry else rules.names.get(dim or "", {}).get(label, label)


def _bare(name: str) -> str:
    """Without an article."""
    return next((name.removeprefix(one) for one in _ARTICLES if name.startswith(one)), name)
