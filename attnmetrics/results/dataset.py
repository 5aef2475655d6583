"""The results of a run as a labelled Dataset that describes itself, and as Zarr.

`results.zarr` has one array per result; `xarray.open_zarr(path)` opens it. Whoever shows results reads the Dataset
alone. The attributes of a variable are

- `long_name`, `units` (`1` for pure numbers), `formula`, `source`;
- `kind`: a `share` of a whole, a `mean`, a `count`, or a `score`;
- `help`: how to read a map of it; `family`: the title of the shelf that it stands on;
- `magnitude`: `no` for tables by which heads cannot be ranked: names of groups, places on a map, pairs of heads;
- where they apply, `heading`: what it is called at a label, with `{}` for the label; `chance`: the variable that holds
  its chance level, and `chance_times`: `evidence` where that is times what a head leaves off null pieces; `excess`:
  the variable by which heads are ranked for it; `beside`: variables that are drawn beside it and its chance level;
  `counts`: the variable that holds how many things its shares are of;
  `caption`: what it is called where it stands beside another; `null`: `in` where attention to null pieces counts in
  it, so that a head that rests on them has evidence for it; `twin_of`: of a table by layer, the table of heads that it
  belongs to; `by_layer`: of a table of heads without such a twin, what stands for it, `mean of heads`.

Those of a coordinate are `long_name`, `help` and `units`; of the whole, `unit`: what stands for sentences, and `order`:
the names of its variables, as people read them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.metrics.family import OFFSET_LIMIT, PAIR_DISTANCE_LIMIT, Array, Result
from attnmetrics.metrics.schema import Schema
from attnmetrics.metrics.sinks import BINS
from attnmetrics.results.files import reading, writing
from attnmetrics.results.wording import in_unit
from attnmetrics.results.zarr_files import read_zarr, write_zarr
from attnmetrics.storage import Location

NOTATION = (
    "α[i,j] is the attention of piece i to piece j; F is α with null columns set to 0; M is the sum of F over all "
    "pairs of all sentences; NaN means no evidence"
)

COORDINATES = {
    "layer": ("layer", "of the model, from 0", "1"),
    "head": ("head", "of the layer, from 0", "1"),
    "direction": ("direction", "which of the two pieces belongs to the other's parent", "1"),
    "offset": (
        "offset", f"attending − attended piece; {OFFSET_LIMIT} and −{OFFSET_LIMIT} hold everything beyond", "pieces",
    ),
    "attending": ("attending piece", "whether the piece that attends is a separator", "1"),
    "neighbour": ("neighbour", "which piece, seen from the one that attends", "1"),
    "rule": ("rule", "whose row or column of a map between words is looked at", "1"),
    "word_offset": ("word offset", "words from a dependent to its parent, to the right", "words"),
    "word_class": ("class of words", "a part of speech, or several together", "1"),
    "side": ("side", "where the nearest word of a class is looked for", "1"),
    "pair_distance": ("distance", f"later − earlier piece; {PAIR_DISTANCE_LIMIT} holds everything beyond", "pieces"),
    "candidates": ("candidates", "head words of earlier mentions, or all earlier words", "1"),
    "mention_class": ("anaphor", "the kind of its head word, by its part of speech", "1"),
    "heuristic": ("heuristic", "how the antecedent is found without a model", "1"),
    "other_layer": ("other layer", "of the model, from 0", "1"),
    "other_head": ("other head", "of the layer, from 0", "1"),
    "axis": ("axis", "of the map, from 0", "1"),
    "weight_bin": ("weight", f"lower edge of a bin; each is {1 / BINS} wide, and the last one holds 1, too", "1"),
}  # fmt: skip
"""Dimension that is no label → (long name, help, units)."""

NUMBERS = ("layer", "head", "offset", "word_offset", "pair_distance", "other_layer", "other_head", "axis", "weight_bin")
"""Dimensions whose labels are numbers, whole but for bins of weights."""


def dataset(schema: Schema, sums: Mapping[str, Array], unit: str = "sentence") -> xr.Dataset:
    """Every result of a schema and its by-layer twin, labelled.

    Args:
        schema: the run's.
        sums: the merged sums of all shards, and those of `statistics.variability` that the merge adds.
        unit: what stands for sentences in all of these, as `RunConfig.unit` has it.
    """
    values = schema.compute(sums)
    families = {result.name: family.title for family in schema.families for result in family.results}
    variables = {
        result.name: (
            result.dims,
            values[result.name],
            describe_result(result, families[_of_heads(result)], unit) | _also(result, sums),
        )
        for result in schema.with_twins()
    }
    whole = {"title": "Attention metrics", "notation": in_unit(NOTATION, unit), "unit": unit, "order": list(variables)}
    return xr.Dataset(variables, _coordinates(schema), whole)


def save(results: xr.Dataset, path: Location) -> None:
    """Write a Zarr v3 group, consolidated; the same data gives the same bytes.

    Raises:
        StoreError: the folder cannot be written.
    """
    with writing(path):
        path.write_folder(lambda folder: write_zarr(results, folder))


def load(path: Location) -> xr.Dataset:
    """The dataset of `save`, in memory, also where its tables are others than this version's.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    with reading("results", path):
        stored = read_zarr(path)
        order = [name for name in stored.attrs.get("order", ()) if name in stored.data_vars]
        return stored[list(dict.fromkeys([*order, *stored.data_vars]))]


def _also(result: Result, sums: Mapping[str, Array]) -> dict[str, Any]:
    """What the run's sums say of a result as a whole."""
    return {} if result.also is None else dict(result.also(sums))


def describe_result(result: Result, family: str, unit: str) -> dict[str, Any]:
    """What a result says of itself in a run whose unit this is; of what may be absent, only what is there.

    Args:
        result: a result or a twin.
        family: the title of its family.
        unit: what stands for sentences.
    """
    twin_of = _of_heads(result)
    optional = {
        "heading": result.heading,
        "chance": result.chance,
        "chance_times": "evidence" if result.chance_off_null else "",
        "excess": result.excess,
        "beside": list(result.beside),
        "counts": result.counts,
        "caption": result.caption,
        "null": "in" if result.null_in else "",
        "twin_of": twin_of if twin_of != result.name else "",
        "magnitude": "" if result.magnitude else "no",
    }
    return {
        "long_name": in_unit(result.title, unit),
        "units": in_unit(result.unit, unit),
        "kind": result.kind,
        "formula": in_unit(result.formula, unit),
        "help": in_unit(result.help, unit),
        "family": family,
        "source": result.source,
        **{name: value for name, value in optional.items() if value},
    }


def _of_heads(result: Result) -> str:
    """The result that a twin by layer belongs to; of others, their own name."""
    return result.name.removesuffix("_by_layer")


def _coordinates(schema: Schema) -> dict[str, xr.Variable]:
    """The label of every position, by dimension of a result."""
    about = COORDINATES | {label.name: (label.title, "", "1") for label in schema.labels}
    used = {dim for result in schema.results for dim in result.dims}
    kept = {dim: words for dim, words in about.items() if dim in used}
    return {dim: label_dimension(dim, schema.coordinates[dim], *words) for dim, words in kept.items()}


def label_dimension(dim: str, labels: Sequence[object], name: str, meaning: str, units: str) -> xr.Variable:
    """The labels of a dimension, and what they say of themselves (see `COORDINATES`)."""
    values = np.asarray(labels) if dim in NUMBERS else _strings(labels)
    return xr.Variable(dim, values, {"long_name": name, "help": meaning, "units": units})


def _strings(labels: Sequence[object]) -> NDArray[np.object_]:
    return np.array([str(label) for label in labels], dtype=object)
