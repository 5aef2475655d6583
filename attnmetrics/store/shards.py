"""Per-shard state on disk: `shards.zarr` and, beside it, commits and the texts behind exemplars.

    RUN/shards.zarr/state            [shard, number]                    packed State; a shard is a chunk
    RUN/shards.zarr/exemplars        [shard, field, kind, layer, head, rank]  packed Exemplars; a shard is a chunk
    RUN/prefix/000007.zst            blocks of some sentences of shard 7, for variability
    RUN/claims/000007.zst            the strongest pairs of every claim and head in shard 7
    RUN/typical/000007.zst           what is strongest in the units of shard 7 with the smallest hashes
    RUN/tokens/000007.parquet        what the types of pieces in shard 7 receive and give
    RUN/values/0-3/000007.zst        packed State of the units with value 3 of field 0, where results are split, and
                                     which of the blocks are theirs
    RUN/passages/000007.parquet      text and pieces of the units among all of these
    RUN/traces/<digest>.npz          attention in some of these sentences, each in the heads whose exemplar it is
    RUN/commits/000007.json          written last; only a shard that has one, with matching checksums, is ever read

A missing Zarr chunk reads as its fill value without an error: that is why commits decide, not the arrays. They
hold the digest of each of a shard's files. Chunks are one zstd frame each; they are written and read here, in a tenth
of the time that Zarr takes to find out how.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from functools import partial
from io import BytesIO
from operator import attrgetter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from zstandard import ZstdCompressor, ZstdDecompressor

from attnmetrics.errors import DamageError, StoreError, first_line
from attnmetrics.metrics.family import HEAD
from attnmetrics.metrics.schema import Schema
from attnmetrics.statistics.claims import Rows, pack_rows, unpack_rows
from attnmetrics.statistics.exemplars import Exemplars
from attnmetrics.statistics.passages import Passage
from attnmetrics.statistics.splitting import Part
from attnmetrics.statistics.states import State
from attnmetrics.statistics.tokens import TokenSums
from attnmetrics.statistics.traces import Traces
from attnmetrics.statistics.typical import Typical
from attnmetrics.statistics.variability import Prefix
from attnmetrics.storage import AT_ONCE, UNREADABLE, Location, os_errors, read_ahead
from attnmetrics.storage.zarr_json import FILE, NUMBERS, about_array, about_group, as_json, zstd
from attnmetrics.store import passages, tokens
from attnmetrics.store.commits import Commit, digest
from attnmetrics.store.files import FILES
from attnmetrics.store.writing import writing

ZSTD_LEVEL = 1
"""A higher one saves little on sums and takes longer."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class PartContent:
    """What is kept of the units of a measured shard that have a value of a field."""

    state: State
    prefix_rows: NDArray[np.int64]
    """[V] places of their prefix blocks among those of the shard"""

    def pack(self) -> NDArray[np.float64]:
        """The numbers of the state, then the places."""
        return np.concatenate([self.state.pack(), self.prefix_rows.astype(np.float64)])

    @classmethod
    def unpack(cls, schema: Schema, vector: NDArray[np.float64]) -> "PartContent":
        """The inverse of `pack`."""
        state, rows = np.split(vector, [schema.size])
        return cls(State.unpack(schema, state), rows.astype(np.int64))


@dataclass(frozen=True, slots=True)
class ShardContent:
    """What is kept of one measured shard."""

    state: State
    prefix: Prefix
    exemplars: Exemplars
    claims: Rows
    typical: Typical
    tokens: TokenSums
    passages: Sequence[Passage]
    """all of the units that are exemplars, claims' or typical"""
    parts: Mapping[Part, PartContent] = field(default_factory=dict)
    """of each value of each field that results are split by, as far as its units have them"""


