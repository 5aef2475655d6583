"""How the counterparts of Clark et al. (2019) are read from a run's tables: a reader for each `how` of the file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.views.certainty import bounds, layer_bounds
from attnmetrics.views.heads import ranked
from attnmetrics.views.numbers import number
from attnmetrics.views.papers.claims import Bounds, Counterpart, Field, NoCounterpartError
from attnmetrics.views.papers.reading import corpus_value, head_name, head_table, head_told, layer_values
from attnmetrics.views.tables import Labels, at_labels, labels_of, values

LAYERS: Final = 12
"""Of BERT-base: values of its layers are comparable with those of a model that has as many."""
NAMED: Final = 12
"""Heads whose layers are named one by one, at most."""
CLASSES: Final = ("all", "pronoun", "proper", "nominal")
"""Of mentions, in the order of Table 2."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is read from which table of a run."""

    result: str
    at: Mapping[str, str | Sequence[str]]
    """labels; of several, the first that the run has"""
    places: tuple[int, ...]
    """layers"""
    over: float
    """what a value has to be above"""

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> "Source":
        """What an entry of the file names."""
        return cls(entry.get("result", ""), entry.get("at", {}), tuple(entry.get("places", ())), entry.get("over", 0.5))

    def labels(self, data: xr.Dataset) -> Labels:
        """One label for each dimension that is named."""
        return {dim: _first_known(data, dim, asked) for dim, asked in self.at.items()}

    def table(self, data: xr.Dataset) -> xr.DataArray:
        """[layer, head] values with evidence."""
        return head_table(data, self.result, self.labels(data))

    def layers(self, data: xr.Dataset) -> NDArray[np.float64]:
        """[layer] values of all layers."""
        return layer_values(data, self.result, self.labels(data))

    def layer_bounds(self, data: xr.Dataset) -> list[Bounds]:
        """Of all layers; none without intervals."""
        found = layer_bounds(data, self.result, self.labels(data))
        return [] if found is None else [(float(low), float(high)) for low, high in found]

    def bounds(self, data: xr.Dataset, **more: int | str) -> Bounds:
        """Of one value, such as a head's."""
        return bounds(data, self.result, {**self.labels(data), **more})

    def rows(self, data: xr.Dataset) -> NDArray[np.float64]:
        """[place, head] values of the layers that are named."""
        _require_depth(data)
        return values(self.table(data))[list(self.places)]


def _first_known(data: xr.Dataset, dim: str, asked: str | Sequence[str]) -> str:
    if isinstance(asked, str):
        return asked
    known = labels_of(data[dim], dim) if dim in data.coords else []
    return next((label for label in asked if label in known), asked[-1])


def _require_depth(data: xr.Dataset) -> None:
    if data["layer"].values.tolist() != list(range(LAYERS)):
        raise NoCounterpartError(f"the paper's model has {LAYERS} layers, this run {data.sizes['layer']}")


# ---- writing


def theirs(value: Any, unit: str) -> str:
    """A published value as a person reads it; a head also as the paper writes it.

    >>> theirs([7, 9], "head"), theirs(0.02, "share")
    ('layer 7 head 9 (8-10)', '2%')
    """
    if isinstance(value, list):
        layer, head = value
        return f"{head_name(layer, head)} ({layer + 1}-{head + 1})"
    if isinstance(value, str) or unit == "heads":
        return str(value)
    return f"{100 * value:.4g}%" if unit == "share" else f"{value:g}"


def _ours(value: float, unit: str) -> str:
    if np.isnan(value):
        return "–"
    return f"{100 * value:.1f}%" if unit == "share" else f"{value:.2f}"


def _listed(found: Sequence[float], unit: str, sure: Sequence[Bounds] = ()) -> Counterpart:
    spaced = [part for value in found for part in (" ", Field(_ours(value, unit)))]
    return Counterpart(tuple(found), tuple(spaced[1:]), tuple(sure))


def _single(value: float, unit: str, about: str = "", sure: Bounds | None = None) -> Counterpart:
    if np.isnan(value):
        raise NoCounterpartError("no evidence in this run")
    return Counterpart((value,), (Field(_ours(value, unit)), about), () if sure is None else (sure,))


# ---- reading


def _by_layer(data: xr.Dataset, source: Source, unit: str) -> Counterpart:
    of_layers = source.layers(data).tolist()
    if not any(of_layers):
        raise NoCounterpartError("no layer of this run does it")
    found = _listed(of_layers, unit, source.layer_bounds(data))
    return replace(found, is_alike=data["layer"].values.tolist() == list(range(LAYERS)))


def _value(data: xr.Dataset, source: Source, unit: str) -> Counterpart:
    value = corpus_value(data, source.result, source.labels(data))
    return _single(value, unit, sure=source.bounds(data))


def _of_head(data: xr.Dataset, source: Source, unit: str, found: tuple[int, int, float]) -> Counterpart:
    layer, head, value = found
    about = f" ({head_told(data, source.result, layer, head)})"
    return _single(value, unit, about, source.bounds(data, layer=layer, head=head))


def _highest(data: xr.Dataset, source: Source, unit: str) -> Counterpart:
    return _of_head(data, source, unit, ranked(source.table(data))[0])


