"""The sentences of heads in several runs, as the page of a comparison holds them."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from attnmetrics.results.sides import Side
from attnmetrics.views.atlas.sentence_book import Book, Room
from attnmetrics.views.exemplars import strongest

MOST_RUNS: Final = 4
"""Runs whose sentences are in a page: the first, the last, and some between."""
MOST_SENTENCES: Final = 5
"""Of a head and run."""
MOST_CHARACTERS: Final = 2_000_000
"""Of all sentences in a page; with more, each head shows fewer."""
MOST_WEIGHTS: Final = 600_000
"""Of attention in them."""

Head = tuple[int, int]


Packed = dict[str, Any] | None
"""What `static/atlas/open-exemplars.js` reads of a run; None where its sentences are not shown."""


def pack_sentences(sides: Sequence[Side], unit: str, heads: Sequence[Head]) -> tuple[list[Packed], list[str]]:
    """The sentences of each run, and what is left out, in words.

    Args:
        sides: the runs.
        unit: what attention was measured in, in words.
        heads: (layer, head) of all, layer by layer.
    """
    shown = _spread(len(sides))
    room = Room(MOST_SENTENCES, MOST_CHARACTERS // len(shown), MOST_WEIGHTS // len(shown))
    packed = [_pack(side, unit, heads, room) if place in shown else None for place, side in enumerate(sides)]
    names = [side.name for place, side in enumerate(sides) if place not in shown]
    return packed, [f"sentences of {len(names)} of {len(sides)} runs: {', '.join(names)}"] if names else []


def _spread(runs: int) -> list[int]:
    """The runs whose sentences are shown: `_spread(10) == [0, 3, 6, 9]`."""
    return sorted({*np.linspace(0, runs - 1, MOST_RUNS).round().astype(int).tolist()})


def _pack(side: Side, unit: str, heads: Sequence[Head], room: Room) -> Packed:
    if side.exemplars is None:
        return None
    book = Book(unit)
    exemplars = strongest(side.exemplars())
    attention = strongest(side.attention()) if side.attention is not None else _none()
    by_head = book.listed(room.short(exemplars), room.drawn(attention))
    listed = [by_head.get(("", *head), []) for head in heads]
    return book.packed(listed)


def _none() -> pd.DataFrame:
    """The attention in no sentence."""
    return pd.DataFrame({name: [] for name in ("claim", "layer", "head", "rank", "weight")})
