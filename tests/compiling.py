"""Compiles the fused kernel's programs for a Hopper GPU, which need not be there; prints their names.

Run as a process of its own, since Triton either interprets programs or compiles them.
"""

from functools import partial
from typing import Any

import numpy as np
import torch
from triton.backends.compiler import GPUTarget
from triton.runtime import driver

from attnmetrics.model.kernels import fused
from attnmetrics.model.kernels.reductions import Linked, want
from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.pack import pack
from attnmetrics.pieces.attends import Attends


class Hopper:
    """As much of a driver as compiling needs."""

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0


class Compiled:
    """A program that is compiled instead of launched."""

    def __init__(self, program: Any) -> None:
        self.program = program

    def __getitem__(self, grid: tuple[int, ...]) -> Any:
        return partial(self.compile, grid)

    def compile(self, grid: tuple[int, ...], *arguments: Any, **options: Any) -> None:
        compiled = self.program.warmup(*arguments, grid=grid, **options)
        assert len(compiled.asm["cubin"]) > 0
        print(self.program.fn.__name__)


if __name__ == "__main__":
    driver.set_active(Hopper())
    for name in ("short", "tiled", "received", "linked", "single"):
        setattr(fused, name, Compiled(getattr(fused, name)))
    lengths, zero, one = np.array([20, 150]), np.zeros(1, np.int64), np.ones(1, np.int64)
    (batch,) = pack(lengths, np.ones(2, np.bool_), 1000, 1 << 16, False)
    linked = Linked(one, one, zero, groups=1)
    wanted = want(batch, Attends(True, 1, 0), linked, zero, (one, one), torch.device("cpu"))
    query, key, value = torch.zeros(3, lengths.sum(), 2, 64, dtype=torch.bfloat16)
    fused.Fused()(query, key, value, Scoring(0.125), wanted, True)
