"""Compiled loops: the strongest pairs of the segments of a batch (see `segments`), in every head.

α is [unit, head, row, column] of a tile, whose first row is `row` of each unit. What is strongest so far stands in
`weight` [head, segment], and where in `place` (see `segments.Strongest`).
"""

from math import exp

import numpy as np

from attnmetrics.measuring.word_loops import pieces_of
from attnmetrics.model.kernels.compiling import ANY_ORDER, IN_ORDER, loop
from attnmetrics.model.kernels.loops import reach, score_row


@loop(IN_ORDER, keep=True)
def see_columns(alpha, start, length, row, causal, largest, at, total):
    """Go on with the columns of packed pieces, [head, T]: the largest α, its row (the first of equals), the sum.

    start: the tile's first packed piece; length: pieces of each of its units.
    """
    units, heads, rows, columns = alpha.shape
    for u in range(units):
        first = start + u * length
        for h in range(heads):
            for r in range(rows):
                reach = min(columns, row + r + 1) if causal else columns
                _see_row(
                    alpha[u, h, r, :reach],
                    row + r,
                    largest[h, first : first + reach],
                    at[h, first : first + reach],
                    total[h, first : first + reach],
                )


@loop(IN_ORDER)
def _see_row(values, row, largest, at, total):
    for j in range(len(values)):
        value, before = values[j], largest[j]
        total[j] += value
        largest[j] = value if value > before else before
        at[j] = row if value > before else at[j]


@loop(IN_ORDER, keep=True)
def offer_columns(largest, at, column, within, segment, length, weight, place):
    """Offer the largest pair of each column [X], a packed piece that stands at `within` in its unit."""
    for h in range(len(weight)):
        for x in range(len(column)):
            where = at[h, column[x]] * length + within[x]
            _offer(largest[h, column[x]], where, weight[h], place[h], segment[x])


@loop(IN_ORDER, keep=True)
def offer_pairs(alpha, row, pairs, segment, length, weight, place):
    """Offer pairs [P, 3] of the tile: its unit, i, j."""
    for h in range(len(weight)):
        for p in range(len(pairs)):
            u, i, j = pairs[p]
            _offer(alpha[u, h, i - row, j], i * length + j, weight[h], place[h], segment[p])


@loop(IN_ORDER, keep=True)
def offer_answers(alpha, row, unit, questions, answers, senders, receivers, segment, length, weight, place):
    """Offer the pairs of the pieces of E answers to questions (see `answers.Questions`, `answers.Answers`).

    unit: [E] of the tile. senders, receivers: the pieces of words that attend, and that are attended to (see
    `word_maps.Words`). segment: [E, 2] of a hit and of a miss.
    """
    _, word, first, by_column = questions
    answer, value, hit = answers
    for e in range(len(unit)):
        for h in range(len(weight)):
            if not value[e, h] > 0:
                continue
            other = first[e] + answer[e, h]
            u, v = (other, word[e]) if by_column[e] else (word[e], other)
            rows = pieces_of(senders, u)
            if len(rows) and rows[0] >= row and rows[-1] < row + alpha.shape[2]:
                own = segment[e, 0 if hit[e, h] else 1]
                for i in rows:
                    for j in pieces_of(receivers, v):
                        _offer(alpha[unit[e], h, i - row, j], i * length + j, weight[h], place[h], own)


@loop(IN_ORDER)
def _offer(value, where, weight, place, segment):
    before = weight[segment]
    if value > before or (value == before and where < place[segment]):
        weight[segment], place[segment] = value, where


@loop(ANY_ORDER, keep=True)
def weigh(query, key, start, scaling, causal, pairs, weight):
    """α of pairs [P, 4], by head, unit, i and j, from scores in float64, which pairs of one row share.

    query, key: [T, head, width]. start: the first packed piece of each unit, and one past the last.
    """
    scores, top, total = np.empty(len(query)), 0.0, 0.0
    last_h = last_u = last_i = -1
    for p in range(len(pairs)):
        h, u, i, j = pairs[p]
        if i != last_i or u != last_u or h != last_h:
            last_h, last_u, last_i = h, u, i
            seen = reach(i, start[u + 1] - start[u], causal)
            score_row(query[start[u] + i, h], key[start[u] : start[u] + seen, h], scaling, scores)
            top, total = np.max(scores[:seen]), 0.0
            for k in range(seen):
                total += exp(scores[k] - top)
        weight[p] = exp(scores[j] - top) / total
