"""Compiled loops: the strongest pairs of the segments of a batch (see `segments`), in every head.

α is [unit, head, row, column] of a tile, whose first row is `row` of each unit. What is strongest so far stands in
`weight` [head, segment], and where in `place` (see `segments.Strongest`).
"""

from attnmetrics.model.kernels.compiling import IN_ORDER, loop


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
def offer_answers(
    alpha, row, unit, word, first, by_column, index, value, hit, senders, receivers, segment, length, weight, place
):
    """Offer the pairs of E answers' pieces.

    unit: [E] of the tile. word: [E] is asked for. first: [E] the answer `index` [E, head] counts from this word;
    `value` is 0 for none. by_column: whether the answer is what attends. senders, receivers: the pieces of words that
    attend, and that are attended to (see `answers.Words`). segment: [E, 2] of a hit and of a miss.
    """
    for e in range(len(unit)):
        for h in range(len(weight)):
            if not value[e, h] > 0:
                continue
            answer = first[e] + index[e, h]
            u, v = (answer, word[e]) if by_column else (word[e], answer)
            rows = _pieces(senders, u)
            if len(rows) and rows[0] >= row and rows[-1] < row + alpha.shape[2]:
                own = segment[e, 0 if hit[e, h] else 1]
                for i in rows:
                    for j in _pieces(receivers, v):
                        _offer(alpha[unit[e], h, i - row, j], i * length + j, weight[h], place[h], own)


@loop(IN_ORDER)
def _pieces(words, word):
    start, piece = words
    return piece[start[word] : start[word + 1]]


@loop(IN_ORDER)
def _offer(value, where, weight, place, segment):
    before = weight[segment]
    if value > before or (value == before and where < place[segment]):
        weight[segment], place[segment] = value, where
