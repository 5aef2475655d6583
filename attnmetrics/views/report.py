"""The report: one page that opens from disk, with figures, heads, sentences and the paper's numbers.

The page holds everything it shows. Its Content-Security-Policy forbids scripts and every request; text of the corpus is
escaped by Jinja2 and can only be text. Figures are vector drawings whose colours follow the reader's theme.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, Final

import matplotlib
import numpy as np
import pandas as pd
import xarray as xr
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from attnmetrics.errors import StoreError
from attnmetrics.storage import Location
from attnmetrics.views import charts, figures, paper, style
from attnmetrics.views.facts import about, flat, headline, left_out, model_name
from attnmetrics.views.heads import percent, shown, standouts, values
from attnmetrics.views.maps import SmallMap, small_map
from attnmetrics.views.pieces import Piece, readable, visible

PAGE: Final = "index.html"
_TEMPLATES: Final = Path(__file__).parent / "templates"
_PROFILE: Final = ("null_attention", "distance", "entropy", "variability")
_MANY_HEADS: Final = 400
"""With more heads than this, each shows fewer sentences."""


def write_report(
    data: xr.Dataset, exemplars: pd.DataFrame, attention: pd.DataFrame, facts: Mapping[str, Any], folder: Location
) -> None:
    """Write `folder`/index.html.

    Args:
        data: the run's results
        exemplars: rows (layer, head, rank, weight, document, sentence, i, j, text, pieces)
        attention: rows (layer, head, rank, pieces, i, j, weight); not shown yet
        facts: what run.json says; `model`, `corpus`, `counts`, `left_out`, `timings` are shown on top where present
        folder: made where missing

    Raises:
        StoreError: the folder cannot be written.
    """
    page = render(data, exemplars, facts)
    try:
        folder.write_folder(lambda path: (path / PAGE).write_text(page, encoding="utf-8", newline="\n"))
    except OSError as error:
        raise StoreError(
            f"expected to write the report to {folder}, found: {error.strerror or error}; "
            "free space or choose a folder that you may write to, then run `attnmetrics merge` again"
        ) from error


def render(data: xr.Dataset, exemplars: pd.DataFrame, facts: Mapping[str, Any]) -> str:
    """The page, the same for the same input."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["visible"] = lambda text: visible(str(text))
    return environment.get_template("report.html.j2").render(
        title=model_name(facts),
        about=about(facts),
        headline=headline(data, facts),
        left_out=left_out(data, facts),
        standouts=standouts(data),
        drawings=[_drawing(panel, data, exemplars) for panel in figures.panels(data)],
        tags=list(_tag_maps(data)),
        correlations=_svg(figures.correlations(data), "correlations", "Correlations over heads"),
        scalars=_correlations(data),
        comparison=paper.compare(data),
        layers=_examples(data, exemplars),
        facts=list(flat(facts)),
        palette=_palette(),
    )


def _correlations(data: xr.Dataset) -> list[tuple[str, str, str]]:
    pairs = (("distance and entropy", "distance_entropy"), ("distance and alignment", "distance_alignment"))
    rows = [(title, float(data[f"{name}_r"]), float(data[f"{name}_p"])) for title, name in pairs]
    return [(title, f"{r:.3f}".replace("-", "−") if np.isfinite(r) else "–", charts.p_value(p)) for title, r, p in rows]


