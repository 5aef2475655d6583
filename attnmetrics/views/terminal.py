"""Tables in the terminal: a run's summary, any metric, a head's profile, a head's sentences.

Everything returned is a rich renderable. Text of the corpus is drawn as it stands: never as markup, never as a control
sequence.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
import xarray as xr
from rich import box
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from attnmetrics.errors import ConfigError
from attnmetrics.metrics.family import HEAD
from attnmetrics.results.wording import in_unit
from attnmetrics.storage import Location
from attnmetrics.views import palette
from attnmetrics.views.facts import about, duration, headline, left_out, stage_seconds, unit_of
from attnmetrics.views.heads import (
    SHARES,
    TITLES,
    Standout,
    base_name,
    percent,
    ranked,
    shown,
    standouts,
    values,
)
from attnmetrics.views.pieces import Piece, readable, visible, window

_NOT_IN_SUMMARY: Final = ("least variable", "most variable")
_WIDEST_HEAT: Final = 16
"""Heat tables with more heads than this would not fit a terminal."""
_FROM: Final = "bold black on #ffd08a"
_TO: Final = "bold black on #9fd3f2"
_FAINT: Final = "dim"


# ---- summary


def summary(data: xr.Dataset, facts: Mapping[str, Any]) -> RenderableType:
    """The end of a run: what was measured, what was left out, the heads that stand out."""
    numbers = ", ".join(value if name == "time" else f"{value} {name}" for name, value in headline(data, facts))
    lines: list[RenderableType] = [Text(numbers)]
    missing = [f"{name} ({value})" for name, value in left_out(data, facts) if value != "0"]
    if missing:
        lines.append(Text(f"left out or cut: {', '.join(missing)}", style="yellow"))
    found = [head for head in standouts(data) if head.role.title not in _NOT_IN_SUMMARY]
    if not found:
        return Group(*lines, Text("no head has evidence in this run"))
    groups = ([head for head in found if (head.role.metric == "pos_to") == tags] for tags in (False, True))
    tables: list[RenderableType] = [_standouts(group) for group in groups if group]
    return Group(*lines, Text(), Columns(tables, padding=(0, 3)))


def _standouts(found: Sequence[Standout]) -> Table:
    table = _table("heads that stand out" if found[0].role.metric != "pos_to" else "attention to", "head", "", "median")
    for head in found:
        title = head.role.title.removeprefix("to ")
        table.add_row(title, f"layer {head.layer} head {head.head}", head.shown, Text(head.shown_median, style=_FAINT))
    return table


def _table(*columns: str) -> Table:
    """A light table, first column to the left, the others to the right."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for n, column in enumerate(columns):
        table.add_column(Text(column), justify="left" if n == 0 else "right", no_wrap=n > 0)
    return table


# ---- a metric


def show_metric(data: xr.Dataset, name: str, top: int = 10, label: str | None = None) -> RenderableType:
    """A metric as tables: of heads a heat table and the top heads; of layers, labels and the corpus all values.

    Args:
        data: a run's results
        name: of any of its variables
        top: heads to list
        label: of the metric's third dimension (a tag, a relation, a direction, an offset); without it a metric with
            such a dimension shows each label's mean and top head

    Raises:
        ConfigError: no such metric or label.
    """
    table = _sliced(data, _known(name, [str(key) for key in data.data_vars], "metric"), label)
    return Group(*_heading(name, label, unit_of(data)), *_metric_body(table, name, top, unit_of(data)))


def _metric_body(table: xr.DataArray, name: str, top: int, unit: str) -> Sequence[RenderableType]:
    if table.ndim == 0:
        return [Text(in_unit(shown(name, float(table)), unit))]
    if table.dims == HEAD:
        heat: list[RenderableType] = [_heat(table, name), Text()] if table.sizes["head"] <= _WIDEST_HEAT else []
        return [*heat, _top_heads(table, name, top)]
    if table.dims[:2] == HEAD:
        return [_by_label(table, name)]
    return [_list(table, name) if table.ndim == 1 else _matrix(table, name)]


def _known(name: str, known: Sequence[str], what: str) -> str:
    """`name`, if it is known.

    Raises:
        ConfigError: it is not; the message lists the known ones, the nearest first.
    """
    if name in known:
        return name
    near = get_close_matches(name, known, 1, 0.5)
    hint = f"did you mean {visible(near[0])!r}? " if near else ""
    listed = ", ".join(visible(one) for one in known if not one.endswith("_by_layer")) or "none"
    twins = "; each metric of heads also as <metric>_by_layer" if what == "metric" else ""
    raise ConfigError(f"expected a {what} of this run, found {visible(name)!r}; {hint}the run has: {listed}{twins}")


