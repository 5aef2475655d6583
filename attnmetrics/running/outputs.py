"""From committed shards to everything a person opens: results, exemplars, tables, report."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import xarray as xr

from attnmetrics.config import RunConfig
from attnmetrics.describing.files import FILE as ROLES
from attnmetrics.describing.files import load_roles, save_roles
from attnmetrics.describing.rules import read_rules
from attnmetrics.results.dataset import dataset, load, save
from attnmetrics.results.exemplars import (
    attention_frame,
    exemplars_frame,
    load_attention,
    load_exemplars,
    save_attention,
    save_exemplars,
)
from attnmetrics.results.halves import FILE as HALVES
from attnmetrics.results.halves import halves_dataset
from attnmetrics.results.importance import FILE as IMPORTANCE
from attnmetrics.results.importance import Importance, join
from attnmetrics.results.intervals import FILE as INTERVALS
from attnmetrics.results.intervals import intervals_dataset, known
from attnmetrics.results.joined import with_halves, with_intervals, with_probes
from attnmetrics.results.probes import FILE as PROBES
from attnmetrics.results.tables import save_tables
from attnmetrics.results.tokens import FILE as TOKENS
from attnmetrics.results.tokens import load_tokens, save_tokens, tokens_frame
from attnmetrics.running.measured import Measured
from attnmetrics.running.roles import find_roles, roles_by_evidence
from attnmetrics.running.runfile import Facts
from attnmetrics.running.seals import check_apart
from attnmetrics.running.splitting import SplitResults, merge_by
from attnmetrics.statistics.groups import GroupSums
from attnmetrics.storage import Location
from attnmetrics.store.merge import merge, merge_tokens
from attnmetrics.store.room import make_room
from attnmetrics.views.atlas.page import write_report
from attnmetrics.views.heads import asked_by_standouts


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a merge gives."""

    dataset: xr.Dataset
    intervals: xr.Dataset
    halves: xr.Dataset
    exemplars: pd.DataFrame
    attention: pd.DataFrame
    """in the exemplars that are drawn"""
    untraced: int
    """exemplars that are drawn without the attention in them, for there is no trace of it"""
    tokens: pd.DataFrame
    roles: pd.DataFrame
    importance: xr.Dataset | None
    """of attention; None where it was not measured"""
    by: Sequence[SplitResults]
    """the results by the values of each field that the run is split by"""


def merge_outputs(measured: Measured, config: RunConfig, missing: int, importance: Importance | None) -> Outputs:
    """Merge what is measured.

    Args:
        measured: the committed shards, and their exemplars.
        config: the run's.
        missing: shards that are not among them.
        importance: what is merged already of another stage.

    Raises:
        StoreError: a shard is not as it was committed.
    """
    store = measured.store
    groups = GroupSums(store.schema, store.shards, make_room)
    sums = merge(store, measured.commits, config.variability_sentences, groups)
    results = dataset(store.schema, sums, config.unit)
    told, more = (None, {}) if importance is None else (importance.results, importance.intervals)
    intervals = intervals_dataset(groups, results, config.confidence, told, more)
    halves = halves_dataset(groups, results, asked_by_standouts(results))
    if missing:
        results.attrs["shards_missing"] = f"{missing} of {store.shards}"
    frame = exemplars_frame(measured.listing, store.schema.layers, measured.passages)
    has_null = bool(sums["null_sum"].any())
    listed = merge_tokens(store, measured.commits, config.token_occurrences, has_null)
    tokens = tokens_frame(listed, store.schema.layers)
    roles = find_roles(read_rules(None), results, tokens, known(intervals))
    split = merge_by(measured, config, groups.there)
    return Outputs(results, intervals, halves, frame, *_attention(measured), tokens, roles, told, split)


def _attention(measured: Measured) -> tuple[pd.DataFrame, int]:
    """The attention in the exemplars that are drawn, and the number of those that it is not known of."""
    known = [(chunk.listed, measured.store.read_traces(chunk.digest)) for chunk in measured.chunks]
    traced = [(listed, traces) for listed, traces in known if traces is not None]
    untraced = sum(len(listed) for listed, traces in known if traces is None)
    return attention_frame(traced, measured.listing, measured.store.schema.layers), untraced


def write_outputs(folder: Location, outputs: Outputs, facts: Facts) -> None:
    """Write all that a merge leaves (see `running.seals.OUTPUTS`), and open it.

    Where importance was measured, `importance.zarr` too; tables and report show it with the others.

    Raises:
        StoreError: the folder cannot be written, or what was written there cannot be opened, or probes are damaged.
    """
    check_apart(folder, PROBES)
    save(outputs.dataset, folder / "results.zarr")
    save(outputs.intervals, folder / INTERVALS)
    save(outputs.halves, folder / HALVES)
    for split in outputs.by:
        split.save(folder)
    save_exemplars(outputs.exemplars, folder / "exemplars.parquet")
    save_attention(outputs.attention, folder / "exemplar_attention.parquet")
    save_tokens(outputs.tokens, folder / TOKENS)
    save_roles(outputs.roles, folder / ROLES)
    if outputs.importance is not None:
        save(outputs.importance, folder / IMPORTANCE)
    shown = join(outputs.dataset, outputs.importance)
    tables_by = dict(split.tables for split in outputs.by)
    save_tables(shown, folder / "tables", known(outputs.intervals), tables_by)
    probed = with_probes(with_halves(with_intervals(shown, outputs.intervals), outputs.halves), folder)
    frames = outputs.exemplars, outputs.attention
    roles = roles_by_evidence(outputs.dataset, outputs.roles, outputs.tokens, known(outputs.intervals))
    by = [with_intervals(split.results, split.intervals) for split in outputs.by]
    write_report(probed, *frames, facts, folder / "report", outputs.tokens, roles, by)
    load(folder / "results.zarr")
    load(folder / INTERVALS)
    load(folder / HALVES)
    load_exemplars(folder / "exemplars.parquet")
    load_attention(folder / "exemplar_attention.parquet")
    load_tokens(folder / TOKENS)
    load_roles(folder / ROLES)
