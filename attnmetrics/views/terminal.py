"""Tables in the terminal: a run's summary, any metric, a head's profile, a head's sentences.

Everything returned is a rich renderable. Text of the corpus is drawn as it stands: never as markup, never as a control
sequence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from attnmetrics.errors import ConfigError
from attnmetrics.storage import Location
from attnmetrics.views import palette, similarity
from attnmetrics.views.certainty import (
    MEAN_OF_HEADS,
    OF_PAIRS,
    Certainty,
    certainty,
    interval_title,
    unsure_told,
    why_none,
)
from attnmetrics.views.correlations import without_off
from attnmetrics.views.evidence import competing, evidence, from_how_much, is_off, off_in_words
from attnmetrics.views.exemplars import TYPICAL, strongest, typical
from attnmetrics.views.facts import about, duration, headline, left_out, other_layers, stage_seconds
from attnmetrics.views.heads import Standout, ranked, standouts
from attnmetrics.views.light_table import LightTable
from attnmetrics.views.numbers import percent
from attnmetrics.views.pieces import Piece, readable, visible, window
from attnmetrics.views.places import find_place, ordinal, rank_table
from attnmetrics.views.tables import (
    HEAD,
    Labels,
    against,
    at_labels,
    beside_chance,
    by_themselves,
    caption,
    dim_title,
    further,
    heading,
    in_words,
    is_magnitude,
    is_of_all_attention,
    is_share,
    kind,
    labels_of,
    said,
    shown,
    title,
    units,
    values,
)

_NOT_IN_SUMMARY: Final = ("least variable", "most variable")
WIDEST_HEAT: Final = 16
"""Heat tables with more heads than this would not fit a terminal."""
_FROM: Final = "bold black on #ffd08a"
_TO: Final = "bold black on #9fd3f2"
_FAINT: Final = "dim"
HELD_OUT: Final = (
    "held out: the head chosen on even shards, scored on odd ones; its place there where it is not the first"
)
_AGAINST: Final = "against it"
"""Heads the column of values against their chance level."""


# ---- summary


def summary(data: xr.Dataset, facts: Mapping[str, Any]) -> RenderableType:
    """The end of a run: what was measured, what was left out, the heads that stand out."""
    numbers = ", ".join(value if name == "time" else f"{value} {name}" for name, value in headline(data, facts))
    lines: list[RenderableType] = [Text(numbers)]
    if others := other_layers(facts):
        lines.append(Text(visible(f"layers without attention: {others}")))
    missing = [f"{name} ({value})" for name, value in left_out(data, facts) if value != "0"]
    if missing:
        lines.append(Text(f"left out or cut: {', '.join(missing)}", style="yellow"))
    off = [Text(off_in_words(data), style=_FAINT)] if is_off(data).any() else []
    found = [head for head in standouts(data) if head.role.title not in _NOT_IN_SUMMARY]
    if not found:
        return Group(*lines, *off, Text("no head has evidence in this run"))
    groups = ([head for head in found if (head.role.metric == "pos_to") == tags] for tags in (False, True))
    tables: list[RenderableType] = [
        part for group in groups if group for part in (Text(), _standouts(group, interval_title(data)))
    ]
    said = why_none(data) or (HELD_OUT if any(head.held_out for head in found) else "")
    return Group(*lines, *off, *tables, *([Text(), Text(said, style=_FAINT)] if said else []))


def _standouts(found: Sequence[Standout], interval: str) -> Table:
    """A row a head; beside the value its interval, and its chance level where that is the same thing for all."""
    what = "heads that stand out" if found[0].role.metric != "pos_to" else "attention to"
    captions = {head.of_chance for head in found}
    of_chance = captions.pop() if len(captions) == 1 else ""
    sure = [interval, "rank"] if interval else []
    beyond = ["held out"] if any(head.held_out for head in found) else []
    table = LightTable(
        what, "head", "", *sure, *beyond, "median", *([of_chance, _AGAINST] if of_chance else ["vs chance"])
    )
    for head in found:
        name = head.title.removeprefix("to ")
        place = f"layer {head.layer} head {head.head}"
        level = [head.shown_chance] if of_chance else []
        stands = [head.interval, head.stands] if sure else []
        beside = [*stands, *([_held_out(head)] if beyond else []), head.shown_median, *level, head.against_chance]
        table.add_row(name, place, head.shown, *(Text(one, style=_FAINT) for one in beside))
    return table


def _held_out(head: Standout) -> str:
    """What the head that even shards choose has on odd ones: which one, and its place there, where it is another."""
    found = head.held_out
    if found is None:
        return "–"
    other = "" if (found.layer, found.head) == (head.layer, head.head) else f", {found.layer}.{found.head}"
    return f"{found.shown}{other}" if found.place.rank == 1 else f"{found.shown}{other}, {ordinal(found.place.rank)}"


# ---- a metric


def show_metric(data: xr.Dataset, name: str, top: int = 10, label: str | None = None) -> RenderableType:
    """A metric as tables: of heads a heat table and the top heads; of layers, labels and the corpus all values.

    Where the run has the metric's chance level, it stands beside the values.

    Args:
        data: a run's results
        name: of any of its variables
        top: heads to list
        label: of the metric's further dimension (a tag, a relation, a direction, an offset); without it a metric with
            such a dimension shows each label's mean and top head. Of two further dimensions, both: "row, nsubj"

    Raises:
        ConfigError: no such metric or label.
    """
    _refuse_label(data, name)
    whole = data[known_name(name, [str(key) for key in data.data_vars], "metric")]
    if label is None and (told := _compared(whole, top)):
        return Group(*_heading(whole, {}), *told)
    beside = _Beside.of(data, name)
    at = {} if label is None else known_label(beside.table, name, label)
    body = _metric_body(data, beside.at(at), at, top)
    return Group(*_heading(beside.table, at), *body, *_of_intervals(data, beside))


def _metric_body(data: xr.Dataset, beside: "_Beside", at: Labels, top: int) -> Sequence[RenderableType]:
    table = beside.table
    if table.ndim == 0:
        return [_single(beside), *_without_off(data, table)]
    if table.dims[:2] != HEAD:
        return [_list(beside) if table.ndim == 1 else _matrix(table, beside.level)]
    ranks = rank_table(data, str(table.name), at)
    if table.ndim > 2:
        return [_by_label(beside, ranks), Text(MEAN_OF_HEADS, style=_FAINT), *_off(data, table, top)]
    heat: list[RenderableType] = [_heat(data, table), Text()] if table.sizes["head"] <= WIDEST_HEAT else []
    return [*heat, *_how_ranked(table, beside.level), _top_heads(beside, ranks, top), *_off(data, table, top)]


def _single(beside: "_Beside") -> Text:
    """A single number, and what stands beside it."""
    value = float(beside.table)
    told = [beside.told(value, {})]
    if beside.sure:
        told.append(f"{beside.sure.title} {beside.interval(value, {})}")
    return Text(", chance ".join([", ".join(told), *beside.chance({})]))


def _of_intervals(data: xr.Dataset, beside: "_Beside") -> list[Text]:
    """What is to be said of intervals: why there are none, or what a mark at some of them means."""
    if reason := why_none(data):
        return [Text(), Text(reason, style=_FAINT)]
    return [Text(), Text(unsure_told(data), style=_FAINT)] if beside.sure and beside.sure.has_unsure else []


def _how_ranked(table: xr.DataArray, level: xr.DataArray | None) -> list[RenderableType]:
    """Said where heads are ranked by other values than the table's."""
    if level is None or not table.attrs.get("excess"):
        return []
    return [Text(f"ranked by what is beyond {caption(level)}", style=_FAINT)]


