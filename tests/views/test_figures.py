"""The values that figures plot, read back from their artists and compared with the tables."""

from collections.abc import Callable
from io import BytesIO
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from synthetic import HOSTILE, dataset, exemplars

import attnmetrics
from attnmetrics.errors import ConfigError
from attnmetrics.views import palette
from attnmetrics.views.figures import grid, layer_dots, maps, profiles, style
from attnmetrics.views.figures.panels import Panel, all_panels
from attnmetrics.views.figures.sentences import example_heads
from attnmetrics.views.formulas import typeset
from attnmetrics.views.heads import ROLES, standout
from attnmetrics.views.numbers import percent
from attnmetrics.views.pieces import window

LAYERS, HEADS = 4, 3


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return dataset(LAYERS, HEADS)


@pytest.fixture(scope="module")
def sentences(data: xr.Dataset) -> pd.DataFrame:
    return exemplars(data)


def heat(axes: Axes) -> NDArray[np.float64]:
    array = axes.collections[0].get_array()
    assert array is not None
    return np.ma.filled(array, np.nan)


def widths(axes: Axes) -> list[float]:
    return [patch.get_width() for patch in axes.patches]  # type: ignore[attr-defined]


def y_labels(axes: Axes) -> list[str]:
    return [text.get_text().replace("no word", "_") for text in axes.get_yticklabels()]


def size_of(figure: Figure, form: str = "svg") -> int:
    """Draws it whole; a warning would be an error."""
    file = BytesIO()
    figure.savefig(file, format=form)
    return len(file.getvalue())


# ---- figures 5, 6, 7, 10, 11, 12


@pytest.mark.parametrize(
    ("draw", "metric"),
    [
        (maps.null_attention, "null_attention"),
        (maps.variability, "variability"),
        (maps.distance, "distance"),
        (maps.entropy, "entropy"),
    ],
    ids=["figure 5", "figure 10", "figure 11", "figure 12"],
)
def test_a_map_of_heads_shows_the_table(data: xr.Dataset, draw: Callable[[xr.Dataset], Figure], metric: str) -> None:
    map_axes, bar_axes, colour_bar = draw(data).axes
    assert_array_equal(heat(map_axes), data[metric].values)
    assert_array_equal(widths(bar_axes), data[f"{metric}_by_layer"].values)
    assert y_labels(map_axes) == ["0", "1", "2", "3"]
    assert map_axes.get_ylim() == (LAYERS, 0), "layer 0 is on top"
    assert colour_bar.get_xlabel()


@pytest.mark.parametrize(
    ("draw", "metric"), [(maps.pos_to, "pos_to"), (maps.pos_from, "pos_from")], ids=["figure 6", "figure 7"]
)
def test_a_map_of_a_tag_shows_its_share(
    data: xr.Dataset, draw: Callable[[xr.Dataset, str], Figure], metric: str
) -> None:
    for tag in data["pos"].values.tolist():
        map_axes, bar_axes, _ = draw(data, tag).axes
        assert_array_equal(heat(map_axes), data[metric].sel(pos=tag).values)
        assert_array_equal(widths(bar_axes), data[f"{metric}_by_layer"].sel(pos=tag).values)


def test_a_tag_or_metric_that_is_not_there_is_refused(data: xr.Dataset) -> None:
    with pytest.raises(ConfigError, match="the run has ADJ, ADP"):
        maps.pos_to(data, "NOPE")
    with pytest.raises(ConfigError, match="found 'nope'"):
        maps.head_map(data, "nope")


# ---- figure 8


def test_alignment_shows_three_directions_and_their_baselines(data: xr.Dataset) -> None:
    axes = maps.dependency_alignment(data).axes
    for n, direction in enumerate(("attending_is_parent", "attended_is_parent", "either")):
        map_axes, bar_axes = axes[3 * n], axes[3 * n + 1]
        assert_array_equal(heat(map_axes), data["dependency_alignment"].sel(direction=direction).values)
        assert_array_equal(widths(bar_axes), data["dependency_alignment_by_layer"].sel(direction=direction).values)
        at = {"direction": direction}
        line, dotted = bar_axes.lines
        assert_array_equal(line.get_xdata(), [float(data["dependency_baseline"].sel(at))] * 2)
        assert line.get_color() == palette.BASELINE
        assert_array_equal(dotted.get_xdata(), [float(data["dependency_alignment_uniform"].sel(at))] * 2)
        marks = [mark[0, 0] for mark in bar_axes.collections[0].get_segments()]
        assert_array_equal(marks, data["dependency_expected_by_layer"].sel(at).values)


