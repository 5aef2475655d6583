"""The best rows of claims: against plain Python, and the laws by which they merge."""

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmetrics.errors import MergeError
from attnmetrics.statistics import claims
from attnmetrics.statistics.claims import (
    BEST,
    Gathering,
    Rows,
    keep_best,
    make_rows,
    merge_rows,
    no_rows,
    pack_rows,
    rank_of,
    unpack_rows,
)


def rows(seed: int, number: int) -> Rows:
    """Few claims, heads, weights and texts, so that ties and repeats are common."""
    random = np.random.default_rng(seed)
    unit = random.integers(0, 12, number)
    return make_rows(
        claim=random.integers(0, 2, number), layer=random.integers(0, 2, number), head=random.integers(0, 2, number),
        weight=random.choice(np.float32([0, 0.25, 0.5, 1]), number), document_index=unit // 3, sentence=unit % 3,
        i=random.integers(0, 3, number), j=random.integers(0, 3, number), digest=(unit % 7).astype(np.uint64),
    )  # fmt: skip


def plain(found: Rows) -> list[tuple]:
    """The best of each claim and head: sorted, each text once."""
    best: list[tuple] = []
    order = sorted(found.tolist(), key=lambda row: (*row[:3], -row[3], *row[4:8]))
    for _, own in groupby(order, key=lambda row: row[:3]):
        texts: dict[int, tuple] = {}
        for row in own:
            texts.setdefault(row[8], row)
        best += list(texts.values())[:BEST]
    return best


@given(st.integers(0, 2**32 - 1), st.integers(0, 80))
def test_the_best_rows_are_those_of_plain_python(seed: int, number: int) -> None:
    found = keep_best(rows(seed, number))
    assert found.tolist() == plain(rows(seed, number))
    assert all(rank < BEST for rank in rank_of(found))


@given(st.integers(0, 2**32 - 1), st.integers(0, 80), st.integers(2, 6))
def test_parts_in_any_order_give_what_the_whole_gives(seed: int, number: int, parts: int) -> None:
    every = rows(seed, number)
    shuffled = np.random.default_rng(seed).permutation(number)
    pieces = [keep_best(every[own]) for own in np.array_split(shuffled, parts)]
    assert len(pieces) > 1
    np.testing.assert_array_equal(merge_rows(pieces), keep_best(every))
    np.testing.assert_array_equal(merge_rows([no_rows(), *reversed(pieces)]), keep_best(every))


def test_what_waits_is_sorted_before_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "FLUSH_ROWS", 10)
    gathering, every = Gathering(), [rows(seed, 30) for seed in range(20)]
    for part in every:
        gathering.add(part)
        assert gathering._waiting <= 24
    np.testing.assert_array_equal(gathering.rows(), keep_best(np.concatenate(every)))


@given(st.integers(0, 2**32 - 1), st.integers(0, 20))
def test_packed_rows_come_back(seed: int, number: int) -> None:
    np.testing.assert_array_equal(unpack_rows(pack_rows(rows(seed, number))), rows(seed, number))


def test_half_a_row_is_refused() -> None:
    with pytest.raises(MergeError, match="expected rows of 48 bytes, found 50 bytes"):
        unpack_rows(pack_rows(rows(0, 1)) + b"12")
