"""Which kernel computes attention: the fused one on GPUs that can run it, the plain one elsewhere."""

from importlib.util import find_spec
from typing import Literal

import torch

from attnmetrics.model.kernels import Kernel, dense

FUSED_CAPABILITY = (8, 0)
"""The oldest GPUs with matrix units for bfloat16."""


def kernel_name(device: torch.device, dtype: torch.dtype) -> Literal["dense", "fused"]:
    """The kernel that `choose_kernel` gives; the last bits of a result depend on it."""
    fused = (
        device.type == "cuda"
        and dtype in (torch.float32, torch.bfloat16)
        and torch.cuda.get_device_capability(device) >= FUSED_CAPABILITY
        and find_spec("triton") is not None
    )
    return "fused" if fused else "dense"


def choose_kernel(device: torch.device, dtype: torch.dtype) -> Kernel:
    """The fastest kernel for a model of this precision on this device; Triton is imported only for the fused one."""
    if kernel_name(device, dtype) == "dense":
        return dense
    from attnmetrics.model.fused import Fused

    return Fused()
