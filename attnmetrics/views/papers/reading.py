"""What counterparts are read from: tables of a run, or why it has none."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.views.evidence import evidence, least
from attnmetrics.views.heads import per_head
from attnmetrics.views.papers.claims import NoCounterpartError
from attnmetrics.views.tables import Labels, at_labels, by_layer, in_words, is_of_all_attention, labels_of, values


def head_table(data: xr.Dataset, metric: str, at: Labels) -> xr.DataArray:
    """A [layer, head] table with at least one head with evidence.

    Raises:
        NoCounterpartError: the run has none.
    """
    if metric not in data:
        raise NoCounterpartError(f"the run has no {metric}")
    table = per_head(data, metric, at)
    if table is None:
        raise NoCounterpartError(f"the run has no {_named(metric, at)}")
    if not np.isfinite(values(table)).any():
        raise NoCounterpartError("no head has evidence")
    return table


def _named(metric: str, at: Labels) -> str:
    """A table, and its labels in words.

    >>> _named("relation_accuracy", {"rule": "row", "rel": "pobj"}), _named("null_attention", {})
    ('relation_accuracy (from dependent, pobj)', 'null_attention')
    """
    labels = ", ".join(map(in_words, at.values()))
    return metric + (f" ({labels})" if labels else "")


def layer_values(data: xr.Dataset, metric: str, at: Labels) -> NDArray[np.float64]:
    """[layer] values of a metric by layer, at least one of them with evidence.

    Raises:
        NoCounterpartError: the run has none.
    """
    table = by_layer(data, metric)
    if table is None or any(label not in labels_of(table, dim) for dim, label in at.items()):
        raise NoCounterpartError(f"the run has no {_named(f'{metric}_by_layer', at)}")
    found = values(at_labels(table, at))
    if not np.isfinite(found).any():
        raise NoCounterpartError("no layer has evidence")
    return found


def corpus_value(data: xr.Dataset, name: str, at: Labels) -> float:
    """A number that is neither of a head nor of a layer.

    Raises:
        NoCounterpartError: the run has none.
    """
    known = name in data and all(label in labels_of(data[name], dim) for dim, label in at.items())
    value = float(at_labels(data[name], at)) if known else float("nan")
    if np.isnan(value):
        raise NoCounterpartError("no evidence in this run")
    return value


def head_name(layer: int, head: int) -> str:
    """What a head is called."""
    return f"layer {layer} head {head}"


def head_told(data: xr.Dataset, metric: str, layer: int, head: int) -> str:
    """The same; that it is nearly switched off, where the metric ranks no such heads, though papers do.

    Example: "layer 5 head 1, nearly switched off".
    """
    is_counted = is_of_all_attention(data[metric]) or evidence(data).sel(layer=layer, head=head) >= least(data)
    return head_name(layer, head) + ("" if is_counted else ", nearly switched off")