def _off(data: xr.Dataset, table: xr.DataArray, top: int) -> list[RenderableType]:
    """The heads that are nearly switched off, and where each has one value, that; nothing of tables of all α."""
    off = np.argwhere(is_off(data)).tolist()
    if not off or is_of_all_attention(table):
        return []
    if table.ndim > 2:
        return [Text(), Text(off_in_words(data), style=_FAINT)]
    result = LightTable("nearly switched off on this text: no rank", "", "")
    for a, b in off[:top]:
        layer, head = table["layer"].values.tolist()[a], table["head"].values.tolist()[b]
        value = shown(table, float(values(table)[a, b]))
        result.add_row(f"layer {layer} head {head}", value, Text(from_how_much(data, layer, head), style=_FAINT))
    if len(off) > top:
        result.add_row(f"… {len(off) - top} more")
    return [Text(), result]


def _without_off(data: xr.Dataset, table: xr.DataArray) -> list[RenderableType]:
    """Of a correlation over heads, that over those that are not nearly switched off."""
    told = without_off(data, str(table.name))
    return [] if told is None else [Text(told, style=_FAINT)]


def known_name(name: str, known: Sequence[str], what: str) -> str:
    """`name`, if it is known.

    Raises:
        ConfigError: it is not; the message lists the known ones, the nearest first.
    """
    if name in known:
        return name
    near = get_close_matches(name, known, 1)
    hint = f"did you mean {visible(near[0])!r}? " if near else ""
    listed = ", ".join(visible(one) for one in known if not one.endswith("_by_layer")) or "none"
    twins = "; each metric of heads also as <metric>_by_layer" if what == "metric" else ""
    raise ConfigError(f"expected a {what} of this run, found {visible(name)!r}; {hint}the run has: {listed}{twins}")


