"""A model in float64 without a copy of it, unless it is small: numbers are widened where torch is called.

Models keep some steps in float32 whatever their own type is: norms, rotary angles, softmax. Here they are float64, too.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

TAKES: Final = (torch.nn.functional.embedding, Tensor.__getitem__)
"""Functions that take a part of a table: the part is widened, not the table."""
WIDE: Final = {Tensor.float: Tensor.double}
KEPT: Final = 1 << 28
"""Numbers of wide parameters that are kept, 2 GB: to widen them anew in every pass takes most of its time."""


class Widening(TorchFunctionMode):
    """While it holds, nothing on this thread is computed in float32."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[nn.Parameter, Tensor] = {}
        self._room = KEPT

    def __torch_function__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run a function of torch on float64; what it writes into stays what it is."""
        name = getattr(function, "__name__", "")
        if name == "__get__" or function in TAKES:
            return self._widen(function(*args, **(kwargs or {})))
        if name.endswith("grouped_mm"):
            return _multiply_groups(*args, **(kwargs or {}))
        kept = 1 if name == "__setitem__" or (name.endswith("_") and not name.endswith("__")) else 0
        args = (*args[:kept], *map(self._widen, args[kept:]))
        kwargs = {key: value if key == "out" else self._widen(value) for key, value in (kwargs or {}).items()}
        result = WIDE.get(function, function)(*args, **kwargs)
        return result if kept else self._widen(result)

    def _widen(self, value: Any) -> Any:
        """The same with float64 for float32, tensors and types, in lists, too."""
        if value is torch.float32:
            return torch.float64
        if isinstance(value, nn.Parameter) and value.dtype is torch.float32:
            return self._kept[value] if value in self._kept else self._keep(value)
        if isinstance(value, Tensor):
            return value.double() if value.dtype is torch.float32 else value
        if type(value) in (tuple, list):
            return type(value)(map(self._widen, value))
        return value

    def _keep(self, parameter: nn.Parameter) -> Tensor:
        """A wide one, kept while there is room."""
        wide = parameter.double()
        if wide.numel() <= self._room:
            self._room -= wide.numel()
            self._kept[parameter] = wide
        return wide


def _multiply_groups(rows: Tensor, weights: Tensor, *, offs: Tensor, **_: None) -> Tensor:
    """Rows up to offs[0] by weights[0], those from there to offs[1] by weights[1], …; torch's own has no float64."""
    groups = rows.double().tensor_split(offs[:-1].long().cpu())
    return torch.cat([group @ weight.double() for group, weight in zip(groups, weights, strict=True)])
