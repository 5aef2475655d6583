"""A path on a disk."""

import errno
import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from attnmetrics.storage import location
from attnmetrics.storage.location import Location, Version

_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{32}|.+\.[0-9a-f]{32}\.partial")
"""Names of what is being written, here and by Zarr."""


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

    def exists(self) -> bool:
        """See `Location`."""
        try:
            return self.path.is_file() or bool(self.names())
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return False
            raise

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

    def contents(self, files: Iterable[str]) -> Iterator[bytes]:
        """See `Location`. A disk gives a small file in less time than a thread takes to ask for it."""
        return ((self / file).read() for file in files)

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
                    if self.path.stat().st_mtime - path.stat().st_mtime > location.LEFTOVER_SECONDS:
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

    def _temporary(self, kind: str | None = None) -> Path:
        return self.path.with_name(f".{self.path.name}.{kind or uuid4().hex}")


def _digest(content: bytes) -> Version:
    return blake2b(content, digest_size=16).hexdigest()
