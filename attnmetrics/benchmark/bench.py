"""The benchmark: gather, race, compare, project."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from importlib.metadata import version
from os import cpu_count
from time import process_time
from typing import Any

import numpy as np
import torch

from attnmetrics.assets import CORPORA, PIPELINES
from attnmetrics.benchmark import contenders as who
from attnmetrics.benchmark.annotation import Pace, pace
from attnmetrics.benchmark.floor import Products, attention_seconds, product_seconds, products_of
from attnmetrics.benchmark.material import Device, Material, gather
from attnmetrics.benchmark.overhead import Account, account
from attnmetrics.benchmark.paper_way import PaperSums
from attnmetrics.benchmark.race import Timing, race, ratio
from attnmetrics.benchmark.shapes import SHAPES, Shape
from attnmetrics.config import RunConfig
from attnmetrics.corpus import read_documents
from attnmetrics.corpus.shards import LARGEST
from attnmetrics.metrics.family import HEAD
from attnmetrics.model.kernels.choose import kernel_name
from attnmetrics.model.kernels.kept import announce
from attnmetrics.model.load import Dtype, Model
from attnmetrics.model.precision import units_for_bfloat16
from attnmetrics.pieces.units import Units
from attnmetrics.statistics.exemplars import Exemplars
from attnmetrics.statistics.variability import prefix_pairs
from attnmetrics.storage import locate

Tell = Callable[[str], None]
TURNS = 6
"""Rounds of annotating."""
TRIED = 40
"""Units, or all that there are, on which the bare pass's batch size is chosen."""
WINDOW = 1024
PIECES_A_SENTENCE = 32
"""Of the demo corpus, roughly."""
WINDOWS = 4
"""Long units that are raced over."""


@dataclass(frozen=True, slots=True)
class Course:
    """What is raced, and where."""

    raced: int = 120
    """sentences of the demo corpus, at most"""
    rounds: int = 5
    """that count"""
    threads: int = 1
    """of each contender"""
    shape: Shape = SHAPES["gpt2"]
    """the model's"""
    windows: Sequence[int] = (WINDOW,)
    """pieces of long units, beside sentences; as many as the model takes where it takes fewer"""
    device: Device | None = None
    """unset: a GPU if there is one"""


@dataclass(frozen=True, slots=True)
class Line:
    """A contender's outcome."""

    key: str
    title: str
    unit: str
    dtype: str
    pieces: int
    """read in a round"""
    pieces_per_second: float
    quartiles: tuple[float, float]
    ratios: Mapping[str, tuple[float, float, float]]
    """to other contenders over the same units, by key: median and quartiles over the rounds"""
    products_share: float
    """of the rate that the needed matrix products alone would have"""
    floor_share: float
    """of the rate that these and attention at torch's best would have"""
    peak_bytes: int | None


Show = Callable[[Sequence[Line]], None]


@dataclass(frozen=True, slots=True)
class Projection:
    """What a corpus would take on this machine."""

    sentences: float
    annotation_cpu_hours: float
    measuring_hours: float
    store_bytes: float
    """before compression, without the texts of exemplars"""


@dataclass(frozen=True, slots=True)
class Findings:
    """All that the benchmark found, with its conditions."""

    conditions: Mapping[str, str]
    lines: Sequence[Line]
    floors: Mapping[str, float]
    """pieces a second if only the needed matrix products took time, by dtype"""
    annotation: Pace
    projection: Projection
    whole_run: Account | None

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def bench(course: Course, sentences: float, whole_run: int | None, tell: Tell, show: Show = lambda _: None) -> Findings:
    """Run the whole benchmark.

    Args:
        course: what is raced, and where.
        sentences: of the corpus to project to.
        whole_run: sentences of a run to account for, beside; None for no such run.
        tell: hears how it goes.
        show: gets the lines of each race when it is over.
    """
    documents = list(read_documents([str(CORPORA["demo"])]))
    tell("annotating")
    annotation = pace(documents, str(PIPELINES["en_ud_core"]), TURNS)
    with gather(documents, course.raced, course.threads, course.shape, course.device) as material:
        floors: dict[str, float] = {}
        lines: list[Line] = []
        for dtype in _dtypes(material):
            model, bare = material.load(dtype), material.network(dtype, "sdpa")
            torch.set_num_threads(course.threads)
            announce(kernel_name(model.device, model.dtype), tell)
            products = products_of(bare.config, model.causal)
            seconds = product_seconds(products, model.dtype, model.device)
            floors[dtype] = 1 / seconds
            for unit, read in _units(material, model, course.windows).items():
                attention = _attention_seconds(products, read(), model)
                timings = race(_field(material, model, bare, read, unit, tell), course.rounds, tell)
                raced = [_line(timing, timings, unit, seconds, attention) for timing in timings]
                show(raced)
                lines += raced
        measuring = next(line for line in lines if line.key == "d")
        return Findings(
            conditions=_conditions(material, course),
            lines=lines,
            floors=floors,
            annotation=annotation,
            projection=_project(material, sentences, annotation, measuring),
            whole_run=_account(material, whole_run, tell),
        )


