"""Which word of a unit would have been right where a pair of pieces is a wrong answer, from what passages keep."""

from collections.abc import Sequence
from itertools import chain

from attnmetrics.metrics.claims import is_by_column
from attnmetrics.statistics.passages import Passage


def find_right(of_unit: Sequence[Passage], question: str, i: int, j: int) -> list[int] | None:
    """The pieces, counted in the unit, of the word that is right: of several the nearest to the one that was asked.

    Of two as near it is the first. None where passages keep no such words.

    Args:
        of_unit: all passages of the unit.
        question: what was asked.
        i: attending piece.
        j: attended piece.
    """
    words = list(chain.from_iterable(passage.words for passage in of_unit))
    if not words:
        return None
    asked, answered = (words[j], words[i]) if is_by_column(question) else (words[i], words[j])
    rows = chain.from_iterable(zip(one.questions, one.asked, one.right, strict=True) for one in of_unit)
    right = {own for name, of, own in rows if name == question and of == asked} - {answered}
    nearest = min(right, key=lambda own: (abs(own - asked), own), default=None)
    return None if nearest is None else [piece for piece, own in enumerate(words) if own == nearest]