def _lowest(data: xr.Dataset, source: Source, unit: str) -> Counterpart:
    return _of_head(data, source, unit, ranked(source.table(data), lowest=True)[0])


def _highest_head(data: xr.Dataset, source: Source, unit: str) -> Counterpart:
    layer, head, value = ranked(source.table(data))[0]
    if value == 0:
        raise NoCounterpartError("no head of this run does it")
    about = data[source.result].attrs
    written, units = _ours(value, about.get("kind", "share")), " nats" if about.get("units") == "nats" else ""
    return Counterpart((layer, head), (f"{head_name(layer, head)}, {written}{units}",))


def _heads_over(data: xr.Dataset, source: Source, unit: str) -> Counterpart:
    over = sorted(layer for layer, _, value in ranked(source.table(data)) if value > source.over)
    named = ", ".join(map(str, over)) if len(over) <= NAMED else f"{over[0]} to {over[-1]}"
    layers = f" (in layers {named})" if over else ""
    return Counterpart((len(over),), (f"{len(over)}{layers}",))


def _median_of_heads(data: xr.Dataset, source: Source, unit: str) -> Counterpart:
    return _single(float(np.nanmedian(values(source.table(data)))), unit, ", median of heads")


def _highest_of_layers(data: xr.Dataset, source: Source, unit: str) -> Counterpart:
    rows, layers = source.rows(data), data["layer"].values[list(source.places)].tolist()
    heads = data["head"].values[np.nan_to_num(rows, nan=-np.inf).argmax(axis=1)].tolist()
    sure = [source.bounds(data, layer=layer, head=head) for layer, head in zip(layers, heads, strict=True)]
    return _listed(np.fmax.reduce(rows, axis=1).tolist(), unit, sure)


def _lowest_of_layer(data: xr.Dataset, source: Source, unit: str) -> Counterpart:
    rows = source.rows(data)
    place = int(np.nan_to_num(rows, nan=np.inf).argmin())
    layer = int(data["layer"].values[source.places[place // rows.shape[1]]])
    sure = source.bounds(data, layer=layer, head=int(data["head"].values[place % rows.shape[1]]))
    return _single(float(np.fmin.reduce(rows, axis=None)), unit, sure=sure)


def _mean_of_layers(data: xr.Dataset, source: Source, unit: str) -> Counterpart:
    _require_depth(data)
    return _single(float(source.layers(data)[list(source.places)].mean()), unit)


def _last_layer(data: xr.Dataset, source: Source, unit: str) -> Counterpart:
    sure, about = source.layer_bounds(data), f" (layer {data['layer'].values[-1]})"
    return _single(float(source.layers(data)[-1]), unit, about, sure[-1] if sure else None)


def _later_over_earlier(data: xr.Dataset, source: Source, unit: str) -> Counterpart:
    """The mean over heads from a layer on ÷ that before."""
    _require_depth(data)
    (first,), found = source.places, values(source.table(data))
    ratio = float(np.nanmean(found[first:]) / np.nanmean(found[:first]))
    return Counterpart((ratio,), (f"{number(ratio)} × that before",))


def _by_class(data: xr.Dataset, source: Source, unit: str) -> Counterpart:
    corpus_value(data, source.result, {**source.labels(data), "mention_class": "all"})
    table = data[source.result].sel(source.labels(data))
    sure = [source.bounds(data, mention_class=one) for one in CLASSES]
    return _listed([float(at_labels(table, {"mention_class": one})) for one in CLASSES], unit, sure)


def _best_head_by_class(data: xr.Dataset, source: Source, unit: str) -> Counterpart:
    """Every class by the head that is best over all."""
    at = source.labels(data)
    layer, head, _ = ranked(head_table(data, source.result, {**at, "mention_class": "all"}))[0]
    of_head = data[source.result].sel({"layer": layer, "head": head, **at})
    found = _listed([float(at_labels(of_head, {"mention_class": one})) for one in CLASSES], unit)
    sure = tuple(source.bounds(data, layer=layer, head=head, mention_class=one) for one in CLASSES)
    return Counterpart(found.numbers, (*found.text, f" ({head_name(layer, head)})"), sure)


def _probe(data: xr.Dataset, source: Source, unit: str) -> Counterpart:
    if source.result not in data:
        raise NoCounterpartError("this run was not probed")
    return _single(corpus_value(data, source.result, source.labels(data)), unit)


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads a counterpart."""

    read: Callable[[xr.Dataset, Source, str], Counterpart]
    """(data, source, unit)"""
    unit: str = "share"
    """where the file names none"""


READERS: Final[Mapping[str, Reader]] = {
    "by layer": Reader(_by_layer),
    "value": Reader(_value),
    "highest": Reader(_highest),
    "lowest": Reader(_lowest),
    "highest head": Reader(_highest_head, "head"),
    "heads over": Reader(_heads_over, "heads"),
    "median of heads": Reader(_median_of_heads),
    "highest of layers": Reader(_highest_of_layers),
    "lowest of layer": Reader(_lowest_of_layer),
    "mean of layers": Reader(_mean_of_layers),
    "last layer": Reader(_last_layer),
    "later over earlier": Reader(_later_over_earlier, "ratio"),
    "by class": Reader(_by_class),
    "best head by class": Reader(_best_head_by_class),
    "probe": Reader(_probe),
}
"""By `how` of the file."""
