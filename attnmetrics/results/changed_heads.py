"""Which heads changed most in a comparison: of each head how many of its values changed clearly, which one most.

A change is large where it is many times as large as heads of the first run differ among each other, in standard
deviations; at rare labels, as they differ over all labels of a result. Of a head that leaves next to nothing off null
pieces in one of the two runs, only what counts all attention is looked at: all else comes from next to nothing. Between
runs of other documents, nothing is looked at whose chance level is one of the text, such as attention to nouns: there
may be more of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.metrics.family import Array
from attnmetrics.results.comparison import CLEAR, RUN
from attnmetrics.results.differing import Differing, chance_levels, compared_maps, differing_at, flat
from attnmetrics.results.evidence import LEAST_EVIDENCE

Looked = tuple[str, NDArray[np.int64]]
"""A result, and the places of the labels of it that are looked at, as `flat` has labels."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Of each run but the first and each head, layer by layer: [run, head]."""

    clear: NDArray[np.int64]
    """values that changed clearly"""
    of: NDArray[np.int64]
    """values that could"""
    result: NDArray[np.int64]
    """place of the result that changed most, −1 without any"""
    label: NDArray[np.int64]
    """likewise of its label, among those that are looked at"""
    size: Array
    """how large that change is (see above)"""


def every_label(data: xr.Dataset) -> list[Looked]:
    """All results with all their labels."""
    shapes = {name: data.variables[name].shape[3:] for name in compared_maps(data)}
    return [(name, np.arange(np.prod(shape, dtype=int))) for name, shape in shapes.items()]


def find_changes(data: xr.Dataset, looked: Sequence[Looked]) -> Changes:
    """What changed in each head, chance levels apart.

    Args:
        data: a comparison.
        looked: the results that are looked at.
    """
    runs, heads = data.sizes[RUN] - 1, data.sizes["layer"] * data.sizes["head"]
    clear, of, result, label = np.zeros((4, runs, heads), np.int64)
    size, levels = np.zeros((runs, heads)), chance_levels(data)
    result -= 1
    for place, one in enumerate(looked):
        if one[0] in levels:
            continue
        sizes, known = _sizes(data, one, heads)
        clear += np.isfinite(sizes).sum(-1)
        of += known
        largest = np.nan_to_num(sizes).max(-1, initial=0)
        is_larger = largest > size
        size[is_larger], result[is_larger] = largest[is_larger], place
        label[is_larger] = np.nan_to_num(sizes).argmax(-1)[is_larger]
    return Changes(clear, of, result, np.where(result < 0, -1, label), size)


def _sizes(data: xr.Dataset, looked: Looked, heads: int) -> tuple[Array, NDArray[np.int64]]:
    """[run, head, label] sizes of clear changes, NaN of others; [run, head] how many could be clear."""
    name, labels = looked
    first, difference, q = (flat(data, part)[..., labels] for part in (name, f"{name}_difference", f"{name}_q"))
    spread = _spread(first[0].reshape(heads, -1))
    difference, q = (table[1:].reshape(-1, heads, len(labels)) for table in (difference, q))
    q = np.where(_is_apart(data, name, heads)[..., None], np.nan, q)
    size = np.divide(np.abs(difference), spread, out=np.full(difference.shape, np.nan), where=spread > 0)
    return np.where(q < CLEAR, size, np.nan), np.isfinite(q).sum(-1)


def _is_apart(data: xr.Dataset, name: str, heads: int) -> NDArray[np.bool_]:
    """[run, head] whether a change in a result says nothing of a head (see above)."""
    apart = np.zeros((data.sizes[RUN], heads), bool)
    about = data.variables[name].attrs
    if about.get("null") != "in" and "null_attention" in data.variables:
        rests = 1 - data.variables["null_attention"].to_numpy().reshape(-1, heads) < LEAST_EVIDENCE
        apart |= rests | rests[:1]
    if "paired" in data.coords and _is_of_text(data, about.get("chance", "")):
        apart |= ~data["paired"].to_numpy()[:, None]
    return apart[1:]


def _is_of_text(data: xr.Dataset, level: str) -> bool:
    """Whether this is a chance level that is the same for all heads."""
    return level in data.variables and "head" not in data.variables[level].dims


def _spread(table: Array) -> Array:
    """[label] standard deviation over heads [head, label] with evidence, 0 without any.

    At least that of all labels, the root of their mean variance: where heads hardly differ at a rare label, a small
    change is no large one.
    """
    known = np.isfinite(table)
    number = np.maximum(known.sum(0), 1)
    deviation = np.where(known, table - np.where(known, table, 0).sum(0) / number, 0)
    variance = (deviation**2).sum(0) / number
    return np.asarray(np.sqrt(np.maximum(variance, variance.mean())))


@dataclass(frozen=True, slots=True)
class Changed:
    """A head that changed clearly."""

    most: Differing
    """its largest clear change"""
    size: float
    """of that, in standard deviations of the first run's heads"""
    clear: int
    """values that changed clearly"""
    of: int
    """values that could"""


def changed_heads(data: xr.Dataset, run: int) -> list[Changed]:
    """The heads of a run that changed clearly, that with the largest change first.

    Args:
        data: a comparison.
        run: its place; not the first.
    """
    looked = every_label(data)
    found = find_changes(data, looked)
    order = np.argsort(-found.size[run - 1], kind="stable")
    return list(_told(data, looked, found, run, [head for head in order.tolist() if found.result[run - 1, head] >= 0]))


def _told(
    data: xr.Dataset, looked: Sequence[Looked], found: Changes, run: int, heads: Sequence[int]
) -> Iterator[Changed]:
    for head in heads:
        at = run - 1, head
        name, labels = looked[found.result[at]]
        place = divmod(head, data.sizes["head"])
        most = differing_at(data, name, run, *place, int(labels[found.label[at]]))
        yield Changed(most, float(found.size[at]), int(found.clear[at]), int(found.of[at]))
