"""Linear layers of a model on a CPU: their weights laid out once, and the activation that follows taken along.

In every call torch's own product lays weights out as the processor's units take them, and an activation reads from
memory once more what it gave. Which activation follows which layer is found by watching the network. In the end it
must attend as before, or it is left as it was. For bfloat16 alone: in float32 these products are quicker, too, by a
seventh, for they add up all terms in one chain where torch's own add up 192 at a time, and rounding grows with a chain:
where activations are large (SmolLM2), errors triple. In shorter chains they are as exact, and no quicker.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers.activations import GELUActivation, GELUTanh, SiLUActivation
from transformers.pytorch_utils import Conv1D

from attnmetrics.model.modules.activations import OnePassGelu
from attnmetrics.model.modules.hooks import hooked

Look = Callable[[], Sequence[NDArray[np.float64]]]
"""Gives attention maps of some sentences."""


class Activation(NamedTuple):
    """What is made of a product before it is written, in oneDNN's terms."""

    name: str = "none"
    scalars: tuple[float, ...] = ()
    algorithm: str = ""


NOTHING: Final = Activation()
_ERF, _TANH, _SWISH = Activation("gelu", (), "none"), Activation("gelu", (), "tanh"), Activation("swish", (1.0,))
ACTIVATIONS: Final[Mapping[type[nn.Module], Activation]] = {
    GELUActivation: _ERF,
    GELUTanh: _TANH,
    OnePassGelu: _TANH,
    SiLUActivation: _SWISH,
    nn.SiLU: _SWISH,
}
"""Those that a product takes along."""


class LaidOut(nn.Module):
    """A linear layer, and the activation that follows."""

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: Activation) -> None:
        """Of weights [columns, rows], and of a bias [columns] if there is one."""
        super().__init__()
        laid_out = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous())
        self.weight = nn.Parameter(laid_out, requires_grad=False)
        self.bias: Any = bias
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """[…, rows] to […, columns]."""
        result: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, *self.activation)
        return result

    def plain(self) -> nn.Linear:
        """The layer as torch has it, without what follows."""
        columns, rows = self.weight.shape
        linear = nn.Linear(rows, columns, bias=False, device="meta")
        linear.weight = nn.Parameter(self.weight.to_dense(), requires_grad=False)
        linear.bias = self.bias
        return linear

    def __deepcopy__(self, _: Any) -> nn.Module:
        """As torch has it, with what follows: copies are made to be changed."""
        after = [kind() for kind, activation in ACTIVATIONS.items() if activation == self.activation]
        return nn.Sequential(self.plain(), *after[:1])


def lay_out(network: nn.Module, look: Look, enough: float) -> None:
    """Lay out the weights of a network's linear layers, in place.

    Args:
        network: on a CPU, and in evaluation mode.
        look: runs it.
        enough: by how much its attention may change: what rounding explains.
    """
    watch = _Watch()
    with hooked(watch.on(module) for module in network.modules() if _is_linear(module) or type(module) in ACTIVATIONS):
        before = look()
    taken = watch.followed_by()
    identities = {activation: nn.Identity() for activation in taken.values()}
    try:
        _exchange(network, lambda module: _laid_out(module, taken) if _is_linear(module) else module)
        _exchange(network, lambda module: identities.get(module, module))
        error = max(float(np.abs(one - other).max()) for one, other in zip(look(), before, strict=True))
    except Exception:  # torch's build, the processor or the model's own code may know nothing of such weights
        error = inf
    if not error <= enough:
        activations = {identity: activation for activation, identity in identities.items()}
        _exchange(network, lambda module: module.plain() if isinstance(module, LaidOut) else module)
        _exchange(network, lambda module: activations.get(module, module))


def _is_linear(module: nn.Module) -> bool:
    """Whether it is one of those kinds, and not one made from them."""
    return type(module) in (nn.Linear, Conv1D)


def _laid_out(module: Any, taken: Mapping[nn.Module, nn.Module]) -> LaidOut:
    """A layer with its weights laid out; it loses its own, for there may be no room for both."""
    activation = ACTIVATIONS[type(taken[module])] if module in taken else NOTHING
    found = LaidOut(module.weight.T if isinstance(module, Conv1D) else module.weight, module.bias, activation)
    module.weight = None
    return found


def _exchange(network: nn.Module, make: Callable[[Any], nn.Module]) -> None:
    """Put what is made of each module in its place, wherever it stands."""
    made: dict[nn.Module, nn.Module] = {}
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            made[child] = made.get(child) or make(child)
            setattr(parent, name, made[child])


class _Watch:
    """Notes which activations are given what which linear layers gave."""

    def __init__(self) -> None:
        self._given: list[tuple[Tensor, nn.Module]] = []
        self._calls: Counter[nn.Module] = Counter()
        self._pairs: Counter[tuple[nn.Module, nn.Module]] = Counter()

    def on(self, module: nn.Module) -> Any:
        """A hook on a linear layer or an activation."""
        return module.register_forward_hook(self._note)

    def _note(self, module: nn.Module, given: tuple[Any, ...], result: Tensor) -> None:
        self._calls[module] += 1
        if _is_linear(module):
            self._given.append((result, module))
        for own, layer in self._given if not _is_linear(module) else ():
            if own is given[0]:
                self._pairs[layer, module] += 1

    def followed_by(self) -> dict[nn.Module, nn.Module]:
        """The activation of each linear layer: it is given all that the layer gives, and nothing else."""
        return {
            layer: activation
            for (layer, activation), times in self._pairs.items()
            if times == self._calls[layer] == self._calls[activation]
        }
