"""A key or a prefix of an object store."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from io import SEEK_CUR, SEEK_END, SEEK_SET, BufferedReader, RawIOBase
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, cast

from attnmetrics.storage.ahead import AT_ONCE, read_ahead
from attnmetrics.storage.local import LocalLocation
from attnmetrics.storage.location import Location, Version

PATIENCE_SECONDS = 60
"""How long a request to an object store is repeated before it counts as failed."""

REQUEST_BYTES = 1 << 18
"""The least that is fetched of an object that is read in parts."""


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

    def contents(self, files: Iterable[str]) -> Iterator[bytes]:
        """See `Location`. Several are fetched at a time."""
        return read_ahead(lambda file: (self / file).read(), files)

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
                with ThreadPoolExecutor(AT_ONCE) as pool:
                    list(pool.map(lambda file: self._put(file, folder / file), files))
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

    def _put(self, file: str, content: Path) -> None:
        """Put a local file in the place that this prefix has for `file`."""
        self._bucket.put(f"{self._key}/{file}", content, attributes=_attributes(file))

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
