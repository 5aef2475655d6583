"""How sure a value is, as people read it: its interval, rounded to what that bears, and the interval of its rank."""

from dataclasses import dataclass
from math import floor, log10
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.results.intervals import GROUPS
from attnmetrics.results.joined import INTERVAL, NO_INTERVALS, beside_results
from attnmetrics.views.evidence import competing
from attnmetrics.views.numbers import number
from attnmetrics.views.pieces import visible
from attnmetrics.views.tables import Labels, at_labels, is_share, shown, units, values, with_one_label

_MOST_DECIMALS: Final = 6
UNSURE: Final = "?"
"""Stands at intervals from few groups of shards."""


@dataclass(frozen=True, slots=True)
class Certainty:
    """The intervals of a table, each with at most one further dimension, as `tables.beside_chance` has it."""

    table: xr.DataArray
    low: xr.DataArray
    high: xr.DataArray
    unsure: xr.DataArray
    """where they come from few groups of shards"""
    title: str
    """of a column of intervals"""

    def at(self, labels: Labels) -> "Certainty":
        """At these labels."""
        table, low, high, unsure = (at_labels(one, labels) for one in (self.table, self.low, self.high, self.unsure))
        return Certainty(table, low, high, unsure, self.title)

    def bounds(self, at: Labels) -> tuple[float, float]:
        """Of the value at these labels; NaN where there are none."""
        return float(at_labels(self.low, at)), float(at_labels(self.high, at))

    @property
    def has_unsure(self) -> bool:
        """Whether some interval comes from few groups of shards."""
        return bool((self.unsure & self.low.notnull()).any())

    def told(self, value: float, at: Labels) -> tuple[str, str]:
        """A value and its interval, with as many digits as the interval bears; `–` without one."""
        low, high = self.bounds(at)
        text, interval = bear(self.table, value, low, high)
        return text, f"{interval} {UNSURE}" if bool(at_labels(self.unsure, at)) and not np.isnan(low) else interval


def _stored(data: xr.Dataset, name: str) -> xr.DataArray | None:
    """What stands beside the results under a name; None where nothing does."""
    tables = beside_results(data)
    return tables[name] if name in tables.variables else None


def bounds(data: xr.Dataset, name: str, at: Labels) -> tuple[float, float]:
    """Of the value of a table at these labels; NaN where there are none."""
    stored = _stored(data, f"{name}{INTERVAL}")
    low, high = (np.nan, np.nan) if stored is None else at_labels(stored, at).to_numpy().tolist()
    return low, high


def stored_bounds(data: xr.Dataset, name: str) -> NDArray[np.float64] | None:
    """[…, bound] of a table; None where there are none."""
    stored = _stored(data, f"{name}{INTERVAL}")
    return None if stored is None else np.asarray(stored.to_numpy(), np.float64)


def layer_bounds(data: xr.Dataset, metric: str, at: Labels) -> NDArray[np.float64] | None:
    """[layer, bound] of a metric of heads by layer; None where there are none."""
    stored = _stored(data, f"{metric}_by_layer{INTERVAL}")
    return None if stored is None else np.asarray(at_labels(stored, at).to_numpy(), np.float64)


def interval_title(data: xr.Dataset) -> str:
    """Of a column of intervals; empty where the run has none."""
    return f"{100 * float(data.attrs['confidence']):g}% interval" if "confidence" in data.attrs else ""


def certainty(data: xr.Dataset, name: str) -> Certainty | None:
    """The intervals of a table; None where the run has none of it, or they are not with its results."""
    stored = _stored(data, f"{name}{INTERVAL}")
    if stored is None:
        return None
    table = data[name]
    low, high = (_like(table, stored.to_numpy()[..., place]) for place in (0, 1))
    groups = groups_behind(data, name)
    unsure = _like(table, np.broadcast_to(groups < data.attrs["unsure_below"], table.shape))
    return Certainty(with_one_label(table), low, high, unsure, interval_title(data))


def _like(table: xr.DataArray, numbers: NDArray[Any]) -> xr.DataArray:
    """A table of the same dimensions, with at most one further one, as `with_one_label` has it."""
    return with_one_label(table.copy(deep=False, data=numbers))


def groups_behind(data: xr.Dataset, name: str) -> NDArray[np.int64]:
    """Of shards behind each value of a table that has intervals, or behind all."""
    beside = _stored(data, f"{name}_{GROUPS}")
    return np.asarray(beside_results(data)[f"{name}{INTERVAL}"].attrs[GROUPS] if beside is None else beside.to_numpy())


