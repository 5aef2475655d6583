"""What a run would read, about what it would cost, and which shards suit it.

Rates come from a short trial with the run's own pipeline and model, on the machine where it is asked for.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attnmetrics.config import RunConfig
from attnmetrics.corpus import Document, digest
from attnmetrics.corpus.shards import LARGEST, Shard
from attnmetrics.engine.worker import Measuring, Worker
from attnmetrics.measuring.selection import Sampling
from attnmetrics.model.load import choose_device
from attnmetrics.model.precision import advise
from attnmetrics.results.wording import in_unit
from attnmetrics.running.declaration import make_schema
from attnmetrics.running.plan import Plan, read_shards
from attnmetrics.running.progress import Reporter, clock
from attnmetrics.running.runfile import identity_of, read_own
from attnmetrics.running.sizing import FILES_OF_A_SHARD, Choice, Work, choose
from attnmetrics.running.stages import Job, find_unannotated, prepare
from attnmetrics.statistics.bootstrap import MOST_GROUPS
from attnmetrics.statistics.typical import enough
from attnmetrics.storage import locate
from attnmetrics.store.commits import Counts
from attnmetrics.store.room import HELD_BYTES
from attnmetrics.store.shards import Store
from attnmetrics.views.facts import told_values
from attnmetrics.views.pieces import visible

TRIAL_CHARACTERS = 40_000
"""Enough text for rates that are right within a factor of two."""

TRIAL_PREFIXES = 10
"""Sentences of the trial that keep their blocks for variability."""


_STANDING = {True: "holds", False: "gives way to those above"}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a run; seconds are those of one worker."""

    annotating_seconds: float
    measuring_seconds: float
    sentences: float
    pieces: float
    annotation_bytes: float
    sentence_bytes: float
    """of the store: sentences behind exemplars, and prefix blocks"""
    shard_bytes: int
    """of the store, for every shard, however long"""
    state_bytes: int
    """sums of a shard in memory; results are split by values of such"""

    def store_bytes(self, shards: int) -> float:
        """What the store takes if there are so many shards."""
        return self.sentence_bytes + shards * self.shard_bytes


def plan(config: RunConfig, reporter: Reporter) -> Group:
    """Read the corpus, try its beginning, and multiply; writes nothing outside a temporary folder.

    Returns:
        what is read and what it costs; what speaks for which size of shards; the size to take.

    Raises:
        AttnmetricsError: anything that would stop the run itself, from the corpus to the model.
    """
    job = prepare(config, reporter)
    read_own(config.out, identity_of(job))
    reporter.say(f"trying the first {TRIAL_CHARACTERS:,} characters")
    unannotated = find_unannotated(job, reporter)
    cost = _try(job, _trial_documents(job), sum(shard.characters for shard in unannotated))
    work = Work(
        characters=job.plan.characters,
        documents=job.plan.documents,
        seconds=cost.annotating_seconds + cost.measuring_seconds,
        workers=_workers(config),
        variability_sentences=config.variability_sentences,
    )
    preferred = config.shard_characters or LARGEST
    choice = choose(work, preferred)
    parts: list[RenderableType] = [_costs(job, cost, len(unannotated)), _reasons(choice), _verdict(choice, cost, work)]
    if config.shard_characters is None:
        most = max(shard.characters for shard in job.plan.shards)
        parts.append(Text(f"--shard-characters auto makes {len(job.plan.shards):,} shards, the longest of {most:,}."))
    if advice := advise(config.dtype, choose_device(config.device)):
        parts.append(Text(advice))
    if len(unannotated) < len(job.plan.shards) and choice.characters != config.shard_characters:
        kept = f"of {config.shard_characters} characters" if config.shard_characters else "that are cut without it"
        parts.append(Text(f"What is annotated already serves shards {kept} alone."))
    return Group(*parts)


