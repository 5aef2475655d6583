"""A comparison in the terminal: in which results heads differ, which ones and how surely; one result; roles."""

from dataclasses import dataclass, fields
from math import floor, log10
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attnmetrics.describing.origin import detail_by
from attnmetrics.errors import ConfigError
from attnmetrics.results.changed_heads import changed_heads
from attnmetrics.results.comparison import CLEAR, PARTS_OF_DIFFERENCES, RUN
from attnmetrics.results.differing import Differing, chance_levels, compared_maps, differing, most_different
from attnmetrics.results.evidence import LEAST_EVIDENCE
from attnmetrics.views.certainty import bear
from attnmetrics.views.numbers import number
from attnmetrics.views.pieces import visible
from attnmetrics.views.roles import role_name
from attnmetrics.views.tables import (
    HEAD,
    Labels,
    at_labels,
    dim_title,
    further,
    heading,
    in_words,
    is_share,
    labels_of,
    said,
    units,
    with_one_label,
)
from attnmetrics.views.terminal.asked import known_label, known_name, require_head
from attnmetrics.views.terminal.heat import WIDEST_HEAT, heat_table
from attnmetrics.views.terminal.light_table import LightTable
from attnmetrics.views.terminal.style import FAINT

_MOST_RUNS: Final = 6
"""Columns of a table of runs."""
_MOST_HEADS: Final = 8
"""Heads told by themselves."""
_LARGE: Final = 0.5
"""Standard deviations of the first run's heads."""
_OTHER_TEXT: Final = ("of other documents: apart from what follows how often a name occurs in a text, such as pos_to",)
_LISTED: Final = 12
"""Heads that are named in a row."""


def show_comparison(data: xr.Dataset, roles: pd.DataFrame, run: str | None = None) -> RenderableType:
    """What differs: of every result how many heads, and which one most; roles that heads gained or lost.

    Args:
        data: a comparison.
        roles: its roles that changed.
        run: the one that is told of; the last by default.

    Raises:
        ConfigError: there is no such run.
    """
    place = place_of(data, run)
    several: list[RenderableType] = [_by_run(data), Text()] if data.sizes[RUN] > 2 else []
    told = [*_changed_heads(data, place), *_most(data, place), *_roles(data, roles, place)]
    return Group(*_what(data, place), Text(), *several, *told)


def place_of(data: xr.Dataset, run: str | None) -> int:
    """The place of a run, the last by default.

    Raises:
        ConfigError: there is none of this name but the first.
    """
    names = list(map(str, data[RUN].values.tolist()))
    if run is not None and run not in names[1:]:
        listed = ", ".join(map(visible, names[1:]))
        raise ConfigError(f"expected a run that is compared with {visible(names[0])}, found {visible(run)!r}: {listed}")
    return len(names) - 1 if run is None else names.index(run, 1)


def _what(data: xr.Dataset, place: int) -> list[RenderableType]:
    """What is compared with what."""
    names = [visible(str(name)) for name in data[RUN].values.tolist()]
    alike = "the same documents" if bool(data["paired"][place]) else "other documents"
    heads = data.sizes["layer"] * data.sizes["head"]
    return [
        Text.assemble((names[place], "bold"), " against ", (names[0], "bold"), f": {heads} heads, {alike}"),
        *(Text(visible(str(remark)), style="yellow") for remark in data.attrs["remarks"]),
    ]


# ---- heads


def _changed_heads(data: xr.Dataset, place: int) -> list[RenderableType]:
    """The heads that changed most, and how many changed in nothing that is more than noise."""
    found, heads = changed_heads(data, place), data.sizes["layer"] * data.sizes["head"]
    if not found:
        return []
    columns = ("values", "most in", "first run", "difference", _interval_title(data), "SD")
    result = LightTable("differ most", *columns)
    result.columns[2].justify, result.columns[2].no_wrap = "left", False
    for one in found[:_MOST_HEADS]:
        numbers = *told_first(data, one.most), number(float(f"{one.size:.2g}"))
        of_head = f"layer {one.most.layer} head {one.most.head}"
        result.add_row(of_head, f"{one.clear:,}/{one.of:,}", Text(_name(one.most)), *numbers)
    large, others = sum(one.size >= _LARGE for one in found), heads - len(found)
    noise = f"; in the other {others}, what differs may be noise" if others else ""
    said_of = (
        f"{len(found)} of {heads} heads differ clearly in something, {large} of them by {_LARGE} SD or more{noise}",
        f"values: how many of a head's differ clearly (q < {CLEAR}); SD: the largest clear difference, in standard "
        "deviations of the first run's heads: a small one may be clear, and still matter little",
        f"heads with less than {100 * LEAST_EVIDENCE:g}% of their attention off null pieces in one of the runs: by "
        "what counts all attention alone",
        *_OTHER_TEXT * (not bool(data["paired"][place])),
    )
    return [result, *(Text(line, style=FAINT) for line in said_of), Text()]


