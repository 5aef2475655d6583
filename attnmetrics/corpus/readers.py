"""The documents of a corpus, format by format."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice
from os import PathLike
from pathlib import PurePosixPath
from typing import Any, Literal

from attnmetrics.corpus.document import DOCUMENT_LIMIT, Document, cut
from attnmetrics.corpus.fields import MISSING, field_names, find_value, outermost
from attnmetrics.corpus.files import File, find_files, is_gold_corpus
from attnmetrics.corpus.omissions import WITHOUT_TEXT, Omissions
from attnmetrics.corpus.stream import lines, opened, text_chunks
from attnmetrics.corpus.values import Fields, Values
from attnmetrics.errors import CorpusError, first_line

Format = Literal["auto", "text", "jsonl", "parquet", "conllu"]
LINE_LIMIT = 20_000_000
"""Characters of the longest line, and of the longest block of CoNLL-U lines, that is held in memory."""
ROWS_TRIED = 1_000
"""Rows in which the field of the text is looked for; where none of them has it, no other will."""
PARQUET_ROWS = 64
"""Rows of a Parquet file that are decoded at once."""

_NEWDOC = re.compile(r"#\s*newdoc(?:\s+id\s*=\s*(\S.*))?\s*")
_ENTITY_FIELDS = re.compile(r"#\s*global\.Entity\s*=\s*(\S*)\s*")
_OBJECT = "one JSON object per line"


def read_documents(
    paths: Sequence[str | PathLike[str]],
    *,
    format: Format = "auto",
    text_field: str = "text",
    id_field: str = "id",
    text_documents: Literal["file", "blank-line"] = "file",
    max_documents: int | None = None,
    left_out: Omissions | None = None,
    fields: Fields | None = None,
) -> Iterator[Document]:
    """The documents of a corpus, in order, as a stream: what is held does not grow with the corpus.

    Args:
        paths: files, folders (read recursively, sorted, without hidden files), globs, fsspec URLs.
        format: `auto` tells it from each file's ending; `.gz`, `.bz2`, `.zst` and `.zstd` are undone in any case.
        text_field: field (JSON lines) or column (Parquet) with a document's text, `translation.en` one within another.
        id_field: field or column with its id, a string or an integer; missing, the id is `<file name>:<line>`.
        text_documents: a plain text file is one document, or blank lines separate documents.
        max_documents: no more than these many; a piece of a long document counts as one.
        left_out: counts `documents_blank` (no text but white space), `documents_without_text` (rows without the field,
            or with null in it), `documents_split` (longer than 500,000 characters, cut into documents `id`, `id#2` …),
            `files_unknown` and `files_repeated` (see `find_files`).
        fields: whose values documents are to have; unset, of no fields.

    Raises:
        CorpusError: at the call, for paths; while reading, for files that are unreadable or malformed, and for a corpus
            without text.
    """
    omissions = Omissions() if left_out is None else left_out
    is_gold_corpus(paths, format)
    names = _Names(text_field, id_field, Fields() if fields is None else fields)
    documents = _documents(paths, format, names, text_documents, omissions)
    return _not_empty(islice(documents, max_documents), [str(path) for path in paths], omissions)


@dataclass(frozen=True, slots=True)
class _Names:
    """Of the fields of a record."""

    text: str
    id: str
    by: Fields


def _documents(
    paths: Sequence[str | PathLike[str]], format: Format, names: _Names, text_documents: str, left_out: Omissions
) -> Iterator[Document]:
    for file in find_files(paths, format, left_out):
        if file.format == "conllu":
            yield from _read_conllu(file, names.by, left_out)
        elif file.format == "jsonl":
            yield from _read_json_lines(file, names, left_out)
        elif file.format == "parquet":
            yield from _read_parquet(file, names, left_out)
        elif text_documents == "blank-line":
            yield from _with(names.by.of_nothing(), _read_paragraphs(file, left_out))
        else:
            whole = _pieces(text_chunks(file), file.name, file, 1, left_out)
            yield from _with(names.by.of_nothing(), whole)


def _with(values: Values, documents: Iterator[Document]) -> Iterator[Document]:
    """The documents with these values."""
    return (replace(document, values=values) for document in documents) if values else documents


def _not_empty(documents: Iterator[Document], paths: list[str], left_out: Omissions) -> Iterator[Document]:
    empty = True
    for document in documents:
        empty = False
        yield document
    if empty:
        raise CorpusError(
            f"the corpus is empty: expected a document with text in {', '.join(paths)}, found none "
            f"({left_out.counts['documents_blank']} blank, {left_out.counts[WITHOUT_TEXT]} rows without a text); check "
            "the files and the format"
        )


def _pieces(
    chunks: Iterable[str], name: str, file: File, line: int, left_out: Omissions, *, one_line: bool = False
) -> Iterator[Document]:
    """One document, in pieces if it is too long; white space alone is no piece."""
    number = 0
    for piece in cut(chunks):
        if not piece.isspace():
            number += 1
            yield Document(name if number == 1 else f"{name}#{number}", piece, False, file.path, line)
        line += 0 if one_line else piece.count("\n")
    if number > 1:
        left_out.add("documents_split")
    if number == 0:
        left_out.add("documents_blank")


def _read_paragraphs(file: File, left_out: Omissions) -> Iterator[Document]:
    """Documents separated by blank lines, named `<file name>:<line>`; a file without any is one blank document."""
    found = False
    for line, group in groupby(_paragraph_parts(text_chunks(file)), key=lambda part: part[0]):
        found = True
        yield from _pieces((text for _, text in group), f"{file.name}:{line}", file, line, left_out)
    if not found:
        left_out.add("documents_blank")


def _paragraph_parts(chunks: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Lines, very long ones in parts, each with the number of the first line of its document; no blank lines."""
    number, first, inside = 1, 1, False
    for part in _line_parts(chunks):
        if inside or not part.isspace():
            yield first, part
        ends = part.endswith("\n")
        if part.isspace() and not inside:
            first = number + ends
        inside = not ends
        number += ends


