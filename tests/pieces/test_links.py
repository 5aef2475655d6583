"""Linked pieces, against loops over all pairs of pieces; and kinds of pieces, by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from attnmetrics.metrics.schema import SPECIAL
from attnmetrics.pieces.align import Pieces
from attnmetrics.pieces.links import Pairs, inductive, repeated, spread
from attnmetrics.pieces.special import special_kinds


def pieces_of(rows: list[list[tuple[int, bool]]], spans: list[tuple[int, int]] | None = None) -> Pieces:
    """Pieces with these ids, of the text or of the template."""
    flat = [piece for row in rows for piece in row]
    offsets = np.cumsum([0, *map(len, rows)])
    start, end = np.array(spans or [(0, 0)] * len(flat), np.int64).reshape(-1, 2).T
    ids, in_text = np.array([one[0] for one in flat], np.int64), np.array([one[1] for one in flat], np.bool_)
    return Pieces(np.arange(len(rows)), offsets, ids, start, end, in_text, np.zeros(len(rows), np.bool_))


def triples(pairs: Pairs) -> list[tuple[int, int, int, int]]:
    """(row, attending, attended, edge), sorted; rows ascend already."""
    assert (np.diff(pairs.row) >= 0).all()
    columns = (pairs.row, pairs.attending, pairs.attended, pairs.edge)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


rows_of_pieces = st.lists(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=8), max_size=4)


@given(rows_of_pieces)
def test_repeats_and_inductions_are_their_definitions(rows: list[list[tuple[int, bool]]]) -> None:
    repeats, inductions = [], []
    for n, row in enumerate(rows):
        text = [place for place, (_, in_text) in enumerate(row) if in_text]
        same = [(i, j) for i in text for j in text if j < i and row[i][0] == row[j][0]]
        repeats += [(n, i, j, 0) for i, j in same]
        inductions += [(n, i, j + 1, 0) for i, j in same if j < i - 1 and row[j + 1][1]]
    assert triples(repeated(pieces_of(rows))) == sorted(repeats)
    assert triples(inductive(pieces_of(rows))) == sorted(inductions)


@given(
    words=st.lists(st.lists(st.integers(-1, 5), max_size=6), max_size=4),
    pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda pair: pair[0] != pair[1]), max_size=8),
    directed=st.booleans(),
)
def test_links_of_words_hold_between_all_their_pieces(
    words: list[list[int]], pairs: list[tuple[int, int]], directed: bool
) -> None:
    pairs = list(dict.fromkeys(pairs))
    pieces = pieces_of([[(0, True)] * len(row) for row in words])
    word = np.array([one for row in words for one in row], np.int64)
    attending, attended = np.array(pairs, np.int64).reshape(-1, 2).T
    expected = []
    for n, row in enumerate(words):
        for i, own in enumerate(row):
            for j, other in enumerate(row):
                expected += [(n, i, j, 0)] * ((own, other) in pairs)
                expected += [(n, i, j, 1)] * (directed and (other, own) in pairs)
    assert triples(spread(attending, attended, pieces, word, directed)) == sorted(expected)


def test_kinds_of_pieces() -> None:
    text = "Hi , a.b ."
    row = [
        (0, False),
        (1, True),
        (2, True),
        (3, True),
        (4, True),
        (5, True),
        (6, True),
        (7, True),
        (8, False),
        (9, False),
    ]
    spans = [(0, 0), (0, 2), (2, 4), (4, 6), (6, 7), (7, 8), (8, 10), (8, 9), (0, 0), (0, 0)]
    kinds = special_kinds(pieces_of([row], spans), (text,), first_is_null=False)
    assert [SPECIAL[kind] for kind in kinds] == [
        "first", "other", "punctuation", "other", "punctuation", "other", "punctuation", "other", "separator",
        "separator",
    ]  # fmt: skip


def test_a_first_piece_of_the_text_is_one_of_its_kind_only_where_it_is_null() -> None:
    pieces = pieces_of([[(1, True), (1, True)], [], [(1, True)]], [(0, 1), (1, 2), (0, 1)])
    assert special_kinds(pieces, (".a", "", "."), first_is_null=True).tolist() == [0, 3, 0]
    assert special_kinds(pieces, (".a", "", "."), first_is_null=False).tolist() == [2, 3, 2]
