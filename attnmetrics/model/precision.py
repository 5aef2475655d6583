"""What a processor has for bfloat16, and so whether that is quicker than float32."""

from typing import Literal

import torch

UnitsForBfloat16 = Literal["none", "vectors", "matrices"]


def units_for_bfloat16(device: torch.device) -> UnitsForBfloat16:
    """Units that multiply bfloat16: of a GPU, or of the processor."""
    if device.type != "cpu" or _has("_is_amx_tile_supported"):
        return "matrices"
    return "vectors" if _has("_is_avx512_bf16_supported") else "none"


def advise(dtype: str, device: torch.device) -> str | None:
    """What to know of a precision before a run; nothing where it suits the device."""
    units = units_for_bfloat16(device)
    if dtype == "bfloat16" and units != "matrices":
        return "--dtype bfloat16: this processor has no matrix units for it; float32 is quicker here, and more exact."
    if dtype == "float32" and units == "matrices" and device.type == "cpu":
        return "This processor has matrix units for bfloat16: --dtype bfloat16 is quicker here, and less exact."
    return None


def _has(name: str) -> bool:
    return bool(getattr(torch.cpu, name, bool)())
