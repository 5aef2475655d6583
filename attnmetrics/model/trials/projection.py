"""The output projection and the value bias of each head, found by watching the network.

Modules are not known by their names but by what they do. In a pass of its own, attention gives random numbers: the
module that takes just these is the output projection. The module that gave the values is the one among whose columns
they all are. Both must give x W + c for a parameter W of theirs; what is not certain is not taken.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from attnmetrics.model.kernels.reductions import Show, Wanted
from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.modules.hooks import hooked
from attnmetrics.model.modules.output import HeadOutputs
from attnmetrics.model.trials.probe import Layout, run_alone

ROUNDING: Final = 1e-4
"""Largest error of a float32 product, relative to its largest number; another map is off by far more."""


def find_outputs(
    network: Any, layout: Layout, ids: Sequence[int], causal: bool, layers: tuple[int, ...], device: torch.device
) -> tuple[HeadOutputs | None, ...]:
    """What the heads of these layers add to the stream; None where that is not certain.

    Args:
        network: a float32 model that is prepared (see `probe.prepare`).
        layout: how it takes sentences.
        ids: pieces of a sentence. Ten are plenty: two columns of a layer that agree on all of them are the same.
        causal: whether it is causal.
        layers: which of them, counted in the order of their attention.
        device: where it is.
    """
    if layout.own:
        return (None,) * len(layers)
    watch = _Watch()
    with watch.on(network):
        run_alone(network, layout, ids, causal, layers, device, watch.attend)
    stream = getattr(network.config.get_text_config(), "hidden_size", None)
    return tuple(_outputs(watch.attended[layer], stream) for layer in layers)


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    """A module with a matrix that was called with one tensor and gave one."""

    module: nn.Module
    given: Tensor
    """[…, columns]"""
    result: Tensor
    """[…, columns]"""


@dataclass(frozen=True, slots=True, eq=False)
class _Attended:
    """One layer's attention, and the calls around it."""

    value: Tensor
    """[T, head, width]"""
    mixed: Tensor
    """[T, head, width] random numbers instead of mixed values"""
    before: list[_Call]
    """since the attention before"""
    after: list[_Call]
    """until the next"""


class _Watch:
    """Stands in for attention, and notes which modules are called meanwhile."""

    def __init__(self) -> None:
        self.attended: list[_Attended] = []
        self._calls: list[_Call] = []
        self._random: torch.Generator | None = None

    def attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor | None,
        scoring: Scoring,
        wanted: Wanted,
        reduce: bool,
        show: Show | None = None,
    ) -> tuple[Tensor | None, None]:
        """A kernel (see `kernels.Kernel`) that mixes nothing."""
        assert value is not None
        self._random = self._random or torch.Generator(value.device).manual_seed(0)
        mixed = torch.randn(value.shape, generator=self._random, dtype=value.dtype, device=value.device)
        before, self._calls = self._calls, []
        self.attended.append(_Attended(value.clone(), mixed.clone(), before, self._calls))
        return mixed, None

    def on(self, network: nn.Module) -> AbstractContextManager[None]:
        """Watch its modules."""
        return hooked(module.register_forward_hook(self._note) for module in network.modules())

    def _note(self, module: nn.Module, given: tuple[Any, ...], result: Any) -> None:
        if len(given) != 1 or not all(isinstance(found, Tensor) for found in (given[0], result)):
            return
        if given[0].is_floating_point() and any(parameter.ndim > 1 for parameter in module.parameters()):
            self._calls.append(_Call(module, given[0].clone(), result.clone()))


# --- what is certain -------------------------------------------------------------------------------------------------


@torch.no_grad()
def _outputs(attended: _Attended, stream: int | None) -> HeadOutputs | None:
    """What is certain of a layer's heads; all of it or nothing."""
    try:
        weight, bias = _find_projection(attended), _find_bias(attended)
    except Exception:  # a module that is not as simple as it looks may raise anything
        return None
    if weight is None or bias is None or weight.shape[-1] != stream:
        return None
    return HeadOutputs.of(weight, bias)


def _find_projection(attended: _Attended) -> Tensor | None:
    """W [head, width, stream] of the one module that takes the mixed values of all heads side by side.

    It may hold others that take them too; it ends after these.
    """
    side_by_side = attended.mixed.flatten(1)
    calls = [call for call in attended.after if _holds(call.given, side_by_side)]
    if not calls or not {call.module for call in calls} <= set(calls[-1].module.modules()):
        return None
    affine = _affine(calls[-1])
    return None if affine is None else affine[0].reshape(*attended.mixed.shape[1:], -1)


def _holds(given: Tensor, rows: Tensor) -> bool:
    """Whether these are the rows [T, columns], whatever stands before the last dimension."""
    same_shape = given.shape[-1] == rows.shape[-1] and given.numel() == rows.numel()
    return same_shape and torch.equal(given.reshape(rows.shape), rows)


def _find_bias(attended: _Attended) -> Tensor | None:
    """The value bias [head, width]: what the module that gave the values gives in the same columns for zeros."""
    for call in reversed(attended.before):
        columns = _find_columns(attended.value.flatten(1), call.result)
        if columns is not None:
            affine = _affine(call)
            return None if affine is None else affine[1][columns].view(attended.value.shape[1:])
    return None


def _find_columns(value: Tensor, result: Tensor) -> Tensor | None:
    """[columns of value [T, …]] where each of them stands in what a module gave; None where one does not."""
    rows = result.reshape(-1, result.shape[-1])
    if len(rows) != len(value):
        return None
    place = {column: k for k, column in enumerate(_columns(rows))}
    found = [place.get(column, -1) for column in _columns(value)]
    return None if -1 in found else torch.tensor(found, device=value.device)


def _columns(rows: Tensor) -> list[bytes]:
    """The bits of each column."""
    transposed: NDArray[np.float64] = np.ascontiguousarray(rows.double().cpu().numpy().T)
    return [column.tobytes() for column in transposed]


def _affine(call: _Call) -> tuple[Tensor, Tensor] | None:
    """W and c of a module that gives x W + c, W one of its parameters or transposed; None of any other module."""
    x, result = (rows.reshape(-1, rows.shape[-1]).double() for rows in (call.given, call.result))
    constant = call.module(torch.zeros_like(call.given)).reshape(result.shape)[0].double()
    for parameter in call.module.parameters():
        for weight in (parameter, parameter.T) if parameter.ndim == 2 else ():
            if weight.shape == (x.shape[1], result.shape[1]):
                error = (x @ weight.double() + constant - result).abs().max()
                if error <= ROUNDING * result.abs().max():
                    return weight, constant
    return None
