"""A made-up comparison: runs that share a first one's tables but for changes that are planted in some heads."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from synthetic import attention, dataset, exemplars

from attnmetrics.metrics.schema import LABELS, LINKS, Schema
from attnmetrics.results.sides import Comparison, Side

NOISE = 0.01
"""Half an interval of a value, as a part of its size."""
CHANGED = ((0, 1), (1, 2))
"""Heads (positions of layer and head) whose values change."""


def comparison(
    names: Sequence[str] = ("base", "tuned"),
    layers: int = 4,
    heads: int = 3,
    *,
    axis: tuple[str, Sequence[Any]] | None = None,
    first_layer: int = 0,
    nan_heads: tuple[tuple[int, int], ...] = (),
    keep: Sequence[str] | None = None,
) -> Comparison:
    """Runs over the same documents; each further one is further away from the first.

    Args:
        names: of the runs.
        layers: of the model.
        heads: in a layer.
        axis: its name, and a point a run.
        first_layer: its number.
        nan_heads: heads without evidence, by position.
        keep: names of results; None for all.
    """
    whole = [dataset(layers, heads, first_layer=first_layer, seed=seed, nan_heads=nan_heads) for seed in (0, 1)]
    wanted = list(keep or whole[0].attrs["order"])
    first, other = (one[wanted] for one in whole)
    runs = [_between(first, other, place / max(1, len(names) - 1)) for place in range(len(names))]
    variables = dict(part for name in wanted for part in _compared(name, runs))
    coords: dict[str, Any] = {
        "run": ("run", np.array(names, object)),
        "path": ("run", np.array([f"runs/{name}" for name in names], object)),
        "paired": ("run", np.ones(len(names), bool)),
        "shards": ("run", np.full(len(names), 24)),
        **dict(first.coords.items()),
    }
    if axis is not None:
        coords[axis[0]] = ("run", np.array(axis[1], object if isinstance(axis[1][0], str) else None))
    attrs = {
        "title": "Attention metrics, compared", "unit": "sentence", "first": names[0], "confidence": 0.95,
        "draws": 2000, "axis": axis[0] if axis else "", "order": list(variables), "remarks": [], "left_out": [],
        "none_below": 8, "unsure_below": 20,
    }  # fmt: skip
    sides = tuple(_side(name, run, seed) for seed, (name, run) in enumerate(zip(names, runs, strict=True)))
    used = {dim for dims, _, _ in variables.values() for dim in dims}
    of_runs = {"path", "paired", "shards", *([axis[0]] if axis else [])}
    kept = {name: coord for name, coord in coords.items() if name in used | of_runs}
    return Comparison(xr.Dataset(variables, kept, attrs), sides, _role_changes(names, first))


def _between(first: xr.Dataset, other: xr.Dataset, share: float) -> xr.Dataset:
    """The first run, in the changed heads so far on the way to the other."""
    made = first.copy(deep=True)
    for name in made.data_vars:
        table, target = made[name], other[name]
        if table.dims[:2] == ("layer", "head") and table.dtype.kind == "f":
            for place in CHANGED:
                table[place] = (1 - share) * table[place] + share * target[place]
    return made


Variable = tuple[tuple[str, ...], NDArray[Any], dict[str, Any]]


def _compared(name: str, runs: Sequence[xr.Dataset]) -> list[tuple[str, Variable]]:
    table = runs[0][name]
    values = np.stack([np.asarray(run[name].values, float) for run in runs])
    dims = ("run", *map(str, table.dims))
    found: list[tuple[str, Variable]] = [(name, (dims, values, dict(table.attrs)))]
    half = NOISE * np.abs(values)
    found += _parts(name, dims, {"low": values - half, "high": values + half})
    if table.attrs.get("kind") == "count" or table.attrs.get("magnitude") == "no" or not table.dims:
        return found
    difference = values - values[0]
    wide = np.hypot(half, half[0])
    size = np.divide(np.abs(difference), wide, out=np.zeros_like(wide), where=wide > 0)
    q = np.where(np.isnan(difference), np.nan, np.exp(-2 * size))
    q[0] = np.nan
    bounds = {"difference_low": difference - wide, "difference_high": difference + wide}
    found += _parts(name, dims, {"difference": difference, **bounds, "q": q})
    if table.dims[:2] == ("layer", "head"):
        maps = values.reshape(len(runs), -1, *values.shape[3:])
        further = ("run", *dims[3:])
        found += _parts(name, further, {"correlation": np.stack([_correlate(maps[0], one) for one in maps])})
    return found


def _parts(name: str, dims: tuple[str, ...], tables: dict[str, Any]) -> list[tuple[str, Variable]]:
    return [(f"{name}_{part}", (dims, table, {"of": name, "part": part})) for part, table in tables.items()]


def _correlate(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        known = ~np.isnan(a) & ~np.isnan(b)
        a, b = (np.where(known, one, np.nan) for one in (a, b))
        a, b = (one - np.nanmean(one, axis=0) for one in (a, b))
        return np.asarray(np.nansum(a * b, 0) / np.sqrt(np.nansum(a * a, 0) * np.nansum(b * b, 0)))


def _side(name: str, run: xr.Dataset, seed: int) -> Side:
    sentences = exemplars(run, seed=seed)
    schema = Schema(tuple(run["layer"].values.tolist()), run.sizes["head"], LABELS, LINKS, {})
    return Side(
        name=name, schema=schema, results=run, groups=_none, corpus="one", roles=_roles(run, name),
        exemplars=lambda: sentences, attention=lambda: attention(sentences), place=f"runs/{name}",
    )  # fmt: skip


def _none() -> Any:
    raise AssertionError("a page computes nothing")


def _roles(run: xr.Dataset, name: str) -> pd.DataFrame:
    """All heads look at the previous piece but those that changed, which have no role in a run but the first."""
    rows = [
        (layer, head, *_role(name, (a, b)))
        for a, layer in enumerate(run["layer"].values.tolist())
        for b, head in enumerate(run["head"].values.tolist())
    ]
    return pd.DataFrame(rows, columns=["layer", "head", "role", "detail", "score", "sentence"])


def _role(name: str, place: tuple[int, int]) -> tuple[str, str, float, str]:
    if name == "base" or place not in CHANGED:
        return "previous", "", 0.8, "Looks at the piece before."
    return "", "", np.nan, "Looks at nothing in particular."


def _role_changes(names: Sequence[str], first: xr.Dataset) -> pd.DataFrame:
    layers = first["layer"].values.tolist()
    sure = dict(zip(CHANGED, (0.001, 0.4), strict=True))
    rows = [
        (name, layers[a], b, "previous", "", "lost", 0.2, 0.8, q, "")
        for name in names[1:]
        for (a, b), q in sure.items()
    ]
    columns = ["run", "layer", "head", "role", "detail", "change", "score", "first_score", "q", "rule"]
    return pd.DataFrame(rows, columns=columns)
