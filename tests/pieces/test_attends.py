"""Who attends to whom, pair by pair."""

import doctest

import numpy as np
import pytest

from attnmetrics.pieces import attends as module
from attnmetrics.pieces.attends import Attends

N = 6
ROWS, COLUMNS = np.divmod(np.arange(N * N), N)


@pytest.mark.parametrize("n", range(1, N + 1))
@pytest.mark.parametrize(("leading", "trailing"), [(0, 0), (1, 0), (1, 1), (2, 1), (0, 3)])
@pytest.mark.parametrize("causal", [True, False])
def test_every_way_of_asking_gives_the_same_pairs(causal: bool, leading: int, trailing: int, n: int) -> None:
    attends = Attends(causal, leading, trailing)
    exists = np.maximum(ROWS, COLUMNS) < n
    i, j = ROWS[exists], COLUMNS[exists]
    seen = [not causal or b <= a for a, b in zip(i, j, strict=True)]
    pairs = [may and leading <= b and b < n - trailing for may, b in zip(seen, j, strict=True)]
    assert attends.may_attend(i, j).tolist() == seen
    assert attends.pairs(i, j, n).tolist() == pairs
    assert attends.count(n) == sum(pairs)
    assert [attends.reach(a, n) for a in range(n)] == [sum(np.array(seen)[i == a]) for a in range(n)]
    first, end = attends.columns(n)
    assert np.flatnonzero(~attends.is_null(np.arange(n), n)).tolist() == list(range(first, end))


def test_units_of_many_lengths_are_asked_at_once() -> None:
    attends, lengths = Attends(True, 1, 1), np.arange(1, N + 1)
    assert attends.count(lengths).tolist() == [attends.count(n) for n in range(1, N + 1)]
    assert attends.columns(lengths)[1].tolist() == [attends.columns(n)[1] for n in range(1, N + 1)]


def test_the_examples_hold() -> None:
    assert doctest.testmod(module).failed == 0
