"""A document, its digest, and how a long one is cut."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

DOCUMENT_LIMIT = 500_000
"""Characters of the longest document; a longer one is read as several."""

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_LINE_BREAK = re.compile(r"\n")
_WHITE_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a corpus, or one piece (`id`, `id#2`, `id#3` …) of a document longer than `DOCUMENT_LIMIT`."""

    id: str
    text: str
    """The text as the file has it; for CoNLL-U the raw lines of its sentences, without a gap."""
    gold: bool = False
    """True for CoNLL-U: the text brings its own annotations."""
    path: str = ""
    """File or URL, as messages name it."""
    line: int = 0
    """Line of the file at which the text begins, from 1; the row, from 1, of a Parquet file."""
    loose: bool = False
    """True for sentences of CoNLL-U that no `# newdoc` begins: they belong to no known document."""
    entity_fields: str = ""
    """What `# global.Entity` says where the text begins: it holds for the rest of a CoNLL-U file."""
    values: tuple[str, ...] = ()
    """Of the fields by which results are split (see `corpus.values`); no annotation depends on them."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without `dataclasses.fields`, which takes ten times as long: every document goes to a worker."""
        place = self.path, self.line, self.loose
        return Document, (self.id, self.text, self.gold, *place, self.entity_fields, self.values)


def digest(documents: Iterable[Document]) -> str:
    """Blake2b (hexadecimal, 32 characters) of the documents, in order: ids, texts, and what else decides annotation.

    Every part is preceded by its length in bytes, so that no two sequences of documents are the same bytes.
    """
    state = blake2b(digest_size=16)
    for document in documents:
        state.update(_kind(document))
        fields = [document.entity_fields.encode()] if document.gold else []
        for part in (document.id.encode(), document.text.encode(), *fields):
            state.update(len(part).to_bytes(8, "little"))
            state.update(part)
    return state.hexdigest()


def _kind(document: Document) -> bytes:
    return b"text" if not document.gold else b"loose" if document.loose else b"gold"


def cut(chunks: Iterable[str], limit: int = DOCUMENT_LIMIT) -> Iterator[str]:
    """The text of the chunks in pieces of at most `limit` characters that join to the same text.

    A cut falls after the last blank line among the next `limit` characters, else after the last line break, else after
    the last white space, else at the limit. The pieces do not depend on how the text came in chunks.
    """
    kept = ""
    for chunk in chunks:
        kept += chunk
        begin = 0
        while len(kept) - begin > limit:
            end = _cut_point(kept, begin, begin + limit)
            yield kept[begin:end]
            begin = end
        kept = kept[begin:]
    if kept:
        yield kept


def _cut_point(text: str, begin: int, end: int) -> int:
    for pattern in (_BLANK_LINE, _LINE_BREAK, _WHITE_SPACE):
        last = begin
        for match in pattern.finditer(text, begin, end):
            last = match.end()
        if last > begin:
            return last
    return end
