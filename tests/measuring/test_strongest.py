"""The loops over the strongest pairs of claims, against plain NumPy."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from attnmetrics.measuring.strongest import loops
from attnmetrics.model.kernels.compiled import as_vectors
from attnmetrics.model.kernels.loops import dot, vector


@pytest.mark.parametrize("most", [1, 3, 5])
def test_a_segment_may_be_among_the_best_if_few_of_its_claim_are_stronger(most: int) -> None:
    random = np.random.default_rng(most)
    weight = random.choice(np.float32([-np.inf, 0.1, 0.2, 0.2001, 0.5, 0.9]), (4, 30))
    first = np.array([0, 1, 5, 5, 17, 30])
    least = random.choice(np.float32([-np.inf, 0.2, 0.6]), (5, 4))
    chosen = np.empty(weight.shape, np.bool_)
    loops.choose(weight, first, least, most, 0.999, chosen)
    for head in range(4):
        for claim, (begin, end) in enumerate(pairwise(first)):
            own = weight[head, begin:end]
            last = np.sort(own)[::-1][most - 1] if len(own) >= most else -np.inf
            expected = (own >= 0.999 * max(last, least[claim, head])) & (own > -np.inf)
            np.testing.assert_array_equal(chosen[head, begin:end], expected)
    assert 0 < chosen.sum() < chosen.size


def test_a_second_sink_is_the_most_attended_candidate_of_its_unit() -> None:
    largest, total = np.float32([[0.1, 0.2, 0.3, 0.4, 0.5]]), np.array([[3.0, 2.0, 2.0, 9.0, 1.0]])
    at, rows = np.int32([[0, 1, 1, 0, 1]]), np.array([3, 1, 1, 2, 1])
    candidate, start = np.array([True, True, True, False, False]), np.array([0, 3, 5])
    weight, place = np.float32([[-np.inf, -np.inf, -np.inf]]), np.full((1, 3), -1)
    loops.take_sinks(
        largest, at, total, rows, candidate, start, np.array([2, 0]), 10, weight, place
    )  # of equals the first: column 1, by its row 1; the other unit has no candidate
    assert weight.tolist() == [[-np.inf, -np.inf, np.float32(0.2)]]
    assert place.tolist() == [[-1, -1, 1 * 10 + 1]]


@pytest.mark.parametrize("layout", ["alone", "beside others", "scattered", "shared"])
def test_vectors_are_found_however_they_lie_in_memory(layout: str) -> None:
    values = torch.arange(5 * 3 * 4, dtype=torch.float32).view(5, 3, 4)
    if layout == "beside others":
        values = torch.stack([values, -values], dim=1)[:, 1]
    if layout == "scattered":
        values = values.permute(2, 1, 0)
    if layout == "shared":
        values = values[:, :1].expand(-1, 3, -1)
    found = as_vectors(values)
    for piece, head in np.ndindex(*values.shape[:2]):
        np.testing.assert_array_equal(vector(found, piece, head), values[piece, head].numpy())
    assert dot(vector(found, 0, 0), vector(found, 1, 0)) == values[0, 0].double() @ values[1, 0].double()
