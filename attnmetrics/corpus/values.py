"""Fields of documents by whose values results are split: read from records, and counted over a corpus.

A value is text, or a whole number, or true or false; white space around and within it is one space. A document that
lacks the field, or has nothing in it, is among those of the value `(none)`, so that no document is lost.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from re import Pattern, compile
from typing import Any, Final

from attnmetrics.corpus.document import Document
from attnmetrics.corpus.fields import MISSING, find_value
from attnmetrics.errors import CorpusError

MOST_VALUES: Final = 20
"""Of a field; `(none)` is not counted."""
NONE: Final = "(none)"
"""The value of documents that have none."""
_LONGEST: Final = 100
"""Characters of a value: a longer one is no name of anything."""
_COUNTED: Final = 1_000
"""Values that are told apart before a field is refused."""
_SHOWN: Final = 10
_COMMENT: Final[Pattern[str]] = compile(r"#\s*(\S.*?)\s*=\s*(.*)")

Values = tuple[str, ...]
"""A document's, a value a field."""


class Fields:
    """Reads the values of some fields."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        """Of fields with these names: `genre`, `meta.genre` within another, `meta::genre` of CoNLL-U."""
        self.names = tuple(names)
        self.there: tuple[str, ...] = ()
        """names that the first document with any has"""
        self._known: dict[Values, Values] = {}

    def see(self, names: Iterable[str]) -> None:
        """Take the names of the fields of a document or a file, of which the first are told in errors."""
        self.there = self.there or tuple(names)

    def of_record(self, record: Mapping[str, Any], where: str) -> Values:
        """Those of a document of JSON lines or Parquet.

        Raises:
            CorpusError: one is no text and no whole number.
        """
        self.see(record)
        return self._once(_as_text(find_value(record, name), name, where) for name in self.names)

    def of_comments(self, block: str, where: str) -> Values:
        """Those of a CoNLL-U document: the `# key = value` lines of its first sentence; of equal keys the first.

        Raises:
            CorpusError: one is too long.
        """
        if not self.names:
            return ()
        lines = (line.rstrip() for line in block.split("\n") if line.startswith("#"))
        pairs = [(match[1], match[2]) for match in map(_COMMENT.fullmatch, lines) if match]
        found = dict(reversed(pairs))
        self.see(dict.fromkeys(key for key, _ in pairs))
        return self._once(_as_text(found.get(name, MISSING), name, where) for name in self.names)

    def of_nothing(self) -> Values:
        """Those of a document of plain text."""
        return self._once(NONE for _ in self.names)

    def _once(self, values: Iterable[str]) -> Values:
        """The same object for the same values, of which there are few."""
        own = tuple(values)
        return self._known.setdefault(own, own) if len(self._known) < _COUNTED else own


class ValueScan:
    """Counts the documents of each value."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._counts: list[Counter[str]] = [Counter() for _ in fields.names]

    def add(self, documents: Iterable[Document]) -> None:
        """Count documents.

        Raises:
            CorpusError: a field has far too many values.
        """
        for document in documents:
            for counts, value in zip(self._counts, document.values, strict=True):
                counts[value] += 1
        for name, counts in zip(self._fields.names, self._counts, strict=True):
            if len(counts) > _COUNTED:
                raise _too_many(name, counts, f"more than {_COUNTED:,}")

    def read(self) -> dict[str, dict[str, int]]:
        """By field, how many documents have each value: ascending by number or by code points, `(none)` last.

        Raises:
            CorpusError: no document has a field, or it has too many values.
        """
        for name, counts in zip(self._fields.names, self._counts, strict=True):
            if not counts.keys() - {NONE}:
                raise _no_document_has(name, self._fields.there)
            if (number := len(counts.keys() - {NONE})) > MOST_VALUES:
                raise _too_many(name, counts, f"{number:,}")
        return {
            name: {value: counts[value] for value in sorted(counts, key=_order(counts))}
            for name, counts in zip(self._fields.names, self._counts, strict=True)
        }


def _order(values: Iterable[str]) -> Any:
    """The key by which these values are sorted: as numbers, if all are."""
    named = [value for value in values if value != NONE]
    numbers = all(value.removeprefix("-").isdecimal() for value in named)
    return lambda value: (value == NONE, int(value) if numbers and value != NONE else 0, value)


def _as_text(value: Any, field: str, where: str) -> str:
    """A value of a field; `(none)` where there is none."""
    if value is MISSING or value is None or value != value:  # NaN, as tables have it for null
        return NONE
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise CorpusError(
            f"{where}: expected text or a whole number in the field {field!r} of --by, found {_kind(value)}; write a "
            "name for it into a field of its own, such as low, middle, high"
        )
    return _checked(" ".join(value.split()), field, where) or NONE


def _checked(text: str, field: str, where: str) -> str:
    if len(text) > _LONGEST:
        raise CorpusError(
            f"{where}: expected a name of at most {_LONGEST} characters in the field {field!r} of --by, found "
            f"{len(text):,} characters, {text[:40]!r}…; take a field of names"
        )
    return text.encode(errors="replace").decode()  # half of a surrogate pair


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", float: f"the number {value}"}
    return names.get(type(value), f"a {type(value).__name__}")


def _no_document_has(name: str, there: Sequence[str]) -> CorpusError:
    if not there:
        return CorpusError(
            f"expected documents with the field {name!r} of --by, found plain text, which has no fields; write its "
            'documents as JSON lines, {"text": …, "genre": …} each'
        )
    return CorpusError(
        f"expected documents with the field {name!r} of --by, found none that has anything in it; "
        f"the first document has {_few(there)}: name one of these"
    )


def _too_many(name: str, counts: Counter[str], number: str) -> CorpusError:
    shown = _few(f"{value} ({documents:,})" for value, documents in counts.most_common() if value != NONE)
    return CorpusError(
        f"expected at most {MOST_VALUES} values of the field {name!r} of --by, found {number} in "
        f"{counts.total():,} documents: {shown}; take a field of fewer values, or write a coarser one into the corpus, "
        "such as the decade beside the year"
    )


def _few(names: Iterable[str]) -> str:
    """The first names."""
    listed = list(_first(names, _SHOWN + 1))
    return ", ".join(listed[:_SHOWN]) + ", …" * (len(listed) > _SHOWN)


def _first(names: Iterable[str], number: int) -> Iterator[str]:
    return (name for name, _ in zip(names, range(number), strict=False))
