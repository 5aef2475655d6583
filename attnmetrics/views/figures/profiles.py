"""Profiles over offsets, importance by layer, correlations over heads."""

from collections.abc import Sequence

import xarray as xr
from matplotlib.figure import Figure

from attnmetrics.views.evidence import is_off
from attnmetrics.views.figures import charts, style
from attnmetrics.views.figures.style import NewFigure, Sheet
from attnmetrics.views.tables import (
    labels_of,
    said,
    source,
    title,
)


def offset_profile(data: xr.Dataset, new: NewFigure = Figure) -> Figure:
    """Attention by offset i − j: mean over heads (line 0), the previous-piece head, the own-piece head."""
    subtitle = f"{said(data['attention_at_offset'], 'formula')}; positive: to earlier pieces"
    sheet = Sheet(6.4, 3.4, "Attention by offset", subtitle, new, source(data))
    charts.offsets(sheet.axes(0.62, 0.75, 5.5, 2.1), data)
    return sheet.figure


def dependency_probability(data: xr.Dataset, new: NewFigure = Figure) -> Figure:
    """Section 4.3: the probability that two pieces at a distance are in a dependency (line 0)."""
    name = title(data["dependency_probability"])
    sheet = Sheet(6.4, 3.2, name, "share of the pairs of pieces at that distance", new, source(data))
    charts.probability(sheet.axes(0.62, 0.72, 5.5, 1.95), data)
    return sheet.figure


def importance(data: xr.Dataset, new: NewFigure = Figure) -> Figure:
    """Clark et al. 2019, Fig. 3: importance by layer and kind of attended piece; raw (axes 0), centred, weighted."""
    kinds = [str(kind) for kind in labels_of(data["importance"], "kind")]
    name = f"{title(data['importance'])}, by layer"
    about = "mean over heads of the mean gradient a weight; without intervals"
    sheet = Sheet(0.15 + 2.2 * len(kinds), 3.5, name, about, new, source(data))
    for n, kind in enumerate(kinds):
        charts.importance(sheet.axes(0.65 + 2.2 * n, 0.85, 1.6, 2.1), data, kind)
    return sheet.figure


def correlations(data: xr.Dataset) -> Figure:
    """Section 4.4: distance against entropy (axes 0) and alignment (axes 1); a dot a head, coloured by layer."""
    return _scatters(data, ("entropy", "dependency_alignment"), "Distance, entropy and alignment of heads", Figure)


def correlation(data: xr.Dataset, metric: str, new: NewFigure = Figure) -> Figure:
    """Section 4.4: distance against `entropy` or `dependency_alignment`."""
    return _scatters(data, (metric,), f"Distance and {metric.removeprefix('dependency_')} of heads", new)


def _scatters(data: xr.Dataset, metrics: Sequence[str], name: str, new: NewFigure) -> Figure:
    hollow = "; hollow: nearly switched off" if is_off(data).any() else ""
    about = f"a dot is a head; the darker, the deeper{hollow}"
    sheet = Sheet(0.5 + 3.1 * len(metrics), 3.75, name, about, new, source(data))
    for n, metric in enumerate(metrics):
        charts.scatter(sheet.axes(0.65 + n * 3.1, 1.05, 2.45, 2.1), data, metric)
        sheet.text(0.65 + n * 3.1, 0.62, charts.correlation(data, metric), weight="bold", size=style.SMALL_SIZE)
    return sheet.figure
