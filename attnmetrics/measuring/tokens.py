"""What each type of piece receives and gives in a shard's mapped units, from the reductions of kernels."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from attnmetrics.measuring.counting import even_received, total_by
from attnmetrics.metrics.family import HEAD
from attnmetrics.model.kernels.reductions import Reductions
from attnmetrics.model.load import Model
from attnmetrics.pieces.align import piece_names
from attnmetrics.pieces.units import Units
from attnmetrics.statistics.tokens import SIDES, PieceTypes, TokenSums


class TokenCounter:
    """Sums over the types of pieces of some of a shard's units."""

    def __init__(self, units: Units, rows: NDArray[np.int64], model: Model) -> None:
        """A counter.

        Args:
            units: the shard's.
            rows: those of them that are mapped.
            model: the model.
        """
        pieces, null = units.pieces, units.null
        own = np.isin(pieces.row, rows)
        ids, code = np.unique(pieces.ids[own], return_inverse=True)
        self._null = null
        self._code = np.full(len(pieces.ids), -1)
        self._code[own] = code
        length = pieces.lengths[pieces.row]
        even = even_received(np.arange(len(length)) - pieces.offsets[pieces.row], length, model.causal, null)
        occurrences = [np.bincount(of_side, minlength=len(ids)) for of_side in (code[~null[own]], code)]
        self._types = PieceTypes(
            ids, piece_names(model.tokenizer, ids), np.stack(occurrences), total_by(code, even[own], len(ids))
        )
        self._grid = units.schema.shape(HEAD)
        self._attention = _zeros(self._grid, len(ids))

    def read(self, piece: NDArray[np.int64]) -> "TokenReader":
        """What sums up a batch of these pieces [T], counted over all of the shard's."""
        return TokenReader(self._code[piece], self._null[piece], self._grid)

    def add(self, batch: "TokenReader") -> None:
        """Add the sums of a batch."""
        self._attention[:, :, batch.codes] += batch.sums

    def sums(self) -> TokenSums:
        """Those of all batches."""
        return TokenSums(self._types, self._attention)


class TokenReader:
    """Sums over the types of pieces of one batch."""

    def __init__(self, code: NDArray[np.int64], null: NDArray[np.bool_], grid: tuple[int, ...]) -> None:
        self.codes, place = np.unique(code, return_inverse=True)
        """[B] its types, by their place among the shard's"""
        # By side: of which type each packed piece is, a row a type; null pieces are no keys.
        shape = len(self.codes), len(code)
        entries = np.stack([place, np.arange(len(code))])
        self._of_type = [csr_array((np.ones(kept.sum()), entries[:, kept]), shape) for kept in (~null, null | True)]
        self.sums = _zeros(grid, len(self.codes))
        """[layer, side, B, head]"""

    def add(self, layer: int, reductions: Reductions) -> None:
        """Take a layer's reductions; `layer` is its place among the measured ones."""
        by_piece = (reductions.received, reductions.given)
        for side, (of_type, own) in enumerate(zip(self._of_type, by_piece, strict=True)):
            self.sums[layer, side] = of_type @ own.cpu().numpy()


def _zeros(grid: tuple[int, ...], types: int) -> NDArray[np.float64]:
    """[layer, side, type, head] of so many layers and heads."""
    layers, heads = grid
    return np.zeros((layers, len(SIDES), types, heads))
