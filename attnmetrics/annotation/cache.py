"""Annotated shards as Parquet files, one a shard, named by what made them, so that no text is parsed twice.

A row is a sentence: `document`, `document_index` (within the shard), `sentence`, `text`, and lists with one entry a
word: `word_start`, `word_end`, `word_pos`, `word_rel`, `word_head`. The schema's metadata holds version, annotator
fingerprint, digest of the documents, counts, and checksums of the contents. Nothing here needs spaCy.
"""

import errno
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute as pc
from pyarrow import parquet as pq

from attnmetrics.annotation.sentence import Annotated, Labels, Sentences
from attnmetrics.errors import DamageError, StoreError, first_line
from attnmetrics.storage import UNREADABLE, Location, os_errors

VERSION = 1
"""Of the file format; another version is another file name."""

_KEY = b"attnmetrics"
_KEYS = ("document", "document_index", "sentence")
_WORDS = ("word_start", "word_end", "word_pos", "word_rel", "word_head")
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


def read(path: Location, labels: Labels, first_document: int = 0) -> Sentences:
    """A shard's sentences, their documents counted from `first_document`, tags and relations as numbers of `labels`.

    Raises:
        DamageError: the file is damaged or foreign.
        StoreError: the file is missing, or has a label that `labels` lacks.
    """
    with _opened(path) as (file, meta):
        table = file.read(use_threads=False)
        found = _sentences(table, meta)
        if _checksum(found) != meta["checksum"]:
            raise pa.ArrowInvalid("its contents do not have their checksum")
    return Sentences(
        labels=labels,
        document=found.document,
        document_index=found.document_index + first_document,
        sentence=found.sentence,
        text=found.text,
        word_offsets=found.word_offsets,
        word_start=found.word_start,
        word_end=found.word_end,
        word_pos=_renumber(found.labels.pos, labels.pos, "part of speech", path)[found.word_pos],
        word_rel=_renumber(found.labels.rel, labels.rel, "relation", path)[found.word_rel],
        word_head=found.word_head,
    )


def read_keys(path: Location, first_document: int = 0) -> Keys:
    """What identifies a shard's sentences, for sampling; the other columns are not read.

    Raises:
        DamageError: the file is damaged or foreign.
        StoreError: the file is missing.
    """
    with _opened(path) as (file, meta):
        table = file.read(columns=list(_KEYS), use_threads=False)
        keys = Keys(*_keys(table))
        if _keys_checksum(keys.document, keys.document_index, keys.sentence) != meta["keys_checksum"]:
            raise pa.ArrowInvalid("its contents do not have their checksum")
    return Keys(keys.document, keys.document_index + first_document, keys.sentence)


def read_counts(path: Location) -> dict[str, int]:
    """A shard's counts (see `Annotated`); no row is read.

    Raises:
        DamageError: the file is damaged or foreign.
        StoreError: the file is missing.
    """
    with _opened(path) as (_, meta):
        return {str(name): int(number) for name, number in meta["counts"].items()}


def save_labels(folder: Location, fingerprint: str, labels: Labels) -> None:
    """Keeps an annotator's labels, so that a later run needs no pipeline.

    Raises:
        StoreError: the folder cannot be written.
    """
    content = {"version": VERSION, "fingerprint": fingerprint, "pos": labels.pos, "rel": labels.rel}
    content["checksum"] = _labels_checksum(labels)
    data = json.dumps(content, ensure_ascii=False, indent=1).encode()
    _write(_labels_path(folder, fingerprint), data)