def _line_parts(chunks: Iterable[str]) -> Iterator[str]:
    """Lines with their line break; one longer than a document may be comes in parts."""
    kept = ""
    for chunk in chunks:
        *whole, kept = (kept + chunk).split("\n")
        yield from (line + "\n" for line in whole)
        if len(kept) > DOCUMENT_LIMIT:
            yield kept
            kept = ""
    if kept:
        yield kept


def _read_json_lines(file: File, names: _Names, left_out: Omissions) -> Iterator[Document]:
    lacking = _Lacking(names.text)
    for number, line in lines(file, LINE_LIMIT, _OBJECT):
        if not line or line.isspace():
            continue
        where = f"{file.path}, line {number}"
        record = _json_object(line, where)
        lacking.see(find_value(record, names.text), where, record)
        yield from _row(record, names, where, file, number, left_out)
    lacking.check()


class _Lacking:
    """Tells rows without a text, which may be, from a field that no row has, which is misspelled."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._error: CorpusError | None = None
        self._rows = 0
        self._found = False

    def see(self, text: Any, where: str, record: Mapping[str, Any]) -> None:
        """Take a row.

        Raises:
            CorpusError: none of the first rows has the field.
        """
        self._rows += 1
        self._found = self._found or text is not MISSING
        if text is MISSING and self._rows == 1:
            self._error = _missing_field(where, self._field, field_names(record), "fields")
        if self._rows == ROWS_TRIED:
            self.check()

    def check(self) -> None:
        """Refuse a field that no row so far has, if there was one.

        Raises:
            CorpusError: naming the fields of the first row.
        """
        if self._error is not None and not self._found:
            raise self._error


def _row(
    record: Mapping[str, Any], names: _Names, where: str, file: File, number: int, left_out: Omissions
) -> Iterator[Document]:
    """The document of a row; a row without a text is left out and counted."""
    text = find_value(record, names.text)
    name = _checked_id(find_value(record, names.id), names.id, where) or f"{file.name}:{number}"
    if text is None or text is MISSING:
        left_out.add(WITHOUT_TEXT, where)
        return
    pieces = _pieces([_checked_text(text, names.text, where)], name, file, number, left_out, one_line=True)
    yield from _with(names.by.of_record(record, where), pieces)


def _json_object(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise CorpusError(
            f"{where}: expected {_OBJECT}, found {_excerpt(line)} ({error.msg} at character {error.pos + 1}); "
            "correct the line, or name the right format with --format"
        ) from None
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{where}: expected {_OBJECT}, found {_excerpt(line)} ({error}); correct the line") from None
    if not isinstance(record, dict):
        raise CorpusError(
            f"{where}: expected {_OBJECT}, found {_json_type(record)}: {_excerpt(line)}; write each document as "
            "an object, "
            "e.g. with jq -c '.[]'"
        )
    return record


def _missing_field(where: str, field: str, found: Iterable[str], what: str) -> CorpusError:
    return CorpusError(
        f"{where}: expected the field {field!r} with the text, found the {what} "
        f"{_few(found) or 'none'}; name the right one with --text-field"
    )


def _few(names: Iterable[str]) -> str:
    """The first names, in quotes."""
    first = [_excerpt(name) for name in islice(names, 11)]
    return ", ".join(first[:10]) + ", …" * (len(first) > 10)


def _checked_text(text: Any, field: str, where: str) -> str:
    if isinstance(text, Mapping):
        raise _missing_field(where, field, field_names({field: text}), "fields")
    if not isinstance(text, str):
        raise CorpusError(
            f"{where}: expected a string in the field {field!r}, found {_json_type(text)}; correct it, or name another "
            "field with --text-field"
        )
    return _encodable(text, field, where)


def _checked_id(value: Any, field: str, where: str) -> str:
    """The id as a string; empty where there is none."""
    if value is None or value is MISSING:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise CorpusError(
            f"{where}: expected a string or an integer in the field {field!r}, found {_json_type(value)}; correct "
            "it, or "
            "name another field with --id-field"
        )
    return _encodable(str(value), field, where)


def _encodable(text: str, field: str, where: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise CorpusError(
            f"{where}: expected Unicode text in the field {field!r}, found half of a surrogate pair, "
            f"\\u{ord(text[error.start]):04x}, at its character {error.start + 1}; correct or remove it"
        ) from None
    return text


def _json_type(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a Boolean", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)


def _excerpt(line: str) -> str:
    return repr(line if len(line) <= 60 else line[:60] + "…")


def _read_parquet(file: File, names: _Names, left_out: Omissions) -> Iterator[Document]:
    for number, record in enumerate(_parquet_rows(file, names), start=1):
        yield from _row(record, names, f"{file.path}, row {number}", file, number, left_out)


def _parquet_rows(file: File, names: _Names) -> Iterator[dict[str, Any]]:
    """The columns that are asked for in every row; CorpusErrors of a damaged file name it."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    with opened(file) as handle:
        try:
            table = pq.ParquetFile(handle)
            there = table.schema_arrow.names
            if not _has_field(table.schema_arrow, names.text):
                raise _missing_field(file.path, names.text, _column_names(table.schema_arrow), "columns")
            names.by.see(there)
            wanted = (outermost(name, there) for name in (names.text, names.id, *names.by.names))
            columns = [name for name in dict.fromkeys(wanted) if name in there]
            _check_columns(file.path, columns, there)
            for batch in table.iter_batches(PARQUET_ROWS, columns=columns, use_threads=False):
                yield from batch.to_pylist()
        except (pa.ArrowException, OSError, ValueError, MemoryError, LookupError, OverflowError) as error:
            raise CorpusError(
                f"{file.path}: expected a Parquet file, found a damaged or foreign one ({first_line(error)}); "
                "fetch or write it again, or name its format with --format"
            ) from error


