"""Scores and loss of a probe, candidate by candidate."""

from collections.abc import Sequence
from math import exp, inf, log

import numpy as np

from attnmetrics.metrics.reference.sentence import Array


def score(
    weights: Array, maps: Array, special: int, vectors: Sequence[Sequence[float]], dependent: int, own: bool
) -> list[float]:
    """The score of every word of a sentence, and of the root, as the head of a dependent.

    Args:
        weights: [2, map, component]: of any word, of each special piece, of the candidate's and the dependent's vector.
        maps: [place, place, map] attention from place to place; special pieces are the last places.
        special: their number.
        vectors: of the words; each of as many numbers as weights have components for, be it none.
        dependent: the word whose head is sought.
        own: whether it may be its own head.
    """
    words, width = len(maps) - special, len(vectors[0])
    scores = [0.0] * (words + 1)
    for place in range(len(maps)):
        candidate = min(place, words)
        for k in range(maps.shape[2]):
            for direction in range(2):
                attention = maps[place, dependent, k] if direction == 0 else maps[dependent, place, k]
                of_map = weights[direction, k]
                weight = of_map[0] if place < words else of_map[1 + place - words]
                for v in range(width):
                    of_candidate = vectors[place][v] if place < words else 0.0
                    weight += of_map[1 + special + v] * of_candidate
                    weight += of_map[1 + special + width + v] * vectors[dependent][v]
                scores[candidate] += weight * attention
    if not own:
        scores[dependent] = -inf
    return scores


def loss(scores: Sequence[float], head: int) -> float:
    """−log p(head), in nats."""
    return log(sum(exp(one) for one in scores)) - scores[head]


def word_map(alpha: Array, words: Sequence[Sequence[int]], special: Sequence[int], null: Sequence[int]) -> Array:
    """Attention from place to place in one head: of words, each a list of its pieces, then of special pieces.

    Args:
        alpha: [piece, piece] α.
        words: pieces of each word.
        special: pieces that are places of their own.
        null: pieces whose columns count as nothing where they are of a word.
    """
    places = [*words, *([piece] for piece in special)]
    result = np.zeros((len(places), len(places)))
    for u, attending in enumerate(places):
        for v, attended in enumerate(places):
            columns = [j for j in attended if v >= len(words) or j not in null]
            result[u, v] = sum(alpha[i, j] for i in attending for j in columns) / len(attending)
    return result
