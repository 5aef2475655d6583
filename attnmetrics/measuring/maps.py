"""The second storey: sums over α itself, of a sample of units.

What no reduction gives is made by map families: of each layer they are shown α tile by tile, in the forward pass that
measures the units anyway, while α is in memory. Units of the sample have batches of their own, so that all others may
go through a kernel that never has α; nothing larger than a tile is kept. The sample is an equal share of every shard:
the units with the smallest hashes (see `statistics.sampling`). Sums are float64 and are added batch by batch in order,
so that the number of threads has no part in them. How many units the sample has, a family that needs it sums up itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.measuring.coreference import Coreference
from attnmetrics.measuring.selection import MapSample
from attnmetrics.measuring.syntax import Syntax
from attnmetrics.metrics.family import Quantity
from attnmetrics.model.load import Model
from attnmetrics.model.look import Layer
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.model.probe import Layout
from attnmetrics.model.units import Units

MapSums = Mapping[str, NDArray[np.float64]]
"""By name; of the shapes that the schema declares."""


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

    def read(self, batch: Batch) -> MapReader:
        """A reader for these units; those of several batches are made and used at the same time."""
        ...


MAP_FAMILIES: Final[dict[str, Callable[[Units, Model, MapSample], MapFamily]]] = {
    "syntax": Syntax,
    "coreference": Coreference,
}
"""By the name of a family of `metrics` with mapped sums: what gives these sums of a shard's units."""


def make_map_families(units: Units, model: Model, sample: MapSample) -> list[MapFamily]:
    """What gives the mapped sums of these units' schema."""
    owners = [family for family in units.schema.families if any(one.of is Quantity.MAPPED for one in family.sums)]
    return [MAP_FAMILIES[family.name](units, model, sample) for family in owners]


class BatchMaps:
    """What all families make of one batch."""

    def __init__(self, families: Sequence[MapFamily], batch: Batch) -> None:
        self.readers = [family.read(batch) for family in families]

    def __bool__(self) -> bool:
        return bool(self.readers)

    def see(self, layer: Layer, tile: Tile, weights: Tensor) -> None:
        """Show a tile to each of them (see `look.See`)."""
        for reader in self.readers:
            reader.add(layer.place, tile, weights)

    def sums(self) -> MapSums:
        """The sums of all families."""
        return {name: value for reader in self.readers for name, value in reader.sums().items()}


def pack_mapped(
    lengths: NDArray[np.int64], measured: NDArray[np.bool_], mapped: NDArray[np.bool_], batch_pieces: int,
    tile_pairs: int, layout: Layout,
) -> Iterator[Batch]:  # fmt: skip
    """Batches (see `pack`), first those of the units [S] that are mapped, then those of the others."""
    for own in (mapped, ~mapped):
        if own.any():
            yield from layout.pack(np.where(own, lengths, 0), measured, batch_pieces, tile_pairs)