def _sliced(data: xr.Dataset, name: str, label: str | None) -> xr.DataArray:
    table = data[name]
    if label is None:
        return table
    dims = [dim for dim in table.dims if dim not in HEAD]
    if not dims:
        raise ConfigError(f"expected no label for {name}, found {visible(label)!r}; it has one value a head")
    known = table[dims[0]].values.tolist()
    spelled = _known(label, [str(one) for one in known], f"label of {dims[0]!r}")
    return table.sel({dims[0]: known[[str(one) for one in known].index(spelled)]})


def _heading(name: str, label: str | None, unit: str) -> list[RenderableType]:
    result = TITLES.get(base_name(name))
    title = Text(in_unit(result.title, unit) if result else name, style="bold")
    if label is not None:
        title.append(f": {visible(label)}")
    if name != base_name(name):
        title.append(", by layer")
    formula = [Text(in_unit(f"{result.formula} [{result.unit}]", unit), style=_FAINT)] if result else []
    return [title, *formula, Text()]


def _heat(table: xr.DataArray, name: str) -> Table:
    """Values of every head on a coloured ground; layers down."""
    numbers = values(table)
    grid = Table(box=None, padding=(0, 0), pad_edge=False)
    grid.add_column(Text("layer", style=_FAINT), justify="right")
    for head in table["head"].values.tolist():
        grid.add_column(Text(f"{head} ", style=_FAINT), justify="right", no_wrap=True)
    top = float(np.nanmax(numbers)) if np.isfinite(numbers).any() else 1.0
    for layer, row in zip(table["layer"].values.tolist(), numbers, strict=True):
        grid.add_row(Text(f"{layer} ", style=_FAINT), *(_cell(value, top, name) for value in row))
    return grid


def _cell(value: float, top: float, name: str) -> Text:
    if np.isnan(value):
        return Text("  – ", style=_FAINT)
    level = round(value / top * (palette.LEVELS - 1)) if top > 0 else 0
    ground = palette.SEQUENTIAL.light[min(max(level, 0), palette.LEVELS - 1)]
    ink = "white" if level > palette.LEVELS // 2 else "black"
    return Text(f" {_short(value, name):>4} ", style=Style(color=ink, bgcolor=ground))


def _short(value: float, name: str) -> str:
    """At most four characters wherever that can be; shares in percent."""
    if base_name(name) in SHARES:
        return f"{100 * value:.0f}"
    for form in (".2f", ".1f", ".0f"):
        if len(format(value, form)) <= 4:
            return format(value, form)
    return f"{value / 1000:.0f}k" if value < 999_500 else f"{value / 1e6:.0f}M"


def _top_heads(table: xr.DataArray, name: str, top: int) -> Table:
    heads = ranked(table)
    result = _table("rank", "head", "")
    for rank, (layer, head, value) in enumerate(heads[:top], 1):
        result.add_row(str(rank), f"layer {layer} head {head}", shown(name, value))
    if len(heads) > top + 1:
        result.add_row("…")
    if len(heads) > top:
        layer, head, value = heads[-1]
        result.add_row(str(len(heads)), f"layer {layer} head {head}", shown(name, value))
    return result


def _by_label(table: xr.DataArray, name: str) -> Table:
    """For each label the mean over heads and the head with most."""
    dim = str(table.dims[2])
    result = _table(dim, "mean of heads", "most", "head")
    for label in table[dim].values.tolist():
        one = table.sel({dim: label})
        best = ranked(one)
        if best and best[0][2] > 0:
            layer, head, value = best[0]
            mean = shown(name, float(np.nanmean(values(one))))
            result.add_row(Text(visible(str(label))), mean, shown(name, value), f"layer {layer} head {head}")
    return result


def _list(table: xr.DataArray, name: str) -> Table:
    dim = str(table.dims[0])
    result = _table(dim.replace("_", " "), "")
    for label, value in zip(table[dim].values.tolist(), values(table), strict=True):
        result.add_row(Text(visible(str(label))), shown(name, float(value)))
    return result


def _matrix(table: xr.DataArray, name: str) -> Table:
    """[layer, label] with labels down, so that any number of them fits."""
    table = table.transpose(..., "layer")
    dim = str(table.dims[0])
    result = _table(dim, *(f"{layer}" for layer in table["layer"].values.tolist()))
    for label, row in zip(table[dim].values.tolist(), values(table), strict=True):
        if np.nansum(row) > 0:
            result.add_row(Text(visible(str(label))), *("–" if np.isnan(v) else _short(v, name) for v in row))
    return result


