"""The sums of `metrics.similarity`: rows of a sample, kept through all layers, then compared for all pairs of heads."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.measuring.maps.divergence import add_divergences
from attnmetrics.measuring.selection import MapSample
from attnmetrics.metrics.pairs import count_pairs
from attnmetrics.model.load import Model
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.pieces.units import Units
from attnmetrics.statistics.sampling import sample_hash


class Similarity:
    """Divergences of the rows of units: some of each, chosen by hash, or all; row 0 of causal models never."""

    def __init__(self, units: Units, model: Model, sample: MapSample) -> None:
        self._units, self._model, self._sample = units, model, sample
        self._shape = len(model.layers), model.heads
        self._compared = set(sample.units_of("similarity").tolist())

    def read(self, batch: Batch) -> "RowReader":
        """A reader that keeps the sampled rows of these units."""
        return RowReader([self._choose(int(unit)) for unit in batch.rows], self._shape, self._model.attends.causal)

    def _choose(self, unit: int) -> NDArray[np.int64]:
        """The sampled rows of a unit, ascending; none of a unit that is not in the sample."""
        if unit not in self._compared:
            return np.empty(0, np.int64)
        units, number = self._units, self._sample.rows_a_unit
        rows = np.arange(int(self._model.attends.causal), units.pieces.lengths[unit])
        if number is None or len(rows) <= number:
            return rows
        place = units.document[unit], int(units.number[unit])
        hashes = np.array([sample_hash(self._sample.seed, *place, row) for row in rows.tolist()], np.uint64)
        return np.sort(rows[np.argsort(hashes, kind="stable")[:number]])


@dataclass(frozen=True, slots=True)
class _Rows:
    """The sampled rows of a tile."""

    unit: Tensor
    """[R] place in the tile"""
    row: Tensor
    """[R] place in the tile"""
    reach: NDArray[np.int64]
    """[R] columns that the row may attend to"""
    weights: NDArray[np.float32]
    """[R, layer, head, column] α"""


class RowReader:
    """The rows of one batch: kept while its layers are shown, compared when all are there."""

    def __init__(self, chosen: list[NDArray[np.int64]], shape: tuple[int, int], causal: bool) -> None:
        """A reader of the `chosen` rows of each unit of a batch, for layers and heads of this shape."""
        self._chosen, self._shape, self._causal = chosen, shape, causal
        self._tiles: dict[tuple[int, int], _Rows] = {}

    def add(self, layer: int, tile: Tile, weights: Tensor) -> None:
        """Keep a tile's rows of a layer."""
        place = tile.sentence, tile.row
        if place not in self._tiles:
            self._tiles[place] = self._make_room(tile, weights)
        rows = self._tiles[place]
        if len(rows.reach) == 0:
            return
        rows.weights[:, layer] = weights[rows.unit, :, rows.row].float().cpu().numpy()

    def sums(self) -> Mapping[str, NDArray[np.float64]]:
        """The divergences of all rows, tile by tile in order."""
        heads = self._shape[0] * self._shape[1]
        total, number = np.zeros(count_pairs(heads)), 0
        for rows in self._tiles.values():
            shape = len(rows.reach), heads, rows.weights.shape[-1]
            add_divergences(rows.weights.reshape(shape), rows.reach, total)
            number += len(rows.reach)
        return {"divergence_sum": total, "similarity_rows": np.array(float(number))}

    def _make_room(self, tile: Tile, weights: Tensor) -> _Rows:
        own = self._chosen[tile.sentence : tile.sentence + tile.count]
        unit = np.repeat(np.arange(tile.count), [len(rows) for rows in own])
        row = np.concatenate(own)
        here = (row >= tile.row) & (row < tile.row + tile.rows)
        unit, row = unit[here], row[here]
        columns = weights.shape[-1]
        reach = row + 1 if self._causal else np.full_like(row, columns)
        unit_place, row_place = (torch.from_numpy(index).to(weights.device) for index in (unit, row - tile.row))
        return _Rows(unit_place, row_place, reach, np.empty((len(row), *self._shape, columns), np.float32))
