"""The stages that need text or a model: plan, annotate, measure, trace. Each goes on from what is done."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, takewhile

from attnmetrics.annotation import cache
from attnmetrics.annotation.cache import annotation_path
from attnmetrics.annotation.conllu_mentions import MENTIONS_UNREAD
from attnmetrics.annotation.mentions import MENTIONS
from attnmetrics.annotation.sentence import Declared
from attnmetrics.config import RunConfig
from attnmetrics.corpus import Document
from attnmetrics.corpus.omissions import WITHOUT_TEXT
from attnmetrics.corpus.shards import Shard
from attnmetrics.engine import Call, Damaged, Done, Effort, Engine, Failed, Portion, Stage, Task
from attnmetrics.engine.worker import Differentiating, Extracting, Measuring
from attnmetrics.errors import ConfigError, DamageError, StoreError
from attnmetrics.measuring.tracing import Chunk
from attnmetrics.metrics.similarity import MOST_HEADS
from attnmetrics.model.pack import Batching
from attnmetrics.results.wording import in_unit
from attnmetrics.running.declaration import COSTLY, Declaration, declare_run
from attnmetrics.running.plan import Plan, annotator_fingerprint, check_columns, make_plan, read_shards
from attnmetrics.running.progress import Reporter
from attnmetrics.statistics.sampling import Sampler, Selection, sample_hashes
from attnmetrics.storage import read_ahead
from attnmetrics.store.shards import Store


@dataclass(frozen=True, slots=True)
class Job:
    """A configuration and the plan that it gives."""

    config: RunConfig
    plan: Plan
    declaration: Declaration
    """of labels and links"""
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
    damaged: tuple[Damaged, ...]
    """shards whose annotations were damaged and are removed"""
    names: Mapping[str, Mapping[str, int]]
    """by label, how many words have each name, where names are counted"""


def prepare(config: RunConfig, reporter: Reporter) -> Job:
    """Plan the corpus.

    Raises:
        AttnmetricsError: the corpus, the pipeline, a label or a link is not as it should be.
    """
    start = time.perf_counter()
    declaration = declare_run(config)
    if config.by:
        from attnmetrics.results.by import check_fields  # takes long to import

        check_fields(config.by, declaration.labels, declaration.links)
    reporter.say(f"planning {', '.join(config.corpus)}")
    plan = make_plan(config)
    check_columns(plan, declaration.columns)
    fingerprint = annotator_fingerprint(config, plan)
    sizes = {"document": plan.documents, "character": plan.characters, "shard": len(plan.shards)}
    reporter.say(", ".join(f"{number:,} {unit}{'s' * (number != 1)}" for unit, number in sizes.items()))
    for reason, first in plan.omissions.first.items():
        reporter.warn(_left_out(reason, plan.omissions.counts[reason], first))
    return Job(config, plan, declaration, fingerprint, time.perf_counter() - start)


def _left_out(reason: str, number: int, first: str) -> str:
    """What is left out of a corpus, and where the first of it is."""
    if reason == WITHOUT_TEXT:
        return f"{number:,} row{'s' * (number != 1)} without a text left out, the first at {first}"
    return f"{number:,} {MENTIONS_UNREAD[reason]} in the column MISC left out of coreference, the first: {first}"


def annotate(job: Job, engine: Engine, reporter: Reporter, missing: Sequence[Shard]) -> Outcome:
    """Annotate the shards that are not annotated."""
    tasks = (Task(shard, (Call("annotate", (documents, job.fingerprint)),)) for shard, documents in _read(job, missing))
    return _work(engine, reporter, {"annotate": missing}, tasks)


def count(job: Job, engine: Engine, reporter: Reporter, sources: Mapping[str, str]) -> Outcome:
    """Count the names of these labels, name → source, over all annotated shards."""
    call = Call("count", (job.fingerprint, sources, job.declaration.functions))
    shards = job.plan.shards
    return _work(engine, reporter, {"count": shards}, (Task(shard, (call,)) for shard in shards))


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
    stages, tasks = _go_through(job, todo, unannotated, Call("measure", (job.fingerprint, measuring)))
    return _work(engine, reporter, stages, tasks, job.config.unit)


def count_units(
    job: Job, engine: Engine, reporter: Reporter, unannotated: Sequence[Shard], most: int
) -> tuple[Outcome, int, Sequence[Shard]]:
    """Count the units of the corpus, annotating on the way, until there are more than `most`.

    Returns:
        what it came to; the units, one more than `most` where there are more or a shard could not be counted; the
        shards that are still to be annotated.
    """
    units = Counter[int]()
    annotated = set[int]()

    def see(done: Done) -> None:
        if done.stage == "annotate":
            annotated.add(done.portion.index)
        else:
            units[done.portion.index] = done.effort.units

    stages, tasks = _go_through(job, job.plan.shards, unannotated, Call("count_units", (job.fingerprint,)))
    few = takewhile(lambda _: units.total() <= most, tasks)
    outcome = _work(engine, reporter, stages, few, job.config.unit, see)
    found = most + 1 if outcome.failures else min(units.total(), most + 1)
    return outcome, found, [shard for shard in unannotated if shard.index not in annotated]


def trace(engine: Engine, reporter: Reporter, store: Store, chunks: Sequence[Chunk], batching: Batching) -> Outcome:
    """Trace the attention in the exemplars that are to be drawn, where that is not done."""
    todo = [chunk for chunk in chunks if store.read_traces(chunk.digest) is None]
    tasks = (Task(chunk, (Call("trace", (store, batching)),)) for chunk in todo)
    return _work(engine, reporter, {"trace": todo}, tasks)


def sample_units(job: Job, engine: Engine, reporter: Reporter, number: int) -> tuple[Selection, Sequence[Failed]]:
    """So many of the units that count in the metrics, by hash, and the shards that could not be looked at.

    How many windows a document has is known once it is cut into pieces, so they are counted first.

    Raises:
        StoreError: annotations are missing or damaged.
    """
    if job.config.window is None:
        return _smallest(job, min([number, *sample_sizes(job.config)])), ()
    sampler = Sampler(number)
    call = Call("sample", (job.fingerprint, number + 1))  # one more, so that a shard of more is known to have more
    shards = job.plan.shards
    tasks = (Task(shard, (call,)) for shard in shards)

    def see(done: Done) -> None:
        if done.effort.keys is not None:
            sampler.add(*done.effort.keys)

    outcome = _work(engine, reporter, {"sample": shards}, tasks, job.config.unit, see)
    if outcome.damaged:
        raise StoreError(outcome.damaged[0].reason)
    return sampler.selection(), outcome.failures


def differentiate(
    job: Job, engine: Engine, reporter: Reporter, differentiating: Differentiating, shards: Sequence[Shard]
) -> Outcome:
    """Measure the importance of attention in these shards."""
    call = Call("importance", (job.fingerprint, differentiating))
    return _work(engine, reporter, {"importance": shards}, (Task(shard, (call,)) for shard in shards), job.config.unit)


def extract(job: Job, engine: Engine, reporter: Reporter, extracting: Extracting, missing: Sequence[int]) -> Outcome:
    """Make what probes learn from of these shards of an annotated treebank."""
    todo = [job.plan.shards[shard] for shard in missing]
    call = Call("extract", (job.fingerprint, extracting))
    return _work(engine, reporter, {"extract": todo}, (Task(shard, (call,)) for shard in todo))


def samples(config: RunConfig) -> bool:
    """Whether no sentence can be chosen before all are known."""
    return bool(sample_sizes(config))


def sample_sizes(config: RunConfig) -> list[int]:
    """Sentences of each sample that is asked for."""
    return [number for number in (config.sample_sentences, config.metric_sentences) if number is not None]


def find_declared(job: Job, engine: Engine, reporter: Reporter) -> Declared:
    """Names that need no counting: the corpus's own, those kept beside annotations, or those of the pipeline."""
    if job.plan.gold is not None:
        return job.plan.gold
    try:
        kept = cache.load_declared(job.config.annotation_folder, job.fingerprint)
    except DamageError as error:
        reporter.warn(str(error))
        kept = None
    asked = job.declaration.columns & {"entity"}
    return kept if kept is not None and asked <= set(kept) else engine.declared()


