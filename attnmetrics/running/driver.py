"""A run from end to end, and the way back in to a finished one."""

import platform
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from attnmetrics.config import RunConfig
from attnmetrics.engine import Engine
from attnmetrics.engine.inline import InlineEngine
from attnmetrics.engine.leased import LeasedEngine
from attnmetrics.engine.surroundings import BIT_PACKAGES
from attnmetrics.errors import StoreError
from attnmetrics.running.declaration import ENTITY
from attnmetrics.running.lease import Lease, hold, name_driver
from attnmetrics.running.measured import gather
from attnmetrics.running.progress import Reporter
from attnmetrics.running.runfile import (
    FORMAT,
    Facts,
    Identity,
    check_identity,
    config_of,
    holds_measurements,
    identity_of,
    now,
    read_facts,
    read_own,
    write_facts,
)
from attnmetrics.running.seals import find_broken
from attnmetrics.running.session import Session, measure_all, refuse_failures, refuse_lost
from attnmetrics.running.stages import Job, annotate, columns_to_give, find_declared, find_unannotated, prepare
from attnmetrics.storage import Location
from attnmetrics.store.shards import Store

if TYPE_CHECKING:  # importance and merging bring what results are shown with, which takes a second to import
    from attnmetrics.running.importance import Options

PACKAGES = (*BIT_PACKAGES, "pyarrow", "ray", "spacy", "xarray", "zarr")


def run(config: RunConfig, reporter: Reporter) -> Facts:
    """Everything: annotate, measure, merge. A finished run is left as it is, unless some of its outputs are gone.

    Returns:
        the content of `run.json`.

    Raises:
        AttnmetricsError: what is wrong and what to do; all committed work is kept.
    """
    job, identity, facts = _plan(config, reporter)
    if facts is not None and facts["status"] == "finished":
        anew = find_broken(config.out, facts.get("outputs", {}))
        confident = config_of(config.out, facts).confidence
        if not anew and confident == config.confidence:
            reporter.say(f"{config.out} is finished already; nothing to do")
            return facts
        if anew:
            reporter.warn(f"{', '.join(anew)} of {config.out}: gone, or not as written; all outputs are written anew")
        else:
            reporter.say(f"intervals of {config.confidence:g} instead of {confident:g}; all outputs are written anew")
    with ThreadPoolExecutor(1) as beside, hold(config.out, reporter) as lease:
        facts = _begin(job, identity)
        job = _as_begun(job, facts)
        with open_engine(job, reporter, beside) as engine:
            from attnmetrics.running.merging import merge_measured  # while workers start

            measured = measure_all(_session(job, facts, engine, reporter, lease), annotate_too=True)
        return merge_measured(config, facts, measured, reporter, lease)


def run_annotate(config: RunConfig, reporter: Reporter) -> None:
    """Only annotate, into the annotation folder; a run may use it later, with any model.

    Raises:
        AttnmetricsError: what is wrong and what to do.
    """
    job = prepare(config, reporter)
    with open_engine(job, reporter) as engine:
        outcome = annotate(job, engine, reporter, find_unannotated(job, reporter))
        refuse_failures(job, outcome.failures)
        lost = len(find_unannotated(job, reporter))
        refuse_lost(lost, len(job.plan.shards), "annotated", config.annotation_folder)
        find_declared(job, engine, reporter)


def run_measure(config: RunConfig, reporter: Reporter) -> Facts:
    """Only measure what is annotated.

    Raises:
        StoreError: something is not annotated.
    """
    job, identity, _ = _plan(config, reporter)
    with hold(config.out, reporter) as lease:
        facts = _begin(job, identity)
        job = _as_begun(job, facts)
        with open_engine(job, reporter) as engine:
            measure_all(_session(job, facts, engine, reporter, lease), annotate_too=False)
    return facts


