"""Work in blocks: every row once, and the same bits from however many threads and blocks."""

from collections.abc import Callable

import numpy as np
import pytest

from attnmetrics.metrics.family import Array, Sums
from attnmetrics.statistics import blocks
from attnmetrics.statistics.blocks import each_block
from attnmetrics.statistics.bootstrap import BLOCK, DRAWS, count_draws, find_bounds
from attnmetrics.statistics.intervals import evaluate

GROUPS = 12


@pytest.mark.parametrize(("rows", "size", "number"), [(0, 3, 0), (3, 3, 1), (7, 3, 3)])
def test_every_row_is_in_one_block(rows: int, size: int, number: int) -> None:
    found: list[slice] = []
    each_block(found.append, rows, size)
    assert len(found) == number
    assert sorted(row for block in found for row in range(rows)[block]) == list(range(rows))


def test_what_goes_wrong_in_a_block_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        each_block(lambda block: 1 // (block.start - 2), 5, 2)


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    sums = {name: random.gamma(2, 3, (GROUPS, 2 * BLOCK + 5)) for name in "ab"}
    formulas: dict[str, Callable[[Sums], Array]] = {
        "ratio": lambda one: one["a"] / one["b"],
        "sum": lambda one: one["a"] + one["b"],
    }
    weights = count_draws(GROUPS)
    expected = {name: np.moveaxis(formula({one: weights @ part for one, part in sums.items()}), 0, -1)
                for name, formula in formulas.items()}  # fmt: skip
    monkeypatch.setattr(blocks, "THREADS", 1)
    drawn = evaluate(formulas, sums, weights, DRAWS // 5)
    monkeypatch.setattr(blocks, "THREADS", 3)
    again = evaluate(formulas, sums, weights, DRAWS // 5)
    for name, values in expected.items():
        np.testing.assert_allclose(drawn[name], values, rtol=1e-13)
        np.testing.assert_array_equal(drawn[name], again[name])
    whole, groups = drawn["ratio"].mean(-1), np.full(2 * BLOCK + 5, GROUPS)
    found = find_bounds(drawn["ratio"], whole, groups)
    some = [0, BLOCK, 2 * BLOCK + 4]
    alone = [find_bounds(drawn["ratio"][[n]], whole[[n]], groups[[n]])[0] for n in some]
    np.testing.assert_array_equal(found[some], alone)