# ---- figures


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure on the page."""

    key: str
    number: str
    title: str
    help: str
    formula: str
    svg: Markup


def _drawing(panel: figures.Panel, data: xr.Dataset, exemplars: pd.DataFrame) -> Drawing:
    svg = _svg(panel.draw(data, exemplars), panel.key, panel.title)
    return Drawing(panel.key, panel.number, panel.title, panel.help, panel.formula, svg)


def _tag_maps(data: xr.Dataset) -> Iterator[tuple[str, list[SmallMap]]]:
    """Figures 6 and 7 of every tag that occurs."""
    for tag in data["pos"].values.tolist():
        if np.nansum(data["pos_to"].sel(pos=tag).values) > 0:
            pairs = (
                (metric, f"Attention {word} {visible(tag)}")
                for metric, word in (("pos_to", "to"), ("pos_from", "from"))
            )
            maps = [small_map(data[m].sel(pos=tag), data[f"{m}_by_layer"].sel(pos=tag), title) for m, title in pairs]
            yield tag, maps


def _svg(figure: Figure, key: str, title: str) -> Markup:
    """An inline drawing: no header, no address, ids of its own, colours that follow the theme.

    The figure's title is left out: the page has its own. Pictures within a drawing cannot follow the theme, so such a
    drawing stays light.
    """
    for text in figure.texts:
        text.set_visible(text.get_gid() not in style.HEADINGS)
    picture = any(artist.get_rasterized() for axes in figure.axes for artist in axes.collections)
    figure.patch.set_visible(picture)
    with StringIO() as file, matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        FigureCanvasSVG(figure)
        figure.savefig(file, format="svg", dpi=160, metadata={"Date": None, "Creator": None})
        drawn = file.getvalue()
    svg = _compact(_inline(drawn, key, title, 72 * style.TITLE_ROOM))
    return Markup(svg if picture else _themed(svg))  # matplotlib escaped every text in it


_HEADER: Final = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
_METADATA: Final = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_STYLE: Final = re.compile(r'<style type="text/css">.*?</style>', re.DOTALL)
_SIZE: Final = re.compile(r'width="([\d.]+)pt" height="([\d.]+)pt"')
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)


def _inline(svg: str, key: str, title: str, cut: float) -> str:
    """Without what only a file needs, and without its top `cut` points; the title is for readers who cannot see it."""
    for pattern in (_HEADER, _METADATA, _STYLE, _COMMENT):
        svg = pattern.sub("", svg)
    head, body = svg.split(">", 1)
    size = _SIZE.search(head)
    width, height = (float(size[1]), float(size[2])) if size else (0.0, 0.0)
    body = _in_tags(r'( id="|href="#|url\(#)([\w.-]+)', rf"\1{key}-\2", body)
    box = f'style="--width: {width:g}" viewBox="0 {cut:g} {width:g} {height - cut:g}"'
    return f'<svg role="img" aria-label="{escape(visible(title))}" {box}>{body}'


_CELL: Final = re.compile(
    r'<path d="M ([\d.]+) ([\d.]+) \nL ([\d.]+) [\d.]+ \nL [\d.]+ ([\d.]+) \nL [\d.]+ [\d.]+ \nL [\d.]+ [\d.]+ \n"'
    r' clip-path="[^"]*" style="fill: (#\w{6}); stroke: ' + style.SURFACE + r'; stroke-width: 0.6"/>'
)


_TAG: Final = re.compile(r"<[^>]*>")


def _in_tags(pattern: str, replacement: str | Callable[[re.Match[str]], str], svg: str) -> str:
    """Substitute within tags only; the text between them stays as it is."""
    return _TAG.sub(lambda tag: re.sub(pattern, replacement, tag[0]), svg)


def _compact(svg: str) -> str:
    """Cells of heat maps as short paths; long decimals of coordinates cut; no indentation."""
    svg = _in_tags(r"(\d+\.\d{2})\d+", r"\1", svg)
    svg = _CELL.sub(r'<path class="c" d="M\1 \2H\3V\4H\1z" style="fill:\5"/>', svg)
    return re.sub(r"\n\s*", "\n", svg)


def _themed(svg: str) -> str:
    """Colours exchanged for the page's variables."""
    return _in_tags(r"#[0-9a-f]{6}\b", lambda match: _variables().get(match[0], match[0]), svg)


_DARK: Final = {
    style.INK: "#e7edf3",
    style.MUTED: "#9fb0bf",
    style.FAINT: "#2e3a47",
    style.SURFACE: "#141b23",
    style.BAR: "#4f9fcb",
    style.BASELINE: "#ffa24a",
    style.NO_EVIDENCE: "#2a323b",
    style.HATCH: "#5a6672",
    style.SERIES[0]: "#63b3e0",
    style.SERIES[1]: "#ff9d4d",
    style.SERIES[2]: "#b99aec",
    style.SERIES[3]: "#5cc9a4",
}


@cache
def _themes() -> tuple[tuple[str, str, str], ...]:
    """(variable, light colour, dark colour) of every colour that figures use."""
    plain = [(f"--p{n}", light, dark) for n, (light, dark) in enumerate(_DARK.items())]
    scales = [
        (f"--{scale.name}{n}", light, dark)
        for scale in (style.SEQUENTIAL, style.DIVERGING)
        for n, (light, dark) in enumerate(zip(scale.light, scale.dark, strict=True))
    ]
    return (*plain, *scales)


@cache
def _variables() -> dict[str, str]:
    return {light: f"var({name})" for name, light, _ in _themes()}


def _palette() -> dict[str, Markup]:
    """CSS declarations of both themes."""
    light = "".join(f"{name}:{colour};" for name, colour, _ in _themes())
    dark = "".join(f"{name}:{colour};" for name, _, colour in _themes())
    return {"light": Markup(light), "dark": Markup(dark)}  # constants of this module


