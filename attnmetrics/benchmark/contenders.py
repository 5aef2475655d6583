"""Who takes part: each reads all units once per round."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from attnmetrics.benchmark.material import in_batches
from attnmetrics.benchmark.paper_way import PaperSums, features
from attnmetrics.benchmark.recipe import Recipe
from attnmetrics.benchmark.resident import LONGEST, Resident
from attnmetrics.measuring.selection import MapSample
from attnmetrics.measuring.shard import measure
from attnmetrics.metrics.similarity import ROWS_A_UNIT
from attnmetrics.model.kernels.choose import choose_kernel
from attnmetrics.model.kernels.reductions import want_nothing
from attnmetrics.model.load import Model
from attnmetrics.model.pack import TILE_PAIRS, Batch
from attnmetrics.pieces.units import Units
from attnmetrics.storage import read_ahead

BARE_BATCHES = (1024, 2048, 4096)
"""Pieces of a batch among which the bare forward pass may choose; sixteen times as many on a GPU."""
EAGER_BATCH = 2048
PAPER_SENTENCES = 40
"""The paper's way is slow; its rate is known after some sentences."""


COMPARED = 10
"""Heads are compared in one of so many units: in 1,000 of 10,000, as a run does."""
_NOTHING_LISTED: Final = {"exemplars": 0, "tokens": False}


@dataclass(frozen=True, slots=True)
class Contender:
    """One way through the units."""

    key: str
    title: str
    dtype: str
    pieces: int
    """of all units that it reads in a round"""
    threads: int
    """of torch"""
    run: Callable[[], object]


def measuring(read: Callable[[], Units], model: Model) -> list[Contender]:
    """Ours, from texts to all metrics and exemplars; and with less and less of what is found beside sums of kernels."""
    units = read()
    every, nothing = np.arange(len(units)), np.zeros(0, np.int64)
    whole = MapSample(0, every, every[::COMPARED], ROWS_A_UNIT)
    words, unmapped = MapSample(0, every, nothing), MapSample(0, nothing, nothing)
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "d": (
            f"attnmetrics, all; every unit is mapped, heads are compared in one of {COMPARED}",
            {"map_sample": whole},
        ),
        "d3": ("d without similarity of heads", {"map_sample": words}),
        "d2": ("d3 without claims, exemplars, typical units, tokens", {"map_sample": words, **_NOTHING_LISTED}),
        "d1": ("d2 without syntax: no unit is mapped", {"map_sample": unmapped, **_NOTHING_LISTED}),
    }
    kind, pieces = _name(model.dtype), len(units.pieces.ids)

    def run(options: dict[str, Any]) -> None:
        measure(read(), model, **options)

    return [Contender(key, title, kind, pieces, 1, partial(run, options)) for key, (title, options) in kinds.items()]


def passing(units: Units, model: Model) -> Contender:
    """Ours, with the reductions left out: what they cost is the difference."""
    pieces = units.pieces
    every = np.ones(len(units), dtype=np.bool_)
    batches = list(model.layout.pack(pieces.lengths, every, model.batch_pieces, TILE_PAIRS))
    kernel = choose_kernel(model.device, model.dtype)

    def read(batch: Batch) -> None:
        ids = torch.from_numpy(pieces.ids_of(batch.rows)).to(model.device)
        model.run(ids, want_nothing(batch, model.causal, model.device), kernel=kernel)

    def run() -> None:
        for _ in read_ahead(read, batches, model.threads, waiting=model.threads):
            pass

    return Contender("d0", "d1 without reductions", _name(model.dtype), len(pieces.ids), 1, run)


def bare(network: Any, units: Units, batch_pieces: int, threads: int, every: int = 1) -> Contender:
    """Transformers' forward pass in padded batches, sorted by length: nothing is computed from one unit in `every`."""
    title = f"transformers, sdpa, batches of {batch_pieces:,} pieces, nothing computed"
    rows = np.arange(0, len(units), every)
    run = _batches(network, units, rows, batch_pieces, attentions=False)
    return Contender("c", title, _name(network.dtype), int(units.pieces.lengths[rows].sum()), threads, run)


def eager(network: Any, units: Units, threads: int) -> Contender:
    """The same, eager and with attention given out."""
    title = "transformers, eager, attentions given out, nothing computed"
    run = _batches(network, units, np.arange(len(units)), EAGER_BATCH, attentions=True)
    return Contender("b", title, _name(network.dtype), len(units.pieces.ids), threads, run)


def paper(network: Any, units: Units, sums: Callable[[], PaperSums], threads: int) -> Contender:
    """The paper's way (see `paper_way`), over some of the units."""
    rows = np.unique(np.linspace(0, len(units) - 1, PAPER_SENTENCES).astype(np.int64))
    title, pieces = "one sentence at a time, eager, metrics in NumPy", int(units.pieces.lengths[rows].sum())
    return Contender("a", title, _name(network.dtype), pieces, threads, lambda: sum_up(network, units, rows, sums()))


def recipe(network: Any, units: Units, sums: Callable[[], PaperSums], batch_pieces: int, threads: int) -> Contender:
    """What torch's own attention can be made to sum, for a causal model."""
    title = "torch's attention with features as values, logarithms and single weights; no exemplars"
    reader = Recipe(network, units, features(units), sums(), batch_pieces)
    return Contender("f", title, _name(network.dtype), len(units.pieces.ids), threads, reader.run)


def resident(network: Any, units: Units, sums: Callable[[], PaperSums], threads: int) -> Contender:
    """As tools that show attention do it."""
    title = f"eager, attention of all layers at once, sums in torch; units cut at {LONGEST} pieces"
    reader = Resident(network, units, features(units), sums(), EAGER_BATCH)
    return Contender("g", title, _name(network.dtype), reader.pieces, threads, reader.run)


def sum_up(network: Any, units: Units, rows: NDArray[np.int64], sums: PaperSums) -> PaperSums:
    """Add these units the paper's way."""
    known = features(units)
    with torch.inference_mode():
        for row in rows:
            ids = torch.from_numpy(units.pieces.ids_of(np.array([row])))[None].to(network.device)
            given = network(input_ids=ids, output_attentions=True, use_cache=False)
            sums.add(torch.cat(given.attentions).double().cpu().numpy(), known[row])
    return sums


def _batches(
    network: Any, units: Units, every: NDArray[np.int64], batch_pieces: int, attentions: bool
) -> Callable[[], None]:
    padded = []
    for places in in_batches(units.pieces.lengths[every], batch_pieces):
        rows = every[places]
        ids = torch.zeros(len(rows), int(units.pieces.lengths[rows].max()), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for place, row in enumerate(rows):
            own = units.pieces.ids_of(np.array([row]))
            ids[place, : len(own)] = torch.from_numpy(own)
            mask[place, : len(own)] = 1
        padded.append((ids.to(network.device), mask.to(network.device)))

    def run() -> None:
        with torch.inference_mode():
            for ids, mask in padded:
                network(input_ids=ids, attention_mask=mask, output_attentions=attentions, use_cache=False)

    return run


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
