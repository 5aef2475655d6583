"""Figures for print: what is drawn is what the Dataset holds, in axes given or new; files are whole and repeatable."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from synthetic import ANIMACY, dataset, exemplars, made_up

import attnmetrics
from attnmetrics import plot
from attnmetrics.cli import main
from attnmetrics.errors import ConfigError, StoreError
from attnmetrics.storage import locate
from attnmetrics.views import palette
from attnmetrics.views.figures.panels import all_panels
from attnmetrics.views.formulas import typeset
from attnmetrics.views.numbers import percent

Draw = Callable[..., Axes]
MAPS: dict[str, tuple[Draw, str, dict[str, str | int]]] = {
    "figure 5": (plot.null_attention, "null_attention", {}),
    "figure 6": (lambda data, **given: plot.pos_to(data, "NOUN", **given), "pos_to", {"pos": "NOUN"}),
    "figure 7": (lambda data, **given: plot.pos_from(data, "PUNCT", **given), "pos_from", {"pos": "PUNCT"}),
    "figure 10": (plot.variability, "variability", {}),
    "figure 11": (plot.distance, "distance", {}),
    "figure 12": (plot.entropy, "entropy", {}),
    "any": (
        lambda data, **given: plot.heads(data, "attention_at_offset", offset=1, **given),
        "attention_at_offset",
        {"offset": 1},
    ),
}
SHAPES = {"6 x 6": (6, 6, 0), "12 x 12": (12, 12, 0), "GPT-2 XL": (48, 25, 0), "some layers": (3, 12, 4)}


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return dataset(4, 3)


@pytest.fixture
def ax() -> Axes:
    return Figure(figsize=(5, 4)).subplots()


def heat(axes: Axes) -> np.ndarray:
    mesh = axes.collections[0]
    assert isinstance(mesh, QuadMesh)
    return np.ma.filled(mesh.get_array(), np.nan)


def names(axes: Axes) -> list[str]:
    return [text.get_text().replace("no word", "_") for text in axes.get_yticklabels()]


def widths(axes: Axes) -> list[float]:
    return [patch.get_width() for patch in axes.patches]  # type: ignore[attr-defined]


# ---- maps of heads


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(("draw", "metric", "at"), MAPS.values(), ids=MAPS)
def test_a_map_shows_the_table_in_new_axes_and_in_given_ones(
    draw: Draw, metric: str, at: dict[str, str | int], shape: tuple[int, int, int], ax: Axes
) -> None:
    layers, heads, first = shape
    data = dataset(layers, heads, first_layer=first)
    assert draw(data, ax=ax) is ax
    for axes in (ax, draw(data)):
        assert_array_equal(heat(axes), data[metric].sel(at).values)
        assert axes.get_ylim() == (layers, 0), "the first layer is on top"
        assert (axes.get_xlabel().split(";")[0], axes.get_ylabel()) == ("head", "layer")
        assert names(axes)[0] == str(first)


@pytest.mark.parametrize(("draw", "metric", "at"), MAPS.values(), ids=MAPS)
def test_a_new_figure_has_the_layers_beside_its_map(
    data: xr.Dataset, draw: Draw, metric: str, at: dict[str, str | int]
) -> None:
    figure = draw(data).figure
    assert figure is pyplot.gcf(), "notebooks show it"
    _, bars, scale = figure.axes
    assert_array_equal(widths(bars), data[f"{metric}_by_layer"].sel(at).values)
    assert scale.get_xlabel() == unit(metric)
    assert typeset(data[metric].attrs["formula"]) in [text.get_text() for text in figure.texts]


@pytest.mark.parametrize(("draw", "metric", "at"), MAPS.values(), ids=MAPS)
def test_given_axes_get_a_title_and_a_scale_with_its_unit(
    data: xr.Dataset, draw: Draw, metric: str, at: dict[str, str | int], ax: Axes
) -> None:
    draw(data, ax=ax)
    titles = {"pos_to": "Attention to NOUN", "pos_from": "Attention from PUNCT", "attention_at_offset": "offset 1"}
    assert ax.get_title(loc="left").endswith(titles.get(metric, data[metric].attrs["long_name"]))
    _, scale = ax.figure.axes
    assert scale.get_ylabel() == unit(metric)


def unit(metric: str) -> str:
    return {"distance": "pieces", "entropy": "nats", "variability": "attention variability"}.get(metric, "share")


def test_maps_that_are_compared_share_a_scale(data: xr.Dataset, ax: Axes) -> None:
    for axes in (plot.distance(data, ax=ax, top=50), plot.distance(data, top=50)):
        assert axes.collections[0].get_clim() == (0, 50)
    assert plot.distance(data).collections[0].get_clim() == (0, float(data["distance"].max()))


def test_heads_without_evidence_are_hatched_and_have_no_colour(ax: Axes) -> None:
    data = dataset(2, 3, nan_heads=((0, 1),))
    plot.entropy(data, ax=ax)
    assert_array_equal(np.isnan(heat(ax)), [[False, True, False], [False, False, False]])
    mesh, hatched = ax.collections
    assert hatched.get_hatch()
    assert mesh.to_rgba(np.ma.masked_invalid([np.nan]))[0][3] == 0
    (dots,) = plot.distance_entropy(data).collections
    assert len(dots.get_offsets()) == 5


@pytest.mark.parametrize(("draw", "metric"), [(plot.pos_to, "pos_to"), (plot.pos_from, "pos_from")], ids=["A.1", "A.2"])
def test_without_a_tag_every_tag_has_its_map(data: xr.Dataset, draw: Draw, metric: str) -> None:
    *panels, _ = draw(data).figure.axes
    for axes, tag in zip(panels, data["pos"].values.tolist(), strict=True):
        assert_array_equal(heat(axes), data[metric].sel(pos=tag).values)


def test_what_a_run_has_not_is_refused(data: xr.Dataset, ax: Axes) -> None:
    with pytest.raises(ConfigError, match="expected a label of 'pos', found 'NOPE'; the run has ADJ, ADP"):
        plot.pos_to(data, "NOPE", ax=ax)
    with pytest.raises(ConfigError, match=r"expected a label for each of \['pos'\] of 'pos_to', found labels for \[\]"):
        plot.heads(data, "pos_to")
    with pytest.raises(
        ConfigError, match="expected a metric of the run's heads, found 'sentences'; it has null_attention"
    ):
        plot.layers(data, "sentences")
    with pytest.raises(ConfigError, match="expected a tag"):
        plot.pos_to(data, ax=ax)
    assert pyplot.get_fignums() == [], "no empty figure stays behind"


# ---- layers and relations


def test_alignment_by_layer_has_its_baseline(data: xr.Dataset, ax: Axes) -> None:
    direction = "attended_is_parent"
    at = {"direction": direction}
    plot.dependency_alignment(data, direction, ax=ax)
    for axes in (ax, plot.dependency_alignment(data, direction)):
        assert_array_equal(widths(axes), data["dependency_alignment_by_layer"].sel(at).values)
        drawn = [float(line.get_xdata()[0]) for line in axes.lines]
        assert drawn == [float(data[f"dependency_{name}"].sel(at)) for name in ("baseline", "alignment_uniform")]
        assert names(axes) == ["0", "1", "2", "3"]
        assert axes.get_ylim() == (4, 0)
        pairs, even = map(percent, drawn)
        told = ["share", f"line: all pairs {pairs}", f"dotted: even attention {even}", "marks: its distances alone"]
        assert axes.get_xlabel().splitlines() == told


def test_alignment_in_given_axes_is_of_either_direction(data: xr.Dataset, ax: Axes) -> None:
    plot.dependency_alignment(data, ax=ax)
    assert_array_equal(widths(ax), data["dependency_alignment_by_layer"].sel(direction="either").values)
    assert ax.get_title(loc="left").endswith(": either direction")


def test_alignment_of_all_directions_fills_a_figure(data: xr.Dataset) -> None:
    axes = plot.dependency_alignment(data).figure.axes
    for n, direction in enumerate(data["direction"].values.tolist()):
        at = {"direction": direction}
        assert_array_equal(heat(axes[3 * n]), data["dependency_alignment"].sel(at).values)
        assert axes[3 * n + 1].lines[0].get_xdata()[0] == float(data["dependency_baseline"].sel(at))


def test_distance_by_layer_has_no_baseline(data: xr.Dataset, ax: Axes) -> None:
    plot.layers(data, "distance", ax=ax)
    for axes in (ax, plot.layers(data, "distance")):
        assert_array_equal(widths(axes), data["distance_by_layer"].values)
        assert axes.get_xlabel() == "pieces"
        assert not axes.lines


def test_relations_are_relative_to_their_mean(data: xr.Dataset, ax: Axes) -> None:
    plot.dependency_type_to(data, ax=ax)
    for axes in (ax, plot.dependency_type_to(data)):
        table = data["dependency_type_to_by_layer"].transpose("rel", "layer").sel(rel=names(axes)).values
        assert len(table) == data.sizes["rel"]
        assert_allclose(heat(axes), table / table.mean(axis=1, keepdims=True), rtol=1e-12)
    assert ax.figure.axes[1].get_ylabel() == "share ÷ the relation's mean"


# ---- profiles and correlations


def test_the_offset_profile_begins_with_the_mean(data: xr.Dataset, ax: Axes) -> None:
    plot.attention_at_offset(data, ax=ax)
    for axes in (ax, plot.attention_at_offset(data)):
        mean = data["attention_at_offset"].sel(offset=slice(0, None)).mean(("layer", "head"))
        assert_array_equal(axes.lines[0].get_xdata(), mean["offset"])
        assert_allclose(axes.lines[0].get_ydata(), mean, rtol=1e-12)
        assert axes.get_ylabel() == "share of attention"


def test_the_probability_of_a_dependency_is_shown_by_distance(data: xr.Dataset, ax: Axes) -> None:
    plot.dependency_probability(data, ax=ax)
    for axes in (ax, plot.dependency_probability(data)):
        assert_array_equal(axes.lines[0].get_xdata(), np.arange(1, 65))
        assert_array_equal(axes.lines[0].get_ydata(), data["dependency_probability"].values[1:])
        assert axes.get_xlabel() == "distance in pieces"


@pytest.mark.parametrize(
    ("draw", "other", "text", "name"),
    [
        (plot.distance_entropy, lambda d: d["entropy"], "r = 0.61, p = 0.012", "entropy in nats"),
        (
            plot.distance_alignment,
            lambda d: d["dependency_alignment"].sel(direction="either"),
            "r = −0.73, p < 0.001",
            "alignment, either direction",
        ),
    ],
    ids=["entropy", "alignment"],
)
def test_a_scatter_has_a_dot_for_each_head_and_its_r_and_p(
    data: xr.Dataset, draw: Draw, other: Callable[[xr.Dataset], xr.DataArray], text: str, name: str, ax: Axes
) -> None:
    data = data.assign(distance_entropy_p=0.0123)
    assert draw(data, ax=ax).get_title(loc="left") == text
    new = draw(data)
    assert text in [text.get_text() for text in new.figure.texts]
    for axes in (ax, new):
        dots = np.stack([data["distance"].values.ravel(), other(data).values.ravel()], axis=1)
        assert_array_equal(axes.collections[0].get_offsets(), dots)
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("distance in pieces", name)


# ---- tables never heard of


def test_a_table_never_heard_of_is_drawn_with_its_chance(ax: Axes) -> None:
    data = made_up()
    plot.heads(data, "animacy_to", animacy="human", ax=ax)
    assert ax.get_title(loc="left") == "Attention to human nouns"
    map_axes, bars, scale = plot.heads(data, "animacy_to", animacy="human").figure.axes
    table = data["animacy_to"].sel(animacy="human")
    assert_array_equal(heat(ax), table.values)
    assert_array_equal(heat(map_axes), table.values)
    assert_array_equal(widths(bars), data["animacy_to_by_layer"].sel(animacy="human").values)
    assert bars.get_xlabel() == "by layer\nmarks: chance"
    assert_array_equal([mark[:, 0] for mark in bars.collections[0].get_segments()], [[0.4, 0.4]] * 2)
    assert bars.get_xlim()[1] > 0.4
    assert scale.get_xlabel() == "share"


def test_a_chance_level_of_each_layer_is_marked_at_its_bar(ax: Axes) -> None:
    data = dataset(3, 2).assign(entropy_even=("layer", np.array([1.5, 0.5, 2.5])))
    data["entropy_by_layer"].attrs["chance"] = "entropy_even"
    plot.layers(data, "entropy", ax=ax)
    assert_array_equal([mark[0, 0] for mark in ax.collections[0].get_segments()], [1.5, 0.5, 2.5])
    assert ax.get_xlabel() == "nats\nmarks: chance"


def test_every_label_of_a_table_has_a_map_with_its_chance() -> None:
    data = made_up()
    figure = plot.all_labels(data, "animacy_to").figure
    *panels, _ = figure.axes
    for axes, label in zip(panels, ANIMACY, strict=True):
        assert_array_equal(heat(axes), data["animacy_to"].sel(animacy=label).values)
    said = [text.get_text() for text in figure.texts]
    most = [percent(float(data["animacy_to"].sel(animacy=label).max())) for label in ANIMACY]
    assert said[2:10:2] == ["human", "<b>thing</b>", "=1+1", "no word"]
    assert said[3:10:2] == [f"max {top}, chance {n}%" for top, n in zip(most, (40, 30, 20, 10), strict=True)]
    assert said[0] == "Attention to animacy"
    assert said[1] == r"$\sum$ $F$ of the kind ÷ $M$; each map has its own scale, from 0 to its largest value"
    both = plot.all_labels(data, "rule_accuracy").figure.axes
    assert_array_equal(heat(both[5]), data["rule_accuracy"].sel(rule="column", animacy="<b>thing</b>").values)


def test_values_below_zero_have_colours_of_their_own(ax: Axes) -> None:
    data = made_up()
    data["unsaid"][...] = [[-0.5, 0, 0.25], [0.1, 0.2, np.nan]]
    for axes in (plot.heads(data, "unsaid", ax=ax), plot.heads(data, "unsaid")):
        mesh = axes.collections[0]
        assert mesh.get_clim() == (-0.5, 0.5)
        assert mesh.get_cmap().name == palette.DIVERGING.name
    assert plot.heads(data, "sparkle").collections[0].get_cmap().name == palette.SEQUENTIAL.name


def test_of_very_many_labels_those_with_the_largest_values_have_a_map() -> None:
    numbers = np.linspace(0, 1, 2 * 200).reshape(1, 2, 200)
    data = xr.Dataset({"lemma_to": (("layer", "head", "lemma"), numbers)}, {"lemma": [f"l{n}" for n in range(200)]})
    figure = plot.all_labels(data, "lemma_to").figure
    assert len(figure.axes) == 26
    assert_array_equal(heat(figure.axes[0]), numbers[..., 175])
    assert any("25 of 200 labels" in text.get_text() for text in figure.texts)
    assert (figure.get_size_inches() <= (6.75, 9)).all()


def test_a_table_without_a_twin_has_no_bars_and_is_named_where_they_are_asked_for() -> None:
    data = made_up()
    map_axes, scale = plot.heads(data, "unsaid").figure.axes
    assert_array_equal(heat(map_axes), data["unsaid"].values)
    assert scale.get_xlabel() == "unsaid"
    with pytest.raises(
        ConfigError, match="expected a metric that the run has by layer, found 'unsaid'; it has animacy_to"
    ):
        plot.layers(data, "unsaid")
    with pytest.raises(ConfigError, match="that has labels, found 'unsaid'; it has animacy_to, rule_accuracy"):
        plot.all_labels(data, "unsaid")


def test_a_run_without_the_papers_tables_has_a_figure_of_each_of_its_own(tmp_path: Path) -> None:
    data = made_up()
    names = plot.write(data, exemplars(data), locate(tmp_path), ["svg"])
    assert names == [f"{name}.svg" for name in (
        "sparkle", "animacy-to", "rule-accuracy", "_i_loud", "unsaid",
    )]  # fmt: skip
    some = dataset(2, 2)[["pos_to", "pos_to_by_layer", "distance", "dependency_alignment"]]
    names = plot.write(some, exemplars(some), locate(tmp_path / "some"), ["svg"])
    assert names == [f"{name}.svg" for name in (
        "figure-6-pos-to-noun", "figure-8-dependency-alignment", "figure-11-distance", "figure-a1-all-pos-to",
    )]  # fmt: skip
    for name in names:
        _is_svg((tmp_path / "some" / name).read_bytes())


# ---- what any reader needs


@pytest.mark.parametrize("scale", [palette.SEQUENTIAL, palette.DIVERGING], ids=lambda scale: scale.name)
def test_scales_can_be_read_in_grey(scale: palette.Scale) -> None:
    for colours, sign in ((scale.light, -1), (scale.dark, 1)):
        linear = matplotlib.colors.to_rgba_array(colours)[:, :3] ** 2.2
        lightness = np.cbrt(linear @ [0.2126, 0.7152, 0.0722])
        assert (sign * np.diff(lightness) > 0).all()


def test_hostile_labels_stay_text(ax: Axes) -> None:
    tags = (r"$\frac{", "$a_b$", "\x00\x1b[31m", "NOUN")
    data = dataset(2, 2, pos=tags, rel=(r"$\frac{", "a"))
    drawn = [plot.pos_to(data, r"$\frac{", ax=ax).figure, plot.pos_from(data, "$a_b$").figure]
    drawn += [plot.pos_to(data).figure, plot.dependency_type_to(data).figure]
    for figure in drawn:
        figure.canvas.draw()
        mathematics = {text for text in figure.findobj(Text) if text._preprocess_math(text.get_text())[1] is True}
        assert mathematics <= {figure.texts[1]} if figure.texts else not mathematics
    assert ax.get_title(loc="left") == r"Attention to \$\frac{"


# ---- how alike heads attend


def test_heads_lie_where_the_table_says(data: xr.Dataset, ax: Axes) -> None:
    points = data["head_map"].to_numpy().reshape(-1, 2)
    plot.head_map(data, ax=ax)
    for axes in (ax, plot.head_map(data), plot.head_map(data, "cluster")):
        assert_array_equal(axes.collections[0].get_offsets(), points)
        assert axes.get_aspect() == 1
    coloured = plot.head_map(data, "pos_to", pos="NOUN").collections[0]
    assert_array_equal(coloured.get_array(), data["pos_to"].sel(pos="NOUN").to_numpy().ravel())
    plot.layer_distance(data, ax=Figure().subplots())
    assert_array_equal(heat(plot.layer_distance(data)), data["layer_distance"].to_numpy())


def test_clusters_have_colours_and_numbers(data: xr.Dataset) -> None:
    axes = plot.head_map(data, "cluster")
    groups = data["head_cluster"].to_numpy().ravel().astype(int)
    found = [matplotlib.colors.to_hex(colour) for colour in axes.collections[0].get_facecolors()]
    assert found == [palette.HEADS_LIGHT[group % 8] for group in groups]
    assert [text.get_text() for text in axes.texts] == [str(group) for group in np.unique(groups)]


def test_a_run_that_has_not_compared_its_heads_has_no_map(data: xr.Dataset) -> None:
    with pytest.raises(ConfigError, match="compared its heads"):
        plot.head_map(data.drop_vars("head_map"))
    with pytest.raises(ConfigError, match="expected a metric"):
        plot.head_map(data, "beauty")


def test_the_package_is_imported_without_matplotlib() -> None:
    code = "import sys, attnmetrics; assert not {'matplotlib', 'xarray'} & set(sys.modules); attnmetrics.plot.distance"
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- files

FILES = [
    "clark-2019-figure-2", "clark-2019-figure-4", "correlations", "dependency-probability", "figure-10-variability",
    "figure-11-distance", "figure-12-entropy", "figure-4-example-heads", "figure-5-null-attention",
    "figure-6-pos-to-noun", "figure-7-pos-from-punct", "figure-8-dependency-alignment", "figure-9-dependency-types",
    "figure-a1-all-pos-to", "figure-a2-all-pos-from", "head-similarity", "head-similarity-clusters",
    "offset-profile", "attention-mass", "dependency-attention", "dependency-excess", "dependency-type-from",
    "distance-deviation", "first-piece-histogram", "second-sink", "second-sink-off-null", "sink-rate",
    "unit-peak-histogram",
    "entropy-all", "entropy-rows", "entropy-summary", "induction-alignment", "induction-attention", "induction-excess",
    "near-ties", "neighbour-attention", "output-norm", "output-norm-relative", "parse-accuracy", "peak-attention",
    "relation-accuracy", "relation-accuracy-all", "repeat-alignment", "repeat-attention", "repeat-excess",
    "separator-attention", "special-attention", "special-from", "special-to",
]  # fmt: skip


SOME = {
    "figure-4-example-heads": "example-heads", "figure-5-null-attention": "null-attention",
    "clark-2019-figure-4": "clark-2019-figure-4", "correlations": "correlations", "special-to": "special-to",
    "head-similarity-clusters": "head-similarity-clusters", "relation-accuracy-all": "relation-accuracy-all",
}  # fmt: skip
"""Of each kind one: names of files, keys of panels."""


@pytest.fixture
def some(monkeypatch: pytest.MonkeyPatch) -> None:
    only_some(monkeypatch)


def only_some(patch: pytest.MonkeyPatch) -> None:
    """A run has these figures alone."""
    patch.setattr(plot, "all_panels", lambda data, _: [one for one in all_panels(data) if one.key in SOME.values()])


def some_of(written: dict[str, bytes], *forms: str) -> dict[str, bytes]:
    return {name: content for name, content in written.items() if Path(name).stem in SOME and name.endswith(forms)}


@pytest.fixture(scope="module")
def written(demo_run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Every figure of the demo run, and one of each kind in every format, by the file's name."""
    folder = tmp_path_factory.mktemp("figures")
    given = attnmetrics.load(demo_run), attnmetrics.exemplars(demo_run), locate(folder)
    names = {*plot.write(*given, ["svg"])}
    with pytest.MonkeyPatch.context() as patch:
        only_some(patch)
        names |= {*plot.write(*given, ["pdf", "png"])}
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sorted(names) == sorted(files)
    return files