def _refuse_label(data: xr.Dataset, name: str) -> None:
    """A tag or a relation in the place of a metric."""
    having = [str(key) for key, table in by_themselves(data).items() if _has_label(table, name)]
    if name not in data and having:
        raise ConfigError(
            f"expected a metric of this run, found {visible(name)!r}, a label of {', '.join(having)}; say "
            f"attnmetrics show RUN {having[0]} --label {name}"
        )


def _has_label(table: xr.DataArray, label: str) -> bool:
    return any(label in map(str, table[dim].values.tolist()) for dim in further(table))


def known_label(table: xr.DataArray, name: str, label: str) -> Labels:
    """The label of the table's further dimension that is spelled like this.

    Raises:
        ConfigError: there is none.
    """
    dims = further(table)
    if not dims:
        raise ConfigError(f"expected no label for {visible(name)}, found {visible(label)!r}; it has one value a head")
    known = labels_of(table, dims[0])
    spelled = known_name(label, [str(one) for one in known], f"label of {visible(dims[0])!r}")
    return {dims[0]: known[[str(one) for one in known].index(spelled)]}


def _heading(table: xr.DataArray, at: Labels) -> list[RenderableType]:
    formula = said(table, "formula")
    about_it = [Text(f"{formula} [{units(table)}]", style=_FAINT)] if formula else []
    return [Text(heading(table, at), style="bold"), *about_it, Text()]


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands beside the values of a table: their intervals and their chance level, where there are any."""

    table: xr.DataArray
    level: xr.DataArray | None
    sure: Certainty | None

    @classmethod
    def of(cls, data: xr.Dataset, name: str) -> "_Beside":
        """Of a result of a run, with at most one further dimension."""
        table, level = beside_chance(data, name)
        return cls(table, level, certainty(data, name))

    def at(self, labels: Labels) -> "_Beside":
        """At these labels."""
        level = None if self.level is None else at_labels(self.level, labels)
        sure = None if self.sure is None else self.sure.at(labels)
        return _Beside(at_labels(self.table, labels), level, sure)

    def layout(self, *columns: str, then: Sequence[str] = ()) -> Table:
        """A light table with these columns, the last of values, and one each for their intervals and for what follows
        them; where there is a chance level, one for it, and one for values against it.
        """
        interval = [self.sure.title] if self.sure else []
        return LightTable(*columns, *interval, *then, *([] if self.level is None else [caption(self.level), _AGAINST]))

    def cells(self, value: float, at: Labels, *then: str) -> list[str]:
        """A value at these labels, and the cells after it in such a table."""
        interval = [self.interval(value, at)] if self.sure else []
        return [self.told(value, at), *interval, *then, *self.against(value, at)]

    def told(self, value: float, at: Labels) -> str:
        """A value, with as many digits as its interval bears."""
        return self.sure.told(value, at)[0] if self.sure else shown(self.table, value)

    def interval(self, value: float, at: Labels) -> str:
        """Of a value; empty where there is none."""
        return self.sure.told(value, at)[1] if self.sure else ""

    def chance(self, at: Labels) -> list[str]:
        """A cell for the chance level, written as the values are; none where there is none."""
        return [] if self.level is None else [shown(self.table, float(at_labels(self.level, at)))]

    def against(self, value: float, at: Labels) -> list[str]:
        """One more, for the value against it."""
        if self.level is None:
            return []
        return [*self.chance(at), against(self.table, value, float(at_labels(self.level, at)))]


def _heat(data: xr.Dataset, table: xr.DataArray) -> Table:
    """A heat table in which heads that are nearly switched off have no colour and set no scale."""
    kept = competing(data, table)
    return heat_table(table, values(kept))


def heat_table(table: xr.DataArray, coloured: NDArray[np.float64] | None = None) -> Table:
    """Values of every head on a coloured ground; layers down.

    Args:
        table: [layer, head]
        coloured: the same, NaN where a value has no colour; all have one by default
    """
    numbers = values(table)
    scaled = numbers if coloured is None else coloured
    grid = Table(box=None, padding=(0, 0), pad_edge=False)
    grid.add_column(Text("layer", style=_FAINT), justify="right")
    for head in table["head"].values.tolist():
        grid.add_column(Text(f"{head} ", style=_FAINT), justify="right", no_wrap=True)
    most = float(np.nanmax(np.abs(scaled))) if np.isfinite(scaled).any() else 1.0
    has_signs = np.isfinite(scaled).any() and np.nanmin(scaled) < 0
    scale, low = (palette.DIVERGING, -most) if has_signs else (palette.SEQUENTIAL, 0.0)
    for layer, row, ground in zip(table["layer"].values.tolist(), numbers, scaled, strict=True):
        shares = (ground - low) / ((most - low) or 1.0)
        cells = (_cell(table, value, share, scale) for value, share in zip(row, shares, strict=True))
        grid.add_row(Text(f"{layer} ", style=_FAINT), *cells)
    return grid


def _cell(table: xr.DataArray, value: float, share: float, scale: palette.Scale) -> Text:
    """A value on the colour at this share of the scale; faint on none without a share."""
    if np.isnan(value):
        return Text("  – ", style=_FAINT)
    if np.isnan(share):
        return Text(f" {_short(table, value):>4} ", style=_FAINT)
    level = round(share * (palette.LEVELS - 1))
    ink = "white" if level > palette.LEVELS // 2 else "black"
    return Text(f" {_short(table, value):>4} ", style=Style(color=ink, bgcolor=scale.light[level]))


def _short(table: xr.DataArray, value: float) -> str:
    """At most four characters wherever that can be; shares in percent, counts whole."""
    if is_share(table):
        return f"{100 * value:.0f}"
    for form in (".0f",) if kind(table) == "count" else (".2f", ".1f", ".0f"):
        if len(format(value, form)) <= 4:
            return format(value, form)
    return f"{value / 1000:.0f}k" if value < 999_500 else f"{value / 1e6:.0f}M"


def _top_heads(beside: _Beside, ranks: xr.DataArray, top: int) -> Table:
    """The first heads in order of `ranks` and the last one: the highest first, of distances to a head the lowest."""
    heads = list(enumerate(ranked(ranks, lowest=not is_magnitude(beside.table)), 1))
    result = beside.layout("rank", "head", "")

    def add(rank: int, layer: int, head: int) -> None:
        at = {"layer": layer, "head": head}
        value = float(at_labels(beside.table, at))
        result.add_row(str(rank), f"layer {layer} head {head}", *beside.cells(value, at))

    for rank, (layer, head, _) in heads[:top]:
        add(rank, layer, head)
    if len(heads) > top + 1:
        result.add_row("…")
    for rank, (layer, head, _) in heads[top:][-1:]:
        add(rank, layer, head)
    return result


def _by_label(beside: _Beside, ranks: xr.DataArray) -> RenderableType:
    """For each label the mean over heads, and the head that is first by `ranks`, where there is evidence."""
    table = beside.table
    (dim,) = further(table)
    result = beside.layout(dim_title(table, dim), "mean of heads", "first", then=["head"])
    for label in labels_of(table, dim):
        one = at_labels(table, {dim: label})
        best = ranked(at_labels(ranks, {dim: label}))
        if best and best[0][2] != 0:
            layer, head, _ = best[0]
            at: Labels = {"layer": layer, "head": head, dim: label}
            mean, value = shown(table, float(np.nanmean(values(one)))), float(at_labels(table, at))
            cells = beside.cells(value, at, f"layer {layer} head {head}")
            result.add_row(Text(in_words(label)), mean, *cells)
    return result if result.row_count else Text("no head has evidence in this run")


def _list(beside: _Beside) -> Table:
    dim = str(beside.table.dims[0])
    result = beside.layout(dim_title(beside.table, dim), "")
    for label, value in zip(labels_of(beside.table, dim), values(beside.table).tolist(), strict=True):
        result.add_row(Text(in_words(label)), *beside.cells(value, {dim: label}))
    return result


def _matrix(table: xr.DataArray, level: xr.DataArray | None) -> Table:
    """[layer, label] with labels down, so that any number of them fits; a chance level that all layers share beside."""
    across, down = map(str, table.dims)
    shared = level if level is not None and across not in level.dims else None
    beside = [] if shared is None else [caption(shared)]
    result = LightTable(dim_title(table, down), *map(str, labels_of(table, across)), *beside)
    for label in labels_of(table, down):
        row = values(at_labels(table, {down: label}))
        if np.nan_to_num(row).any():
            cells = ("–" if np.isnan(value) else _short(table, value) for value in row)
            result.add_row(Text(in_words(label)), *cells, *_Beside(table, shared, None).chance({down: label}))
    return result


# ---- how alike heads are


def _compared(table: xr.DataArray, top: int) -> Sequence[RenderableType]:
    """A table by which heads are compared: pairs, places on a map, groups; nothing of any other table."""
    if is_magnitude(table):
        return []
    if "other_head" in table.dims:
        return [_pairs(table, top), Text(OF_PAIRS.lower().rstrip("."), style=_FAINT)]
    if "axis" in table.dims:
        return [_places(table), *_explained(table)]
    whole = table.assign_attrs(kind="count")
    heat: list[RenderableType] = [heat_table(whole), Text()] if table.sizes["head"] <= WIDEST_HEAT else []
    return [*heat, _groups(table)]


def _name(head: similarity.Head) -> str:
    return f"layer {head[0]} head {head[1]}"


def _pairs(table: xr.DataArray, top: int) -> Table:
    """The pairs of heads that are nearest, and those that are farthest apart."""
    found = similarity.pairs(table)
    result = LightTable("rank", "head", "other head", "")
    shown_ranks = [n for n in range(len(found)) if n < top or n >= len(found) - top]
    for before, rank in zip([-1, *shown_ranks], shown_ranks, strict=False):
        if rank > before + 1:
            result.add_row("…")
        pair = found[rank]
        result.add_row(str(rank + 1), _name(pair.one), _name(pair.other), shown(table, pair.distance))
    return result


def _places(table: xr.DataArray) -> Table:
    result = LightTable("head", *(f"axis {axis}" for axis in labels_of(table, "axis")))
    for head, place in zip(similarity.heads_of(table), values(table).reshape(-1, table.shape[-1]), strict=True):
        result.add_row(_name(head), *("–" if np.isnan(value) else f"{value:.3f}" for value in place.tolist()))
    return result


def _explained(table: xr.DataArray) -> list[RenderableType]:
    shares = [percent(share) for share in similarity.explained(table)]
    return [Text(), Text(f"the axes hold {' and '.join(shares)} of all distances", style=_FAINT)] if shares else []


def _groups(table: xr.DataArray) -> Table:
    """The heads of each cluster."""
    result = LightTable("cluster", "heads", "")
    result.columns[-1].justify, result.columns[-1].no_wrap = "left", False
    for number, heads in similarity.clusters(table).items():
        result.add_row(str(number), str(len(heads)), Text(", ".join(f"{layer}.{head}" for layer, head in heads)))
    return result


_NEAR: Final = 5
"""Heads told beside a head that attend most alike."""


def _nearest(data: xr.Dataset, layer: int, head: int) -> list[RenderableType]:
    """The heads that attend most like this one; nothing where the run does not compare heads."""
    if not similarity.has_map(data):
        return []
    table = data[similarity.DISTANCE]
    heads = similarity.heads_of(table)
    others, distance = similarity.nearest(table, _NEAR)
    place = heads.index((layer, head))
    result = LightTable("attends most like", title(table).lower())
    for other, value in zip(others[place].tolist(), distance[place].tolist(), strict=True):
        if not np.isnan(value):
            result.add_row(_name(heads[other]), shown(table, value))
    return [Text(), result, Text(OF_PAIRS.lower().rstrip("."), style=_FAINT)] if result.row_count else []


# ---- a head

_FEW_LABELS: Final = 4
"""With no more labels than these, a metric of a head has a row for each; with more, a table of the largest."""


def show_head(data: xr.Dataset, layer: int, head: int, does: Sequence[RenderableType] = ()) -> RenderableType:
    """A head's metrics with their rank among all heads (1 = highest), and what it looks at more than others do.

    Args:
        data: a run's results.
        layer: of the head.
        head: of the layer.
        does: what it does in words, which stands beneath its name.

    Raises:
        ConfigError: the run has no such head.
    """
    require_head(layer, head, data["layer"].values.tolist(), data["head"].values.tolist())
    tables = [_Beside.of(data, name) for name in by_themselves(data)]
    many = [one for one in tables if one.table.ndim > 2 and one.table.shape[2] > _FEW_LABELS]
    profiles = Columns([_profile(one, layer, head) for one in many], padding=(0, 3))
    name = Text(f"layer {layer} head {head}", style="bold")
    whole, near = _metrics(data, tables, layer, head), _nearest(data, layer, head)
    top = [name, *does, *_how_much(data, layer, head), Text()]
    return Group(*top, whole, *near, Text(), profiles, *_of_intervals(data, tables[0]))


def _how_much(data: xr.Dataset, layer: int, head: int) -> list[RenderableType]:
    """From how much of its attention the numbers of a head are."""
    off = from_how_much(data, layer, head)
    if off:
        words = f"nearly switched off on this text: what is not of all its attention is {off}, and says little"
        return [Text(words, style="yellow")]
    share = percent(float(at_labels(evidence(data), {"layer": layer, "head": head})))
    return [Text(f"{share} of its attention is off null pieces", style=_FAINT)]


def require_head(layer: int, head: int, layers: Sequence[int], heads: Sequence[int]) -> None:
    """Refuse a head that there is not.

    Raises:
        ConfigError: naming the layers or heads that there are.
    """
    for what, found, known in (("layer", layer, layers), ("head", head, heads)):
        if found not in known:
            raise ConfigError(f"expected a {what} of this run, found {found}; the run has {what}s {_span(known)}")


def _span(known: Sequence[int]) -> str:
    whole = list(known) == list(range(known[0], known[-1] + 1)) if len(known) else False
    return f"{known[0]} to {known[-1]}" if whole and len(known) > 1 else ", ".join(map(str, known)) or "none"


def _metrics(data: xr.Dataset, tables: Sequence[_Beside], layer: int, head: int) -> Table:
    """A row for what has one value a head, then for each label of what has few."""
    at = {"layer": layer, "head": head}
    sure = [one.sure.title for one in tables if one.sure][:1]
    chance = ["chance", _AGAINST, "chance is"] if any(one.level is not None for one in tables) else []
    result = LightTable("metric", "", *sure, "rank", "median", *chance)
    few = [one for one in tables if one.table.ndim > 2 and one.table.shape[2] <= _FEW_LABELS]
    rows: list[tuple[_Beside, Labels]] = [(one, {}) for one in tables if one.table.ndim == 2]
    for one in few:
        (dim,) = further(one.table)
        rows += [(one, {dim: label}) for label in labels_of(one.table, dim)]
    for one, label in rows:
        result.add_row(Text(heading(one.table, label)), *_metric_row(data, one, at, label, bool(sure)))
    return result


def _metric_row(data: xr.Dataset, one: _Beside, at: dict[str, int], label: Labels, has_intervals: bool) -> list[str]:
    """The value of a head at a label, its interval, its rank, the median of all that compete, its chance level."""
    here = {**at, **label}
    value = float(at_labels(one.table, here))
    interval = [one.interval(value, here)] if has_intervals else []
    numbers = values(competing(data, at_labels(one.table, label)))
    median = float(np.nanmedian(numbers)) if np.isfinite(numbers).any() else float("nan")
    told = [*one.against(value, here), caption(one.level)] if one.level is not None else []
    return [one.told(value, here), *interval, _rank(data, one.table, at, label), shown(one.table, median), *told]


def _rank(data: xr.Dataset, table: xr.DataArray, at: dict[str, int], label: Labels) -> str:
    """Where a head stands among those that compete: the interval of its rank where there is one, else its rank."""
    place = find_place(data, str(table.name), label, at, rank_table(data, str(table.name), label))
    return "–" if place is None else f"{place.told} of {place.of}"


def _profile(one: _Beside, layer: int, head: int, most: int = 5) -> Table:
    """The largest values of a head beside the mean of all heads."""
    table = one.table
    (dim,) = further(table)
    at = {"layer": layer, "head": head}
    own = values(at_labels(table, at))
    result = one.layout(title(table), "", then=["mean"])
    order = [int(n) for n in np.argsort(-np.nan_to_num(own), kind="stable")[:most] if own[n] > 0]
    for n in order:
        label = labels_of(table, dim)[n]
        mean = float(np.nanmean(values(at_labels(table, {dim: label}))))
        result.add_row(Text(in_words(label)), *one.cells(float(own[n]), {**at, dim: label}, shown(table, mean)))
    if not order:
        result.add_row(Text("no evidence", style=_FAINT))
    return result


# ---- sentences


def show_exemplars(frame: pd.DataFrame, layer: int, head: int, top: int = 5, unit: str = "sentence") -> RenderableType:
    """The sentences with a head's strongest attention, the attending and the attended piece marked.

    Raises:
        ConfigError: the run has no such head, or no exemplars.
    """
    if frame.empty:
        raise ConfigError("this run has no exemplars: no pair of pieces was attendable, or it ran with --exemplars 0")
    frame = strongest(frame)
    layers, heads = sorted(set(frame["layer"].tolist())), sorted(set(frame["head"].tolist()))
    require_head(layer, head, layers, heads)
    rows = frame[(frame["layer"] == layer) & (frame["head"] == head)].sort_values("rank").head(top)
    parts = [Text(f"layer {layer} head {head}", style="bold"), legend()]
    parts += [text for row in rows.to_dict("records") for text in exemplar_lines(row, unit)]
    return Group(
        *(parts if len(rows) else [*parts, Text("no sentence: this head attends to nothing that is measured")])
    )


def show_typical(frame: pd.DataFrame, layer: int, head: int, unit: str = "sentence") -> list[RenderableType]:
    """A typical sentence of each part of a head's, the part with the largest weights first; nothing without any."""
    own = typical(frame[(frame["layer"] == layer) & (frame["head"] == head)])
    first = own[own["rank"] == 1].sort_values("bucket", key=lambda bucket: bucket.map(TYPICAL.index), ascending=False)
    if first.empty:
        return []
    parts: list[RenderableType] = [Text(), Text(f"typical {unit}s, by their largest attention", style="bold"), legend()]
    for row in first.to_dict("records"):
        parts += exemplar_lines(row, unit, f"{row['bucket']}%:")
    return parts


