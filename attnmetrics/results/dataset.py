"""From the merged state of a run to what a researcher opens: a labelled Dataset, Zarr, CSV tables, exemplars.

- `results.zarr`: one array per result, with units, formula and source as attributes; `xarray.open_zarr(path)` opens it.
- `exemplars.parquet`: one row per head and rank.
- `exemplar_attention.parquet`: the attention in the first of them, a row each.
- `tables/`: the results as CSV, numbers in full, NaN where there is no evidence. `heads.csv` and `layers.csv` have a
  row per head or layer and a column per result; `corpus.csv` a row per single number; `pairs.csv` and `directions.csv`
  a row per distance between pieces, or per direction; any other result has its own file, with a row per head (or layer)
  and a column per label.
"""

import re
import warnings
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import xarray as xr
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec

from attnmetrics.errors import StoreError, first_line
from attnmetrics.statistics.exemplars import Exemplars
from attnmetrics.statistics.metrics import results
from attnmetrics.statistics.schema import (
    DIRECTIONS,
    HEAD,
    OFFSET_LIMIT,
    OFFSETS,
    PAIR_DISTANCE_LIMIT,
    PAIR_DISTANCES,
    PER_HEAD,
    RESULTS,
    Result,
    in_unit,
)
from attnmetrics.statistics.states import Dims, State
from attnmetrics.statistics.traces import Traces
from attnmetrics.storage import Location, os_errors

NOTATION = (
    "α[i,j] is the attention of piece i to piece j; F is α with null columns set to 0; M is the sum of F over all "
    "pairs of all sentences; NaN means no evidence"
)

COORDINATES = {
    "layer": ("layer of the model, from 0", "1"),
    "head": ("head of the layer, from 0", "1"),
    "pos": ("part of speech; _ where a piece overlaps no word", "1"),
    "rel": ("dependency relation; _ where a piece overlaps no word", "1"),
    "direction": ("which of the two pieces belongs to the other's parent", "1"),
    "offset": (f"attending − attended piece; {OFFSET_LIMIT} and −{OFFSET_LIMIT} hold everything beyond", "pieces"),
    "pair_distance": (f"later − earlier piece; {PAIR_DISTANCE_LIMIT} holds everything beyond", "pieces"),
}
"""Dimension → (long name, units)."""

TABLES = {
    (): "corpus",
    HEAD: "heads",
    ("layer",): "layers",
    ("pair_distance",): "pairs",
    ("direction",): "directions",
}
"""Dimensions → the table that holds all results with them; a result with other dimensions has its own table."""

EXEMPLARS = pa.schema(
    {
        "layer": pa.int64(),
        "head": pa.int64(),
        "rank": pa.int64(),
        "weight": pa.float64(),
        "document": pa.string(),
        "sentence": pa.int64(),
        "i": pa.int64(),
        "j": pa.int64(),
        "text": pa.string(),
        "pieces": pa.list_(pa.field("element", pa.string())),
    }
)
"""Columns of `exemplars.parquet`."""

ATTENTION = pa.schema(
    {
        "layer": pa.int64(),
        "head": pa.int64(),
        "rank": pa.int64(),
        "pieces": pa.int64(),
        "i": pa.list_(pa.field("element", pa.int32())),
        "j": pa.list_(pa.field("element", pa.int32())),
        "weight": pa.list_(pa.field("element", pa.float32())),
    }
)
"""Columns of `exemplar_attention.parquet`."""

_FORMULA = re.compile(r"(?:^|(?<=[;\t\r\n]))(?=\s*[=+\-@＝＋－＠]|[\t\r\n])")
"""Where a spreadsheet would begin to calculate, also one that takes semicolons or tabs for the ends of cells."""

SentenceTexts = Mapping[tuple[int, int], Sequence[tuple[str, str, Sequence[str], int]]]
"""(document index, sentence or window) → (document id, text, pieces, its first piece counted in the window) of the
sentence, or of those in the window that hold pieces of exemplars, in order."""


