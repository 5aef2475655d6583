"""Sentences as an Arrow table, a row a sentence, and the checksums of its parts.

Strings are kept with a dictionary; words are lists with one entry a word.
"""

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from attnmetrics.annotation.sentence import Column, Mentions, Sentences

KEYS: Final = ("document", "document_index", "sentence")
"""Fields that identify a sentence."""
_WORDS: Final = ("word_start", "word_end", "word_head")
_MENTIONS: Final = ("word", "entity", "of_entity", "earlier", "text", "link")
"""Of each mention; the word is counted in its sentence."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What identifies the S sentences of a shard."""

    document: tuple[str, ...]
    """[S] document id"""
    document_index: NDArray[np.int64]
    """[S] position of the document in the corpus"""
    sentence: NDArray[np.int64]
    """[S] position of the sentence in its document"""


def fields(columns: Collection[str]) -> list[str]:
    """The fields of the table that `from_table` needs for these columns."""
    return [*KEYS, "document_loose", "text", *_WORDS, *map(_mention_field, _MENTIONS), *map(_field, columns)]


def to_table(sentences: Sentences) -> pa.Table:
    """The table with all columns of the sentences."""
    offsets = sentences.word_offsets
    return pa.table(
        {
            "document": pa.array(sentences.document, pa.string()).dictionary_encode(),
            "document_index": pa.array(sentences.document_index, pa.int32()),
            "document_loose": pa.array(np.isin(sentences.document_index, list(sentences.loose))),
            "sentence": pa.array(sentences.sentence, pa.int32()),
            "text": pa.array(sentences.text, pa.string()),
            **{name: _lists(offsets, pa.array(getattr(sentences, name), pa.int32())) for name in _WORDS},
            **{_field(name): _lists(offsets, _dictionary(column)) for name, column in sentences.columns.items()},
            **_mention_lists(sentences),
        }
    )


def _mention_lists(sentences: Sentences) -> dict[str, pa.Array]:
    """By field, [S] the values of the mentions whose head words are in a sentence."""
    mentions = sentences.mentions
    offsets = mentions.offsets(sentences.word_offsets)
    begin = np.repeat(sentences.word_offsets[:-1], np.diff(offsets))
    values = {
        "word": pa.array(mentions.word - begin, pa.int32()),
        **{name: pa.array(getattr(mentions, name), pa.int32()) for name in ("entity", "of_entity", "earlier")},
        **{name: _dictionary(getattr(mentions, name)) for name in ("text", "link")},
    }
    return {_mention_field(name): _lists(offsets, values[name]) for name in _MENTIONS}


def _lists(offsets: NDArray[np.int64], values: pa.Array) -> pa.Array:
    """[S] the values of each sentence's words."""
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def _dictionary(column: Column) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(column.codes, pa.int32()), pa.array(column.names, pa.string()))


def from_table(table: pa.Table, names: Collection[str]) -> Sentences:
    """The sentences of a table, with the columns of these names.

    Raises:
        ValueError: it is no such table.
    """
    offsets = _offsets(table, "word_start")
    keys = keys_of_table(table)
    return Sentences(
        document=keys.document,
        document_index=keys.document_index,
        sentence=keys.sentence,
        text=_text(table.column("text").combine_chunks()),
        word_offsets=offsets,
        **{name: _int64(_flat(table, name)) for name in _WORDS},
        columns={name: _column(_flat(table, _field(name))) for name in names},
        mentions=_mentions(table, offsets),
        loose=frozenset(keys.document_index[_int64(table.column("document_loose").combine_chunks()) > 0].tolist()),
    )


def _mentions(table: pa.Table, word_offsets: NDArray[np.int64]) -> Mentions:
    values = {name: _flat(table, _mention_field(name)) for name in _MENTIONS}
    begin = np.repeat(word_offsets[:-1], np.diff(_offsets(table, _mention_field("word"))))
    return Mentions(
        word=_int64(values["word"]) + begin,
        entity=_int64(values["entity"]),
        of_entity=_int64(values["of_entity"]),
        earlier=_int64(values["earlier"]),
        text=_column(values["text"]),
        link=_column(values["link"]),
    )


def _offsets(table: pa.Table, name: str) -> NDArray[np.int64]:
    """[S + 1] where the values of each sentence begin, and the last ones end."""
    offsets = _int64(table.column(name).combine_chunks().offsets)
    return offsets - offsets[:1]


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


def keys_of(sentences: Sentences) -> Keys:
    """What identifies these sentences."""
    return Keys(sentences.document, sentences.document_index, sentences.sentence)


def keys_of_table(table: pa.Table) -> Keys:
    """What identifies the sentences of a table.

    Raises:
        ValueError: it is no such table.
    """
    document, index, sentence = (table.column(name).combine_chunks() for name in KEYS)
    return Keys(_text(document), _int64(index), _int64(sentence))


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


def _field(name: str) -> str:
    """The field of the table that holds a column."""
    return f"word_{name}"


def _mention_field(name: str) -> str:
    return f"mention_{name}"


def digest_parts(*parts: bytes) -> str:
    """Blake2b (hexadecimal) of these parts, each preceded by its length."""
    state = blake2b(digest_size=16)
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return state.hexdigest()


def _string_bytes(strings: tuple[str, ...]) -> tuple[bytes, bytes]:
    """Lengths in characters, and all characters."""
    return np.fromiter(map(len, strings), np.int64, len(strings)).tobytes(), "".join(strings).encode()


def keys_checksum(keys: Keys) -> str:
    """Of what identifies sentences."""
    return digest_parts(*_string_bytes(keys.document), keys.document_index.tobytes(), keys.sentence.tobytes())


def column_checksum(column: Column) -> str:
    """Of one column."""
    return digest_parts(*_string_bytes(column.names), column.codes.astype(np.int32).tobytes())


def checksum(sentences: Sentences) -> str:
    """Of all but the columns."""
    keys = keys_checksum(keys_of(sentences)).encode()
    numbers = (sentences.word_offsets, sentences.word_start, sentences.word_end, sentences.word_head)
    words = (values.astype(np.int32).tobytes() for values in numbers)
    loose = np.array(sorted(sentences.loose), np.int32).tobytes()
    mentions = _mentions_checksum(sentences.mentions).encode()
    return digest_parts(keys, *_string_bytes(sentences.text), *words, loose, mentions)


def _mentions_checksum(mentions: Mentions) -> str:
    numbers = (mentions.word, mentions.entity, mentions.of_entity, mentions.earlier)
    columns = (column_checksum(own.rename(own.names)).encode() for own in (mentions.text, mentions.link))
    return digest_parts(*(values.astype(np.int32).tobytes() for values in numbers), *columns)
