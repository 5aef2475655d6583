"""Which heads stand out: questions with one head for an answer, each asked only where the run has its table."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.describing.finding import holding
from attnmetrics.describing.rules import SECOND_SINK, package_rules
from attnmetrics.describing.tables import Tables
from attnmetrics.views.certainty import bear, bounds
from attnmetrics.views.evidence import competing, of_each_choice, of_those_on
from attnmetrics.views.tables import (
    HEAD,
    Labels,
    against,
    at_labels,
    caption,
    chance,
    labels_of,
    ranking,
    select,
    shown,
    table_of_heads,
    values,
    with_one_label,
)


@dataclass(frozen=True, slots=True)
class Role:
    """A question with one head for an answer."""

    title: str
    metric: str
    at: Labels = field(default_factory=dict)
    """A label for each further dimension of the metric."""
    lowest: bool = False
    of_pieces: bool = False
    """Whether it is about what pieces are: not for a head that rests on one piece of each sentence, whatever it is."""


@dataclass(frozen=True, slots=True)
class Standout:
    """The head that answers a role in a run."""

    role: Role
    layer: int
    head: int
    value: float
    median: float
    """Median over all heads with evidence that are not nearly switched off."""
    chance: float
    """The value's chance level; NaN where the run has none."""
    of_chance: str
    """What the chance level is: "even attention"; empty where the run has none."""
    bounds: tuple[float, float]
    """Of the value; NaN without intervals."""
    table: xr.DataArray = field(repr=False, compare=False)
    """[layer, head] values of all heads"""

    @property
    def shown(self) -> str:
        """The value with its unit, and as many digits as its interval bears."""
        return bear(self.table, self.value, *self.bounds)[0]

    @property
    def interval(self) -> str:
        """Of the value; `–` without one."""
        return bear(self.table, self.value, *self.bounds)[1]

    @property
    def shown_median(self) -> str:
        """The median with its unit."""
        return shown(self.table, self.median)

    @property
    def shown_chance(self) -> str:
        """The chance level with its unit."""
        return shown(self.table, self.chance)

    @property
    def against_chance(self) -> str:
        """The value against its chance level: "7.6×", or "+11 points" beyond it; empty where that cannot be said."""
        return against(self.table, self.value, self.chance)


ROLES: Final = (
    Role("most null attention", "null_attention"),
    Role("along dependencies", "dependency_alignment", {"direction": "either"}),
    Role("most local", "distance", lowest=True),
    Role("most distant", "distance"),
    Role("most diffuse", "entropy"),
    Role("sharpest", "entropy", lowest=True),
    Role("least variable", "variability", lowest=True),
    Role("most variable", "variability"),
    Role("previous piece", "attention_at_offset", {"offset": 1}),
    Role("own piece", "attention_at_offset", {"offset": 0}),
    Role("repeated piece", "repeat_attention"),
    Role("induction", "induction_attention"),
    Role("to nouns", "pos_to", {"pos": "NOUN"}, of_pieces=True),
    Role("to proper nouns", "pos_to", {"pos": "PROPN"}, of_pieces=True),
    Role("to determiners", "pos_to", {"pos": "DET"}, of_pieces=True),
    Role("to verbs", "pos_to", {"pos": "VERB"}, of_pieces=True),
    Role("to punctuation", "pos_to", {"pos": "PUNCT"}, of_pieces=True),
)


def second_sinks(data: xr.Dataset) -> NDArray[np.bool_]:
    """[layer, head] whether a head rests on one piece of each sentence, by the rules of roles; none where unknown."""
    return holding(package_rules(), Tables(data), SECOND_SINK)


EXAMPLE_ROLES: Final = tuple(role for role in ROLES if role.title in ("most local", "most diffuse", "most distant"))
"""Of the heads in Fig. 4."""


def per_head(data: xr.Dataset, metric: str, at: Labels) -> xr.DataArray | None:
    """A [layer, head] table, or None where the run lacks the metric or a label."""
    table = table_of_heads(data, metric)
    if table is None or any(dim not in table.dims or label not in labels_of(table, dim) for dim, label in at.items()):
        return None
    return select(data, metric, at)


def ranked(table: xr.DataArray, *, lowest: bool = False) -> list[tuple[int, int, float]]:
    """(layer, head, value), best first, heads without evidence left out; of equals the first layer, then head."""
    flat = values(table).ravel()
    order = np.argsort(flat if lowest else -flat, kind="stable")
    layers, heads = table["layer"].values, table["head"].values
    kept = [int(index) for index in order if not np.isnan(flat[index])]
    return [(int(layers[n // len(heads)]), int(heads[n % len(heads)]), float(flat[n])) for n in kept]


def standout(data: xr.Dataset, role: Role) -> Standout | None:
    """The head that answers a role, or None where the run has no evidence for it, or only of heads switched off."""
    table = per_head(data, role.metric, role.at)
    if table is None:
        return None
    competitors = of_those_on(data, rank_table(data, role.metric, role.at))
    if role.of_pieces:
        competitors = competitors.where(xr.DataArray(~second_sinks(data), dims=HEAD))
    best = ranked(competitors, lowest=role.lowest)
    if not best:
        return None
    one = _standout(data, role, best[0], table)
    return one if role.lowest or one.value > max(0.0, np.nan_to_num(one.chance)) else None


def _standout(data: xr.Dataset, role: Role, best: tuple[int, int, float], table: xr.DataArray) -> Standout:
    at = {"layer": best[0], "head": best[1]}
    level = chance(data, data[role.metric])
    by_chance = np.nan if level is None else float(at_labels(level, {**at, **role.at}))
    of_chance = "" if level is None else caption(level)
    median = float(np.nanmedian(values(of_those_on(data, table))))
    sure = bounds(data, role.metric, {**at, **role.at})
    return Standout(role, best[0], best[1], float(at_labels(table, at)), median, by_chance, of_chance, sure, table)


def rank_table(data: xr.Dataset, metric: str, at: Labels) -> xr.DataArray:
    """The numbers by which heads are ranked for a metric at these labels, NaN of heads that do not compete.

    By what is beyond chance, where the run has that; heads that are nearly switched off do not compete. Of a metric
    with two further dimensions, a label is both, joined: {"rule, rel": "row, nsubj"}.
    """
    return competing(data, at_labels(with_one_label(ranking(data, data[metric])), at))


def standouts(data: xr.Dataset) -> list[Standout]:
    """The answered roles, in the order of `ROLES`."""
    found = (standout(data, role) for role in ROLES)
    return [head for head in found if head is not None]


def standouts_by_evidence(data: xr.Dataset) -> list[tuple[float, list[Standout]]]:
    """Those of each share that a page may ask for as evidence, ascending; asked once where the same heads are off."""
    return of_each_choice(data, standouts)
