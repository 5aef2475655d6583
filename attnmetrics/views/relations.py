"""Which head finds a relation, or antecedents: the best of all, beside what needs no head at all."""

from dataclasses import asdict, dataclass, fields
from itertools import product
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.views.certainty import bounds, stored_bounds
from attnmetrics.views.heads import per_head, ranked
from attnmetrics.views.tables import Labels, at_labels, labels_of, values
from attnmetrics.views.word_classes import NearestWords

NEEDS: Final = ("relation_accuracy", "relation_edges", "relation_edges_attainable", "relation_offset_accuracy")
"""Tables that a relation is told from."""
_HELD_OUT: Final = ("relation_best_accuracy", "relation_baseline")
"""Others, which are told where a run has them."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation under a rule, and the head that finds it best."""

    rule: str
    rel: str
    edges: int
    """of the text, between words that have pieces in a common unit"""
    attainable: int
    """those that the rule can find"""
    layer: int
    head: int
    accuracy: float
    """of that head over all documents"""
    accuracy_low: float
    """lowest that it may be; NaN without intervals, as all bounds"""
    accuracy_high: float
    held_out: float
    """of the best head of each half, on the other half; NaN with too little evidence"""
    held_out_low: float
    held_out_high: float
    offset: int
    """how many words to the right the parent stands most often"""
    at_offset: float
    """share of edges whose parent stands there"""
    at_offset_low: float
    at_offset_high: float
    baseline: float
    """of the best offset of each half, on the other half; NaN with too little evidence"""
    baseline_low: float
    baseline_high: float
    nearest: str
    """of which class the nearest word finds most, and on which side: "verb before"; "" where that is unknown"""
    at_nearest: float
    """of the best class and side of each half, on the other half; NaN with too little evidence"""
    at_nearest_low: float
    at_nearest_high: float

    @property
    def hits(self) -> float:
        """Edges that the head finds."""
        return self.accuracy * self.attainable


def rules_of(data: xr.Dataset) -> list[str]:
    """The rules of a run, in order; none where it has no syntax."""
    return list(map(str, labels_of(data["rule"], "rule"))) if all(name in data for name in NEEDS) else []


class Relations:
    """The tables that relations are told from, read once for all of them."""

    def __init__(self, data: xr.Dataset) -> None:
        """Those of a run that has syntax."""
        names = [name for name in (*NEEDS, *_HELD_OUT) if name in data]
        self._values = {name: values(data[name]) for name in names}
        self._bounds = {name: stored_bounds(data, name) for name in names}
        self._nearest = NearestWords(data)
        self._labels = {dim: labels_of(data[dim], dim) for dim in ("layer", "head", "rule", "rel", "word_offset")}

    def find(self, rule: str, rel: str) -> Relation | None:
        """A relation under a rule; None where no edge is attainable."""
        nearest = self._nearest.find(rule, rel)
        at = self._labels["rule"].index(rule), self._labels["rel"].index(rel)
        accuracy, offsets = self._values["relation_accuracy"][:, :, *at], self._values["relation_offset_accuracy"][at]
        if np.isnan(accuracy).all():
            return None
        layer, head = map(int, np.unravel_index(np.nanargmax(accuracy), accuracy.shape))
        offset = int(np.nanargmax(offsets))
        return Relation(
            rule,
            rel,
            int(self._values["relation_edges"][at[1]]),
            int(self._values["relation_edges_attainable"][at]),
            int(self._labels["layer"][layer]),
            int(self._labels["head"][head]),
            *self._sure("relation_accuracy", (layer, head, *at)),
            *self._sure("relation_best_accuracy", at),
            int(self._labels["word_offset"][offset]),
            *self._sure("relation_offset_accuracy", (*at, offset)),
            *self._sure("relation_baseline", at),
            "" if nearest is None else nearest.name,
            *((np.nan,) * 3 if nearest is None else (nearest.share, nearest.low, nearest.high)),
        )

    def _sure(self, name: str, place: tuple[int, ...]) -> tuple[float, float, float]:
        """A value and its bounds; NaN where there are none."""
        if name not in self._values:
            return np.nan, np.nan, np.nan
        bounds = self._bounds[name]
        low, high = (np.nan, np.nan) if bounds is None else bounds[place].tolist()
        return float(self._values[name][place]), low, high


def under_rules(data: xr.Dataset, rel: str) -> list[Relation]:
    """A relation under each rule that can find it."""
    return _under(Relations(data), rules_of(data), rel) if rules_of(data) else []


def _under(tables: Relations, rules: list[str], rel: str) -> list[Relation]:
    found = (tables.find(rule, rel) for rule in rules)
    return [one for one in found if one is not None]


