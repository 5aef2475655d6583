"""Compiled loops over attention scores: α takes their place, and its sums are taken while a row is in the cache.

Threads run them side by side, without the interpreter's lock. Here i are attending pieces (rows) and j attended ones
(columns), counted in the sentence. Sums are float64; what they add up is float32, and `_exp` within 2·10⁻⁷ of its
value.
"""

from collections import namedtuple
from dataclasses import fields
from math import exp, inf, log, tanh
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from attnmetrics.model.kernels.compiling import ANY_ORDER, IN_ORDER, loop
from attnmetrics.model.kernels.reductions import APART, OWN, Reductions

LOWEST = np.float32(-87)
"""e to the power of less is no normal number in float32, and taken as 0."""
LOG2_E = np.float32(1 / np.log(2))
LN_2 = np.float32(0.693359375)
"""So few bits that any whole number of it is exact."""
LN_2_REST = np.float32(np.log(2) - 0.693359375)
LEAST_BITS = np.int32(-0x7F800001)
"""−∞ (see `_turn`)."""
ANY = 1 << 40
"""More pieces than a sentence has."""
FAR = -1e30
"""The score of a piece that is too far to be seen (see `scoring.HIDDEN`)."""
HALF, SIXTH, ONE = np.float32(1 / 2), np.float32(1 / 6), np.float32(1)
FACTORIAL_4, FACTORIAL_5, FACTORIAL_6, FACTORIAL_7 = (np.float32(1 / n) for n in (24, 120, 720, 5040))
"""Reciprocals; the next term of the series, at ±ln 2 / 2, is 5·10⁻⁹."""


class Place(NamedTuple):
    """Where in its batch a tile is, and what counts of it."""

    sentence: int
    """its first sentence"""
    start: int
    """first packed piece of this sentence"""
    length: int
    """pieces of each sentence"""
    row: int
    """first i"""
    first: int
    """first column that is not null"""
    end: int
    """one past the last that is not null"""
    causal: bool
    measured: bool


class Vectors(NamedTuple):
    """Vectors [T, head] of numbers that lie side by side: a compiler that knows they do computes several at once."""

    values: NDArray[np.floating[Any]]
    """all numbers, and whatever lies between them"""
    by_piece: int
    """numbers from a piece's vector to the next one's"""
    by_head: int
    """numbers from a head's vector to the next one's"""
    width: int


class Rule(NamedTuple):
    """What scores are made of (see `scoring.Scoring`)."""

    factor: float
    cap: float
    """0 for none"""
    window: int
    """`ANY` for none"""
    sinks: NDArray[np.float32]
    """[head] −∞ for none"""
    bias: NDArray[np.float64]
    """[head, place]; of no head for none"""


Arrays: Any = namedtuple("Arrays", [field.name for field in fields(Reductions)])
"""The arrays of `Reductions`, under their names."""


@loop(IN_ORDER)
def _exp(x):
    """The exponential function of a float32 x ≤ 0."""
    twos = np.floor(x * LOG2_E + HALF)
    r = x - twos * LN_2 - twos * LN_2_REST
    series = FACTORIAL_4 + r * (FACTORIAL_5 + r * (FACTORIAL_6 + r * FACTORIAL_7))
    series = ONE + r * (ONE + r * (HALF + r * (SIXTH + r * series)))
    power = np.int32((np.int32(twos) + np.int32(127)) << np.int32(23)).view(np.float32)
    return np.float32(0) if x < LOWEST else series * power


@loop(IN_ORDER)
def _largest(scores):
    """The largest of some scores, −∞ of none; not a number where one is none."""
    bits = scores.view(np.int32)
    found = LEAST_BITS
    for k in range(len(bits)):
        found = max(found, _turn(bits[k]))
    return np.int32(_turn(found)).view(np.float32)


@loop(IN_ORDER)
def _turn(bits):
    """Bits of a float32 as a whole number in the same order, and back: whole numbers are compared several at once."""
    return np.int32(bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF)))


@loop(IN_ORDER)
def _find_between(between, sentence, seen):
    """Where the null pieces between segments begin and end, of those that a row sees."""
    if between is None:
        return 0, 0
    return min(between[0, sentence], seen), min(between[1, sentence], seen)


@loop(IN_ORDER)
def _take_out(scores, aside):
    """Move scores to another place, −∞ taking theirs; the largest of them."""
    largest = _largest(scores)
    for k in range(len(scores)):
        aside[k] = scores[k]
        scores[k] = -inf
    return largest


@loop(IN_ORDER)
def _find(scores, value):
    """The first place of a value; the end where it is nowhere. All are looked at, for that is several at once."""
    end = np.int32(len(scores))
    found = end
    for k in range(end):
        found = min(found, np.int32(k) if scores[k] == value else end)
    return found


@loop(ANY_ORDER)
def _exponentiate(scores, top):
    """Replace scores by e^(score − top): the sum of these, and that of their products with score − top (0 · −∞ = 0)."""
    total = product = 0.0
    for k in range(len(scores)):
        x = scores[k] - top
        scores[k] = _exp(x)
        total += scores[k]
        product += scores[k] * max(x, LOWEST)
    return total, product


