"""Results by the values of a field of documents in the terminal: which values there are, and a metric of each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import xarray as xr
from rich.console import Group, RenderableType
from rich.text import Text

from attnmetrics.errors import ConfigError
from attnmetrics.results.by import FIELD
from attnmetrics.views.certainty import MEAN_OF_HEADS, certainty, interval_title, unsure_told, why_none
from attnmetrics.views.heads import ranked
from attnmetrics.views.pieces import visible
from attnmetrics.views.places import rank_table
from attnmetrics.views.tables import (
    HEAD,
    Labels,
    at_labels,
    further,
    heading,
    in_words,
    is_magnitude,
    labels_of,
    shown,
    unit_word,
    units,
    values,
    with_one_label,
)
from attnmetrics.views.terminal.asked import known_label, known_name
from attnmetrics.views.terminal.head import show_head
from attnmetrics.views.terminal.light_table import LightTable
from attnmetrics.views.terminal.metric import show_metric
from attnmetrics.views.terminal.style import FAINT

_NOT_SPLIT: Final = "sentences, pieces that heads attend to and roles are those of all documents: they are not split"
_LABELS_SHOWN: Final = 20
Head = tuple[int | None, int | None]


def show_by(data: xr.Dataset) -> RenderableType:
    """How much there is of each value.

    Args:
        data: results by a field, [field, …].
    """
    field = str(data.attrs[FIELD])
    table = LightTable(visible(field), f"{unit_word(data)}s", "pieces")
    for value, one in _each(data):
        numbers = (f"{int(one[name]):,}" for name in ("sentences", "pieces"))
        table.add_row(Text(visible(value)), *numbers)
    how = f"a metric by {field}: attnmetrics show RUN entropy --by {field}; all of one value: --by {field}=VALUE"
    sure = f"which heads differ, and how surely: attnmetrics compare RUN --by {field}"
    return Group(table, *(Text(visible(line), style=FAINT) for line in (how, sure, _NOT_SPLIT)))


def show_by_metric(data: xr.Dataset, name: str, label: str | None, head: Head, top: int) -> RenderableType:
    """A metric by the values of a field: of each value the mean of heads and the first head, or one head.

    Below, without a head that is asked for, the heads whose values are farthest apart.

    Args:
        data: results by a field, [field, …], with intervals.
        name: of a metric.
        label: of its further dimension.
        head: layer and head; None for all.
        top: heads that are listed.

    Raises:
        ConfigError: no such metric, label or head.
    """
    tables = [with_one_label(one[known_name(name, list(map(str, one.data_vars)), "metric")]) for _, one in _each(data)]
    of_label = {} if label is None else known_label(tables[0], name, label)
    of_head = {} if head[0] is None or head[1] is None else {"layer": head[0], "head": head[1]}
    _require(tables[0], of_head)
    at: Labels = {**of_label, **of_head}
    whose = ", ".join([heading(tables[0], of_label), *(f"{dim} {number}" for dim, number in of_head.items())])
    about = [Text(whose, style="bold"), Text(f"[{units(tables[0])}]", style=FAINT), Text()]
    left = [str(dim) for dim in tables[0].dims if dim not in at]
    if left == list(HEAD) and is_magnitude(tables[0]):
        mean = Text(MEAN_OF_HEADS, style=FAINT)
        return Group(*about, _of_heads(data, name, at), mean, Text(), _apart(data, name, at, top), *_said(data))
    if left == ["layer"]:
        return Group(*about, _by_layer(data, name, at), *_said(data))
    if not left:
        return Group(*about, _of_one(data, name, at), *_said(data))
    raise ConfigError(_wanting(tables[0], left))


def _wanting(table: xr.DataArray, left: Sequence[str]) -> str:
    """What is to be said of a metric that has several numbers a head."""
    if dims := [dim for dim in further(table) if dim in left]:
        labels = ", ".join(visible(in_words(label)) for label in labels_of(table, dims[0])[:_LABELS_SHOWN])
        return f"expected --label with {table.name} by a field, for one table; a label of {dims[0]}, such as {labels}"
    return f"expected a metric by which heads can be ranked, found {table.name}; name another, or --by FIELD=VALUE"


def _require(table: xr.DataArray, of_head: Mapping[str, int]) -> None:
    for dim, number in of_head.items():
        if dim not in table.dims:
            raise ConfigError(f"expected a metric of heads with --layer and --head, found {table.name}; leave them out")
        if number not in (known := table[dim].values.tolist()):
            raise ConfigError(f"expected a {dim} of this run, found {number}; it has {', '.join(map(str, known))}")


def show_value(
    data: xr.Dataset, value: str, metric: str | None, label: str | None, head: Head, top: int
) -> RenderableType:
    """What is shown of a run, of the documents with one value.

    Args:
        data: results by a field, [field, …], with intervals.
        value: of the field.
        metric: as in a run; None for one head, or for how much there is.
        label: of the metric's further dimension.
        head: layer and head; None for all.
        top: heads that are listed.

    Raises:
        ConfigError: no such metric, label or head.
    """
    field = str(data.attrs[FIELD])
    one = data.sel({field: value}, drop=True)
    name = Text(visible(f"{field}: {value}"), style="bold")
    if head[0] is not None and head[1] is not None:
        return Group(name, show_head(one, head[0], head[1]), Text(_NOT_SPLIT, style=FAINT))
    if metric is None:
        return show_by(data.sel({field: [value]}))
    return Group(name, show_metric(one, metric, top=top, label=label))


def _each(data: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    """The results of each value."""
    field = str(data.attrs[FIELD])
    return ((str(value), data.sel({field: value}, drop=True)) for value in data[field].values.tolist())


def _of_heads(data: xr.Dataset, name: str, at: Labels) -> LightTable:
    """Of each value the mean over heads, and the head that is first."""
    interval = [interval_title(data)] if interval_title(data) else []
    table = LightTable(visible(str(data.attrs[FIELD])), "mean of heads", "first", *interval, "head")
    for value, one in _each(data):
        numbers = at_labels(with_one_label(one[name]), at)
        best = ranked(rank_table(one, name, at))
        if not best:
            table.add_row(Text(visible(value)), "–", "–", *("–" for _ in interval), "")
            continue
        layer, head, _ = best[0]
        cells = _told(one, name, {**at, "layer": layer, "head": head})
        mean = shown(numbers, float(np.nanmean(values(numbers))))
        table.add_row(Text(visible(value)), mean, *cells, f"{layer}.{head}")
    return table


def _of_one(data: xr.Dataset, name: str, at: Labels) -> LightTable:
    """The number of each value."""
    interval = [interval_title(data)] if interval_title(data) else []
    table = LightTable(visible(str(data.attrs[FIELD])), "", *interval)
    for value, one in _each(data):
        table.add_row(Text(visible(value)), *_told(one, name, at))
    return table


def _apart(data: xr.Dataset, name: str, at: Labels, top: int) -> LightTable:
    """The heads whose values are farthest apart: the lowest, the highest, whose these are, and their intervals."""
    names, parts = zip(*_each(data), strict=True)
    tables = [at_labels(with_one_label(one[name]), at) for one in parts]
    stacked = np.stack([values(table) for table in tables])  # [value, layer, head]
    known = np.argwhere(~np.isnan(stacked).all(0))
    ends = [(a, b, int(np.nanargmin(stacked[:, a, b])), int(np.nanargmax(stacked[:, a, b]))) for a, b in known.tolist()]
    ends.sort(key=lambda end: stacked[end[2], end[0], end[1]] - stacked[end[3], end[0], end[1]])
    layers, heads = (tables[0][dim].values.tolist() for dim in HEAD)
    interval = [interval_title(data)] if interval_title(data) else []
    result = LightTable("farthest apart", "lowest", *interval, "", "highest", *interval, "")
    for a, b, *both in ends[:top]:
        here = {**at, "layer": layers[a], "head": heads[b]}
        cells = (text for one in both for text in (*_told(parts[one], name, here), visible(names[one])))
        result.add_row(f"layer {layers[a]} head {heads[b]}", *cells)
    return result


def _by_layer(data: xr.Dataset, name: str, at: Labels) -> LightTable:
    """A row a layer; of each value of the field the number, and its interval."""
    names, parts = zip(*_each(data), strict=True)
    interval = [interval_title(data)] if interval_title(data) else []
    table = LightTable("layer", *(column for value in names for column in (visible(value), *interval)))
    for layer in data["layer"].values.tolist():
        cells = (text for one in parts for text in _told(one, name, {**at, "layer": layer}))
        table.add_row(str(layer), *cells)
    return table


def _told(one: xr.Dataset, name: str, at: Labels) -> Sequence[str]:
    """A number, and its interval where the run has intervals."""
    table, sure = with_one_label(one[name]), certainty(one, name)
    number = float(at_labels(table, at))
    if sure is not None:
        return sure.told(number, at)
    return (shown(table, number), "–") if interval_title(one) else (shown(table, number),)


def _said(data: xr.Dataset) -> list[Text]:
    """What is to be said of intervals and differences."""
    sure = why_none(data) or (unsure_told(data) if interval_title(data) else "")
    how = f"which differences are sure: attnmetrics compare RUN --by {data.attrs[FIELD]}"
    return [Text(), *(Text(visible(line), style=FAINT) for line in (sure, how) if line)]
