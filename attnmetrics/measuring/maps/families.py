"""The second storey: sums over α itself, of samples of units.

What no reduction gives is made by map families: of each layer they are shown α tile by tile, in the forward pass that
measures the units anyway, while α is in memory. Units that the same families are shown have batches of their own, so
that those of none may go through a kernel that never has α; a family keeps no more than it must. A sample is all
units, or an equal share of every shard: those with the smallest hashes (see `running.samples`). Sums are float64 and
are added batch by batch in order, so that the number of threads has no part in them. How many units its sample has, a
family that needs it sums up itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.measuring.maps.coreference import Coreference
from attnmetrics.measuring.maps.similarity import Similarity
from attnmetrics.measuring.maps.syntax import Syntax
from attnmetrics.measuring.selection import MapSample
from attnmetrics.metrics.family import Quantity
from attnmetrics.model.load import Model
from attnmetrics.model.modules.look import Layer
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.model.trials.probe import Layout
from attnmetrics.pieces.units import Units
from attnmetrics.statistics.splitting import Split

MapSums = Mapping[str, NDArray[np.float64]]
"""By name; of the shapes that the schema declares."""

MAPPED_PIECES: Final = 2048
"""Most pieces of a batch that is looked at: beside a GPU, several such batches are looked at at the same time."""


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
    "similarity": Similarity,
}
"""By the name of a family of `metrics` with mapped sums: what gives these sums of a shard's units."""


@dataclass(frozen=True, slots=True)
class MapFamilies:
    """What gives the mapped sums of a schema, and the units that each is shown."""

    families: Sequence[MapFamily]
    shown: NDArray[np.bool_]
    """[S, family]"""

    @classmethod
    def of(cls, units: Units, model: Model, sample: MapSample) -> "MapFamilies":
        """Those of these units' schema."""
        owners = [family for family in units.schema.families if any(one.of is Quantity.MAPPED for one in family.sums)]
        shown = np.zeros((len(units), len(owners)), np.bool_)
        for place, family in enumerate(owners):
            shown[sample.rows, place] = True  # also to one of fewer units, which passes over others: fewer batches
            shown[sample.units_of(family.name), place] = True
        return cls([MAP_FAMILIES[family.name](units, model, sample) for family in owners], shown)

    def read(self, batch: Batch) -> "BatchMaps":
        """What is made of one batch, whose units are shown to the same families, or to none."""
        to = self.shown[batch.rows[0]]
        return BatchMaps([self.families[place] for place in np.flatnonzero(to).tolist()], batch)


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
    lengths: NDArray[np.int64], measured: NDArray[np.bool_], shown: NDArray[np.bool_], batch_pieces: int,
    tile_pairs: int, layout: Layout, split: Split | None = None,
) -> Iterator[Batch]:  # fmt: skip
    """Batches (see `pack`) of units that are shown to the same families, [S, family]; last, those shown to none.

    Those of units that are shown to some have at most `MAPPED_PIECES` pieces. Units of one batch have the same values
    of a split.
    """
    alike = shown if split is None else np.column_stack([shown, split.values])
    patterns, pattern = np.unique(alike, axis=0, return_inverse=True)
    for place in reversed(range(len(patterns))):
        are_shown = patterns[place, : shown.shape[1]].any()
        most = min(batch_pieces, MAPPED_PIECES) if are_shown else batch_pieces
        yield from layout.pack(np.where(pattern == place, lengths, 0), measured, most, tile_pairs)
