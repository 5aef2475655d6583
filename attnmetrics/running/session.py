"""A run that this process works on, from the plan to measured shards and traced exemplars."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from attnmetrics.annotation.mentions import MENTIONS
from attnmetrics.annotation.sentence import Declared
from attnmetrics.annotation.sources import check_counts
from attnmetrics.corpus.shards import Shard
from attnmetrics.engine import Engine, Failed, Stage
from attnmetrics.engine.memory import peak_memory_bytes
from attnmetrics.engine.worker import Measuring
from attnmetrics.errors import CorpusError, DamageError, ShardError, StoreError
from attnmetrics.model.kernels.kept import announce
from attnmetrics.model.pack import Batching
from attnmetrics.results.wording import in_unit
from attnmetrics.running.declaration import Declaration, make_schema, names_in_rest
from attnmetrics.running.lease import Lease
from attnmetrics.running.measured import Measured, gather
from attnmetrics.running.progress import Reporter
from attnmetrics.running.runfile import Facts, check_identity, write_facts
from attnmetrics.running.samples import Limits, check_variability, known_units, make_sampling, rows_compared
from attnmetrics.running.stages import (
    Job,
    Outcome,
    annotate,
    count,
    count_units,
    find_declared,
    find_unannotated,
    have_entities,
    have_mentions,
    measure,
    refuse_many_heads,
    samples,
    trace,
)
from attnmetrics.storage import Location, read_ahead
from attnmetrics.store.commits import Commit
from attnmetrics.store.shards import Store

FAULTS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Session:
    """A run, and what it is worked on with."""

    job: Job
    facts: Facts
    """content of `run.json`"""
    engine: Engine
    reporter: Reporter
    lease: Lease


def measure_all(session: Session, annotate_too: bool) -> Measured:
    """Measure what is not measured yet, and trace the exemplars that are drawn.

    Args:
        session: the run.
        annotate_too: annotate what is not annotated yet.

    Raises:
        AttnmetricsError: what is wrong and what to do; all committed work is kept.
    """
    check_variability(session.job.config, session.job.plan)
    missing: Sequence[Shard] = find_unannotated(session.job, session.reporter)
    if not annotate_too:
        refuse_unannotated(session.job, len(missing))
    _describe_model(session)
    batching = _find_batching(session)
    if "store" not in session.facts:
        missing = _describe_measures(session, missing)
    missing = _annotate_first(session, missing, needed=samples(session.job.config))
    limits = Limits.of(session.job.config, _count_heads(session))
    units, missing = _count_units(session, limits, missing, annotate_too)
    store = _open_store(session)
    _say_rows(session)
    sampling = make_sampling(session.job, limits, units)
    measuring = Measuring(session.job.declaration.functions, sampling, store, batching)
    outcome = _measure_shards(session, measuring, _intact(session, store), missing)
    outcome = _repair(session, measuring, outcome) if annotate_too else outcome
    _refuse_unmeasured(session, store, outcome)
    return _read_again(session, store, batching)


def _describe_model(session: Session) -> None:
    """Load the model, and record it.

    Raises:
        StoreError: the run was begun with another one.
        ConfigError: it has too many heads to compare them.
    """
    facts, model = session.facts, session.engine.describe_model()
    loaded = {
        "model fingerprint": model["fingerprint"],
        "model's device": model["device"],
        "attention kernel": model["kernel"],
    }
    check_identity(session.job.config.out, facts, loaded)
    facts["identity"] |= loaded
    facts["model"] = model
    refuse_many_heads(_count_heads(session))
    if own := model["own_attention"]:
        session.reporter.say(
            f"attention is taken as {model['class']} itself gives it, which is slower, with sentences of one length in "
            f"a batch; computed for it, {own}"
        )
    say_missing_norms(model["layers_without_norm"], session.reporter)


def say_missing_norms(layers: Sequence[int], reporter: Reporter) -> None:
    """Say in which layers the norms of what heads add to the stream are unknown."""
    if layers:
        reporter.say(
            f"no output_norm in {'layer' if len(layers) == 1 else 'layers'} {', '.join(map(str, layers))}: which "
            "modules give the heads' values and project what they mix is not certain there"
        )


def _say_rows(session: Session) -> None:
    """Say where heads are compared in fewer rows than are asked for."""
    config, heads = session.job.config, _count_heads(session)
    rows = rows_compared(config, heads)
    if rows != config.similarity_rows:
        session.reporter.say(
            f"{heads:,} heads are compared in {rows:,} rows, not {config.similarity_rows:,}, for there are many pairs "
            "of them; --similarity-rows all takes every row"
        )


def _count_heads(session: Session) -> int:
    """The heads of all layers that are measured."""
    model = session.facts["model"]
    return len(model["layers"]) * int(model["heads"])


def _find_batching(session: Session) -> Batching:
    """How the model is given units; found once a run, recorded, and said where it is not the fastest way."""
    facts = session.facts
    if "batching" not in facts:
        announce(facts["model"]["kernel"], session.reporter.say)
        facts["batching"] = asdict(session.engine.find_batching())
    batching = Batching(**facts["batching"])
    if not facts["model"]["own_attention"]:  # which has been said, and why
        for line in batching.reasons:
            session.reporter.say(line)
    return batching


def _describe_measures(session: Session, missing: Sequence[Shard]) -> Sequence[Shard]:
    """Find the names of all labels, and record what is measured.

    Returns:
        the shards that are still to be annotated.

    Raises:
        ShardError: names are to be counted, and some shards cannot be annotated.
    """
    job, model = session.job, session.facts["model"]
    declared = find_declared(job, session.engine, session.reporter)
    declaration = job.declaration
    if not missing and "entity" in declared and have_entities(job):
        declaration = declaration.with_entity()
    sources = declaration.uncounted(declared)
    may_have_mentions = job.plan.gold is None and MENTIONS in declared
    missing = _annotate_first(session, missing, needed=bool(sources) or may_have_mentions)
    declaration = _with_coreference(session, declaration, declared)
    counts = _count_names(session, sources) if sources else {}
    schema = make_schema(declaration, tuple(model["layers"]), model["heads"], declared, counts)
    by = {name: tuple(counts) for name, counts in job.plan.by.items()}
    store = Store(job.config.out, schema, len(job.plan.shards), job.config.exemplars, by)
    session.facts["store"] = store.describe()
    session.facts["names_in_rest"] = names_in_rest(schema, counts)
    for label, number in session.facts["names_in_rest"].items():
        session.reporter.say(f"the label {label} has {number:,} rarer or longer names, which are measured as _rest")
    return missing


def _with_coreference(session: Session, declaration: Declaration, declared: Declared) -> Declaration:
    """With the link of coreference, where the corpus has mentions.

    Raises:
        ConfigError: it has none, and one of the user's links is between them.
    """
    there_are_some = have_mentions(session.job, declared)
    declaration.check_mentions(there_are_some)
    if not there_are_some:
        return declaration
    if session.job.config.unit == "sentence":
        session.reporter.say("coreference wants units of more than a sentence: --unit window:128")
    return declaration.with_coreference()


def _count_names(session: Session, sources: Mapping[str, str]) -> Mapping[str, Mapping[str, int]]:
    """Count the names of these labels; annotations that are found damaged are made anew.

    Raises:
        ShardError: a shard cannot be counted, or not be annotated.
        ConfigError: no word has the key of a label.
    """
    outcome = count(session.job, session.engine, session.reporter, sources)
    if outcome.damaged:
        _annotate_first(session, find_unannotated(session.job, session.reporter), needed=True)
        outcome = count(session.job, session.engine, session.reporter, sources)
    record(session, "count", outcome)
    refuse_unannotated(session.job, len(outcome.damaged))
    refuse_failures(session.job, outcome.failures)
    for label, source in sources.items():
        check_counts(source, outcome.names.get(label, {}))
    return outcome.names


def _annotate_first(session: Session, missing: Sequence[Shard], *, needed: bool) -> Sequence[Shard]:
    """Annotate before anything is measured, where all sentences are needed for that: to sample, or to count names.

    Returns:
        the shards that are still to be annotated.

    Raises:
        ShardError: some of them cannot be.
    """
    if not missing or not needed:
        return missing
    outcome = annotate(session.job, session.engine, session.reporter, missing)
    record(session, "annotate", outcome)
    advice = "; samples and names are drawn from all sentences: none of their shards may be missing"
    refuse_failures(session.job, outcome.failures, advice)
    return ()


def _count_units(
    session: Session, limits: Limits, missing: Sequence[Shard], annotate_too: bool
) -> tuple[int, Sequence[Shard]]:
    """Find how many units the corpus has, as far as it makes a difference to samples; where they are counted, once.

    Returns:
        the units; the shards that are still to be annotated.

    Raises:
        StoreError: annotations were found damaged, and none are to be made anew, or these are damaged too.
    """
    job, facts, reporter = session.job, session.facts, session.reporter
    known = facts.get("units", known_units(job, limits))
    if known is not None:
        return known, missing
    outcome, units, left = count_units(job, session.engine, reporter, missing, limits.most)
    if outcome.damaged and annotate_too:
        missing = find_unannotated(job, reporter)
        outcome, units, left = count_units(job, session.engine, reporter, missing, limits.most)
    refuse_unannotated(job, len(outcome.damaged))
    facts["units"] = units
    record(session, "count_units", outcome)
    number = f"{units:,}" if units <= limits.most else f"more than {limits.most:,}"
    reporter.say(in_unit(f"{number} sentence{'s' * (units != 1)}", job.config.unit))
    return units, left


def _open_store(session: Session) -> Store:
    """The store of the run's shards that `run.json` describes, laid out."""
    out = session.job.config.out
    write_facts(out, session.facts)
    store = Store.described(out, session.facts["store"])
    store.create()
    return store


