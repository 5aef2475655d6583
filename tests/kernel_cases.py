"""Kernels and what is asked of them: cases for tests of every kernel, batches, attendable pairs."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from attnmetrics.model.kernels.compiled import compiled
from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.reductions import Kernel, Linked, Reductions, Wanted, want
from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.pack import Batch, pack
from attnmetrics.pieces.attends import Attends
from attnmetrics.statistics.variability import prefix_pairs

HEADS, WIDTH = 2, 5
GROUPS = 4
NULLS = ((1, 0), (1, 1), (0, 0), (2, 1))
ATTENDS = tuple(
    Attends(causal, *null, between) for causal in (True, False) for null in NULLS for between in (False, True)
)
CPU = torch.device("cpu")
CARD = torch.device("cuda" if torch.cuda.is_available() else "cpu")  # the CPU is that of Triton's interpreter


@dataclass(frozen=True)
class Case:
    """A kernel, and what rounding may do to its results."""

    make: Callable[[], Kernel]
    dtype: torch.dtype
    device: torch.device
    error: float
    """absolute and relative, for scores up to 4; larger scores are rounded that much more"""

    def allowed(self, scores: float) -> float:
        return self.error * max(1.0, scores / 4)

    def draw(self, batch: Batch, seed: int, sharpness: float) -> list[torch.Tensor]:
        """Queries, keys and values."""
        generator = torch.Generator().manual_seed(seed)
        size = (int(batch.offsets[-1]), HEADS, WIDTH)
        drawn = [torch.randn(size, generator=generator, dtype=torch.float64) for _ in range(3)]
        return [self.take(tensor * scale) for tensor, scale in zip(drawn, (sharpness, 1, 1), strict=True)]

    def take(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self.device, self.dtype)

    def reduce(self, query: torch.Tensor, key: torch.Tensor, scaling: float, wanted: Wanted) -> Reductions:
        _, found = self.make()(query, key, None, Scoring(scaling), wanted, True)
        assert found is not None
        return found


def make_fused(**sizes: int) -> Kernel:
    from attnmetrics.model.kernels.fused import Fused

    return Fused(**sizes)


DENSE = Case(lambda: dense, torch.float64, CPU, 1e-11)
COMPILED = Case(lambda: compiled, torch.float32, CPU, 1e-6)
SHORT = Case(make_fused, torch.float32, CARD, 1e-6)
TILED = Case(lambda: make_fused(longest=0, side=16), torch.float32, CARD, 1e-6)
with_triton = pytest.mark.skipif(find_spec("triton") is None, reason="there is no Triton for this platform")
FUSED = {"short": SHORT, "tiled": TILED}
fused = pytest.mark.parametrize(
    "case", [pytest.param(case, id=name, marks=with_triton) for name, case in FUSED.items()]
)
ON_CPU = {"dense": DENSE, "compiled": COMPILED}
on_cpu = pytest.mark.parametrize("case", ON_CPU.values(), ids=ON_CPU)
every_kernel = pytest.mark.parametrize(
    "case", [*(pytest.param(case, id=name) for name, case in ON_CPU.items()), *fused.args[1]]
)
every_tiling = pytest.mark.parametrize(
    ("case", "tile_pairs"),
    [
        pytest.param(case, pairs, id=f"{name}-{pairs}")
        for name, case in ON_CPU.items()
        for pairs in (1, 12, 300, 1 << 16)
    ]
    + [pytest.param(case, 1 << 16, id=name, marks=with_triton) for name, case in FUSED.items()],
)


def one_batch(lengths: list[int], measured: list[bool], tile_pairs: int) -> Batch:
    (batch,) = pack(np.array(lengths, np.int64), np.array(measured), 10**6, tile_pairs, False)
    return batch


def attendable(i: int, j: int, length: int, attends: Attends) -> bool:
    return (j <= i or not attends.causal) and not is_null(j, length, attends)


def is_null(j: int, length: int, attends: Attends) -> bool:
    begin, end = between_of(length, attends)
    return j < attends.leading or j >= length - attends.trailing or begin <= j < end


def between_of(length: int, attends: Attends) -> tuple[int, int]:
    """Where the null pieces between segments begin and end: two or one, anywhere, sometimes beside those at an end."""
    room = length - attends.leading - attends.trailing
    if not attends.between or room < 1 or length % 7 == 3:
        return 0, 0
    begin = attends.leading + (3 * length + 1) % room
    return begin, min(begin + 2, length - attends.trailing)


def everything_wanted(batch: Batch, measured: list[bool], attends: Attends, device: torch.device = CPU) -> Wanted:
    """All attendable pairs of measured sentences but those of group 2, in no order, and every second prefix."""
    pairs = [
        (begin + i, begin + j, group_of(i, j))
        for begin, end, row in zip(batch.offsets[:-1].tolist(), batch.offsets[1:].tolist(), batch.rows, strict=True)
        for i in range(end - begin)
        for j in range(end - begin)
        if measured[row] and attendable(i, j, end - begin, attends) and group_of(i, j) != 2
    ]
    shuffled = np.random.default_rng(0).permutation(np.array(pairs, np.int64).reshape(-1, 3))
    kept = np.array([b for b, row in enumerate(batch.rows) if measured[row]][::2], np.int64)
    between = np.array([between_of(length, attends) for length in np.diff(batch.offsets).tolist()], np.int64).T
    linked, first = Linked(*shuffled.T, groups=GROUPS), prefix_pairs(attends.causal)
    return want(batch, attends, linked, kept, first, device, between if attends.between else None)


def group_of(i: int, j: int) -> int:
    return (2 * i + j) % GROUPS