def why_none(data: xr.Dataset) -> str:
    """Why a run has no intervals, and what to do; empty where it has."""
    return visible(str(data.attrs.get(NO_INTERVALS, "")))


OF_PAIRS: Final = "A distance of two heads has no interval."
"""Said of lists of heads that are alike."""
WITHOUT: Final = "It has no intervals: it was measured in a stage of its own, whose sums are not kept apart by shards."
"""Said of a table of a run that has intervals."""
OF_MEANS: Final = "Means over heads have no intervals; every head has its own in the report and in `attnmetrics show`."
"""Said of a table of means."""


MEAN_OF_HEADS: Final = "means of heads have no intervals; of what a layer's heads do together, METRIC_by_layer has"


def sureness(data: xr.Dataset) -> str:
    """What a page says of its intervals once: what they are, or why there are none and what to do."""
    if why := why_none(data):
        return f"{why[:1].upper()}{why[1:]}."
    if not interval_title(data):
        return ""
    return (
        f"In brackets and as thin lines: the {interval_title(data)}, had other documents been drawn, from differences "
        f"between shards; {UNSURE} from fewer than {data.attrs['unsure_below']}. Beneath a map: how far those of its "
        "heads reach. Of a metric with labels, the interval of a rank counts the heads whose intervals lie wholly "
        "above and below. Numbers within sentences of heads have theirs on the page of the head. None have: means and "
        "medians over heads; correlations without heads that are nearly switched off; chance levels (but those of "
        "a relation in its table, best word offset and nearest word of a class, which have), and values against them; "
        "what a head that stands out has on the "
        "other half of the shards; weights in a sentence, which are of that sentence alone."
    )


def unsure_told(data: xr.Dataset) -> str:
    """What the mark at an interval means."""
    return f"{UNSURE} from fewer than {data.attrs['unsure_below']} shards with evidence: not quite to be trusted"


def bear(table: xr.DataArray, value: float, low: float, high: float) -> tuple[str, str]:
    """A value and its interval, both to the digit of a fourth of its width: "37.2%", "36.4 to 38.1%"."""
    if np.isnan(low) or np.isnan(high):
        return shown(table, value), "–"
    if low == high:
        return shown(table, value), shown(table, low)
    scale, unit = (100, "%") if is_share(table) else (1, "")
    decimals = min(_MOST_DECIMALS, max(0, -floor(log10(scale * (high - low) / 4))))
    texts = [f"{round(scale * number, decimals) + 0.0:,.{decimals}f}" for number in (value, low, high)]
    named = "" if is_share(table) or units(table) == "1" else f" {units(table)}"
    return f"{texts[0]}{unit}{named}", f"{texts[1]} to {texts[2]}{unit}"


def usual_reach(data: xr.Dataset, name: str, at: Labels) -> str:
    """How far the intervals of heads that compete reach to either side, at the median head; empty without any.

    Example: "95% interval: ±0.9 points (median head)".
    """
    stored = _stored(data, f"{name}{INTERVAL}")
    if stored is None:
        return ""
    low, high = np.moveaxis(values(at_labels(stored, at)), -1, 0)
    return _reach_told(data, at_labels(data[name], at), (high - low) / 2)


def reach_of_heads(data: xr.Dataset, sure: Certainty) -> str:
    """The same of intervals [layer, head]."""
    return _reach_told(data, sure.table, values(sure.high - sure.low) / 2)


def _reach_told(data: xr.Dataset, table: xr.DataArray, reaches: NDArray[np.float64]) -> str:
    own = reaches[np.isfinite(values(competing(data, table)))]
    if np.isnan(own).all():
        return ""
    scaled, unit = (100, " points") if is_share(table) else (1, "" if units(table) == "1" else f" {units(table)}")
    reach = number(float(f"{scaled * np.nanmedian(own):.2g}"))
    return f"{interval_title(data)}: ±{reach}{unit} (median head)"


def rank_bounds(data: xr.Dataset, name: str) -> NDArray[np.float64] | None:
    """[bound, layer, head] of the heads' ranks; None where there are none."""
    stored = _stored(data, f"{name}_rank{INTERVAL}")
    return None if stored is None else np.moveaxis(np.asarray(stored.to_numpy(), np.float64), -1, 0)


def bounds_of_heads(data: xr.Dataset, name: str, at: Labels) -> NDArray[np.float64] | None:
    """[bound, head of any layer] of a table at these labels, those of several dimensions joined; None without."""
    stored = _stored(data, f"{name}{INTERVAL}")
    if stored is None:
        return None
    parts = (at_labels(_like(data[name], stored.to_numpy()[..., place]), at) for place in (0, 1))
    return np.stack([values(part).ravel() for part in parts])
