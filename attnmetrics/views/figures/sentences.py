"""Figure 4: heads in their strongest sentences, attention as arcs."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, PathPatch
from matplotlib.path import Path

from attnmetrics.views import palette
from attnmetrics.views.exemplars import strongest
from attnmetrics.views.figures import style
from attnmetrics.views.figures.style import Sheet, label
from attnmetrics.views.heads import EXAMPLE_ROLES, Role, Standout, standout
from attnmetrics.views.numbers import percent
from attnmetrics.views.pieces import readable, window
from attnmetrics.views.tables import (
    at_labels,
    shown,
    source,
)

_WINDOW: Final = 34


def example_heads(data: xr.Dataset, exemplars: pd.DataFrame, attention: pd.DataFrame | None = None) -> Figure:
    """Fig. 4: the most local, most distant and most diffuse head, each with the attention in its first exemplar.

    An axes a head; an arrow (`axes.patches[0]`) leads from the attending to the attended piece of the strongest pair,
    lines (the other patches) between those of all pairs from `_SEEN` on that the run has kept.

    Args:
        data: a run's results
        exemplars: its sentences
        attention: what `exemplar_attention` gives; without it, the strongest pair alone
    """
    found = [(role, standout(data, role)) for role in EXAMPLE_ROLES if role.metric in data]
    height = 0.7 + _EXAMPLE_STEP * len(found)
    name, about = "Three heads and a sentence of each", _EXAMPLE_HELP if attention is None else _WHOLE_HELP
    sheet = Sheet(style.WIDEST, height, name, about, source=source(data))
    for n, (role, best) in enumerate(found):
        top = 0.68 + _EXAMPLE_STEP * n
        sheet.text(0.12, top, _example_title(data, role, best), weight="bold", size=style.TEXT_SIZE + 0.5)
        axes = sheet.axes(0.12, top + 0.2, _EXAMPLE_WIDTH, _EXAMPLE_HEIGHT)
        axes.set(xticks=[], yticks=[], xlim=(0, _EXAMPLE_WIDTH), ylim=(0, _EXAMPLE_HEIGHT))
        row = _first_exemplar(exemplars, best)
        if row is None:
            axes.text(0, 1.2, "no sentence to show", size=style.TEXT_SIZE, color=palette.MUTED)
        else:
            _draw_sentence(axes, row, _weights_of(attention, row))
    return sheet.figure


_EXAMPLE_WIDTH: Final = 6.5
_EXAMPLE_HEIGHT: Final = 2.1
_EXAMPLE_STEP: Final = 2.45
_SEEN: Final = 0.02
"""Weights from here on are drawn."""
_EXAMPLE_MARGIN: Final = 0.5
"""Room for the first piece, which hangs to the left."""
_LINE: Final = 0.92
"""Where the pieces hang, in inches from the bottom."""
_EXAMPLE_HELP: Final = "an arc leads from the attending piece to the one it attends to most in that sentence"
_WHOLE_HELP: Final = "arcs: all attention from 2% on, as strong as it is; the arrow: the strongest pair"


def _example_title(data: xr.Dataset, role: Role, best: Standout | None) -> str:
    if best is None:
        return f"{role.title.capitalize()}: no head has evidence"
    at = {"layer": best.layer, "head": best.head}
    tables = [data[metric] for metric in ("distance", "entropy") if metric in data]
    facts = ", ".join(f"{table.name} {shown(table, float(at_labels(table, at)))}" for table in tables)
    return f"{role.title.capitalize()}: layer {best.layer} head {best.head} ({facts})"


def _first_exemplar(exemplars: pd.DataFrame, best: Standout | None) -> Any:
    if best is None or not len(exemplars):
        return None
    rows = strongest(exemplars[(exemplars["layer"] == best.layer) & (exemplars["head"] == best.head)])
    return rows.sort_values("rank").iloc[0] if len(rows) else None


Weights = Sequence[tuple[int, int, float]]
"""(i, j, α) of pairs of pieces."""


def _weights_of(attention: pd.DataFrame | None, row: Any) -> Weights:
    """The weights that the run has kept of a sentence, the largest last; none where it has not."""
    if attention is None:
        return []
    same = [attention[name] == row[name] for name in ("layer", "head", "claim", "bucket", "rank") if name in row]
    kept = attention[np.logical_and.reduce(same)]
    if kept.empty:
        return []
    entries = zip(*(np.asarray(kept.iloc[0][name]).tolist() for name in ("i", "j", "weight")), strict=True)
    return sorted((one for one in entries if one[2] >= _SEEN), key=lambda one: one[2])


def _draw_sentence(axes: Axes, row: Any, weights: Weights) -> None:
    """A sentence's pieces on a line, the arc of its strongest pair and those of others; coordinates are inches."""
    pieces = readable(list(row["pieces"]), str(row["text"]))
    i, j = int(row["i"]), int(row["j"])
    kept = window(len(pieces), i, j, _WINDOW)
    step = (_EXAMPLE_WIDTH - _EXAMPLE_MARGIN - 0.1) / max(len(kept), 18)
    place = {piece: _EXAMPLE_MARGIN + step * n for n, piece in enumerate(kept)}
    for n, piece in enumerate(kept):
        text = "…" if piece is None else label(pieces[piece].text, 14)
        _draw_piece(axes, _EXAMPLE_MARGIN + step * n, text, marked=piece in (i, j))
    _draw_arc(axes, place[i], place[j], float(row["weight"]))
    for start, end, weight in weights:
        if (start, end) != (i, j) and start in place and end in place:
            _draw_line(axes, place[start], place[end], weight)