def dataset(
    state: State,
    deviation: NDArray[np.float64],
    prefix_mass: NDArray[np.float64],
    variability_sentences: int,
    unit: str = "sentence",
) -> xr.Dataset:
    """Every result of `schema.RESULTS` and its by-layer twin, labelled.

    Args:
        state: the merged statistics of all shards.
        deviation: [layer, head] Σ |F − F̄| over the prefix blocks (`variability.deviations`).
        prefix_mass: [layer, head] Σ F over the same blocks.
        variability_sentences: number of sentences whose blocks these were.
        unit: what stands for sentences in all of these, as `RunConfig.unit` has it.
    """
    values = results(state, deviation, prefix_mass, variability_sentences)
    variables = {result.name: (result.dims, values[result.name], _attributes(result, unit)) for result in _declared()}
    about = {"title": "Attention metrics", "notation": in_unit(NOTATION, unit), "unit": unit}
    return xr.Dataset(variables, _coordinates(state.dims), about)


def save(results: xr.Dataset, place: Location) -> None:
    """Write a Zarr v3 group, consolidated; the same data gives the same bytes.

    Raises:
        StoreError: the folder cannot be written.
    """
    with _writing(place):
        place.write_folder(lambda folder: _write_zarr(results, folder))


def load(place: Location) -> xr.Dataset:
    """The dataset of `save`, in memory.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    try:
        with os_errors(), xr.open_zarr(place.zarr(), zarr_format=3) as stored:  # format 2 may hold pickles
            return _as_declared(stored.load())
    except FileNotFoundError:
        raise _unfinished("results", place) from None
    except Exception as error:  # foreign content fails anywhere
        raise StoreError(
            f"expected results at {place}, found none that can be read ({first_line(error)}); "
            "run `attnmetrics merge` again"
        ) from None


def save_tables(results: xr.Dataset, place: Location) -> None:
    """Write every result as CSV.

    Raises:
        StoreError: the folder cannot be written.
    """
    with _writing(place):
        place.write_folder(lambda folder: _write_tables(results, folder))


def exemplars_frame(exemplars: Exemplars, layers: Sequence[int], sentences: SentenceTexts) -> pd.DataFrame:
    """One row per head and rank (from 1), in that order, with the columns of `EXEMPLARS`.

    Args:
        exemplars: the merged exemplars.
        layers: index of each measured layer.
        sentences: text and pieces of every sentence among the exemplars.

    Raises:
        StoreError: a sentence among the exemplars has no text.
    """
    layer, head, rank = np.nonzero(exemplars.sentence >= 0)
    keys = (exemplars.document_index, exemplars.sentence, exemplars.i, exemplars.j)
    places = zip(*(column[layer, head, rank].tolist() for column in keys), strict=True)
    excerpts = [_excerpt(sentences, *place) for place in places]
    return pd.DataFrame(
        {
            "layer": np.asarray(layers, np.int64)[layer],
            "head": head,
            "rank": rank + 1,
            "weight": exemplars.weight[layer, head, rank],
            "document": pd.Series([excerpt.document for excerpt in excerpts], dtype="str"),
            "sentence": exemplars.sentence[layer, head, rank],
            "i": np.array([excerpt.i for excerpt in excerpts], np.int64),
            "j": np.array([excerpt.j for excerpt in excerpts], np.int64),
            "text": pd.Series([excerpt.text for excerpt in excerpts], dtype="str"),
            "pieces": _lists(excerpt.pieces for excerpt in excerpts),
        }
    )


def save_exemplars(frame: pd.DataFrame, place: Location) -> None:
    """Write `exemplars.parquet`.

    Raises:
        StoreError: the file cannot be written.
    """
    _save_frame(frame, EXEMPLARS, place)


def load_exemplars(place: Location) -> pd.DataFrame:
    """The frame of `save_exemplars`.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    frame = _load_frame("exemplars", EXEMPLARS, place)
    return frame.assign(pieces=_lists(frame["pieces"]))


def attention_frame(traced: Iterable[tuple[Iterable[tuple[int, ...]], Traces]], layers: Sequence[int]) -> pd.DataFrame:
    """One row per exemplar that was traced, by head and rank (from 1), with the columns of `ATTENTION`.

    Args:
        traced: (text, position of the layer, head, rank from 0) of exemplars, and their traces.
        layers: index of each measured layer.
    """
    rows = [
        (layers[layer], head, rank + 1, *trace)
        for keys, traces in traced
        for (_, layer, head, rank), trace in zip(keys, traces.split(), strict=True)
    ]
    frame = pd.DataFrame(sorted(rows, key=itemgetter(0, 1, 2)), columns=ATTENTION.names)
    return frame.astype(dict.fromkeys(("layer", "head", "rank", "pieces"), np.int64))


