"""Which heads attend alike: the nearest of each, the clusters, the pairs that are nearest and farthest."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.views.tables import values

MAP: Final = "head_map"
CLUSTER: Final = "head_cluster"
DISTANCE: Final = "head_distance"
LAYERS: Final = "layer_distance"
TABLES: Final = (MAP, CLUSTER, DISTANCE, LAYERS)

Head = tuple[int, int]
"""Layer and head, as the run numbers them."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two heads."""

    one: Head
    other: Head
    distance: float


def has_map(data: xr.Dataset) -> bool:
    """Whether the run has compared its heads."""
    return all(name in data for name in TABLES) and bool(np.isfinite(values(data[MAP])).any())


def heads_of(table: xr.DataArray) -> list[Head]:
    """All heads, layer by layer."""
    return [(layer, head) for layer in table["layer"].values.tolist() for head in table["head"].values.tolist()]


def distances(table: xr.DataArray) -> NDArray[np.float64]:
    """[head of any layer, head of any layer] of a table [layer, head, other layer, other head]."""
    heads = table.shape[0] * table.shape[1]
    return values(table).reshape(heads, heads)


def nearest(table: xr.DataArray, number: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The other heads nearest to each, places [head, n] nearest first, and their distances, NaN for those without."""
    found = distances(table).copy()
    np.fill_diagonal(found, np.nan)
    order = np.argsort(found, axis=1, kind="stable")[:, : min(number, len(found) - 1)]  # NaN comes last
    return order, np.take_along_axis(found, order, axis=1)


def pairs(table: xr.DataArray) -> list[Pair]:
    """All pairs of different heads with a distance, the nearest first."""
    found, heads = distances(table), heads_of(table)
    one, other = np.triu_indices(len(found), 1)
    order = np.argsort(found[one, other], kind="stable")
    known = order[np.isfinite(found[one, other][order])]
    return [Pair(heads[one[n]], heads[other[n]], float(found[one[n], other[n]])) for n in known.tolist()]


def quartiles(of_pairs: NDArray[np.float64]) -> list[float]:
    """The quartiles of the distances [head, head] of all pairs: what two drawn at random have; empty without a pair."""
    found = of_pairs[np.triu_indices(len(of_pairs), 1)]
    known = found[np.isfinite(found)]
    return np.quantile(known, (0.25, 0.5, 0.75)).tolist() if known.size else []


def clusters(table: xr.DataArray) -> dict[int, list[Head]]:
    """The heads of each cluster, by its number; those without evidence are in none."""
    found: dict[int, list[Head]] = {}
    for head, number in zip(heads_of(table), values(table).ravel().tolist(), strict=True):
        if not np.isnan(number):
            found.setdefault(int(number), []).append(head)
    return dict(sorted(found.items()))


def explained(table: xr.DataArray) -> list[float]:
    """How much of all distances the axes of a map hold, as shares; empty where the run does not say."""
    found = table.attrs.get("explained_shares", [])
    return [float(share) for share in np.atleast_1d(found).tolist()]
