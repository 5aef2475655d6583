"""The results as CSV: every table of a Dataset, whatever it is called, numbers in full, NaN where there is no evidence.

`heads.csv` and `layers.csv` have a row per head or layer and a column per result, `corpus.csv` a row per single number.
Tables without layers share a file with those of the same dimensions, which is named after these: `pairs.csv` and
`directions.csv`, a row per distance between pieces or per direction, `pos.csv`, a row per part of speech, and so on.
Any other result has its own file: a row per head (or layer) and a column per label, or, where it has two further
dimensions, a row per value; of a number for two heads, each pair once. Where a result has intervals, two more columns
follow each of its own, which end in `_low` and `_high`; of single numbers, `low` and `high` are columns.

Results by a field of documents have a folder of the same files, `by_genre/heads.csv`, in which the first column is the
field's value; numbers for pairs of heads are not among them.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.results.by import FIELD
from attnmetrics.results.files import writing
from attnmetrics.results.intervals import BOUND, BOUNDS
from attnmetrics.storage import Location

NAMES: Final = {
    (): "corpus",
    ("layer", "head"): "heads",
    ("layer",): "layers",
    ("pair_distance",): "pairs",
    ("direction",): "directions",
}
"""Dimensions → the table that holds all results with them, where it is not named after them."""

ENDS: Final = ("", *(f"_{bound}" for bound in BOUNDS))
"""Of a column, and of those of its bounds."""

_FORMULA: Final = re.compile(r"(?:^|(?<=[;\t\r\n]))(?=\s*[=+\-@＝＋－＠]|[\t\r\n])")
"""Where a spreadsheet would begin to calculate, also one that takes semicolons or tabs for the ends of cells."""
_QUOTED: Final = re.compile('[",\r\n]')

Row = Sequence[object]


def save_tables(
    results: xr.Dataset,
    path: Location,
    intervals: xr.Dataset | None = None,
    by: Mapping[str, tuple[xr.Dataset, xr.Dataset | None]] | None = None,
) -> None:
    """Write every result as CSV, with its interval where there is one.

    Args:
        results: of a run.
        path: the folder.
        intervals: of the results.
        by: likewise results by the fields that they are split by, and their intervals, by name of a folder within.

    Raises:
        StoreError: the folder cannot be written.
    """

    def write(folder: Path) -> None:
        _write_tables(results, xr.Dataset() if intervals is None else intervals, folder)
        for name, (split, sure) in (by or {}).items():
            (folder / name).mkdir()
            _write_tables(split, xr.Dataset() if sure is None else sure, folder / name)

    with writing(path):
        path.write_folder(write)


def file_names(names: Iterable[str]) -> list[str]:
    """For each name one that a file may have on any system, no two alike.

    `file_names(["a", "<b>", "A"]) == ["a", "_b_", "A_2"]`
    """
    taken: set[str] = set()
    found = []
    for name in names:
        plain = re.sub(r"[^\w.-]|^\.", "_", name, flags=re.ASCII)[:100] or "_"
        spellings = (plain if n == 1 else f"{plain}_{n}" for n in range(1, len(taken) + 2))
        found.append(next(spelling for spelling in spellings if spelling.casefold() not in taken))
        taken.add(found[-1].casefold())
    return found


def _write_tables(results: xr.Dataset, sure: xr.Dataset, folder: Path) -> None:
    tables = list(_tables(results, sure))
    for name, (_, rows) in zip(file_names(name for name, _ in tables), tables, strict=True):
        write_csv(folder / f"{name}.csv", rows)


def _tables(results: xr.Dataset, sure: xr.Dataset) -> Iterator[tuple[str, list[Row]]]:
    """(name, rows with a header) of every table, those that results share first."""
    split = 1 if FIELD in results.attrs else 0
    by_dims: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, variable in results.data_vars.items():
        if not (split and _is_of_pairs(variable)):
            by_dims[tuple(map(str, variable.dims))].append(str(name))
    shared = {dims: names for dims, names in by_dims.items() if dims[split:] in NAMES or "layer" not in dims}
    for dims, names in shared.items():
        rows = _long_table(results, sure, dims, names) if dims else _single_numbers(results, sure, names)
        yield NAMES.get(dims[split:], "_".join(dims[split:])), rows
    own = [(dims, name) for dims, names in by_dims.items() if dims not in shared for name in names]
    for dims, name in own:
        yield name, _own_table(results, sure, dims, name)


def _single_numbers(results: xr.Dataset, sure: xr.Dataset, names: Iterable[str]) -> list[Row]:
    """A row a number; its bounds are empty where it has none."""
    more = BOUNDS if sure else ()
    rows: list[Row] = [("result", "value", "unit", "title", *more)]
    for name in names:
        about = results[name].attrs
        bounds = sure[name].to_numpy().tolist() if name in sure else [""] * len(more)
        rows.append((name, results[name].item(), about.get("units", "1"), about.get("long_name", name), *bounds))
    if missing := results.attrs.get("shards_missing"):
        about_it = "Shards that failed and are in none of these tables"
        rows.append(("shards_missing", missing, "shards", about_it, *("" for _ in more)))
    return rows


def _long_table(results: xr.Dataset, sure: xr.Dataset, dims: tuple[str, ...], names: Sequence[str]) -> list[Row]:
    """One row per combination of the labels of `dims`, one column per result, and two for its bounds."""
    columns = {name: results[name].transpose(*dims).to_numpy().ravel() for name in names}
    table = {column: cells for name, own in columns.items() for column, cells in _with_bounds(name, own, sure, dims)}
    rows = zip(*(cells.tolist() for cells in table.values()), strict=True)
    return [(*dims, *table), *((*label, *row) for label, row in zip(_labels(results, dims), rows, strict=True))]


def _with_bounds(
    name: str, own: NDArray[Any], sure: xr.Dataset, dims: tuple[str, ...]
) -> Iterator[tuple[str, NDArray[Any]]]:
    """A result's own column, and those of its bounds, which it may have."""
    yield name, own
    if name in sure:
        bounds = sure[name].transpose(*dims, BOUND).to_numpy().reshape(-1, len(BOUNDS))
        yield from zip((f"{name}{end}" for end in ENDS[1:]), bounds.T, strict=True)


