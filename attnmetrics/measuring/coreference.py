"""From attention between words to coreference: how often the candidate attended most is an antecedent.

Only the rows of anaphors are looked at, however long a unit is. What texts alone say is counted once a batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.measuring.anaphors import find_anaphors
from attnmetrics.measuring.answers import Answers, Questions, Words
from attnmetrics.measuring.counting import total_by
from attnmetrics.measuring.halves import HALVES, find_halves
from attnmetrics.measuring.largest import NEAR, NEAR_BFLOAT16, Largest
from attnmetrics.measuring.selection import MapSample
from attnmetrics.measuring.word_maps import WordMaps, WordReader
from attnmetrics.metrics.coreference import ANAPHOR_CLASSES, CANDIDATES, HEURISTICS
from attnmetrics.model.load import Model
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.model.units import Units

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
        self.words = Words.both(self.maps)

    def read(self, batch: Batch) -> "CoreferenceReader":
        """A reader for these units."""
        return CoreferenceReader(self, batch)


class CoreferenceReader:
    """Coreference in the units of a batch."""

    def __init__(self, family: Coreference, batch: Batch) -> None:
        model = family.model
        self._family, self._units = family, batch.rows
        self.maps, self.words = family.maps, family.words
        self.answers: Sequence[Answers] = ()
        self._near = NEAR_BFLOAT16 if model.dtype == torch.bfloat16 else NEAR
        self._reader = WordReader(family.maps, batch, model.attends.causal, model.device)
        self._answers = {tile: self._find_answers(tile) for tile in batch.tiles}
        shape = (len(model.layers), 2 * len(CANDIDATES), model.heads, HALVES * KINDS)
        self._counts = torch.zeros(shape, dtype=torch.float64, device=model.device)

    def add(self, layer: int, tile: Tile, weights: Tensor) -> None:
        """Add a tile (see `maps.MapReader`)."""
        rows, answers = self._reader.read(tile, weights), self._answers[tile]
        self.answers = ()
        if rows is None or answers is None:
            return
        mentions = Largest.of(_columns(rows.attention, answers.mentions), -1)
        words = Largest.of(rows.attention.masked_fill(answers.later, 0), -1)
        found = (_is_right(mentions, answers.right_mentions), _is_right(words, answers.right_words))
        ties = (largest.is_near_tie(self._near) for largest in (mentions, words))
        self._counts[layer] += answers.by_case(torch.stack([*found, *ties]))
        self.answers = [answers.among_mentions(mentions, found[0])]

    def questions(self, tile: Tile) -> Sequence[Questions]:
        """For the antecedent of each anaphor, among earlier mentions (see `Answering`): all have one number."""
        answers = self._answers[tile]
        return [answers.questions] if answers else []

    def sums(self) -> Mapping[str, NDArray[np.float64]]:
        """The sums of `metrics.coreference`."""
        layers, _, heads, _ = self._counts.shape
        counts = self._counts.cpu().numpy().reshape(layers, 2, len(CANDIDATES), heads, HALVES, KINDS)
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

    def _find_answers(self, tile: Tile) -> "_Answers | None":
        places = self._reader.places(tile)
        return None if places is None else _find_answers(self._family, *places)


@dataclass(frozen=True, slots=True)
class _Answers:
    """What is asked of the rows of maps that a tile completes, and what is right there (see `WordRows`)."""

    mentions: Tensor
    """[S, U, 1, C] columns of the candidates that are head words of earlier mentions; then its own, whose A is 0"""
    right_mentions: Tensor
    """[S, U, 1, C] which are antecedents"""
    later: Tensor
    """[S, U, 1, W] columns that are no earlier words"""
    right_words: Tensor
    """[S, U, 1, W] antecedents"""
    case: Tensor
    """[S × U, half × class] float64, 1 for that of the anaphor; 0 where there is none"""
    anaphor: tuple[Tensor, Tensor]
    """[E] s and u of each anaphor"""
    questions: Questions
    """[E]"""

    def among_mentions(self, largest: Largest, hit: Tensor) -> Answers:
        """What is found among mentions, [S, U, head]."""
        column = _columns(self.mentions.expand(-1, -1, hit.shape[-1], -1), largest.index[..., None])[..., 0]
        return Answers(self.questions, *(part[self.anaphor] for part in (column, largest.value, hit)))

    def by_case(self, which: Tensor) -> Tensor:
        """[…, head, half × class] how many there are of […, S, U, head]."""
        return which.to(torch.float64).flatten(-3, -2).transpose(-1, -2) @ self.case


def _columns(attention: Tensor, columns: Tensor) -> Tensor:
    """[S, U, head, C] these columns of [S, U, head, W]."""
    return attention.gather(-1, columns.expand(-1, -1, attention.shape[2], -1))


def _is_right(most: Largest, right: Tensor) -> Tensor:
    """[S, U, head] whether the largest is not 0, and one of those that are right."""
    return (most.value > 0) & _columns(right.expand(-1, -1, most.index.shape[-1], -1), most.index[..., None])[..., 0]


def _find_answers(family: Coreference, place: Ints, first: Ints) -> _Answers:
    """The answers to rows of maps (see `WordRows.place`, `WordRows.first`)."""
    maps, anaphors, device = family.maps, family.anaphors, family.model.device
    own = maps.map_of(first)
    s, u = np.nonzero(place >= 0)
    # A row for each anaphor: its unit and which of all it is; then for each candidate, whose it is and its column.
    unit, base = maps.unit[own[s]], int(maps.word.max()) + 1
    which = np.searchsorted(anaphors.unit * base + anaphors.word, unit * base + maps.word[place[s, u]])
    of, candidate = anaphors.candidates_of(which)
    column = maps.find(own[s[of]], anaphors.candidate[candidate]) - first[s[of]]
    rank = np.arange(len(of)) - np.searchsorted(of, of)
    own_column = np.maximum(place - first[:, None], 0)[..., None]
    mentions = np.repeat(own_column, rank.max(initial=0) + 1, axis=2)
    mentions[s[of], u[of], rank] = column
    width = np.diff(maps.offsets)[own].max()
    right_mentions, right_words = np.zeros(mentions.shape, np.bool_), np.zeros((*place.shape, width), np.bool_)
    right_mentions[s[of], u[of], rank] = right_words[s[of], u[of], column] = anaphors.right[candidate]
    case = np.zeros((*place.shape, HALVES * KINDS))
    case[s, u, family.half[unit] * KINDS + anaphors.kind[which]] = 1

    def of_every_head(table: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(table[:, :, None]).to(device)

    return _Answers(
        mentions=of_every_head(mentions),
        right_mentions=of_every_head(right_mentions),
        later=of_every_head(np.arange(width) >= own_column),
        right_words=of_every_head(right_words),
        case=torch.from_numpy(case.reshape(-1, HALVES * KINDS)).to(device),
        anaphor=(torch.from_numpy(s).to(device), torch.from_numpy(u).to(device)),
        questions=Questions(np.zeros_like(s), place[s, u], first[s], by_column=False),
    )
