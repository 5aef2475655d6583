"""Where a run's files are: a local folder or a prefix of an object store, with the same promises for both.

A file is there whole or not at all, and one of several processes that would replace it at once can be made to win.
"""

import errno
import fcntl
import os
import re
import shutil
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from hashlib import blake2b
from io import SEEK_CUR, SEEK_END, SEEK_SET, BufferedReader, RawIOBase
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from attnmetrics.errors import ConfigError

if TYPE_CHECKING:
    from zarr.abc.store import Store as ZarrStore

SCHEMES = ("s3", "gs")
"""Object stores that a URL may name."""

PATIENCE_SECONDS = 60
"""How long a request to an object store is repeated before it counts as failed."""

REQUEST_BYTES = 1 << 18
"""The least that is fetched of an object that is read in parts."""

LEFTOVER_SECONDS = 300.0
"""What is half-written and older was left by a process that was killed; another may still be at work on the rest."""

AT_ONCE = 16
"""Files that are read or written at the same time: an object store takes its time with each."""

UNREADABLE = (PermissionError, TimeoutError)
"""Errors of a file that may be as it was written, but cannot be had now."""

_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{32}|.+\.[0-9a-f]{32}\.partial")
"""Names of what is being written, here and by Zarr."""

Item = TypeVar("Item")
Value = TypeVar("Value")

Version = str
"""Tells one content of a file from another."""