# ---- a head


def show_head(data: xr.Dataset, layer: int, head: int) -> RenderableType:
    """A head's metrics with their rank among all heads (1 = highest), and what it looks at more than others do.

    Raises:
        ConfigError: the run has no such head.
    """
    _require_head(layer, head, data["layer"].values.tolist(), data["head"].values.tolist())
    profiles = [
        _profile(data, layer, head, name, title)
        for name, title in (
            ("pos_to", "attends to"), ("pos_from", "attends from"), ("dependency_type_to", "attends to relation"),
            ("attention_at_offset", "at offset"),
        )
    ]  # fmt: skip
    title = Text(f"layer {layer} head {head}", style="bold")
    return Group(title, Text(), _metrics(data, layer, head), Text(), Columns(profiles, padding=(0, 3)))


def _require_head(layer: int, head: int, layers: Sequence[int], heads: Sequence[int]) -> None:
    for what, found, known in (("layer", layer, layers), ("head", head, heads)):
        if found not in known:
            raise ConfigError(f"expected a {what} of this run, found {found}; the run has {what}s {_span(known)}")


def _span(known: Sequence[int]) -> str:
    whole = list(known) == list(range(known[0], known[-1] + 1)) if len(known) else False
    return f"{known[0]} to {known[-1]}" if whole and len(known) > 1 else ", ".join(map(str, known)) or "none"


def _metrics(data: xr.Dataset, layer: int, head: int) -> Table:
    result = _table("metric", "", "rank", "median")
    for name in (str(key) for key, table in data.data_vars.items() if table.dims == HEAD):
        _metric_row(result, data[name], name, (layer, head))
    for direction in data["direction"].values.tolist():
        title = f"dependency_alignment, {visible(str(direction))}"
        _metric_row(result, data["dependency_alignment"].sel(direction=direction), title, (layer, head))
    return result


def _metric_row(result: Table, table: xr.DataArray, title: str, at: tuple[int, int]) -> None:
    order = [(layer, head) for layer, head, _ in ranked(table)]
    rank = f"{order.index(at) + 1} of {len(order)}" if at in order else "–"
    numbers = values(table)
    median = float(np.nanmedian(numbers)) if np.isfinite(numbers).any() else float("nan")
    name = str(table.name)
    result.add_row(Text(title), shown(name, float(table.sel(layer=at[0], head=at[1]))), rank, shown(name, median))


def _profile(data: xr.Dataset, layer: int, head: int, name: str, title: str, number: int = 5) -> Table:
    """The largest shares of a head beside the mean of all heads."""
    table = data[name]
    dim = str(table.dims[2])
    own = values(table.sel(layer=layer, head=head))
    result = _table(title, "", "mean")
    order = [int(n) for n in np.argsort(-np.nan_to_num(own), kind="stable")[:number] if own[n] > 0]
    for n in order:
        mean = float(np.nanmean(values(table.isel({dim: n}))))
        result.add_row(Text(visible(str(table[dim].values.tolist()[n]))), percent(float(own[n])), percent(mean))
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
    layers, heads = sorted(set(frame["layer"].tolist())), sorted(set(frame["head"].tolist()))
    _require_head(layer, head, layers, heads)
    rows = frame[(frame["layer"] == layer) & (frame["head"] == head)].sort_values("rank").head(top)
    parts = [Text(f"layer {layer} head {head}", style="bold"), _legend()]
    parts += [text for row in rows.to_dict("records") for text in _exemplar(row, unit)]
    return Group(
        *(parts if len(rows) else [*parts, Text("no sentence: this head attends to nothing that is measured")])
    )


def _legend() -> Text:
    return Text.assemble(("attending piece", _FROM), " looks at ", ("attended piece", _TO))


def _exemplar(row: Mapping[Any, Any], unit: str) -> list[Text]:
    i, j = int(row["i"]), int(row["j"])
    pieces = readable(list(row["pieces"]), str(row["text"]))
    pair = f"{pieces[i].text} → {pieces[j].text} {percent(float(row['weight']))}"
    source = visible(f"{row['document']}, {in_unit('sentence', unit)} {int(row['sentence'])}")
    return [
        Text(),
        Text.assemble((f"{int(row['rank'])}. {pair}", "bold"), (f"  {source}", _FAINT)),
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