# ---- figure 9


def test_relations_are_shown_relative_to_their_mean(data: xr.Dataset) -> None:
    map_axes, bar_axes, _ = maps.dependency_types(data).axes
    names = y_labels(map_axes)
    table = data["dependency_type_to_by_layer"].transpose("rel", "layer").sel(rel=names).values
    assert_allclose(heat(map_axes), table / table.mean(axis=1, keepdims=True), rtol=1e-12)
    assert_allclose(widths(bar_axes), table.mean(axis=1), rtol=1e-12)
    assert sorted(names) == sorted(data["rel"].values.tolist())


def test_relations_are_sorted_by_depth_and_absent_ones_left_out(data: xr.Dataset) -> None:
    changed = data.copy(deep=True)
    table = changed["dependency_type_to_by_layer"]
    table.loc[{"rel": "nsubj"}] = [0, 0, 0, 0.5]
    table.loc[{"rel": "det"}] = [0.5, 0, 0, 0]
    table.loc[{"rel": "root"}] = 0
    names = y_labels(maps.dependency_types(changed).axes[0])
    assert (names[0], names[-1]) == ("det", "nsubj")
    assert "root" not in names


# ---- figures A.1, A.2


@pytest.mark.parametrize(
    ("draw", "metric"),
    [(grid.all_pos_to, "pos_to"), (grid.all_pos_from, "pos_from")],
    ids=["figure A.1", "figure A.2"],
)
def test_the_grid_shows_every_tag(data: xr.Dataset, draw: Callable[[xr.Dataset], Figure], metric: str) -> None:
    *panels, scale = draw(data).axes
    tags = data["pos"].values.tolist()
    assert len(panels) == len(tags)
    for axes, tag in zip(panels, tags, strict=True):
        assert_array_equal(heat(axes), data[metric].sel(pos=tag).values)
        assert axes.collections[0].get_clim() == (0, float(data[metric].sel(pos=tag).max()))
    assert scale.get_xticklabels()[-1].get_text() == "largest share"


# ---- profiles and correlations


def test_the_offset_profile_shows_the_mean_and_two_heads(data: xr.Dataset) -> None:
    mean, *best = profiles.offset_profile(data).axes[0].lines
    table = data["attention_at_offset"].sel(offset=slice(0, None))
    assert_array_equal(mean.get_xdata(), np.arange(33))
    assert_allclose(mean.get_ydata(), table.mean(("layer", "head")).values, rtol=1e-12)
    for line, offset in zip(best, (1, 0), strict=True):
        top = table.sel(offset=offset, drop=True).argmax(("layer", "head"))
        assert_array_equal(line.get_ydata(), table.isel(top).values)


def test_both_sides_are_shown_where_a_model_looks_ahead() -> None:
    data = dataset(2, 2, causal=False)
    mean = profiles.offset_profile(data).axes[0].lines[0]
    assert_array_equal(mean.get_xdata(), np.arange(-32, 33))
    assert_allclose(mean.get_ydata(), data["attention_at_offset"].mean(("layer", "head")).values, rtol=1e-12)


def test_the_probability_of_a_dependency_is_shown_by_distance(data: xr.Dataset) -> None:
    (line,) = profiles.dependency_probability(data).axes[0].lines
    assert_array_equal(line.get_xdata(), np.arange(1, 65))
    assert_array_equal(line.get_ydata(), data["dependency_probability"].values[1:])


def test_correlations_show_a_dot_for_each_head(data: xr.Dataset) -> None:
    figure = profiles.correlations(data)
    others = (data["entropy"].values, data["dependency_alignment"].sel(direction="either").values)
    for axes, other in zip(figure.axes, others, strict=True):
        assert_array_equal(
            axes.collections[0].get_offsets(), np.stack([data["distance"].values.ravel(), other.ravel()], axis=1)
        )
    texts = [text.get_text() for text in figure.texts]
    assert "r = 0.61, p < 0.001" in texts
    assert "r = −0.73, p < 0.001" in texts


# ---- any model on a page