def find_unannotated(job: Job, reporter: Reporter) -> list[Shard]:
    """The shards without an annotation file that serves this run, as far as can be told without reading all of it."""
    faults = list(read_ahead(lambda shard: _fault(job, shard), job.plan.shards))
    for fault, number in Counter(fault for fault in faults if fault).items():
        reporter.warn(fault if number == 1 else f"{fault} (so are {number} shards)")
    return [shard for shard, fault in zip(job.plan.shards, faults, strict=True) if fault is not None]


def columns_to_give(job: Job) -> frozenset[str]:
    """The columns that the annotator is asked for: those of the labels, and costly ones that would be lost.

    These are kept by shards that lack a column of the labels, and whose text is parsed anew for it.
    """
    wanted = job.declaration.columns
    if job.plan.gold is not None or wanted <= {"pos", "rel"}:  # which every shard keeps
        return wanted
    kept = [columns for columns in read_ahead(partial(_kept_columns, job), job.plan.shards) if wanted - columns]
    return wanted | {column for columns in kept for column in columns if column.startswith(COSTLY)}


def have_entities(job: Job) -> bool:
    """Whether the annotations of all shards have a column of entities."""
    paths = [annotation_path(job.config.annotation_folder, job.fingerprint, shard.digest) for shard in job.plan.shards]
    return job.plan.gold is None and all("entity" in columns for columns in read_ahead(cache.read_columns, paths))


def have_mentions(job: Job, declared: Declared) -> bool:
    """Whether some annotation has mentions; of a pipeline that may give them, all shards are annotated."""
    if job.plan.gold is not None or MENTIONS not in declared:
        return MENTIONS in declared
    paths = [annotation_path(job.config.annotation_folder, job.fingerprint, shard.digest) for shard in job.plan.shards]
    return any(counts["mentions"] for counts in read_ahead(cache.read_counts, paths))