def load_labels(folder: Location, fingerprint: str) -> Labels | None:
    """The labels kept for an annotator; None if there are none.

    Raises:
        DamageError: the file is damaged or foreign.
        StoreError: the file cannot be read.
    """
    path = _labels_path(folder, fingerprint)
    try:
        content = json.loads(path.read())
        if (content["version"], content["fingerprint"]) != (VERSION, fingerprint):
            raise ValueError("it belongs to another annotator")
        labels = Labels(_strings(content["pos"]), _strings(content["rel"]))
        if content["checksum"] != _labels_checksum(labels):
            raise ValueError("others than were written")
        return labels
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        raise StoreError(
            f"cannot read {path}: {error.strerror or error}; mend its rights or the connection, or name another folder"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamageError(f"{path}: expected the labels of an annotator, found {error}; {_REMEDY}") from error


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError(f"{value!r} instead of a list of strings")
    return tuple(value)


def _name(fingerprint: str, digest: str) -> str:
    return blake2b(f"{VERSION},{len(fingerprint)},{fingerprint},{digest}".encode(), digest_size=16).hexdigest()


def _file_name(fingerprint: str, digest: str) -> str:
    return f"{_name(fingerprint, digest)}.parquet"


def _labels_path(folder: Location, fingerprint: str) -> Location:
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
    if meta["counts_checksum"] != _digest(json.dumps(meta["counts"], sort_keys=True).encode()):
        raise ValueError("its counts do not have their checksum")
    return dict(meta)


def _table(annotated: Annotated, fingerprint: str, digest: str) -> pa.Table:
    s = annotated.sentences
    offsets = pa.array(s.word_offsets, pa.int32())

    def words(values: NDArray[np.int64], names: tuple[str, ...] | None = None) -> pa.Array:
        flat = pa.array(values, pa.int32())
        return pa.ListArray.from_arrays(
            offsets, flat if names is None else pa.DictionaryArray.from_arrays(flat, list(names))
        )

    table = pa.table(
        {
            "document": pa.array(s.document, pa.string()).dictionary_encode(),
            "document_index": pa.array(s.document_index, pa.int32()),
            "sentence": pa.array(s.sentence, pa.int32()),
            "text": pa.array(s.text, pa.string()),
            "word_start": words(s.word_start),
            "word_end": words(s.word_end),
            "word_pos": words(s.word_pos, s.labels.pos),
            "word_rel": words(s.word_rel, s.labels.rel),
            "word_head": words(s.word_head),
        }
    )
    counts = dict(annotated.counts)
    meta = {
        "version": VERSION,
        "fingerprint": fingerprint,
        "digest": digest,
        "counts": counts,
        "counts_checksum": _digest(json.dumps(counts, sort_keys=True).encode()),
        "pos": s.labels.pos,
        "rel": s.labels.rel,
        "keys_checksum": _keys_checksum(s.document, s.document_index, s.sentence),
        "checksum": _checksum(s),
    }
    return table.replace_schema_metadata({_KEY: json.dumps(meta, ensure_ascii=False).encode()})


def _sentences(table: pa.Table, meta: Mapping[str, Any]) -> Sentences:
    """The table with the labels of its own metadata."""
    labels = Labels(_strings(meta["pos"]), _strings(meta["rel"]))
    for name in _WORDS:
        if not pa.types.is_list(table.schema.field(name).type):
            raise ValueError(f"its column {name} has the type {table.schema.field(name).type}")
    words = {name: table.column(name).combine_chunks() for name in _WORDS}
    offsets = _int64(words["word_start"].offsets)
    flat = {name: column.flatten() for name, column in words.items()}
    return Sentences(
        labels,
        *_keys(table),
        _text(table.column("text").combine_chunks()),
        offsets - offsets[:1],
        _int64(flat["word_start"]),
        _int64(flat["word_end"]),
        _codes(flat["word_pos"], labels.pos),
        _codes(flat["word_rel"], labels.rel),
        _int64(flat["word_head"]),
    )


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


def _codes(values: pa.Array, labels: tuple[str, ...]) -> NDArray[np.int64]:
    """Strings, with or without a dictionary, as numbers of `labels`."""
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    code = _int64(pc.index_in(values.dictionary, value_set=pa.array(labels, pa.string())))
    return code[_int64(values.indices)]


def _renumber(found: tuple[str, ...], labels: tuple[str, ...], kind: str, path: Location) -> NDArray[np.int64]:
    """[found] the number of each label in `labels`."""
    missing = [name for name in found if name not in labels]
    if missing:
        raise StoreError(
            f"{path}: expected every {kind} among {', '.join(labels)}; found {', '.join(missing)} too; delete it and "
            "run again, or plan the run again if its corpus changed"
        )
    return np.array([labels.index(name) for name in found], np.int64)


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


def _labels_checksum(labels: Labels) -> str:
    return _digest(*_string_bytes(labels.pos), *_string_bytes(labels.rel))


def _checksum(s: Sentences) -> str:
    numbers = (s.word_offsets, s.word_start, s.word_end, s.word_pos, s.word_rel, s.word_head)
    strings = (*_string_bytes(s.labels.pos), *_string_bytes(s.labels.rel), *_string_bytes(s.text))
    keys = _keys_checksum(s.document, s.document_index, s.sentence)
    return _digest(keys.encode(), *strings, *(values.astype(np.int32).tobytes() for values in numbers))
