"""The second storey: sums over α itself, of a sample of units.

What no reduction gives is made by map families: of each layer they are shown α tile by tile, in the forward pass that
measures the units anyway, while α is in memory. Units of the sample have batches of their own, so that all others may
go through a kernel that never has α; nothing larger than a tile is kept. The sample is an equal share of every shard:
the units with the smallest hashes (see `statistics.sampling`). Sums are float64 and are added batch by batch in order,
so that the number of threads has no part in them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.model.look import Layer
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.model.probe import Layout

MapSums = Mapping[str, NDArray[np.float64]]
"""[layer, head, …] by name, or of whatever shape a family declares."""


class MapReader(Protocol):
    """A family's sums over one batch. What its layers have in common is made once, with the reader."""

    def add(self, layer: int, tile: Tile, weights: Tensor) -> None:
        """Add a tile.

        Args:
            layer: place of the layer among the measured ones, ascending.
            tile: which units and rows; of a long unit the blocks of rows follow one another.
            weights: α [unit, head, row, column]; a causal tile ends at the column of its last row.
        """
        ...

    def sums(self) -> MapSums:
        """What all tiles added up to."""
        ...


class MapFamily(Protocol):
    """What is made of α itself; its sums over parts of a sample add up to those over all of it."""

    shapes: Mapping[str, tuple[int, ...]]
    """of its sums, by name; no other family has these names"""

    def read(self, batch: Batch) -> MapReader:
        """A reader for these units; those of several batches are made and used at the same time."""
        ...


class BatchMaps:
    """What all families make of one batch."""

    def __init__(self, families: Sequence[MapFamily], batch: Batch) -> None:
        self._readers = [family.read(batch) for family in families]

    def see(self, layer: Layer, tile: Tile, weights: Tensor) -> None:
        """Show a tile to each of them (see `look.See`)."""
        for reader in self._readers:
            reader.add(layer.place, tile, weights)

    def sums(self) -> MapSums:
        """The sums of all families."""
        return {name: value for reader in self._readers for name, value in reader.sums().items()}


def add_maps(families: Sequence[MapFamily], parts: Iterable[MapSums]) -> MapSums:
    """The sums over all batches, in the order of `parts`."""
    total = {name: np.zeros(shape) for family in families for name, shape in family.shapes.items()}
    for part in parts:
        for name, value in part.items():
            total[name] += value
    return total


def pack_mapped(
    lengths: NDArray[np.int64], measured: NDArray[np.bool_], mapped: NDArray[np.bool_], batch_pieces: int,
    tile_pairs: int, layout: Layout,
) -> Iterator[tuple[Batch, bool]]:  # fmt: skip
    """Batches (see `pack`), first those of the units [S] that are mapped, and whether they are."""
    for own in (True, False):
        kept = np.where(mapped == own, lengths, 0)
        for batch in layout.pack(kept, measured, batch_pieces, tile_pairs):
            yield batch, own
