"""What a table of results says of itself, and how its values are written: all that views know of it.

Any table can be shown, whoever made it: one that says nothing of itself is a score under its own name.
"""

from collections.abc import Mapping
from itertools import product
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.errors import ConfigError
from attnmetrics.results.wording import unit_name
from attnmetrics.views.numbers import number, percent, times
from attnmetrics.views.pieces import visible

HEAD: Final = ("layer", "head")
NO_WORD: Final = "_"
"""The label of a piece that overlaps no word."""

Labels = Mapping[str, str | int]
"""A label for each further dimension."""

_WORDS: Final = {
    NO_WORD: "no word",
    "_rest": "all other names",
    "attending_is_parent": "from a head word to its dependent",
    "attended_is_parent": "from a dependent to its head word",
    "either": "either direction",
    "row": "from dependent",
    "column": "on dependent",
    "parent_row": "from head word",
    "head_match": "the nearest with the same head word",
    "sieves": "rules of form and agreement",
}
"""Labels that do not explain themselves, in words."""


# ---- which tables there are


def of_heads(data: xr.Dataset) -> dict[str, xr.DataArray]:
    """The run's tables [layer, head, …] of numbers by which heads can be ranked, by name."""
    return {name: table for name, table in selectable(data).items() if is_magnitude(table)}


def selectable(data: xr.Dataset) -> dict[str, xr.DataArray]:
    """All tables [layer, head, …] of numbers, by name: also names of groups, places on a map, pairs of heads."""
    return {str(name): data[name] for name in data.data_vars if _is_of_heads(data.variables[name])}


def table_of_heads(data: xr.Dataset, name: str) -> xr.DataArray | None:
    """One of them; None where the run has none of this name."""
    return data[name] if name in data.data_vars and _is_of_heads(data.variables[name]) else None


def _is_of_heads(table: xr.Variable) -> bool:
    return table.dims[:2] == HEAD and table.dtype.kind in "biuf"


def of_corpus(data: xr.Dataset) -> dict[str, xr.DataArray]:
    """The run's tables of numbers that are neither of heads nor by layer, by name."""
    tables = {str(name): table for name, table in data.data_vars.items() if "layer" not in table.dims}
    return {
        name: table for name, table in tables.items() if "twin_of" not in table.attrs and table.dtype.kind in "biuf"
    }


def by_layer(data: xr.Dataset, name: str) -> xr.DataArray | None:
    """The twin [layer, …] of a table of heads, from sums over the heads of a layer; None where there is none.

    Of a table that says so, the mean of its heads, which have the same number of pairs each.
    """
    if (twin := f"{name}_by_layer") in data:
        return data[twin]
    is_mean = name in data and data[name].attrs.get("by_layer") == "mean of heads"
    return data[name].mean("head", keep_attrs=True) if is_mean else None


def chance(data: xr.Dataset, table: xr.DataArray) -> xr.DataArray | None:
    """The table's chance level, with some of its dimensions or all; None where the run has none."""
    level = _named(data, table, str(table.attrs.get("chance", "")))
    return level if level is None or table.attrs.get("chance_times") != "evidence" else _off_null(data, table, level)


def _named(data: xr.Dataset, table: xr.DataArray, name: str) -> xr.DataArray | None:
    """A table that another one names, of heads or of layers as that one is."""
    known = (data[spelled] for spelled in (name, f"{name}_by_layer") if spelled in data)
    return next((level for level in known if set(level.dims) <= set(table.dims)), None)


def _off_null(data: xr.Dataset, table: xr.DataArray, level: xr.DataArray) -> xr.DataArray:
    """A level times what is left off null pieces, by a head or by a layer as the table is."""
    name = "null_attention" if "head" in table.dims else "null_attention_by_layer"
    if name not in data:
        return level
    null = data[name]
    return (level * (1 - null)).transpose(*null.dims, ...).assign_attrs(level.attrs).rename(level.name)


def beside(data: xr.Dataset, table: xr.DataArray) -> list[xr.DataArray]:
    """What is drawn beside a table and its chance level, as far as the run has it."""
    named = (_named(data, table, str(name)) for name in table.attrs.get("beside", ()))
    return [one for one in named if one is not None]


