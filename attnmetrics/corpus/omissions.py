"""What reading a corpus left out or cut: counted by reason, with the place of the first of each."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

WITHOUT_TEXT: Final = "documents_without_text"
"""Rows whose text is missing or null."""


@dataclass(slots=True)
class Omissions:
    """Counts grow as the corpus is read."""

    counts: Counter[str] = field(default_factory=Counter)
    """by reason, such as `documents_blank`"""
    first: dict[str, str] = field(default_factory=dict)
    """by reason, the file and line of the first, where that helps to find it"""

    def add(self, reason: str, where: str = "") -> None:
        """Count one."""
        self.counts[reason] += 1
        if where:
            self.first.setdefault(reason, where)
