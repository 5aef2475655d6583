"""α between pieces to attention between words, tile by tile.

A[u, v] is the mean over the pieces of the attending word u of the sum of F over the pieces of the attended word v; F is
α with null columns set to 0. A *map* holds the A of some words of one unit, such as those of a sentence in a window; a
word's pieces are those that it has there. Of a long unit, whose rows come in blocks, a row of a map is given once its
word's last piece was seen: no more is kept than the rows of words that two blocks share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.model.align import Pieces, ranges
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.model.units import Units

Ints = NDArray[np.int64]


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
    rows: Ints
    """[N] number of each word's attending pieces"""
    last: Ints
    """[N] the last of them, counted over all T; −1 for none"""

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
            rows=np.bincount(place[wanted], minlength=len(keys)),
            last=last,
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
class WordRows:
    """Rows of maps that a tile completes, padded."""

    place: Ints
    """[S, U] the attending word of each row; −1 where there is none, or where it goes on in the next tile"""
    first: Ints
    """[S] the place of each map's first word: column v of it is the word at `first + v`"""
    attention: Tensor
    """[S, U, head, W] A; 0 for a word's own column, and where there is no word"""


@dataclass(frozen=True, slots=True)
class _More:
    """Pieces after the first one of their words, and where they are added; no two of them at the same place."""

    of: tuple[Tensor, Tensor]
    to: tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class _Shared:
    """A word of which other tiles have pieces too."""

    place: int
    s: int
    u: int
    """its row is [s, u] of the tile"""
    words: int
    """of its map"""
    goes_on: bool
    """the next tile has pieces of it"""


@dataclass(frozen=True, slots=True)
class _TileWords:
    """Where in one tile's α [unit, head, row, column] the rows of its S maps lie; the same for every layer."""

    place: Ints
    """[S, U] see `WordRows`"""
    first: Ints
    """[S] see `WordRows`"""
    rows: tuple[Tensor, Tensor]
    """[S, U] unit and row of each attending word's first piece"""
    more_rows: Sequence[_More]
    """from unit and row to s and u"""
    columns: Tensor
    """[S, W] column of each attended word's first piece that is not null"""
    more_columns: Sequence[_More]
    """from s and column to s and column"""
    silent: Tensor
    """[S, U, 1, W] there is no word, or no column of it, or it is the attending word itself"""
    pieces: Tensor
    """[S, U, 1, 1] number of each attending word's pieces"""
    shared: Sequence[_Shared]

    def sums(self, weights: Tensor) -> Tensor:
        """[S, U, head, W] F summed over all pieces that two words have in the tile."""
        unit, row = self.rows
        by_row = weights[unit, :, row]  # [S, U, head, column]
        for more in self.more_rows:
            unit, row = more.of
            by_row[more.to] += weights[unit, :, row]
        for more in self.more_columns:
            (s, column), (_, first) = more.of, more.to
            by_row[s, :, :, first] += by_row[s, :, :, column]
        index = self.columns[:, None, None].expand(*by_row.shape[:3], -1)
        return by_row.gather(3, index).masked_fill_(self.silent, 0)


class WordReader:
    """Reads rows of maps off the tiles of a batch, which come layer by layer, in their order."""

    def __init__(self, maps: WordMaps, batch: Batch, causal: bool, device: torch.device) -> None:
        self._words = {tile: _find_words(maps, batch, tile, causal, device) for tile in batch.tiles}
        self._earlier: dict[int, Tensor] = {}

    def places(self, tile: Tile) -> tuple[Ints, Ints] | None:
        """`place` and `first` of the rows that a tile will complete (see `WordRows`); None: it has none."""
        words = self._words[tile]
        return None if words is None else (words.place, words.first)

    def read(self, tile: Tile, weights: Tensor) -> WordRows | None:
        """The rows of maps that a tile completes; None: it has none.

        Args:
            tile: the tile.
            weights: its α, [unit, head, row, column].
        """
        words = self._words[tile]
        if words is None:
            return None
        sums = words.sums(weights)
        for shared in words.shared:
            self._complete(sums[shared.s, shared.u, :, : shared.words], shared)
        return WordRows(words.place, words.first, sums.div_(words.pieces))

    def _complete(self, row: Tensor, shared: _Shared) -> None:
        """Add what earlier tiles have of a word's row [head, W]; leave the row to the next tile where it goes on."""
        if shared.place in self._earlier:
            row += self._earlier.pop(shared.place)
        if shared.goes_on:
            self._earlier[shared.place] = row.clone()
            row.zero_()


