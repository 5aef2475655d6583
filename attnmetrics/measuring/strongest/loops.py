"""Compiled loops: the strongest pairs of the segments of a batch (see `segments`), in every head.

α is [unit, head, row, column] of a tile, whose first row is `row` of each unit. What is strongest so far stands in
`weight` [head, segment], and where in `place` (see `segments.Strongest`).
"""

from math import exp

import numpy as np

from attnmetrics.measuring.words.loops import pieces_of
from attnmetrics.model.kernels.compiling import IN_ORDER, loop
from attnmetrics.model.kernels.loops import dot, reach, score_pair, score_row, sum_up, vector


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
def take_sinks(largest, at, total, rows, is_candidate, start, segment, length, weight, place):
    """Take the largest pair of each unit's most attended column, by its mean over rows, among candidates.

    rows: how many may attend to each column. start: the first packed piece of each unit, and one past the last.
    segment: [B].
    """
    for h in range(len(weight)):
        for u in range(len(segment)):
            most, sink = -np.inf, -1
            for t in range(start[u], start[u + 1]):
                mean = total[h, t] / rows[t]
                if is_candidate[t] and mean > most:
                    most, sink = mean, t
            if sink >= 0:
                weight[h, segment[u]] = largest[h, sink]
                place[h, segment[u]] = at[h, sink] * length + sink - start[u]


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
    `words.maps.Words`). segment: [E, 2] of a hit and of a miss.
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


@loop(IN_ORDER, keep=True)
def choose(weight, first, least, most, share, chosen):
    """Mark the segments [head, S] that may be among the best of their claims.

    Those of the claim at place c are first[c] … first[c + 1] − 1. One may be if it is as strong as `least` [C, head]
    and as the last of the `most` strongest of its claim here, both times the `share` that makes room for rounding.
    """
    strongest = np.empty(most, weight.dtype)
    for h in range(len(weight)):
        for c in range(len(first) - 1):
            own, into = weight[h, first[c] : first[c + 1]], chosen[h, first[c] : first[c + 1]]
            limit = max(least[c, h], _last_of_strongest(own, strongest)) * share
            for s in range(len(own)):
                into[s] = own[s] >= limit and own[s] > -np.inf


@loop(IN_ORDER)
def _last_of_strongest(values, strongest):
    """The least of as many of the largest values as there is room for; −∞ where there are fewer."""
    strongest[:] = -np.inf
    for value in values:
        if value > strongest[-1]:
            place = len(strongest) - 1
            while place > 0 and strongest[place - 1] < value:
                strongest[place] = strongest[place - 1]
                place -= 1
            strongest[place] = value
    return strongest[-1]


@loop(IN_ORDER, keep=True)
def weigh(query, key, start, rule, causal, pairs, weight):
    """α of pairs (head, unit, i, j) [P] each, from scores in float64; pairs of one row share its sum.

    query, key: vectors (see `loops.Vectors`). start: the first packed piece of each unit, and one past the last.
    """
    head, unit, i, j = pairs
    shape = (head.max() + 1, start[-1]) if len(head) else (0, 0)
    top, total, scores = np.empty(shape), np.zeros(shape), np.empty(np.max(np.diff(start)))
    for p in range(len(weight)):
        h, first = head[p], start[unit[p]]
        row = first + i[p]
        if total[h, row] == 0:
            own = scores[: reach(i[p], start[unit[p] + 1] - first, causal)]
            score_row(query, key, row, first, h, rule, own)
            top[h, row] = max(np.max(own), rule.sinks[h])
            total[h, row] = sum_up(own, top[h, row]) + exp(rule.sinks[h] - top[h, row])
        other = first + j[p]
        score = score_pair(dot(vector(query, row, h), vector(key, other, h)), row, other, first, h, rule)
        weight[p] = exp(score - top[h, row]) / total[h, row]
