"""The lines of CoNLL-U (https://universaldependencies.org/format.html): blocks of rows, one a sentence."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NoReturn

from attnmetrics.corpus import Document
from attnmetrics.errors import CorpusError

COLUMNS: Final = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
FORM, UPOS, HEAD, DEPREL, MISC = (COLUMNS.index(name) for name in ("FORM", "UPOS", "HEAD", "DEPREL", "MISC"))
_SHOWN: Final = 40
"""Characters of a value that an error shows."""
_RANGE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
_EMPTY = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})")
_TEXT = re.compile(r"#\s*text\s*=\s*(.*)")
_SENT_ID = re.compile(r"#\s*sent_id\s*=\s*(.*)")
_ENTITY_FIELDS = re.compile(r"#\s*global\.Entity\s*=\s*(\S*)\s*")

Row = tuple[int, list[str]]
"""Number of the line in its file, and its ten columns"""


@dataclass(slots=True)
class Block:
    """The lines of one sentence."""

    path: str
    line: int
    """Of the first line."""
    sent_id: str = ""
    text: str | None = None
    entity_fields: str = ""
    """What `# global.Entity` says, if it stands here."""
    rows: list[Row] = field(default_factory=list)
    """Every line that is no comment."""

    def place(self, line: int) -> str:
        """File, line and sentence, as messages name them."""
        name = f", sentence {self.sent_id}" if self.sent_id else ""
        return f"{self.path}, line {line}{name}"

    def fail(self, line: int, message: str) -> NoReturn:
        """Raises a CorpusError that names file, line and sentence."""
        raise CorpusError(f"{self.place(line)}: {message}")


@dataclass(slots=True)
class Token:
    """A word, or a multiword token with its words."""

    form: str
    line: int
    words: list[int]
    space_after: bool


def read_blocks(document: Document) -> Iterator[Block]:
    """The lines of a document, sentence by sentence; a block without rows is between two blank lines."""
    first = max(document.line, 1)
    block = Block(document.path or document.id, first)
    for number, line in enumerate(document.text.split("\n"), start=first):
        line = line.removesuffix("\r")
        if not line or line.isspace():
            yield block
            block = Block(block.path, number + 1)
        elif line.startswith("#"):
            _take_comment(block, line)
        else:
            block.rows.append((number, line.split("\t")))
    yield block


def _take_comment(block: Block, line: str) -> None:
    if match := _SENT_ID.fullmatch(line):
        block.sent_id = match[1].strip()[:_SHOWN]
    elif match := _TEXT.fullmatch(line):
        block.text = match[1].strip()
    elif match := _ENTITY_FIELDS.fullmatch(line):
        block.entity_fields = match[1]


@dataclass(slots=True)
class _Rows:
    """Words and surface tokens of one sentence, gathered line by line while the sequence of ids is checked."""

    block: Block
    words: list[Row] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    until: int = 0
    """Last word of the latest multiword token."""
    empty: int = 0
    """Empty nodes since the latest word."""

    def add(self, line: int, columns: list[str]) -> None:
        _check_columns(self.block, line, columns)
        number, following = columns[0], len(self.words) + 1
        if number == str(following):
            self._add_word(line, columns)
        elif (match := _RANGE.fullmatch(number)) and self.until < following == int(match[1]) <= int(match[2]):
            self.until = int(match[2])
            self.tokens.append(Token(columns[FORM], line, [], _space_after(columns)))
        elif (match := _EMPTY.fullmatch(number)) and (int(match[1]), int(match[2])) == (following - 1, self.empty + 1):
            self.empty += 1
        else:
            self.block.fail(
                line,
                f"expected the id {following}, a range from it ({following}-{following + 1}) or an empty node "
                f"({following - 1}.{self.empty + 1}), found {excerpt(number)}; number the words from 1 without gaps",
            )

    def _add_word(self, line: int, columns: list[str]) -> None:
        index = len(self.words)
        if index >= self.until:
            self.tokens.append(Token(columns[FORM], line, [index], _space_after(columns)))
        else:
            self.tokens[-1].words.append(index)
        self.words.append((line, columns))
        self.empty = 0


def split_rows(block: Block) -> tuple[list[Row], list[Token]]:
    """The words of a sentence, and the tokens that its text is made of.

    Raises:
        CorpusError: the ids are not those of a sentence, or a row lacks a column.
    """
    rows = _Rows(block)
    for line, columns in block.rows:
        rows.add(line, columns)
    if len(rows.words) < rows.until:
        token = rows.tokens[-1]
        block.fail(
            token.line,
            f"expected words up to {rows.until} for {excerpt(token.form)}, found {len(rows.words)}; correct the range",
        )
    if not rows.words:
        block.fail(block.rows[0][0], "expected at least one word, found only empty nodes; remove the sentence")
    return rows.words, rows.tokens


def _check_columns(block: Block, line: int, columns: list[str]) -> None:
    if len(columns) != len(COLUMNS):
        hint = "; separate the columns by tabs, not spaces" if len(columns) == 1 else "; write _ for what is missing"
        block.fail(line, f"expected {len(COLUMNS)} columns ({' '.join(COLUMNS)}), found {len(columns)}{hint}")
    for column in (FORM, UPOS, HEAD, DEPREL):
        if not columns[column] or columns[column].isspace():
            block.fail(
                line, f"expected a value in the column {COLUMNS[column]} of {columns[0]}, found none; fill it in"
            )


def _space_after(columns: list[str]) -> bool:
    return "SpaceAfter=No" not in columns[MISC].split("|")


def excerpt(text: str) -> str:
    """A value as an error shows it."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…") if text else "nothing"