@pytest.mark.parametrize(("layers", "heads"), [(6, 6), (12, 12), (30, 9), (48, 25)])
def test_figures_fit_a_page_and_say_of_which_run_they_are(layers: int, heads: int) -> None:
    data = dataset(layers, heads).assign_attrs(model="small-135M", corpus="wiki.txt")
    for draw in (maps.distance, maps.dependency_alignment, maps.dependency_types, grid.all_pos_to):
        figure = draw(data)
        assert (figure.get_size_inches() <= (6.75, 9)).all(), draw.__name__
        assert figure.texts[2].get_text().startswith("small-135M · wiki.txt · "), draw.__name__


def boxes_of_texts(figure: Figure) -> dict[str, Bbox]:
    """Pixels of every text that is seen, as matplotlib lays them out."""
    figure.draw_without_rendering()
    axes = [axis for one in figure.axes for axis in (one.xaxis, one.yaxis)]
    ticks = [(tick, sorted(axis.get_view_interval())) for axis in axes for tick in axis.get_major_ticks()]
    beyond = {tick.label1 for tick, (low, high) in ticks if not low <= tick.get_loc() <= high}  # never drawn
    texts = [one for one in figure.findobj(Text) if one not in beyond]
    seen = [one for one in texts if one.get_visible() and one.get_text().strip()]
    return {f"{one.get_text()} {n}": one.get_window_extent() for n, one in enumerate(seen)}


@pytest.mark.parametrize("draw", [
    lambda data: grid.all_labels(data, "relation_accuracy"), lambda data: grid.all_labels(data, "dependency_excess"),
    lambda data: maps.head_map(data, "repeat_excess"), maps.dependency_types, layer_dots.surface,
], ids=["a map a relation", "a map a direction", "signed bars", "figure 9", "Clark's figure 2"])  # fmt: skip
def test_no_text_of_a_figure_is_cut_or_lies_on_another(draw: Callable[[xr.Dataset], Figure]) -> None:
    data = dataset(30, 9)
    figure = draw(data.assign(repeat_excess=data["repeat_excess"] * np.linspace(-1, 1, 30)[:, None]))
    boxes = boxes_of_texts(figure)
    assert [name for name, box in boxes.items() if not figure.bbox.padded(1).contains(box.x0, box.y0)
            or not figure.bbox.padded(1).contains(box.x1, box.y1)] == []  # fmt: skip
    pairs = combinations(boxes.items(), 2)
    assert [(one, other) for (one, a), (other, b) in pairs if a.padded(-1.5).overlaps(b.padded(-1.5))] == []


def test_values_stand_beside_all_that_is_drawn(data: xr.Dataset) -> None:
    _, bars, _ = maps.head_map(data, "null_attention").axes
    assert {text.xy[0] for text in bars.texts if isinstance(text, Annotation)} == {1.0}
    assert bars.get_xlim()[1] >= max(
        bar.get_x() + bar.get_width() for bar in bars.patches if isinstance(bar, Rectangle)
    )


def test_maps_with_values_below_0_have_a_scale_of_their_own(data: xr.Dataset) -> None:
    figure = grid.all_labels(data, "dependency_excess")
    *panels, scale = figure.axes
    excess = data["dependency_excess"]
    for axes, direction in zip(panels, excess["direction"].values, strict=True):
        most = float(np.abs(excess.sel(direction=direction)).max())
        assert_allclose(axes.collections[0].get_clim(), (-most, most))
    assert [tick.get_text() for tick in scale.get_xticklabels()] == ["below 0", "0", "largest share"]
    assert scale.collections[0].get_cmap().name == palette.DIVERGING.name


def test_both_ends_of_a_scale_are_labelled(data: xr.Dataset) -> None:
    map_axes, _, scale = maps.null_attention(data).axes
    low, middle, high = map_axes.collections[0].get_clim()[0], 0.5, map_axes.collections[0].get_clim()[1]
    assert_allclose(scale.get_xticks(), [low, middle * high, high])
    assert [tick.get_text() for tick in scale.get_xticklabels()][0::2] == ["0%", percent(high)]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("Σ F[i,j]·|i−j| ÷ M", r"$\sum$ $F_{i,j}$·|$i$−$j$| ÷ $M$"),
        ("Σ_{i,j<N, attendable} |F − F̄[i,j]|", r"$\sum_{i,j<N,\ \mathrm{attendable}}$ |$F$ − $\bar{F}_{i,j}$|"),
        ("F[i,j]·1(pos(j)=name)", r"$F_{i,j}$$\ \mathbf{1}_{\mathrm{pos}(j)=\mathrm{name}}$"),
        ("mean of rows that a piece may see", "mean of rows that a piece may see"),
    ],
)
def test_formulas_are_set_as_mathematics(formula: str, expected: str) -> None:
    assert typeset(formula) == expected


