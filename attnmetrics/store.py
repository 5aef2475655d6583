"""Per-shard state on disk: `shards.zarr` and, beside it, commit records and the texts behind exemplars.

    RUN/shards.zarr/state            [shard, number]            packed State; a shard is a chunk
    RUN/shards.zarr/exemplars        [shard, layer, head, rank] one array per field of Exemplars; a shard is a chunk
    RUN/shards.zarr/prefix/000007    [sentence, layer, head, pair]  blocks of shard 7, for variability
    RUN/candidates/000007.parquet    text and pieces of the sentences among shard 7's exemplars
    RUN/ranking/<digest>.npz         exemplars among some of these sentences, ranked anew in float64
    RUN/traces/<digest>.npz          attention in some of these sentences, each in the heads whose exemplar it is
    RUN/commits/000007.json          written last; only a shard that has one, with matching checksums, is ever read

A missing Zarr chunk reads as its fill value without an error: that is why commit records decide, not the arrays.
"""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from hashlib import blake2b
from io import BytesIO
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zarr
from numpy.typing import NDArray
from zarr.abc.buffer import Buffer
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.storage import MemoryStore

from attnmetrics.errors import DamageError, StoreError
from attnmetrics.statistics.exemplars import Exemplars
from attnmetrics.statistics.states import Dims, State, packed_size
from attnmetrics.statistics.traces import Traces
from attnmetrics.statistics.variability import Prefix
from attnmetrics.storage import UNREADABLE, Location, os_errors

CANDIDATES = pa.schema(
    {
        "document": pa.string(),
        "document_index": pa.int64(),
        "sentence": pa.int64(),
        "text": pa.string(),
        "pieces": pa.list_(pa.string()),
    }
)
"""A sentence that is an exemplar of some head in its shard."""

AT_ONCE = 16
"""Files that are read or written at the same time: an object store takes its time with each."""

_EXEMPLAR_PATHS = {field.name: f"exemplars/{field.name}" for field in fields(Exemplars)}

Record = dict[str, Any]
"""A commit record: shard, counts, checksums by path, and a seal over these."""


class ExemplarSentence(NamedTuple):
    """What stands in a sentence that is an exemplar."""

    document: str
    text: str
    pieces: list[str]


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
        _, layout = self._layout()
        with self._writing():
            for path, content in layout.items():
                _mend(self._zarr / path, content.to_bytes())

    def write(self, shard: int, content: ShardContent, counts: Mapping[str, Any]) -> None:
        """Write one shard, then commit it. Doing so again with the same content changes nothing, at no time.

        Raises:
            StoreError: the folder cannot be written.
        """
        rows, own = _arrays(shard, content)
        checksums = {path: _array_digest(value) for path, value in (rows | own).items()}
        candidates = _parquet(content.candidates)
        checksums["candidates"] = _digest(candidates)
        record: Record = {"shard": shard, "counts": dict(counts), "checksums": checksums}
        record["seal"] = _seal(record)
        group, files = self._layout()
        layout = set(files)
        for path, value in rows.items():
            _array(group, path)[shard] = value
        for path, value in own.items():
            _create(group, path, value, None, None)[...] = value
        with self._writing():
            with ThreadPoolExecutor(AT_ONCE) as pool:
                new = files.keys() - layout
                list(pool.map(lambda path: (self._zarr / path).write(files[path].to_bytes()), new))
            self._candidates(shard).write(candidates)
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
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(_read_record, [commits / name for name in names if name.endswith(".json")])
        records = sorted((record for record in found if record is not None), key=itemgetter("shard"))
        return {record["shard"]: record for record in records}

    def read_state(self, record: Record) -> State:
        """The state of a committed shard, checked against its record.

        Raises:
            StoreError: it is not as it was committed.
        """
        return State.unpack(self.dims, self._read(record, "state", record["shard"]))

    def read_exemplars(self, record: Record) -> Exemplars:
        """The exemplars of a committed shard, checked against its record.

        Raises:
            StoreError: they are not as they were committed.
        """
        shard = record["shard"]
        return Exemplars(**{name: self._read(record, path, shard) for name, path in _EXEMPLAR_PATHS.items()})

    def read_prefix(self, record: Record) -> Prefix:
        """The prefix blocks of a committed shard, checked.

        Raises:
            StoreError: the blocks are not those committed.
        """
        names = [field.name for field in fields(Prefix)]
        return Prefix(**{name: self._read(record, _prefix_path(record["shard"], name), ...) for name in names})

    def read_candidates(self, record: Record) -> pa.Table:
        """The sentences behind a committed shard's exemplars, checked.

        Raises:
            StoreError: the file is not the one committed.
        """
        with self._reading(record, "its sentences"):
            data = self._candidates(record["shard"]).read()
        self._check(record, "candidates", _digest(data))
        return pq.read_table(pa.BufferReader(data), schema=CANDIDATES)

    def verify(self, record: Record) -> None:
        """Read everything that a record vouches for.

        Raises:
            StoreError: something is not as it was committed.
        """
        self.read_state(record)
        self.read_exemplars(record)
        self.read_prefix(record)
        self.read_candidates(record)

    def write_ranking(self, digest: str, exemplars: Exemplars) -> None:
        """Write the exemplars among the sentences of a chunk with this digest.

        Raises:
            StoreError: the folder cannot be written.
        """
        with self._writing():
            self._ranking(digest).write(_npz(exemplars))

    def read_ranking(self, digest: str) -> Exemplars:
        """What `write_ranking` wrote.

        Raises:
            StoreError: there is none, or it is damaged.
        """
        path = self._ranking(digest)
        try:
            with np.load(BytesIO(path.read())) as arrays:
                return Exemplars(**arrays)
        except FileNotFoundError:
            raise StoreError(
                f"exemplars of {self.folder} are not ranked ({path.name} is missing); "
                "run `attnmetrics run` with the same options to go on, with --allow-missing if it may leave shards out"
            ) from None
        except Exception as error:  # foreign content fails anywhere
            raise StoreError(f"{path} is damaged ({error}); delete it and run `attnmetrics run` again") from None

    def is_ranked(self, digest: str) -> bool:
        """Whether a chunk with this digest has a readable ranking."""
        try:
            self.read_ranking(digest)
        except StoreError:
            return False
        return True

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
            with np.load(BytesIO(path.read())) as arrays:
                return Traces(**arrays)
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

    def _layout(self) -> tuple[zarr.Group, dict[str, Buffer]]:
        """The arrays in memory, without content, and the files that they consist of, by path."""
        layers, heads = self.dims.shape(("layer", "head"))
        exemplars = Exemplars.zero(layers, heads, self.exemplars)
        files: dict[str, Buffer] = {}
        group = zarr.create_group(MemoryStore(files), zarr_format=3)
        group.create_group("prefix")
        for name, path in _EXEMPLAR_PATHS.items():
            dims = ("shard", "layer", "head", "rank", "part")
            like = getattr(exemplars, name)
            _create(group, path, like, self.shards, dims[: like.ndim + 1])
        _create(group, "state", np.zeros(packed_size(self.dims)), self.shards, ("shard", "number"))
        return group, files

    def _read(self, record: Record, path: str, where: Any) -> NDArray[Any]:
        with self._reading(record, path):
            value = np.asarray(zarr.open_array(self._zarr.zarr(), path=path, mode="r", zarr_format=3)[where])
        self._check(record, path, _array_digest(value))
        return value

    def _check(self, record: Record, name: str, found: str) -> None:
        if record["checksums"].get(name) != found:
            raise self._damaged(record, f"{name} is not what was committed")

    @contextmanager
    def _reading(self, record: Record, what: str) -> Iterator[None]:
        try:
            with os_errors():
                yield
        except UNREADABLE as error:
            raise StoreError(_cannot_read(self.folder, error)) from None
        except Exception as error:  # foreign content fails anywhere
            raise self._damaged(record, f"{what}: {error}") from None

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

    def _ranking(self, digest: str) -> Location:
        return self.folder / "ranking" / f"{digest}.npz"

    def _traces(self, digest: str) -> Location:
        return self.folder / "traces" / f"{digest}.npz"

    def _candidates(self, shard: int) -> Location:
        return self.folder / "candidates" / f"{shard:06d}.parquet"


