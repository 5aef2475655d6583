"""What vouches for a shard: a record with the digests of its files and what is counted in it, sealed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from hashlib import blake2b
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

Count = Annotated[int, Field(ge=0, lt=2**63)]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Of a shard, what did not make it whole into the tables; adds up over shards."""

    sentences_blank: Count = 0
    sentences_not_sampled: Count = 0
    sentences_without_pieces: Count = 0
    sentences_cut: Count = 0
    """by the model's length"""
    pieces_unaligned: Count = 0
    """in the text, but in no word"""

    def __add__(self, other: "LeftOut") -> "LeftOut":
        return LeftOut(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Counts:
    """Of a shard, what was measured; adds up over shards. A sentence is a window where windows are measured."""

    sentences: Count = 0
    """that count in the metrics"""
    pieces: Count = 0
    """in these"""
    exemplar_sentences: Count = 0
    """that compete as exemplars"""
    prefix_sentences: Count = 0
    """whose prefix blocks are kept"""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Commit:
    """That a shard is whole on disk."""

    shard: Count
    first_document: Count
    """position in the corpus"""
    counts: Counts = field(default_factory=Counts)
    left_out: LeftOut = field(default_factory=LeftOut)
    checksums: Mapping[str, str] = field(default_factory=dict)
    """digest of each of the shard's files, by name"""

    def pack(self) -> bytes:
        """A file, with a seal over its content."""
        record = asdict(self)
        return json.dumps(record | {"seal": _seal(record)}, indent=1).encode()

    @classmethod
    def unpack(cls, data: bytes) -> "Commit | None":
        """The inverse of `pack`; None where the file is not as it was written."""
        try:
            record = json.loads(data)
            seal = record.pop("seal")
            return _COMMIT.validate_python(record) if seal == _seal(record) else None
        except (ValidationError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None


_COMMIT = TypeAdapter(Commit)


def digest(content: bytes) -> str:
    """The checksum of a file."""
    return blake2b(content, digest_size=16).hexdigest()


def _seal(record: Mapping[str, object]) -> str:
    return digest(json.dumps(record, sort_keys=True).encode())
