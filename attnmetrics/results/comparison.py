"""What differs between runs, as a labelled Dataset that describes itself.

`comparison.zarr` has, for every result that all runs have, `<name>` [run, …], and where the runs have its intervals
`<name>_low` and `<name>_high`. Of results that are no count, name, place or p-value, `<name>_difference` [run, …] from
the first run, its bounds `<name>_difference_low` and `<name>_difference_high`, and `<name>_q`; of maps of heads also
`<name>_correlation` [run, …] of a run's map with the first's, and `<name>_correlation_heads`, over how many heads. Such
parts have the attributes `of`, the name of their result, and `part`. The names of labels are those of all runs
together: what a run has not is NaN. Names of groups, places on a map and pairs of heads mean nothing in another run and
are left out.

Coordinates along `run` are its name, `path`, `paired` (with the first run), `shards` (groups of them), and the value on
the axis where there is one, which the attribute `axis` names.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.metrics.family import HEAD, Array
from attnmetrics.results.dataset import label_dimension, load
from attnmetrics.results.intervals import METHOD
from attnmetrics.results.sides import Side
from attnmetrics.statistics.bootstrap import DRAWS, LEAST, UNSURE
from attnmetrics.statistics.comparing import Difference, Names, correlate
from attnmetrics.statistics.significance import LEAST_DRAWS
from attnmetrics.storage import Location

FILE: Final = "comparison.zarr"
RUN: Final = "run"
CLEAR: Final = 0.05
"""A head differs clearly whose q is below."""

_CHANCE: Final = (
    f"p = 2(b + 1) ÷ (B + 1), b of B draws on that side of 0 where there are fewer; under {LEAST_DRAWS}, "
    "2·T(−|difference| ÷ standard deviation of the draws); then after Benjamini and Hochberg"
)
_PARTS: Final = {
    "low": ("Lower bound: {}", "", "", ""),
    "high": ("Upper bound: {}", "", "", ""),
    "difference": ("Difference: {}", "run − first run", "Above 0: more than in the first run.", ""),
    "difference_low": ("Lower bound of the difference: {}", "", "", ""),
    "difference_high": ("Upper bound of the difference: {}", "", "", ""),
    "q": (
        "q of the difference: {}", f"{_CHANCE}, over all heads at a label",
        f"Of the heads with q below {CLEAR}, one in twenty differs by chance alone.", "score",
    ),
    "correlation": (
        "Correlation with the first run: {}", "Pearson r over heads", "1: the two maps have one shape.", "score",
    ),
    "correlation_heads": ("Heads of that correlation: {}", "heads that both have evidence for", "", "count"),
}  # fmt: skip
"""Part of a comparison → its title, formula, help and kind; the result's own kind where there is none."""

PARTS_OF_DIFFERENCES: Final = ("difference", "difference_low", "difference_high", "q")

Part = tuple[str, tuple[str, ...], NDArray[Any]]
"""What it is, its dimensions and values."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What the runs are points on: the value of each."""

    name: str
    values: tuple[float, ...] | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class About:
    """What is true of a whole comparison."""

    confidence: float
    shards: Sequence[int]
    """of each run, the groups of shards that are there"""
    axis: Axis | None = None
    remarks: Sequence[str] = field(default=())


def comparable(sides: Sequence[Side]) -> list[str]:
    """The results that all sides have with the same dimensions, and by which heads of two runs can be compared."""
    first, *others = (side.results for side in sides)
    shared = [str(name) for name, table in first.items() if all(_has(other, table) for other in others)]
    return [name for name in shared if first[name].dims[:2] != HEAD or first[name].attrs.get("magnitude") != "no"]


def _has(results: xr.Dataset, table: xr.DataArray) -> bool:
    return str(table.name) in results and results[str(table.name)].dims == table.dims


def comparison_dataset(
    sides: Sequence[Side],
    names: Sequence[str],
    together: Names,
    differences: Sequence[Mapping[str, Difference]],
    about: About,
) -> xr.Dataset:
    """The comparison of sides with the first.

    Args:
        sides: all of them.
        names: of the results.
        together: the names of labels (see `statistics.comparing.union`).
        differences: of each side but the first, by result.
        about: what is true of all.
    """
    results = [_at_names(side.results, together) for side in sides]
    intervals = [None if side.intervals is None else _at_names(side.intervals, together) for side in sides]
    variables: dict[str, tuple[tuple[str, ...], NDArray[Any], dict[str, Any]]] = {}
    for name in names:
        tables = [one[name] for one in results]
        known = [one[name] if one is not None and name in one else None for one in intervals]
        found = [one[name] for one in differences if name in one]
        variables[name] = (_dims(tables[0]), np.stack([one.to_numpy() for one in tables]), dict(tables[0].attrs))
        for part, dims, values in (
            *_own_bounds(tables, known),
            *_differences(tables, found),
            *_correlations(tables, found),
        ):
            variables[f"{name}_{part}"] = (dims, values, _about(tables[0], part))
    used = {dim for dims, _, _ in variables.values() for dim in dims}
    coordinates = {dim: coordinate for dim, coordinate in results[0].coords.items() if dim in used}
    return xr.Dataset(variables, {**coordinates, **_runs(sides, about)}, _whole(sides, list(variables), about))


