"""α between pieces to attention between words, tile by tile.

A[u, v] is the mean over the pieces of the attending word u of the sum of F over the pieces of the attended word v; F is
α with null columns set to 0. A *map* holds the A of some words of one unit, such as those of a sentence in a window; a
word's pieces are those that it has there. Of a long unit, whose rows come in blocks, a row of a map is given once its
word's last piece was seen: no more is kept than the rows of words that two blocks share.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from attnmetrics.measuring.words import loops
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.pieces.align import Pieces, ranges
from attnmetrics.pieces.units import Units

Ints = NDArray[np.int64]


class Words(NamedTuple):
    """The pieces of N words: those of the word at place w are piece[start[w]] … piece[start[w + 1] − 1].

    Example: of two units with the words 0 0 1 | 2, these are 0 1 2 0, and start is 0 2 3 4.
    """

    start: Ints
    """[N + 1]"""
    piece: Ints
    """counted in the unit"""
    word: Ints
    """the place of each piece's word"""

    @classmethod
    def of(cls, pieces: Pieces, place: Ints, words: int, chosen: NDArray[np.bool_]) -> "Words":
        """The pieces [T] that are chosen, whose words have these places [T]."""
        piece = np.flatnonzero(chosen)
        piece = piece[np.argsort(place[piece], kind="stable")]
        start = np.searchsorted(place[piece], np.arange(words + 1))
        return cls(start, piece - pieces.offsets[pieces.row[piece]], place[piece])


@dataclass(frozen=True, slots=True)
class WordMaps:
    """K maps between words, each within one unit; N words in all maps, each with a piece at least.

    Words stand in the order of maps and, within a map, of their numbers: a word's place among the N is its *place*.
    """

    pieces: Pieces
    offsets: Ints
    """[K + 1] words of map k have the places offsets[k] … offsets[k + 1] − 1"""
    word: Ints
    """[N] what each word was called when the maps were made, such as its number among all annotated words"""
    unit: Ints
    """[K] the unit of each map; −1 for one without a word"""
    place: Ints
    """[T] the place of each piece's word; −1 for pieces of no map"""
    attending: NDArray[np.bool_]
    """[T] pieces whose rows are wanted"""
    attended: NDArray[np.bool_]
    """[T] pieces whose columns are not null"""
    last: Ints
    """[N] the last attending piece of each word, counted over all T; −1 for none"""
    senders: Words
    """attending pieces"""
    receivers: Words
    """attended pieces"""

    @classmethod
    def of(
        cls, pieces: Pieces, maps: Ints, word: Ints, null: NDArray[np.bool_], attending: NDArray[np.bool_] | None = None
    ) -> "WordMaps":
        """The maps between these pieces' words.

        Args:
            pieces: T pieces.
            maps: [T] which map, from 0 in the order of units, each piece is in; −1 for none.
            word: [T] the word of each piece, any number from 0; −1 for none.
            null: [T] columns that are set to 0.
            attending: [T] pieces whose rows are wanted; unset, all. A word's have all of them or none.

        Example: two maps of the words 7 7 8 | 8 9 have the places 0 0 1 | 2 3.
        """
        inside = (maps >= 0) & (word >= 0)
        base = int(word.max(initial=0)) + 1
        keys, place_inside = np.unique(maps[inside] * base + word[inside], return_inverse=True)
        place = np.full(len(word), -1, np.int64)
        place[inside] = place_inside
        wanted = inside if attending is None else inside & attending
        unit = np.full(int(maps.max(initial=-1)) + 1, -1, np.int64)
        unit[maps[inside]] = pieces.row[inside]
        last = np.full(len(keys), -1, np.int64)
        last[place[wanted]] = np.flatnonzero(wanted)  # of a word's pieces, the last one is written last
        return cls(
            pieces=pieces,
            offsets=np.searchsorted(keys, base * np.arange(len(unit) + 1)),
            word=keys % base,
            unit=unit,
            place=place,
            attending=wanted,
            attended=inside & ~null,
            last=last,
            senders=Words.of(pieces, place, len(keys), wanted),
            receivers=Words.of(pieces, place, len(keys), inside & ~null),
        )

    def map_of(self, places: Ints) -> Ints:
        """The map of each place."""
        return np.searchsorted(self.offsets, places, side="right") - 1

    def find(self, maps: Ints, words: Ints) -> Ints:
        """The place of each word, of any shape, in a map; −1 where it has no piece there."""
        base = int(max(self.word.max(initial=0), words.max(initial=0))) + 1
        keys = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets)) * base + self.word
        found = np.searchsorted(keys, maps * base + words)
        there = (found < len(keys)) & (words >= 0) & (maps >= 0)
        there[there] = keys[found[there]] == (maps * base + words)[there]
        return np.where(there, found, -1)


