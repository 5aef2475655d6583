"""Triton programs for attention and its reductions: α lives in registers, one tile at a time, and nowhere else.

A program does one head of one sentence (`short`), or one block of its rows or columns (`tiled`, `received`); `single`
and `linked` do some wanted pairs. Sums are float32 within a program and stored as their array's type. No program adds
to what another one writes, so equal inputs give equal bits.

Here i are attending pieces (rows) and j attended ones (columns), counted in the sentence.
"""

from typing import Any, NamedTuple

import triton
import triton.language as tl

from attnmetrics.metrics.entropy import ENTROPY_NULL_LIMIT
from attnmetrics.metrics.family import OFFSET_LIMIT

LIMIT = tl.constexpr(OFFSET_LIMIT)
OFFSETS = tl.constexpr(2 * OFFSET_LIMIT + 1)
NULL_LIMIT = tl.constexpr(ENTROPY_NULL_LIMIT)


class Packed(NamedTuple):
    """A tensor [T, head, width] of packed pieces whose last stride is 1."""

    pointer: Any
    piece_stride: int
    head_stride: int
    width: int


class Spans(NamedTuple):
    """Where the n sentences of one launch lie, each tensor [n]."""

    start: Any
    """first packed piece"""
    length: Any
    """pieces"""
    measured: Any
    """0 where only the peak is wanted"""
    between_begin: Any
    """first null piece between segments (see `Wanted.between`)"""
    between_end: Any
    """one past the last"""


class Rows(NamedTuple):
    """What comes down to one number a piece, each tensor [T, head]; see `Reductions`."""

    received: Any
    given: Any
    null: Any
    entropy: Any
    kept: Any
    entropy_all: Any
    largest: Any
    strongest: Any
    top: Any
    """the row's largest score"""
    total: Any
    """the row's Σ exp(score − top)"""


class Parts(NamedTuple):
    """What comes down to a few numbers a program, each tensor [n, block, head]; see `Reductions`."""

    offsets: Any
    """[n, block, head, offset]"""
    offsets_all: Any
    """[n, block, head, offset]"""
    span: Any
    span_squared: Any
    peak: Any
    """[2, n, block, head]"""
    peak_i: Any
    """[2, n, block, head]"""
    peak_j: Any
    """[2, n, block, head]"""


class Setting(NamedTuple):
    """What holds for all sentences."""

    heads: int
    scaling: float
    leading: int
    """null columns at the beginning"""
    trailing: int
    """null columns at the end"""


@triton.jit
def short(
    query, key, value, output, sentences, rows, parts, setting,
    CAUSAL: tl.constexpr, MIX: tl.constexpr, REDUCE: tl.constexpr,
    SIDE: tl.constexpr, WIDTH: tl.constexpr, VALUE_WIDTH: tl.constexpr,
):  # fmt: skip
    """A sentence of at most SIDE pieces and a head: output and all reductions from one tile of α."""
    n, head, start, length = _place(sentences, setting)
    i = tl.arange(0, SIDE)
    queries, keys = _load(query, start, length, head, i, WIDTH), _load(key, start, length, head, i, WIDTH)
    scores = _scores(queries, keys, i, i, length, setting, CAUSAL)
    top = tl.max(scores, 1)
    total = tl.sum(tl.exp(scores - top[:, None]), 1)
    weights, surprisal = _weights(scores, top, total, i, length)
    if MIX:
        values = _load(value, start, length, head, i, VALUE_WIDTH)
        _store(output, start, length, head, i, _dot(weights.to(values.dtype), values), VALUE_WIDTH)
    if REDUCE:
        between = _between(sentences, n)
        kept = _kept(i, i, length, between, setting, CAUSAL)
        given, null, surprise, surprise_all = _reduce_rows(weights, surprisal, kept)
        peak, peak_j, own = _find_peaks(weights, kept, i, i)
        place = (start + i) * setting.heads + head
        _store_softmax(rows, place, i < length, top, total)
        _store_peak(parts, n, 0, i, peak, peak_j, setting)
        _store_peak(parts, n, 1, i, own, i, setting)
        if tl.load(sentences.measured + n):
            _store_rows(
                rows, place, i < length, given, null, surprise, surprise_all, total, _strongest(i, peak, peak_j, own)
            )
            tl.store(rows.received + place, tl.sum(weights, 0), mask=i < length)
            near, near_all = _reduce_near(weights, i, 0, length, between, setting, CAUSAL)
            before, after, span, squared = _reduce_far(tl.where(kept, weights, 0.0), i, i)
            before_all, after_all, _, _ = _reduce_far(weights, i, i)
            _store_offsets(parts.offsets, n, near, before, after, setting, CAUSAL)
            _store_offsets(parts.offsets_all, n, near_all, before_all, after_all, setting, CAUSAL)
            _store_span(parts, n, span, squared, setting)


