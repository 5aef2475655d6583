"""Turns: every contender once a round, in an order that changes, after one round that does not count."""

import ctypes
import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from attnmetrics.benchmark.contenders import Contender


@dataclass(frozen=True, slots=True)
class Timing:
    """A contender's rounds."""

    contender: Contender
    seconds: tuple[float, ...]
    """of each round"""
    peak_bytes: int | None
    """most memory of a round above what was held before it; None where the system does not tell"""

    @property
    def rates(self) -> tuple[float, ...]:
        """Pieces a second of each round."""
        return tuple(self.contender.pieces / seconds for seconds in self.seconds)

    @property
    def rate(self) -> float:
        """The median."""
        return float(np.median(self.rates))

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles of the rates."""
        low, high = np.percentile(self.rates, (25, 75))
        return float(low), float(high)


def race(
    contenders: Sequence[Contender],
    rounds: int,
    tell: Callable[[str], None] = lambda _: None,
    clock: Callable[[], float] = perf_counter,
) -> list[Timing]:
    """Let contenders take turns.

    Args:
        contenders: who takes part.
        rounds: that count.
        tell: hears how it goes.
        clock: by which they are timed.
    """
    with _only_new_garbage():
        peaks = [_warm_up(contender, tell) for contender in contenders]
    seconds = take_turns([partial(_run, contender) for contender in contenders], rounds, clock, tell)
    return [Timing(*one) for one in zip(contenders, map(tuple, seconds.tolist()), peaks, strict=True)]


@contextmanager
def _only_new_garbage() -> Iterator[None]:
    """Collecting garbage within looks at nothing that was there before, of which there is much."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _warm_up(contender: Contender, tell: Callable[[str], None]) -> int | None:
    """A round that does not count; the memory that it took."""
    tell(f"warming up: {contender.title}, {contender.dtype}")
    torch.set_num_threads(contender.threads)
    return peak_bytes(contender.run)


def take_turns(
    runs: Sequence[Callable[[], object]],
    rounds: int,
    clock: Callable[[], float],
    tell: Callable[[str], None] = lambda _: None,
) -> NDArray[np.float64]:
    """[run, round] seconds by a clock; another run is the first in every round."""
    seconds = np.zeros((len(runs), rounds))
    for number in range(rounds):
        tell(f"round {number + 1} of {rounds}")
        for place in np.roll(np.arange(len(runs)), -number).tolist():
            start = clock()
            runs[place]()
            seconds[place, number] = clock() - start
    return seconds


def ratio(ours: Timing, theirs: Timing) -> tuple[float, float, float]:
    """How many times faster, round by round: the median and the quartiles."""
    return middle_and_quartiles(np.array(ours.rates) / np.array(theirs.rates))


def middle_and_quartiles(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """The median, the lower and the upper quartile."""
    middle, low, high = np.percentile(values, (50, 25, 75))
    return float(middle), float(low), float(high)


def _run(contender: Contender) -> None:
    torch.set_num_threads(contender.threads)
    contender.run()
    wait()


def wait() -> None:
    """A GPU works on when the call is over."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def peak_bytes(run: Callable[[], object]) -> int | None:
    """Of a GPU where there is one. Linux keeps the peak of a process's memory, and forgets it when asked to."""
    if torch.cuda.is_available():
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        run()
        return torch.cuda.max_memory_allocated() - before
    status, forget = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not (status.exists() and forget.exists()):
        run()
        return None
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    forget.write_text("5")
    resident = _kilobytes(status, "VmRSS")
    run()
    return 1024 * (_kilobytes(status, "VmHWM") - resident)


def _kilobytes(status: Path, name: str) -> int:
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(f"{name}:"))
