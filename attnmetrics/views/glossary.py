"""What relations between words are, in words and by an example, for readers who do not know their names."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from attnmetrics.yaml_files import read_own_yaml

FILE: Final = Path(__file__).with_name("glossary.yaml")


@dataclass(frozen=True, slots=True)
class Entry:
    """A relation: what it is, and a text in which the dependent has it to its head word; "" where there is none."""

    words: str
    example: str = ""
    dependent: str = ""
    head: str = ""

    def __str__(self) -> str:
        """`a determiner: “the boats”, the → boats`"""
        return f"{self.words}: “{self.example}”, {self.dependent} → {self.head}" if self.example else self.words

    def named(self, rel: str) -> str:
        """`a determiner (det: “the” in “the boats”)`, of the relation whose entry it is."""
        shown = f": “{self.dependent}” in “{self.example}”" if self.example else ""
        return f"{self.words} ({rel}{shown})"


@cache
def entries() -> dict[str, Entry]:
    """All that the file explains, by name."""
    return {name: Entry(*parts) for name, parts in read_own_yaml(FILE).items()}


def explain(rel: str) -> Entry | None:
    """The entry of a relation; of one that is not there that of the relation which it is a kind of: nmod of nmod:of."""
    return entries().get(rel) or entries().get(rel.partition(":")[0])


def explained(rels: Iterable[str]) -> dict[str, tuple[str, str, str, str]]:
    """Words, example, dependent and head word of those that are explained, for pages."""
    found = {rel: explain(rel) for rel in rels}
    return {rel: (one.words, one.example, one.dependent, one.head) for rel, one in found.items() if one}
