"""The paper's figures in print, each a function of a run's Dataset that returns matplotlib axes.

    metrics = attnmetrics.load("runs/gpt2")
    plot.distance(metrics)                                # a figure of its own: the map, its layers, title and formula
    plot.pos_to(metrics, "NOUN", ax=ax)                   # in axes of yours: the map and its scale
    plot.pos_to(metrics).figure.savefig("figure-a1.pdf")  # without a tag: all of them

Functions have the names of the results that they draw. Without `ax` they make a figure with pyplot, so that notebooks
show it, and return its first axes. With `ax` they draw there alone. Layers go down, layer 0 on top, heads across; heads
without evidence (NaN) are hatched. Heads that are nearly switched off are striped or hollow, and set no scale: those
with less than 5% of their attention off null pieces, or than `metrics.attrs["least_evidence"]`. Colour scales run from
light to dark, so that they can be read in grey.

Source: Vig and Belinkov 2019, arXiv:1906.04284; figure numbers are theirs.
"""

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Final

import matplotlib
import pandas as pd
import xarray as xr
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attnmetrics.errors import ConfigError, StoreError
from attnmetrics.results.tables import file_names
from attnmetrics.storage import Location
from attnmetrics.views import relations
from attnmetrics.views.figures import charts, grid, layer_dots, maps, probes, profiles, similarity, style
from attnmetrics.views.figures.panels import all_panels
from attnmetrics.views.tables import heading, is_share, scale, select, title

FORMATS: Final = ("pdf", "svg", "png")

# ---- maps of heads


def null_attention(data: xr.Dataset, *, ax: Axes | None = None, top: float | None = None) -> Axes:
    """Fig. 5: share of attention that goes to null pieces. For `ax` and `top` see `heads`."""
    return heads(data, "null_attention", ax=ax, top=top)


def pos_to(data: xr.Dataset, tag: str | None = None, *, ax: Axes | None = None, top: float | None = None) -> Axes:
    """Fig. 6: share of attention that goes to pieces with this tag; Fig. A.1, a figure of all tags, without one."""
    return _of_tag(data, "pos_to", tag, ax, top)


def pos_from(data: xr.Dataset, tag: str | None = None, *, ax: Axes | None = None, top: float | None = None) -> Axes:
    """Fig. 7: share of attention that comes from pieces with this tag; Fig. A.2, a figure of all tags, without one."""
    return _of_tag(data, "pos_from", tag, ax, top)


def variability(data: xr.Dataset, *, ax: Axes | None = None, top: float | None = None) -> Axes:
    """Fig. 10: how much attention depends on the sentence. For `ax` and `top` see `heads`."""
    return heads(data, "variability", ax=ax, top=top)


def distance(data: xr.Dataset, *, ax: Axes | None = None, top: float | None = None) -> Axes:
    """Fig. 11: mean distance that attention spans, in pieces. For `ax` and `top` see `heads`."""
    return heads(data, "distance", ax=ax, top=top)


def entropy(data: xr.Dataset, *, ax: Axes | None = None, top: float | None = None) -> Axes:
    """Fig. 12: mean entropy of a row of attention, in nats. For `ax` and `top` see `heads`."""
    return heads(data, "entropy", ax=ax, top=top)


def heads(
    data: xr.Dataset, metric: str, *, ax: Axes | None = None, top: float | None = None, **labels: str | int
) -> Axes:
    """Any metric of heads, such as `heads(metrics, "attention_at_offset", offset=1)`.

    Args:
        data: a run's results
        metric: name of a [layer, head, …] variable
        ax: where to draw the map and, to its right, its scale; without it, a figure with bars of the layers as well
        top: value of the strongest colour, for maps that are to be compared; the largest value by default
        **labels: one for each further dimension

    Returns:
        The axes of the map.

    Raises:
        ConfigError: the run has no such metric, dimension or label, or a dimension is left without a label.
    """
    if ax is None:
        return _first(maps.head_map(data, metric, labels, top, pyplot.figure))
    table = select(data, metric, labels)
    mesh = charts.heads_of(_titled(ax, heading(table, labels)), data, table, top)
    style.colour_bar(mesh, scale(table), share=is_share(table))
    return ax


def all_labels(data: xr.Dataset, metric: str) -> Axes:
    """Any metric of heads that has labels: a figure with a map for each, on scales of their own.

    Raises:
        ConfigError: the run has no such metric, or it has no labels.
    """
    return _first(grid.all_labels(data, metric, pyplot.figure))


def _of_tag(data: xr.Dataset, metric: str, tag: str | None, ax: Axes | None, top: float | None) -> Axes:
    if tag is not None:
        return heads(data, metric, ax=ax, top=top, pos=tag)
    if ax is not None or top is not None:
        raise ConfigError(
            "expected a tag with ax or top, found none; the figure of all tags has axes and scales of its own"
        )
    return _first({"pos_to": grid.all_pos_to, "pos_from": grid.all_pos_from}[metric](data, pyplot.figure))


# ---- by layer


