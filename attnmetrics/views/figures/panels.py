"""Every figure that a run can give."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from attnmetrics.views import similarity
from attnmetrics.views.figures import layer_dots
from attnmetrics.views.figures.grid import all_labels, all_pos_from, all_pos_to
from attnmetrics.views.figures.maps import (
    dependency_alignment,
    dependency_types,
    distance,
    entropy,
    head_map,
    null_attention,
    pos_from,
    pos_to,
    variability,
)
from attnmetrics.views.figures.profiles import correlations, dependency_probability, importance, offset_profile
from attnmetrics.views.figures.sentences import example_heads
from attnmetrics.views.figures.similarity import CLUSTER, head_similarity
from attnmetrics.views.heads import per_head
from attnmetrics.views.tables import by_themselves, labels_of, values


@dataclass(frozen=True, slots=True)
class Panel:
    """A figure by itself: what its file is called, what it needs and how to draw it."""

    key: str
    number: str
    """The paper's number, empty for figures that it has not."""
    needs: tuple[str, ...]
    """The tables that it is drawn from."""
    draw: Callable[[xr.Dataset, pd.DataFrame], Figure]


def all_panels(data: xr.Dataset, attention: pd.DataFrame | None = None) -> list[Panel]:
    """Every figure that this run can give: the papers' in their order, then one of each other metric of heads.

    Args:
        data: a run's results
        attention: what `exemplar_attention` gives, for Fig. 4
    """
    similar = _similarity_panels() if similarity.has_map(data) else []
    known, others = (_given(data, panels) for panels in (_paper_panels(data, attention), [*_CLARK_PANELS, *similar]))
    drawn = {name for panel in known for name in panel.needs}
    return known + others + [_panel_of(name, table) for name, table in by_themselves(data).items() if name not in drawn]


def _paper_panels(data: xr.Dataset, attention: pd.DataFrame | None) -> list[Panel]:
    to, origin = _tag(data, "pos_to", "NOUN"), _tag(data, "pos_from", "PUNCT")
    scattered = ("distance", "entropy", "dependency_alignment", "distance_entropy_r", "distance_alignment_r")
    return [
        Panel("example-heads", "4", ("distance", "entropy"), lambda d, e: example_heads(d, e, attention)),
        Panel("null-attention", "5", ("null_attention",), lambda d, _: null_attention(d)),
        Panel(f"pos-to-{_slug(to)}", "6", ("pos_to",), lambda d, _: pos_to(d, to)),
        Panel(f"pos-from-{_slug(origin)}", "7", ("pos_from",), lambda d, _: pos_from(d, origin)),
        Panel("dependency-alignment", "8", ("dependency_alignment",), lambda d, _: dependency_alignment(d)),
        Panel("dependency-types", "9", _TYPES, lambda d, _: dependency_types(d)),
        Panel("variability", "10", ("variability",), lambda d, _: variability(d)),
        Panel("distance", "11", ("distance",), lambda d, _: distance(d)),
        Panel("entropy", "12", ("entropy",), lambda d, _: entropy(d)),
        Panel("all-pos-to", "A.1", ("pos_to",), lambda d, _: all_pos_to(d)),
        Panel("all-pos-from", "A.2", ("pos_from",), lambda d, _: all_pos_from(d)),
        Panel("offset-profile", "", ("attention_at_offset",), lambda d, _: offset_profile(d)),
        Panel("dependency-probability", "", ("dependency_probability",), lambda d, _: dependency_probability(d)),
        Panel("correlations", "", scattered, lambda d, _: correlations(d)),
        Panel("importance", "", ("importance",), lambda d, _: importance(d)),
    ]


_CLARK_PANELS: Final = [
    Panel(
        "clark-2019-figure-2", "", tuple(panel.metric for panel in layer_dots.SURFACE),
        lambda d, _: layer_dots.surface(d),
    ),
    Panel(
        "clark-2019-figure-4", "", tuple(panel.metric for panel in layer_dots.SPREAD),
        lambda d, _: layer_dots.spread(d),
    ),
]  # fmt: skip
"""Of the second paper; each metric in them has a map of its own as well."""


def _given(data: xr.Dataset, panels: Sequence[Panel]) -> list[Panel]:
    return [panel for panel in panels if all(name in data for name in panel.needs)]


def _similarity_panels() -> list[Panel]:
    return [
        Panel("head-similarity", "", similarity.TABLES, lambda d, _: head_similarity(d)),
        Panel("head-similarity-clusters", "", similarity.TABLES, lambda d, _: head_similarity(d, CLUSTER)),
    ]


_TYPES: Final = ("dependency_type_to", "dependency_type_to_by_layer")


def _panel_of(name: str, table: xr.DataArray) -> Panel:
    """A map of a metric of heads; of one with labels, a map a label."""
    draw = head_map if table.ndim == 2 else all_labels
    return Panel(name.replace("_", "-"), "", (name,), lambda data, _: draw(data, name))


def _tag(data: xr.Dataset, metric: str, wanted: str) -> str:
    """The paper's tag, or the one with most attention where the run has other tags."""
    if metric not in data or per_head(data, metric, {"pos": wanted}) is not None:
        return wanted
    total = np.nan_to_num(values(data[metric])).sum(axis=(0, 1))
    return str(labels_of(data[metric], "pos")[int(np.argmax(total))])


def _slug(tag: str) -> str:
    return "".join(char for char in tag.lower() if char.isascii() and char.isalnum()) or "tag"