def bench_families(course: Course, tell: Tell) -> list[Line]:
    """Only what the families cost: ours, with less and less of it, by processor time and in one thread.

    Args:
        course: what is raced, and where; of its units only sentences.
        tell: hears how it goes.
    """
    documents = list(read_documents([str(CORPORA["demo"])]))
    with gather(documents, course.raced, 1, course.shape, course.device) as material:
        model = material.load("float32")
        announce(kernel_name(model.device, model.dtype), tell)
        entered = [*who.measuring(partial(material.read, model), model), who.passing(material.read(model), model)]
        timings = race(entered, course.rounds, tell, process_time)
    return [_line(timing, timings, "sentence", 0, 0) for timing in timings]


def _dtypes(material: Material) -> tuple[Dtype, ...]:
    """bfloat16 too where the hardware has units for it."""
    units = units_for_bfloat16(torch.device(material.device))
    return ("float32",) if units == "none" else ("float32", "bfloat16")


def _units(material: Material, model: Model, windows: Sequence[int]) -> dict[str, Callable[[], Units]]:
    """How the model is given its units, by what they are called."""
    sizes = dict.fromkeys(min(size, model.max_pieces) for size in windows)
    reads = {
        f"window of {size:,}": partial(material.read_windows, model, WINDOWS * size // PIECES_A_SENTENCE + 2, size)
        for size in sizes
    }
    return {"sentence": partial(material.read, model), **reads}


def _attention_seconds(products: Products, units: Units, model: Model) -> float:
    return attention_seconds(products, units.pieces.lengths, model.dtype, model.device)


def _field(
    material: Material, model: Model, bare: Any, read: Callable[[], Units], unit: str, tell: Tell
) -> list[who.Contender]:
    """Who races over some units. What is slow or gives exact sums alone does so in float32."""
    tell("choosing the bare pass's batch size")
    units, threads = read(), material.threads
    sizes = [size * (16 if model.device.type == "cuda" else 1) for size in who.BARE_BATCHES]
    every = max(1, len(units) // TRIED)
    tried = race([who.bare(bare, units, size, threads, every) for size in sizes], 1)
    best = sizes[int(np.argmax([timing.rate for timing in tried]))]
    ours = [*who.measuring(read, model), who.passing(units, model)]
    entered = [who.bare(bare, units, best, threads), *ours]
    if model.dtype != torch.float32:
        return entered
    tags, relations = (len(material.declared[column]) for column in ("pos", "rel"))
    sums = partial(PaperSums, len(model.layers), model.heads, tags, relations)
    eager = material.network("float32", "eager")
    if model.causal:
        entered.append(who.recipe(material.network("float32", "sdpa"), units, sums, best, threads))
    entered.append(who.resident(eager, units, sums, threads))
    if unit != "sentence":
        return entered
    return [who.paper(eager, units, sums, threads), who.eager(eager, units, threads), *entered]


def _line(timing: Timing, timings: Sequence[Timing], unit: str, products: float, attention: float) -> Line:
    """An outcome, beside the seconds that a piece's matrix products, and attention to it, take at least."""
    own = timing.contender
    others = {other.contender.key: ratio(timing, other) for other in timings if other is not timing}
    shares = timing.rate * products, timing.rate * (products + attention)
    return Line(
        own.key, own.title, unit, own.dtype, own.pieces, timing.rate, timing.spread, others, *shares, timing.peak_bytes
    )


def _account(material: Material, sentences: int | None, tell: Tell) -> Account | None:
    if sentences is None:
        return None
    tell(f"running over {sentences:,} sentences, in one thread")
    return account(sentences, model=str(material.folder))


def _project(material: Material, sentences: float, annotation: Pace, measuring: Line) -> Projection:
    scale = sentences / len(material.sentences)
    characters = scale * sum(map(len, material.sentences.text))
    return Projection(
        sentences=sentences,
        annotation_cpu_hours=scale * len(material.sentences.word_start) / annotation.words_per_second / 3600,
        measuring_hours=scale * measuring.pieces / measuring.pieces_per_second / 3600,
        store_bytes=_store_bytes(material, sentences, characters),
    )


def _store_bytes(material: Material, sentences: float, characters: float) -> float:
    """Of states, exemplars and prefix blocks at a run's defaults."""
    config = RunConfig(model="demo", corpus=("demo",), out=locate("."))
    schema = material.schema(tuple(range(12)), 12)
    layers, heads = schema.shape(HEAD)
    exemplars = Exemplars.zero(2, layers, heads, config.exemplars)
    shard = 8 * schema.size + sum(getattr(exemplars, field.name).nbytes for field in fields(exemplars))
    block = 4 * layers * heads * len(prefix_pairs(causal=True)[0])
    kept = min(sentences, config.variability_sentences or sentences)
    return float(shard * characters / LARGEST + block * kept)


def _conditions(material: Material, course: Course) -> dict[str, str]:
    processor = f"{cpu_count()} cores ({torch.backends.cpu.get_cpu_capability()}), {material.threads} threads"
    return {
        "text": f"{len(material.sentences):,} sentences of the demo corpus; windows of its beginning",
        "model": f"{course.shape.title}, random weights",
        "machine": processor if material.device == "cpu" else f"{torch.cuda.get_device_name()}, {processor}",
        "rounds": f"{course.rounds}, in turns, after one that does not count",
        "versions": ", ".join(f"{package} {version(package)}" for package in ("torch", "transformers", "spacy")),
    }