@triton.jit
def tiled(
    query, key, value, output, sentences, rows, parts, setting,
    CAUSAL: tl.constexpr, MIX: tl.constexpr, REDUCE: tl.constexpr,
    SIDE: tl.constexpr, WIDTH: tl.constexpr, VALUE_WIDTH: tl.constexpr,
):  # fmt: skip
    """SIDE rows of a sentence and a head: output and all but the column sums, from two passes over the row's tiles."""
    n, head, start, length = _place(sentences, setting)
    first_row = tl.program_id(1) * SIDE
    if first_row >= length:
        return
    i = first_row + tl.arange(0, SIDE)
    end = tl.minimum(length, first_row + SIDE) if CAUSAL else length
    queries = _load(query, start, length, head, i, WIDTH)
    top, total, mixed = _mix(
        queries, key, value, start, length, head, i, end, setting, CAUSAL, MIX, SIDE, WIDTH, VALUE_WIDTH
    )
    if MIX:
        _store(output, start, length, head, i, mixed / total[:, None], VALUE_WIDTH)
    if REDUCE:
        between = _between(sentences, n)
        given, null, surprise, surprise_all = _nothing(SIDE), _nothing(SIDE), _nothing(SIDE), _nothing(SIDE)
        near, near_all = _nothing(LIMIT if CAUSAL else 2 * LIMIT), _nothing(LIMIT if CAUSAL else 2 * LIMIT)
        before, after, span, squared = _nothing(SIDE), _nothing(SIDE), _nothing(SIDE), _nothing(SIDE)
        before_all, after_all = _nothing(SIDE), _nothing(SIDE)
        peak = tl.full([SIDE], -float("inf"), tl.float32)
        own = tl.full([SIDE], -float("inf"), tl.float32)
        peak_j = tl.full([SIDE], -1, tl.int32)
        for first_column in range(0, end, SIDE):
            j = first_column + tl.arange(0, SIDE)
            scores = _scores(queries, _load(key, start, length, head, j, WIDTH), i, j, length, setting, CAUSAL)
            weights, surprisal = _weights(scores, top, total, i, length)
            kept = _kept(i, j, length, between, setting, CAUSAL)
            more_given, more_null, more_surprise, more_surprise_all = _reduce_rows(weights, surprisal, kept)
            given, null = given + more_given, null + more_null
            surprise, surprise_all = surprise + more_surprise, surprise_all + more_surprise_all
            other, other_j, other_own = _find_peaks(weights, kept, i, j)
            own = tl.maximum(own, other_own)
            peak_j = tl.where(other > peak, other_j, peak_j)
            peak = tl.maximum(peak, other)
            more_before, more_after, more_span, more_squared = _reduce_far(tl.where(kept, weights, 0.0), i, j)
            before, after = before + more_before, after + more_after
            span, squared = span + more_span, squared + more_squared
            more_before_all, more_after_all, _, _ = _reduce_far(weights, i, j)
            before_all, after_all = before_all + more_before_all, after_all + more_after_all
            if tl.abs(first_row - first_column) < SIDE + LIMIT:
                more_near, more_near_all = _reduce_near(weights, i, first_column, length, between, setting, CAUSAL)
                near, near_all = near + more_near, near_all + more_near_all
        place = (start + i) * setting.heads + head
        _store_softmax(rows, place, i < length, top, total)
        _store_peak(parts, n, 0, i, peak, peak_j, setting)
        _store_peak(parts, n, 1, i, own, i, setting)
        if tl.load(sentences.measured + n):
            _store_rows(
                rows, place, i < length, given, null, surprise, surprise_all, total, _strongest(i, peak, peak_j, own)
            )
            _store_offsets(parts.offsets, n, near, before, after, setting, CAUSAL)
            _store_offsets(parts.offsets_all, n, near_all, before_all, after_all, setting, CAUSAL)
            _store_span(parts, n, span, squared, setting)


