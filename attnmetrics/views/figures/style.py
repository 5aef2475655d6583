"""One look for every figure, and axes placed in inches.

Figures are built with matplotlib's object interface and no global state.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection, PatchCollection, QuadMesh
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from attnmetrics.views.formulas import typeset
from attnmetrics.views.palette import BAR, DIVERGING, HATCH, INK, MUTED, NO_EVIDENCE, SEQUENTIAL, SURFACE, Scale
from attnmetrics.views.pieces import PLACEHOLDER, visible

NewFigure = Callable[..., Figure]
"""Makes the figure of a sheet."""

DPI: Final = 144
"""Of figures saved as pictures."""
TITLE_SIZE: Final = 10.5
TEXT_SIZE: Final = 8.0
SMALL_SIZE: Final = 7.0
RASTER_CELLS: Final = 6000
"""Figures with more heat map cells than this draw them as a picture, to stay light."""


def label(text: str, limit: int = 28) -> str:
    """Text that matplotlib draws as it stands: no mathematics, no missing glyph, at most `limit` characters."""
    clean = "".join(char if ord(char) in _glyphs() else PLACEHOLDER for char in visible(text))
    short = clean if len(clean) <= limit else f"{clean[: limit - 1]}…"
    return short.replace("$", r"\$")


def fitted(text: str, width: float, size: float, least: float, weight: str = "normal") -> tuple[str, float]:
    """Text that takes at most `width` inches, and its size: smaller down to `least` points, then cut."""
    room = size * width / _inches(label(text, len(text)), size, weight) if text else size
    if room >= least:
        return label(text, len(text)), min(size, room)
    shorter = (label(text, letters) for letters in range(len(text) - 1, 0, -1))
    return next((one for one in shorter if _inches(one, least, weight) <= width), "…"), least


_MEASURED: Final = 100
"""Points of letters that are measured: so large that they are not rounded to pixels."""


def _inches(text: str, size: float, weight: str) -> float:
    """How wide a text is at a size in points."""
    font = get_font(findfont(FontProperties(family="DejaVu Sans", weight=weight)))
    font.set_size(_MEASURED, 72)
    font.set_text(text)
    return float(font.get_width_height()[0]) / 64 / 72 * size / _MEASURED


def wrap(text: str, width: int, lines: int) -> list[str]:
    """Text with mathematics between dollar signs in lines of about so many letters; what has no room ends in "…"."""
    found: list[list[str]] = [[]]
    for word in re.findall(r"(?:\\.|\$[^$]*\$|[^\s$])+", text):
        if found[-1] and _letters(" ".join([*found[-1], word])) > width:
            found.append([])
        found[-1].append(word)
    kept = [" ".join(words) for words in found[:lines]]
    return kept if len(found) <= lines else [*kept[:-1], f"{kept[-1]} …"]


def _letters(text: str) -> int:
    """About how many letters are seen of a text with mathematics."""
    return len(re.sub(r"\\[a-z]+|[{}$\\_]", "", text))


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


WIDEST: Final = 6.75
TALLEST: Final = 9.0
"""Inches of a figure that fits a page, at most."""
LEFT: Final = 0.55
HEADER: Final = 0.72
FOOTER: Final = 1.06
"""Inches left of maps, above them for title and formula, below them for their scale."""
CELL: Final = 0.27
"""Inches of a head, where they have room."""
BARS: Final = 1.75
"""Inches of the layers beside a map."""
_SOURCE: Final = 0.22
"""Inches below everything else for the names of model and corpus."""
_LETTER: Final = 0.0585
"""Inches that a letter of small text takes."""


class Sheet:
    """A figure on which axes are placed in inches from the top left; at its foot the names of model and corpus.

    The subtitle, whose formulas are set as mathematics, has up to two lines, which end 0.62 inches from the top.
    """

    def __init__(
        self, width: float, height: float, title: str, subtitle: str = "", new: NewFigure = Figure, source: str = ""
    ) -> None:
        self.width, self.height = width, height + (_SOURCE if source else 0)
        self.figure = new(figsize=(self.width, self.height), dpi=DPI, facecolor=SURFACE)
        words, size = fitted(title, width - 0.24, TITLE_SIZE, TEXT_SIZE, "bold")
        self.text(0.12, 0.12, words, size=size, weight="bold")
        lines = wrap(typeset(subtitle, lambda words: label(words, 1000)), int((width - 0.24) / _LETTER), 2)
        self.text(0.12, 0.33, "\n".join(lines), color=MUTED, size=SMALL_SIZE)
        if source:
            self.text(0.12, height, label(source, int((width - 0.24) / _LETTER)), color=MUTED, size=SMALL_SIZE)

    def text(self, left: float, top: float, text: str, **style: Any) -> None:
        """Text whose top left corner is there."""
        style = {"size": TEXT_SIZE, "color": INK, "va": "top", "family": "DejaVu Sans", **style}
        self.figure.text(left / self.width, 1 - top / self.height, text, **style)

    def axes(self, left: float, top: float, width: float, height: float, **options: Any) -> Axes:
        """Axes without a frame, in the house style."""
        box = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        return dress(self.figure.add_axes(box, **options))


def dress(axes: Axes) -> Axes:
    """The house style: no frame, no ticks, quiet numbers."""
    axes.set_facecolor("none")
    axes.tick_params(colors=MUTED, labelsize=SMALL_SIZE, length=0, pad=3, labelfontfamily="DejaVu Sans")
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def entitle(axes: Axes, title: str) -> Axes:
    """A title of axes that are part of somebody's figure."""
    axes.set_title(label(title, 80), size=TEXT_SIZE + 0.5, weight="bold", color=INK, loc="left", family="DejaVu Sans")
    return axes


