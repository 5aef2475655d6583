"""How α is looked at: a kernel shows a layer's attention, tile by tile, to whoever must see it.

Only one tile is there at a time, unless the one who looks keeps it. Sums need no looking: they are reductions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.model.kernels.reductions import Show
from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.pack import Tile


@dataclass(frozen=True, slots=True)
class Layer:
    """What a layer's attention is made of."""

    place: int
    """among the layers that are read"""
    made_of: "Dots | None"
    """what its scores are; None where α is what the model itself gives"""


@dataclass(frozen=True, slots=True)
class Dots:
    """The dot products that a layer's scores are."""

    query: Tensor
    """[T, head, width] packed queries as they enter the dot product, positions included"""
    key: Tensor
    """[T, head, width] packed keys likewise; equal for heads that share them"""
    scoring: Scoring
    """what scores are made of beyond the dot product"""


See = Callable[[Layer, Tile, Tensor], None]
"""Gets a layer, a tile and its α, [sentence, head, row, column]; a causal tile ends at the column of its last row.
Whoever keeps α copies it: its memory may be the next tile's."""


def on_host(weights: Tensor) -> NDArray[Any]:
    """α as an array; a copy where it is on a GPU."""
    return np.ascontiguousarray(weights.cpu().numpy())


def show_to(every: Sequence[See]) -> See:
    """What shows a tile to all of them, in order, after one copy from a GPU."""

    def see(layer: Layer, tile: Tile, weights: Tensor) -> None:
        weights = weights.cpu()
        for one in every:
            one(layer, tile, weights)

    return see


def showing(see: See | None, layer: Layer) -> Show | None:
    """What a kernel shows this layer's tiles to."""
    return None if see is None else partial(see, layer)
