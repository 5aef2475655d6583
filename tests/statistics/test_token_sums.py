"""What types of pieces receive and give: against plain Python, and the laws by which it merges."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnmetrics.statistics import tokens
from attnmetrics.statistics.tokens import KEY, QUERY, SIDES, PieceTypes, TokenSums, Totals
from attnmetrics.store.tokens import pack, unpack

LAYERS, HEADS = 2, 3
LEAST = 4


def made(seed: int) -> TokenSums:
    """A part of the corpus, whose sums are of quarters: any order of addition gives the same bits."""
    random = np.random.default_rng(seed)
    ids = np.flatnonzero(random.random(12) < 0.6)
    queries = random.integers(1, 4, len(ids))
    keys = np.maximum(queries - random.integers(0, 3, len(ids)), 0)
    attention = random.integers(0, 5, (LAYERS, len(SIDES), len(ids), HEADS)) / 4
    attention[:, KEY, keys == 0] = 0
    return TokenSums(PieceTypes(ids, [f"Ġ{n}" for n in ids], np.stack([keys, queries]), keys * 0.5), attention)


def merged(parts: list[TokenSums], least: int = LEAST, sides: tuple[int, ...] = (KEY, QUERY)) -> list[tuple]:
    totals = Totals()
    for part in parts:
        totals.add(part.types)
    competitors = totals.competitors(least)
    rows = competitors.rank(competitors.sum_up(iter(parts), (LAYERS, HEADS)), sides)
    ids, pieces = competitors.types.ids, competitors.types.pieces
    return [(*row[:4], int(ids[row[4]]), pieces[row[4]], *row[5:]) for row in rows.tolist()]


def plain(parts: list[TokenSums], least: int = LEAST) -> list[tuple]:
    occurrences, even, attention = Counter(), Counter(), Counter()
    for part in parts:
        for n, piece in enumerate(part.types.ids.tolist()):
            even[piece] += float(part.types.even[n])
            for side in range(2):
                occurrences[side, piece] += int(part.types.occurrences[side, n])
                for layer, head in np.ndindex(LAYERS, HEADS):
                    attention[layer, head, side, piece] += float(part.attention[layer, side, n, head])
    rows = []
    for layer, head, side in np.ndindex(LAYERS, HEADS, 2):
        found = []
        for piece in range(12):
            total = attention[layer, head, side, piece]
            if occurrences[side, piece] >= least and total:
                lift = total / (even[piece] if side == KEY else occurrences[side, piece])
                found.append((-lift, piece, total))
        for rank, (lift, piece, total) in enumerate(sorted(found)):
            rows.append((layer, head, side, rank, piece, f"Ġ{piece}", total, -lift))
    return rows


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 8), st.integers(2, 5), st.integers(1, 9))
def test_parts_give_what_plain_python_gives(seed: int, number: int, least: int) -> None:
    parts = [made(seed + n) for n in range(number)]
    assert len(parts) > 1
    assert merged(parts, least) == plain(parts, least)
    assert merged(parts[::-1], least) == plain(parts, least)
    joined = unpack(pack(parts[0]), range(LAYERS))
    assert merged([joined, *parts[1:]], least) == plain(parts, least)


def test_layers_can_be_read_alone() -> None:
    part = made(1)
    np.testing.assert_array_equal(unpack(pack(part), [1]).attention, part.attention[1:])
    counted = unpack(pack(part), ())
    assert counted.attention.shape == (0, 2, len(part.types.ids), 0)
    np.testing.assert_array_equal(counted.types.occurrences, part.types.occurrences)
    assert list(counted.types.pieces) == part.types.pieces
    assert pack(part) == pack(part)


def test_a_part_without_pieces_adds_nothing() -> None:
    empty = TokenSums(PieceTypes(np.zeros(0, int), [], np.zeros((2, 0), int), np.zeros(0)), np.zeros((2, 2, 0, 3)))
    assert unpack(pack(empty), range(2)).attention.shape == (2, 2, 0, 3)
    assert merged([empty, made(3), empty], 1) == plain([made(3)], 1) != []
    assert merged([empty]) == []


def test_sides_that_are_not_wanted_are_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [made(5), made(6)]
    assert merged(parts, 1, (KEY,)) == [row for row in plain(parts, 1) if row[2] == KEY]
    monkeypatch.setattr(tokens, "RANKS", 2)
    assert merged(parts, 1) == [row for row in plain(parts, 1) if row[3] < 2]