def told_first(data: xr.Dataset, one: Differing) -> tuple[str, str, str]:
    """The first run's value, the difference and its interval."""
    table = data[one.result]
    first, _ = bear(table, one.first, one.low, one.high)
    return first, *told_difference(table, one.difference, one.low, one.high)


# ---- all results


def _by_run(data: xr.Dataset) -> Table:
    """How many heads differ from the first run's, a column a run."""
    runs = np.unique(np.linspace(1, data.sizes[RUN] - 1, _MOST_RUNS).round().astype(int)).tolist()
    axis = str(data.attrs["axis"])
    names = data[axis if axis else RUN].values.tolist()
    result = LightTable("heads that differ, by run", *(_axis_value(names[run]) for run in runs))
    for name in _told(data):
        q = data.variables[f"{name}_q"].to_numpy()
        result.add_row(name, *(_count(q[run]) for run in runs))
    return result


def _count(q: NDArray[np.float64]) -> str:
    """How many differ clearly; `–` where that is known of none."""
    return f"{int((q < CLEAR).sum()):,}" if np.isfinite(q).any() else "–"


def _axis_value(value: object) -> str:
    return number(value) if isinstance(value, float) else visible(str(value))


def _told(data: xr.Dataset) -> list[str]:
    """The results that are told of by themselves: not the chance level of another."""
    levels = chance_levels(data)
    return [name for name in compared_maps(data) if name not in levels]


def _most(data: xr.Dataset, place: int) -> list[RenderableType]:
    """A row a result in which heads differ: how many, and the one that differs most."""
    result = LightTable("result", "differ", "most", "difference", _interval_title(data), "first run", "correlation")
    unsure = LightTable("result, how sure is not known", "most", "difference", "first run", "correlation")
    none: dict[str, list[str]] = {"no head differs clearly in": [], "no evidence in": []}
    for name in _told(data):
        q = data.variables[f"{name}_q"].to_numpy()[place]
        first, largest = next(differing(data, name, place), None), most_different(data, name, place)
        if first is not None:
            number_of = f"{int((q < CLEAR).sum()):,}/{int(np.isfinite(q).sum()):,}"
            result.add_row(Text(_name(first)), number_of, *_numbers(data, first, place))
        elif largest is not None and largest.difference and not np.isfinite(q).any():
            head, difference, _, *beside = _numbers(data, largest, place)
            unsure.add_row(Text(_name(largest)), head, difference, *beside)
        else:
            none["no evidence in" if largest is None else "no head differs clearly in"].append(name)
    tables = [
        part for table, legend in ((result, _legend()), (unsure, _unsure_legend())) if table.row_count
        for part in (table, legend)
    ]  # fmt: skip
    listed = (Text(f"{said_of}: {', '.join(names)}", style=FAINT) for said_of, names in none.items() if names)
    return [*tables, *listed]


def _legend() -> Text:
    return Text(f"q < {CLEAR}: of the heads that are counted, one in twenty differs by chance alone", style=FAINT)


def _unsure_legend() -> Text:
    return Text("the largest differences, with too few shards to tell them from noise", style=FAINT)


def _name(one: Differing) -> str:
    return ", ".join([one.result, *map(in_words, one.labels.values())])


def _numbers(data: xr.Dataset, one: Differing, place: int) -> list[str]:
    """Head, difference, interval, the first run's value, correlation of the maps."""
    r = float(at_labels(data[f"{one.result}_correlation"][place], one.labels))
    first, *difference = told_first(data, one)
    return [f"{one.layer}.{one.head}", *difference, first, number(round(r, 3))]


def told_difference(table: xr.DataArray, value: float, low: float, high: float) -> tuple[str, str]:
    """A difference and its interval, rounded to what that bears: "+3.1 points", "2.6 to 3.7"."""
    text, interval = bear(table, value, low, high)
    signed = f"+{text}" if value > 0 else text
    if is_share(table):
        return signed.replace("%", " points"), interval.replace("%", "")
    return signed, interval


# ---- roles


