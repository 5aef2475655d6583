"""Clark et al.'s own training: one epoch of Adam over single sentences in corpus order, by their released code.

The root is scored with the weights of words, from attention to and from the special pieces, each times a number that
all heads share. A word may be its own head. With `root_bug`, as released, the word vectors of candidates are one place
off: the root's attention meets the first word's vector, each word's that of the next, the last word's none.

It depends on the order of sentences, and is no sum over shards: the driver does it. Initial weights are Glorot's, those
of special pieces 1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from attnmetrics.metrics.family import Array
from attnmetrics.statistics.word_features import NO_PLACE, WordFeatures

LEARNING_RATE: Final = 0.002


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is trained."""

    words: bool
    root_bug: bool = False


@dataclass(frozen=True, slots=True)
class Trained:
    """A probe after one epoch."""

    recipe: Recipe
    heads: Tensor
    """[direction, map, component]: of any word, of the candidate's vector, of the dependent's"""
    special: Tensor
    """[E] of each special piece"""
    loss: float
    """mean loss of a word, in nats, before the step that its sentence made"""

    @property
    def size(self) -> int:
        """Number of weights."""
        return self.heads.numel() + self.special.numel()


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of n words."""

    maps: Tensor
    """[n + E, n + E, K]"""
    vectors: Tensor
    """[n, V]"""
    head: Tensor
    """[n]"""
    relation: Sequence[str]


def train(parts: Iterator[WordFeatures], recipe: Recipe, maps: int, special: int, width: int, seed: int) -> Trained:
    """One epoch over the sentences of all parts, in corpus order, the loss of each summed over its words.

    Args:
        parts: features of the shards, in order.
        recipe: what is trained.
        maps: K.
        special: E.
        width: V.
        seed: of the initial weights.
    """
    torch.set_num_threads(1)  # with more, the order of additions depends on their number
    heads, pieces = _start(recipe, maps, special, width, seed)
    adam = torch.optim.Adam([heads, pieces], LEARNING_RATE)
    total, words = 0.0, 0
    for sentence in read_sentences(parts):
        there = sentence.head != NO_PLACE
        logs = score_heads(recipe, heads, pieces, sentence).log_softmax(-1)
        loss = -logs[there].gather(-1, sentence.head[there][:, None]).sum()
        heads.grad, pieces.grad = torch.autograd.grad(loss, [heads, pieces])
        adam.step()
        total, words = total + float(loss.detach()), words + int(there.sum())
    return Trained(recipe, heads.detach(), pieces.detach(), total / max(words, 1))


@torch.no_grad()
def count_right(parts: Iterator[WordFeatures], trained: Trained, relations: Sequence[str]) -> tuple[Array, float]:
    """By relation, the words whose head is found; how many of them are roots."""
    right, roots = np.zeros(len(relations)), 0.0
    place = {relation: number for number, relation in enumerate(relations)}
    for sentence in read_sentences(parts):
        scores = score_heads(trained.recipe, trained.heads, trained.special, sentence)
        found = (scores.numpy().argmax(-1) == sentence.head.numpy()).tolist()
        np.add.at(right, [place[relation] for relation in sentence.relation], found)
        roots += float((np.array(found) & (sentence.head.numpy() == len(found))).sum())
    return right, roots


def score_heads(recipe: Recipe, heads: Tensor, special: Tensor, sentence: Sentence) -> Tensor:
    """[n, n + 1] the score of every word, and of the root (last), as the head of each dependent."""
    words, maps = len(sentence.head), sentence.maps
    vectors = sentence.vectors if recipe.words else sentence.vectors[:, :0]
    to_dependent = torch.cat([maps[:words, :words], torch.einsum("e,ejk->jk", special, maps[words:, :words])[None]])
    of_root = torch.einsum("e,jek->jk", special, maps[:words, words:])[:, None]
    from_dependent = torch.cat([maps[:words, :words], of_root], 1)
    nothing = vectors.new_zeros(1, vectors.shape[1])
    candidates = torch.cat([vectors, nothing])
    if recipe.root_bug:  # the root, whose attention comes first in the released code, is the last place here
        candidates = torch.cat([vectors[1:], nothing, vectors[:1]])
    described = torch.cat([candidates.new_ones(words + 1, 1), candidates], 1)
    # [candidate, map] and [dependent, map] in each direction; a pair's weight of a map is the sum of both.
    first, second = (described @ of_map[:, : described.shape[1]].T for of_map in heads)
    first_dependent, second_dependent = (vectors @ of_map[:, described.shape[1] :].T for of_map in heads)
    attended: Tensor = (to_dependent * (first[:, None] + first_dependent[None])).sum(-1).T
    attending: Tensor = (from_dependent * (second[None] + second_dependent[:, None])).sum(-1)
    return attended + attending


def read_sentences(parts: Iterator[WordFeatures]) -> Iterator[Sentence]:
    """The sentences of all parts, in corpus order."""
    for features in parts:
        groups = list(features.groups(1))
        for place in np.argsort(features.row).tolist():
            group = groups[place]
            yield Sentence(
                maps=torch.from_numpy(group.maps[0]).double(),
                vectors=torch.from_numpy(group.column("vectors")[0]).double(),
                head=torch.from_numpy(group.column("head")[0]),
                relation=group.column("relation")[0].tolist(),
            )


def _start(recipe: Recipe, maps: int, special: int, width: int, seed: int) -> tuple[Tensor, Tensor]:
    """Initial weights of heads and of special pieces."""
    components = 1 + 2 * width if recipe.words else 1
    random = torch.Generator().manual_seed(seed)
    bound = (6 / (maps + components)) ** 0.5
    heads = bound * (2 * torch.rand(2, maps, components, generator=random, dtype=torch.float64) - 1)
    return heads.requires_grad_(), torch.ones(special, dtype=torch.float64).requires_grad_()
