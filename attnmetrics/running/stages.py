"""The stages that need text or a model: plan, annotate, measure, trace. Each goes on from what is done."""

import time
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from attnmetrics.annotation import cache
from attnmetrics.annotation.cache import annotation_path
from attnmetrics.annotation.sentence import Declared
from attnmetrics.config import RunConfig
from attnmetrics.corpus import Document
from attnmetrics.corpus.shards import Shard
from attnmetrics.engine import Call, Done, Engine, Failed, Stage, Task
from attnmetrics.engine.worker import DAMAGED, Measuring, load_annotator
from attnmetrics.errors import ConfigError, DamageError, StoreError
from attnmetrics.measuring.selection import Rule
from attnmetrics.measuring.tracing import Chunk
from attnmetrics.results.wording import in_unit
from attnmetrics.running.plan import Plan, make_plan, read_shards
from attnmetrics.running.progress import Reporter
from attnmetrics.statistics.sampling import Sampler, Selection, sentence_hashes
from attnmetrics.storage import read_ahead
from attnmetrics.store.shards import Store

LONG_SENTENCE_CHARACTERS = 400
"""A corpus of fewer characters than this for every variability sentence keeps all prefix blocks until the merge."""


@dataclass(frozen=True, slots=True)
class Job:
    """A configuration and the plan that it gives."""

    config: RunConfig
    plan: Plan
    fingerprint: str
    """of the annotator"""
    seconds: float
    """that planning took"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage came to."""

    seconds: float
    peak_memory_bytes: int
    """of the largest worker"""
    failures: tuple[Failed, ...]
    damaged: tuple[Shard, ...]
    """shards that are not measured, for their annotations were damaged and are removed"""


def prepare(config: RunConfig, reporter: Reporter) -> Job:
    """Plan the corpus.

    Raises:
        AttnmetricsError: the corpus or the pipeline is not as it should be.
    """
    start = time.perf_counter()
    reporter.say(f"planning {', '.join(config.corpus)}")
    plan = make_plan(config)
    fingerprint = load_annotator(config, plan.gold_labels).fingerprint
    sizes = {"document": plan.documents, "character": plan.characters, "shard": len(plan.shards)}
    reporter.say(", ".join(f"{number:,} {unit}{'s' * (number != 1)}" for unit, number in sizes.items()))
    return Job(config, plan, fingerprint, time.perf_counter() - start)


def annotate(job: Job, engine: Engine, reporter: Reporter, missing: Sequence[Shard]) -> Outcome:
    """Annotate the shards that are not annotated."""
    tasks = (Task(shard, (Call("annotate", (documents, job.fingerprint)),)) for shard, documents in _read(job, missing))
    return _work(engine, reporter, {"annotate": missing}, tasks)


def measure(
    job: Job,
    engine: Engine,
    reporter: Reporter,
    measuring: Measuring,
    committed: Container[int],
    unannotated: Sequence[Shard],
) -> Outcome:
    """Measure the shards that are not committed, annotating on the way those of them that need it."""
    todo = [shard for shard in job.plan.shards if shard.index not in committed]
    missing = [shard for shard in unannotated if shard.index not in committed]
    parsed_now = set(missing)
    stages: dict[Stage, list[Shard]] = {"annotate": missing, "measure": todo} if missing else {"measure": todo}
    last = Call("measure", (job.fingerprint, measuring))
    ready = (Task(shard, (last,)) for shard in todo if shard not in parsed_now)
    new = (
        Task(shard, (Call("annotate", (documents, job.fingerprint)), last)) for shard, documents in _read(job, missing)
    )
    return _work(engine, reporter, stages, chain(ready, new), job.config.unit)


def trace(engine: Engine, reporter: Reporter, store: Store, chunks: Sequence[Chunk]) -> Outcome:
    """Trace the attention in the exemplars that are to be drawn, where that is not done."""
    todo = [chunk for chunk in chunks if store.read_traces(chunk.digest) is None]
    return _reread(engine, reporter, "trace", store, todo)


def needs_all_annotations(config: RunConfig) -> bool:
    """Whether no sentence can be chosen before all are known."""
    return config.sample_sentences is not None or config.metric_sentences is not None


def find_labels(job: Job, engine: Engine, reporter: Reporter) -> Declared:
    """Tags and relations: the corpus's own, those cached beside annotations, or those that the pipeline declares."""
    if job.plan.gold_labels is not None:
        return job.plan.gold_labels
    try:
        cached = cache.load_declared(job.config.annotation_folder, job.fingerprint)
    except DamageError as error:
        reporter.warn(str(error))
        cached = None
    return cached or engine.call("labels")


