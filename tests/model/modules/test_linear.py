"""Layers whose weights are laid out once, against torch's own."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers.activations import ACT2FN
from transformers.pytorch_utils import Conv1D

from attnmetrics.model.modules.activations import OnePassGelu
from attnmetrics.model.modules.linear import ACTIVATIONS, NOTHING, LaidOut, lay_out


class Network(nn.Module):
    """An activation after a layer, one that is shared, one after a sum, and a layer that is used by its weight."""

    def __init__(self, by_weight: bool = False) -> None:
        super().__init__()
        self.up, self.act = Conv1D(12, 6), OnePassGelu()
        self.gate, self.value, self.shared = nn.Linear(12, 5), nn.Linear(12, 5), nn.SiLU()
        self.down, self.last = nn.Linear(5, 3, bias=False), nn.GELU()
        self.by_weight = by_weight

    def forward(self, x: Tensor) -> Tensor:
        inner = self.act(self.up(x))
        inner = self.shared(self.gate(inner)) + self.shared(self.value(inner))
        if self.by_weight:
            return nn.functional.linear(inner, self.down.weight)
        return self.last(self.down(inner))


def maps_of(network: nn.Module) -> list[NDArray[np.float64]]:
    x = torch.randn(2, 7, 6, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return [network(x).double().numpy()]


@pytest.mark.parametrize("kind", list(ACTIVATIONS))
@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_takes_its_activation_along(kind: type[nn.Module], bias: bool) -> None:
    linear, x = nn.Linear(40, 33, bias=bias), 4 * torch.randn(2, 9, 40)
    with torch.inference_mode():
        found = LaidOut(linear.weight, linear.bias, ACTIVATIONS[kind])(x)
        assert_allclose(found, kind().double()(linear.double()(x.double())), rtol=1e-5, atol=2e-6)


def test_weights_are_laid_out_and_activations_that_follow_one_layer_are_taken_along() -> None:
    network = Network()
    before = maps_of(network)
    lay_out(network, lambda: maps_of(network), 1e-5)
    assert all(type(layer) is LaidOut for layer in (network.up, network.gate, network.value, network.down))
    assert [type(network.act), type(network.shared), type(network.last)] == [nn.Identity, nn.SiLU, nn.GELU]
    assert (network.up.activation, network.gate.activation) == (ACTIVATIONS[OnePassGelu], NOTHING)
    assert_allclose(maps_of(network)[0], before[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("by_weight", "enough"), [(True, 1.0), (False, 0.0)])
def test_a_network_that_would_not_attend_as_before_is_left_as_it_was(by_weight: bool, enough: float) -> None:
    network = Network(by_weight)
    before, calls = maps_of(network), iter(range(2))

    def look() -> list[NDArray[np.float64]]:
        return [found + next(calls) for found in maps_of(network)]

    lay_out(network, look, enough)
    assert all(type(layer) is nn.Linear for layer in (network.up, network.gate, network.value, network.down))
    assert [type(network.act), type(network.shared)] == [OnePassGelu, nn.SiLU]
    assert_allclose(maps_of(network)[0], before[0], rtol=1e-5, atol=1e-6)


def test_a_copy_is_as_torch_has_it() -> None:
    network = Network()
    before = maps_of(network)
    lay_out(network, lambda: maps_of(network), 1e-5)
    copy = deepcopy(network)
    assert not any(isinstance(module, LaidOut) for module in copy.modules())
    assert_allclose(maps_of(copy)[0], before[0], rtol=1e-5, atol=1e-6)
    assert copy.double()(torch.zeros(1, 6, dtype=torch.float64)).dtype == torch.float64


def test_transformers_activations_are_known() -> None:
    for name in ("gelu", "gelu_pytorch_tanh", "silu", "swish"):
        assert type(ACT2FN[name]) in ACTIVATIONS
