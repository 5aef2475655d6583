"""The sums of importance on disk: a file a shard, in a folder of all that they depend on.

    RUN/importance/<digest>/000007.zst      packed State of shard 7, after a line with its checksum

A file is written whole in one step, and one that is not what was written counts as none: its shard is measured again.
"""

from dataclasses import dataclass

import numpy as np
from zstandard import ZstdCompressor, ZstdDecompressor

from attnmetrics.errors import StoreError
from attnmetrics.metrics.importance import Layout
from attnmetrics.statistics.states import State
from attnmetrics.storage import UNREADABLE, Location
from attnmetrics.store.commits import digest
from attnmetrics.store.writing import writing

FOLDER = "importance"
LEVEL = 1


@dataclass(frozen=True, slots=True)
class ImportanceStore:
    """The sums of importance of one run and one way of measuring it."""

    folder: Location
    """the run's"""
    layout: Layout

    def write(self, shard: int, state: State) -> None:
        """Commit a shard. Doing so again with the same sums changes nothing.

        Raises:
            StoreError: the folder cannot be written.
        """
        content = ZstdCompressor(LEVEL).compress(state.pack().tobytes())
        with writing(self.folder):
            self._file(shard).write(self._checksum(shard, content) + content)

    def read(self, shard: int) -> State | None:
        """The sums of a shard; None where there are none, or not as they were written.

        Raises:
            StoreError: they cannot be read now.
        """
        file = self._file(shard)
        try:
            line, _, content = file.read().partition(b"\n")
            if line + b"\n" != self._checksum(shard, content):
                return None
            return State.unpack(self.layout, np.frombuffer(ZstdDecompressor().decompress(content), np.float64))
        except UNREADABLE as error:
            raise StoreError(
                f"cannot read {file}: {error.strerror or error}; mend the permission or the connection, then run the "
                "same command to go on"
            ) from None
        except Exception:  # foreign content fails anywhere
            return None

    def _checksum(self, shard: int, content: bytes) -> bytes:
        """A line, of the shard too: a file that is another's is none."""
        return digest(f"{self.layout.digest},{shard},".encode() + content).encode() + b"\n"

    def _file(self, shard: int) -> Location:
        return self.folder / FOLDER / self.layout.digest / f"{shard:06d}.zst"
