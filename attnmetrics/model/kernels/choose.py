"""Which kernel computes attention: the fastest that runs on a device in a precision, and the plain one elsewhere."""

from importlib.util import find_spec
from typing import Literal

import torch

from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.reductions import Kernel

FUSED_CAPABILITY = (8, 0)
"""The oldest GPUs with matrix units for bfloat16."""


def kernel_name(device: torch.device, dtype: torch.dtype) -> Literal["dense", "compiled", "fused"]:
    """The kernel that `choose_kernel` gives; the last bits of a result depend on it."""
    if dtype not in (torch.float32, torch.bfloat16):
        return "dense"
    if device.type == "cpu":
        return "compiled"
    fused = torch.cuda.get_device_capability(device) >= FUSED_CAPABILITY and find_spec("triton") is not None
    return "fused" if fused else "dense"


def choose_kernel(device: torch.device, dtype: torch.dtype) -> Kernel:
    """The fastest kernel for a model of this precision on this device; Numba and Triton are imported where needed."""
    name = kernel_name(device, dtype)
    if name == "compiled":
        from attnmetrics.model.kernels.compiled import compiled

        return compiled
    if name == "fused":
        from attnmetrics.model.kernels.fused import Fused

        return Fused()
    return dense
