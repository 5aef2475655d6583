"""Per claim and head the strongest pairs, a unit once, as rows that merge exactly.

Order: weight descending, then (document, sentence, i, j) ascending; of a text that occurs twice only the first in this
order counts. `keep_best(a ∪ b) == keep_best(keep_best(a) ∪ b)`: a row that a part drops has an earlier one of its text
in it, or `BEST` earlier ones of other texts, and so it does in the whole. Thus any sharding and any order of merging
give the same rows.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.errors import MergeError

BEST: Final = 3
"""Rows kept of a claim in a head."""

ROW: Final = np.dtype(
    [
        ("claim", np.int32),  # its number among the run's
        ("layer", np.int32),  # its place among the measured ones
        ("head", np.int32),
        ("weight", np.float32),  # F[i, j]
        ("document_index", np.int64),  # position of the document in the corpus
        ("sentence", np.int64),  # position of the unit in its document
        ("i", np.int32),
        ("j", np.int32),
        ("digest", np.uint64),  # of the unit's text
    ]
)
Rows = NDArray[np.void]
"""[N] of `ROW`."""

FLUSH_ROWS: Final = 1 << 15
"""`Gathering` sorts when so many wait, 1.7 MB, and as many as it has."""


def no_rows() -> Rows:
    """No evidence: the identity of merging."""
    return np.zeros(0, ROW)


def make_rows(**columns: Any) -> Rows:
    """Rows of these columns, numbers or arrays [N]."""
    rows = np.zeros(np.broadcast_shapes(*(np.shape(column) for column in columns.values())), ROW)
    for name, column in columns.items():
        rows[name] = column
    return rows


def keep_best(rows: Rows, most: int = BEST) -> Rows:
    """The best rows of each claim and head, by (claim, layer, head) and then in their order; no weight is below 0."""
    cell = _cell(rows)
    order = _sort(rows, cell)
    cell, digest = cell[order], rows["digest"][order]
    while (repeats := _repeats(cell, digest, most)).any():
        order, cell, digest = (column[~repeats] for column in (order, cell, digest))
    return rows.take(order[_ranks(cell) < most])  # quicker than rows[…], as `compress` is


class Gathering:
    """The best rows of parts that come one at a time, in bounded memory."""

    def __init__(self) -> None:
        self._best = no_rows()
        self._last = no_rows()
        self._pending: list[Rows] = []
        self._waiting = 0

    def add(self, part: Rows) -> None:
        """Take a part; what cannot be among the best is left at once."""
        kept = part.compress(_may_be_best(part, self._last))
        self._pending.append(kept)
        self._waiting += len(kept)
        if self._waiting > max(FLUSH_ROWS, len(self._best)):
            self.rows()

    def least(self, *shape: int) -> NDArray[np.float32]:
        """[claim, layer, head] what a row must weigh to be among the best; −∞ where few are known."""
        last, least = self._last, np.full(shape, -np.inf, np.float32)
        least[last["claim"], last["layer"], last["head"]] = last["weight"]
        return least

    def rows(self) -> Rows:
        """The best of all so far."""
        if self._waiting:
            self._best = keep_best(np.concatenate([self._best, *self._pending]))
            self._last = self._best.compress(rank_of(self._best) == BEST - 1)
        self._pending, self._waiting = [], 0
        return self._best


def merge_rows(parts: Iterable[Rows]) -> Rows:
    """The best rows of all parts."""
    gathering = Gathering()
    for part in parts:
        gathering.add(part)
    return gathering.rows()


def units_of(rows: Rows) -> set[tuple[int, int]]:
    """(document_index, sentence) of their units."""
    return set(zip(rows["document_index"].tolist(), rows["sentence"].tolist(), strict=True))


def pack_rows(rows: Rows) -> bytes:
    """As bytes, column by column: they compress better so."""
    return b"".join(np.ascontiguousarray(rows[name]).tobytes() for name in _names(ROW))


def unpack_rows(data: bytes) -> Rows:
    """The inverse of `pack_rows`.

    Raises:
        MergeError: the number of bytes is not that of whole rows.
    """
    number, rest = divmod(len(data), ROW.itemsize)
    if rest:
        raise MergeError(f"expected rows of {ROW.itemsize} bytes, found {len(data)} bytes")
    rows, start = np.zeros(number, ROW), 0
    for name in _names(ROW):
        kind = ROW[name]
        rows[name] = np.frombuffer(data, kind, number, start)
        start += number * kind.itemsize
    return rows


def rank_of(rows: Rows) -> NDArray[np.int64]:
    """[N] from 0, of rows in the order of `keep_best`: the distance from the first of its claim and head."""
    return _ranks(_cell(rows))


def _names(kind: np.dtype[np.void]) -> Sequence[str]:
    return kind.names or ()


def _cell(rows: Rows) -> NDArray[np.int64]:
    """[N] what a row competes in, its claim, layer and head, as one number in the same order; none is over 65,535."""
    claim, layer, head = (rows[name].astype(np.int64) for name in ("claim", "layer", "head"))
    return claim << 32 | layer << 16 | head


def _may_be_best(rows: Rows, last: Rows) -> NDArray[np.bool_]:
    """[N] whether a row is as heavy as the last of its claim and head, or theirs has none.

    Args:
        rows: those in question.
        last: of each claim and head that has `BEST` rows already, the last of these.
    """
    if not len(last):
        return np.ones(len(rows), np.bool_)
    own, cells = _cell(rows), _cell(last)
    at = np.minimum(np.searchsorted(cells, own), len(last) - 1)
    may_be: NDArray[np.bool_] = (cells[at] != own) | (rows["weight"] >= last["weight"][at])
    return may_be


def _sort(rows: Rows, cell: NDArray[np.int64]) -> NDArray[np.int64]:
    """Their places in the order of `keep_best`. Few are as heavy as another of their cell: only these are compared."""
    _, layers, heads = (int(rows[name].max(initial=0)) + 1 for name in ("claim", "layer", "head"))
    place = (cell >> 32) * (layers * heads) + (cell >> 16 & 0xFFFF) * heads + (cell & 0xFFFF)
    keys = place.astype(np.uint64) << np.uint64(32) | ~rows["weight"].view(np.uint32)
    order = np.argsort(keys)
    equal = np.diff(keys[order]) == 0
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    own = order[tied]
    order[tied] = own[np.lexsort([*(rows[name][own] for name in ("j", "i", "sentence", "document_index")), keys[own]])]
    return order


def _ranks(cell: NDArray[np.int64]) -> NDArray[np.int64]:
    """[N] from 0, the distance of each row from the first of its cell, for cells that ascend."""
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    return np.arange(len(cell)) - np.repeat(first, np.diff(first, append=len(cell)))


def _repeats(cell: NDArray[np.int64], digest: NDArray[np.uint64], most: int) -> NDArray[np.bool_]:
    """[N] rows that have the text of one of the last `most` rows before them in their cell."""
    repeats = np.zeros(len(cell), np.bool_)
    for back in range(1, most + 1):
        repeats[back:] |= (digest[back:] == digest[:-back]) & (cell[back:] == cell[:-back])
    return repeats
