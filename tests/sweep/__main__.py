"""Every architecture of transformers that reads text: how it is measured, and how far from its own attention.

python -m sweep [NAME…], in the folder of tests, writes the table of the docs.
"""

import signal
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from transformers.utils import logging

from attnmetrics.errors import ModelError, first_line
from attnmetrics.model.modules.stacks import Stack
from attnmetrics.model.trials.probe import Probe, capture_maps, find_eager, largest_difference, probe
from attnmetrics.model.trials.windows import heeds_windows, length_in
from sweep.small import PIECES, architectures, make

LENGTHS = (1, 2, 9, 9, 30, 70)
SHORTEST = {"funnel": 3}
"""Pieces of a sentence at least, where transformers itself fails with fewer."""
EVEN = 1.001
"""A row's largest weight shows nothing if it is at most this many times what it has where all are equal."""
SECONDS = 60
"""Of processor time, for one architecture."""
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Found:
    """How an architecture is measured."""

    kind: str
    how: str
    difference: float
    """largest, to the attention of each sentence alone"""
    reason: str


def look(kind: str) -> Found:
    """Build a small model, load it, and read sentences of mixed lengths; a decoder only where no encoder can be."""
    found = _look(kind, "encoder")
    if "--stack decoder" not in found.reason:
        return found
    found = _look(kind, "decoder")
    return replace(found, reason=f"--stack decoder alone; {found.reason}")


def _look(kind: str, stack: Stack) -> Found:
    try:
        network = make(kind, stack)
    except Exception as error:
        return Found(kind, "not built", np.nan, f"{type(error).__name__}: {first_line(error)}")
    random = np.random.default_rng(0)
    shortest = SHORTEST.get(kind, 1)
    sentences = [random.integers(10, 290, max(length, shortest)).tolist() for length in LENGTHS]
    try:
        if _is_even(network, sentences[-2]):
            return Found(kind, "not built", np.nan, "the small model attends evenly, which shows nothing")
        alone = deepcopy(network)
        probed = probe(network, [ids[:12] for ids in sentences], CPU)
        difference = _difference(network, probed, alone, sentences)
    except ModelError as error:
        return Found(kind, "refused", np.nan, str(error))
    except Exception as error:
        return Found(kind, "traceback", np.nan, f"{type(error).__name__}: {first_line(error)}")
    return Found(kind, _how(probed), difference, probed.layout.own or _windows(network, probed))


def _difference(network: Any, probed: Probe, alone: Any, sentences: list[list[int]]) -> float:
    layers = tuple(range(probed.layers))
    config = network.config
    limits = [length_in(config, "longest_whole"), max(LENGTHS)]
    if not heeds_windows(network, probed, PIECES):
        limits += [*probed.windows, length_in(config, "sliding_window")]
    sentences = [ids[: min(filter(None, limits))] for ids in sentences]
    found, _ = capture_maps(network, probed.layout, sentences, probed.causal, layers, CPU)
    return largest_difference(found, [find_eager(alone, ids, CPU) for ids in sentences])


def _is_even(network: Any, ids: list[int]) -> bool:
    """Whether there is a layer that attends to all pieces alike, which shows nothing of how it attends."""
    last = find_eager(network, ids, CPU)[:, :, -1]
    attended = (last > 0).sum(-1)
    return bool(((attended > 1) & (last.max(-1) * attended < EVEN)).all(-1).any())


def _how(probed: Probe) -> str:
    return "own" if probed.layout.own else "equal lengths" if probed.layout.equal_lengths else "fast"


def _windows(network: Any, probed: Probe) -> str:
    return "sentences up to its window" if probed.windows and not heeds_windows(network, probed, PIECES) else ""


def _stop(*_: Any) -> None:
    raise TimeoutError(f"more than {SECONDS} s")


def rows(kinds: list[str]) -> Iterator[Found]:
    """What is found of each."""
    signal.signal(signal.SIGPROF, _stop)
    for kind in kinds:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        yield look(kind)
        signal.setitimer(signal.ITIMER_PROF, 0)


def main() -> None:
    """Write the table."""
    logging.set_verbosity_error()
    print("| architecture | how | largest difference | why |\n|---|---|---|---|")
    counts: dict[str, int] = {}
    for found in rows(sys.argv[1:] or architectures()):
        counts[found.how] = counts.get(found.how, 0) + 1
        print(f"| {found.kind} | {found.how} | {found.difference:.0e} | {found.reason} |", flush=True)
    print("\n" + ", ".join(f"{count} {how}" for how, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
