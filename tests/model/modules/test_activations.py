"""The one-pass GELU against its definition, one number at a time."""

from math import inf, pi, sqrt, tanh

import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn
from transformers.activations import NewGELUActivation

from attnmetrics.model.modules import activations
from attnmetrics.model.modules.activations import OnePassGelu, use_one_pass_gelu


def slow_gelu(x: float) -> float:
    return 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 1e-6), (torch.bfloat16, 2e-2)]
)
def test_it_is_the_tanh_approximation(dtype: torch.dtype, tolerance: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activations, "CACHED_NUMBERS", 7)
    x = torch.linspace(-9, 9, 3 * 4 * 5, dtype=dtype).view(3, 5, 4).transpose(1, 2)
    found = OnePassGelu()(x)
    assert (found.shape, found.dtype) == (x.shape, dtype)
    expected = [slow_gelu(number) for number in x.flatten().tolist()]
    assert_allclose(found.flatten().double().numpy(), expected, rtol=0, atol=tolerance)


def test_far_numbers_are_zero_or_themselves() -> None:
    found = OnePassGelu()(torch.tensor([-1e30, -1e4, 0.0, 1e4, 1e30, inf]))
    assert found.tolist() == [0.0, 0.0, 0.0, 1e4, torch.tensor(1e30).item(), inf]


def test_it_takes_the_place_of_transformers_own_only() -> None:
    network = nn.Sequential(nn.Sequential(NewGELUActivation()), nn.GELU(), NewGELUActivation())
    use_one_pass_gelu(network)
    assert [type(network[0][0]), type(network[1]), type(network[2])] == [OnePassGelu, nn.GELU, OnePassGelu]
