"""A run from end to end, and the way back in to a finished one."""

import platform
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any

from attnmetrics.config import RunConfig
from attnmetrics.corpus.shards import Shard
from attnmetrics.engine import Engine, Event, Stage, Task
from attnmetrics.engine.inline import InlineEngine
from attnmetrics.engine.worker import Measuring, peak_memory_bytes
from attnmetrics.errors import CorpusError, DamageError, ShardError, StoreError
from attnmetrics.measuring import tracing
from attnmetrics.running.lease import Lease, hold
from attnmetrics.running.outputs import merge_outputs, write_outputs
from attnmetrics.running.progress import Reporter
from attnmetrics.running.runfile import (
    BIT_PACKAGES,
    Facts,
    Identity,
    check_identity,
    holds_measurements,
    identity_of,
    read_facts,
    store_of,
    write_facts,
)
from attnmetrics.running.seals import broken, seal
from attnmetrics.running.stages import (
    Job,
    Outcome,
    annotate,
    find_labels,
    find_unannotated,
    measure,
    needs_all_annotations,
    prepare,
    selection_rule,
    trace,
)
from attnmetrics.statistics.states import Dims
from attnmetrics.storage import Location, read_ahead
from attnmetrics.store.merge import Candidates, find_candidates
from attnmetrics.store.shards import Record, Store

PACKAGES = (*BIT_PACKAGES, "pyarrow", "ray", "spacy", "xarray", "zarr")

LEFT_OUT = frozenset(
    {"sentences_blank", "sentences_not_sampled", "sentences_without_pieces", "sentences_cut", "pieces_unaligned"}
)
"""Counts of what did not make it whole into the tables."""

NOT_COUNTS = frozenset({"seconds", "peak_memory_bytes", "first_document"})
"""Entries of a commit record's counts that do not add up."""


@dataclass(frozen=True, slots=True)
class LeasedEngine:
    """An engine that stops when another driver takes the run over."""

    engine: Engine
    lease: Lease

    def call(self, method: str, *arguments: Any) -> Any:
        """See `Engine`."""
        self.lease.check()
        return self.engine.call(method, *arguments)

    def run(self, tasks: Iterator[Task]) -> Iterator[Event]:
        """See `Engine`."""
        for event in self.engine.run(tasks):
            self.lease.check()
            yield event

    def close(self) -> None:
        """See `Engine`."""
        self.engine.close()


@dataclass(frozen=True, slots=True)
class Session:
    """A run that this process works on."""

    job: Job
    facts: Facts
    """content of `run.json`"""
    engine: Engine
    reporter: Reporter
    lease: Lease


def run(config: RunConfig, reporter: Reporter) -> Facts:
    """Everything: annotate, measure, merge. A finished run is left as it is, unless some of its outputs are gone.

    Returns:
        the content of `run.json`.

    Raises:
        AttnmetricsError: what is wrong and what to do; all committed work is kept.
    """
    job, identity = _plan(config, reporter)
    facts = read_facts(config.out)
    if facts is not None and facts["status"] == "finished":
        anew = broken(config.out, facts.get("outputs", {}))
        if not anew:
            reporter.say(f"{config.out} is finished already; nothing to do")
            return facts
        reporter.warn(f"{', '.join(anew)} of {config.out}: gone, or not as written; all outputs are written anew")
    with hold(config.out, reporter) as lease:
        facts = _begin(job, identity)
        with _engine(job) as engine:
            candidates = _measure(Session(job, facts, LeasedEngine(engine, lease), reporter, lease), annotate_too=True)
        return _merge(config.out, facts, reporter, lease, config.allow_missing, candidates)


def run_annotate(config: RunConfig, reporter: Reporter) -> None:
    """Only annotate, into the annotation folder; a run may use it later, with any model.

    Raises:
        AttnmetricsError: what is wrong and what to do.
    """
    job = prepare(config, reporter)
    with _engine(job) as engine:
        _refuse_failures(job, annotate(job, engine, reporter, find_unannotated(job, reporter)))
        find_labels(job, engine, reporter)


