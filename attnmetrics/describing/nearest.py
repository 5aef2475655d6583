"""Heads with like profiles: what they look at, along which offsets, how much they rest; and families of such heads.

A profile has four parts: the shares of attention to each part of speech, to each relation, at each offset, and to null
pieces. Two heads differ in a part by the total variation of the two shares, ½ Σ |p − q|: 0 for the same shares, 1 for
shares that have nothing in common. Their distance is the mean over the parts.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.describing.tables import Array, Tables
from attnmetrics.errors import ConfigError
from attnmetrics.metrics.clusters import renumber

PARTS: Final = ("pos_to", "dependency_type_to", "attention_at_offset")
"""Results whose shares, over their labels, are parts of a profile; the share of null is one more."""
APART: Final = 0.2
"""Families whose heads are farther apart than this on average are two."""
ATTENTION: Final = "head_distance"
NAMED: Final = 0.5
"""Share of a family's heads that have the role which gives it its name."""
NO_ROLE: Final = "no role"


def profile_distances(tables: Tables) -> Array:
    """[head of any layer, head of any layer] distance of profiles, layer by layer; NaN for heads without evidence."""
    parts = [_shares(tables.data[name]) for name in PARTS if name in tables.data]
    rests = np.stack([tables.evidence.ravel(), 1 - tables.evidence.ravel()], axis=1)
    return np.asarray(np.mean([_variation(part) for part in (*parts, rests)], axis=0))


def _shares(table: xr.DataArray) -> Array:
    """[head of any layer, label]"""
    return np.asarray(table.transpose("layer", "head", ...).values, np.float64).reshape(
        table.shape[0] * table.shape[1], -1
    )


def _variation(shares: Array) -> Array:
    """[head, head] ½ Σ |p − q|, a row at a time, for there may be thousands of heads."""
    return np.stack([np.abs(shares - row).sum(axis=1) / 2 for row in shares])


def nearest(distances: Array, place: int, number: int) -> list[tuple[int, float]]:
    """(place, distance) of the heads with the smallest distances to one, the nearest first; without evidence, none."""
    found = distances[place].copy()
    found[place] = np.nan
    order = np.argsort(found, kind="stable")  # NaN comes last
    return [(int(other), float(found[other])) for other in order[:number] if np.isfinite(found[other])]


def families(distances: Array) -> Array:
    """[head of any layer] the family of each head, from 0 by size, then first head; NaN without evidence.

    Average linkage, cut where two families are `APART`.
    """
    from scipy.cluster.hierarchy import fcluster, linkage  # imported late, for it takes its time
    from scipy.spatial.distance import squareform

    known = np.isfinite(np.diag(distances))
    found = np.full(len(distances), np.nan)
    if known.sum() > 1:
        tree = linkage(squareform(distances[np.ix_(known, known)], checks=False), "average")
        found[known] = renumber(fcluster(tree, APART, "distance"))
    return found


def family_names(numbers: Array, frame: pd.DataFrame) -> dict[int, str]:
    """What each family is called: by the role that most of its heads have first, or by the two most frequent.

    Args:
        numbers: [head of any layer] family, NaN without.
        frame: the table of roles, all heads, layer by layer.
    """
    firsts = frame.drop_duplicates(["layer", "head"])
    roles = list(zip(firsts["role"], firsts["detail"].str.split(", ").str[0], strict=True))
    members = {int(number): np.flatnonzero(numbers == number) for number in np.unique(numbers[np.isfinite(numbers)])}
    return {number: _name([roles[place] for place in places]) for number, places in members.items()}


def _name(roles: Sequence[tuple[str, str]]) -> str:
    counted = Counter(role for role, _ in roles).most_common()
    role, number = counted[0]
    if number < NAMED * len(roles):
        return " and ".join(name or NO_ROLE for name, _ in counted[:2])
    detail, of_detail = Counter(detail for name, detail in roles if name == role).most_common(1)[0]
    return f"{role or NO_ROLE}: {detail}" if detail and of_detail >= NAMED * number else role or NO_ROLE


# ---- as tables


def head_place(data: xr.Dataset, layer: int, head: int) -> int:
    """The place of a head among all, layer by layer.

    Raises:
        ConfigError: the run has no such head.
    """
    layers, heads = (data[dim].values.tolist() for dim in ("layer", "head"))
    if layer not in layers or head not in heads:
        raise ConfigError(f"expected a head of {len(layers)} layers of {len(heads)} heads, found {layer}.{head}")
    return int(layers.index(layer) * len(heads) + heads.index(head))


def nearest_frame(data: xr.Dataset, place: int, number: int) -> pd.DataFrame:
    """Columns layer, head, profile_distance, head_distance: the nearest heads by profile, nearest first.

    Args:
        data: a run's results.
        place: of a head among all, layer by layer.
        number: of heads.
    """
    tables = Tables(data)
    found = nearest(profile_distances(tables), place, number)
    places = np.array([other for other, _ in found], np.int64)
    return pd.DataFrame(
        {
            "layer": np.array(tables.layers)[places // len(tables.heads)],
            "head": np.array(tables.heads)[places % len(tables.heads)],
            "profile_distance": [distance for _, distance in found],
            "head_distance": _attention_distances(data, place)[places],
        }
    )


def _attention_distances(data: xr.Dataset, place: int) -> Array:
    """[head of any layer] `head_distance` to one; NaN where it was not measured."""
    heads = data.sizes["layer"] * data.sizes["head"]
    if ATTENTION not in data:
        return np.full(heads, np.nan)
    found: Array = np.asarray(data[ATTENTION].values, np.float64).reshape(heads, heads)
    return np.asarray(found[place])


def families_frame(data: xr.Dataset, frame: pd.DataFrame) -> pd.DataFrame:
    """Columns layer, head, family, name: of every head with evidence, by layer and head.

    Args:
        data: a run's results.
        frame: its table of roles.
    """
    tables = Tables(data)
    numbers = families(profile_distances(tables))
    names = family_names(numbers, frame)
    heads = [(layer, head) for layer in tables.layers for head in tables.heads]
    rows = [
        (*head, int(number), names[int(number)])
        for head, number in zip(heads, numbers.tolist(), strict=True)
        if np.isfinite(number)
    ]
    return pd.DataFrame(rows, columns=["layer", "head", "family", "name"])
