"""What probes learn from, on disk: a file a shard, and beside it a commit that vouches for it.

FOLDER/000007.npz            the features of shard 7
FOLDER/commits/000007.json   written last; holds the digest of the file
"""

from dataclasses import dataclass, fields
from io import BytesIO

import numpy as np

from attnmetrics.errors import DamageError, StoreError, first_line
from attnmetrics.statistics.word_features import WordFeatures
from attnmetrics.storage import UNREADABLE, Location, os_errors, read_ahead
from attnmetrics.store.commits import Commit, Counts, digest
from attnmetrics.store.writing import writing


@dataclass(frozen=True, slots=True)
class FeatureStore:
    """The features of one treebank."""

    folder: Location

    def write(self, shard: int, first_document: int, features: WordFeatures) -> None:
        """Write a shard, then commit it. Doing so again with the same features changes nothing, at no time.

        Raises:
            StoreError: the folder cannot be written.
        """
        content = _pack(features)
        counts = Counts(sentences=len(features))
        commit = Commit(shard, first_document, counts, checksums={"features": digest(content)})
        with writing(self.folder):
            self._file(shard).write(content)
            self._commit(shard).write(commit.pack())

    def read(self, shard: int) -> WordFeatures:
        """The features of a committed shard, checked against its commit.

        Raises:
            DamageError: they are not as they were committed; the commit is taken back.
            StoreError: they cannot be read now.
        """
        try:
            with os_errors():
                content = self._file(shard).read()
                commit = Commit.unpack(self._commit(shard).read())
            if commit is None or commit.checksums.get("features") != digest(content):
                raise ValueError("not what was committed")
            return _unpack(content)
        except UNREADABLE as error:
            raise StoreError(
                f"cannot read {self.folder}: {error.strerror or error}; run the same command to go on"
            ) from None
        except Exception as error:  # foreign content fails anywhere
            with writing(self.folder):
                self._commit(shard).remove()
            raise DamageError(
                f"the features of shard {shard} in {self.folder} are damaged ({first_line(error)}); "
                "`attnmetrics probe` with the same options computes them anew"
            ) from None

    def count_sentences(self, shards: int) -> list[int]:
        """Sentences in each of the committed shards 0 … shards − 1.

        Raises:
            StoreError: one cannot be read.
        """
        try:
            with os_errors():
                commits = read_ahead(lambda shard: Commit.unpack(self._commit(shard).read()), range(shards))
                return [commit.counts.sentences if commit else 0 for commit in commits]
        except OSError as error:
            raise StoreError(
                f"cannot read {self.folder}: {error.strerror or error}; run the same command again"
            ) from None

    def find_missing(self, shards: int) -> list[int]:
        """Those of the shards 0 … shards − 1 that are not committed, or not as they were: these lose their commit."""
        present = list(read_ahead(self._is_whole, range(shards)))
        return [shard for shard, there in enumerate(present) if not there]

    def _is_whole(self, shard: int) -> bool:
        if not self._commit(shard).exists():
            return False
        try:
            self.read(shard)
        except DamageError:
            return False
        return True

    def _file(self, shard: int) -> Location:
        return self.folder / f"{shard:06d}.npz"

    def _commit(self, shard: int) -> Location:
        return self.folder / "commits" / f"{shard:06d}.json"


def _pack(features: WordFeatures) -> bytes:
    file = BytesIO()
    arrays = {field.name: getattr(features, field.name) for field in fields(features)}
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _unpack(content: bytes) -> WordFeatures:
    with np.load(BytesIO(content)) as arrays:
        return WordFeatures(**{name: array if array.ndim else array.item() for name, array in arrays.items()})
