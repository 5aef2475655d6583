"""Sentences in a page: each once, the exemplars of each head in them, the attention in those that have it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import pandas as pd

from attnmetrics.views.exemplars import TYPICAL
from attnmetrics.views.page import Packed, pack, pack_json
from attnmetrics.views.pieces import readable, visible

STEPS: Final = 1 << 14
"""Weights of exemplars' rows travel as whole numbers of this part, an error of at most 3·10⁻⁵."""

PARTS_FIRST: Final = ("80-100", "40-60", "0-20", "60-80", "20-40")
"""The order in which typical sentences get the attention in them, where a page cannot hold that of all parts."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a page has for the exemplars of a run; where they are more, each head shows fewer."""

    sentences: int
    """of a head"""
    characters: int
    """of all sentences"""
    weights: int
    """of attention in them"""

    def short(self, exemplars: pd.DataFrame) -> pd.DataFrame:
        """As many of each head as a page can hold."""
        return exemplars[exemplars["rank"] <= self._affordable(exemplars["rank"], exemplars["text"], self.characters)]

    def drawn(self, attention: pd.DataFrame) -> pd.DataFrame:
        """The attention in as many of each head as a page can hold."""
        return attention[attention["rank"] <= self._affordable(attention["rank"], attention["weight"], self.weights)]

    def in_parts(self, attention: pd.DataFrame) -> pd.DataFrame:
        """The attention in typical ones, of as many parts as a page can hold: the largest weights, the middle, …"""
        size = attention["weight"].map(len).astype(int).groupby(attention["bucket"]).sum()
        held = size.reindex(PARTS_FIRST).fillna(0).cumsum() <= self.weights
        return attention[attention["bucket"].isin(held[held].index)]

    def _affordable(self, rank: pd.Series, content: pd.Series, most: int) -> int:
        """The last rank up to which the lengths of all contents add up to no more than `most`; one rank at least."""
        lengths = content.map(len).astype(int).groupby(rank.astype(int)).sum().sort_index()
        return min(max(1, int((lengths.cumsum() <= most).sum())), self.sentences)


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A sentence of a head."""

    sentence: int
    """position in the page's sentences"""
    rank: int
    weight: float
    i: int
    j: int
    row: int | None
    """position of its first row of attention in the page's; None where the page has none"""
    right: list[int] | None
    """of a wrong answer, places of the pieces of the right word; None where that is not asked, or not known"""

    def packed(self) -> list[Any]:
        """Its values in order; without a right word, none for that."""
        values = list(asdict(self).values())
        return values[:-1] if self.right is None else values


class Book:
    """Sentences of exemplars, each once, and the attention in them, in the order in which they are listed."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._places: dict[tuple[str, int, tuple[str, ...]], int] = {}
        self.sentences: list[list[str | list[str]]] = []
        self.rows = _Rows()

    def listed(self, exemplars: pd.DataFrame, attention: pd.DataFrame) -> dict[tuple[str, int, int], list[list[Any]]]:
        """By claim and head the exemplars, best first, with the attention in those that have any."""
        keys = ["claim", "layer", "head", "rank"]
        found = {tuple(getattr(row, key) for key in keys): row for row in attention.itertuples(index=False)}
        by_head: dict[tuple[str, int, int], list[list[Any]]] = {}
        for row in exemplars.sort_values(keys).itertuples(index=False):
            one = self._exemplar(row, found.get((row.claim, row.layer, row.head, row.rank)))
            by_head.setdefault((str(row.claim), int(row.layer), int(row.head)), []).append(one.packed())
        return by_head

    def listed_by_bucket(
        self, exemplars: pd.DataFrame, attention: pd.DataFrame
    ) -> dict[tuple[int, int], list[list[Any]]]:
        """By head typical ones [bucket, exemplar], those with the largest weights first, with the attention in some."""
        keys = ["layer", "head", "bucket", "rank"]
        found = {tuple(getattr(row, key) for key in keys): row for row in attention.itertuples(index=False)}
        parts = exemplars.assign(part=-exemplars["bucket"].map(TYPICAL.index).astype(int))
        ordered = parts.sort_values(["layer", "head", "part", "rank"])
        by_head: dict[tuple[int, int], list[list[Any]]] = {}
        for row in ordered.itertuples(index=False):
            one = self._exemplar(row, found.get((row.layer, row.head, row.bucket, row.rank)))
            by_head.setdefault((int(row.layer), int(row.head)), []).append([row.bucket, one.packed()])
        return by_head

    def packed(
        self, exemplars: list[list[Any]], typical: Sequence[list[Any]] = (), claimed: Sequence[list[Any]] = ()
    ) -> dict[str, Any]:
        """What is listed, all sentences, and the attention in them, as `static/atlas/open-exemplars.js` reads them.

        Args:
            exemplars: of each head.
            typical: likewise.
            claimed: [claim, layer, head, exemplars].
        """
        listed = {"exemplars": exemplars, "typical": typical, "claimed": claimed, "sentences": self.sentences}
        return {"listed": pack_json(listed | {"steps": STEPS}), "rows": self.rows.packed()}

    def _exemplar(self, row: Any, weights: Any) -> Exemplar:
        first = None if weights is None else self.rows.add(weights)
        return Exemplar(self._place(row), int(row.rank), float(row.weight), int(row.i), int(row.j), first, row.right)

    def _place(self, row: Any) -> int:
        key = str(row.document), int(row.sentence), tuple(row.pieces)
        if key not in self._places:
            self._places[key] = len(self.sentences)
            self.sentences.append(_sentence(row, self._unit))
        return self._places[key]


def _sentence(row: Any, unit: str) -> list[str | list[str]]:
    """[source, pieces, whether white space is before each, and the corpus's text where these do not spell it]

    The text is as in an address, so that no sign in it can steer the page.
    """
    pieces = readable(list(row.pieces), str(row.text))
    spaces = "".join("1" if piece.space else "0" for piece in pieces)
    source = visible(f"{row.document}, {unit} {row.sentence}")
    spelled = "".join(" " * piece.space + piece.text for piece in pieces)
    more = [] if spelled == row.text else [quote(str(row.text), " ", errors="replace")]
    return [source, [piece.text for piece in pieces], spaces, *more]


class _Rows:
    """Rows of attention, sparse and end to end: lengths of rows, attended pieces, weights."""

    def __init__(self) -> None:
        self._number = 0
        self._lengths: list[Any] = []
        self._to: list[Any] = []
        self._weights: list[Any] = []

    def add(self, weights: Any) -> int:
        """All n rows of a sentence, in order; the position of the first."""
        first, attending = self._number, np.asarray(weights.i, np.int64)
        order = np.argsort(attending, kind="stable")
        self._lengths.append(np.bincount(attending, minlength=int(weights.pieces)))
        self._number += len(self._lengths[-1])
        self._to.append(np.asarray(weights.j)[order])
        self._weights.append(np.rint(np.asarray(weights.weight, np.float64)[order] * STEPS))
        return first

    def packed(self) -> dict[str, Packed]:
        """As the page's script unpacks them."""
        kinds = {"lengths": (self._lengths, "<u2"), "to": (self._to, "<u2"), "weights": (self._weights, "<u2")}
        return {name: pack(np.concatenate([np.zeros(0), *parts]).astype(kind)) for name, (parts, kind) in kinds.items()}
