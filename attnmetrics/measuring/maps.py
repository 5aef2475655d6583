"""The second storey: sums over α itself, of a sample of units.

What no reduction gives is made by map families: of each layer they are shown α tile by tile, in the forward pass that
measures the units anyway, while α is in memory. Units of the sample have batches of their own, so that all others may
go through a kernel that never has α; nothing larger than a tile is kept. Sums are float64 and are added batch by batch
in order, so that the number of threads has no part in them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.model.align import Pieces
from attnmetrics.model.kernels.choose import choose_kernel
from attnmetrics.model.kernels.reductions import Kernel, want_nothing
from attnmetrics.model.load import Model
from attnmetrics.model.look import Layer
from attnmetrics.model.pack import TILE_PAIRS, Batch, Tile
from attnmetrics.model.probe import Layout
from attnmetrics.statistics.sampling import smallest
from attnmetrics.storage import read_ahead

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


def read_maps(
    pieces: Pieces,
    model: Model,
    rows: NDArray[np.int64],
    families: Sequence[MapFamily],
    *,
    batch_pieces: int | None = None,
    kernel: Kernel | None = None,
) -> MapSums:
    """The sums over some units, in a pass of their own.

    Args:
        pieces: of all units.
        model: the model; its measured layers are read.
        rows: which units.
        families: what is made of them.
        batch_pieces: most pieces of one forward pass; unset, what suits the device.
        kernel: what computes attention; unset, what suits the device.
    """
    lengths, every = np.zeros_like(pieces.lengths), np.ones(len(pieces.lengths), dtype=np.bool_)
    lengths[rows] = pieces.lengths[rows]
    batches = model.layout.pack(lengths, every, batch_pieces or model.batch_pieces, TILE_PAIRS)
    kernel = kernel or choose_kernel(model.device, model.dtype)
    read = partial(_read, pieces=pieces, model=model, families=families, kernel=kernel)
    return add_maps(families, read_ahead(read, batches, model.threads if model.device.type == "cpu" else 1))


def _read(batch: Batch, pieces: Pieces, model: Model, families: Sequence[MapFamily], kernel: Kernel) -> MapSums:
    maps = BatchMaps(families, batch)
    ids = torch.from_numpy(pieces.ids_of(batch.rows)).to(model.device)
    model.run(ids, want_nothing(batch, model.causal, model.device), kernel=kernel, see=maps.see)
    return maps.sums()


def choose_map_rows(
    hashes: NDArray[np.uint64], document_index: NDArray[np.int64], number: NDArray[np.int64], quota: int | None
) -> NDArray[np.int64]:
    """Rows, ascending, of the units of a shard that are mapped: those with the smallest hashes.

    Args:
        hashes: [S] of the shard's units that count (see `sampling.sentence_hashes`).
        document_index: [S] position of the document in the corpus.
        number: [S] position of the unit in its document.
        quota: how many at most (see `map_quota`); None: all.
    """
    if quota is None:
        return np.arange(len(hashes))
    return np.flatnonzero(smallest(hashes, document_index, number, quota))


def map_quota(limit: int | None, units: int, shards: int) -> int | None:
    """How many units of a shard are mapped: an equal number of each; all, where the corpus has no more than the limit.

    >>> map_quota(20_000, 30_000, 64), map_quota(20_000, 19_000, 64), map_quota(None, 30_000, 64)
    (312, None, None)
    """
    return None if limit is None or units <= limit else limit // shards
