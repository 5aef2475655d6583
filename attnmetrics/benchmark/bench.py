"""The benchmark: gather, race, compare, project."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from os import cpu_count
from time import perf_counter
from typing import Any

import numpy as np
import torch

from attnmetrics.annotation.spacy import SpacyAnnotator
from attnmetrics.assets import PIPELINES
from attnmetrics.benchmark import contenders as who
from attnmetrics.benchmark.floor import floor_rate
from attnmetrics.benchmark.material import Material, gather
from attnmetrics.benchmark.paper_way import PaperSums
from attnmetrics.benchmark.race import Timing, race, ratio
from attnmetrics.config import RunConfig
from attnmetrics.statistics.states import Dims, packed_size

Tell = Callable[[str], None]
SHARD_CHARACTERS = RunConfig.model_fields["shard_characters"].default
TURNS = 3
"""Rounds of annotating."""


@dataclass(frozen=True, slots=True)
class Line:
    """A contender's outcome."""

    key: str
    title: str
    dtype: str
    pieces_per_second: float
    quartiles: tuple[float, float]
    ratios: Mapping[str, tuple[float, float, float]]
    """to contenders of the same kind of arithmetic, by key: median and quartiles over the rounds"""
    floor_share: float
    peak_bytes: int | None


@dataclass(frozen=True, slots=True)
class Projection:
    """What a corpus would take on this machine."""

    sentences: float
    annotation_cpu_hours: float
    measuring_hours: float
    store_bytes: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that the benchmark found, with its conditions."""

    conditions: Mapping[str, str]
    lines: Sequence[Line]
    floors: Mapping[str, float]
    """pieces a second if only the needed matrix products took time, by dtype"""
    annotation_words_per_second: float
    annotation_share: float
    """of the rate of the bare pipeline"""
    projection: Projection

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def bench(sentences: int, rounds: int, threads: int, project: float, tell: Tell) -> Outcome:
    """Run the whole benchmark.

    Args:
        sentences: most sentences of the demo corpus.
        rounds: that count.
        threads: of torch.
        project: sentences of the corpus to project to.
        tell: hears how it goes.
    """
    torch.set_num_threads(threads)
    tell("annotating")
    with gather(sentences, threads) as material:
        words, share = _annotate(material)
        text, timings, floors = _race(material, rounds, tell)
        lines = [_line(timing, timings, floors) for timing in timings]
        rate = next(line.pieces_per_second for line in lines if line.key == "d")
        return Outcome(
            conditions=_conditions(material, text, rounds),
            lines=lines,
            floors=floors,
            annotation_words_per_second=words,
            annotation_share=share,
            projection=_project(material, text, project, words, rate),
        )


def _race(material: Material, rounds: int, tell: Tell) -> tuple[who.Text, list[Timing], dict[str, float]]:
    tell("loading models")
    dtypes = ("float32", "bfloat16")
    models = {dtype: material.load(dtype) for dtype in dtypes}
    bare = {dtype: material.network(dtype, "sdpa") for dtype in dtypes}
    eager = material.network("float32", "eager")
    text = who.read(material, models["float32"])
    dims = Dims(models["float32"].layers, models["float32"].heads, *_labels(material))
    entered = [
        who.paper(eager, text, lambda: PaperSums(len(dims.layer), dims.head, len(dims.pos), len(dims.rel))),
        who.eager(eager, text),
    ]
    for dtype in dtypes:
        choices = [who.bare(bare[dtype], text, dtype, size) for size in who.BARE_BATCHES]
        entered += [
            _quickest(choices, tell),
            who.measuring(material, models[dtype], dtype),
            who.passing(material, models[dtype], dtype),
        ]
    timings = race(entered, rounds, tell)
    return text, timings, {dtype: floor_rate(bare[dtype].config, dtype) for dtype in dtypes}


def _quickest(choices: Sequence[who.Contender], tell: Tell) -> who.Contender:
    """The bare forward pass at the batch size that suits it best, each tried twice."""
    tell("choosing the bare pass's batch size")
    return max(race(choices, 2), key=lambda one: one.rate).contender


def _line(timing: Timing, timings: Sequence[Timing], floors: Mapping[str, float]) -> Line:
    own = timing.contender
    others = {
        other.contender.key: ratio(timing, other)
        for other in timings
        if other is not timing and (other.contender.dtype == own.dtype or other.contender.key in "ab")
    }
    return Line(
        own.key, own.title, own.dtype, timing.rate, timing.spread, others, timing.rate / floors[own.dtype],
        timing.peak_bytes,
    )  # fmt: skip


def _labels(material: Material) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return material.sentences.labels.pos, material.sentences.labels.rel


def _annotate(material: Material) -> tuple[float, float]:
    """Words a second of annotating on one core, and its share of the bare pipeline's rate, in turns."""
    import spacy

    annotator = SpacyAnnotator(str(PIPELINES["en_ud_core"]))
    pipeline = spacy.load(PIPELINES["en_ud_core"])
    texts = [document.text for document in material.documents]
    words = int(annotator.annotate(material.documents).counts["words"])
    sum(len(parsed) for parsed in pipeline.pipe(texts))
    ours, theirs = [], []
    for _ in range(TURNS):
        ours.append(_seconds(lambda: annotator.annotate(material.documents)))
        theirs.append(_seconds(lambda: sum(len(parsed) for parsed in pipeline.pipe(texts))))
    return words / float(np.median(ours)), float(np.median(np.array(theirs) / np.array(ours)))


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def _project(material: Material, text: who.Text, sentences: float, words_rate: float, rate: float) -> Projection:
    measured = len(material.sentences)
    scale = sentences / measured
    characters = scale * sum(map(len, material.sentences.text))
    dims = Dims(tuple(range(12)), 12, *_labels(material))
    return Projection(
        sentences=sentences,
        annotation_cpu_hours=scale * len(material.sentences.word_start) / words_rate / 3600,
        measuring_hours=scale * len(text.pieces.ids) / rate / 3600,
        store_bytes=8 * packed_size(dims) * characters / SHARD_CHARACTERS,
    )


def _conditions(material: Material, text: who.Text, rounds: int) -> dict[str, str]:
    from importlib.metadata import version

    processor = torch.backends.cpu.get_cpu_capability()
    return {
        "sentences": f"{len(material.sentences):,} of the demo corpus, {len(text.pieces.ids):,} pieces",
        "model": "GPT-2 small's size, random weights",
        "machine": f"{cpu_count()} cores ({processor}), {material.threads} threads of torch",
        "rounds": f"{rounds}, in turns, after one that does not count",
        "versions": ", ".join(f"{package} {version(package)}" for package in ("torch", "transformers", "spacy")),
    }