def load_comparison(folder: Location) -> xr.Dataset:
    """The comparison in a folder.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    return load(folder / FILE)


def _at_names(data: xr.Dataset, together: Names) -> xr.Dataset:
    """A run's tables at the names of labels that all runs have together; NaN where it has no such name."""
    changed = {
        label: label_dimension(label, names, *_about_label(data[label]))
        for label, names in together.items()
        if label in data.dims and data[label].values.tolist() != list(names)
    }
    return data.reindex(changed) if changed else data


def _about_label(label: xr.DataArray) -> tuple[str, str, str]:
    return tuple(str(label.attrs.get(what, "")) for what in ("long_name", "help", "units"))  # type: ignore[return-value]


def _dims(table: xr.DataArray) -> tuple[str, ...]:
    return (RUN, *map(str, table.dims))


def _own_bounds(tables: Sequence[xr.DataArray], known: Sequence[xr.DataArray | None]) -> Iterator[Part]:
    """What intervals of their own the runs have."""
    if all(one is None for one in known):
        return
    for place, part in enumerate(("low", "high")):
        pairs = zip(tables, known, strict=True)
        bounds = [np.full(table.shape, np.nan) if one is None else one.to_numpy()[..., place] for table, one in pairs]
        yield part, _dims(tables[0]), np.stack(bounds)


def _differences(tables: Sequence[xr.DataArray], found: Sequence[Difference]) -> Iterator[Part]:
    """From the first run, whose own are 0."""
    if not found:
        return
    none = np.where(np.isnan(tables[0].to_numpy()), np.nan, 0.0)
    each: Mapping[str, Sequence[Array]] = {
        "difference": [none, *(one.value for one in found)],
        "difference_low": [none, *(one.bounds[..., 0] for one in found)],
        "difference_high": [none, *(one.bounds[..., 1] for one in found)],
        "q": [np.full(none.shape, np.nan), *(one.q for one in found)],
    }
    yield from ((part, _dims(tables[0]), np.stack(values)) for part, values in each.items())


def _correlations(tables: Sequence[xr.DataArray], found: Sequence[Difference]) -> Iterator[Part]:
    """Of the map of each run with that of the first."""
    if tables[0].dims[:2] != HEAD or not found:
        return
    maps = [np.asarray(one.to_numpy(), np.float64) for one in tables]
    r, heads = zip(*(correlate(maps[0], one) for one in maps), strict=True)
    dims = (RUN, *map(str, tables[0].dims[2:]))
    yield from (("correlation", dims, np.stack(r)), ("correlation_heads", dims, np.stack(heads)))


def _about(table: xr.DataArray, part: str) -> dict[str, Any]:
    """What a part of a comparison says of itself."""
    title, formula, help, kind = _PARTS[part]
    about = table.attrs
    optional = {"formula": formula, "help": help}
    return {
        "long_name": title.format(about["long_name"]),
        "units": "1" if kind else about["units"],
        "kind": kind or about["kind"],
        "family": about["family"],
        "of": str(table.name),
        "part": part,
        **{name: text for name, text in optional.items() if text},
    }


def _runs(sides: Sequence[Side], about: About) -> dict[str, xr.Variable]:
    """Coordinates along the runs."""
    first = sides[0]
    found = {
        RUN: (_texts([side.name for side in sides]), "run"),
        "path": (_texts([side.place for side in sides]), "where the run is"),
        "paired": (np.array([side.corpus == first.corpus for side in sides]), "shares documents with the first run"),
        "shards": (np.array(about.shards), "groups of shards"),
    }
    if about.axis is not None:
        values = about.axis.values
        numbers = _texts(values) if isinstance(values[0], str) else np.array(values, np.float64)
        found[about.axis.name] = (numbers, about.axis.name.replace("_", " "))
    return {
        name: xr.Variable(RUN, values, {"long_name": title, "help": "", "units": "1"})
        for name, (values, title) in found.items()
    }


def _texts(values: Sequence[object]) -> NDArray[np.object_]:
    return np.array([str(value) for value in values], dtype=object)


def _whole(sides: Sequence[Side], order: list[str], about: About) -> dict[str, Any]:
    names = {str(name) for side in sides for name in side.results.data_vars}
    left_out = {name for name in names if not all(name in side.results for side in sides)}
    first = sides[0].results
    return {
        "title": "Attention metrics of runs, compared",
        "unit": first.attrs["unit"],
        "notation": first.attrs.get("notation", ""),
        "first": sides[0].name,
        "axis": "" if about.axis is None else about.axis.name,
        "method": f"{METHOD}; paired where runs share documents and shards",
        "confidence": about.confidence,
        "draws": DRAWS,
        "unsure_below": UNSURE,
        "none_below": LEAST,
        "remarks": list(about.remarks),
        "left_out": sorted(left_out),
        "order": order,
    }