def _roles(data: xr.Dataset, roles: pd.DataFrame, place: int) -> list[RenderableType]:
    """The roles that heads have gained and lost."""
    own = roles[roles["run"] == str(data[RUN].values[place])]
    if own.empty:
        return [Text(), Text("no head has gained or lost a role", style=FAINT)]
    result = LightTable("role", "gained", "lost")
    for column in result.columns[1:]:
        column.justify, column.no_wrap = "left", False
    for (role, detail, rule), rows in own.groupby(["role", "detail", "rule"], sort=False):
        name = role_name(str(role), detail_by(str(rule), str(detail)))
        result.add_row(Text(name), *(_heads(rows, what) for what in ("gained", "lost")))
    unclear = not (own["q"] < CLEAR).all()
    note = (
        [Text("?: the score of the role does not differ clearly, or is not known to", style=FAINT)] if unclear else []
    )
    return [Text(), result, *note]


def _heads(rows: pd.DataFrame, change: str) -> str:
    own = rows[rows["change"] == change]
    listed = [f"{row.layer}.{row.head}{'' if row.q < CLEAR else '?'}" for row in own.itertuples()]
    more = [f"and {len(listed) - _LISTED} more"] if len(listed) > _LISTED else []
    return ", ".join([*listed[:_LISTED], *more])


# ---- one result


