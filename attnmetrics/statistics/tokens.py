"""How much attention each type of piece receives and gives in every head, as sums that merge.

A part of the corpus keeps the types that occur in it. The whole needs two passes over its parts, for a type that occurs
too rarely does not compete, and what does is summed up in dense arrays, some layers at a time: the first pass counts
(`Totals`), the second sums (`Competitors.sum_up`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SIDES: Final = ("key", "query")
"""What receives attention, and what gives it."""
KEY, QUERY = range(2)
RANKS: Final = 50
"""Types listed of a head on a side."""

LISTED: Final = np.dtype(
    [
        ("layer", np.int32),  # its place among the measured ones
        ("head", np.int32),
        ("side", np.int32),  # a place in `SIDES`
        ("rank", np.int32),  # from 0
        ("type", np.int64),  # its place among the competitors
        ("attention", np.float64),  # Σ F received, or given
        ("lift", np.float64),
    ]
)
"""A row of `tokens.parquet`."""


@dataclass(frozen=True, slots=True)
class PieceTypes:
    """U types of pieces, and how often they occur in some units."""

    ids: NDArray[np.int64]
    """[U] in the model's vocabulary, ascending"""
    pieces: Sequence[str]
    """[U] as the tokenizer's vocabulary spells them"""
    occurrences: NDArray[np.int64]
    """[side, U] those that are not null, as keys; all, as queries"""
    even: NDArray[np.float64]
    """[U] Σ F received where attention is even over all pieces that a row may attend to"""


@dataclass(frozen=True, slots=True)
class TokenSums:
    """What the types of pieces of some units receive and give."""

    types: PieceTypes
    attention: NDArray[np.float64]
    """[layer, side, U, head] Σ F received, Σ F given"""


class Totals:
    """Occurrences over parts that come one at a time."""

    def __init__(self) -> None:
        self._occurrences = np.zeros((len(SIDES), 0), np.int64)
        self._even = np.zeros(0)
        self._pieces: dict[int, str] = {}

    def add(self, types: PieceTypes) -> None:
        """Add those of a part."""
        if not len(types.ids):
            return
        self._grow(int(types.ids[-1]) + 1)
        self._occurrences[:, types.ids] += types.occurrences
        self._even[types.ids] += types.even
        self._pieces.update(zip(types.ids.tolist(), types.pieces, strict=True))

    def competitors(self, least: int) -> "Competitors":
        """The types that occur so often on one of the sides at least."""
        ids = np.flatnonzero((self._occurrences >= least).any(axis=0))
        pieces = [self._pieces[one] for one in ids.tolist()]
        return Competitors(PieceTypes(ids, pieces, self._occurrences[:, ids], self._even[ids]), least)

    def _grow(self, size: int) -> None:
        missing = max(0, size - len(self._even))
        self._occurrences = np.pad(self._occurrences, ((0, 0), (0, missing)))
        self._even = np.pad(self._even, (0, missing))


@dataclass(frozen=True, slots=True)
class Competitors:
    """The types of pieces of all parts that may be listed, on one of the sides at least."""

    types: PieceTypes
    least: int
    """occurrences that a type needs on a side to be listed there"""

    def __len__(self) -> int:
        return len(self.types.ids)

    def sum_up(self, parts: Iterable[TokenSums], shape: tuple[int, int]) -> NDArray[np.float64]:
        """[layer, side, C, head] what they receive and give in all parts, added in order.

        Args:
            parts: sums of the same layers.
            shape: layers, and heads of a layer.
        """
        layers, heads = shape
        total = np.zeros((layers, len(SIDES), len(self), heads))
        for part in parts:
            own = np.isin(part.types.ids, self.types.ids, assume_unique=True)
            total[:, :, np.searchsorted(self.types.ids, part.types.ids[own])] += part.attention[:, :, own]
        return total

    def rank(self, attention: NDArray[np.float64], sides: Sequence[int], first_layer: int = 0) -> NDArray[np.void]:
        """[N] of `LISTED`: the types with most lift, in every head, by (layer, head, side, rank); of equals by id.

        Lift is the attention received, divided by what even attention would give, or given, by occurrences. A type
        without any attention is not listed.

        Args:
            attention: [layer, side, C, head]
            sides: those that are listed.
            first_layer: the place of the first layer.
        """
        expected = np.stack([self.types.even, self.types.occurrences[QUERY].astype(np.float64)])[list(sides), :, None]
        competes = (self.types.occurrences >= self.least)[list(sides), :, None]
        rows = [np.zeros(0, LISTED)]
        for layer, of_all in enumerate(attention):  # one at a time, for memory
            own = of_all[list(sides)]
            lift = np.divide(own, expected, out=np.zeros_like(own), where=competes & (own > 0))
            side, place, head, rank = _first(lift)
            rows.append(_listed(
                layer=first_layer + layer, head=head, side=np.asarray(sides, np.int32)[side], rank=rank, type=place,
                attention=own[side, place, head], lift=lift[side, place, head],
            ))  # fmt: skip
        return np.concatenate(rows)


def _first(lift: NDArray[np.float64]) -> tuple[NDArray[np.int64], ...]:
    """The first `RANKS` of every head that are not 0, by (head, side, rank). `lift`: [side, C, head].

    Returns:
        side, type, head, rank
    """
    by_head = lift.transpose(2, 0, 1)
    order = np.argsort(-by_head, axis=-1, kind="stable")[..., :RANKS]
    head, side, rank = np.nonzero(np.take_along_axis(by_head, order, axis=-1))
    return side, order[head, side, rank], head, rank


def _listed(**columns: Any) -> NDArray[np.void]:
    rows = np.zeros(len(columns["rank"]), LISTED)
    for name, column in columns.items():
        rows[name] = column
    return rows


@dataclass(frozen=True, slots=True)
class Tokens:
    """The types of pieces that every head lists."""

    types: PieceTypes
    rows: NDArray[np.void]
    """[N] of `LISTED`"""