def _intact(session: Session, store: Store) -> set[int]:
    """The committed shards, less those that are damaged, which lose their commit."""
    committed = store.committed()
    intact = set()
    for shard, damage in zip(committed, read_ahead(partial(_damage, store), committed.values()), strict=True):
        if damage is None:
            intact.add(shard)
        else:
            session.reporter.warn(damage)
            store.discard(shard)
    if intact:
        session.reporter.say(f"{len(intact)} of {store.shards} shards are measured already")
    return intact


def _damage(store: Store, commit: Commit) -> str | None:
    """What is not as it was committed; None where all is."""
    try:
        store.verify(commit)
    except DamageError as error:
        return str(error)
    return None


def _measure_shards(
    session: Session, measuring: Measuring, committed: set[int], unannotated: Sequence[Shard]
) -> Outcome:
    outcome = measure(session.job, session.engine, session.reporter, measuring, committed, unannotated)
    record(session, "measure", outcome)
    return outcome


def _repair(session: Session, measuring: Measuring, outcome: Outcome) -> Outcome:
    """Annotate and measure the shards whose annotations were found damaged, where there are some."""
    if not outcome.damaged:
        return outcome
    missing = find_unannotated(session.job, session.reporter)
    return _measure_shards(session, measuring, set(measuring.store.committed()), missing)