@loop(ANY_ORDER)
def _add(weights, factor, received, by_offset):
    """Add weights times a factor to their columns and to their diagonals."""
    for k in range(len(weights)):
        weight = weights[k] * factor
        received[k] += weight
        by_offset[k] += weight


@loop(ANY_ORDER)
def _multiply(values, factor):
    for k in range(len(values)):
        values[k] *= factor


@loop(IN_ORDER)
def reach(i, columns, causal):
    """How many columns row i may attend to (see `Attends.reach`)."""
    return i + 1 if causal else columns


@loop(IN_ORDER, keep=True)
def softmax(scores, row, causal, sinks):
    """α from scores [sentence, head, row, column] and of sinks [head], in place; i begins at `row`."""
    sentences, heads, rows, columns = scores.shape
    for s in range(sentences):
        for h in range(heads):
            for r in range(rows):
                seen = reach(row + r, columns, causal)
                own = scores[s, h, r, :seen]
                top = max(_largest(own), sinks[h])
                total, _ = _exponentiate(own, top)
                _multiply(own, 1 / (total + exp(sinks[h] - top)))
                scores[s, h, r, seen:] = 0


@loop(IN_ORDER, keep=True)
def reduce(scores, place, between, sinks, null_limit, offset_limit, arrays):
    """α from scores [sentence, head, row, column] and of sinks [head], in place; all of it but single weights.

    Null pieces `between` segments (see `Wanted`) stand aside while a row is looked through. With None for them, all
    that has to do with them is left out of the compiled loop.

    `arrays.peak` gets the logarithms of weights, until `weigh_peaks` puts weights in their place: of the two weights
    e⁻²⁰⁰ and e⁻³⁰⁰, both 0 in float32, the first is still the peak.
    """
    sentences, heads, rows, columns = scores.shape
    received, aside = np.empty(columns), np.empty(columns, np.float32)
    # Sums along diagonals: that of row r and column j of the tile is number rows − 1 − r + j. Those of null columns
    # are kept beside the others, for offsets of all columns.
    kept, null = np.zeros((heads, rows + columns)), np.zeros((heads, rows + columns))
    for s in range(sentences):
        start = place.start + s * place.length
        for h in range(heads):
            received[:] = 0
            for r in range(rows):
                i, diagonal = place.row + r, rows - 1 - r
                seen = reach(i, columns, place.causal)
                row = scores[s, h, r, :seen]
                first = min(place.first, seen)
                last = max(first, min(place.end, seen))
                begin, end = _find_between(between, place.sentence + s, seen)
                beside_top = np.float32(-inf)
                if begin < end:
                    beside_top = _take_out(row[begin:end], aside)
                here = _largest(row[first:last])
                most = max(here, _largest(row[:first]), _largest(row[last:]), beside_top)
                top = max(most, sinks[h])
                strongest = _find(row[first:last], here) + first
                apart, apart_j = _find_apart(row, i, first, last, here, strongest)
                own = row[i] if first <= i < last else np.float32(-inf)
                before, product_before = _exponentiate(row[:first], top)
                within, product = _exponentiate(row[first:last], top)
                after, product_after = _exponentiate(row[last:], top)
                amid = product_amid = 0.0
                if begin < end:
                    amid, product_amid = _exponentiate(aside[: end - begin], top)
                sunk = exp(np.float64(sinks[h]) - top)
                total = before + within + after + amid + sunk
                factor, log_total = 1 / total, log(total)
                _replace_peak(APART, place.sentence + s, h, i, apart_j, np.float64(apart) - top - log_total, arrays)
                _replace_peak(OWN, place.sentence + s, h, i, i, np.float64(own) - top - log_total, arrays)
                if place.measured:
                    given, beside = within * factor, (before + after + amid + sunk) * factor
                    if beside <= null_limit and given > 0:
                        arrays.kept[start + i, h] = True
                        arrays.entropy[start + i, h] = max(0.0, log(within) - product / within)  # but for rounding
                    if here > -inf:
                        arrays.strongest[start + i, h] = strongest
                    arrays.given[start + i, h], arrays.null[start + i, h] = given, beside
                    products = product_before + product + product_after + product_amid
                    if sunk > 0:
                        products += sunk * (np.float64(sinks[h]) - top)
                    arrays.entropy_all[start + i, h] = max(0.0, log_total - products * factor)
                    arrays.largest[start + i, h] = exp(np.float64(most) - top) * factor
                    arrays.sink[start + i, h] = sunk * factor
                    _add(row[first:last], factor, received[first:last], kept[h, diagonal + first :])
                    for n in range(first + seen - last):
                        j = n if n < first else n - first + last
                        received[j] += row[j] * factor
                        null[h, diagonal + j] += row[j] * factor
                    if begin < end:
                        _add(aside[: end - begin], factor, received[begin:end], null[h, diagonal + begin :])
                if begin < end:
                    row[begin:end] = aside[: end - begin]
                _multiply(row, factor)
                scores[s, h, r, seen:] = 0
            if place.measured:
                for j in range(columns):
                    arrays.received[start + j, h] += received[j]
    _add_diagonals(kept, null, place.row + rows - 1, offset_limit, arrays)


