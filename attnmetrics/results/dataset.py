"""The results of a run as a labelled Dataset that describes itself, and as Zarr.

`results.zarr` has one array per result; `xarray.open_zarr(path)` opens it. Whoever shows results reads the Dataset
alone. The attributes of a variable are

- `long_name`, `units` (`1` for pure numbers), `formula`, `source`;
- `kind`: a `share` of a whole, a `mean`, a `count`, or a `score`;
- `help`: how to read a map of it; `family`: the title of the shelf that it stands on;
- where they apply, `heading`: what it is called at a label, with `{}` for the label; `chance`: the variable that holds
  its chance level; `twin_of`: of a table by layer, the table of heads that it belongs to.

Those of a coordinate are `long_name`, `help` and `units`; of the whole, `unit`: what stands for sentences, and `order`:
the names of its variables, as people read them.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec

from attnmetrics.results.files import reading, writing
from attnmetrics.statistics.metrics import results
from attnmetrics.statistics.schema import (
    DIRECTIONS,
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
from attnmetrics.storage import Location, os_errors

NOTATION = (
    "α[i,j] is the attention of piece i to piece j; F is α with null columns set to 0; M is the sum of F over all "
    "pairs of all sentences; NaN means no evidence"
)

COORDINATES = {
    "layer": ("layer", "of the model, from 0", "1"),
    "head": ("head", "of the layer, from 0", "1"),
    "pos": ("part of speech", "_ where a piece overlaps no word", "1"),
    "rel": ("relation", "dependency relation; _ where a piece overlaps no word", "1"),
    "direction": ("direction", "which of the two pieces belongs to the other's parent", "1"),
    "offset": (
        "offset", f"attending − attended piece; {OFFSET_LIMIT} and −{OFFSET_LIMIT} hold everything beyond", "pieces",
    ),
    "pair_distance": ("distance", f"later − earlier piece; {PAIR_DISTANCE_LIMIT} holds everything beyond", "pieces"),
}  # fmt: skip
"""Dimension → (long name, help, units)."""


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
    about = {result.name: _attributes(result, unit) for result in RESULTS}
    about |= {f"{result.name}_by_layer": _attributes_by_layer(result, unit) for result in PER_HEAD}
    dims = {result.name: result.dims for result in RESULTS}
    dims |= {f"{result.name}_by_layer": ("layer", *result.dims[2:]) for result in PER_HEAD}
    variables = {name: (dims[name], values[name], about[name]) for name in dims}
    whole = {"title": "Attention metrics", "notation": in_unit(NOTATION, unit), "unit": unit, "order": list(variables)}
    return xr.Dataset(variables, _coordinates(state.dims), whole)


def save(results: xr.Dataset, place: Location) -> None:
    """Write a Zarr v3 group, consolidated; the same data gives the same bytes.

    Raises:
        StoreError: the folder cannot be written.
    """
    with writing(place):
        place.write_folder(lambda folder: _write_zarr(results, folder))


def load(place: Location) -> xr.Dataset:
    """The dataset of `save`, in memory, also where its tables are others than this version's.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    with reading("results", place), os_errors(), xr.open_zarr(place.zarr(), zarr_format=3) as stored:
        return _as_saved(stored.load())  # Zarr of format 2 may hold pickles


def _as_saved(stored: xr.Dataset) -> xr.Dataset:
    """Tables in the order that they had, which Zarr does not keep, and text of any coordinate as Python strings."""
    texts = {dim: coordinate for dim, coordinate in stored.coords.items() if coordinate.dtype.kind in "OUT"}
    labels = {dim: (text.dims, _strings(text.to_numpy().tolist()), text.attrs) for dim, text in texts.items()}
    order = [name for name in stored.attrs.get("order", ()) if name in stored.data_vars]
    return stored.assign_coords(labels)[list(dict.fromkeys([*order, *stored.data_vars]))]


def _attributes(result: Result, unit: str) -> dict[str, str]:
    """What a result says of itself in a run whose unit this is; of what may be absent, only what is there."""
    optional = {"heading": result.heading, "chance": result.chance}
    return {
        "long_name": in_unit(result.title, unit),
        "units": in_unit(result.unit, unit),
        "kind": result.kind,
        "formula": in_unit(result.formula, unit),
        "help": in_unit(result.help, unit),
        "family": result.family,
        "source": result.source,
        **{name: value for name, value in optional.items() if value},
    }


def _attributes_by_layer(result: Result, unit: str) -> dict[str, str]:
    """What the by-layer twin of a result says of itself."""
    formula = f"{result.formula}, from sums over the heads of a layer"
    of_heads = {twinned.name for twinned in PER_HEAD}
    chance = f"{result.chance}_by_layer" if result.chance in of_heads else result.chance
    twin = replace(result, title=f"{result.title}, by layer", formula=formula, chance=chance)
    return _attributes(twin, unit) | {"twin_of": result.name}


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
        dim: xr.Variable(dim, labels[dim], {"long_name": name, "help": meaning, "units": units})
        for dim, (name, meaning, units) in COORDINATES.items()
    }


def _strings(labels: Sequence[object]) -> NDArray[np.object_]:
    return np.array([str(label) for label in labels], dtype=object)


def _write_zarr(results: xr.Dataset, folder: Path) -> None:
    """Consolidated, for `xr.open_zarr(path)` warns about a group that is not."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
        codecs = {name: {"compressors": [ZstdCodec(), Crc32cCodec()]} for name in results.variables}
        results.to_zarr(folder, mode="w-", encoding=codecs, zarr_format=3, consolidated=True, write_empty_chunks=True)