def _read_again(session: Session, store: Store, batching: Batching) -> Measured:
    """The pass over the best sentences only, for the attention in them."""
    measured = gather(store, list(store.committed().values()), session.job.config.drawn_exemplars)
    if measured.chunks:
        outcome = trace(session.engine, session.reporter, store, measured.chunks, batching)
        record(session, "trace", outcome)
    return measured


def record(session: Session, stage: Stage, outcome: Outcome) -> None:
    """Write what a stage came to into `run.json`.

    Raises:
        StoreError: another driver took the run over, or the folder cannot be written.
    """
    session.lease.check()
    facts = session.facts
    facts["seconds"][stage] = round(facts["seconds"].get(stage, 0.0) + outcome.seconds, 3)
    memory = facts["peak_memory_bytes"]
    memory["worker"] = max(memory.get("worker", 0), outcome.peak_memory_bytes)
    memory["driver"] = peak_memory_bytes()
    if stage in ("annotate", "measure"):
        facts["missing"] = [_missing(session.job, failure) for failure in outcome.failures]
        if facts["missing"]:
            facts["status"] = "unfinished"
    write_facts(session.job.config.out, facts)


def _missing(job: Job, failure: Failed) -> Facts:
    """What `run.json` says of a shard that was put aside."""
    shard = job.plan.shards[failure.portion.index]
    return {
        "shard": shard.index,
        "first_document": shard.first_document,
        "documents": shard.documents,
        "stage": failure.stage,
        "reason": failure.reason,
    }


def refuse_unannotated(job: Job, shards: int) -> None:
    """Say how many shards have no annotations.

    Raises:
        StoreError: there are some.
    """
    if shards:
        raise StoreError(
            f"{shards} of {len(job.plan.shards)} shards are not annotated in {job.config.annotation_folder}; "
            "run `attnmetrics annotate` with the same options first"
        )


def refuse_failures(job: Job, failures: Sequence[Failed], advice: str = "") -> None:
    """Say which shards were put aside, and what may be done beside mending the cause.

    Raises:
        ShardError: there are some.
    """
    if not failures:
        return
    shown = [f"  shard {failed.portion.index}, {failed.stage}: {failed.reason}" for failed in failures[:FAULTS_SHOWN]]
    if more := len(failures[FAULTS_SHOWN:]):
        shown.append(f"  and {more} more (see `attnmetrics status`)")
    raise ShardError(
        f"{len(failures)} of {len(job.plan.shards)} shards failed on every try; the others are kept:\n"
        + "\n".join(shown)
        + f"\nmend the cause, then run the same command to go on{advice}"
    )


def _refuse_unmeasured(session: Session, store: Store, outcome: Outcome) -> None:
    """Refuse to go on without shards that are wanted, or with nothing.

    Raises:
        StoreError: the annotations of some shards are damaged, or what was measured is not there.
        ShardError: some shards failed.
        CorpusError: no sentence was measured.
    """
    job, commits = session.job, store.committed()
    refuse_unannotated(job, len(outcome.damaged))
    known = {*commits, *(failed.portion.index for failed in outcome.failures)}
    refuse_lost(store.shards - len(known), store.shards, "measured", store.folder)
    if not (job.config.allow_missing and commits):
        refuse_failures(job, outcome.failures, "; --allow-missing makes tables without them")
    if not any(commit.counts.sentences for commit in commits.values()):
        raise CorpusError(
            f"no sentence is left to measure in {', '.join(job.config.corpus)}: expected at least one "
            "with a word piece; check the corpus and --text-field"
        )


def refuse_lost(lost: int, shards: int, done: str, folder: Location) -> None:
    """Refuse a folder in which shards are not to be found that were measured, or annotated, as `done` says.

    Raises:
        StoreError: some are not there.
    """
    if lost:
        raise StoreError(
            f"{lost} of {shards} shards were {done}, but {folder} does not hold them: expected a folder that all nodes "
            "of a cluster share, and from which nobody removes files; run the same command to go on if it is one, or "
            "name one, or a URL, with --out and --annotations"
        )
