"""The gradient with respect to every attention weight by autograd, one unit at a time, α retained: plain and slow.

A network is run in float64 with an attention function of its own here, which keeps what it computes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface

NAME = "attnmetrics-tests"


@dataclass
class Kept:
    """What the attention of one pass kept, a layer a place."""

    causal: bool
    shift: Callable[[int, Tensor], Tensor] = lambda layer, alpha: alpha
    """changes α before values are mixed"""
    alpha: list[Tensor] = field(default_factory=list)
    scores: list[Tensor] = field(default_factory=list)
    value: list[Tensor] = field(default_factory=list)


_kept: list[Kept] = []


def _attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float = 0, **_: Any
) -> tuple[Tensor, None]:
    kept = _kept[-1]
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    scores = query @ key.mT * (scaling or query.shape[-1] ** -0.5)
    if kept.causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), -torch.inf)
    alpha = kept.shift(len(kept.alpha), torch.softmax(scores, -1))
    for tensors, tensor in ((kept.scores, scores), (kept.alpha, alpha), (kept.value, value)):
        if tensor.requires_grad:
            tensor.retain_grad()
        tensors.append(tensor)
    return (alpha @ value).transpose(1, 2), None


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, lambda *_, **__: None)


@contextmanager
def keeping(kept: Kept) -> Iterator[Kept]:
    """Passes meanwhile keep what they compute."""
    _kept.append(kept)
    try:
        yield kept
    finally:
        _kept.pop()


@dataclass(frozen=True)
class Differentiated:
    """One unit: [layer, head, i, j] each, values [layer, head, j, width], and its loss."""

    alpha: NDArray[np.float64]
    gradient: NDArray[np.float64]
    to_scores: NDArray[np.float64]
    value: NDArray[np.float64]
    loss: float


def loss_of(
    network: Any, ids: Sequence[int], target: Sequence[int], kept: Kept, segments: Sequence[int] | None = None
) -> Tensor:
    """The mean negative log likelihood of the targets that are not negative, in nats."""
    told = {} if segments is None else {"token_type_ids": torch.tensor([list(segments)])}
    with keeping(kept):
        logits = network(input_ids=torch.tensor([list(ids)]), **told).logits[0]
    likelihoods = torch.log_softmax(logits, -1)
    predicted = [place for place, piece in enumerate(target) if piece >= 0]
    return -sum(likelihoods[place, target[place]] for place in predicted) / len(predicted)


def differentiate(
    network: Any, ids: Sequence[int], target: Sequence[int], causal: bool, segments: Sequence[int] | None = None
) -> Differentiated:
    """Forward and back; the network is left with `NAME` as its attention."""
    network.set_attn_implementation(NAME)
    network.requires_grad_(True)
    kept = Kept(causal)
    loss = loss_of(network, ids, target, kept, segments)
    loss.backward()

    def stack(tensors: list[Tensor], gradient: bool) -> NDArray[np.float64]:
        found = [tensor.grad if gradient else tensor.detach() for tensor in tensors]
        return torch.stack([torch.zeros_like(t) if f is None else f for t, f in zip(tensors, found, strict=True)])[
            :, 0
        ].numpy()

    return Differentiated(
        alpha=stack(kept.alpha, gradient=False),
        gradient=stack(kept.alpha, gradient=True),
        to_scores=stack(kept.scores, gradient=True),
        value=stack(kept.value, gradient=False),
        loss=float(loss.detach()),
    )