def run_measure(config: RunConfig, reporter: Reporter) -> Facts:
    """Only measure what is annotated.

    Raises:
        StoreError: something is not annotated.
    """
    job, identity = _plan(config, reporter)
    with hold(config.out, reporter) as lease:
        facts = _begin(job, identity)
        with _engine(job) as engine:
            _measure(Session(job, facts, LeasedEngine(engine, lease), reporter, lease), annotate_too=False)
    return facts


def merge_run(folder: Location, reporter: Reporter, allow_missing: bool = False) -> Facts:
    """Only merge: from committed shards to tables and report; needs no model and no corpus.

    Args:
        folder: the run's.
        reporter: is told how it goes.
        allow_missing: merge the shards that there are, and say in every output that others are missing.

    Raises:
        StoreError: the folder holds no measured run, or a shard is missing or damaged.
    """
    _read_measured(folder)
    with hold(folder, reporter) as lease:
        return _merge(folder, _read_measured(folder), reporter, lease, allow_missing)


def _read_measured(folder: Location) -> Facts:
    facts = read_facts(folder)
    if facts is None or "dims" not in facts:
        raise StoreError(f"{folder} holds no measured run; run `attnmetrics run` or `attnmetrics measure` first")
    return facts


def _merge(
    folder: Location,
    facts: Facts,
    reporter: Reporter,
    lease: Lease,
    allow_missing: bool,
    candidates: Candidates | None = None,
) -> Facts:
    """Merge; whoever has just measured knows the candidates."""
    store = store_of(folder, facts)
    records = list(store.committed().values())
    if not records or (len(records) < store.shards and not allow_missing):
        raise StoreError(
            f"{len(records)} of {store.shards} shards of {folder} are measured; "
            "run `attnmetrics run` with the same options to go on"
        )
    start = time.perf_counter()
    facts["missing"] = _missing(facts, {record["shard"] for record in records}, store.shards)
    facts["counts"], facts["left_out"] = _totals(facts, records)
    _warn_of_small_sample(facts, reporter)
    if facts["missing"]:
        facts["left_out"]["shards_missing"] = len(facts["missing"])
        reporter.warn(f"{len(facts['missing'])} of {store.shards} shards are missing from the tables")
    reporter.say(f"merging {len(records):,} shards")
    outputs = merge_outputs(store, records, candidates or find_candidates(store, records), facts)
    if outputs.untraced:
        facts["left_out"]["exemplars_without_attention"] = outputs.untraced
        reporter.warn(
            f"the attention in {outputs.untraced:,} exemplars is missing from the report; `attnmetrics run` with the "
            "same options adds it"
        )
    lease.check()
    facts["status"] = "unfinished"
    facts.pop("outputs", None)
    write_facts(folder, facts)
    write_outputs(folder, outputs, facts)
    facts["outputs"] = seal(folder)
    lease.check()
    facts["seconds"]["merge"] = round(time.perf_counter() - start, 3)
    facts["peak_memory_bytes"]["driver"] = peak_memory_bytes()
    whole = not facts["missing"] and not outputs.untraced
    facts |= {"status": "finished" if whole else "incomplete", "finished": _now()}
    write_facts(folder, facts)
    (folder / "run.json").sweep()
    return facts


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    facts: Facts
    """`run.json`"""
    shards: int
    """in the plan"""
    measured: int
    """shards that are committed"""


def progress_of(folder: Location) -> Progress:
    """Read how far a run is.

    Raises:
        StoreError: the folder holds no run.
    """
    facts = read_facts(folder)
    if facts is None:
        raise StoreError(f"{folder} holds no run: expected {folder / 'run.json'}; give the folder that --out named")
    measured = len(store_of(folder, facts).committed()) if "dims" in facts else 0
    return Progress(facts, facts["corpus"]["shards"], measured)


def _plan(config: RunConfig, reporter: Reporter) -> tuple[Job, Identity]:
    """The plan and what its results depend on; refuses another run's folder."""
    job = prepare(config, reporter)
    identity = identity_of(config, job.plan, job.fingerprint)
    check_identity(config.out, identity)
    return job, identity


def _begin(job: Job, identity: Identity) -> Facts:
    """`run.json` as it stands or anew, with this command's way to the same results."""
    folder = job.config.out
    check_identity(folder, identity)
    facts = read_facts(folder)
    if facts is None or not holds_measurements(facts):
        facts = _new_facts(job, identity)
    facts |= _command(job)
    if facts["status"] != "finished":
        write_facts(folder, facts)
    return facts