def by_rules(data: xr.Dataset) -> list[list[Relation]]:
    """Each relation of the run under each rule that can find it, the most frequent relation first."""
    rules = rules_of(data)
    if not rules:
        return []
    tables = Relations(data)
    found = [_under(tables, rules, str(rel)) for rel in labels_of(data["rel"], "rel")]
    return sorted(filter(None, found), key=lambda rules: -_best(rules).edges)


def relations(data: xr.Dataset) -> list[Relation]:
    """Each relation of the run under the rule that finds most of its edges, the most frequent relation first."""
    return [_best(rules) for rules in by_rules(data)]


def out_of_reach(data: xr.Dataset) -> dict[str, int]:
    """Relations of the run that no rule can find, by name: how many edges each has."""
    if not rules_of(data):
        return {}
    edges = {str(rel): float(at_labels(data["relation_edges"], {"rel": rel})) for rel in labels_of(data["rel"], "rel")}
    found = {one.rel for one in relations(data)}
    return {rel: int(number) for rel, number in edges.items() if number > 0 and rel not in found}


def _best(rules: list[Relation]) -> Relation:
    return max(rules, key=lambda one: one.hits)


def best_offset(table: xr.DataArray) -> tuple[int, float]:
    """The word offset with the highest share, and that, of a [word_offset] table with evidence."""
    place = int(np.nanargmax(values(table)))
    return int(table["word_offset"].values[place]), float(values(table)[place])


def _number(data: xr.Dataset, name: str, at: Labels) -> float:
    return float(at_labels(data[name], at)) if name in data else float("nan")


def relation_frame(data: xr.Dataset) -> pd.DataFrame:
    """A row a relation and rule, the most frequent relation first, with the fields of `Relation`."""
    rows = [asdict(one) for rules in by_rules(data) for one in rules]
    return pd.DataFrame(rows, columns=[one.name for one in fields(Relation)])


# ---- coreference


@dataclass(frozen=True, slots=True)
class Coreference:
    """Anaphors of a class, and the head that finds their antecedents best."""

    mention_class: str
    candidates: str
    anaphors: int
    layer: int
    head: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    held_out: float
    held_out_low: float
    held_out_high: float
    heuristics: dict[str, float]
    """accuracy of each heuristic, over mentions"""
    heuristics_bounds: dict[str, tuple[float, float]]
    """lowest and highest that it may be"""


def coreference(data: xr.Dataset) -> list[Coreference]:
    """Each class of mentions that has anaphors, over each kind of candidates; none where the run has no coreference."""
    if "coreference_accuracy" not in data:
        return []
    table = data["coreference_accuracy"]
    kinds = product(labels_of(table, "candidates"), labels_of(table, "mention_class"))
    found = (_coreference(data, str(candidates), str(mention_class)) for candidates, mention_class in kinds)
    return [one for one in found if one is not None]


def _coreference(data: xr.Dataset, candidates: str, mention_class: str) -> Coreference | None:
    at = {"candidates": candidates, "mention_class": mention_class}
    table = per_head(data, "coreference_accuracy", at)
    best = [] if table is None else ranked(table)
    if not best:
        return None
    layer, head, accuracy = best[0]
    of_head = bounds(data, "coreference_accuracy", {"layer": layer, "head": head, **at})
    held_out = bounds(data, "coreference_best_accuracy", at)
    told = data["coreference_heuristic"].sel(mention_class=mention_class)
    names = list(map(str, labels_of(told, "heuristic")))
    return Coreference(
        mention_class=mention_class,
        candidates=candidates,
        anaphors=int(data["coreference_anaphors"].sel(mention_class=mention_class)),
        layer=layer,
        head=head,
        accuracy=accuracy,
        accuracy_low=of_head[0],
        accuracy_high=of_head[1],
        held_out=_number(data, "coreference_best_accuracy", at),
        held_out_low=held_out[0],
        held_out_high=held_out[1],
        heuristics=dict(zip(names, values(told).tolist(), strict=True)),
        heuristics_bounds={
            name: bounds(data, "coreference_heuristic", {"mention_class": mention_class, "heuristic": name})
            for name in names
        },
    )


def coreference_frame(data: xr.Dataset) -> pd.DataFrame:
    """A row a class of mentions and kind of candidates, with the fields of `Coreference`, each heuristic a column."""
    named = [one.name for one in fields(Coreference) if not one.name.startswith("heuristics")]
    rows = [asdict(one) for one in coreference(data)]
    return pd.DataFrame([{**{name: row[name] for name in named}, **row["heuristics"]} for row in rows])