def map_sentences(units: Units, rows: Ints) -> WordMaps:
    """The maps of some units' sentences: one of each sentence that has a word with a piece there, in their order.

    Args:
        units: the units.
        rows: those that are mapped.
    """
    pieces, row = units.pieces, units.pieces.row
    kept = np.flatnonzero(np.isin(row, rows) & (units.word >= 0))
    keys = row[kept] * len(units.words) + units.words.word_row[units.word[kept]]
    maps = np.full(len(row), -1, np.int64)
    maps[kept] = np.unique(keys, return_inverse=True)[1]
    return WordMaps.of(pieces, maps, units.word, units.null)


@dataclass(frozen=True, slots=True)
class TileRows:
    """The R words that have attending pieces in a tile; the same for every layer."""

    place: Ints
    """[R] ascending"""
    unit: Ints
    """[R] unit of the tile"""
    first: Ints
    """[R] the place of the first word of each one's map: column v of its row is the word at `first + v`"""
    width: Ints
    """[R] words of its map"""
    end: Ints
    """[R] one past the last piece that the tile has of its unit, counted over all T"""
    ends: NDArray[np.bool_]
    """[R] the next tile has no pieces of it"""
    cut: Ints
    """rows of words of which other tiles have pieces too"""
    of_block: bool
    """the tile is a block of the rows of a long unit"""

    @classmethod
    def of(cls, maps: WordMaps, batch: Batch, tile: Tile) -> "TileRows | None":
        """None where there is no such word."""
        begin = maps.pieces.offsets[batch.rows[tile.sentence : tile.sentence + tile.count]] + tile.row
        piece = ranges(begin, begin + tile.rows)
        seated = np.flatnonzero(maps.attending[piece])
        if not len(seated):
            return None
        # A row for each word: its place, one of its pieces, how many it has here.
        place, index, pieces = np.unique(maps.place[piece[seated]], return_index=True, return_counts=True)
        map_, unit = maps.map_of(place), seated[index] // tile.rows
        end = (begin + tile.rows)[unit]
        return cls(
            place=place,
            unit=unit,
            first=maps.offsets[map_],
            width=np.diff(maps.offsets)[map_],
            end=end,
            ends=maps.last[place] < end,
            cut=np.flatnonzero(pieces < np.diff(maps.senders.start)[place]),
            of_block=tile.rows < tile.length,
        )

    def find(self, places: Ints) -> Ints:
        """The row of each of these words; −1 where it has none, or goes on in the next tile."""
        at = np.minimum(np.searchsorted(self.place, places), len(self.place) - 1)
        return np.where((self.place[at] == places) & self.ends[at], at, -1)


class WordReader:
    """Reads rows of maps off the tiles of a batch, which come layer by layer, in their order."""

    def __init__(self, maps: WordMaps, batch: Batch) -> None:
        self._maps = maps
        self._rows = {tile: TileRows.of(maps, batch, tile) for tile in batch.tiles}
        self._earlier: dict[int, NDArray[Any]] = {}

    def rows(self, tile: Tile) -> TileRows | None:
        """The words of a tile."""
        return self._rows[tile]

    def read(self, tile: Tile, alpha: NDArray[Any]) -> NDArray[Any]:
        """A of the R words of a tile that has some, [R, head, W].

        0 for a word's own column, and beyond its map; rows that do not end in this tile are not yet whole.
        """
        rows, maps = self._rows[tile], self._maps
        assert rows is not None
        found = np.zeros((len(rows.place), alpha.shape[1], rows.width.max()), alpha.dtype)
        loops.add_words(
            alpha, tile.row, rows.unit, rows.place, rows.first, rows.width, maps.senders, maps.receivers, found
        )
        for row in rows.cut.tolist():
            own = found[row, :, : rows.width[row]]
            self._complete(own, int(rows.place[row]), bool(rows.ends[row]))
        return found

    def _complete(self, row: NDArray[Any], place: int, ends: bool) -> None:
        """Add what earlier tiles have of a word's row [head, W], and leave it to the next one where it goes on."""
        if place in self._earlier:
            row += self._earlier.pop(place)
        if not ends:
            self._earlier[place] = row.copy()