class Location(ABC):
    """A file or a folder."""

    @abstractmethod
    def __truediv__(self, name: str) -> "Location":
        """What has this name in the folder."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The last part of the path."""

    @property
    @abstractmethod
    def parent(self) -> "Location":
        """The folder that this is in."""

    @abstractmethod
    def absolute(self) -> "Location":
        """The same location, named independently of the working folder."""

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is a file here, or a folder that holds something.

        Raises:
            OSError: it cannot be told.
        """

    @abstractmethod
    def names(self) -> list[str]:
        """What the folder holds, sorted, its folders too; nothing where there is no folder.

        Raises:
            OSError: the folder cannot be read.
        """

    @abstractmethod
    def files(self) -> list[str]:
        """Paths of all files in the folder and below, sorted; nothing where there is no folder.

        Raises:
            OSError: the folder cannot be read.
        """

    @abstractmethod
    def read(self) -> bytes:
        """The file's content.

        Raises:
            OSError: there is none (FileNotFoundError), or it cannot be read.
        """

    @abstractmethod
    def open(self) -> BinaryIO:
        """The file, to read parts of it.

        Raises:
            OSError: there is none (FileNotFoundError), or it cannot be read.
        """

    @abstractmethod
    def write(self, content: bytes) -> None:
        """Put this content in the file's place in one step.

        Raises:
            OSError: no space, no permission, no answer; the file is then as it was.
        """

    @abstractmethod
    def write_folder(self, fill: Callable[[Path], object]) -> None:
        """Have `fill` fill a local folder, then put it in this one's place: in one step only where this is local.

        Raises:
            OSError: no space, no permission, no answer.
        """

    @abstractmethod
    def remove(self) -> None:
        """Remove the file, if there is one.

        Raises:
            OSError: no permission, no answer.
        """

    @abstractmethod
    def sweep(self) -> None:
        """Remove what killed processes left half-written beside this file and below, `LEFTOVER_SECONDS` before it."""

    @abstractmethod
    def version(self) -> tuple[bytes, Version] | None:
        """The file's content and version; None where there is no file.

        Raises:
            OSError: it cannot be read.
        """

    @abstractmethod
    def replace(self, content: bytes, version: Version | None) -> Version | None:
        """Write the file if it still has this version (None: if there is none); of several that try, one succeeds.

        A version may be that of the content alone: let no content come twice.

        Returns:
            the new version; None if the file has another one.

        Raises:
            OSError: no space, no permission, no answer.
        """

    @abstractmethod
    def zarr(self) -> "ZarrStore":
        """The folder as a Zarr store; to be used within `os_errors()`."""


def read_ahead(read: Callable[[Item], Value], items: Iterable[Item], at_once: int = AT_ONCE) -> Iterator[Value]:
    """What `read` gives for each item, in order; up to `at_once` are read at the same time, no more are held."""
    if at_once == 1:
        yield from map(read, items)
        return
    with ThreadPoolExecutor(at_once) as pool:
        reading: deque[Future[Value]] = deque()
        for item in items:
            reading.append(pool.submit(read, item))
            if len(reading) == at_once:
                yield reading.popleft().result()
        while reading:
            yield reading.popleft().result()


def locate(place: "str | os.PathLike[str] | Location") -> Location:
    """A path, or a URL such as `s3://bucket/runs/gpt2`, as a location.

    Raises:
        ConfigError: the URL is not of a kind that can hold a run.
    """
    if isinstance(place, Location):
        return place
    text = os.fspath(place)
    if text.startswith("file://"):
        return LocalLocation(Path(unquote(urlsplit(text).path)))
    if not re.match(r"\w+:/", text) and text:
        return LocalLocation(Path(text))
    scheme, _, rest = text.rstrip("/").partition("://")
    parts = rest.split("/")
    if scheme not in SCHEMES or len(parts) < 2 or not all(map(_is_plain, parts)):
        known = " or ".join(f"{scheme}://bucket/folder" for scheme in SCHEMES)
        raise ConfigError(
            f"expected the path of a folder, or a URL such as {known}, of letters, digits and -_.=+@~ ; found {text!r}"
        )
    return ObjectLocation(f"{scheme}://{rest}")


def _is_plain(part: str) -> bool:
    """Whether every library takes this part of a URL for the same name."""
    return part not in (".", "..") and re.fullmatch(r"[\w.=+@~-]+", part) is not None


@dataclass(frozen=True, slots=True)
class LocalLocation(Location):
    """A path."""

    path: Path

    def __truediv__(self, name: str) -> Location:
        """See `Location`."""
        return LocalLocation(self.path / name)

    def __str__(self) -> str:
        return str(self.path)

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """See `Location`."""
        return self.path.name

    @property
    def parent(self) -> Location:
        """See `Location`."""
        return LocalLocation(self.path.parent)

    def absolute(self) -> Location:
        """See `Location`."""
        return LocalLocation(self.path.absolute())

    def exists(self) -> bool:
        """See `Location`."""
        return self.path.is_file() or bool(self.names())

    def names(self) -> list[str]:
        """See `Location`."""
        try:
            return sorted(entry.name for entry in self.path.iterdir())
        except FileNotFoundError:
            return []

    def files(self) -> list[str]:
        """See `Location`."""
        return sorted(path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if path.is_file())

    def read(self) -> bytes:
        """See `Location`."""
        return self.path.read_bytes()

    def open(self) -> BinaryIO:
        """See `Location`."""
        return self.path.open("rb")

    def write(self, content: bytes) -> None:
        """See `Location`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._temporary()
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)

    def write_folder(self, fill: Callable[[Path], object]) -> None:
        """See `Location`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh, stale = self._temporary(), self._temporary()
        try:
            fresh.mkdir()
            fill(fresh)
            if self.path.exists():
                self.path.rename(stale)
            fresh.rename(self.path)
        finally:
            for folder in (fresh, stale):
                shutil.rmtree(folder, ignore_errors=True)

    def remove(self) -> None:
        """See `Location`."""
        self.path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """See `Location`. Ages are told by the file system's clock alone."""
        for folder, folders, files in os.walk(self.path.parent):
            for path in [Path(folder, name) for name in (*folders, *files) if _LEFTOVER.fullmatch(name)]:
                with suppress(OSError):
                    if self.path.stat().st_mtime - path.stat().st_mtime > LEFTOVER_SECONDS:
                        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def version(self) -> tuple[bytes, Version] | None:
        """See `Location`."""
        try:
            content = self.read()
        except FileNotFoundError:
            return None
        return content, _digest(content)

    def replace(self, content: bytes, version: Version | None) -> Version | None:
        """See `Location`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._temporary("lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = self.version()
            if (found and found[1]) != version:
                return None
            self.write(content)
        return _digest(content)

    def zarr(self) -> "ZarrStore":
        """See `Location`."""
        from zarr.storage import LocalStore

        return LocalStore(self.path)

    def _temporary(self, kind: str | None = None) -> Path:
        return self.path.with_name(f".{self.path.name}.{kind or uuid4().hex}")


@dataclass(frozen=True, slots=True)
class ObjectLocation(Location):
    """A key or a prefix of an object store; credentials and endpoint come from the environment."""

    url: str

    def __truediv__(self, name: str) -> Location:
        """See `Location`."""
        return ObjectLocation(f"{self.url}/{name}")

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """See `Location`."""
        return PurePosixPath(self._key).name

    @property
    def parent(self) -> Location:
        """See `Location`."""
        return ObjectLocation(self.url.rpartition("/")[0])

    def absolute(self) -> Location:
        """See `Location`."""
        return self

    def exists(self) -> bool:
        """See `Location`."""
        try:
            with os_errors():
                self._bucket.head(self._key)
        except FileNotFoundError:
            return bool(self.names())
        return True

    def names(self) -> list[str]:
        """See `Location`."""
        with os_errors():
            found = self._bucket.list_with_delimiter(f"{self._key}/")
        paths = [*found["common_prefixes"], *(item["path"] for item in found["objects"])]
        return sorted(PurePosixPath(path).name for path in paths)

    def files(self) -> list[str]:
        """See `Location`."""
        start = f"{self._key}/"
        with os_errors():
            return sorted(item["path"].removeprefix(start) for items in self._bucket.list(start) for item in items)

    def read(self) -> bytes:
        """See `Location`."""
        with os_errors():
            return bytes(self._bucket.get(self._key).bytes())

    def open(self) -> BinaryIO:
        """See `Location`."""
        with os_errors():
            size = self._bucket.head(self._key)["size"]
        return cast(BinaryIO, BufferedReader(_Object(self._bucket, self._key, size), REQUEST_BYTES))

    def write(self, content: bytes) -> None:
        """See `Location`."""
        with os_errors():
            self._bucket.put(self._key, content)

    def write_folder(self, fill: Callable[[Path], object]) -> None:
        """See `Location`."""
        with TemporaryDirectory() as name:
            folder = Path(name)
            fill(folder)
            files = LocalLocation(folder).files()
            with os_errors():
                for file in files:
                    self._bucket.put(f"{self._key}/{file}", folder / file, attributes=_attributes(file))
                stale = set(self.files()).difference(files)
                self._bucket.delete([f"{self._key}/{file}" for file in sorted(stale)])

    def remove(self) -> None:
        """See `Location`."""
        with os_errors(), suppress(FileNotFoundError):
            self._bucket.delete(self._key)

    def sweep(self) -> None:
        """See `Location`. An object is written whole or not at all."""

    def version(self) -> tuple[bytes, Version] | None:
        """See `Location`."""
        try:
            with os_errors():
                found = self._bucket.get(self._key)
                return bytes(found.bytes()), str(found.meta["e_tag"])
        except FileNotFoundError:
            return None

    def replace(self, content: bytes, version: Version | None) -> Version | None:
        """See `Location`."""
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        mode: Any = "create" if version is None else {"e_tag": version}
        try:
            with os_errors():
                return str(self._bucket.put(self._key, content, mode=mode)["e_tag"])
        except (AlreadyExistsError, PreconditionError):
            return None

    def zarr(self) -> "ZarrStore":
        """See `Location`."""
        from zarr.storage import ObjectStore

        return ObjectStore(_store(self.url))

    @property
    def _bucket(self) -> Any:
        scheme, _, rest = self.url.partition("://")
        return _store(f"{scheme}://{rest.partition('/')[0]}")

    @property
    def _key(self) -> str:
        return self.url.partition("://")[2].partition("/")[2]


class _Object(RawIOBase):
    """An object whose parts are fetched when they are read."""

    def __init__(self, bucket: Any, key: str, size: int) -> None:
        self._bucket, self._key, self._size = bucket, key, size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        self._position = offset + {SEEK_SET: 0, SEEK_CUR: self._position, SEEK_END: self._size}[whence]
        return self._position

    def readinto(self, buffer: Any) -> int:
        length = max(0, min(len(buffer), self._size - self._position))
        if length:
            with os_errors():
                part = self._bucket.get_range(self._key, start=self._position, length=length)
            buffer[:length] = bytes(part)
            self._position += length
        return length


@contextmanager
def os_errors() -> Iterator[None]:
    """Errors of an object store as the OSError that a disk would raise; lost races stay what they are."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) or not type(error).__module__.startswith("obstore"):
            raise
        name = type(error).__name__
        if name in ("AlreadyExistsError", "PreconditionError"):
            raise
        if name == "NotFoundError":
            raise FileNotFoundError(errno.ENOENT, _reason(error)) from error
        denied = name in ("PermissionDeniedError", "UnauthenticatedError")
        raise OSError(errno.EACCES if denied else errno.ETIMEDOUT, _reason(error)) from error


def _reason(error: Exception) -> str:
    """An object store's answer without its markup."""
    return str(error).partition("<?xml")[0].partition("\n")[0].strip(" :")


def _attributes(file: str) -> dict[str, str]:
    """What a browser must know of a file that it is given from an object store."""
    types = {".html": "text/html; charset=utf-8", ".csv": "text/csv; charset=utf-8"}
    suffix = PurePosixPath(file).suffix
    return {"Content-Type": types[suffix]} if suffix in types else {}


@cache
def file_system(scheme: str) -> Any:
    """The fsspec file system of an object store, for what reads files by fsspec."""
    from obstore import fsspec

    store: Any = fsspec.FsspecStore
    return store(scheme, **_access())


@cache
def _store(url: str) -> Any:
    from obstore.store import from_url

    return from_url(url, **_access())


def _access() -> dict[str, Any]:
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    return {
        "client_options": {"allow_http": endpoint.startswith("http://")},
        "retry_config": {"max_retries": 8, "retry_timeout": timedelta(seconds=PATIENCE_SECONDS)},
    }


def _digest(content: bytes) -> Version:
    return blake2b(content, digest_size=16).hexdigest()