def _draw_piece(axes: Axes, x: float, text: str, *, marked: bool) -> None:
    axes.text(
        x + 0.04, _LINE, text, rotation=60, rotation_mode="anchor", ha="right", va="top", size=style.TEXT_SIZE,
        family="DejaVu Sans", color=palette.INK if marked else palette.MUTED, weight="bold" if marked else "normal",
    )  # fmt: skip


def _arc(i: float, j: float, rise: float) -> Path:
    """From x = i to x = j over the line of pieces, `rise` high; a loop where they are one."""
    foot, top = _LINE + 0.06, _LINE + 0.06 + rise * 4 / 3
    lean = 0.12 * np.sign(j - i) * min(abs(j - i), 1.5) if i != j else 0.3
    start, end = (i, j) if i != j else (i + 0.06, i - 0.06)
    points = [(start, foot), (start + lean, top), (end - lean, top), (end, foot)]
    return Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])


def _draw_arc(axes: Axes, i: float, j: float, weight: float) -> None:
    rise = _rise(i, j)
    axes.add_patch(
        FancyArrowPatch(
            path=_arc(i, j, rise), arrowstyle="-|>", mutation_scale=9, shrinkA=0, shrinkB=0, color=palette.SERIES[0],
            linewidth=0.8 + 1.6 * weight,
        )
    )  # fmt: skip
    top = _LINE + 0.1 + rise
    axes.text(
        (i + j) / 2, top, percent(weight), ha="center", va="bottom", size=style.SMALL_SIZE, color=palette.INK, zorder=5,
        bbox={"facecolor": palette.SURFACE, "edgecolor": "none", "boxstyle": "square,pad=0.15"},
    )  # fmt: skip


def _rise(i: float, j: float) -> float:
    """How high an arc is."""
    return float(np.clip(0.16 + 0.14 * abs(i - j), 0.2, 0.9))


def _draw_line(axes: Axes, i: float, j: float, weight: float) -> None:
    path = _arc(i, j, _rise(i, j))
    axes.add_patch(PathPatch(path, fill=False, edgecolor=palette.SERIES[0], alpha=min(1.0, weight), linewidth=1.0))
