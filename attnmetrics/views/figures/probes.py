"""What probes found, in print: attachment scores as bars, weights of heads as maps.

Source: Clark et al. 2019, Table 3.
"""

from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attnmetrics.errors import ConfigError
from attnmetrics.views.figures import charts, style
from attnmetrics.views.figures.style import WIDEST, NewFigure, Sheet, label
from attnmetrics.views.numbers import percent
from attnmetrics.views.palette import INK
from attnmetrics.views.tables import at_labels, in_words, labels_of, of_heads, said, scale, source, title, values

WEIGHTS: Final = ("attention_weight", "attention_and_words_weight", "attention_and_words_weight_norm")
"""Tables of weights that have a figure, where there are any."""

_ROW: Final = 0.27
_NAMES: Final = 2.6
_CELL: Final = 0.27


def probe_scores(data: xr.Dataset, new: NewFigure = Figure) -> Figure:
    """Attachment scores of all probes, with the published ones as marks."""
    rows = data.sizes["probe"]
    subtitle = "share of words whose head is found, without punctuation; marks: as published (other model and treebank)"
    sheet = Sheet(WIDEST, 1.4 + _ROW * rows, title(data["uas"]), subtitle, new, source(data))
    draw_scores(sheet.axes(_NAMES, 0.72, 3.7, _ROW * rows), data)
    return sheet.figure


def draw_scores(axes: Axes, data: xr.Dataset) -> None:
    """Bars of attachment scores from top to bottom, in axes that are given."""
    scores, published = values(data["uas"]), values(data["uas_published"])
    rows = np.arange(len(scores)) + 0.5
    texts = [percent(score) for score in scores]
    style.bars(axes, scores, texts, show_texts=False)
    for row, text in zip(rows[np.isfinite(scores)], np.array(texts)[np.isfinite(scores)], strict=True):
        style.beside(axes, 1.0, row, text)  # at the right edge, where no mark is
    axes.set_xlim(0, 1)
    axes.set_ylim(len(scores), 0)
    axes.scatter(published, rows, marker="|", s=110, color=INK, zorder=4)
    names = [label(str(name).replace("_", " "), 44) for name in labels_of(data["uas"], "probe")]
    axes.set_yticks(rows, labels=names)
    style.few_ticks(axes, "x", share=True)


def probe_weights(data: xr.Dataset, metric: str = "attention_weight", new: NewFigure = Figure) -> Figure:
    """Weights of heads as a map for each direction, side by side on one scale.

    Raises:
        ConfigError: there is no such table of weights.
    """
    if metric not in of_heads(data) or data[metric].dims[2:] != ("direction",):
        known = ", ".join(name for name in WEIGHTS if name in data)
        raise ConfigError(f"expected weights of heads by direction, found {metric!r}; there are {known or 'none'}")
    table = data[metric]
    width = float(np.clip(_CELL * table.sizes["head"], 1.9, 2.6))
    height = float(np.clip(_CELL * table.sizes["layer"], 0.9, 6.4))
    sheet = Sheet(2 * width + 1.5, 1.9 + height, title(table), said(table, "formula"), new, source(data))
    most = float(np.nanmax(np.abs(values(table)))) if np.isfinite(values(table)).any() else 1.0
    for place, direction in enumerate(labels_of(table, "direction")):
        left = 0.55 + place * (width + 0.6)
        sheet.text(left, 0.66, label(in_words(direction).replace("_", " "), 40), weight="bold")
        mesh = charts.heads(sheet.axes(left, 0.9, width, height), at_labels(table, {"direction": direction}), most)
        style.colour_bar(mesh, scale(table), share=False, cax=sheet.axes(left, height + 1.32, width, 0.09))
    return sheet.figure