def run_importance(folder: Location, options: "Options", reporter: Reporter, **command: Any) -> Facts:
    """Measure the importance of attention in a run that is measured, and merge it all.

    Args:
        folder: the run's.
        options: what is asked for.
        reporter: is told how it goes.
        **command: fields of the configuration that change no result, such as `workers`.

    Raises:
        AttnmetricsError: what is wrong and what to do; all committed work is kept.
    """
    from attnmetrics.running.importance import measure_importance
    from attnmetrics.running.merging import committed, merge_measured, read_measured

    read_measured(folder)
    with ThreadPoolExecutor(1) as beside, hold(folder, reporter) as lease:
        facts = read_measured(folder)
        config = config_of(folder, facts).model_copy(update={"out": folder, **command})
        if config.dtype != "float32":
            reporter.say(f"the run is in {config.dtype}; gradients are taken in float32")
        job = prepare(config.model_copy(update={"dtype": "float32"}), reporter)
        of_corpus = ("corpus digest", "annotator fingerprint")
        check_identity(folder, facts, {name: identity_of(job)[name] for name in of_corpus})
        store = Store.described(folder, facts["store"])
        commits = committed(store, config.allow_missing or facts["status"] == "incomplete")
        with open_engine(job, reporter, beside) as engine:
            session = _session(job, facts, engine, reporter, lease)
            measure_importance(session, options, [commit.shard for commit in commits])
        return merge_measured(config, facts, gather(store, commits, config.drawn_exemplars), reporter, lease)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    facts: Facts
    """`run.json`"""
    shards: int
    """in the plan"""
    measured: int
    """shards that are committed"""
    driver: str
    """who works on it now; empty where nobody does"""


def progress_of(folder: Location) -> Progress:
    """Read how far a run is.

    Raises:
        StoreError: the folder holds no run.
    """
    facts = read_facts(folder)
    if facts is None:
        raise StoreError(f"{folder} holds no run: expected {folder / 'run.json'}; give the folder that --out named")
    measured = len(Store.described(folder, facts["store"]).committed()) if "store" in facts else 0
    return Progress(facts, facts["corpus"]["shards"], measured, name_driver(folder))


def _plan(config: RunConfig, reporter: Reporter) -> tuple[Job, Identity, Facts | None]:
    """The plan, what its results depend on, and `run.json` where there is one; refuses another run's folder."""
    job = prepare(config, reporter)
    identity = identity_of(job)
    return job, identity, read_own(config.out, identity)


def _begin(job: Job, identity: Identity) -> Facts:
    """`run.json` as it stands now that no other driver writes it, or anew, with this command's way to the results."""
    folder = job.config.out
    facts = read_own(folder, identity)
    if facts is None or not holds_measurements(folder, facts):
        facts = _new_facts(job, identity)
    facts |= _command(job)
    if facts["status"] != "finished":
        write_facts(folder, facts)
    return facts


def _new_facts(job: Job, identity: Identity) -> Facts:
    """`run.json` of a run that is planned."""
    return {
        "attnmetrics": version("attnmetrics"),
        "format": FORMAT,
        "status": "unfinished",
        "started": now(),
        **_command(job),
        "identity": identity,
        "corpus": {
            "paths": list(job.config.corpus),
            "digest": job.plan.digest,
            "documents": job.plan.documents,
            "characters": job.plan.characters,
            "shards": len(job.plan.shards),
            "left_out": dict(job.plan.omissions.counts),
            "by": {name: dict(counts) for name, counts in job.plan.by.items()},
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
            "name": job.config.annotator if job.plan.gold is None else "CoNLL-U (gold)",
            "fingerprint": job.fingerprint,
            "folder": str(job.config.annotation_folder),
        },
    }


def _session(job: Job, facts: Facts, engine: Engine, reporter: Reporter, lease: Lease) -> Session:
    return Session(job, facts, LeasedEngine(engine, lease.check), reporter, lease)


def _as_begun(job: Job, facts: Facts) -> Job:
    """The job with the label of entities where the run was begun with it: text that is parsed anew needs them."""
    labels = facts["store"]["schema"]["labels"] if "store" in facts else ()
    begun_with_it = ENTITY.source in (label["source"] for label in labels)
    return replace(job, declaration=job.declaration.with_entity()) if begun_with_it else job


@contextmanager
def open_engine(job: Job, reporter: Reporter, beside: Executor | None = None) -> Iterator[Engine]:
    """The engine of a job's configuration, closed in the end: `beside`, if given, does so, as Ray takes a second.

    Its threads are waited for when the lease is given back: at a stop there may be no time left for both.
    """
    engine: Engine
    columns = columns_to_give(job)
    if job.config.engine == "inline":
        engine = InlineEngine(job.config, job.plan.gold, columns)
    else:
        from attnmetrics.engine.ray import RayEngine

        engine = RayEngine(job.config, job.plan.gold, columns, reporter.say)
    try:
        yield engine
    finally:
        if beside is None:
            engine.close()
        else:
            beside.submit(engine.close)
