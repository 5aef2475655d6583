"""Results by the values of the fields that a run is split by: each value's are made alone, one after the other."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.config import RunConfig
from attnmetrics.results.by import (
    file_of,
    intervals_file_of,
    join_intervals,
    join_values,
    load_by,
    load_intervals_by,
    tables_of,
)
from attnmetrics.results.dataset import dataset, save
from attnmetrics.results.intervals import find_all, known, label_intervals
from attnmetrics.running.measured import Measured
from attnmetrics.statistics.intervals import Interval
from attnmetrics.storage import Location
from attnmetrics.store.merge import merge_part
from attnmetrics.store.room import make_room


@dataclass(frozen=True, slots=True)
class SplitResults:
    """The results of a run by the values of one field."""

    field: str
    results: xr.Dataset
    """[field, …]"""
    intervals: xr.Dataset
    """[field, …]"""

    @property
    def files(self) -> tuple[str, str]:
        """The files that hold them."""
        return file_of(self.field), intervals_file_of(self.field)

    @property
    def tables(self) -> tuple[str, tuple[xr.Dataset, xr.Dataset | None]]:
        """The folder of their tables, and what is in these."""
        return tables_of(self.field), (self.results, known(self.intervals))

    def save(self, folder: Location) -> None:
        """Write them into a run's folder, and open them.

        Raises:
            StoreError: the folder cannot be written, or what was written there cannot be opened.
        """
        for data, file in zip((self.results, self.intervals), self.files, strict=True):
            save(data, folder / file)
        load_by(folder, self.field)
        load_intervals_by(folder, self.field)


def merge_by(measured: Measured, config: RunConfig, drawn: NDArray[np.bool_]) -> list[SplitResults]:
    """The results by each field that a run is split by.

    Sums of groups of shards are held of one value at a time. All values are drawn as the whole run is.

    Args:
        measured: the committed shards.
        config: the run's.
        drawn: [group] the groups of shards that are there.

    Raises:
        StoreError: a shard is not as it was committed.
    """
    return [_merge_field(measured, config, drawn, place) for place in range(len(measured.store.by))]


def _merge_field(measured: Measured, config: RunConfig, drawn: NDArray[np.bool_], place: int) -> SplitResults:
    store, field = measured.store, list(measured.store.by)[place]
    results: dict[str, xr.Dataset] = {}
    intervals: list[dict[str, Interval]] = []
    for number, value in enumerate(store.by[field]):
        sums, groups = merge_part(store, measured.commits, (place, number), config.variability_sentences, make_room)
        results[value] = dataset(store.schema, sums, config.unit)
        intervals.append(find_all(groups, results[value], config.confidence, drawn))
    joined, sure = join_values(field, results), join_intervals(intervals)
    return SplitResults(field, joined, label_intervals(sure, joined, int(drawn.sum()), config.confidence))