def legend() -> Text:
    """What the two marks in a sentence mean."""
    return Text.assemble(("attending piece", _FROM), " looks at ", ("attended piece", _TO))


def exemplar_lines(row: Mapping[Any, Any], unit: str, name: str | None = None) -> list[Text]:
    """A row of `exemplars.parquet`: its name or rank, pair and source, and the sentence with the pair marked."""
    i, j = int(row["i"]), int(row["j"])
    pieces = readable(list(row["pieces"]), str(row["text"]))
    pair = f"{pieces[i].text} → {pieces[j].text} {percent(float(row['weight']))}"
    source = visible(f"{row['document']}, {unit} {int(row['sentence'])}")
    return [
        Text(),
        Text.assemble((f"{name or str(int(row['rank'])) + '.'} {pair}", "bold"), (f"  {source}", _FAINT)),
        _sentence(pieces, i, j),
    ]


def _sentence(pieces: Sequence[Piece], i: int, j: int) -> Text:
    text = Text("   ")
    for place in window(len(pieces), i, j, 90):
        if place is None:
            text.append(" … ", style=_FAINT)
            continue
        text.append(" " if pieces[place].space else "")
        marked = place in (i, j)
        text.append(
            pieces[place].text if marked else pieces[place].running,
            style=_FROM if place == i else _TO if marked else "",
        )
    return text