def _arrays(shard: int, content: ShardContent) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """The shard's rows of the common arrays, and the arrays that are its own, by path."""
    rows = {"state": content.state.pack()}
    rows |= {path: getattr(content.exemplars, name) for name, path in _EXEMPLAR_PATHS.items()}
    own = {_prefix_path(shard, field.name): getattr(content.prefix, field.name) for field in fields(Prefix)}
    return rows, own


def _npz(value: Exemplars | Traces) -> bytes:
    arrays = {field.name: getattr(value, field.name) for field in fields(value)}
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _mend(file: Location, content: bytes) -> None:
    """Write a file that does not hold this content."""
    try:
        if file.read() == content:
            return
    except FileNotFoundError:
        pass
    file.write(content)


def _create(group: zarr.Group, path: str, like: NDArray[Any], rows: int | None, dims: tuple[str, ...] | None) -> Any:
    """An array for `rows` values like this one, a row a chunk; or for this value alone, with `rows` None."""
    shape = like.shape if rows is None else (rows, *like.shape)
    chunks = like.shape if rows is None else (1, *like.shape)
    return group.create_array(
        path,
        shape=shape,
        chunks=tuple(max(1, size) for size in chunks),
        dtype=like.dtype,
        fill_value=np.nan if like.dtype.kind == "f" else 0,
        compressors=[ZstdCodec(level=1), Crc32cCodec()],
        chunk_key_encoding={"name": "default", "separator": "."},
        dimension_names=dims,
        config={"write_empty_chunks": True},
        overwrite=True,
    )


def _array(group: zarr.Group, path: str) -> Any:
    return group[path]


def _prefix_path(shard: int, name: str) -> str:
    return f"prefix/{shard:06d}/{name}"


def _digest(*parts: bytes | memoryview) -> str:
    state = blake2b(digest_size=16)
    for part in parts:
        state.update(part)
    return state.hexdigest()


def _array_digest(value: NDArray[Any]) -> str:
    content = np.ascontiguousarray(value)
    return _digest(f"{content.dtype.str}{content.shape}".encode(), content.tobytes())


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())


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