def _own_table(results: xr.Dataset, sure: xr.Dataset, dims: tuple[str, ...], name: str) -> list[Row]:
    """One row per head or layer, one column per label of the one further dimension; long where there are more."""
    if _is_of_pairs(results[name]):
        return _pairs_table(results, dims, name)
    places = tuple(dim for dim in dims if dim in ("layer", "head", results.attrs.get(FIELD)))
    if dims != (*places, dims[-1]):
        return _long_table(results, sure, dims, [name])
    values = results[name].to_numpy().reshape(-1, results.sizes[dims[-1]])
    header: list[object] = results[dims[-1]].to_numpy().tolist()
    if name in sure:  # columns of a label: value, low, high
        bounds = sure[name].to_numpy().reshape(*values.shape, len(BOUNDS))
        values = np.concatenate([values[..., None], bounds], -1).reshape(len(values), -1)
        header = [f"{label}{end}" if end else label for label in header for end in ENDS]
    rows = zip(_labels(results, places), values.tolist(), strict=True)
    return [(*places, *header), *((*label, *row) for label, row in rows)]


def _is_of_pairs(table: xr.DataArray) -> bool:
    return table.dims[-2:] == ("other_layer", "other_head")


def _pairs_table(results: xr.Dataset, dims: tuple[str, ...], name: str) -> list[Row]:
    """One row per pair of heads: the value is the same both ways, and 0 for a head and itself."""
    heads = _labels(results, dims[:2])
    square = results[name].to_numpy().reshape(len(heads), len(heads))
    one, other = np.triu_indices(len(heads), 1)
    pairs = zip(one.tolist(), other.tolist(), square[one, other].tolist(), strict=True)
    return [(*dims, name), *((*heads[a], *heads[b], value) for a, b, value in pairs)]


def _labels(results: xr.Dataset, dims: tuple[str, ...]) -> list[tuple[object, ...]]:
    """The labels of every combination of `dims`, the last varying fastest."""
    return list(pd.MultiIndex.from_product([results[dim].to_numpy().tolist() for dim in dims]))


def write_csv(path: Path, rows: Iterable[Row]) -> None:
    """Write rows, the header among them, for any reader of CSV: a spreadsheet takes no text for a formula."""
    lines = (",".join(_cell(value) for value in row) for row in rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\n" for line in lines)


def _cell(value: object) -> str:
    """Numbers in full."""
    return _text(value) if isinstance(value, str) else "NaN" if value != value else str(value)


@lru_cache(maxsize=10_000)
def _text(value: str) -> str:
    """Text that no spreadsheet takes for a formula, quoted where it must be (RFC 4180)."""
    text = _FORMULA.sub("'", value)
    return '"{}"'.format(text.replace('"', '""')) if _QUOTED.search(text) else text
