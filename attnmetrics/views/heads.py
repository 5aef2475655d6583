"""Which heads stand out: questions with one head for an answer, each asked only where the run has its table."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.describing.finding import holding
from attnmetrics.describing.rules import SECOND_SINK, package_rules
from attnmetrics.describing.tables import Tables
from attnmetrics.results.joined import halves_of
from attnmetrics.views.certainty import bear, bounds
from attnmetrics.views.evidence import of_each_choice, of_those_on
from attnmetrics.views.places import Place, find_place, ordinal, rank_table
from attnmetrics.views.tables import (
    HEAD,
    Labels,
    against,
    at_known_labels,
    at_labels,
    caption,
    chance,
    labels_of,
    shown,
    table_of_heads,
    values,
)


@dataclass(frozen=True, slots=True)
class Role:
    """A question with one head for an answer."""

    title: str
    metric: str
    at: Labels = field(default_factory=dict)
    """A label for each further dimension of the metric."""
    lowest: bool = False
    several: str = ""
    """What a head is called that may not be the only one; "among the " and the title, where that is a superlative."""
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
    place: Place | None = None
    """Among those that compete, from the one that answers best."""
    leaves_out_sinks: bool = False
    """Whether heads that rest on one piece of each sentence would compete, but for that."""
    held_out: "HeldOut | None" = None
    """The head that half of the shards choose; None without halves, or without evidence in one."""

    @property
    def title(self) -> str:
        """The role's, but for a superlative that the interval of its place does not bear."""
        is_open = self.place is not None and self.place.ends is not None and not self.place.is_first
        return self.role.several if is_open and self.role.several else self.role.title

    @property
    def stands(self) -> str:
        """Where it stands, "1st to 5th of 36"; empty without intervals."""
        return "" if self.place is None or self.place.ends is None else f"{self.place.told} of {self.place.of}"

    @property
    def stands_told(self) -> str:
        """The same, from which end, and who is left out: "1st of 218 that do not rest on one piece of a sentence"."""
        end = " from the lowest" if self.role.lowest else ""
        among = " that do not rest on one piece of a sentence" if self.leaves_out_sinks else ""
        return f"{self.stands}{end}{among}" if self.stands else ""

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
    Role("most null attention", "null_attention", several="among those with most null attention"),
    Role("along dependencies", "dependency_alignment", {"direction": "either"}),
    Role("most local", "distance", lowest=True, several="among the most local"),
    Role("most distant", "distance", several="among the most distant"),
    Role("most diffuse", "entropy", several="among the most diffuse"),
    Role("sharpest", "entropy", lowest=True, several="among the sharpest"),
    Role("least variable", "variability", lowest=True, several="among the least variable"),
    Role("most variable", "variability", several="among the most variable"),
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
    return at_known_labels(table, at)


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
    competitors = _competitors(data, role)
    best = ranked(competitors, lowest=role.lowest)
    if not best:
        return None
    one = _standout(data, role, best[0], table)
    if not role.lowest and not one.value > max(0.0, np.nan_to_num(one.chance)):
        return None
    place = _place(data, role, best[0], competitors)
    all_on = of_those_on(data, rank_table(data, role.metric, role.at))
    left_out = bool(competitors.count() < all_on.count())
    return replace(one, place=None if place is None else replace(place, rank=1), leaves_out_sinks=left_out)


def _competitors(data: xr.Dataset, role: Role) -> xr.DataArray:
    """[layer, head] the numbers of those that may answer a role."""
    competitors = of_those_on(data, rank_table(data, role.metric, role.at))
    return competitors.where(xr.DataArray(~second_sinks(data), dims=HEAD)) if role.of_pieces else competitors


def _place(data: xr.Dataset, role: Role, best: tuple[int, int, float], ranks: xr.DataArray) -> Place | None:
    """Where a head stands for a role."""
    place = find_place(data, role.metric, role.at, {"layer": best[0], "head": best[1]}, ranks)
    return place.from_below() if place is not None and role.lowest else place


def _standout(data: xr.Dataset, role: Role, best: tuple[int, int, float], table: xr.DataArray) -> Standout:
    at = {"layer": best[0], "head": best[1]}
    level = chance(data, data[role.metric])
    by_chance = np.nan if level is None else float(at_labels(level, {**at, **role.at}))
    of_chance = "" if level is None else caption(level)
    median = float(np.nanmedian(values(of_those_on(data, table))))
    sure = bounds(data, role.metric, {**at, **role.at})
    return Standout(role, best[0], best[1], float(at_labels(table, at)), median, by_chance, of_chance, sure, table)


def standouts(data: xr.Dataset) -> list[Standout]:
    """The answered roles, in the order of `ROLES`, each with the head that half of the shards choose for it."""
    found = (standout(data, role) for role in ROLES)
    halves = halves_of(data)
    return [replace(one, held_out=held_out(*halves, one.role) if halves else None) for one in found if one is not None]


# ---- chosen on even shards, scored on odd ones


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The head that answers a role on even shards, and what it has on odd ones."""

    layer: int
    head: int
    value: float
    place: Place
    """among those that compete on odd shards"""
    table: xr.DataArray = field(repr=False, compare=False)

    @property
    def shown(self) -> str:
        """The value with its unit."""
        return shown(self.table, self.value)


def asked_by_standouts(data: xr.Dataset) -> list[str]:
    """The names of all results that say which heads stand out."""
    metrics = [data[name] for name in dict.fromkeys(role.metric for role in ROLES) if name in data]
    more = [str(table.attrs.get(what, "")) for table in metrics for what in ("chance", "excess")]
    sinks = ("second_sink", "second_sink_off_null", "second_sink_uniform")
    named = [*(str(table.name) for table in metrics), *more, "null_attention", *sinks]
    return [name for name in dict.fromkeys(named) if name in data]


def held_out(even: xr.Dataset, odd: xr.Dataset, role: Role) -> HeldOut | None:
    """The head that answers a role on even shards, on odd ones; None without evidence in one of the halves."""
    table = per_head(odd, role.metric, role.at)
    chosen = [] if table is None else ranked(_competitors(even, role), lowest=role.lowest)
    if table is None or not chosen:
        return None
    place = _place(odd, role, chosen[0], _competitors(odd, role))
    layer, head, _ = chosen[0]
    value = float(at_labels(table, {"layer": layer, "head": head}))
    return None if place is None else HeldOut(layer, head, value, place, table)


def held_out_told(one: Standout) -> str:
    """What even shards choose in words, as far as it is another head, its value on odd ones, and its place there where
    that is not the first; empty without halves.
    """
    found = one.held_out
    if found is None:
        return ""
    there = "" if found.place.rank == 1 else f", {ordinal(found.place.rank)} of {found.place.of} there"
    other = "" if (found.layer, found.head) == (one.layer, one.head) else f"layer {found.layer} head {found.head}, "
    return f"held out: {other}{found.shown}{there}"


def standouts_by_evidence(data: xr.Dataset) -> list[tuple[float, list[Standout]]]:
    """Those of each share that a page may ask for as evidence, ascending; asked once where the same heads are off."""
    return of_each_choice(data, standouts)
