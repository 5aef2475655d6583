"""Annotated shards as Parquet files, one a shard, named by what made them, so that no text is parsed twice.

A row is a sentence: `document`, `document_index` (within the shard), `document_loose`, `sentence`, `text`, and lists
with one entry a word: `word_start`, `word_end`, `word_head`, and `word_NAME` for every column that the annotator gave;
`mention_word`, `mention_entity` and others have one entry a mention whose head word the sentence holds. The schema's
metadata holds version, annotator fingerprint, digest of the documents, counts, and checksums: one of what identifies
sentences, one of text, words and mentions, and one a column, so that columns are read without the others. Nothing here
needs spaCy.
"""

import errno
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq

from attnmetrics.annotation.sentence import Annotated, Declared, Sentences
from attnmetrics.annotation.table import (
    KEYS,
    Keys,
    checksum,
    column_checksum,
    digest_parts,
    fields,
    from_table,
    keys_checksum,
    keys_of,
    keys_of_table,
    to_table,
)
from attnmetrics.errors import DamageError, StoreError, first_line
from attnmetrics.storage import UNREADABLE, Location, os_errors

VERSION = 3
"""Of the file format; another version is another file name."""

_KEY = b"attnmetrics"
_REMEDY = "`attnmetrics run` computes it anew"


def annotation_path(folder: Location, fingerprint: str, digest: str) -> Location:
    """The file of the shard with these documents (`corpus.digest`) by this annotator."""
    return folder / _file_name(fingerprint, digest)


def write(path: Location, annotated: Annotated, fingerprint: str, digest: str) -> None:
    """Writes a shard's annotations whole or not at all; `path` is `annotation_path(folder, fingerprint, digest)`.

    Raises:
        StoreError: the folder cannot be written (no space, no permission …).
    """
    table = _table(annotated, fingerprint, digest)

    size = max(len(table), 1)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True, row_group_size=size)
    _write(path, sink.getvalue().to_pybytes())


def read(path: Location, columns: Collection[str] | None = None, first_document: int = 0) -> Sentences:
    """A shard's sentences, their documents counted from `first_document`.

    Args:
        path: the file.
        columns: names of the columns that are read; the others stay on the disk. None reads all.
        first_document: position of the shard's first document in the corpus.

    Raises:
        DamageError: the file is damaged or foreign.
        StoreError: the file is missing, or keeps no column of such a name.
    """
    with _opened(path) as (file, meta):
        names = sorted(meta["columns"] if columns is None else columns)
        _check_columns(names, meta, path)
        sentences = from_table(file.read(columns=fields(names), use_threads=False), names)
        _check(checksum(sentences), meta["checksum"])
        for name, column in sentences.columns.items():
            _check(column_checksum(column), meta["columns"][name])
    return replace(
        sentences,
        document_index=sentences.document_index + first_document,
        loose=frozenset(index + first_document for index in sentences.loose),
    )


def read_columns(path: Location) -> frozenset[str]:
    """The names of the columns that a shard's file keeps; no row is read.

    Raises:
        DamageError: the file is damaged or foreign.
        StoreError: the file is missing.
    """
    with _opened(path) as (_, meta):
        return frozenset(meta["columns"])


def read_keys(path: Location, first_document: int = 0) -> Keys:
    """What identifies a shard's sentences, for sampling; the other columns are not read.

    Raises:
        DamageError: the file is damaged or foreign.
        StoreError: the file is missing.
    """
    with _opened(path) as (file, meta):
        keys = keys_of_table(file.read(columns=list(KEYS), use_threads=False))
        _check(keys_checksum(keys), meta["keys_checksum"])
    return Keys(keys.document, keys.document_index + first_document, keys.sentence)


def read_counts(path: Location) -> dict[str, int]:
    """A shard's counts (see `Annotated`); no row is read.

    Raises:
        DamageError: the file is damaged or foreign.
        StoreError: the file is missing.
    """
    with _opened(path) as (_, meta):
        return {str(name): int(number) for name, number in meta["counts"].items()}


def save_declared(folder: Location, fingerprint: str, declared: Declared) -> None:
    """Keeps what an annotator declares, so that a later run needs no pipeline.

    Raises:
        StoreError: the folder cannot be written.
    """
    content = {"version": VERSION, "fingerprint": fingerprint, "declared": dict(declared)}
    content["checksum"] = _json_digest(content["declared"])
    data = json.dumps(content, ensure_ascii=False, indent=1).encode()
    _write(_declared_path(folder, fingerprint), data)