def _new_facts(job: Job, identity: Identity) -> Facts:
    """`run.json` of a run that is planned."""
    return {
        "attnmetrics": version("attnmetrics"),
        "status": "unfinished",
        "started": _now(),
        **_command(job),
        "identity": identity,
        "corpus": {
            "paths": list(job.config.corpus),
            "digest": job.plan.digest,
            "documents": job.plan.documents,
            "characters": job.plan.characters,
            "shards": len(job.plan.shards),
            "left_out": job.plan.left_out,
        },
        "versions": {package: version(package) for package in PACKAGES} | {"python": platform.python_version()},
        "machine": {"platform": platform.platform(), "processor": platform.machine()},
        "seconds": {"plan": round(job.seconds, 3)},
        "peak_memory_bytes": {},
        "missing": [],
    }


def _command(job: Job) -> Facts:
    """What a command that goes on with a run may bring anew: folders, engine, workers."""
    return {
        "configuration": job.config.model_dump(mode="json"),
        "annotator": {
            "name": job.config.annotator if job.plan.gold_labels is None else "CoNLL-U (gold)",
            "fingerprint": job.fingerprint,
            "folder": str(job.config.annotation_folder),
        },
    }


def _missing(facts: Facts, measured: set[int], shards: int) -> list[Facts]:
    """Every shard that is not measured, with the reason where one is known."""
    known = {entry["shard"]: entry for entry in facts.get("missing", [])}
    waiting = {"stage": "measure", "reason": "not measured yet"}
    return [known.get(shard, {"shard": shard, **waiting}) for shard in range(shards) if shard not in measured]


@contextmanager
def _engine(job: Job) -> Iterator[Engine]:
    engine: Engine
    if job.config.engine == "inline":
        engine = InlineEngine(job.config, job.plan.gold_labels)
    else:
        from attnmetrics.engine.ray import RayEngine

        engine = RayEngine(job.config, job.plan.gold_labels)
    try:
        yield engine
    finally:
        engine.close()


def _measure(session: Session, annotate_too: bool) -> Candidates:
    job, facts, engine = session.job, session.facts, session.engine
    missing = find_unannotated(job, session.reporter)
    if not annotate_too:
        _refuse_unannotated(job, missing)
    model = engine.call("describe_model")
    known = {"model fingerprint": "fingerprint", "model's device": "device", "attention kernel": "kernel"}
    loaded = {name: model[key] for name, key in known.items()}
    check_identity(job.config.out, loaded)
    facts["identity"] |= loaded
    facts["model"] = model
    labels = find_labels(job, engine, session.reporter)
    if missing and needs_all_annotations(job.config):
        outcome = annotate(job, engine, session.reporter, missing)
        _record(session, "annotate", outcome)
        _refuse_failures(job, outcome, "; a sample is drawn from all sentences: none of their shards may be missing")
        missing = []
    dims = Dims(tuple(model["layers"]), model["heads"], labels["pos"], labels["rel"])
    facts["dims"] = asdict(dims)
    write_facts(job.config.out, facts)
    store = store_of(job.config.out, facts)
    store.create()
    committed = _intact(store, session.reporter)
    if committed:
        session.reporter.say(f"{len(committed)} of {store.shards} shards are measured already")
    measuring = Measuring(labels, selection_rule(job), store)
    outcome = measure(job, engine, session.reporter, measuring, committed, missing)
    _record(session, "measure", outcome)
    if outcome.damaged and annotate_too:
        missing = find_unannotated(job, session.reporter)
        outcome = measure(job, engine, session.reporter, measuring, store.committed(), missing)
        _record(session, "measure", outcome)
    _refuse_unannotated(job, outcome.damaged)
    if outcome.failures and not (job.config.allow_missing and store.committed()):
        _refuse_failures(job, outcome, "; --allow-missing makes tables without them")
    records = list(store.committed().values())
    _check_evidence(job, records)
    candidates = find_candidates(store, records)
    _read_again(session, store, candidates)
    return candidates


