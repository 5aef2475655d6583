"""Annotated shards as Parquet files, one a shard, named by what made them, so that no text is parsed twice.

A row is a sentence: `document`, `document_index` (within the shard), `sentence`, `text`, and lists with one entry a
word: `word_start`, `word_end`, `word_head`, and `word_NAME` for every column that the annotator gave. The schema's
metadata holds version, annotator fingerprint, digest of the documents, counts, and checksums: one of what identifies
sentences, one of text and words, and one a column, so that columns are read without the others. Nothing here needs
spaCy.
"""

import errno
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet as pq

from attnmetrics.annotation.sentence import Annotated, Column, Declared, Sentences
from attnmetrics.errors import DamageError, StoreError, first_line
from attnmetrics.storage import UNREADABLE, Location, os_errors

VERSION = 2
"""Of the file format; another version is another file name."""

_KEY = b"attnmetrics"
_KEYS = ("document", "document_index", "sentence")
_WORDS = ("word_start", "word_end", "word_head")
_REMEDY = "`attnmetrics run` computes it anew"


@dataclass(frozen=True, slots=True)
class Keys:
    """What identifies the S sentences of a shard."""

    document: tuple[str, ...]
    """[S] document id"""
    document_index: NDArray[np.int64]
    """[S] position of the document in the corpus"""
    sentence: NDArray[np.int64]
    """[S] position of the sentence in its document"""


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
        wanted = [*_KEYS, "text", *_WORDS, *map(_field, names)]
        sentences = _sentences(file.read(columns=wanted, use_threads=False), names)
        _check(_checksum(sentences), meta["checksum"])
        for name, column in sentences.columns.items():
            _check(_column_checksum(column), meta["columns"][name])
    return replace(sentences, document_index=sentences.document_index + first_document)


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
        keys = Keys(*_keys(file.read(columns=list(_KEYS), use_threads=False)))
        _check(_keys_checksum(keys.document, keys.document_index, keys.sentence), meta["keys_checksum"])
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
            f"{path} does not exist; expected the annotations of a shard: run the annotation stage"
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


def _check(checksum: str, expected: str) -> None:
    if checksum != expected:
        raise pa.ArrowInvalid("its contents do not have their checksum")


def _check_columns(names: Collection[str], meta: Mapping[str, Any], path: Location) -> None:
    if missing := [name for name in names if name not in meta["columns"]]:
        raise StoreError(
            f"{path}: expected the column {', '.join(missing)}, found {', '.join(sorted(meta['columns']))}; "
            "`attnmetrics annotate` with the same labels parses the shard again and keeps it"
        )


def _field(name: str) -> str:
    """The field of the table that holds a column."""
    return f"word_{name}"


def _table(annotated: Annotated, fingerprint: str, digest: str) -> pa.Table:
    s = annotated.sentences
    columns = {name: column.rename(column.names) for name, column in sorted(s.columns.items())}
    table = pa.table(
        {
            "document": pa.array(s.document, pa.string()).dictionary_encode(),
            "document_index": pa.array(s.document_index, pa.int32()),
            "sentence": pa.array(s.sentence, pa.int32()),
            "text": pa.array(s.text, pa.string()),
            **{name: _lists(s.word_offsets, pa.array(getattr(s, name), pa.int32())) for name in _WORDS},
            **{_field(name): _lists(s.word_offsets, _dictionary(column)) for name, column in columns.items()},
        }
    )
    meta = {
        "version": VERSION,
        "fingerprint": fingerprint,
        "digest": digest,
        "counts": dict(annotated.counts),
        "keys_checksum": _keys_checksum(s.document, s.document_index, s.sentence),
        "checksum": _checksum(s),
        "columns": {name: _column_checksum(column) for name, column in columns.items()},
    }
    meta["metadata_checksum"] = _json_digest(meta)
    return table.replace_schema_metadata({_KEY: json.dumps(meta, ensure_ascii=False).encode()})


def _lists(offsets: NDArray[np.int64], values: pa.Array) -> pa.Array:
    """[S] the values of each sentence's words."""
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def _dictionary(column: Column) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(column.codes, pa.int32()), pa.array(column.names, pa.string()))


def _sentences(table: pa.Table, names: Collection[str]) -> Sentences:
    offsets = _int64(table.column("word_start").combine_chunks().offsets)
    document, document_index, sentence = _keys(table)
    return Sentences(
        document=document,
        document_index=document_index,
        sentence=sentence,
        text=_text(table.column("text").combine_chunks()),
        word_offsets=offsets - offsets[:1],
        **{name: _int64(_flat(table, name)) for name in _WORDS},
        columns={name: _column(_flat(table, _field(name))) for name in names},
    )


def _flat(table: pa.Table, name: str) -> pa.Array:
    """[W] the values of all words, sentence by sentence."""
    values = table.column(name).combine_chunks()
    if not pa.types.is_list(values.type):
        raise ValueError(f"its column {name} has the type {values.type}")
    return values.flatten()


def _column(values: pa.Array) -> Column:
    """Strings, with or without a dictionary, as a column."""
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    names = _text(values.dictionary)
    return Column(names, _int64(values.indices)).rename(names)


def _keys(table: pa.Table) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64]]:
    document, index, sentence = (table.column(name).combine_chunks() for name in _KEYS)
    return _text(document), _int64(index), _int64(sentence)


def _text(values: pa.Array) -> tuple[str, ...]:
    """Strings, with or without a dictionary."""
    if pa.types.is_dictionary(values.type):
        names = _text(values.dictionary)
        return tuple(names[code] for code in _int64(values.indices).tolist())
    if values.null_count or not pa.types.is_string(values.type):
        raise ValueError("it lacks texts or ids")
    return tuple(values.to_numpy(zero_copy_only=False).tolist())


def _int64(values: pa.Array) -> NDArray[np.int64]:
    if values.null_count:
        raise ValueError("it has empty fields")
    return np.asarray(values.to_numpy(zero_copy_only=False), np.int64)


def _digest(*parts: bytes) -> str:
    state = blake2b(digest_size=16)
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return state.hexdigest()


def _string_bytes(strings: tuple[str, ...]) -> tuple[bytes, bytes]:
    """Lengths in characters, and all characters."""
    return np.fromiter(map(len, strings), np.int64, len(strings)).tobytes(), "".join(strings).encode()


def _keys_checksum(document: tuple[str, ...], index: NDArray[np.int64], sentence: NDArray[np.int64]) -> str:
    return _digest(*_string_bytes(document), index.tobytes(), sentence.tobytes())


def _column_checksum(column: Column) -> str:
    return _digest(*_string_bytes(column.names), column.codes.astype(np.int32).tobytes())


def _json_digest(content: Any) -> str:
    return _digest(json.dumps(content, sort_keys=True).encode())


def _checksum(s: Sentences) -> str:
    """Of all but the columns."""
    keys = _keys_checksum(s.document, s.document_index, s.sentence)
    numbers = (s.word_offsets, s.word_start, s.word_end, s.word_head)
    return _digest(keys.encode(), *_string_bytes(s.text), *(values.astype(np.int32).tobytes() for values in numbers))
