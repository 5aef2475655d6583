"""A probe: for each word, a distribution over the words that may be its head, and the root.

With A[k] the map of head k, candidate i for the dependent j has the score

    Σ_k w[k]·A[k][i, j] + u[k]·A[k][j, i]

and the root the same of its special pieces, with weights of its own for each. With words, w[k] and u[k] are not numbers
but w[k] + p[k]·v_i + q[k]·v_j, v the vectors of candidate and dependent; the root's is zero. Probabilities are the
softmax of the scores. The score is linear in all weights, so that the loss is convex.

Source: Clark et al. 2019, section 5. Baselines put other maps in the place of attention's.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.statistics.word_features import Group

Maps = Literal["attention", "distances", "constant"]

DIRECTIONS: Final = ("candidate_to_dependent", "dependent_to_candidate")
"""Who attends to whom."""

DISTANCE_MAPS: Final = 4


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe sees."""

    maps: Maps
    words: bool = False
    control: bool = False
    """learn the control task, in which a word may be its own head"""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many weights a probe has: for each direction, of each map, those of a component each."""

    maps: int
    """K"""
    special: int
    """E"""
    width: int
    """V; 0 without words"""

    @classmethod
    def of(cls, probe: Probe, heads: int, special: int, width: int) -> "Shape":
        """The shape of a probe where there are so many heads, special pieces, and components of word vectors."""
        kinds = {"attention": (heads, special), "distances": (DISTANCE_MAPS, 1), "constant": (1, 1)}
        return cls(*kinds[probe.maps], width if probe.words else 0)

    @property
    def candidate(self) -> int:
        """Components of a candidate: 1 for any word, 1 for each special piece, and the word's vector."""
        return 1 + self.special + self.width

    @property
    def weights(self) -> tuple[int, int, int]:
        """[direction, map, component]: those of candidates, then the dependent's vector."""
        return 2, self.maps, self.candidate + self.width

    @property
    def size(self) -> int:
        """All weights."""
        return int(np.prod(self.weights))


@dataclass(frozen=True, slots=True)
class Block:
    """S sentences of n words, for a probe; special pieces follow the words."""

    maps: Tensor
    """[S, n + E, n + E, K] float64: attending and attended place, map"""
    vectors: Tensor
    """[S, n, V]"""
    own: bool
    """a word may be its own head"""

    @classmethod
    def of(cls, probe: Probe, group: Group) -> "Block":
        """The block of a group of sentences."""
        vectors = torch.from_numpy(group.column("vectors")).double()
        maps = torch.from_numpy(_maps(probe.maps, group)).float().double()  # two steps take a third of the time of one
        return cls(maps, vectors if probe.words else vectors[..., :0], probe.control)

    @property
    def words(self) -> int:
        """N"""
        return self.vectors.shape[1]

    @property
    def special(self) -> int:
        """E"""
        return self.maps.shape[1] - self.words

    def describe_candidates(self) -> Tensor:
        """[S, n + E, component] a word is 1, zeros and its vector; a special piece is 1 at its own component."""
        count, words, width = self.vectors.shape
        described = self.maps.new_zeros(count, words + self.special, 1 + self.special + width)
        described[:, :words, 0] = 1
        described[:, :words, 1 + self.special :] = self.vectors
        described[:, words:, 1 : 1 + self.special] = torch.eye(self.special, dtype=described.dtype)
        return described


def score_heads(weights: Tensor, block: Block) -> Tensor:
    """[S, n, n + 1] the score of each candidate, the root last, for each dependent; −∞ for the word itself.

    Args:
        weights: of `Shape.weights`.
        block: the sentences.
    """
    places = score_places(weights, block)
    words = block.words
    scores = torch.cat([places[..., :words], places[..., words:].sum(-1, keepdim=True)], -1)
    if block.own:
        return scores
    itself = torch.eye(words, words + 1, dtype=torch.bool)
    return scores.masked_fill(itself, -torch.inf)


def score_places(weights: Tensor, block: Block) -> Tensor:
    """[S, n, n + E] what each place adds to the score of its candidate.

    A pair of places has a weight of each map, the sum of one of its candidate and one of its dependent: products of
    maps with either are products of matrices, by the attending place and by the attended one.
    """
    described, width = block.describe_candidates(), block.vectors.shape[-1]
    dependents = torch.nn.functional.pad(block.vectors, (0, 0, 0, block.special))
    # [S, place, map] for each direction: weights of maps where the place is the candidate, and where the dependent.
    first, second = (described @ of_map[:, : described.shape[-1]].T for of_map in weights)
    first_dependent, second_dependent = (dependents @ of_map[:, of_map.shape[1] - width :].T for of_map in weights)
    by_attending = _multiply(block.maps, torch.stack([first, second_dependent], -1))
    by_attended = _multiply(block.maps.transpose(1, 2), torch.stack([first_dependent, second], -1)).transpose(1, 2)
    # [S, attending, attended] in each direction; a dependent is attended in the first, and attends in the second.
    to_dependent, from_dependent = (by_attending + by_attended).unbind(-1)
    return to_dependent.transpose(1, 2)[:, : block.words] + from_dependent[:, : block.words]


def _multiply(maps: Tensor, of_place: Tensor) -> Tensor:
    """[S, a, b, K], [S, a, K, 2] -> [S, a, b, 2], summed over K."""
    product = torch.bmm(maps.flatten(0, 1), of_place.flatten(0, 1))
    return product.view(*maps.shape[:3], 2)


def _maps(kind: Maps, group: Group) -> NDArray[np.float64] | NDArray[np.float16]:
    """[S, n + E, n + E, K] the maps of attention, or those that take their place, with one special piece."""
    if kind == "attention":
        return group.maps
    position = group.column("position").astype(float)
    count, words = position.shape
    maps = np.zeros((count, words + 1, words + 1, DISTANCE_MAPS if kind == "distances" else 1))
    maps[:, :words, words, 0] = 1
    if kind == "constant":
        maps[:, :words, :words] = 1
        return maps
    ahead = position[:, None, :] - position[:, :, None]
    later = [ahead > 0, np.maximum(ahead, 0) / words, ahead == 1, ahead == 2]
    maps[:, :words, :words] = np.stack(later, -1)
    return maps