@triton.jit
def received(
    query, key, sentences, rows, setting,
    CAUSAL: tl.constexpr, SIDE: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """Column sums of SIDE columns of a sentence and a head, once `tiled` has left `top` and `total`."""
    n, head, start, length = _place(sentences, setting)
    first_column = tl.program_id(1) * SIDE
    if first_column >= length or tl.load(sentences.measured + n) == 0:
        return
    j = first_column + tl.arange(0, SIDE)
    keys = _load(key, start, length, head, j, WIDTH)
    found = _nothing(SIDE)
    for first_row in range(first_column if CAUSAL else 0, length, SIDE):
        i = first_row + tl.arange(0, SIDE)
        scores = _scores(_load(query, start, length, head, i, WIDTH), keys, i, j, length, setting, CAUSAL)
        place = (start + i) * setting.heads + head
        top = tl.load(rows.top + place, mask=i < length, other=float("inf"))
        total = tl.load(rows.total + place, mask=i < length, other=1.0)
        found += tl.sum(tl.exp(scores - top[:, None]) / total[:, None], 0)
    tl.store(rows.received + (start + j) * setting.heads + head, found, mask=j < length)


@triton.jit(do_not_specialize=["pieces", "count"])
def single(
    query, key, top, total, pieces, attending, attended, target, weights, count, setting,
    PLACES: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """α of PLACES pairs of packed pieces in a head, into weights[target], once `top` and `total` are there."""
    head = tl.program_id(1).to(tl.int64)
    place = tl.program_id(0) * PLACES + tl.arange(0, PLACES)
    exists = place < count
    i, j = _load_pairs(attending, attended, place, exists)
    found = _pair_weights(query, key, top, total, pieces, head, i, j, exists, setting, WIDTH)
    to = tl.load(target + place, mask=exists, other=0)
    tl.store(weights + to * setting.heads + head, found, mask=exists)


@triton.jit(do_not_specialize=["pieces"])
def linked(
    query, key, top, total, pieces, attending, attended, bounds, found, setting,
    PLACES: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """Σ α of the pairs bounds[n] … bounds[n + 1] − 1 in a head, PLACES at a time, into found [n, head]."""
    n, head = tl.program_id(0), tl.program_id(1).to(tl.int64)
    first, end = tl.load(bounds + n), tl.load(bounds + n + 1)
    sums = _nothing(PLACES)
    for begin in range(first, end, PLACES):
        place = begin + tl.arange(0, PLACES)
        exists = place < end
        i, j = _load_pairs(attending, attended, place, exists)
        weights = _pair_weights(query, key, top, total, pieces, head, i, j, exists, setting, WIDTH)
        sums += tl.where(exists, weights, 0.0)
    tl.store(found + n * setting.heads + head, tl.sum(sums, 0))


@triton.jit
def _load_pairs(attending, attended, place, exists):
    """Attending and attended packed pieces of pairs; 0 where there is none."""
    return tl.load(attending + place, mask=exists, other=0), tl.load(attended + place, mask=exists, other=0)


@triton.jit
def _pair_weights(query, key, top, total, pieces, head, i, j, exists, setting, WIDTH: tl.constexpr):
    """α of pairs of packed pieces in a head, from their own queries and keys."""
    queries = _load(query, 0, pieces, head, i, WIDTH).to(tl.float32)
    keys = _load(key, 0, pieces, head, j, WIDTH).to(tl.float32)
    scores = tl.sum(queries * keys, 1) * setting.scaling
    row = i * setting.heads + head
    shifted = scores - tl.load(top + row, mask=exists, other=float("inf"))
    return tl.exp(shifted) / tl.load(total + row, mask=exists, other=1.0)


@triton.jit
def _mix(
    queries, key, value, start, length, head, i, end, setting,
    CAUSAL: tl.constexpr, MIX: tl.constexpr, SIDE: tl.constexpr, WIDTH: tl.constexpr, VALUE_WIDTH: tl.constexpr,
):  # fmt: skip
    """By row: the largest score (top), Σ exp(score − top), Σ exp(score − top)·value, tile by tile."""
    top = tl.full([SIDE], -float("inf"), tl.float32)
    total = tl.zeros([SIDE], tl.float32)
    mixed = tl.zeros([SIDE, VALUE_WIDTH], tl.float32)
    for first_column in range(0, end, SIDE):
        j = first_column + tl.arange(0, SIDE)
        scores = _scores(queries, _load(key, start, length, head, j, WIDTH), i, j, length, setting, CAUSAL)
        higher = tl.maximum(top, tl.max(scores, 1))
        shrinking = tl.exp(top - higher)
        weights = tl.exp(scores - higher[:, None])
        total = total * shrinking + tl.sum(weights, 1)
        top = higher
        if MIX:
            values = _load(value, start, length, head, j, VALUE_WIDTH)
            mixed = mixed * shrinking[:, None] + _dot(weights.to(values.dtype), values)
    return top, total, mixed


# --- tiles ------------------------------------------------------------------------------------------------------------


@triton.jit
def _place(sentences, setting):
    """Which sentence and head this program does, and where the sentence lies."""
    n = (tl.program_id(0) // setting.heads).to(tl.int64)
    head = (tl.program_id(0) % setting.heads).to(tl.int64)
    return n, head, tl.load(sentences.start + n), tl.load(sentences.length + n).to(tl.int32)


@triton.jit
def _between(sentences, n):
    return tl.load(sentences.between_begin + n).to(tl.int32), tl.load(sentences.between_end + n).to(tl.int32)


@triton.jit
def _load(packed, start, length, head, piece, WIDTH: tl.constexpr):
    """[piece, WIDTH] of a sentence and a head; 0 where there is nothing."""
    pointers, exists = _pointers(packed, start, length, head, piece, WIDTH)
    return tl.load(pointers, mask=exists, other=0.0)


@triton.jit
def _store(packed, start, length, head, piece, tile, WIDTH: tl.constexpr):
    pointers, exists = _pointers(packed, start, length, head, piece, WIDTH)
    tl.store(pointers, tile, mask=exists)


@triton.jit
def _pointers(packed, start, length, head, piece, WIDTH: tl.constexpr):
    x = tl.arange(0, WIDTH)
    place = (start + piece)[:, None] * packed.piece_stride + head * packed.head_stride + x[None, :]
    return packed.pointer + place, (piece < length)[:, None] & (x < packed.width)[None, :]


@triton.jit
def _dot(a, b):
    """In float32, and without TF32 where the operands are float32."""
    return tl.dot(a, b, input_precision="ieee")


@triton.jit
def _nothing(SIZE: tl.constexpr):
    return tl.zeros([SIZE], tl.float32)


@triton.jit
def _scores(queries, keys, i, j, length, setting, CAUSAL: tl.constexpr):
    """[i, j] scores; −inf where i does not attend to j."""
    return tl.where(_attends(i, j, length, CAUSAL), _dot(queries, tl.trans(keys)) * setting.scaling, -float("inf"))


@triton.jit
def _attends(i, j, length, CAUSAL: tl.constexpr):
    result = (j < length)[None, :]
    if CAUSAL:
        result = result & (j[None, :] <= i[:, None])
    return result


@triton.jit
def _is_null(j, length, between, setting):
    """Whether column j is null (see `Attends.is_null`)."""
    at_end = (j < setting.leading) | (j >= length - setting.trailing)
    return at_end | ((j >= between[0]) & (j < between[1]))


@triton.jit
def _kept(i, j, length, between, setting, CAUSAL: tl.constexpr):
    """[i, j] whether α counts in F: i exists, attends to j, and j is not null."""
    return _attends(i, j, length, CAUSAL) & ((i < length)[:, None] & ~_is_null(j, length, between, setting)[None, :])


@triton.jit
def _weights(scores, top, total, i, length):
    """[i, j] α and −log α (0 where α is 0), from each row's largest score and Σ exp(score − top); 0 if i is no row."""
    shifted = scores - top[:, None]
    weights = tl.where((i < length)[:, None], tl.exp(shifted) / total[:, None], 0.0)
    return weights, tl.where(weights > 0, tl.log(total)[:, None] - shifted, 0.0)


@triton.jit
def _reduce_rows(weights, surprisal, kept):
    """By row: Σ F, Σ α − F, Σ F·(−log α), Σ α·(−log α)."""
    given = tl.sum(tl.where(kept, weights, 0.0), 1)
    null = tl.sum(tl.where(kept, 0.0, weights), 1)
    surprise = tl.sum(tl.where(kept, weights * surprisal, 0.0), 1)
    return given, null, surprise, tl.sum(weights * surprisal, 1)


@triton.jit
def _find_peaks(weights, kept, i, j):
    """By row of the tile: the largest F with i ≠ j, its first j, F[i, i]; −inf and −1 where none is attendable."""
    is_own = i[:, None] == j[None, :]
    peak, column = tl.max(tl.where(kept & ~is_own, weights, -float("inf")), 1, return_indices=True)
    own = tl.max(tl.where(kept & is_own, weights, -float("inf")), 1)
    return peak, tl.where(peak > -float("inf"), tl.min(j, 0) + column, -1), own


@triton.jit
def _strongest(i, peak, peak_j, own):
    """By row: the column of the largest F, the first of equals."""
    return tl.where((own > peak) | ((own == peak) & (i < peak_j)), i, peak_j)


@triton.jit
def _reduce_near(weights, i, first_column, length, between, setting, CAUSAL: tl.constexpr):
    """Σ F and Σ α by near offsets i − j: row i of the tile, read at columns i − offset, has them in order."""
    column = i[:, None] - _near(CAUSAL)[None, :] - first_column
    inside = (column >= 0) & (column < weights.shape[1])
    slanted = tl.where(inside, tl.gather(weights, tl.where(inside, column, 0), 1), 0.0)
    null = _is_null(first_column + column, length, between, setting)
    return tl.sum(tl.where(null, 0.0, slanted), 0), tl.sum(slanted, 0)


@triton.jit
def _reduce_far(weights, i, j):
    """By row: Σ w where i − j ≤ −LIMIT, Σ w where i − j ≥ LIMIT, Σ w·|i − j| and Σ w·(i − j)² everywhere."""
    distance = i[:, None] - j[None, :]
    before = tl.sum(tl.where(distance <= -LIMIT, weights, 0.0), 1)
    after = tl.sum(tl.where(distance >= LIMIT, weights, 0.0), 1)
    return before, after, tl.sum(weights * tl.abs(distance), 1), tl.sum(weights * distance * distance, 1)


@triton.jit
def _near(CAUSAL: tl.constexpr):
    """The offsets that are told apart; −LIMIT, there to make them a power of two, counts as far."""
    return tl.arange(0, LIMIT) if CAUSAL else tl.arange(0, 2 * LIMIT) - LIMIT


# --- results ----------------------------------------------------------------------------------------------------------


@triton.jit
def _store_softmax(rows, place, exists, top, total):
    tl.store(rows.top + place, top, mask=exists)
    tl.store(rows.total + place, total, mask=exists)


@triton.jit
def _store_rows(rows, place, exists, given, null, surprise, surprise_all, total, strongest):
    """Row sums; the entropy of F scaled to 1, log Σ F + Σ F·(−log α) ÷ Σ F, where not too much is null."""
    kept = (null <= NULL_LIMIT) & (given > 0)
    whole = tl.where(kept, given, 1.0)
    entropy = tl.where(kept, tl.maximum(tl.log(whole) + surprise / whole, 0.0), 0.0)
    tl.store(rows.given + place, given, mask=exists)
    tl.store(rows.null + place, null, mask=exists)
    tl.store(rows.entropy + place, entropy, mask=exists)
    tl.store(rows.kept + place, kept, mask=exists)
    tl.store(rows.entropy_all + place, surprise_all, mask=exists)
    tl.store(rows.largest + place, 1 / total, mask=exists)
    tl.store(rows.strongest + place, strongest, mask=exists)


@triton.jit
def _part(n, setting):
    """The place of this program in an array [n, block, head]."""
    return (n * tl.num_programs(1) + tl.program_id(1)) * setting.heads + tl.program_id(0) % setting.heads


@triton.jit
def _store_offsets(offsets, n, near, before, after, setting, CAUSAL: tl.constexpr):
    """Sums by offset into this program's part of offsets [n, block, head, offset]."""
    offset = _near(CAUSAL)
    own = offsets + _part(n, setting) * OFFSETS
    tl.store(own + LIMIT + offset, near, mask=offset > -LIMIT)
    tl.store(own, tl.sum(before, 0))
    tl.store(own + 2 * LIMIT, tl.sum(after, 0))


@triton.jit
def _store_span(parts, n, span, squared, setting):
    part = _part(n, setting)
    tl.store(parts.span + part, tl.sum(span, 0))
    tl.store(parts.span_squared + part, tl.sum(squared, 0))


@triton.jit
def _store_peak(parts, n, kind, i, peak, peak_j, setting):
    """The largest of the rows' peaks of a kind, the first row of equals; nothing where no row has one."""
    largest, row = tl.max(peak, 0, return_indices=True)
    exists = largest > -float("inf")
    own = tl.arange(0, peak.shape[0]) == row
    part = kind * tl.num_programs(0) * tl.num_programs(1) + _part(n, setting)
    tl.store(parts.peak + part, largest, mask=exists)
    tl.store(parts.peak_i + part, tl.sum(tl.where(own, i, 0), 0), mask=exists)
    tl.store(parts.peak_j + part, tl.sum(tl.where(own, peak_j, 0), 0), mask=exists)