# ---- exemplars


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a sentence: `kind` is '', 'from', 'to', 'both' or 'gap'."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence with the strongest pair marked."""

    rank: int
    weight: str
    offset: int
    source: str
    segments: Sequence[Segment]


@dataclass(frozen=True, slots=True)
class HeadExamples:
    """A head's values and first sentences."""

    layer: int
    head: int
    profile: str
    """Its metrics, in short."""
    looks_at: Sequence[str]
    """Its largest shares, each beside the mean of all heads."""
    examples: Sequence[Example]


def _examples(data: xr.Dataset, frame: pd.DataFrame) -> list[tuple[int, list[HeadExamples]]]:
    """Heads with their first sentences, by layer."""
    limit = 5 if data["distance"].size <= _MANY_HEADS else 2
    rows = frame[frame["rank"] <= limit].sort_values(["layer", "head", "rank"]).to_dict("records")
    found: dict[tuple[int, int], list[Example]] = {}
    for row in rows:
        found.setdefault((int(row["layer"]), int(row["head"])), []).append(_example(row))
    shares = [_Shares(data, name, title) for name, title in _SHARES.items()]
    heads = list(enumerate(data["head"].values.tolist()))
    return [
        (layer, [_head_examples(data, (m, n), shares, found.get((layer, head), [])) for n, head in heads])
        for m, layer in enumerate(data["layer"].values.tolist())
    ]


class _Shares:
    """A share table, ready to be asked for a head's largest labels."""

    def __init__(self, data: xr.Dataset, name: str, title: str) -> None:
        self.title, self.values = title, values(data[name])
        self.labels = [visible(str(label)) for label in data[name][data[name].dims[2]].values.tolist()]
        flat = self.values.reshape(-1, len(self.labels))
        rows = flat[np.isfinite(flat).all(axis=1)]
        self.mean = rows.mean(axis=0) if len(rows) else np.full(len(self.labels), np.nan)

    def largest(self, at: tuple[int, int], number: int = 3) -> str:
        """For example "to NOUN 43% (mean 21%), DET 9% (mean 3%)"; empty without evidence."""
        own = self.values[at]
        order = [n for n in np.argsort(-np.nan_to_num(own), kind="stable")[:number] if own[n] > 0]
        parts = [f"{self.labels[n]} {percent(float(own[n]))} (mean {percent(float(self.mean[n]))})" for n in order]
        return f"{self.title} {', '.join(parts)}" if parts else ""


_SHARES: Final = {
    "pos_to": "to",
    "pos_from": "from",
    "dependency_type_to": "to relations",
    "attention_at_offset": "at offsets",
}


def _head_examples(
    data: xr.Dataset, at: tuple[int, int], shares: Sequence[_Shares], examples: Sequence[Example]
) -> HeadExamples:
    facts = [f"{_SHORT[metric]} {shown(metric, float(data[metric].values[at]))}" for metric in _PROFILE]
    looks_at = [line for line in (share.largest(at) for share in shares) if line]
    layer, head = int(data["layer"].values[at[0]]), int(data["head"].values[at[1]])
    return HeadExamples(layer, head, " · ".join(facts), looks_at, examples)


_SHORT: Final = {"null_attention": "null", "distance": "distance", "entropy": "entropy", "variability": "variability"}


def _example(row: Mapping[str, Any]) -> Example:
    i, j = int(row["i"]), int(row["j"])
    pieces = readable(list(row["pieces"]), str(row["text"]))
    source = visible(f"{row['document']}, sentence {int(row['sentence'])}")
    return Example(int(row["rank"]), percent(float(row["weight"])), i - j, source, segments(pieces, i, j))


def segments(pieces: Sequence[Piece], i: int, j: int, limit: int = 90) -> list[Segment]:
    """A sentence as stretches of text, the attending piece i and the attended piece j apart."""
    result: list[Segment] = []
    for place in figures.window(len(pieces), i, j, limit):
        if place is None:
            result.append(Segment(" … ", "gap"))
            continue
        kind = "both" if place == i == j else "from" if place == i else "to" if place == j else ""
        if pieces[place].space and result and result[-1].kind != "gap":
            _append(result, Segment(" ", ""))
        _append(result, Segment(pieces[place].text if kind else pieces[place].running, kind))
    return result


def _append(result: list[Segment], new: Segment) -> None:
    """Add a stretch, joined to the last one where both are plain."""
    if result and not new.kind and not result[-1].kind:
        result[-1] = Segment(result[-1].text + new.text, "")
    else:
        result.append(new)