def refuse_many_heads(heads: int) -> None:
    """Refuse models whose heads have too many pairs to be compared.

    Raises:
        ConfigError: more heads than `MOST_HEADS` in all layers that are measured.
    """
    if heads > MOST_HEADS:
        raise ConfigError(
            f"expected at most {MOST_HEADS:,} heads, each of which is compared with every other, found {heads:,} in "
            "the layers that are measured; choose some with --layers, such as --layers 0-9"
        )


def _fault(job: Job, shard: Shard) -> str | None:
    """What is wrong with a shard's annotation file, empty where there is none; None if nothing is."""
    path = annotation_path(job.config.annotation_folder, job.fingerprint, shard.digest)
    try:
        if samples(job.config):
            cache.read_keys(path)
        if lacking := sorted(job.declaration.columns - cache.read_columns(path)):
            return f"annotations that are kept lack {', '.join(lacking)}: their text is parsed anew"
    except DamageError as error:
        return str(error)
    except StoreError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return ""
        raise
    return None


def _kept_columns(job: Job, shard: Shard) -> frozenset[str]:
    """The columns of a shard's annotation file; none where it is not there, or damaged."""
    try:
        return cache.read_columns(annotation_path(job.config.annotation_folder, job.fingerprint, shard.digest))
    except StoreError:
        return frozenset()


def select(job: Job, sentences: int | None) -> Selection | None:
    """A sample of so many sentences of an annotated corpus; None: all of them."""
    return None if sentences is None else _smallest(job, sentences)


def _smallest(job: Job, sentences: int) -> Selection:
    """So many annotated sentences, those with the smallest hashes."""
    sampler = Sampler(sentences)
    for shard in job.plan.shards:
        path = annotation_path(job.config.annotation_folder, job.fingerprint, shard.digest)
        keys = cache.read_keys(path, first_document=shard.first_document)
        hashes = sample_hashes(job.config.seed, keys.document, keys.sentence)
        sampler.add(hashes, keys.document_index, keys.sentence)
    return sampler.selection()


def _go_through(
    job: Job, todo: Sequence[Shard], unannotated: Sequence[Shard], last: Call
) -> tuple[Mapping[Stage, Sequence[Shard]], Iterator[Task]]:
    """What takes shards through a last stage, annotating on the way those of them that need it."""
    wanted, lacking = ({shard.index for shard in shards} for shards in (todo, unannotated))
    missing = [shard for shard in unannotated if shard.index in wanted]
    ready = (Task(shard, (last,)) for shard in todo if shard.index not in lacking)
    new = (
        Task(shard, (Call("annotate", (documents, job.fingerprint)), last)) for shard, documents in _read(job, missing)
    )
    stages: dict[Stage, Sequence[Shard]] = {"annotate": missing} if missing else {}
    return {**stages, last.stage: todo}, chain(ready, new)


def _read(job: Job, shards: Sequence[Shard]) -> Iterator[tuple[Shard, tuple[Document, ...]]]:
    return read_shards(job.config, job.plan, {shard.index for shard in shards})


def _work(
    engine: Engine,
    reporter: Reporter,
    stages: Mapping[Stage, Sequence[Portion]],
    tasks: Iterator[Task],
    unit: str = "sentence",
    see: Callable[[Done], None] = lambda _: None,
) -> Outcome:
    """Do the tasks; `unit` is what measuring counts, `see` gets all that is done."""
    start = time.perf_counter()
    memory = 0
    failures: list[Failed] = []
    damaged: list[Damaged] = []
    names: dict[str, Counter[str]] = defaultdict(Counter)
    with reporter.stages({stage: _size(portions) for stage, portions in stages.items()}):
        for event in engine.run(tasks):
            match event:
                case Done(stage, portion, effort):
                    see(event)
                    amounts = _amounts(effort, "sentence" if stage == "annotate" else unit)
                    reporter.advance(stage, portion.characters, effort.seconds, amounts)
                    memory = max(memory, effort.peak_memory_bytes)
                    for label, counts in effort.names.items():
                        names[label].update(counts)
                case Damaged():
                    reporter.warn(event.reason)
                    damaged.append(event)
                case Failed():
                    reporter.warn(f"shard {event.portion.index} is put aside: {event.stage} failed: {event.reason}")
                    failures.append(event)
    return Outcome(time.perf_counter() - start, memory, tuple(failures), tuple(damaged), names)


def _amounts(effort: Effort, unit: str) -> dict[str, int]:
    """What a bar shows as rates."""
    amounts = {in_unit("sentences", unit): effort.units, "words": effort.words, "pieces": effort.pieces}
    return {name: amount for name, amount in amounts.items() if amount}


def _size(portions: Sequence[Portion]) -> tuple[int, int]:
    return sum(portion.characters for portion in portions), len(portions)