def layers(data: xr.Dataset, metric: str, *, ax: Axes | None = None, **labels: str | int) -> Axes:
    """Any metric of heads by layer, as bars (Fig. 11, right). Arguments and errors are those of `heads`."""
    if ax is None:
        return _first(maps.layer_bars(data, metric, labels, pyplot.figure))
    charts.layers(_titled(ax, heading(select(data, metric, labels), labels)), data, metric, labels, alone=True)
    return ax


def dependency_alignment(data: xr.Dataset, direction: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Fig. 8: attention along dependencies by layer, with the share of all pairs that are in one as an orange line.

    Args:
        data: a run's results
        direction: attending_is_parent, attended_is_parent or either
        ax: where to draw; either direction by default. Without `ax` and direction: a figure of all three, with maps
    """
    if ax is None and direction is None:
        return _first(maps.dependency_alignment(data, pyplot.figure))
    return layers(data, "dependency_alignment", ax=ax, direction=direction or "either")


def dependency_type_to(data: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Fig. 9: share of a layer's attention that goes to each relation, ÷ the relation's mean over layers."""
    if ax is None:
        return _first(maps.dependency_types(data, pyplot.figure))
    mesh = charts.relation_map(_titled(ax, "Attention to each relation, by layer"), charts.relations(data))
    style.colour_bar(mesh, charts.RELATION_SCALE, share=False)
    return ax


# ---- profiles


def attention_at_offset(data: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Attention by offset i − j: the mean of heads (line 0), the previous-piece head, the own-piece head."""
    if ax is None:
        return _first(profiles.offset_profile(data, pyplot.figure))
    charts.offsets(_titled(ax, "Attention by offset"), data)
    return ax


def dependency_probability(data: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Section 4.3: the probability that two pieces at a distance are in a dependency (line 0)."""
    if ax is None:
        return _first(profiles.dependency_probability(data, pyplot.figure))
    charts.probability(_titled(ax, title(data["dependency_probability"])), data)
    return ax


def surface(data: xr.Dataset) -> Axes:
    """Clark et al. 2019, Fig. 2: attention to special pieces, separators and neighbours by layer, a figure of three."""
    return _first(layer_dots.surface(data, pyplot.figure))


def spread(data: xr.Dataset) -> Axes:
    """Clark et al. 2019, Fig. 4: entropy of whole rows by layer, of all pieces and of one a unit, a figure of two."""
    return _first(layer_dots.spread(data, pyplot.figure))


def layer_profile(data: xr.Dataset, metric: str, *, ax: Axes) -> Axes:
    """One panel of `surface` or `spread` in axes of yours, such as `layer_profile(metrics, "entropy_all", ax=ax)`.

    Raises:
        ConfigError: the run has no such metric, or neither figure shows it.
    """
    layer_dots.draw(_titled(ax, layer_dots.panel(metric).title), data, metric)
    return ax


# ---- tables


def relation_table(data: xr.Dataset) -> pd.DataFrame:
    """Clark et al. 2019, Table 1: each relation under each rule, its best head, held out, and its best word offset.

    A row a relation and rule; none where the run has no relations.
    """
    return relations.relation_frame(data)


def coreference_table(data: xr.Dataset) -> pd.DataFrame:
    """Clark et al. 2019, Table 2: a row a class of mentions and kind of candidates; none without coreference."""
    return relations.coreference_frame(data)


# ---- correlations


def importance(data: xr.Dataset, kind: str = "raw", *, ax: Axes | None = None) -> Axes:
    """Clark et al. 2019, Fig. 3: the importance of attention by layer, a line for each kind of attended piece.

    Args:
        data: what `attnmetrics.importance` gives
        kind: raw, centred or weighted; without `ax`, a figure of all three
        ax: where to draw

    Raises:
        ConfigError: the data have no importance, or no such kind.
    """
    if "importance" not in data:
        raise ConfigError("expected the results of attnmetrics.importance(run), found others; give those")
    if kind not in (kinds := data["importance"]["kind"].values.tolist()):
        raise ConfigError(f"expected a kind of {', '.join(kinds)}, found {kind!r}")
    if ax is None:
        return _first(profiles.importance(data, pyplot.figure))
    charts.importance(_titled(ax, f"{title(data['importance'])}, by layer"), data, kind)
    return ax


def distance_entropy(data: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Section 4.4: distance against entropy with Pearson's r and p; a dot is a head, the darker, the deeper."""
    return _scatter(data, "entropy", ax)


def distance_alignment(data: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Section 4.4: distance against alignment (either direction) with Pearson's r and p; a dot is a head."""
    return _scatter(data, "dependency_alignment", ax)


# ---- probes


def probe_scores(data: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Attachment scores of all probes, with the published ones as marks; `data` is what `load_probe` gives."""
    if ax is None:
        return _first(probes.probe_scores(data, pyplot.figure))
    probes.draw_scores(_titled(ax, title(data["uas"])), data)
    return ax


def probe_weights(data: xr.Dataset, metric: str = "attention_weight") -> Axes:
    """Weights of heads, a map for each direction; `data` is what `load_probe` gives.

    Raises:
        ConfigError: there is no such table of weights.
    """
    return _first(probes.probe_weights(data, metric, pyplot.figure))


def _scatter(data: xr.Dataset, metric: str, ax: Axes | None) -> Axes:
    if ax is None:
        return _first(profiles.correlation(data, metric, pyplot.figure))
    charts.scatter(_titled(ax, charts.correlation(data, metric)), data, metric)
    return ax


# ---- how alike heads attend


def head_map(data: xr.Dataset, colour: str = "layer", *, ax: Axes | None = None, **labels: str | int) -> Axes:
    """All heads on a map, those that attend alike close together (Clark et al. 2019, Fig. 6).

    Args:
        data: a run's results
        colour: `layer`, `cluster`, or a metric of heads
        ax: where to draw the map; without it, a figure with the distances of layers as well
        **labels: one for each further dimension of the metric

    Raises:
        ConfigError: the run has not compared its heads, or has no such metric or label.
    """
    if ax is None:
        return _first(similarity.head_similarity(data, colour, labels, pyplot.figure))
    similarity.require(data)
    ax = _titled(ax, f"Heads that attend alike: {similarity.in_words(data, colour, labels)}")
    dots = similarity.head_map(ax, data, colour, labels)
    if dots.get_array() is not None:
        table = select(data, colour, labels)
        style.colour_bar(dots, scale(table), share=is_share(table))
    return ax


def layer_distance(data: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """How far the heads of any two layers are apart; without `ax`, the right half of the figure of `head_map`."""
    if ax is None:
        return similarity.head_similarity(data, new=pyplot.figure).axes[1]
    similarity.require(data)
    mesh = similarity.layer_map(_titled(ax, title(data["layer_distance"])), data)
    style.colour_bar(mesh, scale(data["layer_distance"]), share=False)
    return ax


def _first(figure: Figure) -> Axes:
    return figure.axes[0]


def _titled(ax: Axes, title: str) -> Axes:
    return style.entitle(style.dress(ax), title)


# ---- files


def write(
    data: xr.Dataset, exemplars: pd.DataFrame, folder: Location, formats: Iterable[str] = ("pdf",),
    attention: pd.DataFrame | None = None,
) -> list[str]:  # fmt: skip
    """Write every figure into a folder: the same bytes for the same data.

    Args:
        data: a run's results
        exemplars: its sentences, for Fig. 4
        folder: made where missing; its other files stay
        formats: of `FORMATS`
        attention: the weights in them, which `exemplar_attention` gives, for all arcs of Fig. 4

    Returns:
        The names of the files.

    Raises:
        ConfigError: an unknown format.
        StoreError: the folder cannot be written.
    """
    return _write(_all(data, exemplars, attention), folder, _check_formats(formats))


def write_probes(data: xr.Dataset, folder: Location, formats: Iterable[str] = ("pdf",)) -> list[str]:
    """Write the figures of probes into a folder; arguments and errors are those of `write`."""
    return _write(_of_probes(data), folder, _check_formats(formats))


def _write(drawn: Iterable[tuple[str, Figure]], folder: Location, formats: Iterable[str]) -> list[str]:
    names = []
    for name, figure in drawn:
        for form in formats:
            names.append(f"{name}.{form}")
            try:
                (folder / names[-1]).write(_file(figure, form))
            except OSError as error:
                raise StoreError(
                    f"expected to write {folder / names[-1]}, found: {error.strerror or error}; "
                    "free space or choose a folder that you may write to (--out)"
                ) from error
    return names


def _check_formats(formats: Iterable[str]) -> list[str]:
    """Each format once.

    Raises:
        ConfigError: an unknown one.
    """
    once = list(dict.fromkeys(formats))
    for form in once:
        if form not in FORMATS:
            raise ConfigError(f"expected a format of {', '.join(FORMATS)}, found {form!r}")
    return once


def _of_probes(data: xr.Dataset) -> Iterator[tuple[str, Figure]]:
    """The figures of probes by the names of their files."""
    yield "probe-scores", probes.probe_scores(data)
    for metric in probes.WEIGHTS:
        if metric in data:
            yield f"probe-{metric.replace('_', '-')}", probes.probe_weights(data, metric)


def _all(data: xr.Dataset, exemplars: pd.DataFrame, attention: pd.DataFrame | None) -> Iterator[tuple[str, Figure]]:
    """Every figure by the name of its file; the paper's begin with their number."""
    panels = all_panels(data, attention)
    numbers = (f"figure-{panel.number.replace('.', '').lower()}-" if panel.number else "" for panel in panels)
    names = file_names(f"{number}{panel.key}" for number, panel in zip(numbers, panels, strict=True))
    for name, panel in zip(names, panels, strict=True):
        yield name, panel.draw(data, exemplars)


def _file(figure: Figure, form: str) -> bytes:
    """A figure as a file, with its fonts in it and without a date."""
    dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    with (
        BytesIO() as file,
        matplotlib.rc_context({"pdf.fonttype": 42, "svg.fonttype": "path", "svg.hashsalt": "attnmetrics"}),
    ):
        figure.savefig(file, format=form, dpi=_DPI, facecolor="white", metadata=dates.get(form))
        return file.getvalue()


_DPI: Final = 300
