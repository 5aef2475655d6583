"""Gradients through capped scores, windows, sinks and biases, against torch's own of the same formula."""

import pytest
import torch
from kernel_cases import ATTENDS, DENSE, everything_wanted, one_batch

from attnmetrics.model.gradients import _Attention
from attnmetrics.model.kernels.scoring import Scoring

SINKS = torch.tensor([0.5, 2.0])
BIAS = torch.tensor([0.5, -0.2])[:, None] * torch.arange(6) ** 2
SCORINGS = (
    Scoring(0.7),
    Scoring(0.7, cap=1.5),
    Scoring(0.7, window=3),
    Scoring(0.7, sinks=SINKS),
    Scoring(0.7, bias=BIAS),
    Scoring(0.7, cap=1.5, window=3, sinks=SINKS, bias=BIAS),
)


def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scoring: Scoring) -> torch.Tensor:
    scores = torch.einsum("ihw,jhw->hij", query, key) * scoring.factor
    if scoring.cap is not None:
        scores = scoring.cap * torch.tanh(scores / scoring.cap)
    if scoring.bias is not None:
        scores = scores + scoring.bias[:, None] - scoring.bias[:, :, None]
    i = torch.arange(len(query))
    hidden = (i[:, None] < i) | ((i[:, None] - i).abs() >= (scoring.window or len(query)))
    sinks = torch.full((2,), -torch.inf) if scoring.sinks is None else scoring.sinks
    beside = sinks.to(scores.dtype)[:, None, None].expand(-1, len(query), 1)
    weights = torch.cat([scores.masked_fill(hidden, -torch.inf), beside], -1).softmax(-1)[..., :-1]
    return torch.einsum("hij,jhw->ihw", weights, value)


@pytest.mark.parametrize("scoring", SCORINGS, ids=["plain", "cap", "window", "sinks", "bias", "all"])
def test_gradients_are_those_of_the_formula(scoring: Scoring) -> None:
    batch = one_batch([6], [True], 1000)
    wanted = everything_wanted(batch, [True], ATTENDS[0])
    sides = [side.requires_grad_() for side in DENSE.draw(batch, 1, 2.0)]
    ours = torch.autograd.grad((_Attention.apply(*sides, scoring, wanted, None) ** 3).sum(), sides)
    theirs = torch.autograd.grad((attend(*sides, scoring) ** 3).sum(), sides)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("window", "rows", "seen"),
    [(None, (4, 2), slice(0, 20)), (3, (4, 2), slice(2, 8)), (3, (0, 2), slice(0, 4)), (1, (17, 3), slice(17, 20))],
)
def test_columns_that_some_row_sees(window: int | None, rows: tuple[int, int], seen: slice) -> None:
    assert Scoring(1.0, window=window).seen_from(*rows, 20) == seen
