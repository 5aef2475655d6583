"""Quotients of sums that own the answer to "of nothing": NaN."""

import numpy as np

from attnmetrics.metrics.family import Array, Sums


def ratio(numerator: Array, denominator: Array) -> Array:
    """Numerator ÷ denominator; NaN where the denominator is 0."""
    return np.asarray(numerator / np.where(denominator == 0, np.nan, denominator))


def partition(sums: Array) -> Array:
    """Shares along the last axis, of its own total, so that they sum to 1 in floating point as well."""
    return ratio(sums, sums.sum(axis=-1, keepdims=True))


def with_either(edges: Array) -> Array:
    """[…, direction] from […, edge]: no pair has both edges, so either of them is their sum.

    Example: [2, 3] becomes [2, 3, 5].
    """
    return np.concatenate([edges, edges.sum(axis=-1, keepdims=True)], axis=-1)


def beside_heads(corpus: Array, sums: Sums, dims: int) -> Array:
    """A sum of the corpus, [shard …, `dims` more], with axes of length 1 where sums of heads have layers and heads.

    Example: beside sums [layer, head, offset], a corpus sum [offset] becomes [1, 1, offset]; beside sums of layers,
    [1, offset].
    """
    missing = sums["given_sum"].ndim - sums["sentences"].ndim
    lead = corpus.ndim - dims
    return corpus.reshape(corpus.shape[:lead] + (1,) * missing + corpus.shape[lead:])


def once_a_head(corpus: Array, sums: Sums, dims: int) -> Array:
    """A count of the corpus that each head has (see `beside_heads`), summed up where the heads are."""
    return beside_heads(corpus, sums, dims) * sums["heads"]
