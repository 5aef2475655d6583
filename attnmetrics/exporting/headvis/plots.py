"""What the page draws of one head beside its sentences: histograms, and tables of pieces."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.exporting.headvis.scores import rounded
from attnmetrics.views.pieces import readable_types
from attnmetrics.views.tables import further, is_magnitude, labels_of, selectable, title

Json = dict[str, Any]

DISTANCES: Final = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
"""Edges of the bins of |q − k|."""

EDGES: Final[dict[str, Callable[[list[float]], list[float]]]] = {
    "offset": lambda labels: [labels[0] - 0.5, *(label + 0.5 for label in labels)],
    "weight_bin": lambda labels: [*labels, 1.0],
}
"""Dimension → the edges of its bins."""

PEAKS: Final = "unit_peak_histogram"
"""What HeadVis calls the activation histogram."""

SIDES: Final = {"query": "Pieces that attend", "key": "Pieces that are attended to"}
LIFT: Final = {
    "query": "share of their attention that is off null",
    "key": "times what even attention would give them",
}


def plots_of(data: xr.Dataset) -> dict[str, str]:
    """The results that are drawn as histograms, by the key that they have in a head's file."""
    drawn = [name for name, table in selectable(data).items() if is_magnitude(table) and _binned(table)]
    return {"histogram" if name == PEAKS else name: name for name in drawn}


def without_empty_ends(table: xr.DataArray) -> xr.DataArray:
    """A table by offset, without offsets at its ends that no head attends at: causal models never look ahead."""
    if further(table) != ("offset",):
        return table
    seen = np.flatnonzero((table > 0).any(("layer", "head")).to_numpy())
    return table.isel(offset=slice(seen[0], seen[-1] + 1)) if len(seen) else table


def plot(table: xr.DataArray, layer: int, head: int) -> Json:
    """One of them, of the head at these positions."""
    (dim,) = further(table)
    edges = EDGES[dim]([float(label) for label in labels_of(table, dim)])
    values = table.transpose("layer", "head", dim).values[layer, head].tolist()
    counted = table.dtype.kind == "i"
    numbers = values if counted else [rounded(value) or 0.0 for value in values]
    return {"bin_edges": [round(edge, 6) for edge in edges], "bin_values": numbers}


def describe_plots(data: xr.Dataset) -> list[dict[str, str]]:
    """What the page is told to draw; what it draws first of all, it draws unasked."""
    drawn = [{"key": key, "label": title(data[name]), "description": str(data[name].attrs.get("formula", ""))}
             for key, name in plots_of(data).items() if key != "histogram"]  # fmt: skip
    of_sampled = {"key": "qk_distance_histogram", "label": "Distance in the sequences shown",
                  "description": "sum of attention by |q − k|, null columns included"}  # fmt: skip
    return [of_sampled, *drawn]


def distances(sequences: Sequence[Json]) -> Json:
    """Σ of the weights in these sequences by |q − k|."""
    bins = np.zeros(len(DISTANCES) - 1)
    for one in sequences:
        query, key = np.divmod(np.array(one["attention_indices"], np.int64), one["seq_len"])
        found = np.searchsorted(DISTANCES[1:-1], abs(query - key), side="right")
        bins += np.bincount(found, one["attention_values"], len(bins))
    return {"bin_edges": list(DISTANCES), "bin_values": [round(value, 4) for value in bins.tolist()]}


def piece_tables(tokens: pd.DataFrame | None) -> dict[str, list[Json]]:
    """The types of pieces of one head, by lift; none where the run has none.

    Args:
        tokens: the head's rows of `tokens.parquet`.
    """
    if tokens is None:
        return {f"top_{side}_tokens": [] for side in SIDES}
    return {f"top_{side}_tokens": _types(tokens[tokens["side"] == side]) for side in SIDES}


def describe_tables() -> list[dict[str, str]]:
    """What the page is told of them."""
    return [{"key": f"top_{side}_tokens", "label": label, "description": LIFT[side]} for side, label in SIDES.items()]


def _binned(table: xr.DataArray) -> bool:
    return len(further(table)) == 1 and further(table)[0] in EDGES


def _types(rows: pd.DataFrame) -> list[Json]:
    columns = (readable_types(rows["piece"].tolist()), rows["lift"], rows["attention"], rows["occurrences"])
    return [
        {"token": token, "weight": rounded(lift), "attention": rounded(attention), "occurrences": int(occurrences)}
        for token, lift, attention, occurrences in zip(*columns, strict=True)
    ]