def test_a_long_subtitle_has_two_lines_and_keeps_mathematics_whole() -> None:
    lines = style.wrap("$a_{i,\\ j}$ one two $b$ three four five", 10, 2)
    assert lines == ["$a_{i,\\ j}$ one", "two $b$ …"]


# ---- figure 4


def test_examples_show_the_three_heads_and_their_pair(data: xr.Dataset, sentences: pd.DataFrame) -> None:
    figure = example_heads(data, sentences)
    titles = [text.get_text() for text in figure.texts if "layer" in text.get_text()]
    for axes, title, name in zip(figure.axes, titles, ("local", "distant", "diffuse"), strict=True):
        best = standout(data, next(role for role in ROLES if role.title == f"most {name}"))
        assert best is not None
        assert title.startswith(f"Most {name}: layer {best.layer} head {best.head} (distance ")
        own = (sentences["layer"] == best.layer) & (sentences["head"] == best.head)
        _check_pair(axes, sentences[own & (sentences["rank"] == 1)].iloc[0])


def _check_pair(axes: Axes, row: pd.Series) -> None:
    *pieces, weight = axes.texts
    words = [text.get_text() for text in pieces]
    assert words == row["text"].split(" ")
    marked = {n for n, text in enumerate(pieces) if text.get_weight() == "bold"}
    assert marked == {row["i"], row["j"]}
    assert weight.get_text() == f"{100 * row['weight']:.0f}%"
    (arrow,) = axes.patches
    start, end = _ends(arrow)
    positions = np.array([text.get_position()[0] for text in pieces])
    assert np.argmin(abs(positions - start)) == row["i"]
    assert np.argmin(abs(positions - end)) == row["j"]


def _ends(arrow: Patch) -> tuple[float, float]:
    vertices = arrow._path_original.vertices  # type: ignore[attr-defined]
    return float(vertices[0, 0]), float(vertices[-1, 0])


def test_examples_do_without_sentences_and_without_evidence(data: xr.Dataset, sentences: pd.DataFrame) -> None:
    assert size_of(example_heads(data, sentences.iloc[:0])) > 0
    nothing = dataset(1, 1, nan_heads=((0, 0),))
    titles = [text.get_text() for text in example_heads(nothing, exemplars(nothing)).texts]
    assert "Most local: no head has evidence" in titles


@pytest.mark.parametrize(
    ("number", "i", "j", "kept"),
    [
        (3, 2, 0, [0, 1, 2]),
        (100, 50, 50, [None, *range(45, 56), None]),
        (100, 99, 0, [*range(6), None, *range(94, 100)]),
        (100, 52, 50, [None, *range(46, 57), None]),
        (1, 0, 0, [0]),
    ],
)
def test_long_sentences_are_cut_around_the_pair(number: int, i: int, j: int, kept: list[int | None]) -> None:
    assert window(number, i, j, 12) == kept


# ---- what any run may hold


def kinds_of_panels(data: xr.Dataset) -> list[Panel]:
    """The papers' figures, and one of each kind of those that any table has, which are drawn alike."""

    def kind(panel: Panel) -> object:
        table = data[panel.needs[0]]
        is_any = not panel.number and len(panel.needs) == 1 and table.dims[:2] == ("layer", "head")
        return (table.ndim, table.attrs["kind"], "chance" in table.attrs) if is_any else panel.key

    return list({kind(panel): panel for panel in reversed(all_panels(data))}.values())


def test_examples_show_all_attention_that_the_run_has_kept(demo_run: Path) -> None:
    data, sentences = attnmetrics.load(demo_run), attnmetrics.exemplars(demo_run)
    kept = attnmetrics.exemplar_attention(demo_run)
    whole = example_heads(data, sentences, kept)
    for axes, alone in zip(whole.axes, example_heads(data, sentences).axes, strict=True):
        assert len(alone.patches) == 1 < len(axes.patches)
        assert [patch.get_alpha() for patch in axes.patches[1:]] == sorted(
            patch.get_alpha() for patch in axes.patches[1:]
        )
    assert {"demo"} == {data.attrs["model"], data.attrs["corpus"]}
    assert whole.texts[2].get_text().startswith("demo · demo · ")


