"""The label `piece.special`: first piece, separators, full stops and commas, and all others."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.schema import SPECIAL
from attnmetrics.model.align import Pieces, next_character

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