def _find_words(maps: WordMaps, batch: Batch, tile: Tile, causal: bool, device: torch.device) -> _TileWords | None:
    begin = maps.pieces.offsets[batch.rows[tile.sentence : tile.sentence + tile.count]]
    end = begin + tile.row + tile.rows
    piece = ranges(begin + tile.row, end)
    # From here on a row for each attending piece: where it lies in the tile, and which of the words `seated` it has.
    unit, row = np.divmod(np.flatnonzero(maps.attending[piece]), tile.rows)
    if not len(unit):
        return None
    seated, word = np.unique(maps.place[piece[maps.attending[piece]]], return_inverse=True)
    # Word k has row u[k] of the tile's map s[k], which is own[s[k]] of all.
    own, s = np.unique(maps.map_of(seated), return_inverse=True)
    u = _ranks(s)
    rows, more_rows = _find_rows((unit, row), word, (s, u), device)
    columns, more_columns = _find_columns(maps, own, begin, end if causal else begin + tile.length, device)
    place, first, words = _table((s, u), seated), maps.offsets[own], np.diff(maps.offsets)[own]
    itself = first[:, None, None] + np.arange(words.max()) == place[..., None]
    silent = itself | (columns < 0)[:, None] | (place < 0)[..., None]
    goes_on = maps.last[seated] >= end.max()
    return _TileWords(
        place=_table((s, u), np.where(goes_on, -1, seated)),
        first=first,
        rows=rows,
        more_rows=more_rows,
        columns=torch.from_numpy(np.maximum(columns, 0)).to(device),
        more_columns=more_columns,
        silent=torch.from_numpy(silent[:, :, None]).to(device),
        pieces=torch.from_numpy(np.maximum(maps.rows[place], 1)[..., None, None]).to(device),
        shared=[
            _Shared(int(seated[k]), int(s[k]), int(u[k]), int(words[s[k]]), bool(goes_on[k]))
            for k in np.flatnonzero(np.bincount(word) < maps.rows[seated])
        ],
    )


def _find_rows(
    at: tuple[Ints, Ints], word: Ints, seat: tuple[Ints, Ints], device: torch.device
) -> tuple[tuple[Tensor, Tensor], list[_More]]:
    """`rows` and `more_rows` of a tile.

    Args:
        at: unit and row of each attending piece.
        word: which word it has.
        seat: s and u of each word.
        device: where the indices go.
    """
    rank = _ranks(word)
    to = seat[0][word], seat[1][word]
    first = [np.maximum(_table((to[0][rank == 0], to[1][rank == 0]), index[rank == 0]), 0) for index in at]
    return _tensors(first, device), [_more(at, to, rank == k, device) for k in range(1, rank.max() + 1)]


def _find_columns(maps: WordMaps, own: Ints, begin: Ints, end: Ints, device: torch.device) -> tuple[Ints, list[_More]]:
    """`columns`, −1 where there is none, and `more_columns` of a tile.

    Args:
        maps: all maps.
        own: [S] maps that the tile has rows of.
        begin: the first piece of each of its units.
        end: one past the last piece that each unit has a column of.
        device: where the indices go.
    """
    piece = ranges(begin, end)
    column = piece - np.repeat(begin, end - begin)
    map_ = maps.map_of(maps.place[piece])
    kept = maps.attended[piece] & np.isin(map_, own)
    place, column, s = maps.place[piece[kept]], column[kept], np.searchsorted(own, map_[kept])
    rank = _ranks(place)
    start = rank == 0
    table = np.full((len(own), np.diff(maps.offsets)[own].max()), -1, np.int64)
    table[s[start], (place - maps.offsets[own][s])[start]] = column[start]
    first = table[s, place - maps.offsets[own][s]]
    return table, [_more((s, column), (s, first), rank == k, device) for k in range(1, rank.max(initial=0) + 1)]


def _more(of: tuple[Ints, Ints], to: tuple[Ints, Ints], chosen: NDArray[np.bool_], device: torch.device) -> _More:
    return _More(_tensors([index[chosen] for index in of], device), _tensors([index[chosen] for index in to], device))


def _tensors(pair: Sequence[Ints], device: torch.device) -> tuple[Tensor, Tensor]:
    first, second = (torch.from_numpy(index).to(device) for index in pair)
    return first, second


def _table(at: tuple[Ints, Ints], values: Ints) -> Ints:
    """[S, U] with values at some places (s, u), −1 elsewhere."""
    table = np.full((at[0].max() + 1, at[1].max() + 1), -1, np.int64)
    table[at] = values
    return table


def _ranks(group: Ints) -> Ints:
    """How many of the same group stand before each: 0 1 0 2 of the groups 4 4 7 4."""
    order = np.argsort(group, kind="stable")
    ascending = group[order]
    rank = np.empty_like(group)
    rank[order] = np.arange(len(group)) - np.searchsorted(ascending, ascending)
    return rank