def save_attention(frame: pd.DataFrame, place: Location) -> None:
    """Write `exemplar_attention.parquet`.

    Raises:
        StoreError: the file cannot be written.
    """
    _save_frame(frame, ATTENTION, place)


def load_attention(place: Location) -> pd.DataFrame:
    """The frame of `save_attention`.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    return _load_frame("attention of exemplars", ATTENTION, place)


def _save_frame(frame: pd.DataFrame, schema: pa.Schema, place: Location) -> None:
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False).replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, write_page_checksum=True)
    with _writing(place):
        place.write(sink.getvalue().to_pybytes())


def _load_frame(what: str, schema: pa.Schema, place: Location) -> pd.DataFrame:
    try:
        table = pq.read_table(pa.BufferReader(place.read()), schema=schema, page_checksum_verification=True)
        return table.to_pandas()
    except FileNotFoundError:
        raise _unfinished(what, place) from None
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"expected {what} at {place}, found none that can be read ({first_line(error)}); "
            "run `attnmetrics merge` again"
        ) from None


def _unfinished(what: str, place: Location) -> StoreError:
    return StoreError(
        f"expected {what} at {place}, found none: no run, or an unfinished one; `attnmetrics status {place.parent}` "
        "says how far it is and what to do next"
    )


def _lists(pieces: Iterable[Iterable[str]]) -> pd.Series:
    return pd.Series([list(of_sentence) for of_sentence in pieces], dtype="object")


def _by_layer(result: Result) -> Result:
    """The declaration of a result's by-layer twin."""
    return replace(
        result,
        name=f"{result.name}_by_layer",
        dims=("layer", *result.dims[2:]),
        title=f"{result.title}, by layer",
        formula=f"{result.formula}, from sums over the heads of a layer",
    )


def _declared() -> list[Result]:
    """All variables of the dataset, in order."""
    return [*RESULTS, *(_by_layer(result) for result in PER_HEAD)]


def _as_declared(stored: xr.Dataset) -> xr.Dataset:
    """Variables in declared order, labels as Python strings: what `dataset` made."""
    strings = {dim: _strings(stored[dim].to_numpy().tolist()) for dim in ("pos", "rel", "direction")}
    labels = {dim: xr.Variable(dim, values, stored[dim].attrs) for dim, values in strings.items()}
    return stored.assign_coords(labels)[[result.name for result in _declared()]]


def _attributes(result: Result, unit: str) -> dict[str, str]:
    return {
        "long_name": in_unit(result.title, unit),
        "units": in_unit(result.unit, unit),
        "formula": in_unit(result.formula, unit),
        "source": result.source,
    }


def _coordinates(dims: Dims) -> dict[str, xr.Variable]:
    """The label of every position, by dimension."""
    labels = {
        "layer": np.asarray(dims.layer, np.int64),
        "head": np.arange(dims.head, dtype=np.int64),
        "pos": _strings(dims.pos),
        "rel": _strings(dims.rel),
        "direction": _strings(DIRECTIONS),
        "offset": np.asarray(OFFSETS, np.int64),
        "pair_distance": np.asarray(PAIR_DISTANCES, np.int64),
    }
    return {
        dim: xr.Variable(dim, labels[dim], {"long_name": long_name, "units": units})
        for dim, (long_name, units) in COORDINATES.items()
    }


def _strings(labels: Sequence[str]) -> NDArray[np.object_]:
    return np.array(labels, dtype=object)


