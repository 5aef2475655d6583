"""The label `piece.special`: first piece, separators, full stops and commas, and all others."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.schema import SPECIAL
from attnmetrics.pieces.align import Pieces, next_character

FIRST, SEPARATOR, PUNCTUATION, OTHER = range(len(SPECIAL))
MARKS: Final = np.array([ord("."), ord(",")], dtype=np.uint32)


def special_kinds(pieces: Pieces, texts: tuple[str, ...], first_is_null: bool) -> NDArray[np.int64]:
    """[T] the kind of each piece, an index into `metrics.schema.SPECIAL`; the first kind that fits.

    Args:
        pieces: T pieces.
        texts: what they are pieces of, see `Pieces.text`.
        first_is_null: whether the first piece of every unit is null, be it the template's or not.
    """
    kinds = np.full(len(pieces.ids), OTHER)
    kinds[_are_marks(pieces, texts)] = PUNCTUATION
    kinds[~pieces.in_text] = SEPARATOR
    first = pieces.offsets[:-1][pieces.lengths > 0]
    kinds[first[first_is_null | ~pieces.in_text[first]]] = FIRST
    return kinds


def is_summary(
    piece: NDArray[np.int64], length: NDArray[np.int64], in_text: NDArray[np.bool_], causal: bool
) -> NDArray[np.bool_]:
    """Whether a row stands for its unit: of causal models the last one, which sees all; else the template's first.

    Args:
        piece: [T] pieces, counted in their units.
        length: [T] pieces of their units.
        in_text: [T] False for template pieces.
        causal: whether the model is.
    """
    found: NDArray[np.bool_] = piece == length - 1 if causal else (piece == 0) & ~in_text
    return found


def _are_marks(pieces: Pieces, texts: tuple[str, ...]) -> NDArray[np.bool_]:
    """[T] whether a piece's stretch of the text is a full stop or a comma, white space around it left out."""
    whole = "".join(texts)
    lengths = np.array([0, *map(len, texts)], dtype=np.int64)
    base = np.cumsum(lengths)[pieces.text[pieces.row]]
    start, end = base + pieces.start, base + pieces.end
    # A row for each piece: its first character that is not white space, and the next one after it.
    following = next_character(whole)
    inked = following[start]
    after = following[np.minimum(inked + 1, len(whole))]
    codes = np.append(np.frombuffer(whole.encode("utf-32-le"), dtype=np.uint32), 0)
    marks: NDArray[np.bool_] = pieces.in_text & (inked < end) & (after >= end) & np.isin(codes[inked], MARKS)
    return marks
