"""Every architecture of transformers that reads text: how it is measured, and how far from its own attention.

python -m sweep [NAME…], in the folder of tests, writes the table of the docs.
"""

import signal
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers.utils import logging

from attnmetrics.errors import ModelError, first_line
from attnmetrics.model.probe import Probe, capture_maps, find_eager, probe
from attnmetrics.model.windows import heeds_windows
from sweep.small import PIECES, architectures, make

LENGTHS = (1, 2, 9, 9, 30, 70)
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
    """Build a small model, load it, and read sentences of mixed lengths."""
    try:
        network = make(kind)
    except Exception as error:
        return Found(kind, "not built", np.nan, f"{type(error).__name__}: {first_line(error)}")
    random = np.random.default_rng(0)
    sentences = [random.integers(10, 290, length).tolist() for length in LENGTHS]
    try:
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
    window = getattr(network.config, "sliding_window", None)
    windows = [*probed.windows, *([window] if isinstance(window, int) else [])]
    longest = max(LENGTHS) if heeds_windows(network, probed, PIECES) else min([*windows, max(LENGTHS)])
    sentences = [ids[:longest] for ids in sentences]
    found, _ = capture_maps(network, probed.layout, sentences, probed.causal, layers, CPU)
    expected = [find_eager(alone, ids, CPU) for ids in sentences]
    return max(float(np.abs(ours - theirs).max()) for ours, theirs in zip(found, expected, strict=True))


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
        print(f"| {found.kind} | {found.how} | {found.difference:.0e} | {found.reason[:200]} |", flush=True)
    print("\n" + ", ".join(f"{count} {how}" for how, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
