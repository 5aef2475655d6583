"""A comparison as CSV: numbers in full, a row per run and head (or layer, or label), a column per result and part.

`heads.csv`, `layers.csv` and `corpus.csv` hold the results with one value a head, a layer, or a run; any other result
has a file of its own. The columns of a result are its name, those of its intervals (`_low`, `_high`), of its difference
from the first run (`_difference`, `_difference_low`, `_difference_high`) and its `_q`. `correlations.csv` has those of
maps, `clear.csv` every head that differs clearly, and `roles.csv` the roles that heads gained or lost.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Final

import pandas as pd
import xarray as xr

from attnmetrics.results.comparison import RUN
from attnmetrics.results.differing import all_differing
from attnmetrics.results.files import writing
from attnmetrics.results.tables import Row, file_names, write_csv
from attnmetrics.storage import Location

_NAMES: Final = {(RUN, "layer", "head"): "heads", (RUN, "layer"): "layers", (RUN,): "corpus"}
_OF_MAPS: Final = ("correlation", "correlation_heads")


def save_comparison_tables(data: xr.Dataset, roles: pd.DataFrame, path: Location) -> None:
    """Write a comparison as CSV.

    Raises:
        StoreError: the folder cannot be written.
    """
    with writing(path):
        path.write_folder(lambda folder: _write(data, roles, folder))


def _write(data: xr.Dataset, roles: pd.DataFrame, folder: Path) -> None:
    tables = [*_tables(data), ("correlations", _correlations(data)), ("clear", _clear(data)), ("roles", _frame(roles))]
    for name, (_, rows) in zip(file_names(name for name, _ in tables), tables, strict=True):
        write_csv(folder / f"{name}.csv", rows)


def _tables(data: xr.Dataset) -> Iterator[tuple[str, Iterator[Row]]]:
    """(name, rows with a header) of all tables, those with one value a head, a layer or a run together."""
    columns: dict[str, list[str]] = defaultdict(list)
    for name, table in data.data_vars.items():
        if table.attrs.get("part") not in _OF_MAPS:
            columns[str(table.attrs.get("of", name))].append(str(name))
    shared: dict[str, list[str]] = {name: [] for name in _NAMES.values()}
    for name, own in columns.items():
        shared.setdefault(_NAMES.get(_dims(data[name]), name), []).extend(own)
    yield from ((name, _long(data, own)) for name, own in shared.items() if own)


def _dims(table: xr.DataArray) -> tuple[str, ...]:
    return tuple(map(str, table.dims))


def _long(data: xr.Dataset, names: Sequence[str]) -> Iterator[Row]:
    """A row for every combination of labels, a column per variable."""
    dims = _dims(data[names[0]])
    yield (*dims, *names)
    labels = product(*(data[dim].values.tolist() for dim in dims))
    columns = (data[name].to_numpy().ravel().tolist() for name in names)
    yield from ((*label, *row) for label, row in zip(labels, zip(*columns, strict=True), strict=True))


def _correlations(data: xr.Dataset) -> Iterator[Row]:
    yield ("result", RUN, "labels", "correlation", "heads")
    for name in (str(name) for name, table in data.data_vars.items() if table.attrs.get("part") == "correlation"):
        of, further = data[name].attrs["of"], _dims(data[name])[1:]
        heads = data[f"{name}_heads"].to_numpy().ravel().tolist()
        labels = product(*(data[dim].values.tolist() for dim in (RUN, *further)))
        for (run, *rest), r, number in zip(labels, data[name].to_numpy().ravel().tolist(), heads, strict=True):
            if run != data.attrs["first"]:
                yield (of, run, ", ".join(map(str, rest)), r, number)


def _clear(data: xr.Dataset) -> Iterator[Row]:
    """The heads that differ clearly, of each result and run those that differ most first."""
    yield ("result", RUN, "layer", "head", "labels", "first", "value", "difference", "low", "high", "q")
    for one in all_differing(data):
        yield (one.result, one.run, one.layer, one.head, ", ".join(map(str, one.labels.values())), *one.numbers)


def _frame(frame: pd.DataFrame) -> Iterator[Row]:
    yield tuple(frame.columns)
    yield from frame.itertuples(index=False, name=None)
