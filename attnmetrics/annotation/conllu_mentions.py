"""Mentions in CoNLL-U: brackets in `Entity=` of the column MISC, by document.

`# global.Entity = GRP-etype-infstat-…` (or `eid-etype-head-…`, or `entity-GRP-…`) names the fields of an opening
bracket: `(3-person-new` opens a mention of the entity 3, `3)` closes the latest one, `(3-person-giv)` is a mention of
one word. Last fields may be missing, and the very last may hold hyphens. Mentions nest, overlap and cross sentences.
What cannot be read is left out and counted, for it takes nothing from the words (see `MENTIONS_UNREAD`).
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from attnmetrics.annotation.conllu_rows import MISC, Block, excerpt
from attnmetrics.corpus.omissions import Omissions
from attnmetrics.metrics.family import NO_LABEL

_KEY: Final = "Entity="
_ENTITY: Final = ("GRP", "eid")
"""What the field of the entity's id is called; where no field is, the first one is."""
_LINK: Final = ("link", "coref_type")
"""What the field is called that says how a mention refers back."""
_OPENED: Final = r"(?:_\([^()-]*\)|[^()])+"
"""Fields of an opening bracket; the last may be a title, such as `Mercury_(planet)`."""
_BRACKET: Final = re.compile(rf"\((?P<opened>{_OPENED})(?P<one>\))?|(?P<closed>[^()]+)\)")
_PART: Final = re.compile(r"(.+)\[([0-9]+)/[0-9]+\]")


@dataclass(frozen=True, slots=True)
class Mark:
    """The value of `Entity` at a word or an empty node."""

    line: int
    following: int
    """the word, or the first one after the empty node, counted in the sentence"""
    latest: int
    """the word, or the last one before the empty node"""
    value: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A mention, with words counted in the document."""

    first: int
    last: int
    entity: str
    link: str


MENTIONS_UNREAD: Final = {
    "mentions_discontinuous": "mentions in several parts",
    "mentions_unclosed": "brackets of mentions without their other halves",
    "mentions_malformed": "values of Entity that are no brackets",
    "mentions_empty": "mentions of empty nodes alone",
}
"""Why mentions are left out → what they are."""
DISCONTINUOUS, UNCLOSED, MALFORMED, EMPTY = MENTIONS_UNREAD


def read_marks(block: Block) -> list[Mark]:
    """The values of `Entity` in a sentence, in order; lines of multiword tokens have none."""
    marks: list[Mark] = []
    words = 0
    for line, columns in block.rows:
        is_word = columns[0].isdecimal()
        words += is_word
        if _KEY in columns[MISC] and "-" not in columns[0]:
            values = [value.removeprefix(_KEY) for value in columns[MISC].split("|") if value.startswith(_KEY)]
            marks += [Mark(line, words - is_word, words - 1, value) for value in values[:1]]
    return marks


@dataclass(frozen=True, slots=True)
class _Open:
    """A bracket that waits for its other half."""

    first: int
    link: str
    where: str
    kept: bool
    """False for parts of discontinuous mentions"""


class MentionReader:
    """Reads the mentions of a document, sentence by sentence.

    Args:
        fields: what `# global.Entity` says before the document.
    """

    def __init__(self, fields: str) -> None:
        self.stretches: list[Stretch] = []
        self.unread = Omissions()
        self._fields = _Fields.of(fields)
        self._open: Mapping[str, list[_Open]] = defaultdict(list)
        self._words = 0
        """of the sentences before"""

    def add(self, block: Block, words: int, marks: Sequence[Mark]) -> None:
        """Read the next sentence, of so many words."""
        if block.entity_fields:
            self._fields = _Fields.of(block.entity_fields)
        for mark in marks:
            where = block.place(mark.line)
            brackets = list(_brackets(mark.value))
            if not brackets:
                self._leave_out(MALFORMED, mark.value, where)
            for bracket in brackets:
                self._take(bracket, mark, where)
        self._words += words

    def close(self) -> None:
        """The document ends: mentions that are open are left out."""
        for entity, brackets in self._open.items():
            for bracket in filter(lambda one: one.kept, brackets):
                self._leave_out(UNCLOSED, f"({entity}", bracket.where)

    def _leave_out(self, reason: str, what: str, where: str) -> None:
        self.unread.add(reason, f"{excerpt(what)} ({where})")

    def _take(self, bracket: "re.Match[str]", mark: Mark, where: str) -> None:
        if bracket["opened"] is not None:
            self._begin(bracket["opened"], mark, where)
        if bracket["one"] is not None:
            self._end(self._fields.entity_of_opening(bracket["opened"]), mark, where)
        if bracket["closed"] is not None:
            self._end(self._fields.entity_of_closing(bracket["closed"]), mark, where)

    def _begin(self, content: str, mark: Mark, where: str) -> None:
        entity = self._fields.entity_of_opening(content)
        part = _PART.fullmatch(entity)
        if part and int(part[2]) == 1:
            self._leave_out(DISCONTINUOUS, f"({content}", where)
        link = self._fields.link_of(content)
        self._open[entity].append(_Open(self._words + mark.following, link, where, not part))

    def _end(self, entity: str, mark: Mark, where: str) -> None:
        if not self._open[entity]:
            self._leave_out(UNCLOSED, f"{entity})", where)
            return
        bracket, last = self._open[entity].pop(), self._words + mark.latest
        if last < bracket.first:
            self._leave_out(EMPTY, f"({entity})", bracket.where)
        elif bracket.kept:
            self.stretches.append(Stretch(bracket.first, last, entity, bracket.link))


@dataclass(frozen=True, slots=True)
class _Fields:
    """Where an opening bracket has the entity, and how a mention of it refers back."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, declared: str) -> "_Fields":
        return cls(tuple(declared.split("-")) if declared else _ENTITY[:1])

    def entity_of_opening(self, content: str) -> str:
        return self._value(content, _ENTITY, content.partition("-")[0])

    def entity_of_closing(self, content: str) -> str:
        """`3` of `3)`; of `person-3)` too, where the type comes first."""
        return content if "-" not in content else self.entity_of_opening(content)

    def link_of(self, content: str) -> str:
        return self._value(content, _LINK, NO_LABEL) or NO_LABEL

    def _value(self, content: str, names: Sequence[str], default: str) -> str:
        values = dict(zip(self.names, content.split("-", len(self.names) - 1), strict=False))
        return next((values[name] for name in names if name in values), default)


def _brackets(value: str) -> Iterator["re.Match[str]"]:
    """The brackets of a value, one after the other; none where it holds anything else."""
    matches = list(_BRACKET.finditer(value))
    if "".join(match[0] for match in matches) == value:
        yield from matches