def test_every_figure_is_written(written: dict[str, bytes]) -> None:
    some = [f"{name}.{form}" for name in SOME for form in ("pdf", "png")]
    assert sorted(written) == sorted([*(f"{name}.svg" for name in FILES), *some])
    for name, content in written.items():
        CHECKS[Path(name).suffix](content)


def _is_pdf(content: bytes) -> None:
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert b"CreationDate" not in content
    assert b"/Subtype /Type3" not in content, "letters are TrueType, which publishers ask for"


def _is_svg(content: bytes) -> None:
    root = ElementTree.fromstring(content)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert b"<dc:date>" not in content


def _is_png(content: bytes) -> None:
    with Image.open(BytesIO(content)) as picture:
        assert min(picture.size) > 600
        assert round(picture.info["dpi"][0]) == 300
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 20


CHECKS: dict[str, Callable[[bytes], None]] = {".pdf": _is_pdf, ".svg": _is_svg, ".png": _is_png}


def test_an_unknown_format_and_a_folder_that_cannot_be_are_refused(data: xr.Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a format of pdf, svg, png, found 'gif'"):
        plot.write(data, exemplars(data), locate(tmp_path), ["gif"])
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"expected to write .*choose a folder that you may write to"):
        plot.write(data, exemplars(data), locate(tmp_path / "file"), ["png"])


@pytest.mark.usefixtures("some")
def test_the_command_writes_the_same_bytes_where_it_is_told(
    demo_run: Path, written: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(SystemExit) as exit:
        main(["figures", str(demo_run), "--format", "svg", "--format", "png", "--out", str(tmp_path)])
    assert exit.value.code == 0
    assert capsys.readouterr().out == f"{2 * len(SOME)} figures: {tmp_path}\n"
    (tmp_path / "mine.txt").unlink()
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert found == some_of(written, ".svg", ".png")


@pytest.mark.usefixtures("some")
def test_the_command_writes_the_same_bytes_into_a_bucket(
    demo_run: Path, written: dict[str, bytes], bucket: str
) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["figures", str(demo_run), "--format", "svg", "--out", f"{bucket}/figures"])
    assert exit.value.code == 0
    folder = locate(f"{bucket}/figures")
    found = {name: (folder / name).read() for name in folder.names()}
    assert found == some_of(written, ".svg")