def find_unannotated(job: Job, reporter: Reporter) -> list[Shard]:
    """The shards without an annotation file, as far as can be told without reading all of it."""
    faults = list(read_ahead(lambda shard: _fault(job, shard), job.plan.shards))
    for fault in faults:
        if fault:
            reporter.warn(fault)
    return [shard for shard, fault in zip(job.plan.shards, faults, strict=True) if fault is not None]


def selection_rule(job: Job) -> Rule:
    """Which sentences are measured: needs all annotations if it samples."""
    config = job.config
    sample = _select(job, config.sample_sentences)
    metrics = _select(job, config.metric_sentences)
    return Rule(config.seed, sample, metrics, prefix_quota(config, job.plan))


def prefix_quota(config: RunConfig, plan: Plan) -> int | None:
    """How many sentences of a shard keep their prefix blocks; the merge takes an equal number from each of these.

    Raises:
        ConfigError: not even one sentence a shard.
    """
    limit = config.variability_sentences
    if limit is None:
        return None
    few = [count for count in (config.sample_sentences, config.metric_sentences) if count is not None]
    if min(few, default=limit + 1) <= limit:
        return limit
    if limit < len(plan.shards):
        raise ConfigError(
            f"expected at least one variability sentence for each of {len(plan.shards)} shards, found {limit}; "
            "raise --variability-sentences or --shard-characters"
        )
    return limit if plan.characters <= LONG_SENTENCE_CHARACTERS * limit else limit // len(plan.shards)


def _fault(job: Job, shard: Shard) -> str | None:
    """What is wrong with a shard's annotation file, empty where there is none; None if nothing is."""
    path = annotation_path(job.config.annotation_folder, job.fingerprint, shard.digest)
    read = cache.read_keys if needs_all_annotations(job.config) else cache.read_counts
    try:
        read(path)
    except DamageError as error:
        return str(error)
    except StoreError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return ""
        raise
    return None


def _select(job: Job, sentences: int | None) -> Selection | None:
    if sentences is None:
        return None
    sampler = Sampler(sentences)
    for shard in job.plan.shards:
        path = annotation_path(job.config.annotation_folder, job.fingerprint, shard.digest)
        keys = cache.read_keys(path, first_document=shard.first_document)
        hashes = sentence_hashes(job.config.seed, keys.document, keys.sentence)
        sampler.add(hashes, keys.document_index, keys.sentence)
    return sampler.selection()


def _read(job: Job, shards: Sequence[Shard]) -> Iterator[tuple[Shard, tuple[Document, ...]]]:
    return read_shards(job.config, job.plan, {shard.index for shard in shards})


def _reread(engine: Engine, reporter: Reporter, stage: Stage, store: Store, chunks: Sequence[Chunk]) -> Outcome:
    shards = [Shard(index, 0, 0, chunk.characters, chunk.digest) for index, chunk in enumerate(chunks)]
    tasks = (Task(shard, (Call(stage, (chunk, store)),)) for shard, chunk in zip(shards, chunks, strict=True))
    return _work(engine, reporter, {stage: shards}, tasks)


def _work(
    engine: Engine,
    reporter: Reporter,
    stages: Mapping[Stage, Sequence[Shard]],
    tasks: Iterator[Task],
    unit: str = "sentence",
) -> Outcome:
    """Do the tasks; `unit` is what measuring counts."""
    start = time.perf_counter()
    memory = 0
    failures: list[Failed] = []
    damaged: list[Shard] = []
    with reporter.stages({stage: _size(shards) for stage, shards in stages.items()}):
        for event in engine.run(tasks):
            if isinstance(event, Done) and DAMAGED in event.counts:
                reporter.warn(event.counts[DAMAGED])
                damaged.append(event.shard)
            elif isinstance(event, Done):
                counted = unit if event.stage == "measure" else "sentence"
                counts = {in_unit(name, counted): count for name, count in event.counts.items()}
                reporter.advance(event.stage, event.shard.characters, counts)
                memory = max(memory, event.counts["peak_memory_bytes"])
            else:
                reporter.warn(f"shard {event.shard.index} is put aside: {event.stage} failed: {event.reason}")
                failures.append(event)
    return Outcome(time.perf_counter() - start, memory, tuple(failures), tuple(damaged))


def _size(shards: Sequence[Shard]) -> tuple[int, int]:
    return sum(shard.characters for shard in shards), len(shards)
