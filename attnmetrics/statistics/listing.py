"""The exemplars of a run as they are listed: in each head the strongest, typical ones, and those of every claim."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.statistics.claims import Rows, keep_best, make_rows, rank_of
from attnmetrics.statistics.exemplars import Exemplars
from attnmetrics.statistics.typical import Typical, find_typical

BUCKETS: Final = ("top", "0-20", "20-40", "40-60", "60-80", "80-100")
"""The strongest, and the parts that typical units are cut into."""

TOLD_BY_SENTENCES: Final = ("relation:", "coreference:")
"""What the claims begin with whose exemplars are drawn like those of no claim."""

TYPICAL_DRAWN: Final = 1
"""Typical ones of each part that are drawn."""

LISTED: Final = np.dtype(
    [
        ("claim", np.int32),  # a place in `Listing.claims`
        ("bucket", np.int32),  # a place in `BUCKETS`
        ("layer", np.int32),  # its place among the measured ones
        ("head", np.int32),
        ("rank", np.int32),  # from 0 in each claim and bucket
        ("weight", np.float64),  # F[i, j]
        ("document_index", np.int64),
        ("sentence", np.int64),
        ("i", np.int32),
        ("j", np.int32),
    ]
)


@dataclass(frozen=True, eq=False)
class Listing:
    """Exemplars by (claim, bucket, layer, head, rank)."""

    claims: tuple[str, ...]
    """the first is empty: what is no claim's"""
    rows: NDArray[np.void]
    """[N] of `LISTED`"""
    missed: Mapping[str, str] = field(default_factory=dict)
    """of claims that are wrong answers: what was asked (see `Passage.questions`)"""

    def is_drawn(self, most: int) -> NDArray[np.bool_]:
        """[N] whether the attention in it is shown: of the strongest so many, of typical ones the first of a part."""
        told = [number for number, claim in enumerate(self.claims) if claim.startswith(TOLD_BY_SENTENCES)]
        is_own, is_top = self.rows["claim"] == 0, self.rows["bucket"] == 0
        limit = np.where(is_top, most, min(most, TYPICAL_DRAWN))
        return np.asarray((is_own | np.isin(self.rows["claim"], told)) & (self.rows["rank"] < limit))

    @property
    def units(self) -> set[tuple[int, int]]:
        """(document_index, sentence) of all units."""
        return set(zip(self.rows["document_index"].tolist(), self.rows["sentence"].tolist(), strict=True))


def make_listing(
    top: Exemplars,
    claims: Rows,
    names: tuple[str, ...],
    either: Mapping[str, tuple[int, ...]],
    of_best: Mapping[str, tuple[int, int, int]] | None = None,
    typical: Typical | None = None,
    missed: Mapping[str, str] | None = None,
) -> Listing:
    """The listing of a run.

    Args:
        top: the strongest of each head.
        claims: the best of each claim and head.
        names: of the claims, by number; others are listed only where they are named below.
        either: claims that are several others at once, name → their numbers.
        of_best: claims of one head, name → (number, layer, head).
        typical: the sample of typical units; None for none.
        missed: see `Listing`.
    """
    best = of_best or {}
    together = [_together(claims, len(names) + n, numbers) for n, numbers in enumerate(either.values())]
    first = len(names) + len(either)
    answers = [_of_head(claims, first + n, *one) for n, one in enumerate(best.values())]
    every = np.concatenate([claims[claims["claim"] < len(names)], *together, *answers])
    of_parts = [] if typical is None else [_list_typical(typical)]
    rows = np.concatenate([_list_top(top), *of_parts, _list_claims(every)])
    return Listing(("", *names, *either, *best), rows, missed or {})


def _list_top(top: Exemplars) -> NDArray[np.void]:
    layer, head, rank = np.nonzero(top.sentence >= 0)
    columns = ("weight", "document_index", "sentence", "i", "j")
    return _listed(
        layer=layer, head=head, rank=rank, **{name: getattr(top, name)[layer, head, rank] for name in columns}
    )


def _list_typical(sample: Typical) -> NDArray[np.void]:
    unit, part, layer, head, rank = find_typical(sample)
    of_unit = {name: getattr(sample, name)[unit] for name in ("document_index", "sentence")}
    of_head = {name: getattr(sample, name)[unit, layer, head] for name in ("weight", "i", "j")}
    return _listed(bucket=part + 1, layer=layer, head=head, rank=rank, **of_unit, **of_head)


def _list_claims(claims: Rows) -> NDArray[np.void]:
    """The claims by number, from 1 on."""
    columns = ("layer", "head", "weight", "document_index", "sentence", "i", "j")
    return _listed(claim=claims["claim"] + 1, rank=rank_of(claims), **{name: claims[name] for name in columns})


def _listed(**columns: NDArray[Any]) -> NDArray[np.void]:
    rows = np.zeros(len(columns["layer"]), LISTED)
    for name, column in columns.items():
        rows[name] = column
    return rows


def _of_head(claims: Rows, number: int, own: int, layer: int, head: int) -> Rows:
    """The rows of a claim in one head, under another number."""
    rows: Rows = claims[(claims["claim"] == own) & (claims["layer"] == layer) & (claims["head"] == head)]
    rows["claim"] = number
    return rows


def _together(claims: Rows, number: int, numbers: Iterable[int]) -> Rows:
    """The best rows of several claims, as those of one: of a unit the best."""
    own = claims[np.isin(claims["claim"], list(numbers))]
    columns = {name: own[name] for name in own.dtype.names or ()}
    return keep_best(make_rows(**columns | {"claim": np.full(len(own), number)}))
