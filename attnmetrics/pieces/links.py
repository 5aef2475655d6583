"""Linked pieces: pairs of words spread over their pieces, and pairs that the pieces' ids alone make.

All pairs are of pieces of one row, sorted by row. Here a *row* is a unit, as in `align.Pieces`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnmetrics.pieces.align import Pieces, ranges


@dataclass(frozen=True, slots=True)
class Pairs:
    """P pairs of pieces of one row each, by row."""

    offsets: NDArray[np.int64]
    """[S + 1] pairs of row s are offsets[s] … offsets[s + 1] − 1"""
    attending: NDArray[np.int32]
    """[P] piece, counted in the row"""
    attended: NDArray[np.int32]
    """[P] likewise"""
    edge: NDArray[np.int32]
    """[P] which of the link's directions; 0 where it has none"""

    @property
    def row(self) -> NDArray[np.int64]:
        """[P] the row of each pair."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


def spread(
    attending: NDArray[np.int64], attended: NDArray[np.int64], pieces: Pieces, word: NDArray[np.int64], directed: bool
) -> Pairs:
    """Links between words as links between all their pieces, as far as these are in one row.

    Example: of pieces of the words 0 0 1, the pair of words (1, 0) gives (2, 0) and (2, 1); both ways (0, 2) and (1, 2)
    too, as edge 1.

    Args:
        attending: [P] word of each pair, counted over all texts.
        attended: [P] likewise.
        pieces: the pieces of the texts.
        word: [T] the word of each piece, as `align.align` gives it; −1 for none.
        directed: give each pair both ways: as edge 0, and turned round as edge 1.
    """
    # Pieces by word: those of word w are by_word[bounds[w]] … by_word[bounds[w + 1] − 1].
    by_word = np.argsort(word, kind="stable")
    words = max([0, *(part.max() + 1 for part in (word, attending, attended) if len(part))])
    bounds = np.searchsorted(word[by_word], np.arange(words + 1))
    # A row for each pair of words and piece of the attending one …
    begin, end = bounds[attending], bounds[attending + 1]
    pair = np.repeat(np.arange(len(attending)), end - begin)
    i = by_word[ranges(begin, end)]
    # … and then for each piece of the attended one too.
    begin, end = bounds[attended[pair]], bounds[attended[pair] + 1]
    i = np.repeat(i, end - begin)
    j = by_word[ranges(begin, end)]
    together = pieces.row[i] == pieces.row[j]
    i, j = i[together], j[together]
    edge = np.zeros(len(i), dtype=np.int64)
    if directed:
        i, j, edge = np.append(i, j), np.append(j, i), np.append(edge, edge + 1)
    return _by_row(i, j, edge, pieces)


def repeated(pieces: Pieces) -> Pairs:
    """(i, j) with j < i and the same piece id, both pieces of the text."""
    i, j = _equal_pieces(pieces)
    return _by_row(i, j, np.zeros_like(i), pieces)


def inductive(pieces: Pieces) -> Pairs:
    """(i, j + 1) with j < i − 1 and the same piece id at i and j: what followed the same piece before."""
    i, j = _equal_pieces(pieces)
    kept = (j + 1 < i) & pieces.in_text[j + 1]
    i, j = i[kept], j[kept] + 1
    return _by_row(i, j, np.zeros_like(i), pieces)


def together(chosen: NDArray[np.bool_], pieces: Pieces) -> Pairs:
    """All pairs of chosen pieces of a row, each piece with itself too.

    Example: of a row whose pieces 2 and 5 are chosen, (2, 2), (2, 5), (5, 2) and (5, 5).

    Args:
        chosen: [T] a few pieces of each row.
        pieces: the pieces.
    """
    own = np.flatnonzero(chosen)
    row = pieces.row[own]
    first, end = np.searchsorted(row, row, side="left"), np.searchsorted(row, row, side="right")
    i, j = np.repeat(own, end - first), own[ranges(first, end)]
    return _by_row(i, j, np.zeros_like(i), pieces)


def _equal_pieces(pieces: Pieces) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All (later, earlier) pieces of a row's text with the same id.

    Example: ids 5 7 5 5 of one row give (2, 0), (3, 0), (3, 2).
    """
    text = np.flatnonzero(pieces.in_text)
    order = text[np.lexsort((text, pieces.ids[text], pieces.row[text]))]
    row, ids = pieces.row[order], pieces.ids[order]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (row[1:] != row[:-1]) | (ids[1:] != ids[:-1])
    # Equal pieces of a row stand side by side now: each is paired with all from the first of its like to itself.
    first = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    before = np.arange(len(order)) - first
    return np.repeat(order, before), order[ranges(first, first + before)]


def _by_row(i: NDArray[np.int64], j: NDArray[np.int64], edge: NDArray[np.int64], pieces: Pieces) -> Pairs:
    """Pairs of pieces, counted over all rows, in the order of their rows, and within these as they come."""
    row = pieces.row[i]
    order = np.argsort(row, kind="stable")
    row = row[order]
    start = pieces.offsets[row]
    return Pairs(
        offsets=np.searchsorted(row, np.arange(len(pieces.offsets))),
        attending=(i[order] - start).astype(np.int32),
        attended=(j[order] - start).astype(np.int32),
        edge=edge[order].astype(np.int32),
    )
