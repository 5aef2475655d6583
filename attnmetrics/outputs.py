"""From committed shards to everything a person opens: results, exemplars, tables, report."""

from collections.abc import Sequence

from attnmetrics import results
from attnmetrics.config import build_config
from attnmetrics.merge import find_sentences, merge, merge_candidates
from attnmetrics.progress import Reporter
from attnmetrics.ranking import cut_chunks, settle
from attnmetrics.runfile import Facts
from attnmetrics.storage import Location
from attnmetrics.store import Record, Store
from attnmetrics.views.report import write_report


def write_outputs(folder: Location, store: Store, records: Sequence[Record], facts: Facts, reporter: Reporter) -> None:
    """Merge and write `results.zarr`, `exemplars.parquet`, `tables/` and `report/`.

    Raises:
        StoreError: a shard is not as it was committed, or the folder cannot be written.
    """
    reporter.say(f"merging {len(records):,} shards")
    config = build_config(facts["configuration"])
    merged = merge(store, records, config.variability_sentences)
    exemplars = merge_candidates(store, records)
    sentences = find_sentences(store, records, exemplars)
    if config.ranks_exemplars:
        exemplars = settle(store, exemplars, cut_chunks(exemplars, sentences), config.exemplars)
    dataset = results.dataset(merged.state, merged.deviation, merged.prefix_mass, merged.variability_sentences)
    if facts["missing"]:
        dataset.attrs["shards_missing"] = f"{len(facts['missing'])} of {store.shards}"
    frame = results.exemplars_frame(exemplars, store.dims.layer, sentences)
    results.save(dataset, folder / "results.zarr")
    results.save_exemplars(frame, folder / "exemplars.parquet")
    results.save_tables(dataset, folder / "tables")
    write_report(dataset, frame, facts, folder / "report")
