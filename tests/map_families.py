"""Map families made up for tests, and the same sums by loops over float64 attention of one unit at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel

from attnmetrics.measuring.maps.families import MapSums
from attnmetrics.measuring.selection import MapSample
from attnmetrics.metrics.family import HEAD, Family, Quantity, Result, Sum
from attnmetrics.metrics.ratios import ratio
from attnmetrics.model.load import Model
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.pieces.units import Units

PEAKS = Family(
    "peaks",
    "Peaks",
    sums=(
        Sum("peak_sum", HEAD, Quantity.MAPPED),
        Sum("place_sum", HEAD, Quantity.MAPPED),
        Sum("mapped_units", (), Quantity.MAPPED),
        Sum("mapped_rows", (), Quantity.MAPPED),
    ),
    results=(
        Result("peak", HEAD, "1", "mean", "Mean peak", "Σ max_j α ÷ (rows × heads)",
               lambda sums: ratio(sums["peak_sum"], sums["mapped_rows"] * sums["heads"])),
        Result("mapped_units", (), "units", "count", "Units mapped", "number", lambda sums: sums["mapped_units"]),
    ),
)  # fmt: skip
COLUMNS = Family("columns", "Columns", results=(), sums=(Sum("column_sum", HEAD, Quantity.MAPPED),))


class Peaks:
    """Σ over rows of the largest α, and of where α is on average as a share of the unit: sums of rows."""

    def __init__(self, model: Model) -> None:
        self.shape = len(model.layers), model.heads

    @classmethod
    def of(cls, units: Units, model: Model, sample: MapSample) -> "Peaks":
        return cls(model)

    def read(self, batch: Batch) -> "PeakReader":
        counts = {"mapped_units": np.array(float(len(batch.rows))), "mapped_rows": np.array(float(batch.offsets[-1]))}
        return PeakReader({"peak_sum": np.zeros(self.shape), "place_sum": np.zeros(self.shape), **counts})


@dataclass
class PeakReader:
    found: dict[str, NDArray[np.float64]]

    def add(self, layer: int, tile: Tile, weights: torch.Tensor) -> None:
        peak, place = weights.amax(-1), weights @ torch.arange(float(weights.shape[-1]))
        self.found["peak_sum"][layer] += peak.sum((0, 2), dtype=torch.float64).numpy()
        self.found["place_sum"][layer] += place.sum((0, 2), dtype=torch.float64).numpy() / tile.length

    def sums(self) -> MapSums:
        return self.found


class Columns:
    """Σ over units of the largest column sum of α: needs all rows of a unit, which may come in blocks."""

    def __init__(self, model: Model) -> None:
        self.shape = len(model.layers), model.heads

    @classmethod
    def of(cls, units: Units, model: Model, sample: MapSample) -> "Columns":
        return cls(model)

    def read(self, batch: Batch) -> "ColumnReader":
        return ColumnReader(np.zeros(self.shape))


class ColumnReader:
    def __init__(self, found: NDArray[np.float64]) -> None:
        self.found = found

    def add(self, layer: int, tile: Tile, weights: torch.Tensor) -> None:
        if not tile.row:
            self.columns = torch.zeros(tile.count, weights.shape[1], tile.length, dtype=torch.float64)
        self.columns[..., : weights.shape[-1]] += weights.sum(2, dtype=torch.float64)
        if tile.row + tile.rows == tile.length:
            self.found[layer] += self.columns.amax(-1).sum(0).numpy()

    def sums(self) -> MapSums:
        return {"column_sum": self.found}


def reference(model: Model, units: Iterable[Sequence[int]]) -> dict[str, NDArray[np.float64]]:
    """The sums of both over units of these piece ids."""
    network = AutoModel.from_pretrained(model.name, attn_implementation="eager", dtype=torch.float64).eval()
    found = {name: np.zeros((len(model.layers), model.heads)) for name in ("peak_sum", "place_sum", "column_sum")}
    found |= {"mapped_units": np.zeros(()), "mapped_rows": np.zeros(())}
    for ids in units:
        attention = network(input_ids=torch.tensor([list(ids)]), output_attentions=True).attentions
        found["mapped_units"] += 1
        found["mapped_rows"] += len(ids)
        for place, layer in enumerate(model.layers):
            for head in range(model.heads):
                alpha = attention[layer][0, head].tolist()
                found["column_sum"][place, head] += max(sum(column) for column in zip(*alpha, strict=True))
                for weights in alpha:
                    found["peak_sum"][place, head] += max(weights)
                    found["place_sum"][place, head] += sum(j * weight for j, weight in enumerate(weights)) / len(alpha)
    return found
