"""From committed shards to everything a person opens: results, exemplars, tables, report."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import xarray as xr

from attnmetrics.config import build_config
from attnmetrics.measuring import tracing
from attnmetrics.results import dataset as results
from attnmetrics.running.runfile import Facts
from attnmetrics.storage import Location
from attnmetrics.store.merge import Candidates, merge
from attnmetrics.store.shards import Record, Store
from attnmetrics.views.atlas import write_report


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a merge gives."""

    dataset: xr.Dataset
    exemplars: pd.DataFrame
    attention: pd.DataFrame
    """in the exemplars that are drawn"""
    untraced: int
    """exemplars that are drawn without the attention in them, for there is no trace of it"""


def merge_outputs(store: Store, records: Sequence[Record], candidates: Candidates, facts: Facts) -> Outputs:
    """Merge the committed shards, whose candidates are known.

    Raises:
        StoreError: a shard is not as it was committed.
    """
    config = build_config(facts["configuration"])
    merged = merge(store, records, config.variability_sentences)
    exemplars, sentences = candidates.exemplars, candidates.sentences
    sums = (merged.state, merged.deviation, merged.prefix_mass, merged.variability_sentences)
    dataset = results.dataset(*sums, unit=config.unit)
    if facts["missing"]:
        dataset.attrs["shards_missing"] = f"{len(facts['missing'])} of {store.shards}"
    frame = results.exemplars_frame(exemplars, store.dims.layer, sentences)
    drawn = tracing.cut_chunks(exemplars, sentences, config.traced_exemplars)
    return Outputs(dataset, frame, *_attention(store, drawn))


def _attention(store: Store, chunks: Sequence[tracing.Chunk]) -> tuple[pd.DataFrame, int]:
    """The attention in the exemplars of these chunks, and the number of those that it is not known of."""
    found = [(chunk.drawn, store.read_traces(chunk.digest)) for chunk in chunks]
    traced = [(drawn, traces) for drawn, traces in found if traces is not None]
    untraced = sum(len(drawn) for drawn, traces in found if traces is None)
    return results.attention_frame(traced, store.dims.layer), untraced


def write_outputs(folder: Location, outputs: Outputs, facts: Facts) -> None:
    """Write `results.zarr`, `exemplars.parquet`, `exemplar_attention.parquet`, `tables/` and `report/`.

    Raises:
        StoreError: the folder cannot be written.
    """
    results.save(outputs.dataset, folder / "results.zarr")
    results.save_exemplars(outputs.exemplars, folder / "exemplars.parquet")
    results.save_attention(outputs.attention, folder / "exemplar_attention.parquet")
    results.save_tables(outputs.dataset, folder / "tables")
    write_report(outputs.dataset, outputs.exemplars, outputs.attention, facts, folder / "report")