@dataclass(frozen=True, slots=True)
class Store:
    """The per-shard state of one run."""

    folder: Location
    """The run's folder."""
    schema: Schema
    shards: int
    exemplars: int
    """Exemplars kept per shard and head."""
    by: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The values of each field that results are split by."""

    def create(self) -> None:
        """Lay out the arrays, empty; chunks that are there already stay, a layout that is damaged is mended.

        Raises:
            StoreError: the folder cannot be written.
        """
        with writing(self.folder):
            for path, content in self._layout().items():
                _mend(self._zarr / path, content)

    def describe(self) -> dict[str, Any]:
        """Its shape, in plain values."""
        by = {name: list(values) for name, values in self.by.items()}
        return {"shards": self.shards, "exemplars": self.exemplars, "schema": self.schema.plain(), "by": by}

    @classmethod
    def described(cls, folder: Location, shape: Mapping[str, Any]) -> "Store":
        """The store in a folder, of the shape that `describe` gave."""
        schema = Schema.from_plain(shape["schema"])
        return cls(folder, schema, shape["shards"], shape["exemplars"], shape.get("by", {}))

    def write(self, commit: Commit, content: ShardContent) -> None:
        """Write one shard, then commit it. Doing so again with the same content changes nothing, at no time.

        Args:
            commit: which shard it is and what is counted in it; the checksums are those of what is written.
            content: what is kept of it.

        Raises:
            StoreError: the folder cannot be written.
        """
        contents = {
            "state": _compress(content.state.pack()),
            "exemplars": _compress(content.exemplars.pack()),
            "prefix": _compress(content.prefix.pack()),
            "claims": _compress(np.frombuffer(pack_rows(content.claims), np.uint8)),
            "typical": _compress(content.typical.pack()),
            "tokens": tokens.pack(content.tokens),
            "passages": passages.pack(content.passages),
            **{_name(part): _compress(own.pack()) for part, own in content.parts.items()},
        }
        checksums = {name: digest(data) for name, data in contents.items()}
        with writing(self.folder):
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(lambda name: self._file(commit.shard, name).write(contents[name]), contents))
            self._commit(commit.shard).write(replace(commit, checksums=checksums).pack())

    def committed(self) -> dict[int, Commit]:
        """The commit of every committed shard, by shard, in order. A damaged one counts as none.

        Raises:
            StoreError: the folder cannot be read.
        """
        folder = self.folder / "commits"
        try:
            names = folder.names()
        except OSError as error:
            raise StoreError(_cannot_read(folder, error)) from None
        read = read_ahead(_read_commit, [folder / name for name in names if name.endswith(".json")])
        commits = sorted((commit for commit in read if commit is not None), key=attrgetter("shard"))
        return {commit.shard: commit for commit in commits}

    def read_state(self, commit: Commit) -> State:
        """The state of a committed shard, checked against its commit.

        Raises:
            StoreError: it is not as it was committed.
        """
        return self._read(commit, "state", lambda data: State.unpack(self.schema, _decompress(data, np.float64)))

    def read_part(self, commit: Commit, part: Part) -> PartContent:
        """What a committed shard has of a value of a field (see `has_part`), checked against its commit.

        Raises:
            StoreError: it is not as it was committed.
        """
        unpack = partial(PartContent.unpack, self.schema)
        return self._read(commit, _name(part), lambda data: unpack(_decompress(data, np.float64)))

    def has_part(self, commit: Commit, part: Part) -> bool:
        """Whether a committed shard has units with a value of a field."""
        return _name(part) in commit.checksums

    def read_exemplars(self, commit: Commit) -> Exemplars:
        """The exemplars of a committed shard, checked against its commit.

        Raises:
            StoreError: they are not as they were committed.
        """
        unpack = partial(Exemplars.unpack, shape=self._places)
        return self._read(commit, "exemplars", lambda data: unpack(_decompress(data, np.int64)))

    def read_prefix(self, commit: Commit) -> Prefix:
        """The prefix blocks of a committed shard, checked.

        Raises:
            StoreError: the blocks are not those committed.
        """
        return self._read(commit, "prefix", lambda data: Prefix.unpack(_decompress(data, np.uint8)))

    def read_claims(self, commit: Commit) -> Rows:
        """The best rows of the claims of a committed shard, checked.

        Raises:
            StoreError: they are not as they were committed.
        """
        return self._read(commit, "claims", lambda data: unpack_rows(_decompress(data, np.uint8).tobytes()))

    def read_typical(self, commit: Commit) -> Typical:
        """The typical units of a committed shard, checked.

        Raises:
            StoreError: they are not as they were committed.
        """
        return self._read(commit, "typical", lambda data: Typical.unpack(_decompress(data, np.uint8)))

    def read_tokens(self, commit: Commit, layers: Sequence[int]) -> TokenSums:
        """What the types of pieces of a committed shard receive and give in these layers alone, by place; checked.

        Raises:
            StoreError: it is not as it was committed.
        """
        return self._read(commit, "tokens", partial(tokens.unpack, layers=layers))

    def read_passages(self, commit: Commit, units: Container[tuple[int, int]]) -> list[Passage]:
        """The passages of these units, (document_index, sentence), among a committed shard's, checked.

        Raises:
            StoreError: the file is not the one committed.
        """
        return self._read(commit, "passages", partial(passages.unpack, units=units))

    def verify(self, commit: Commit) -> None:
        """Read everything that a commit vouches for.

        Raises:
            StoreError: something is not as it was committed.
        """
        for name in {**FILES, **commit.checksums}:
            self._read(commit, name, len)

    def write_traces(self, digest: str, traces: Traces) -> None:
        """Write the traces of a chunk with this digest.

        Raises:
            StoreError: the folder cannot be written.
        """
        with writing(self.folder):
            self._traces(digest).write(_npz(traces))

    def read_traces(self, digest: str) -> Traces | None:
        """What `write_traces` wrote; None where there is nothing, or nothing whole.

        Raises:
            StoreError: it cannot be read now.
        """
        path = self._traces(digest)
        try:
            return _unpack_npz(path.read())
        except UNREADABLE as error:
            raise StoreError(_cannot_read(path, error)) from None
        except Exception:  # foreign content fails anywhere
            return None

    def discard(self, shard: int) -> None:
        """Take back a shard's commit, so that it is measured again.

        Raises:
            StoreError: the folder cannot be written.
        """
        with writing(self.folder):
            self._commit(shard).remove()

    @property
    def _places(self) -> tuple[int, ...]:
        """Kinds of peaks, layers, heads and exemplars of a head."""
        return 2, *self.schema.shape(HEAD), self.exemplars

    def _layout(self) -> dict[str, bytes]:
        """The files that say what the arrays are, by path."""
        state = self._rows(np.float64, {"number": self.schema.size})
        places = dict(zip(("kind", "layer", "head", "rank"), self._places, strict=True))
        exemplars = self._rows(np.int64, {"field": len(fields(Exemplars)), **places})
        files = {FILE: about_group({}), f"state/{FILE}": state, f"exemplars/{FILE}": exemplars}
        return {path: as_json(content) for path, content in files.items()}

    def _rows(self, kind: type, sizes: Mapping[str, int]) -> dict[str, Any]:
        """What is said of an array with a row a shard, which is a chunk."""
        shape, codecs = (*sizes.values(),), (NUMBERS, zstd(ZSTD_LEVEL, checksum=True))
        return about_array(np.dtype(kind), (self.shards, *shape), (1, *shape), codecs, ("shard", *sizes), {})

    def _read(self, commit: Commit, name: str, decode: Callable[[bytes], Value]) -> Value:
        """What a file of a shard holds, checked."""
        try:
            with os_errors():
                data = self._file(commit.shard, name).read()
            if commit.checksums.get(name) != digest(data):
                raise self._damaged(commit, f"{name} is not what was committed")
            return decode(data)
        except StoreError:
            raise
        except UNREADABLE as error:
            raise StoreError(_cannot_read(self.folder, error)) from None
        except Exception as error:  # foreign content fails anywhere
            raise self._damaged(commit, f"{name}: {first_line(error)}") from None

    def _damaged(self, commit: Commit, what: str) -> DamageError:
        return DamageError(
            f"shard {commit.shard} of {self.folder} is damaged ({what}); "
            "`attnmetrics run` with the same options measures it anew"
        )

    @property
    def _zarr(self) -> Location:
        return self.folder / "shards.zarr"

    def _commit(self, shard: int) -> Location:
        return self.folder / "commits" / f"{shard:06d}.json"

    def _traces(self, digest: str) -> Location:
        return self.folder / "traces" / f"{digest}.npz"

    def _file(self, shard: int, name: str) -> Location:
        """A file of a shard, one of `FILES` or of its parts."""
        return self.folder / FILES.get(name, f"{name}/{{shard:06d}}.zst").format(shard=shard)


def _name(part: Part) -> str:
    """What the file of the units with a value of a field is called."""
    return "values/{}-{}".format(*part)


def _npz(traces: Traces) -> bytes:
    file = BytesIO()
    arrays = {field.name: getattr(traces, field.name) for field in fields(traces)}
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _unpack_npz(data: bytes) -> Traces:
    with np.load(BytesIO(data)) as arrays:
        return Traces(**arrays)


def _compress(value: NDArray[Any]) -> bytes:
    """One zstd frame."""
    return ZstdCompressor(ZSTD_LEVEL, write_checksum=True).compress(np.ascontiguousarray(value).data)


def _decompress(frame: bytes, dtype: type) -> NDArray[Any]:
    """The numbers of a frame, one after the other."""
    return np.frombuffer(ZstdDecompressor().decompress(frame), dtype)


def _mend(file: Location, content: bytes) -> None:
    """Write a file that does not hold this content."""
    try:
        if file.read() == content:
            return
    except FileNotFoundError:
        pass
    file.write(content)


def _read_commit(file: Location) -> Commit | None:
    try:
        commit = Commit.unpack(file.read())
    except UNREADABLE as error:
        raise StoreError(_cannot_read(file, error)) from None
    except OSError:
        return None
    return commit if commit is not None and file.name == f"{commit.shard:06d}.json" else None


def _cannot_read(path: Location, error: OSError) -> str:
    return (
        f"cannot read {path}: {error.strerror or error}; mend the permission or the connection, then run the same "
        "command to go on"
    )