def _check_columns(path: str, columns: Iterable[str], names: Sequence[str]) -> None:
    """Refuse a column whose name another one has too: a row would keep the last alone."""
    for name in columns:
        if (number := names.count(name)) > 1:
            raise CorpusError(
                f"{path}: expected one column {name!r}, found that it exists {number} times; "
                "write the file again with columns of one name each"
            )


def _column_names(fields: Iterable[Any]) -> Iterator[str]:
    """The names of an Arrow schema's columns; of one that has fields in it, theirs."""
    for field in fields:
        inner = getattr(field.type, "fields", ())
        yield from [f"{field.name}.{name}" for name in _column_names(inner)] or [field.name]


def _has_field(schema: Any, field: str) -> bool:
    """Whether an Arrow schema has a column of this name, or one with such a field in it."""
    if field in schema.names:
        return True
    outer, *inner = field.split(".")
    if not inner or outer not in schema.names:
        return False
    kind = schema.field(outer).type
    for name in inner:
        if not hasattr(kind, "fields") or kind.get_field_index(name) < 0:
            return False
        kind = kind.field(name).type
    return True


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines of a CoNLL-U file, up to and with the blank lines that end them."""

    line: int
    """of the file, from 1, at which they begin"""
    text: str
    entity_fields: str
    """what `# global.Entity` says before them"""


def _read_conllu(file: File, fields: Fields, left_out: Omissions) -> Iterator[Document]:
    stem = str(PurePosixPath(file.name).with_suffix(""))
    for name, blocks in _conllu_documents(file, stem):
        first = next(blocks)
        values = fields.of_comments(first.text, f"{file.path}, line {first.line}")
        pieces = _gold_pieces(chain([first], blocks), name or stem, file, left_out, loose=not name)
        yield from _with(values, pieces)


def _conllu_documents(file: File, stem: str) -> Iterator[tuple[str, Iterator[_Block]]]:
    """Documents with their blocks; `# newdoc` begins one; those before the first of a file have no name."""
    current = (0, "")

    def key(block: _Block) -> tuple[int, str]:
        nonlocal current
        for match in filter(None, map(_NEWDOC.fullmatch, _comments(block.text))):
            current = (block.line, match[1].rstrip() if match[1] else f"{stem}:{block.line}")
        return current

    for (_, name), blocks in groupby(_declared_blocks(file), key=key):
        yield name, blocks


def _declared_blocks(file: File) -> Iterator[_Block]:
    fields = ""
    for line, text in _conllu_blocks(file):
        yield _Block(line, text, fields)
        for match in filter(None, map(_ENTITY_FIELDS.fullmatch, _comments(text))):
            fields = match[1]


def _comments(block: str) -> Iterator[str]:
    return (line for line in block.split("\n") if line.startswith("#"))


def _conllu_blocks(file: File) -> Iterator[tuple[int, str]]:
    """Runs of lines up to and with the blank lines that end them, each with its first line's number."""
    block: list[str] = []
    first, size, ended = 1, 0, False
    for number, line in lines(file, LINE_LIMIT, "CoNLL-U"):
        blank = not line or line.isspace()
        if ended and not blank:
            yield first, "\n".join(block) + "\n"
            block, first, size = [], number, 0
        ended = blank
        block.append(line)
        size += len(line) + 1
        if size > LINE_LIMIT:
            raise CorpusError(
                f"{file.path}, line {first}: expected a blank line after each sentence, found none within {size:,} "
                "characters; check that the file is CoNLL-U"
            )
    if block:
        yield first, "\n".join(block) + "\n"


def _gold_pieces(
    blocks: Iterable[_Block], name: str, file: File, left_out: Omissions, *, loose: bool
) -> Iterator[Document]:
    """One CoNLL-U document, in pieces of whole sentences if it is too long."""
    number = 0
    for group in _groups(blocks):
        first, text = group[0], "".join(block.text for block in group)
        if _has_words(text):
            number += 1
            piece = name if number == 1 else f"{name}#{number}"
            yield Document(piece, text, True, file.path, first.line, loose, first.entity_fields)
    if number > 1:
        left_out.add("documents_split")
    if number == 0:
        left_out.add("documents_blank")


def _groups(blocks: Iterable[_Block]) -> Iterator[list[_Block]]:
    """Blocks in groups of at most `DOCUMENT_LIMIT` characters, or of one block."""
    group: list[_Block] = []
    size = 0
    for block in blocks:
        if group and size + len(block.text) > DOCUMENT_LIMIT:
            yield group
            group, size = [], 0
        group.append(block)
        size += len(block.text)
    if group:
        yield group


def _has_words(block: str) -> bool:
    return any(line and not line.isspace() and not line.startswith("#") for line in block.split("\n"))