def counts(data: xr.Dataset, table: xr.DataArray) -> xr.DataArray | None:
    """How many things the table's shares are of, by the same labels; None where the run does not say."""
    return _named(data, table, str(table.attrs.get("counts", "")))


def ranking(data: xr.Dataset, table: xr.DataArray) -> xr.DataArray:
    """What heads are ranked by for a table: where the run has it, what is beyond its chance level; else the table."""
    excess = _named(data, table, str(table.attrs.get("excess", "")))
    return table if excess is None else excess


def by_themselves(data: xr.Dataset) -> dict[str, xr.DataArray]:
    """The run's tables of heads that are shown by themselves: not the chance level of another."""
    heads = of_heads(data)
    levels = {str(table.attrs.get("chance", "")) for table in heads.values()}
    return {name: table for name, table in heads.items() if name not in levels}


def select(data: xr.Dataset, name: str, at: Labels) -> xr.DataArray:
    """A table of heads at these labels, [layer, head].

    Raises:
        ConfigError: the run has no such table of heads, dimension or label, or a dimension has no label.
    """
    table = table_of_heads(data, name)
    if table is None:
        known = ", ".join(selectable(data))
        raise ConfigError(f"expected a metric of the run's heads, found {name!r}; it has {known}")
    return at_known_labels(table, at)


def at_known_labels(table: xr.DataArray, at: Labels) -> xr.DataArray:
    """A table of heads at these labels, [layer, head].

    Raises:
        ConfigError: it has no such dimension or label, or a dimension has no label.
    """
    dims = further(table)
    if set(at) != set(dims):
        raise ConfigError(
            f"expected a label for each of {list(dims)} of {str(table.name)!r}, found labels for {list(at)}"
        )
    for dim, label in at.items():
        labels = labels_of(table, dim)
        if label not in labels:
            listed = ", ".join(map(str, labels))
            raise ConfigError(f"expected a label of {dim!r}, found {label!r}; the run has {listed}")
    return at_labels(table, at)


def select_layers(data: xr.Dataset, name: str, at: Labels) -> xr.DataArray:
    """The by-layer twin of a table of heads at these labels, [layer].

    Raises:
        ConfigError: as `select`; or the table has no such twin.
    """
    select(data, name, at)
    twin = by_layer(data, name)
    if twin is None:
        known = ", ".join(one for one in of_heads(data) if by_layer(data, one) is not None)
        raise ConfigError(f"expected a metric that the run has by layer, found {name!r}; it has {known}")
    return at_labels(twin, at)


def at_labels(table: xr.DataArray, at: Labels) -> xr.DataArray:
    """The table at those of these labels that it has dimensions for; by place, for names may end with a NUL."""
    return table.isel({dim: labels_of(table, dim).index(label) for dim, label in at.items() if dim in table.dims})


# ---- what a table says of itself


def kind(table: xr.DataArray) -> str:
    """`share`, `mean`, `count` or `score`."""
    return str(table.attrs.get("kind", "score"))


def is_magnitude(table: xr.DataArray) -> bool:
    """Whether heads can be ranked by it."""
    return table.attrs.get("magnitude") != "no"


def is_share(table: xr.DataArray) -> bool:
    """Whether the values are shares of a whole, written in percent."""
    return kind(table) == "share"


def said(table: xr.DataArray, attribute: str) -> str:
    """What the table says of itself, as text that any page or terminal can show; empty where it does not say."""
    return visible(str(table.attrs.get(attribute, "")))


def title(table: xr.DataArray) -> str:
    """What the table is called."""
    return said(table, "long_name") or visible(str(table.name))


def units(table: xr.DataArray) -> str:
    """What the values are counted in; `1` for pure numbers."""
    return said(table, "units") or "1"


def source(data: xr.Dataset) -> str:
    """The run's model and corpus, and what made it, as far as its results say: "gpt2 · wiki.txt · 1,500 sentences ·
    attnmetrics 0.1.0, 2026-11-27".
    """
    names = [visible(str(data.attrs[name])) for name in ("model", "corpus") if data.attrs.get(name)]
    measured = [f"{number(float(data['sentences']))} {unit_word(data)}s"] if names and "sentences" in data else []
    made = [visible(str(data.attrs["made"]))] if data.attrs.get("made") else []
    return " · ".join([*names, *measured, *made])