@loop(IN_ORDER)
def _find_apart(row, i, first, last, largest, strongest):
    """The largest score of columns `first` … `last` − 1 but i, and its first place, given those of all of them."""
    if strongest != i:
        return largest, strongest
    before, after = _largest(row[first:i]), _largest(row[i + 1 : last])
    if before >= after:
        return before, first + _find(row[first:i], before)
    return after, i + 1 + _find(row[i + 1 : last], after)


@loop(IN_ORDER)
def _replace_peak(kind, sentence, head, i, j, weight, arrays):
    """Take the pair (i, j) as the peak of a kind if its weight is larger."""
    if weight > arrays.peak[kind, sentence, head]:
        arrays.peak[kind, sentence, head] = weight
        arrays.peak_i[kind, sentence, head], arrays.peak_j[kind, sentence, head] = i, j


@loop(IN_ORDER)
def _add_diagonals(kept, null, largest_offset, offset_limit, arrays):
    """Add sums along diagonals [head, diagonal], of F and of null columns; the offset i − j falls by 1 with each."""
    for h in range(len(kept)):
        span = span_squared = 0.0
        for k in range(kept.shape[1]):
            offset = largest_offset - k
            limited = min(max(offset, -offset_limit), offset_limit) + offset_limit
            arrays.offsets[h, limited] += kept[h, k]
            arrays.offsets_all[h, limited] += kept[h, k] + null[h, k]
            span += kept[h, k] * abs(offset)
            span_squared += kept[h, k] * offset * offset
        arrays.span[h] += span
        arrays.span_squared[h] += span_squared


@loop(IN_ORDER, keep=True)
def add_linked(weights, index, group, linked):
    """Add α [sentence, head, row, column] at an index [3, pair] to the groups of its pairs (see `Reads`)."""
    sentence, row, column = index
    for h in range(weights.shape[1]):
        for p in range(len(group)):
            linked[group[p], h] += weights[sentence[p], h, row[p], column[p]]


@loop(IN_ORDER, keep=True)
def copy_blocks(weights, block_sentence, block_index, prefix):
    """Copy α [sentence, head, row, column] at the places of prefix blocks (see `Reads`)."""
    place, row, column = block_index
    for v in range(len(prefix)):
        for h in range(weights.shape[1]):
            for q in range(len(place)):
                prefix[v, h, place[q]] = weights[block_sentence[v], h, row[q], column[q]]


@loop(IN_ORDER)
def vector(vectors, piece, head):
    """One of the vectors."""
    begin = piece * vectors.by_piece + head * vectors.by_head
    return vectors.values[begin : begin + vectors.width]


@loop(ANY_ORDER)
def dot(one, other):
    """The product of two vectors, in float64."""
    total = 0.0
    for k in range(len(one)):
        total += np.float64(one[k]) * np.float64(other[k])
    return total


@loop(ANY_ORDER, keep=True)
def weigh_peaks(query, key, start, rule, causal, arrays):
    """Replace the logarithms of peaks by their weights, from scores in float64; query and key are vectors."""
    kinds, sentences, heads = arrays.peak.shape
    for b in range(sentences):
        length = start[b + 1] - start[b]
        scores = np.empty(length)
        for h in range(heads):
            for kind in range(kinds):
                i, j = arrays.peak_i[kind, b, h], arrays.peak_j[kind, b, h]
                if i >= 0:
                    own = scores[: reach(i, length, causal)]
                    score_row(query, key, start[b] + i, start[b], h, rule, own)
                    if own[j] > FAR:
                        arrays.peak[kind, b, h] = 1 / (sum_up(own, own[j]) + exp(rule.sinks[h] - own[j]))
                    else:
                        arrays.peak[kind, b, h] = 0


@loop(ANY_ORDER)
def score_pair(product, piece, other, first, head, rule):
    """The score of a packed piece for another one of its sentence, which begins at the packed piece `first`.

    product: of the piece's query and the other one's key, which whoever asks takes itself: a compiler that does not
    take this loop into theirs would pass vectors at several times the cost of their product.
    """
    if abs(piece - other) >= rule.window:
        return FAR
    score = product * rule.factor
    if rule.cap > 0:
        score = rule.cap * tanh(score / rule.cap)
    return score + rule.bias[head, other - first] - rule.bias[head, piece - first] if len(rule.bias) else score


@loop(ANY_ORDER)
def score_row(query, key, piece, first, head, rule, scores):
    """The scores of a packed piece's row, in a sentence that begins at the packed piece `first`."""
    own = vector(query, piece, head)
    for k in range(len(scores)):
        product = dot(own, vector(key, first + k, head))
        scores[k] = score_pair(product, piece, first + k, first, head, rule)


@loop(ANY_ORDER)
def sum_up(scores, top):
    """Σ e^(score − top)."""
    total = 0.0
    for k in range(len(scores)):
        total += exp(scores[k] - top)
    return total
