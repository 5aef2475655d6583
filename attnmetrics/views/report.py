"""The report: one page that opens from disk, with figures, heads, sentences and the paper's numbers.

The page holds everything it shows. Its Content-Security-Policy forbids scripts and every request; text of the corpus is
escaped by Jinja2 and can only be text. Figures are vector drawings whose colours follow the reader's theme.
"""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
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
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from attnmetrics.errors import StoreError
from attnmetrics.views import figures, paper, style
from attnmetrics.views.heads import number, percent, shown, standouts
from attnmetrics.views.pieces import Piece, readable, visible

PAGE: Final = "index.html"
_TEMPLATES: Final = Path(__file__).parent / "templates"
_PROFILE: Final = ("null_attention", "distance", "entropy", "variability")
_MANY_HEADS: Final = 400
"""With more heads than this, each shows fewer sentences."""


def write_report(data: xr.Dataset, exemplars: pd.DataFrame, facts: Mapping[str, Any], folder: Path) -> Path:
    """Write `folder`/index.html, whole or not at all.

    Args:
        data: the run's results
        exemplars: rows (layer, head, rank, weight, document, sentence, i, j, text, pieces)
        facts: what run.json says; `model`, `corpus`, `counts`, `left_out`, `timings` are shown on top where present
        folder: made where missing

    Returns:
        the page's path

    Raises:
        StoreError: the folder cannot be written.
    """
    page = render(data, exemplars, facts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _replace(folder / PAGE, page)
    except OSError as error:
        raise StoreError(
            f"expected to write the report to {folder}, found: {error.strerror or error}; "
            "free space or choose a folder that you may write to, then run `attnmetrics merge` again"
        ) from error


def _replace(path: Path, page: str) -> Path:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".index-", suffix=".html")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(page)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def render(data: xr.Dataset, exemplars: pd.DataFrame, facts: Mapping[str, Any]) -> str:
    """The page, the same for the same input."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["visible"] = lambda text: visible(str(text))
    return environment.get_template("report.html.j2").render(
        title=_title(facts),
        headline=_headline(data, facts),
        left_out=_left_out(data, facts),
        standouts=standouts(data),
        drawings=[_drawing(panel, data, exemplars) for panel in figures.panels(data)],
        tags=list(_tag_drawings(data)),
        correlations=_svg(figures.correlations(data), "correlations"),
        scalars=_correlations(data),
        comparison=paper.compare(data),
        layers=_examples(data, exemplars),
        facts=list(_flat(facts)),
        palette=_palette(),
    )


# ---- facts


def _title(facts: Mapping[str, Any]) -> str:
    return visible(str(_first(facts, ("model", "name"), ("model", "model"), ("config", "model", "name"), ("model",))))


def _first(facts: Mapping[str, Any], *paths: tuple[str, ...]) -> Any:
    """The first fact that is there and is no table itself; an empty text where none is."""
    for path in paths:
        found: Any = facts
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        if found is not None and not isinstance(found, Mapping):
            return found
    return ""


def _headline(data: xr.Dataset, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The few numbers on top."""
    documents = _first(facts, ("counts", "documents"))
    rows = [
        ("heads", f"{data.sizes['layer']} × {data.sizes['head']}"),
        ("documents", number(float(documents)) if documents != "" else ""),
        ("sentences", _count(data, "sentences")),
        ("word pieces", _count(data, "pieces")),
        ("pieces a sentence", _count(data, "pieces_per_sentence")),
        ("time", _time(facts)),
    ]
    return [(name, value) for name, value in rows if value]


def _count(data: xr.Dataset, name: str) -> str:
    return number(float(data[name])) if name in data else ""


def _time(facts: Mapping[str, Any]) -> str:
    total = _first(facts, ("timings", "total_seconds"), ("timings", "total"), ("seconds",))
    if total == "":
        timings = facts.get("timings")
        stages = timings.values() if isinstance(timings, Mapping) else ()
        total = sum(float(value) for value in stages if isinstance(value, int | float)) or ""
    return duration(float(total)) if total != "" else ""


def duration(seconds: float) -> str:
    """A time span for people."""
    if seconds < 90:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _left_out(data: xr.Dataset, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Everything that the run left out, each with its count."""
    named = facts.get("left_out")
    counted = dict(named) if isinstance(named, Mapping) else {}
    for name in ("sentences_cut", "pieces_unaligned"):
        if name in data:
            counted[name] = float(data[name])
    return [(_LEFT_OUT.get(str(name), str(name).replace("_", " ")), _fact(value)) for name, value in counted.items()]


_LEFT_OUT: Final = {
    "documents_blank": "blank documents",
    "documents_split": "documents cut into several",
    "sentences_blank": "blank sentences",
    "sentences_cut": "sentences cut to the model's length",
    "pieces_unaligned": "pieces that overlap no word",
    "sentences_not_sampled": "sentences outside the sample",
}


def _fact(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return number(float(value)) if isinstance(value, int | float) else str(value)


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(path, value) of every fact."""
    for name, value in facts.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}.")
        elif isinstance(value, list | tuple):
            yield path, ", ".join(str(item) for item in value) or "none"
        else:
            yield path, "none" if value is None else str(value)