def _write_zarr(results: xr.Dataset, folder: Path) -> None:
    """Consolidated, for `xr.open_zarr(path)` warns about a group that is not."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
        codecs = {name: {"compressors": [ZstdCodec(), Crc32cCodec()]} for name in results.variables}
        results.to_zarr(folder, mode="w-", encoding=codecs, zarr_format=3, consolidated=True, write_empty_chunks=True)


@contextmanager
def _writing(place: Location) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"expected to write {place}, found: {error.strerror or error}; make room or mend the "
            "permission, then run the same command to go on"
        ) from None


Row = Sequence[object]


def _write_tables(results: xr.Dataset, folder: Path) -> None:
    for name, rows in _tables(results):
        _write_csv(folder / f"{name}.csv", rows)


def _tables(results: xr.Dataset) -> Iterator[tuple[str, list[Row]]]:
    """(name, rows with a header) of every table."""
    shared: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, variable in results.data_vars.items():
        shared[tuple(map(str, variable.dims))].append(str(name))
    for dims, names in shared.items():
        if not dims:
            yield TABLES[dims], _single_numbers(results, names)
        elif dims in TABLES:
            yield TABLES[dims], _shared_table(results, dims, names)
        else:
            yield from ((name, _wide_table(results[name])) for name in names)


def _single_numbers(results: xr.Dataset, names: Iterable[str]) -> list[Row]:
    rows = [(name, results[name].item(), results[name].units, results[name].long_name) for name in names]
    if missing := results.attrs.get("shards_missing"):
        rows.append(("shards_missing", missing, "shards", "Shards that failed and are in none of these tables"))
    return [("result", "value", "unit", "title"), *rows]


def _shared_table(results: xr.Dataset, dims: tuple[str, ...], names: list[str]) -> list[Row]:
    """One row per label of `dims`, one column per result."""
    columns = [results[name].transpose(*dims).to_numpy().ravel().tolist() for name in names]
    labels = _labels(results, dims)
    return [(*dims, *names), *((*label, *row) for label, row in zip(labels, zip(*columns, strict=True), strict=True))]


def _wide_table(variable: xr.DataArray) -> list[Row]:
    """One row per head or layer, one column per label of the last dimension."""
    dims = tuple(map(str, variable.dims))
    values = variable.to_numpy().reshape(-1, variable.shape[-1]).tolist()
    header = (*dims[:-1], *variable[dims[-1]].to_numpy().tolist())
    return [header, *((*label, *row) for label, row in zip(_labels(variable, dims[:-1]), values, strict=True))]


def _labels(of: xr.Dataset | xr.DataArray, dims: tuple[str, ...]) -> list[tuple[object, ...]]:
    """The labels of every combination of `dims`, the last varying fastest."""
    return list(pd.MultiIndex.from_product([of[dim].to_numpy().tolist() for dim in dims]))


def _write_csv(path: Path, rows: Iterable[Row]) -> None:
    lines = (",".join(_cell(value) for value in row) for row in rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\n" for line in lines)


def _cell(value: object) -> str:
    """Numbers in full; text that no spreadsheet takes for a formula, quoted where it must be (RFC 4180)."""
    if isinstance(value, float) and np.isnan(value):
        return "NaN"
    text = _FORMULA.sub("'", value) if isinstance(value, str) else str(value)
    return '"{}"'.format(text.replace('"', '""')) if any(mark in text for mark in '",\r\n') else text


class _Excerpt(NamedTuple):
    """What is shown of an exemplar."""

    document: str
    text: str
    pieces: list[str]
    i: int
    """place of the attending piece among the pieces"""
    j: int
    """place of the attended piece"""


def _excerpt(sentences: SentenceTexts, document_index: int, unit: int, i: int, j: int) -> _Excerpt:
    """The sentence that holds the attending and the one that holds the attended piece; once, where they are one."""
    key = document_index, unit
    if key not in sentences:
        raise StoreError(
            f"expected the text of document {key[0]}, sentence {key[1]}, which is among the exemplars, found none; "
            "measure its shard again"
        )
    found = sentences[key]
    first = [sentence[3] for sentence in found]
    holders = [bisect_right(first, piece) - 1 for piece in (i, j)]
    pieces: list[str] = []
    shift: dict[int, int] = {}
    for n in sorted(set(holders)):
        shift[n] = len(pieces) - first[n]
        pieces += found[n][2]
    text = " ".join(found[n][1] for n in shift)
    return _Excerpt(found[0][0], text, pieces, i + shift[holders[0]], j + shift[holders[1]])
