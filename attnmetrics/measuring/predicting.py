"""What a language model is given of some units, and what it is to predict of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.config import LossOf, Masking
from attnmetrics.pieces.units import Units
from attnmetrics.statistics.sampling import sample_hash

if TYPE_CHECKING:
    from attnmetrics.model.language import LanguageModel

HIDDEN_PERCENT: Final = 15
"""Of a unit's pieces of the text, rounded up."""


@dataclass(frozen=True, slots=True)
class Predicting:
    """How a loss is made of a unit."""

    masking: Masking | None
    """None for causal models, which predict the next piece"""
    loss: LossOf
    seed: int
    """of the hash that chooses what is hidden"""


@dataclass(frozen=True, slots=True)
class Targets:
    """Of the T pieces of some units."""

    ids: NDArray[np.int64]
    """[T] what the model is given"""
    target: NDArray[np.int64]
    """[T] id of the piece that the model's output there is to predict; −1 for none"""


def set_targets(units: Units, rows: NDArray[np.int64], model: "LanguageModel", how: Predicting) -> Targets:
    """Say what is predicted in these of the units; in all others, nothing is.

    Raises:
        ModelError: pieces are to be hidden, and the tokenizer has no piece for that.
    """
    ids, target = units.pieces.ids.copy(), np.full(len(units.pieces.ids), -1, dtype=np.int64)
    for row in rows.tolist():
        begin, end = units.pieces.offsets[row : row + 2].tolist()
        if model.model.causal:
            target[begin : end - 1] = ids[begin + 1 : end]
            continue
        hidden = begin + _choose(units, row, how)
        target[hidden] = ids[hidden]
        ids[hidden] = _stand_ins(units, row, hidden - begin, model, how)
    return Targets(ids, target)


def _choose(units: Units, row: int, how: Predicting) -> NDArray[np.int64]:
    """The pieces that are predicted, counted in their unit: of those of the text all, or those of smallest hashes."""
    begin, end = units.pieces.offsets[row : row + 2]
    text = np.flatnonzero(units.pieces.in_text[begin:end])
    if how.masking == "none":
        return text
    number = -(-HIDDEN_PERCENT * len(text) // 100)
    smallest = np.argsort(_hashes(units, row, text, how.seed), kind="stable")[:number]
    chosen: NDArray[np.int64] = text[np.sort(smallest)]
    return chosen


def _stand_ins(
    units: Units, row: int, hidden: NDArray[np.int64], model: "LanguageModel", how: Predicting
) -> NDArray[np.int64]:
    """What the model is given in the place of these pieces of a unit.

    Raises:
        ModelError: the tokenizer has no mask.
    """
    own: NDArray[np.int64] = units.pieces.ids[units.pieces.offsets[row] + hidden]
    if how.masking == "none" or not len(hidden):
        return own
    mask = model.require_mask()
    if how.masking == "mask":
        return np.full_like(own, mask)
    # The hash once more: its last digit says which of the three a piece is, what is before it draws one of all pieces.
    rest, digit = np.divmod(_hashes(units, row, hidden, how.seed), np.uint64(10))
    drawn = (rest % np.uint64(model.model.vocabulary)).astype(np.int64)
    stand_ins: NDArray[np.int64] = np.where(digit < 8, mask, np.where(digit == 8, drawn, own))
    return stand_ins


def _hashes(units: Units, row: int, pieces: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """The hash of each of these pieces of a unit (see `statistics.sampling`)."""
    document, number = units.document[row], int(units.number[row])
    found = (sample_hash(seed, document, number, piece) for piece in pieces.tolist())
    return np.fromiter(found, np.uint64, len(pieces))
