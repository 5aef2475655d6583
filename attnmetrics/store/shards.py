"""Per-shard state on disk: `shards.zarr` and, beside it, commit records and the texts behind exemplars.

    RUN/shards.zarr/state            [shard, number]                    packed State; a shard is a chunk
    RUN/shards.zarr/exemplars        [shard, field, layer, head, rank]  packed Exemplars; a shard is a chunk
    RUN/prefix/000007.zst            blocks of some sentences of shard 7, for variability
    RUN/candidates/000007.parquet    text and pieces of the sentences among shard 7's exemplars
    RUN/traces/<digest>.npz          attention in some of these sentences, each in the heads whose exemplar it is
    RUN/commits/000007.json          written last; only a shard that has one, with matching checksums, is ever read

A missing Zarr chunk reads as its fill value without an error: that is why commit records decide, not the arrays. They
hold the digest of each of a shard's files. Zarr lays the arrays out; chunks, which are one zstd frame each, are written
and read here, in a tenth of the time that Zarr takes to find out how.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from hashlib import blake2b
from io import BytesIO
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zarr
from numpy.typing import NDArray
from zarr.abc.buffer import Buffer
from zarr.codecs import ZstdCodec
from zarr.storage import MemoryStore
from zstandard import ZstdCompressor, ZstdDecompressor

from attnmetrics.errors import DamageError, StoreError, first_line
from attnmetrics.statistics.exemplars import Exemplars
from attnmetrics.statistics.states import Dims, State, packed_size
from attnmetrics.statistics.traces import Traces
from attnmetrics.statistics.variability import Prefix
from attnmetrics.storage import AT_ONCE, UNREADABLE, Location, os_errors, read_ahead

CANDIDATES = pa.schema(
    {
        "document": pa.string(),
        "document_index": pa.int64(),
        "sentence": pa.int64(),
        "first": pa.int64(),
        "text": pa.string(),
        "pieces": pa.list_(pa.string()),
    }
)
"""A sentence that is an exemplar of some head in its shard; or that holds a piece of one, which is a window: then
`sentence` is the number of the window, and `pieces` are those that the window has of it, from its piece `first` on."""

FILES = ("state", "exemplars", "prefix", "candidates")
"""What there is of a shard, a file each."""

ZSTD_LEVEL = 1
"""A higher one saves little on sums and takes longer."""

Record = dict[str, Any]
"""A commit record: shard, counts, checksums by name of file, and a seal over these."""

Value = TypeVar("Value")


class ExemplarSentence(NamedTuple):
    """What stands in a sentence that is an exemplar, or that holds a piece of one (see `CANDIDATES`)."""

    document: str
    text: str
    pieces: list[str]
    first: int


@dataclass(frozen=True, slots=True)
class ShardContent:
    """What is kept of one measured shard."""

    state: State
    prefix: Prefix
    exemplars: Exemplars
    candidates: pa.Table
    """of schema `CANDIDATES`"""


@dataclass(frozen=True, slots=True)
class Store:
    """The per-shard state of one run."""

    folder: Location
    """The run's folder."""
    dims: Dims
    shards: int
    exemplars: int
    """Exemplars kept per shard and head."""

    def create(self) -> None:
        """Lay out the arrays, empty; chunks that are there already stay, a layout that is damaged is mended.

        Raises:
            StoreError: the folder cannot be written.
        """
        with self._writing():
            for path, content in self._layout().items():
                _mend(self._zarr / path, content.to_bytes())

    def write(self, shard: int, content: ShardContent, counts: Mapping[str, Any]) -> None:
        """Write one shard, then commit it. Doing so again with the same content changes nothing, at no time.

        Raises:
            StoreError: the folder cannot be written.
        """
        contents = {
            "state": _compress(content.state.pack()),
            "exemplars": _compress(content.exemplars.pack()),
            "prefix": _compress(content.prefix.pack()),
            "candidates": _parquet(content.candidates),
        }
        record: Record = {
            "shard": shard,
            "counts": dict(counts),
            "checksums": {name: _digest(data) for name, data in contents.items()},
        }
        record["seal"] = _seal(record)
        with self._writing():
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(lambda name: self._file(shard, name).write(contents[name]), FILES))
            self._commit(shard).write(json.dumps(record, indent=1).encode())

    def committed(self) -> dict[int, Record]:
        """The commit record of every committed shard, by shard, in order. A damaged record counts as none.

        Raises:
            StoreError: the folder cannot be read.
        """
        commits = self.folder / "commits"
        try:
            names = commits.names()
        except OSError as error:
            raise StoreError(_cannot_read(commits, error)) from None
        found = read_ahead(_read_record, [commits / name for name in names if name.endswith(".json")])
        records = sorted((record for record in found if record is not None), key=itemgetter("shard"))
        return {record["shard"]: record for record in records}

    def read_state(self, record: Record) -> State:
        """The state of a committed shard, checked against its record.

        Raises:
            StoreError: it is not as it was committed.
        """
        return self._read(record, "state", lambda data: State.unpack(self.dims, _decompress(data, np.float64)))

    def read_exemplars(self, record: Record) -> Exemplars:
        """The exemplars of a committed shard, checked against its record.

        Raises:
            StoreError: they are not as they were committed.
        """
        unpack = partial(Exemplars.unpack, shape=self._places)
        return self._read(record, "exemplars", lambda data: unpack(_decompress(data, np.int64)))

    def read_prefix(self, record: Record) -> Prefix:
        """The prefix blocks of a committed shard, checked.

        Raises:
            StoreError: the blocks are not those committed.
        """
        return self._read(record, "prefix", lambda data: Prefix.unpack(_decompress(data, np.uint8)))

    def read_candidates(self, record: Record) -> pa.Table:
        """The sentences behind a committed shard's exemplars, checked.

        Raises:
            StoreError: the file is not the one committed.
        """
        return self._read(record, "candidates", _table)

    def verify(self, record: Record) -> None:
        """Read everything that a record vouches for.

        Raises:
            StoreError: something is not as it was committed.
        """
        for name in FILES:
            self._read(record, name, len)

    def write_traces(self, digest: str, traces: Traces) -> None:
        """Write the traces of a chunk with this digest.

        Raises:
            StoreError: the folder cannot be written.
        """
        with self._writing():
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
        with self._writing():
            self._commit(shard).remove()

    @property
    def _places(self) -> tuple[int, int, int]:
        """Layers, heads and exemplars of a head."""
        layers, heads = self.dims.shape(("layer", "head"))
        return layers, heads, self.exemplars

    def _layout(self) -> dict[str, Buffer]:
        """The files that say what the arrays are, by path."""
        files: dict[str, Buffer] = {}
        group = zarr.create_group(MemoryStore(files), zarr_format=3)
        exemplars = np.zeros((len(fields(Exemplars)), *self._places), np.int64)
        _lay_out(group, "state", self.shards, np.zeros(packed_size(self.dims)), ("number",))
        _lay_out(group, "exemplars", self.shards, exemplars, ("field", "layer", "head", "rank"))
        return files

    def _read(self, record: Record, name: str, decode: Callable[[bytes], Value]) -> Value:
        """What a file of a shard holds, checked."""
        try:
            with os_errors():
                data = self._file(record["shard"], name).read()
            if record["checksums"].get(name) != _digest(data):
                raise self._damaged(record, f"{name} is not what was committed")
            return decode(data)
        except StoreError:
            raise
        except UNREADABLE as error:
            raise StoreError(_cannot_read(self.folder, error)) from None
        except Exception as error:  # foreign content fails anywhere
            raise self._damaged(record, f"{name}: {first_line(error)}") from None

    def _damaged(self, record: Record, what: str) -> DamageError:
        shard = record["shard"]
        return DamageError(
            f"shard {shard} of {self.folder} is damaged ({what}); "
            "`attnmetrics run` with the same options measures it anew"
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with os_errors():
                yield
        except OSError as error:
            raise StoreError(
                f"cannot write to {self.folder}: {error.strerror or error}; "
                "committed shards are kept: make room or mend the permission, then run the same command to go on"
            ) from None

    @property
    def _zarr(self) -> Location:
        return self.folder / "shards.zarr"

    def _commit(self, shard: int) -> Location:
        return self.folder / "commits" / f"{shard:06d}.json"

    def _traces(self, digest: str) -> Location:
        return self.folder / "traces" / f"{digest}.npz"

    def _file(self, shard: int, name: str) -> Location:
        """A file of a shard, one of `FILES`."""
        paths = {
            "state": f"shards.zarr/state/c.{shard}.0",
            "exemplars": f"shards.zarr/exemplars/c.{shard}.0.0.0.0",
            "prefix": f"prefix/{shard:06d}.zst",
            "candidates": f"candidates/{shard:06d}.parquet",
        }
        return self.folder / paths[name]


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


def _lay_out(group: zarr.Group, name: str, rows: int, like: NDArray[Any], dims: tuple[str, ...]) -> None:
    """Say that an array has `rows` rows like this one, a row a chunk."""
    group.create_array(
        name,
        shape=(rows, *like.shape),
        chunks=(1, *(max(1, size) for size in like.shape)),
        dtype=like.dtype,
        fill_value=np.nan if like.dtype.kind == "f" else 0,
        compressors=[ZstdCodec(level=ZSTD_LEVEL, checksum=True)],
        chunk_key_encoding={"name": "default", "separator": "."},
        dimension_names=("shard", *dims),
    )


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())


def _table(data: bytes) -> pa.Table:
    """The table that `_parquet` made a file of."""
    return pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False).cast(CANDIDATES)


def _seal(record: Record) -> str:
    content = {key: value for key, value in record.items() if key != "seal"}
    return _digest(json.dumps(content, sort_keys=True).encode())


def _read_record(file: Location) -> Record | None:
    try:
        record = json.loads(file.read())
        whole = record["seal"] == _seal(record) and file.name == f"{record['shard']:06d}.json"
        return record if whole and all(isinstance(record[key], dict) for key in ("counts", "checksums")) else None
    except UNREADABLE as error:
        raise StoreError(_cannot_read(file, error)) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _cannot_read(place: Location, error: OSError) -> str:
    return (
        f"cannot read {place}: {error.strerror or error}; mend the permission or the connection, then run the same "
        "command to go on"
    )
