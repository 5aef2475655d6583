"""Compiled loops: from α of a tile to attention between words (see `maps`), and which word gets most.

α is [unit, head, row, column] of a tile, whose first row is `row` of each unit; A is [R, head, W], a row for each of R
attending words. The largest of values that are not negative stands in three arrays: its value, its place (the first of
equals), and the second largest value, 0 where there is none.
"""

import numpy as np

from attnmetrics.model.kernels.compiling import IN_ORDER, loop


@loop(IN_ORDER)
def pieces_of(words, word):
    """The pieces of a word (see `maps.Words`)."""
    start, piece, _ = words
    return piece[start[word] : start[word + 1]]


@loop(IN_ORDER, keep=True)
def add_words(alpha, row, unit, place, first, width, senders, receivers, found):
    """Add what a tile has of the attention of R words.

    unit: [R] of the tile. place: [R] the words. first, width: [R] the words of their maps are the `width` from `first`
    on. senders, receivers: pieces of words that attend, and that are attended to. found: A.
    """
    heads, rows, columns = alpha.shape[1:]
    start, piece, word = receivers
    for r in range(len(unit)):
        begin, end = start[first[r]], start[first[r] + width[r]]
        own, itself = pieces_of(senders, place[r]), place[r] - first[r]
        for h in range(heads):
            into = found[r, h]
            for i in own:
                if row <= i < row + rows:
                    weights = alpha[unit[r], h, i - row]
                    for c in range(begin, end):
                        if piece[c] < columns:
                            into[word[c] - first[r]] += weights[piece[c]]
            for v in range(width[r]):
                into[v] /= len(own)
            into[itself] = 0


@loop(IN_ORDER, keep=True)
def find_in_rows(values, end, largest):
    """The largest of the first `end` [R] values of each row."""
    every = np.arange(values.shape[2])
    for r in range(len(values)):
        for h in range(values.shape[1]):
            _find(values[r, h], every[: end[r]], largest, r, h)


@loop(IN_ORDER, keep=True)
def find_among(values, start, column, largest):
    """The largest of each row's values in the columns column[start[r]] … column[start[r + 1] − 1]."""
    for r in range(len(values)):
        for h in range(values.shape[1]):
            _find(values[r, h], column[start[r] : start[r + 1]], largest, r, h)


@loop(IN_ORDER)
def _find(values, columns, largest, r, h):
    most = second = values.dtype.type(0)
    where = 0
    for column in columns:
        value = values[column]
        second = max(second, min(value, most))
        where = column if value > most else where
        most = max(most, value)
    largest[0][r, h], largest[1][r, h], largest[2][r, h] = most, where, second


@loop(IN_ORDER, keep=True)
def find_in_columns(values, map_, word, width, largest):
    """Go on with the largest values of columns, [S, head, W] each, by rows of S maps.

    map_: [R] the map of each row; −1 for rows to be passed over. word: [R] the place of such a value. width: [R].
    """
    most, where, second = largest
    for r in range(len(values)):
        s = map_[r]
        if s >= 0:
            for h in range(values.shape[1]):
                for v in range(width[r]):
                    value, before = values[r, h, v], most[s, h, v]
                    second[s, h, v] = max(second[s, h, v], min(value, before))
                    where[s, h, v] = word[r] if value > before else where[s, h, v]
                    most[s, h, v] = max(value, before)


@loop(IN_ORDER, keep=True)
def score(asked, rows, columns, near, hits, ties, answers):
    """Count answers to E questions: which word gets most, is it the right one, is a second one near?

    asked: [E, 6] whether a column is asked, and not a row; the row, or the column's map; the column; the right answer;
    the rule; the case. rows, columns: their largest values. near: the share of the largest that is a near tie.
    hits, ties: [rule, case, head], [rule, head]. answers: what is found (see `answers.Answers`).
    """
    word, value, hit = answers
    for e in range(len(asked)):
        by_column, at, column, right, rule, case = asked[e]
        for h in range(word.shape[1]):
            if by_column:
                most, where, second = columns[0][at, h, column], columns[1][at, h, column], columns[2][at, h, column]
            else:
                most, where, second = rows[0][at, h], rows[1][at, h], rows[2][at, h]
            word[e, h], value[e, h], hit[e, h] = where, most, where == right and most > 0
            if hit[e, h]:
                hits[rule, case, h] += 1
            if most > 0 and most - second <= near * most:
                ties[rule, h] += 1