@dataclass(frozen=True, slots=True)
class _Compared:
    """A result of a run against the first, each table [layer, head], or [layer, head, label]."""

    first: xr.DataArray
    other: xr.DataArray
    difference: xr.DataArray
    low: xr.DataArray
    high: xr.DataArray
    q: xr.DataArray

    @classmethod
    def of(cls, data: xr.Dataset, name: str, place: int) -> "_Compared":
        """Of a result with at most one further dimension, as `tables.with_one_label` has it."""
        parts = [data[f"{name}_{part}"][place] for part in PARTS_OF_DIFFERENCES]
        return cls(*(with_one_label(table) for table in (data[name][0], data[name][place], *parts)))

    def at(self, labels: Labels) -> "_Compared":
        """At these labels."""
        return _Compared(*(at_labels(getattr(self, one.name), labels) for one in fields(self)))

    @property
    def clear(self) -> NDArray[np.bool_]:
        """[layer, head] which heads differ clearly."""
        return np.asarray(self.q.to_numpy() < CLEAR)

    def most(self) -> list[tuple[int, int]]:
        """Places of layer and head, the one that differs most first, those that do so clearly before others."""
        sizes = np.abs(self.difference.to_numpy())
        order = np.lexsort((-sizes.ravel(), ~self.clear.ravel()))
        known = [n for n in order.tolist() if np.isfinite(sizes.ravel()[n])]
        return [(n // sizes.shape[1], n % sizes.shape[1]) for n in known]

    def told(self, at: tuple[int, int]) -> list[str]:
        """Head, difference, interval."""
        values = [float(table.to_numpy()[at]) for table in (self.difference, self.low, self.high)]
        layer, head = (int(self.q[dim].values[n]) for dim, n in zip(HEAD, at, strict=True))
        return [f"layer {layer} head {head}", *told_difference(self.difference, *values)]


def show_compared_metric(
    data: xr.Dataset, name: str, top: int = 10, label: str | None = None, run: str | None = None
) -> RenderableType:
    """One result: the map of differences, and the heads that differ most.

    Args:
        data: a comparison.
        name: of a result of heads that has differences.
        top: heads to list.
        label: of the further dimension; unset, each label's head that differs most. Of two further dimensions, both,
            joined: "row, nsubj".
        run: the one that is told of; the last by default.

    Raises:
        ConfigError: no such result, label or run.
    """
    place = place_of(data, run)
    found = _Compared.of(data, known_name(name, compared_maps(data), "result that is compared by head"), place)
    at = {} if label is None else known_label(found.other, name, label)
    whole = found.at(at)
    has_labels = whole.other.ndim > 2
    if not np.isfinite(whole.difference.to_numpy()).any():
        body: list[RenderableType] = [Text("no head has evidence in both runs")]
    else:
        body = _by_label(data, whole) if has_labels else _heads_of(data, whole, top)
    formula = f"{said(found.other, 'formula')} [{units(found.other)}]"
    first, other = (visible(str(data[RUN].values[n])) for n in (0, place))
    told = [Text(heading(found.other, at), style="bold"), Text(formula, style=FAINT)]
    return Group(*told, Text(f"{other} against {first}", style=FAINT), Text(), *body, Text(), _legend())


def _by_label(data: xr.Dataset, whole: _Compared) -> list[RenderableType]:
    """For each label how many heads differ, and the one that differs most; of labels of which that is known."""
    (dim,) = further(whole.other)
    result = LightTable(dim_title(whole.other, dim), "differ", "most", "difference", _interval_title(data))
    for label in labels_of(whole.other, dim):
        one = whole.at({dim: label})
        known = int(np.isfinite(one.q.to_numpy()).sum())
        if known:
            told = one.told(one.most()[0]) if one.clear.any() else ["–", "–", "–"]
            result.add_row(Text(in_words(label)), f"{int(one.clear.sum())}/{known}", *told)
    return [result] if result.row_count else [_too_few(), Text("--label NAME shows the differences at a label")]


def _heads_of(data: xr.Dataset, one: _Compared, top: int) -> list[RenderableType]:
    """The map of differences, those that are not clear without colour; the heads that differ most."""
    heat = _heat(one) if one.other.sizes["head"] <= WIDEST_HEAT else []
    names = [visible(str(data[RUN].values[0])), visible(str(one.other[RUN].values))]
    result = LightTable("head", "difference", _interval_title(data), *names, "q")
    for at in one.most()[:top]:
        bounds = [float(table.to_numpy()[at]) for table in (one.low, one.high)]
        values = [bear(table, float(table.to_numpy()[at]), *bounds)[0] for table in (one.first, one.other)]
        q = float(one.q.to_numpy()[at])
        result.add_row(*one.told(at), *values, Text(_told_q(q), style="" if q < CLEAR else FAINT))
    is_known = np.isfinite(one.q.to_numpy()).any() or not np.nan_to_num(one.difference.to_numpy()).any()
    none = Text("no head differs clearly") if is_known else _too_few()
    return [*heat, *([] if one.clear.any() else [none]), result]


def _too_few() -> Text:
    return Text("how sure is not known: too few shards have evidence to tell differences from noise")


def _heat(one: _Compared) -> list[RenderableType]:
    """The map of differences in steps of which the largest one has ten to a hundred."""
    table = one.difference
    numbers = table.to_numpy() * (100 if is_share(table) else 1)
    largest = float(np.nanmax(np.abs(numbers), initial=0))
    step = 10.0 ** (floor(log10(largest)) - 1) if largest > 0 else 1.0
    whole = table.copy(data=np.round(numbers / step) + 0.0).assign_attrs(kind="count")
    unit = "points" if is_share(table) else units(table) if units(table) != "1" else ""
    told = f"differences in {'' if step == 1 and unit else f'{step:g} '}{unit}".rstrip()
    heat = heat_table(whole, np.where(one.clear, whole.to_numpy(), np.nan))
    return [Text(f"{told}; without colour where not clear", style=FAINT), heat, Text()]


# ---- one head


def show_compared_head(data: xr.Dataset, layer: int, head: int, run: str | None = None) -> RenderableType:
    """A head: every result in which it differs clearly, at the label where it differs most.

    Args:
        data: a comparison.
        layer: of the head.
        head: of the layer.
        run: the one that is told of; the last by default.

    Raises:
        ConfigError: no such head or run.
    """
    place = place_of(data, run)
    require_head(layer, head, *(data[dim].values.tolist() for dim in HEAD))
    first, other = (visible(str(data[RUN].values[n])) for n in (0, place))
    result = LightTable("result", "labels", "difference", _interval_title(data), first, other)
    for name in _told(data):
        own = [one for one in differing(data, name, place) if (one.layer, one.head) == (layer, head)]
        if own:
            values = [bear(data[name], value, own[0].low, own[0].high)[0] for value in (own[0].first, own[0].value)]
            difference = told_difference(data[name], own[0].difference, own[0].low, own[0].high)
            result.add_row(Text(_name(own[0])), str(len(own)) if own[0].labels else "", *difference, *values)
    told = [result, _legend()] if result.row_count else [Text("differs clearly in nothing")]
    heading = Text.assemble((f"layer {layer} head {head}", "bold"), (f"  {other} against {first}", FAINT))
    return Group(heading, Text(), *told)


def _interval_title(data: xr.Dataset) -> str:
    return f"{100 * float(data.attrs['confidence']):g}% interval"


def _told_q(q: float) -> str:
    """Such as 0.032 or < 0.001; `–` where there is none."""
    return "–" if np.isnan(q) else "< 0.001" if q < 0.001 else f"{q:.2g}"