def _correlations(data: xr.Dataset) -> list[tuple[str, str, str]]:
    pairs = (("distance and entropy", "distance_entropy"), ("distance and alignment", "distance_alignment"))
    rows = [(title, float(data[f"{name}_r"]), float(data[f"{name}_p"])) for title, name in pairs]
    return [
        (title, f"{r:.3f}".replace("-", "−") if np.isfinite(r) else "–", figures.p_value(p)) for title, r, p in rows
    ]


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
    svg = _svg(panel.draw(data, exemplars), panel.key)
    return Drawing(panel.key, panel.number, panel.title, panel.help, panel.formula, svg)


def _tag_drawings(data: xr.Dataset) -> Iterator[tuple[str, Markup, Markup]]:
    """Figures 6 and 7 of every tag that occurs."""
    for n, tag in enumerate(data["pos"].values.tolist()):
        if np.nansum(data["pos_to"].sel(pos=tag).values) > 0:
            to, origin = figures.pos_to(data, tag), figures.pos_from(data, tag)
            yield tag, _svg(to, f"to-{n}"), _svg(origin, f"from-{n}")


def _svg(figure: Figure, key: str) -> Markup:
    """An inline drawing: no header, no address, ids of its own, colours that follow the theme."""
    with StringIO() as file, matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        FigureCanvasSVG(figure)
        figure.savefig(file, format="svg", dpi=160, metadata={"Date": None, "Creator": None})
        text = file.getvalue()
    return Markup(_themed(_compact(_inline(text, key))))  # matplotlib escaped every text in it


_HEADER: Final = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
_METADATA: Final = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_STYLE: Final = re.compile(r'<style type="text/css">.*?</style>', re.DOTALL)
_NAMESPACE: Final = re.compile(r' xmlns(:\w+)?="[^"]*"')
_SIZE: Final = re.compile(r'(<svg[^>]*?) width="([\d.]+)pt" height="([\d.]+)pt"')
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)


def _inline(svg: str, key: str) -> str:
    for pattern in (_HEADER, _METADATA, _STYLE, _COMMENT):
        svg = pattern.sub("", svg, count=0)
    head, body = svg.split(">", 1)
    head = _SIZE.sub(r'\1 style="--width: \2"', _NAMESPACE.sub("", f"{head}>"))
    body = re.sub(r' id="(\w+)"', rf' id="{key}-\1"', body)
    body = re.sub(r'(href="#|url\(#)(\w+)', rf"\1{key}-\2", body)
    return head + body


_CELL: Final = re.compile(
    r'<path d="M ([\d.]+) ([\d.]+) \nL ([\d.]+) [\d.]+ \nL [\d.]+ ([\d.]+) \nL [\d.]+ [\d.]+ \nL [\d.]+ [\d.]+ \n"'
    r' clip-path="[^"]*" style="fill: (#\w{6}); stroke: ' + style.SURFACE + r'; stroke-width: 0.6"/>'
)


def _compact(svg: str) -> str:
    """Cells of heat maps as short paths; long decimals cut; empty lines dropped."""
    svg = re.sub(r"(\d+\.\d{2})\d+", r"\1", svg)
    svg = _CELL.sub(r'<path class="c" d="M\1 \2H\3V\4H\1z" style="fill:\5"/>', svg)
    return re.sub(r"\n\s*", "\n", svg)


def _themed(svg: str) -> str:
    """Colours exchanged for the page's variables."""
    return re.sub(r"#[0-9a-f]{6}\b", lambda match: _variables().get(match[0], match[0]), svg)


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
    examples: Sequence[Example]


def _examples(data: xr.Dataset, frame: pd.DataFrame) -> list[tuple[int, list[HeadExamples]]]:
    """Heads with their first sentences, by layer."""
    limit = 5 if data["distance"].size <= _MANY_HEADS else 2
    rows = frame[frame["rank"] <= limit].sort_values(["layer", "head", "rank"]).to_dict("records")
    found: dict[tuple[int, int], list[Example]] = {}
    for row in rows:
        found.setdefault((int(row["layer"]), int(row["head"])), []).append(_example(row))
    heads = data["head"].values.tolist()
    return [
        (layer, [_head_examples(data, layer, head, found.get((layer, head), [])) for head in heads])
        for layer in data["layer"].values.tolist()
    ]


def _head_examples(data: xr.Dataset, layer: int, head: int, examples: Sequence[Example]) -> HeadExamples:
    at = {"layer": layer, "head": head}
    facts = [f"{_SHORT[metric]} {shown(metric, float(data[metric].sel(at)))}" for metric in _PROFILE]
    return HeadExamples(layer, head, " · ".join(facts), examples)


_SHORT: Final = {"null_attention": "null", "distance": "distance", "entropy": "entropy", "variability": "variability"}


def _example(row: Mapping[str, Any]) -> Example:
    i, j = int(row["i"]), int(row["j"])
    pieces = readable(list(row["pieces"]), str(row["text"]))
    source = visible(f"{row['document']}, sentence {int(row['sentence']) + 1}")
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
        _append(result, Segment(pieces[place].text, kind))
    return result


def _append(result: list[Segment], new: Segment) -> None:
    """Add a stretch, joined to the last one where both are plain."""
    if result and not new.kind and not result[-1].kind:
        result[-1] = Segment(result[-1].text + new.text, "")
    else:
        result.append(new)