def is_of_all_attention(table: xr.DataArray) -> bool:
    """Whether attention to null pieces counts in it, so that a head that rests on them has evidence for it."""
    return table.attrs.get("null") == "in"


def caption(table: xr.DataArray) -> str:
    """What the table is called where it stands beside another: "even attention"."""
    return said(table, "caption") or "chance"


def scale(table: xr.DataArray) -> str:
    """What stands at a scale of the values."""
    if is_share(table):
        return "share"
    return title(table).lower() if units(table) == "1" else units(table)


def heading(table: xr.DataArray, at: Labels) -> str:
    """What the table is called at these labels: "Attention to NOUN"."""
    words = ", ".join(in_words(label) for label in at.values())
    template = said(table, "heading")
    if template and words:
        return template.replace("{}", words) + ", by layer" * ("twin_of" in table.attrs)
    return f"{title(table)}: {words}" if words else title(table)


def unit_word(data: xr.Dataset) -> str:
    """What attention was measured in, in words: sentence, or window for windows of any size, or segment pair."""
    return visible(unit_name(str(data.attrs.get("unit", "sentence"))))


# ---- labels


def further(table: xr.DataArray) -> tuple[str, ...]:
    """The dimensions beside layer and head."""
    return tuple(str(dim) for dim in table.dims if dim not in HEAD)


def labels_of(table: xr.DataArray, dim: str) -> list[str | int]:
    """The labels of a dimension, in order."""
    return list(table.get_index(dim).tolist())


def dim_title(table: xr.DataArray, dim: str) -> str:
    """What a dimension is called."""
    named = said(table[dim], "long_name") if dim in table.coords else ""
    return named or visible(dim).replace("_", " ")


def in_words(label: object) -> str:
    """A label as people read it."""
    return _WORDS.get(str(label), visible(str(label)))


def with_one_label(table: xr.DataArray) -> xr.DataArray:
    """The table with at most one further dimension: several become one, whose labels are theirs, joined by ", "."""
    dims = further(table)
    if len(dims) < 2:
        return table
    kept = tuple(str(dim) for dim in table.dims if dim in HEAD)
    labels = [", ".join(map(str, parts)) for parts in product(*(labels_of(table, dim) for dim in dims))]
    ordered = table.transpose(*kept, *dims)
    numbers = ordered.values.reshape(*ordered.shape[: len(kept)], -1)
    coords = {**{dim: table[dim] for dim in kept}, ", ".join(dims): labels}
    return xr.DataArray(numbers, coords, (*kept, ", ".join(dims)), table.name, table.attrs)


def beside_chance(data: xr.Dataset, name: str) -> tuple[xr.DataArray, xr.DataArray | None]:
    """A table and its chance level, both with at most one further dimension."""
    table = data[name]
    level = chance(data, table)
    if level is not None and len(further(table)) > 1:
        level = level.broadcast_like(table).transpose(*table.dims)
    return with_one_label(table), None if level is None else with_one_label(level)


# ---- values


def values(table: xr.DataArray) -> NDArray[np.float64]:
    """The table's numbers as float64."""
    return np.asarray(table.values, np.float64)


def shown(table: xr.DataArray, value: float) -> str:
    """A value of the table as a person reads it: shares in percent, others with their unit; `–` without evidence."""
    if np.isnan(value):
        return "–"
    if is_share(table):
        return percent(value)
    return number(value) if units(table) == "1" else f"{number(value)} {units(table)}"


def against(table: xr.DataArray, value: float, level: float) -> str:
    """A value against its chance level: how many times it, "7.6×"; where heads are ranked by what is beyond it,
    how much that is, of shares in points, "+11 points"; nothing where neither can be said.
    """
    if np.isnan(value) or np.isnan(level):
        return ""
    if table.attrs.get("excess"):
        beyond = shown(table, value - level).replace("%", " points")
        return f"{'+' if value >= level else ''}{beyond}"
    return times(value / level) if level > 0 else ""


def largest(table: NDArray[np.float64]) -> float:
    """The largest number, or 1 without evidence."""
    return float(np.nanmax(table)) if np.isfinite(table).any() else 1.0