def load_declared(folder: Location, fingerprint: str) -> Declared | None:
    """What is kept of an annotator's declarations; None if there is nothing.

    Raises:
        DamageError: the file is damaged or foreign.
        StoreError: the file cannot be read.
    """
    path = _declared_path(folder, fingerprint)
    try:
        content = json.loads(path.read())
        if (content["version"], content["fingerprint"]) != (VERSION, fingerprint):
            raise ValueError("it belongs to another annotator")
        if content["checksum"] != _json_digest(content["declared"]):
            raise ValueError("others than were written")
        return {name: _strings(names) for name, names in content["declared"].items()}
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        raise StoreError(
            f"cannot read {path}: {error.strerror or error}; mend its rights or the connection, or name another folder"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamageError(f"{path}: expected the labels of an annotator, found {error}; {_REMEDY}") from error


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError(f"{value!r} instead of a list of strings")
    return tuple(value)


def _name(fingerprint: str, digest: str) -> str:
    return blake2b(f"{VERSION},{len(fingerprint)},{fingerprint},{digest}".encode(), digest_size=16).hexdigest()


def _file_name(fingerprint: str, digest: str) -> str:
    return f"{_name(fingerprint, digest)}.parquet"


def _declared_path(folder: Location, fingerprint: str) -> Location:
    return folder / f"labels-{_name(fingerprint, '')}.json"


def remove(path: Location) -> None:
    """Removes a damaged file.

    Raises:
        StoreError: the folder cannot be written.
    """
    with _writing(path):
        path.remove()


def _write(path: Location, content: bytes) -> None:
    with _writing(path):
        path.write(content)


@contextmanager
def _writing(path: Location) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}; {_remedy(error, path.parent)}") from error


def _remedy(error: OSError, folder: Location) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"free some space for {folder}, or name another folder with --annotations"
    return f"make {folder} writable, or name another folder with --annotations"


@contextmanager
def _opened(path: Location) -> Iterator[tuple[pq.ParquetFile, dict[str, Any]]]:
    """The file and its metadata; any fault within becomes an error that names the file."""
    try:
        with os_errors(), path.open() as opened, pq.ParquetFile(opened, page_checksum_verification=True) as file:
            yield file, _metadata(file.schema_arrow.metadata, path)
    except StoreError:
        raise
    except FileNotFoundError as error:
        raise StoreError(
            f"{path} does not exist; expected the annotations of a shard: run the annotation stage, on a cluster with "
            "--annotations in a folder that all nodes share"
        ) from error
    except UNREADABLE as error:
        raise StoreError(
            f"cannot read {path}: {error.strerror or error}; mend its rights or the connection, or name another folder"
        ) from error
    except Exception as error:  # foreign content fails anywhere
        raise DamageError(
            f"{path}: expected the annotations of a shard, found a damaged or foreign file "
            f"({first_line(error)}); {_REMEDY}"
        ) from error


def _metadata(metadata: Mapping[bytes, bytes] | None, path: Location) -> dict[str, Any]:
    if not metadata or _KEY not in metadata:
        raise ValueError("it was not written by attnmetrics")
    meta = json.loads(metadata[_KEY])
    if meta["version"] != VERSION or path.name != _file_name(meta["fingerprint"], meta["digest"]):
        raise ValueError("it belongs to other documents or another annotator than its name says")
    if meta.pop("metadata_checksum") != _json_digest(meta):
        raise ValueError("its metadata do not have their checksum")
    return dict(meta)


def _check(actual: str, expected: str) -> None:
    if actual != expected:
        raise pa.ArrowInvalid("its contents do not have their checksum")


def _check_columns(names: Collection[str], meta: Mapping[str, Any], path: Location) -> None:
    if missing := [name for name in names if name not in meta["columns"]]:
        raise StoreError(
            f"{path}: expected the column {', '.join(missing)}, found {', '.join(sorted(meta['columns']))}; "
            "`attnmetrics annotate` with the same labels parses the shard again and keeps it"
        )


def _table(annotated: Annotated, fingerprint: str, digest: str) -> pa.Table:
    """With all that is known of it."""
    columns = {name: column.rename(column.names) for name, column in sorted(annotated.sentences.columns.items())}
    s = replace(annotated.sentences, columns=columns, loose=_present(annotated.sentences))
    meta = {
        "version": VERSION,
        "fingerprint": fingerprint,
        "digest": digest,
        "counts": dict(annotated.counts),
        "keys_checksum": keys_checksum(keys_of(s)),
        "checksum": checksum(s),
        "columns": {name: column_checksum(column) for name, column in columns.items()},
    }
    meta["metadata_checksum"] = _json_digest(meta)
    return to_table(s).replace_schema_metadata({_KEY: json.dumps(meta, ensure_ascii=False).encode()})


def _present(sentences: Sentences) -> frozenset[int]:
    """The loose documents that have a sentence."""
    return sentences.loose & frozenset(sentences.document_index.tolist())


def _json_digest(content: Any) -> str:
    return digest_parts(json.dumps(content, sort_keys=True).encode())