def _workers(config: RunConfig) -> int:
    most = config.workers or max(1, (os.cpu_count() or 1) // config.threads)
    return most if config.engine == "ray" else 1


def _trial_documents(job: Job) -> tuple[Document, ...]:
    _, documents = next(read_shards(job.config, job.plan, {0}))
    before = accumulate((len(document.text) for document in documents), initial=0)
    chosen = tuple(document for document, start in zip(documents, before, strict=False) if start < TRIAL_CHARACTERS)
    if chosen[0].gold:
        return chosen
    return tuple(replace(document, text=document.text[:TRIAL_CHARACTERS]) for document in chosen)


def _try(job: Job, documents: Sequence[Document], unannotated: int) -> Cost:
    """What annotating so many characters and measuring all would cost, from these documents."""
    characters = sum(len(document.text) for document in documents)
    with TemporaryDirectory() as name:
        folder, out = Path(name), locate(name)
        config = job.config.model_copy(update={"out": out, "annotations": out / "annotations"})
        worker = Worker(config, job.plan.gold, job.declaration.columns)
        shard = Shard(0, 0, len(documents), characters, digest(documents))
        model, batching, declared = worker.describe_model(), worker.find_batching(), worker.declared()
        annotated = worker.annotate(shard, documents, job.fingerprint)
        functions = job.declaration.functions
        counted = worker.count(shard, job.fingerprint, job.declaration.uncounted(declared), functions)
        schema = make_schema(job.declaration, tuple(model["layers"]), model["heads"], declared, counted.names)
        store = Store(out, schema, 1, config.exemplars)
        store.create()
        sampling = Sampling(config.seed, None, None, TRIAL_PREFIXES, None, similarity_units=0)
        measured = worker.measure(shard, job.fingerprint, Measuring(functions, sampling, store, batching))
        counts = store.committed()[0].counts
        sizes = {place.name: _bytes(place) for place in folder.iterdir()}
    scale = job.plan.characters / max(characters, 1)
    sampled = min(1.0, (config.sample_sentences or float("inf")) / max(1.0, counts.sentences * scale))
    sentences = counts.sentences * scale * sampled
    blocks = min(sentences, config.variability_sentences or sentences) / max(counts.prefix_sentences, 1)
    return Cost(
        annotating_seconds=annotated.seconds * unannotated / max(characters, 1),
        measuring_seconds=measured.seconds * scale * sampled,
        sentences=sentences,
        pieces=counts.pieces * scale * sampled,
        annotation_bytes=sizes["annotations"] * scale,
        sentence_bytes=sizes["passages"] * scale * sampled + sizes["prefix"] * blocks,
        state_bytes=8 * schema.size,
        shard_bytes=sizes["shards.zarr"] + sizes["claims"] + sizes["commits"] + _sampled_bytes(job, counts, sizes),
    )


def _sampled_bytes(job: Job, counts: Counts, sizes: Mapping[str, int]) -> int:
    """What a shard's samples of units take: of those of the trial, all of whose units are in them, its part."""
    shards, units = len(job.plan.shards), max(1, counts.sentences)
    mapped = (job.config.map_sentences or inf) / shards
    return round(sizes["typical"] * min(1, enough(1 / shards) / units) + sizes["tokens"] * min(1, mapped / units))


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _costs(job: Job, cost: Cost, unannotated: int) -> Table:
    plan, config, workers = job.plan, job.config, _workers(job.config)
    by = f"{workers:,} worker{'s' * (workers != 1)}"
    rows = {
        "corpus": ", ".join(config.corpus),
        "documents": f"{plan.documents:,}",
        "left out": ", ".join(f"{name} {count:,}" for name, count in plan.omissions.counts.items()) or "nothing",
        "characters": f"{plan.characters:,}",
        "shards": f"{len(plan.shards):,}, of which {len(plan.shards) - unannotated:,} are annotated",
        "sentences": f"about {cost.sentences:,.0f}",
        "word pieces": f"about {cost.pieces:,.0f}",
        f"annotating, {by}": f"about {clock(cost.annotating_seconds / workers)}",
        f"measuring, {by}": f"about {clock(cost.measuring_seconds / workers)}",
        "store": f"about {cost.store_bytes(len(plan.shards)) / 1e6:,.0f} MB",
        "annotations": f"about {cost.annotation_bytes / 1e6:,.0f} MB",
        **_split(plan, cost),
    }
    title = f"{config.model} over {', '.join(config.corpus)}"
    return _table(title, ("", ""), [(in_unit(name, config.unit), value) for name, value in rows.items()])


def _split(plan: Plan, cost: Cost) -> dict[str, str]:
    """What each field is that results are split by, and what the sums of its values take."""
    if not plan.by:
        return {}
    values, shards = sum(map(len, plan.by.values())), len(plan.shards)
    most = max(sum(len(set(own)) for own in zip(*shard.values, strict=True)) for shard in plan.shards)
    kept = sum(len(set(own)) for shard in plan.shards for own in zip(*shard.values, strict=True))
    merging = cost.state_bytes * (min(shards, MOST_GROUPS) + 4 * values)
    return {
        **{f"split by {field}": told_values(counts) for field, counts in plan.by.items()},
        "memory for the split": f"about {most * cost.state_bytes / 1e6:,.0f} MB more a worker, at most "
        f"{merging / 1e6:,.0f} MB in the merge (one value's sums of {min(shards, MOST_GROUPS)} groups of shards, "
        f"beyond {HELD_BYTES >> 20} MB in a file, and {values} values' results)",
        "store for the split": f"at most {kept * cost.state_bytes / 1e6:,.0f} MB in {kept:,} files",
    }


def _reasons(choice: Choice) -> Table:
    rows = []
    for reason, holds in choice.reasons:
        most = f"at most {reason.most:,.0f}" if reason.most >= 1 else "fewer than there are"
        rows.append((reason.text, f"at least {reason.least:,.0f}" if reason.least else most, _STANDING[holds]))
    return _table("characters of a shard", ("so that", "it has", "and that"), rows)


def _verdict(choice: Choice, cost: Cost, work: Work) -> Text:
    return Text(
        f"--shard-characters {choice.characters}: {choice.because}. That makes about {choice.shards:,} shards, each "
        f"{clock(work.seconds / choice.shards)} of one worker's time, and a store of some "
        f"{choice.shards * FILES_OF_A_SHARD:,} files and {cost.store_bytes(choice.shards) / 1e6:,.0f} MB."
    )


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(*columns, title=Text(visible(title)), show_header=any(columns))
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    return table