def size_of(axes: Axes) -> tuple[float, float]:
    """Width and height of axes on their figure, inches."""
    return axes.bbox.width / axes.figure.dpi, axes.bbox.height / axes.figure.dpi


def name_axes(axes: Axes, *, x: str = "", y: str = "") -> None:
    """Axis titles."""
    style: dict[str, Any] = {"size": TEXT_SIZE, "color": MUTED, "family": "DejaVu Sans"}
    axes.set_xlabel(x, labelpad=3, **style)
    axes.set_ylabel(y, labelpad=4, **style)


def heat(
    axes: Axes, table: NDArray[np.float64], norm: Normalize, scale: Scale = SEQUENTIAL, cells: int = 0
) -> QuadMesh:
    """A heat map of [row, column], row 0 on top; cells without evidence (NaN) are hatched.

    Args:
        axes: where to draw
        table: values; the mesh's `get_array()` gives them back
        norm: value → scale
        scale: colours
        cells: cells of the whole figure, which decide between paths and a picture
    """
    masked = np.ma.masked_invalid(table)
    mesh = axes.pcolormesh(
        masked, cmap=scale.colours, norm=norm, edgecolors=SURFACE, linewidth=_edge(axes, table.shape),
        rasterized=max(cells, table.size) > RASTER_CELLS,
    )  # fmt: skip
    axes.invert_yaxis()
    if masked.mask.any():
        _hatch(axes, masked)
    return mesh


def _edge(axes: Axes, shape: tuple[int, ...]) -> float:
    """Points between cells, fewer between small ones."""
    width, height = size_of(axes)
    return float(min(0.6, 72 * 0.06 * min(height / max(shape[0], 1), width / max(shape[1], 1))))


def stripe(axes: Axes, marked: NDArray[np.bool_]) -> None:
    """Fade and stripe cells [row, column] of a heat map."""
    cells = [Rectangle((column, row), 1, 1) for row, column in np.argwhere(marked).tolist()]
    if cells:
        faded = (*to_rgb(SURFACE), 0.55)
        axes.add_collection(PatchCollection(cells, facecolor=faded, edgecolor=MUTED, hatch="\\\\\\\\\\", linewidth=0))


def _hatch(axes: Axes, masked: "np.ma.MaskedArray[Any, Any]") -> None:
    rows, columns = masked.shape
    axes.fill_between(
        [0, columns], 0, rows, facecolor=NO_EVIDENCE, edgecolor=HATCH, hatch="/////", linewidth=0, zorder=0.5,
    )  # fmt: skip
    axes.set(xlim=(0, columns), ylim=(rows, 0))


def norm_from_zero(table: NDArray[np.float64]) -> Normalize:
    """From 0 to the largest value; to 1 where there is none."""
    top = float(np.nanmax(table)) if np.isfinite(table).any() else 0.0
    return Normalize(0, top if top > 0 else 1)