def _read_again(session: Session, store: Store, candidates: Candidates) -> None:
    """The pass over the best sentences only, for the attention in them."""
    if drawn := tracing.cut_chunks(candidates.exemplars, candidates.sentences, session.job.config.traced_exemplars):
        _record(session, "trace", trace(session.engine, session.reporter, store, drawn))


def _refuse_unannotated(job: Job, shards: Sequence[Shard]) -> None:
    """Say how many shards have no annotations.

    Raises:
        StoreError: there are some.
    """
    if shards:
        raise StoreError(
            f"{len(shards)} of {len(job.plan.shards)} shards are not annotated in {job.config.annotation_folder}; "
            "run `attnmetrics annotate` with the same options first"
        )


def _intact(store: Store, reporter: Reporter) -> set[int]:
    """The committed shards, less those that are damaged, which lose their commit."""
    committed = store.committed()
    intact = set()
    for shard, damage in zip(committed, read_ahead(partial(_damage, store), committed.values()), strict=True):
        if damage is None:
            intact.add(shard)
        else:
            reporter.warn(damage)
            store.discard(shard)
    return intact


def _damage(store: Store, record: Record) -> str | None:
    """What is not as it was committed; None where all is."""
    try:
        store.verify(record)
    except DamageError as error:
        return str(error)
    return None


def _record(session: Session, stage: Stage, outcome: Outcome) -> None:
    """Write what a stage came to into `run.json`."""
    session.lease.check()
    facts = session.facts
    facts["seconds"][stage] = round(facts["seconds"].get(stage, 0.0) + outcome.seconds, 3)
    memory = facts["peak_memory_bytes"]
    memory["worker"] = max(memory.get("worker", 0), outcome.peak_memory_bytes)
    memory["driver"] = peak_memory_bytes()
    if stage in ("annotate", "measure"):
        facts["missing"] = [
            {
                "shard": failure.shard.index,
                "first_document": failure.shard.first_document,
                "documents": failure.shard.documents,
                "stage": failure.stage,
                "reason": failure.reason,
            }
            for failure in outcome.failures
        ]
        if facts["missing"]:
            facts["status"] = "unfinished"
    write_facts(session.job.config.out, facts)


def _refuse_failures(job: Job, outcome: Outcome, advice: str = "") -> None:
    """Say which shards were put aside, and what may be done beside mending the cause.

    Raises:
        ShardError: there are some.
    """
    if not outcome.failures:
        return
    lines = [f"  shard {failure.shard.index}, {failure.stage}: {failure.reason}" for failure in outcome.failures]
    more = f"\n  and {len(lines) - 10} more (see `attnmetrics status`)" if len(lines) > 10 else ""
    raise ShardError(
        f"{len(lines)} of {len(job.plan.shards)} shards failed on every try; the others are kept:\n"
        + "\n".join(lines[:10])
        + more
        + f"\nmend the cause, then run the same command to go on{advice}"
    )


def _check_evidence(job: Job, records: Sequence[Record]) -> None:
    """Refuse to go on with nothing.

    Raises:
        CorpusError: no sentence was measured.
    """
    if not any(record["counts"]["sentences"] for record in records):
        raise CorpusError(
            f"no sentence is left to measure in {', '.join(job.config.corpus)}: expected at least one "
            "with a word piece; check the corpus and --text-field"
        )


def _totals(facts: Facts, records: list[Record]) -> tuple[dict[str, int], dict[str, int]]:
    """What was measured, and what was left out or cut, over all shards."""
    totals: Counter[str] = Counter()
    for record in records:
        totals.update({name: count for name, count in record["counts"].items() if name not in NOT_COUNTS})
    left_out = {name: totals.pop(name) for name in list(totals) if name in LEFT_OUT}
    return dict(totals), facts["corpus"]["left_out"] | left_out


def _warn_of_small_sample(facts: Facts, reporter: Reporter) -> None:
    """A sample cannot be larger than the corpus."""
    for field, counted in (("sample_sentences", "exemplar_sentences"), ("metric_sentences", "sentences")):
        asked, found = facts["configuration"][field], facts["counts"][counted]
        if asked is not None and found < asked:
            flag = f"--{field.replace('_', '-')}"
            reporter.warn(f"expected {asked:,} sentences for {flag}, found {found:,} to measure; took all of them")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
