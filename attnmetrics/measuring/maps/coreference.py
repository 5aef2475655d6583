"""From attention between words to coreference: how often the candidate attended most is an antecedent.

Only the rows of anaphors are looked at, however long a unit is. What texts alone say is counted once a batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.measuring.counting import total_by
from attnmetrics.measuring.maps.anaphors import find_anaphors
from attnmetrics.measuring.maps.halves import HALVES, find_halves
from attnmetrics.measuring.selection import MapSample
from attnmetrics.measuring.strongest.answers import Answers, Questions
from attnmetrics.measuring.words.largest import Largest, nearness
from attnmetrics.measuring.words.maps import TileRows, WordMaps, WordReader
from attnmetrics.metrics.coreference import ANAPHOR_CLASSES, CANDIDATES, HEURISTICS
from attnmetrics.model.load import Model
from attnmetrics.model.modules.look import on_host
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.pieces.units import Units

Ints = NDArray[np.int64]

KINDS: Final = len(ANAPHOR_CLASSES)


class Coreference:
    """Coreference in the units of a shard that are mapped."""

    def __init__(self, units: Units, model: Model, sample: MapSample) -> None:
        pieces, row = units.pieces, units.pieces.row
        self.model = model
        self.half = find_halves(units, sample.seed)
        self.anaphors = find_anaphors(units, sample.rows)
        maps = np.where(np.isin(row, self.anaphors.unit), row, -1)
        base = len(units.words.word_start) + 1
        attending = np.isin(row * base + units.word, self.anaphors.unit * base + self.anaphors.word)
        self.maps = WordMaps.of(pieces, maps, units.word, units.null, attending)

    def read(self, batch: Batch) -> "CoreferenceReader":
        """A reader for these units."""
        return CoreferenceReader(self, batch)


class CoreferenceReader:
    """Coreference in the units of a batch."""

    def __init__(self, family: Coreference, batch: Batch) -> None:
        model = family.model
        self._family, self._units, self.maps = family, batch.rows, family.maps
        self.answers: Answers | None = None
        self._near = nearness(model.dtype)
        self._words = WordReader(family.maps, batch)
        self._asked = {tile: _ask(self._words.rows(tile), family) for tile in batch.tiles}
        self._counts = np.zeros((len(model.layers), 2 * len(CANDIDATES), model.heads, HALVES * KINDS))

    def add(self, layer: int, tile: Tile, weights: Tensor) -> None:
        """Add a tile (see `families.MapReader`)."""
        asked, self.answers = self._asked[tile], None
        if asked is None:
            return
        found = self._words.read(tile, on_host(weights))[asked.rows]
        mentions, words = Largest.among(found, asked.start, asked.column), Largest.of_rows(found, asked.own)
        hits = [asked.is_right(largest) for largest in (mentions, words)]
        ties = [largest.is_near_tie(self._near) for largest in (mentions, words)]
        self._counts[layer] += np.stack([*hits, *ties]).swapaxes(1, 2) @ asked.case
        self.answers = Answers(mentions.where, mentions.value, hits[0])

    def questions(self, tile: Tile) -> Questions | None:
        """For the antecedent of each anaphor, among earlier mentions (see `Answering`): all have one number."""
        asked = self._asked[tile]
        return None if asked is None else asked.questions

    def sums(self) -> Mapping[str, NDArray[np.float64]]:
        """The sums of `metrics.coreference`."""
        layers, _, heads, _ = self._counts.shape
        counts = self._counts.reshape(layers, 2, len(CANDIDATES), heads, HALVES, KINDS)
        # [layer, candidates, head, half, class] each.
        hits, ties = counts[:, 0], counts[:, 1].sum(-2)
        return {
            "coreference_hits": hits.transpose(0, 2, 3, 1, 4),
            "coreference_near_ties": ties.swapaxes(1, 2),
            **self._count(),
        }

    def _count(self) -> Mapping[str, NDArray[np.float64]]:
        """What no attention has a part in."""
        anaphors = self._family.anaphors
        own = anaphors.of_units(np.sort(self._units))
        kind, half = anaphors.kind[own], self._family.half[anaphors.unit[own]]
        lost = anaphors.unreachable_kind[np.isin(anaphors.unreachable_unit, self._units)]
        candidates = np.diff(anaphors.offsets)[own]
        found = [total_by(kind, anaphors.found[name][own], KINDS) for name in HEURISTICS]
        return {
            "coreference_anaphor_sum": total_by(half * KINDS + kind, None, HALVES * KINDS).reshape(-1, KINDS),
            "coreference_unreachable": total_by(lost, None, KINDS),
            "coreference_candidate_sum": total_by(kind, candidates.astype(np.float64), KINDS),
            "coreference_heuristic_sum": np.stack(found),
        }


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of the E words whose rows end in a tile: each is an anaphor."""

    rows: Ints
    """[E] rows of A (see `WordReader.read`)"""
    own: Ints
    """[E] column of the anaphor itself: earlier words are before it"""
    start: Ints
    """[E + 1] head words of earlier mentions have the columns column[start[e]] … column[start[e + 1] − 1]"""
    column: Ints
    right: NDArray[np.bool_]
    """[E, W] columns of antecedents"""
    case: NDArray[np.float64]
    """[E, half × class] 1 for that of the anaphor"""
    questions: Questions
    """[E]"""

    def is_right(self, largest: Largest) -> NDArray[np.bool_]:
        """[E, head] whether the largest is not 0, and an antecedent's."""
        right: NDArray[np.bool_] = (largest.value > 0) & np.take_along_axis(self.right, largest.where, axis=1)
        return right


def _ask(rows: TileRows | None, family: Coreference) -> _Asked | None:
    if rows is None or not rows.ends.any():
        return None
    maps, anaphors = family.maps, family.anaphors
    whole = np.flatnonzero(rows.ends)
    place, first = rows.place[whole], rows.first[whole]
    # A row for each anaphor: its unit and which of all it is; then for each candidate, whose it is and its column.
    unit, base = maps.unit[maps.map_of(place)], int(maps.word.max()) + 1
    which = np.searchsorted(anaphors.unit * base + anaphors.word, unit * base + maps.word[place])
    of, candidate = anaphors.candidates_of(which)
    column = maps.find(maps.map_of(place[of]), anaphors.candidate[candidate]) - first[of]
    right = np.zeros((len(whole), rows.width.max()), np.bool_)
    right[of, column] = anaphors.right[candidate]
    case = np.zeros((len(whole), HALVES * KINDS))
    case[np.arange(len(whole)), family.half[unit] * KINDS + anaphors.kind[which]] = 1
    return _Asked(
        rows=whole,
        own=place - first,
        start=np.searchsorted(of, np.arange(len(whole) + 1)),
        column=column,
        right=right,
        case=case,
        questions=Questions(np.zeros_like(whole), place, first, np.zeros(len(whole), np.bool_)),
    )