def ground(table: NDArray[np.float64], top: float | None = None, *, is_signed: bool = False) -> tuple[Normalize, Scale]:
    """The scale of a map and its colours: from 0 up, or with the same room on both sides of 0.

    Args:
        table: values
        top: value of the strongest colour; the largest value by default
        is_signed: whether values beside these are below 0
    """
    if np.isfinite(table).any() and (is_signed or np.nanmin(table) < 0):
        most = float(np.nanmax(np.abs(table))) if top is None else top
        return Normalize(-most, most), DIVERGING
    return norm_from_zero(table) if top is None else Normalize(0, top), SEQUENTIAL


def ticks(axes: Axes, which: str, names: Sequence[object]) -> None:
    """Names in the middle of the cells, thinned out to fit."""
    need = 0.15 if which == "y" else 0.2
    room = size_of(axes)[which == "y"]
    step = next(
        s for s in (1, 2, 5, 10, 20, 50, len(names) + 1) if len(names) / s * need <= room + 0.2 or s > len(names)
    )
    kept = range(0, len(names), step)
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_ticks([n + 0.5 for n in kept], labels=[label(str(names[n])) for n in kept])


def colour_bar(mesh: Collection, title: str, *, share: bool, cax: Axes | None = None) -> Axes:
    """A scale that says what it shows: in axes of its own, or to the right of the map."""
    axes = mesh.axes
    assert axes is not None
    place: dict[str, Any] = (
        {"cax": cax, "orientation": "horizontal"} if cax else {"ax": axes, "fraction": 0.05, "pad": 0.03, "aspect": 30}
    )
    bar = axes.figure.colorbar(mesh, **place)
    if bar.solids is not None:
        bar.solids.set(rasterized=False, edgecolor="face")
    bar.outline.set_visible(False)
    end_ticks(dress(bar.ax), "x" if cax else "y", bar.norm, share=share)
    bar.set_label(label(title, 80), size=TEXT_SIZE, color=MUTED, family="DejaVu Sans", labelpad=2 if cax else 6)
    return bar.ax


def few_ticks(axes: Axes, which: str, *, share: bool, number: int = 5) -> None:
    """At most a handful of ticks at round numbers, in percent for shares."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(number, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: minus(f"{100 * value:.4g}%" if share else f"{value:,.9g}")))


def minus(number: str) -> str:
    """A number with the sign that figures have for what is below 0."""
    return number.replace("-", "−")


def end_ticks(axes: Axes, which: str, norm: Normalize, *, share: bool) -> None:
    """Both ends of a scale and its middle: 0 where it has signs, 1 of ratios."""
    from attnmetrics.views.numbers import number, percent

    low, high = float(norm.vmin or 0), float(1 if norm.vmax is None else norm.vmax)
    middle = float(getattr(norm, "vcenter", 0 if low < 0 else (low + high) / 2))
    axis = axes.xaxis if which == "x" else axes.yaxis
    texts = [minus(percent(one) if share else number(one)) for one in (low, middle, high)]
    axis.set_ticks([low, middle, high], labels=texts)


def bars(axes: Axes, sizes: NDArray[np.float64], texts: Iterable[str], *, show_texts: bool) -> None:
    """Horizontal bars in the rows of a heat map beside them; rows without evidence say so.

    Texts are in a column to the right of the axes, where nothing that is drawn meets them.
    """
    drawn = axes.barh(np.arange(len(sizes)) + 0.5, np.nan_to_num(sizes), height=0.72, color=BAR)
    for patch, size, text in zip(drawn, sizes, texts, strict=True):
        patch.set_width(size)
        if np.isnan(size):
            beside(axes, 0.0, patch.get_y() + 0.36, "no evidence")
        elif show_texts:
            beside(axes, 1.0, patch.get_y() + 0.36, minus(text), axes.get_yaxis_transform())
    known = [0.0, *sizes[np.isfinite(sizes)].tolist()]
    low, high = min(known), max(known)
    axes.set_xlim(low * 1.02, high * 1.02 or (0 if low < 0 else 1))
    if low < 0:
        axes.axvline(0, color=MUTED, linewidth=0.6)


def beside(axes: Axes, x: float, y: float, text: str, coordinates: Any = "data") -> None:
    """A small text to the right of a point of the axes."""
    axes.annotate(
        text, (x, y), (3, 0), coordinates, textcoords="offset points", va="center", size=SMALL_SIZE, color=MUTED,
        family="DejaVu Sans", annotation_clip=False, zorder=5,
        bbox={"facecolor": SURFACE, "edgecolor": "none", "boxstyle": "square,pad=0.1"},
    )  # fmt: skip
