"""A sample of units that depends on nothing but the corpus and a seed.

Each unit has a hash (`sample_hash`); a sample of n are the n units with the smallest (hash, document_index, sentence).
No order of reading, shard size or number of workers has a part in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

SampleKeys = tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]
"""Hash, document_index and position of some units."""


def sample_hash(seed: int, document: str, *position: int) -> int:
    """The hash by which everything is sampled: units, rows of units, halves of the corpus.

    Blake2b (8 bytes, as a little-endian unsigned number) of the UTF-8 text `seed,position,document` for a unit, of
    `seed,position,row,document` for a row of it, of `seed,document` for a document, whose half of the corpus is the
    parity. Positions count from 0, a unit's in its document; the document's id comes last, for it may hold commas.

    >>> sample_hash(0, "a")
    3265176130236206208
    >>> sample_hash(0, "a", 5)
    9079743433395453357
    >>> sample_hash(0, "a", 5, 2)
    2494502697328033451
    """
    text = ",".join([str(seed), *map(str, position), document])
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def sample_hashes(seed: int, documents: Sequence[str], positions: NDArray[np.int64]) -> NDArray[np.uint64]:
    """`sample_hash` of S units: ids [S], positions [S] -> [S]."""
    pairs = zip(documents, positions.tolist(), strict=True)
    return np.fromiter((sample_hash(seed, *pair) for pair in pairs), np.uint64, len(documents))


def equal_share(limit: int | None, shards: int, units: int) -> int | None:
    """How many units, at most, each of the shards gives to a sample of no more than `limit`; None for all it has.

    >>> equal_share(20, shards=3, units=100)
    6
    >>> equal_share(20, shards=3, units=20) is None
    True
    """
    return None if limit is None or units <= limit else limit // shards


def smallest(
    hashes: NDArray[np.uint64], document_index: NDArray[np.int64], sentence: NDArray[np.int64], n: int
) -> NDArray[np.bool_]:
    """[S] True for the n smallest by (hash, document_index, sentence); all, where there are no more than n."""
    chosen = np.zeros(len(hashes), bool)
    chosen[np.lexsort((sentence, document_index, hashes))[:n]] = True
    return chosen


@dataclass(frozen=True, slots=True)
class Selection:
    """Which sentences are in a sample: those up to the last key, (hash, document_index, sentence)."""

    number: int
    """Sentences in the sample."""
    last: tuple[int, int, int] | None
    """The largest key of the sample; None: every sentence is in it."""

    def selects(
        self, hashes: NDArray[np.uint64], document_index: NDArray[np.int64], sentence: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """[S] True for the sentences in the sample."""
        if self.last is None:
            return np.ones(len(hashes), bool)
        key, document, position = self.last
        bound = np.uint64(key)
        in_document = (document_index < document) | ((document_index == document) & (sentence <= position))
        return np.asarray((hashes < bound) | ((hashes == bound) & in_document), bool)


class Sampler:
    """Finds the n smallest keys of a stream, shard by shard in any order, in memory for O(n + shard) keys."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.seen = 0
        """Keys added so far."""
        self.held = 0
        """Keys in memory."""
        self._keys: list[SampleKeys] = []

    def add(self, hashes: NDArray[np.uint64], document_index: NDArray[np.int64], sentence: NDArray[np.int64]) -> None:
        """Takes the keys of S sentences, each array [S]."""
        self.seen += len(hashes)
        self._keys.append((hashes, document_index, sentence))
        self.held += len(hashes)
        if self.held > 2 * self.n:
            self._keep_smallest()

    def selection(self) -> Selection:
        """The sample among all sentences added so far."""
        if self.seen <= self.n:
            return Selection(self.seen, None)
        if not self.n:
            return Selection(0, (0, -1, -1))
        hashes, document_index, sentence = self._keep_smallest()
        last = np.lexsort((sentence, document_index, hashes))[-1]
        return Selection(self.n, (int(hashes[last]), int(document_index[last]), int(sentence[last])))

    def _keep_smallest(self) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
        hashes, document_index, sentence = (np.concatenate(parts) for parts in zip(*self._keys, strict=True))
        rows = smallest(hashes, document_index, sentence, self.n)
        kept = (hashes[rows], document_index[rows], sentence[rows])
        self._keys, self.held = [kept], len(kept[0])
        return kept
