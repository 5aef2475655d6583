"""What a location promises, be it on a disk or in an object store.

A file is there whole or not at all, and one of several processes that would replace it at once can be made to win.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

LEFTOVER_SECONDS = 300.0
"""What is half-written and older was left by a process that was killed; another may still be at work on the rest."""

UNREADABLE = (PermissionError, TimeoutError)
"""Errors of a file that may be as it was written, but cannot be had now."""

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
    def contents(self, files: Iterable[str]) -> Iterator[bytes]:
        """The contents of these files of the folder, in order.

        Raises:
            OSError: one is not there (FileNotFoundError), or cannot be read.
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
