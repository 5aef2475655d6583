"""What a run would read, and about what it would cost: rates from a short trial with its own pipeline and model."""

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.table import Table
from rich.text import Text

from attnmetrics.config import RunConfig
from attnmetrics.corpus import Document, digest
from attnmetrics.plan import Shard, read_shards
from attnmetrics.progress import Reporter, clock
from attnmetrics.runfile import check_identity, identity_of
from attnmetrics.selection import Rule
from attnmetrics.stages import Job, find_unannotated, prefix_quota, prepare
from attnmetrics.statistics.schema import in_unit
from attnmetrics.statistics.states import Dims
from attnmetrics.storage import locate
from attnmetrics.store import Store
from attnmetrics.views.pieces import visible
from attnmetrics.worker import Counts, Measuring, Worker

TRIAL_CHARACTERS = 40_000
"""Enough text for rates that are right within a factor of two."""


def estimate(config: RunConfig, reporter: Reporter) -> Table:
    """Plan, try the beginning of the corpus, and multiply; writes nothing outside a temporary folder.

    Raises:
        AttnmetricsError: anything that would stop the run itself, from the corpus to the model.
    """
    job = prepare(config, reporter)
    check_identity(config.out, identity_of(config, job.plan, job.fingerprint))
    reporter.say(f"trying the first {TRIAL_CHARACTERS:,} characters")
    documents = _trial_documents(job)
    with TemporaryDirectory() as folder:
        annotated, measured, store_bytes = _try(job, documents, Path(folder))
    tried, missing = sum(len(document.text) for document in documents), find_unannotated(job, reporter)
    return _table(job, tried, missing, annotated, measured, store_bytes)


def _trial_documents(job: Job) -> tuple[Document, ...]:
    _, documents = next(read_shards(job.config, job.plan, {0}))
    before = accumulate((len(document.text) for document in documents), initial=0)
    chosen = tuple(document for document, start in zip(documents, before, strict=False) if start < TRIAL_CHARACTERS)
    if chosen[0].gold:
        return chosen
    return tuple(replace(document, text=document.text[:TRIAL_CHARACTERS]) for document in chosen)


def _try(job: Job, documents: Sequence[Document], folder: Path) -> tuple[Counts, Counts, int]:
    """Counts of annotating and of measuring, and the bytes that the store took for it."""
    out = locate(folder)
    config = job.config.model_copy(update={"out": out, "annotations": out / "annotations"})
    worker = Worker(config, job.plan.gold_labels)
    shard = Shard(0, 0, len(documents), sum(len(document.text) for document in documents), digest(documents))
    annotated = worker.annotate(shard, documents, job.fingerprint)
    model, labels = worker.describe_model(), worker.labels()
    store = Store(out, Dims(tuple(model["layers"]), model["heads"], labels.pos, labels.rel), 1, config.candidates)
    store.create()
    rule = Rule(config.seed, None, None, prefix_quota(job.config, job.plan))
    measured = worker.measure(shard, job.fingerprint, Measuring(labels, rule, store))
    files = (folder / "shards.zarr").rglob("*")
    return annotated, measured, sum(path.stat().st_size for path in files if path.is_file())


def _table(
    job: Job, tried: int, missing: Sequence[Shard], annotated: Counts, measured: Counts, store_bytes: int
) -> Table:
    plan, config = job.plan, job.config
    scale = plan.characters / max(tried, 1)
    most = config.workers or max(1, (os.cpu_count() or 1) // config.threads)
    workers = most if config.engine == "ray" else 1
    plural = "s" * (workers != 1)
    annotation = annotated["seconds"] * sum(shard.characters for shard in missing) / max(tried, 1) / workers
    sampled = min(1.0, (config.sample_sentences or float("inf")) / max(1.0, measured["sentences"] * scale))
    rows = {
        "corpus": ", ".join(config.corpus),
        "documents": f"{plan.documents:,}",
        "left out": ", ".join(f"{name} {count:,}" for name, count in plan.left_out.items()) or "nothing",
        "characters": f"{plan.characters:,}",
        "shards": f"{len(plan.shards):,}, of which {len(plan.shards) - len(missing):,} are annotated",
        "sentences": f"about {measured['sentences'] * scale * sampled:,.0f}",
        "word pieces": f"about {measured['pieces'] * scale * sampled:,.0f}",
        f"annotating, {workers} worker{plural}": f"about {clock(annotation)}",
        f"measuring, {workers} worker{plural}": f"about {clock(measured['seconds'] * scale * sampled / workers)}",
        "store": f"about {store_bytes * scale * sampled / 1e6:,.0f} MB",
    }
    rows = {in_unit(name, config.unit): value for name, value in rows.items()}
    title = Text(visible(f"{config.model} over {', '.join(config.corpus)}"))
    table = Table("", "", title=title, show_header=False)
    for name, value in rows.items():
        table.add_row(name, Text(visible(value)))
    return table