@pytest.mark.parametrize(("layers", "heads"), [(1, 1), (1, 16), pytest.param(48, 25, marks=pytest.mark.cluster)])
def test_every_figure_draws_for_any_number_of_heads(layers: int, heads: int) -> None:
    data = dataset(layers, heads)
    sentences = exemplars(data, 1)
    for panel in kinds_of_panels(data):
        figure = panel.draw(data, sentences)
        assert size_of(figure) < 3_000_000
        assert (figure.get_size_inches() <= (6.75, 9)).all(), panel.key


def test_a_sheet_without_room_shows_the_relations_with_most_edges() -> None:
    data = dataset(48, 25)
    edges = data["relation_edges_attainable"]
    sheet = grid.all_labels(data, "relation_accuracy")
    texts = [text.get_text() for text in sheet.texts]
    number = len(sheet.axes) - 1
    assert f"{number} of {edges.size} labels" in texts[1] and number < edges.size
    order = np.argsort(-edges.to_numpy().ravel(), kind="stable")[:number]
    rules = {"row": "from dependent", "column": "on dependent", "parent_row": "from head word"}
    names = [
        f"{rules[rule]}, {'no word' if rel == '_' else rel}"
        for rule in edges["rule"].values
        for rel in edges["rel"].values
    ]
    assert texts[2:-1:2] == [names[place] for place in sorted(order)]


def test_cells_without_evidence_are_hatched() -> None:
    data = dataset(2, 2, nan_heads=((0, 1),))
    axes = maps.distance(data).axes[0]
    assert_array_equal(np.isnan(heat(axes)), [[False, True], [False, False]])
    (hatched,) = axes.collections[1:]
    assert hatched.get_hatch()
    assert len(maps.null_attention(data).axes[0].collections) == 1, "nothing is hatched where all is known"


def test_a_run_without_any_evidence_still_draws() -> None:
    data = dataset(2, 2)
    nothing = data.assign({name: table * np.nan for name, table in data.data_vars.items()})
    for panel in kinds_of_panels(nothing):
        assert size_of(panel.draw(nothing, exemplars(data))) > 0


def test_strange_labels_are_drawn_as_they_stand() -> None:
    names = ("$a_b$", "$", "\\frac{1}{", "<b>&amp;", "a" * 200, "שלום", "مرحبا", "😀👩‍👧", "漢字", "\x00\x1b[31m", "_")
    data = dataset(2, 2, pos=names, rel=names)
    sentences = exemplars(data, hostile=True)
    for panel in kinds_of_panels(data):
        assert size_of(panel.draw(data, sentences)) > 0
    assert size_of(maps.pos_to(data, "$a_b$")) > 0
    labels = y_labels(maps.dependency_types(data).axes[0])
    assert r"\$a_b\$" in labels
    assert max(map(len, labels)) <= 28


def test_only_measured_layers_are_named() -> None:
    data = dataset(2, 2, first_layer=5)
    assert y_labels(maps.entropy(data).axes[0]) == ["5", "6"]


def test_many_relations_fit() -> None:
    data = dataset(12, 2, rel=(*(f"relation{n}:sub" for n in range(60)), "_"))
    axes = maps.dependency_types(data).axes[0]
    assert len(y_labels(axes)) == 61


def test_figures_save_as_pdf_and_png(data: xr.Dataset) -> None:
    assert size_of(maps.null_attention(data), "pdf") > 0
    assert size_of(maps.null_attention(data), "png") > 0


def test_figures_do_not_depend_on_the_users_settings(data: xr.Dataset) -> None:
    import matplotlib

    with matplotlib.rc_context({"font.family": ["monospace"], "axes.facecolor": "red", "text.color": "red"}):
        figure = maps.distance(data)
        assert figure.texts[0].get_color() == palette.INK
        assert figure.axes[0].get_facecolor() == (0, 0, 0, 0)


def test_label_escapes_mathematics_and_missing_glyphs() -> None:
    assert style.label("$x$") == r"\$x\$"
    assert style.label("a\U0001faa8b") == "a▯b"
    assert style.label(HOSTILE, 10_000).count("$") == HOSTILE.count("$")
