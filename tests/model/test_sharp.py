"""Attention that is nearly one-hot: a right kernel is let through, and one that is off by a thousandth is not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sweep.small import make
from torch import Tensor

from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.modules import widening
from attnmetrics.model.modules.widening import Widening
from attnmetrics.model.trials import probe as probing
from attnmetrics.model.trials.probe import Layout, Probe, find_eager, probe

CPU = torch.device("cpu")
KINDS = {"llama": 4, "gpt2": 8, "bert": 8, "qwen3": 4, "gemma3_text": 8}
"""Each with another form of norm, and what its queries and keys are multiplied by."""
SIDES = ("q_proj.weight", "k_proj.weight", "query.weight", "key.weight")
QUICK = "llama"


def kinds() -> list[Any]:
    """Kinds of models; all but one in long trials alone."""
    return [kind if kind == QUICK else pytest.param(kind, marks=pytest.mark.soak) for kind in KINDS]


def sentences() -> list[list[int]]:
    random = np.random.default_rng(0)
    return [random.integers(10, 290, length).tolist() for length in (12, 4, 9)]


@torch.no_grad()
def sharp(kind: str) -> Any:
    network = make(kind)
    for name, parameter in network.named_parameters():
        if name.endswith(("q_norm.weight", "k_norm.weight")):
            parameter += KINDS[kind] - 1
        elif name.endswith(SIDES):
            parameter *= KINDS[kind]
        elif name.endswith("c_attn.weight"):
            parameter[:, : 2 * len(parameter)] *= KINDS[kind]
    return network


@pytest.mark.parametrize("kind", kinds())
def test_sharp_attention_that_is_right_is_computed(kind: str) -> None:
    network = sharp(kind)
    largest = find_eager(network, sentences()[0], CPU).max(-1)
    assert np.median(largest) > 0.99
    found = probe(network, sentences(), CPU)
    assert (found.layout.own, found.layout.equal_lengths) == ("", False)


def off_in_scale(query: Tensor, key: Tensor, value: Tensor | None, scoring: Scoring, *others: Any) -> Any:
    return dense(query, key, value, replace(scoring, factor=1.001 * scoring.factor), *others)


def off_in_a_score(query: Tensor, key: Tensor, value: Tensor | None, scoring: Scoring, *others: Any) -> Any:
    """By 0.001, of piece 3 for piece 5."""
    toward = key[3] / key[3].square().sum(-1, keepdim=True) / scoring.factor
    query = query.clone()
    query[5:6] += 1e-3 * toward
    return dense(query, key, value, scoring, *others)


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize("kernel", [off_in_scale, off_in_a_score])
def test_sharp_attention_that_is_not_right_is_not(kind: str, kernel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "dense", kernel)
    assert "it differs from eager attention by" in found_of(sharp(kind)).layout.own


def test_a_position_that_is_missing_is_found_in_sharp_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    of_layout = Layout.positions

    def skip(layout: Layout, *given: Any) -> Tensor:
        found = of_layout(layout, *given)
        return found + (found > 5)

    monkeypatch.setattr(Layout, "positions", skip)
    found = found_of(sharp("llama"))
    assert (found.layout.own, found.layout.equal_lengths) == ("", True)  # there the model counts for itself


def found_of(network: Any) -> Probe:
    return probe(network, sentences()[:1], CPU)


@pytest.mark.parametrize("kind", ["llama", "gpt_oss"])
def test_nothing_is_computed_in_float32_where_numbers_are_widened(kind: str) -> None:
    """Norms, angles, experts and sinks: with all weights in float64 and none of its steps in float32, a pass moves by
    no more than float64 does.
    """
    network, ids = make(kind), torch.tensor(sentences()[:1])
    dtypes: set[torch.dtype] = set()
    with Widening():
        for module in network.modules():
            module.register_forward_hook(lambda _, __, result: dtypes.add(getattr(result, "dtype", torch.float64)))
        network(input_ids=ids)
    assert dtypes == {torch.float64}
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_functions_of_torch_are_widened(monkeypatch: pytest.MonkeyPatch) -> None:
    third, table = torch.tensor([1 / 3]), torch.eye(2)
    small, large = (torch.nn.Parameter(torch.full((numbers,), 0.1)) for numbers in (2, 5))
    monkeypatch.setattr(widening, "KEPT", 4)
    with Widening() as wide:
        assert torch.cat([small, large]).dtype is torch.cat([small, large]).dtype is torch.float64
        assert list(wide._kept) == [small]
        assert third.dtype is torch.float64
        assert third.float().dtype is third.to(torch.float32).dtype is torch.ones(1).dtype is torch.float64
        assert float(torch.tensor([1.0], dtype=torch.float64).float() / 3) == 1 / 3
        assert torch.softmax(third, 0, dtype=torch.float32).dtype is torch.float64
        table[0, 0] = 5
        table.mul_(torch.full((1,), 2.0, dtype=torch.float64))
        rows = torch.cat([third, torch.ones(2)])
        product = torch.nn.functional.grouped_mm(
            torch.ones(3, 2), torch.stack([table, torch.eye(2)]), offs=torch.tensor([2, 3], dtype=torch.int32)
        )
    assert rows.dtype is torch.float64
    assert table.tolist() == [[10, 0], [0, 2]]
    assert product.tolist() == [[10, 2], [10, 2], [1, 1]]
    assert third.dtype is torch.float32
