"""Which exemplars answer the value of a metric, and of which heads a page has them."""

from collections.abc import Iterable, Iterator, Set
from typing import Final

import pandas as pd
import xarray as xr

from attnmetrics.views.evidence import competing
from attnmetrics.views.heads import Standout, ranked
from attnmetrics.views.tables import further, labels_of, of_heads, ranking, with_one_label

SHOWN: Final = 3
"""Heads with the highest values of a metric whose exemplars a page has."""
_OF_LINKS: Final = ("_alignment", "_excess", "_attention")
"""What the names of a link's metrics end with."""
_STEMS: Final = {"special_attention": "special_to", "second_sink_off_null": "second_sink"}
_OFFSETS: Final = {"1": "previous", "0": "current", "-1": "next"}


def claim_of(metric: str, label: str | None) -> str:
    """What the claim is called, if there is one, whose pairs a metric is about at a label.

    Example: `pos_to` at NOUN is about `pos_to:NOUN`, `dependency_excess` at either about `dependency:either`,
    `repeat_attention` about `repeat`, `relation_accuracy` at "row, obj" about `relation:obj:hit`, whatever the rule is.
    """
    if metric == "relation_accuracy":
        return f"relation:{(label or '').rpartition(', ')[2]}:hit"
    if metric == "neighbour_attention":
        return label or ""
    if metric == "attention_at_offset":
        return _OFFSETS.get(label or "", "")
    link = next((metric.removesuffix(end) for end in _OF_LINKS if metric.endswith(end)), metric)
    stem = _STEMS.get(metric, link)
    return stem if label is None else f"{stem}:{label}"


def claims_of(table: xr.DataArray) -> list[str]:
    """That of each label, joined as `with_one_label` does; of a table without labels, its own."""
    of_labels, name = with_one_label(table), str(table.name)
    labels = [str(label) for dim in further(of_labels) for label in labels_of(of_labels, dim)]
    return [claim_of(name, label) for label in labels] if further(table) else [claim_of(name, None)]


def leading(
    data: xr.Dataset,
    exemplars: pd.DataFrame,
    outstanding: Iterable[Standout],
    of_roles: Iterable[tuple[str, int, int]] = (),
) -> pd.Series:
    """Which of them answer a claim and are of a head that a page leads to from it: standouts, the highest of a metric,
    those with a role of which it is the claim.

    Args:
        data: the run's results.
        exemplars: rows with columns claim, layer and head.
        outstanding: all heads that a page says stand out.
        of_roles: (claim, layer, head) of the roles of all heads.
    """
    claims = set(exemplars["claim"]) - {""}
    wanted = {key for key in (*_highest(data, claims), *_standouts(outstanding), *of_roles) if key[0] in claims}
    keys = zip(exemplars["claim"], exemplars["layer"], exemplars["head"], strict=True)
    return pd.Series([key in wanted for key in keys], exemplars.index, dtype=bool)


def _highest(data: xr.Dataset, claims: Set[str]) -> Iterator[tuple[str, int, int]]:
    """(claim, layer, head)"""
    for table in of_heads(data).values():
        ranks = with_one_label(competing(data, ranking(data, table)))
        for place, claim in enumerate(claims_of(table)):
            if claim in claims:
                at = dict.fromkeys(further(ranks), place)
                yield from ((claim, layer, head) for layer, head, _ in ranked(ranks.isel(at))[:SHOWN])


def _standouts(outstanding: Iterable[Standout]) -> Iterator[tuple[str, int, int]]:
    return ((standout_claim(one), one.layer, one.head) for one in outstanding)


def standout_claim(one: Standout) -> str:
    """The claim that shows what a head stands out for."""
    return claim_of(one.role.metric, next((str(label) for label in one.role.at.values()), None))