# ---- how far a run is


class Progress(Protocol):
    """What `show_status` needs to know of a run."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """run.json"""

    @property
    def shards(self) -> int:
        """Shards in the plan."""

    @property
    def measured(self) -> int:
        """Shards that are committed."""


def show_status(folder: Location, progress: Progress) -> RenderableType:
    """How far a run is, what it is, and what to do next."""
    facts = progress.facts
    status = str(facts.get("status", "unfinished"))
    share = progress.measured / progress.shards if progress.shards else 0.0
    table = Table.grid(padding=(0, 2))
    rows = [
        ("run", str(folder)),
        ("status", status),
        ("measured", f"{progress.measured:,} of {progress.shards:,} shards ({percent(share)})"),
        *about(facts),
        *((f"{stage} time", duration(seconds)) for stage, seconds in stage_seconds(facts).items()),
    ]
    for name, value in rows:
        table.add_row(Text(name, style=_FAINT), Text(visible(value)))
    missing = [Text(_missing(one), style="yellow") for one in facts.get("missing", [])]
    return Group(table, *missing, Text(_next(folder, status, progress)))


def _missing(shard: Mapping[str, Any]) -> str:
    return visible(f"shard {shard['shard']} is missing, {shard['stage']}: {shard['reason']}")


def _next(folder: Location, status: str, progress: Progress) -> str:
    where = visible(str(folder))
    if status in ("finished", "incomplete"):
        again = "; run `attnmetrics run` with the same options to try again what is missing"
        return f"next: attnmetrics show {where}, or open {where}/report/index.html{again * (status == 'incomplete')}"
    if progress.shards and progress.measured == progress.shards:
        return f"next: attnmetrics merge {where}"
    return "next: run `attnmetrics run` with the same options to go on"
