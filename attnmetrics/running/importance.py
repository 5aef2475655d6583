"""How much a loss depends on attention, as a stage of a run that is measured: `attnmetrics importance`.

Its sums lie in a folder whose name is a digest of all that they depend on, so that what was done before a kill, or with
other options, is never taken for something else. The merge makes a table of them, whenever it runs.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from hashlib import blake2b
from importlib.metadata import version

from attnmetrics.config import IMPORTANCE_UNITS, LossOf, Masking, RunConfig
from attnmetrics.corpus.shards import Shard
from attnmetrics.engine.surroundings import BIT_PACKAGES
from attnmetrics.engine.worker import Differentiating
from attnmetrics.errors import ConfigError, CorpusError, StoreError
from attnmetrics.measuring.predicting import Predicting
from attnmetrics.metrics.importance import RESULTS, Layout
from attnmetrics.model.pack import Batching
from attnmetrics.results.importance import Importance, importance_dataset
from attnmetrics.running.progress import Reporter
from attnmetrics.running.runfile import Facts, check_identity, read_facts
from attnmetrics.running.session import Session, record, refuse_failures, refuse_unannotated
from attnmetrics.running.stages import Job, differentiate, find_unannotated, sample_units
from attnmetrics.statistics.groups import sums_of_groups
from attnmetrics.statistics.intervals import find_intervals_of
from attnmetrics.statistics.sampling import Selection
from attnmetrics.statistics.states import State
from attnmetrics.storage import Location, read_ahead
from attnmetrics.store.importance import ImportanceStore


@dataclass(frozen=True, slots=True)
class Options:
    """What `attnmetrics importance` is asked for."""

    units: int = IMPORTANCE_UNITS
    """sentences or windows of the sample, at most"""
    masking: Masking | None = None
    """of a model that reads both ways; unset, `mask`"""
    loss: LossOf = "mean"


def measure_importance(session: Session, options: Options, measured: Sequence[int]) -> None:
    """Measure the importance of attention in a sample of the units of these shards, and record it.

    Args:
        session: the run; its engine loads the model in float32.
        options: what is asked for.
        measured: shards that are in the run's tables.

    Raises:
        AttnmetricsError: what is wrong and what to do; all committed work is kept.
    """
    job = _only(session.job, measured)
    refuse_unannotated(job, len(find_unannotated(job, session.reporter)))
    how, device = _describe_model(session, options)
    batching = Batching(**session.facts["batching"])
    selection, failures = sample_units(job, session.engine, session.reporter, options.units)
    refuse_failures(job, failures)
    schema = session.facts["store"]["schema"]
    digest = _digest(session.facts, device, how, selection, [shard.index for shard in job.plan.shards])
    store = ImportanceStore(job.config.out, Layout(tuple(schema["layers"]), schema["heads"], digest))
    todo = _missing(session, store, job.plan.shards)
    task = Differentiating(selection, how, store, batching)
    outcome = differentiate(job, session.engine, session.reporter, task, todo)
    record(session, "importance", outcome)
    refuse_unannotated(job, len(outcome.damaged))
    refuse_failures(job, outcome.failures)
    session.facts["importance"] = _describe(digest, how, options, job)  # written with the outputs


def _missing(session: Session, store: ImportanceStore, shards: Sequence[Shard]) -> list[Shard]:
    """The shards that are not committed, or not as they were."""
    states = read_ahead(store.read, [shard.index for shard in shards])
    todo = [shard for shard, state in zip(shards, states, strict=True) if state is None]
    if done := len(shards) - len(todo):
        session.reporter.say(f"importance of {done} of {len(shards)} shards is measured already")
    return todo


def require(folder: Location) -> None:
    """Refuse a run in which importance was not measured.

    Raises:
        StoreError: it was not.
    """
    if "importance" not in (read_facts(folder) or {}):
        raise StoreError(
            f"expected a run with the importance of attention at {folder}, found none; "
            f"`attnmetrics importance {folder}` measures it"
        )


def merge_importance(config: RunConfig, facts: Facts, reporter: Reporter) -> Importance | None:
    """What is measured, in the order of shards; None where not all of it can be read.

    Raises:
        StoreError: it cannot be read now.
        CorpusError: no unit has anything to predict.
    """
    folder, described, schema = config.out, facts["importance"], facts["store"]["schema"]
    layout = Layout(tuple(schema["layers"]), schema["heads"], described["digest"])
    store = ImportanceStore(folder, layout)
    read = dict(zip(described["shards"], read_ahead(store.read, described["shards"]), strict=True))
    states = {shard: state for shard, state in read.items() if state is not None}
    if lost := len(read) - len(states):
        reporter.warn(
            f"the importance of attention in {lost:,} of {len(read):,} shards is gone or damaged, and is in none of "
            f"the outputs; `attnmetrics importance {folder}` measures it anew"
        )
        return None
    merged = reduce(State.merge, states.values(), State.zero(layout))
    if not merged["units"]:
        raise CorpusError(
            f"no sentence of {folder} has a piece that is predicted: expected at least two pieces in causal models, "
            "and a piece of the text in others"
        )
    how = {"masking": described["masking"], "loss": described["loss"]}
    results = importance_dataset(layout, merged.sums, config.unit, how)
    values = {str(name): table.to_numpy() for name, table in results.data_vars.items()}
    return Importance(results, find_intervals_of(RESULTS, sums_of_groups(states), values, config.confidence))


def _only(job: Job, measured: Sequence[int]) -> Job:
    """The job, of these shards alone."""
    kept = set(measured)
    shards = tuple(shard for shard in job.plan.shards if shard.index in kept)
    return replace(job, plan=replace(job.plan, shards=shards))


def _describe_model(session: Session, options: Options) -> tuple[Predicting, str]:
    """Load the model and its head, and say how a loss is made with it, and on which device.

    Raises:
        StoreError: it is not the run's model.
        ModelError: it predicts nothing.
        ConfigError: masking is asked for, of a causal model.
    """
    facts, config = session.facts, session.job.config
    model = session.engine.describe_model()
    check_identity(config.out, facts, {"model fingerprint": model["fingerprint"]})
    if model["causal"] and options.masking is not None:
        raise ConfigError(f"{model['name']} is causal, and predicts the next piece, hidden as it is; leave out --mlm")
    masking = None if model["causal"] else options.masking or "mask"
    session.engine.describe_language_model(masking)
    return Predicting(masking, options.loss, config.seed), model["device"]


def _digest(facts: Facts, device: str, how: Predicting, selection: Selection, shards: Sequence[int]) -> str:
    """Of all that the sums depend on."""
    content: Mapping[str, object] = {
        "run": facts["identity"],
        "device": device,
        "schema": facts["store"]["schema"],
        "batching": facts["batching"],
        "versions": {package: version(package) for package in BIT_PACKAGES},
        "how": [how.masking, how.loss, how.seed],
        "sample": [selection.number, selection.last],
        "shards": list(shards),
    }
    return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def _describe(digest: str, how: Predicting, options: Options, job: Job) -> Facts:
    """What `run.json` says of it."""
    return {
        "digest": digest,
        "units": options.units,
        "masking": how.masking,
        "loss": how.loss,
        "dtype": "float32",
        "shards": [shard.index for shard in job.plan.shards],
    }
