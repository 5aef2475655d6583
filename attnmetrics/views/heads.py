"""Which heads stand out, and how a metric's value is written."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.statistics import schema

SHARES: Final = frozenset(
    {
        "null_attention", "pos_to", "pos_from", "dependency_alignment", "dependency_type_to", "attention_at_offset",
        "dependency_probability", "dependency_within_18", "dependency_baseline",
    }
)  # fmt: skip
"""Results that are shares of a whole, written in percent."""

TITLES: Final = {result.name: result for result in schema.RESULTS}


@dataclass(frozen=True, slots=True)
class Role:
    """A question with one head for an answer."""

    title: str
    metric: str
    labels: tuple[tuple[str, str | int], ...] = ()
    """(dimension, label) of the slice, for metrics with more dimensions than layer and head."""
    lowest: bool = False


@dataclass(frozen=True, slots=True)
class Standout:
    """The head that answers a role in a run."""

    role: Role
    layer: int
    head: int
    value: float
    median: float
    """Median over all heads with evidence."""

    @property
    def shown(self) -> str:
        """The value with its unit."""
        return shown(self.role.metric, self.value)

    @property
    def shown_median(self) -> str:
        """The median with its unit."""
        return shown(self.role.metric, self.median)


def _to(tag: str) -> tuple[tuple[str, str | int], ...]:
    return (("pos", tag),)


ROLES: Final = (
    Role("most null attention", "null_attention"),
    Role("along dependencies", "dependency_alignment", (("direction", "either"),)),
    Role("most local", "distance", lowest=True),
    Role("most distant", "distance"),
    Role("most diffuse", "entropy"),
    Role("sharpest", "entropy", lowest=True),
    Role("least variable", "variability", lowest=True),
    Role("most variable", "variability"),
    Role("previous piece", "attention_at_offset", (("offset", 1),)),
    Role("own piece", "attention_at_offset", (("offset", 0),)),
    Role("to nouns", "pos_to", _to("NOUN")),
    Role("to proper nouns", "pos_to", _to("PROPN")),
    Role("to determiners", "pos_to", _to("DET")),
    Role("to verbs", "pos_to", _to("VERB")),
    Role("to punctuation", "pos_to", _to("PUNCT")),
)


EXAMPLE_ROLES: Final = tuple(role for role in ROLES if role.title in ("most local", "most diffuse", "most distant"))
"""Of the heads in Fig. 4."""


def per_head(data: xr.Dataset, metric: str, labels: tuple[tuple[str, str | int], ...] = ()) -> xr.DataArray | None:
    """A [layer, head] table, or None where the run lacks the metric or the label."""
    if metric not in data:
        return None
    table = data[metric]
    for dim, label in labels:
        if label not in table[dim].values.tolist():
            return None
        table = table.sel({dim: label})
    return table


def values(table: xr.DataArray) -> NDArray[np.float64]:
    """The table's numbers as float64."""
    return np.asarray(table.values, np.float64)


def ranked(table: xr.DataArray, *, lowest: bool = False) -> list[tuple[int, int, float]]:
    """(layer, head, value), best first, heads without evidence left out; of equals the first layer, then head."""
    flat = values(table).ravel()
    order = np.argsort(flat if lowest else -flat, kind="stable")
    layers, heads = table["layer"].values, table["head"].values
    kept = [int(index) for index in order if not np.isnan(flat[index])]
    return [(int(layers[n // len(heads)]), int(heads[n % len(heads)]), float(flat[n])) for n in kept]


def standout(data: xr.Dataset, role: Role) -> Standout | None:
    """The head that answers a role, or None where the run has no evidence for it."""
    table = per_head(data, role.metric, role.labels)
    best = ranked(table, lowest=role.lowest) if table is not None else []
    if table is None or not best or (best[0][2] == 0 and not role.lowest):
        return None
    return Standout(role, *best[0], median=float(np.nanmedian(values(table))))


def standouts(data: xr.Dataset) -> list[Standout]:
    """The answered roles, in the order of `ROLES`."""
    found = (standout(data, role) for role in ROLES)
    return [head for head in found if head is not None]


def base_name(metric: str) -> str:
    """The metric that a by-layer table belongs to; any other name as it is."""
    return metric.removesuffix("_by_layer")


def shown(metric: str, value: float) -> str:
    """A value as a person reads it: shares in percent, others with their unit; `–` without evidence."""
    name = base_name(metric)
    if np.isnan(value):
        return "–"
    if name in SHARES:
        return percent(value)
    unit = TITLES[name].unit if name in TITLES else "1"
    return number(value) if unit == "1" else f"{number(value)} {unit}"


def percent(value: float) -> str:
    """A share in percent with as many digits as it deserves."""
    scaled = 100 * value
    if scaled != 0 and abs(scaled) < 0.095:
        return f"{scaled:.2g}%"
    return f"{scaled:.0f}%" if abs(scaled) >= 9.95 or scaled == 0 else f"{scaled:.1f}%"


def number(value: float) -> str:
    """A number with three significant digits, two where it is small; counts whole, with separators."""
    if np.isnan(value):
        return "–"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 999.5:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.1 else f"{value:.2g}"
