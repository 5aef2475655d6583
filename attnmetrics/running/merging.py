"""From measured shards to what a person opens, and what `run.json` then says."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import reduce
from operator import add

from attnmetrics.config import RunConfig
from attnmetrics.engine.memory import peak_memory_bytes
from attnmetrics.errors import StoreError
from attnmetrics.results.importance import Importance
from attnmetrics.results.intervals import doubt
from attnmetrics.running.lease import Lease, hold
from attnmetrics.running.measured import Measured, gather
from attnmetrics.running.outputs import Outputs, merge_outputs, write_outputs
from attnmetrics.running.progress import Reporter
from attnmetrics.running.runfile import Facts, config_of, now, read_facts, write_facts
from attnmetrics.running.seals import seal
from attnmetrics.storage import Location
from attnmetrics.store.commits import Commit, Counts, LeftOut
from attnmetrics.store.shards import Store


def merge_run(
    folder: Location, reporter: Reporter, allow_missing: bool = False, confidence: float | None = None
) -> Facts:
    """Only merge: from committed shards to tables and report; needs no model and no corpus.

    Args:
        folder: the run's.
        reporter: is told how it goes.
        allow_missing: merge the shards that there are, and say in every output that others are missing.
        confidence: of intervals; None: as the run was begun with.

    Raises:
        StoreError: the folder holds no measured run, or a shard is missing or damaged.
    """
    read_measured(folder)
    with hold(folder, reporter) as lease:
        facts = read_measured(folder)
        if confidence is not None:
            facts["configuration"] |= {"confidence": confidence}
        config = config_of(folder, facts).model_copy(update={"out": folder})
        store = Store.described(folder, facts["store"])
        measured = gather(store, committed(store, allow_missing), config.drawn_exemplars)
        return merge_measured(config, facts, measured, reporter, lease)


def read_measured(folder: Location) -> Facts:
    """`run.json` of a run that is measured, or that measuring has begun.

    Raises:
        StoreError: the folder holds none.
    """
    facts = read_facts(folder)
    if facts is None or "store" not in facts:
        raise StoreError(f"{folder} holds no measured run; run `attnmetrics run` or `attnmetrics measure` first")
    return facts


def committed(store: Store, allow_missing: bool) -> Sequence[Commit]:
    """The commits of all shards, or of those that there are.

    Raises:
        StoreError: there is none, or others are missing and none may be.
    """
    commits = list(store.committed().values())
    if not commits or (len(commits) < store.shards and not allow_missing):
        raise StoreError(
            f"{len(commits)} of {store.shards} shards of {store.folder} are measured; "
            "run `attnmetrics run` with the same options to go on"
        )
    return commits


def merge_measured(config: RunConfig, facts: Facts, measured: Measured, reporter: Reporter, lease: Lease) -> Facts:
    """Merge what is measured into the run's outputs.

    Returns:
        `facts`, the content of `run.json`, as it now stands.

    Raises:
        StoreError: a shard is not as it was committed, or the folder cannot be written.
    """
    start = time.perf_counter()
    _count(config, facts, measured, reporter)
    reporter.say(f"merging {len(measured.commits):,} shards")
    importance = _importance(config, facts, reporter)
    outputs = merge_outputs(measured, config, len(facts["missing"]), importance)
    if outputs.untraced:
        facts["left_out"]["exemplars_without_attention"] = outputs.untraced
        reporter.warn(
            f"the attention in {outputs.untraced:,} exemplars is missing from the report; `attnmetrics run` with the "
            "same options adds it"
        )
    if said := doubt(outputs.intervals):
        reporter.say(said)
    _warn_of_shares(config, outputs, reporter)
    lease.check()
    status = "incomplete" if facts["missing"] or outputs.untraced else "finished"
    _replace_outputs(config, facts, outputs, status)
    lease.check()
    facts["seconds"]["merge"] = round(time.perf_counter() - start, 3)
    facts["peak_memory_bytes"]["driver"] = peak_memory_bytes()
    facts |= {"status": status, "finished": now()}
    write_facts(config.out, facts)
    (config.out / "run.json").sweep()
    return facts


def _importance(config: RunConfig, facts: Facts, reporter: Reporter) -> Importance | None:
    """What is measured in a stage of its own, of which most runs know nothing."""
    if "importance" not in facts:
        return None
    from attnmetrics.running.importance import merge_importance  # takes long to import

    return merge_importance(config, facts, reporter)


def _count(config: RunConfig, facts: Facts, measured: Measured, reporter: Reporter) -> None:
    """Record what is measured, left out and missing, over all shards."""
    counts = reduce(add, (commit.counts for commit in measured.commits), Counts())
    left_out = reduce(add, (commit.left_out for commit in measured.commits), LeftOut())
    facts["counts"] = asdict(counts)
    in_rest = {f"{label}_names_in_rest": number for label, number in facts.get("names_in_rest", {}).items()}
    facts["left_out"] = facts["corpus"]["left_out"] | asdict(left_out) | in_rest
    facts["missing"] = _missing(facts, measured)
    _warn_of_small_sample("--sample-sentences", config.sample_sentences, counts.exemplar_sentences, reporter)
    _warn_of_small_sample("--metric-sentences", config.metric_sentences, counts.sentences, reporter)
    if missing := len(facts["missing"]):
        facts["left_out"]["shards_missing"] = missing
        reporter.warn(f"{missing} of {measured.store.shards} shards are missing from the tables")


def _missing(facts: Facts, measured: Measured) -> list[Facts]:
    """Every shard that is not measured, with the reason where one is known."""
    known = {entry["shard"]: entry for entry in facts.get("missing", [])}
    waiting = {"stage": "measure", "reason": "not measured yet"}
    there = {commit.shard for commit in measured.commits}
    return [known.get(n, {"shard": n, **waiting}) for n in range(measured.store.shards) if n not in there]


def _warn_of_small_sample(flag: str, asked: int | None, found: int, reporter: Reporter) -> None:
    """A sample cannot be larger than the corpus."""
    if asked is not None and found < asked:
        reporter.warn(f"expected {asked:,} sentences for {flag}, found {found:,} to measure; took all of them")


def _warn_of_shares(config: RunConfig, outputs: Outputs, reporter: Reporter) -> None:
    """Shares are equal: of a corpus that has no more units than are wanted, some may be beyond a shard's share."""
    looked_at, every = (int(outputs.dataset[name]) for name in ("map_sentences", "sentences"))
    if looked_at < every <= (config.map_sentences or 0):
        reporter.warn(
            f"attention between words is looked at in {looked_at:,} of {every:,} sentences or windows: every shard has "
            "an equal share of --map-sentences, and some hold more; --map-sentences all takes every one"
        )


def _replace_outputs(config: RunConfig, facts: Facts, outputs: Outputs, status: str) -> None:
    """Write all outputs, which tell of the status that the run then has, and seal them; until then, `run.json` vouches
    for none.
    """
    facts["status"] = "unfinished"
    facts.pop("outputs", None)
    write_facts(config.out, facts)
    write_outputs(config.out, outputs, facts | {"status": status})
    facts["outputs"] = seal(config.out, [name for split in outputs.by for name in split.files])
