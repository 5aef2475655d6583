"""Heads that are nearly switched off: who they are, that they make no rank and no scale, that it is said."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal
from rich.console import Console
from scipy.stats import pearsonr
from synthetic import attention, dataset, exemplars, made_up

import attnmetrics
from attnmetrics import views
from attnmetrics.cli import app
from attnmetrics.errors import ConfigError
from attnmetrics.views.atlas.page import contents
from attnmetrics.views.correlations import over_heads_on, without_off
from attnmetrics.views.evidence import competing, evidence, from_how_much, is_off, off_in_words, with_least
from attnmetrics.views.figures import charts
from attnmetrics.views.heads import ROLES, ranked, second_sinks, standout, standouts
from attnmetrics.views.numbers import times
from attnmetrics.views.page import Heap, Packed
from attnmetrics.views.tables import (
    against,
    at_labels,
    beside,
    beside_chance,
    caption,
    chance,
    further,
    of_heads,
    ranking,
    values,
    with_one_label,
)
from attnmetrics.views.terminal.head import show_head
from attnmetrics.views.terminal.heat import heat_table
from attnmetrics.views.terminal.metric import show_metric
from attnmetrics.views.terminal.summary import summary

OFF = [(0, 1), (2, 0)]


@pytest.fixture
def data() -> xr.Dataset:
    """Two heads of 4 × 3 have nothing off null pieces but 4% and 0.4%, and the largest and smallest of everything."""
    made = dataset(4, 3)
    made["null_attention"][...] = 0.5
    made["null_attention"][0, 1], made["null_attention"][2, 0] = 0.96, 0.996
    for name in ("distance", "entropy", "variability"):
        made[name][0, 1], made[name][2, 0] = 40.0, 0.001
    made["pos_to"][2, 0] = 0.0
    made["pos_to"].loc[{"layer": 2, "head": 0, "pos": "DET"}] = 1.0
    return made


def text(renderable: object) -> str:
    console = Console(width=140, file=None, record=True, quiet=False)
    with console.capture() as caught:
        console.print(renderable)
    return caught.get()


def test_evidence_is_what_is_left_off_null_pieces(data: xr.Dataset) -> None:
    share = values(evidence(data))
    assert_allclose([share[0, 0], share[0, 1], share[2, 0]], [0.5, 0.04, 0.004], rtol=1e-12)
    assert [tuple(place) for place in np.argwhere(is_off(data)).tolist()] == OFF
    assert is_off(with_least(data, 0.01)).sum() == 1
    assert not is_off(with_least(data, 0)).any()
    assert is_off(with_least(data, 0.6)).all()


def test_without_null_pieces_all_attention_is_evidence(data: xr.Dataset) -> None:
    assert_array_equal(values(evidence(made_up(2, 3))), np.ones((2, 3)))
    assert not is_off(made_up()).any()
    data["null_attention"][...] = np.nan
    assert_array_equal(values(evidence(data)), np.ones((4, 3)))


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_what_is_no_share_is_refused(data: xr.Dataset, share: float) -> None:
    with pytest.raises(ConfigError, match="expected a share of attention from 0 to 1"):
        with_least(data, share)


def test_heads_that_are_off_stand_out_in_nothing(data: xr.Dataset) -> None:
    assert len(standouts(data)) > 8
    assert not {(one.layer, one.head) for one in standouts(data)} & set(OFF)
    of_all = {(one.layer, one.head) for one in standouts(with_least(data, 0))}
    assert of_all >= set(OFF), "they have the largest and smallest of everything"


def test_they_compete_where_null_pieces_count(data: xr.Dataset) -> None:
    assert_array_equal(np.isnan(values(competing(data, data["distance"]))), is_off(data))
    assert np.isnan(values(competing(data, data["pos_to"]))[0, 1]).all()
    for name in ("null_attention", "entropy_all", "special_attention", "output_norm"):
        assert competing(data, data[name]).identical(data[name]), name


def test_it_is_said_where_numbers_are_shown(data: xr.Dataset) -> None:
    assert from_how_much(data, 2, 0) == "from 0.4% of its attention"
    assert from_how_much(data, 0, 0) == ""
    assert off_in_words(data) == (
        "2 heads are nearly switched off on this text (less than 5% of their attention off null pieces): 0.1, 2.0"
    )
    assert "from 0.4% of its attention" in text(show_head(data, 2, 0))
    assert "50% of its attention is off null pieces" in text(show_head(data, 0, 0))
    assert off_in_words(data) in text(summary(data, {})).replace("\n", "")
    lines = text(show_metric(data, "distance", top=12)).splitlines()
    assert [line.split()[0] for line in lines if "layer 0 head 1" in line] == ["layer"], "it has no rank"
    assert any("layer 0 head 1" in line and "40 pieces" in line and "from 4.0%" in line for line in lines)
    assert "nearly switched off" not in text(show_metric(data, "entropy_all"))
    assert "nearly switched off" not in text(show_metric(with_least(data, 0), "distance"))


def test_a_heat_table_has_no_colour_for_them_and_no_scale_of_theirs(data: xr.Dataset) -> None:
    own = heat_table(data["distance"], values(competing(data, data["distance"])))
    cells = [list(column.cells) for column in own.columns]
    assert str(cells[2][0].style) == "dim"  # type: ignore[union-attr]
    kept = values(competing(data, data["distance"]))
    layer, head = np.unravel_index(int(np.nanargmax(kept)), kept.shape)
    strongest = cells[1 + head][layer].style  # type: ignore[union-attr]
    assert strongest.bgcolor.name == "#111f4d", "the largest of those that are on has the strongest colour"  # type: ignore[union-attr]


def test_correlations_are_told_without_them(data: xr.Dataset) -> None:
    kept = ~is_off(data)
    expected = pearsonr(values(data["distance"])[kept], values(data["entropy"])[kept])
    r, p, heads = over_heads_on(data, "distance_entropy") or (0, 0, 0)
    assert_allclose([r, p], expected, rtol=1e-12)
    assert heads == 10
    told = without_off(data, "distance_entropy_p")
    assert told is not None
    assert told.startswith(f"without heads that are nearly switched off: r = {r:.2f}".replace("-", "−"))
    assert told in text(show_metric(data, "distance_entropy_r"))
    assert over_heads_on(with_least(data, 0), "distance_entropy") is None
    assert without_off(data, "distance_sd") is None


# ---- chance levels


def test_alignment_is_ranked_by_what_is_beyond_its_distances(data: xr.Dataset) -> None:
    data["dependency_alignment"][...], data["dependency_excess"][...] = 0.2, 0.0
    data["dependency_alignment"][1, 1], data["dependency_expected"][...] = 0.5, 0.1
    data["dependency_expected"][1, 1], data["dependency_excess"][3, 2] = 0.45, 0.1
    role = next(role for role in ROLES if role.metric == "dependency_alignment")
    one = standout(data, role)
    assert one is not None
    assert (one.layer, one.head, one.value, one.chance) == (3, 2, 0.2, 0.1)
    assert (one.of_chance, one.against_chance) == ("its distances alone", "+10 points")
    assert ranking(data, data["dependency_alignment"]).name == "dependency_excess"
    assert ranking(data, data["dependency_alignment_by_layer"]).name == "dependency_excess_by_layer"
    assert ranking(data, data["pos_to"]).name == "pos_to"
    shown = text(show_metric(data, "dependency_alignment", label="either", top=3))
    first = next(line for line in shown.splitlines() if line.startswith("1 "))
    assert first.split()[1:5] == ["layer", "3", "head", "2"]
    assert "ranked by what is beyond its distances alone" in shown


def test_what_is_drawn_beside_a_table_is_named_by_it(data: xr.Dataset) -> None:
    told = [(one.name, caption(one)) for one in beside(data, data["dependency_alignment"])]
    assert told == [("dependency_baseline", "all pairs"), ("dependency_alignment_uniform", "even attention")]
    assert beside(data, data["pos_to"]) == []
    assert caption(data["pos_to_uniform"]) == "even attention"


def test_even_attention_to_linked_pieces_is_of_what_is_left_off_null(data: xr.Dataset) -> None:
    data["repeat_attention_uniform"][...] = 0.1
    level = chance(data, data["repeat_attention"])
    assert level is not None
    assert level.dims == ("layer", "head")
    assert_allclose(values(level), 0.1 * values(evidence(data)))
    by_layer = chance(data, data["dependency_attention_by_layer"])
    assert by_layer is not None
    assert by_layer.dims == ("layer", "direction")
    expected = values(1 - data["null_attention_by_layer"])[:, None] * values(data["dependency_attention_uniform"])
    assert_allclose(values(by_layer), expected)


def test_values_are_written_against_their_chance_level(data: xr.Dataset) -> None:
    assert [times(ratio) for ratio in (7.63, 0.418, 9.96, 137.2, 1.0, 0.999)] == [
        "7.6×", "0.42×", "10×", "137×", "1.0×", "1.0×",
    ]  # fmt: skip
    assert against(data["pos_to"], 0.3, 0.1) == "3.0×"
    assert [against(data["pos_to"], *pair) for pair in ((0.3, 0.0), (np.nan, 0.1), (0.3, np.nan))] == ["", "", ""]
    assert against(data["dependency_alignment"], 0.3, 0.1) == "+20 points"
    assert against(data["dependency_alignment"], 0.1, 0.3) == "-20 points"


def test_nothing_below_even_attention_stands_out(data: xr.Dataset) -> None:
    role = next(role for role in ROLES if role.title == "to determiners")
    assert standout(data, role) is not None
    data["pos_to_uniform"].loc[{"pos": "DET"}] = 0.999
    assert standout(data, role) is None


# ---- in print


def test_they_are_striped_in_maps_and_set_no_scale(data: xr.Dataset) -> None:
    axes = Figure().add_subplot()
    mesh = charts.heads_of(axes, data, data["distance"])
    assert mesh.norm.vmax == np.nanmax(values(data["distance"])[~is_off(data)])
    _, stripes = axes.collections
    assert sorted(tuple(path.vertices[0].tolist()) for path in stripes.get_paths()) == [(0.0, 2.0), (1.0, 0.0)]
    assert "striped" in axes.get_xlabel()
    (plain,) = _map_of(with_least(data, 0)).collections
    assert plain.norm.vmax == 40


def _map_of(data: xr.Dataset) -> Axes:
    axes = Figure().add_subplot()
    charts.heads_of(axes, data, data["distance"])
    return axes


def test_they_are_hollow_dots_that_widen_no_axis(data: xr.Dataset) -> None:
    axes = Figure().add_subplot()
    charts.scatter(axes, data, "entropy")
    filled, hollow = axes.collections
    kept = ~is_off(data)
    assert_array_equal(filled.get_offsets()[:, 0], values(data["distance"])[kept])
    assert len(hollow.get_facecolors()) == 0
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert right < 40
    assert_allclose(hollow.get_offsets(), [[right, top], [left, bottom]])
    told = charts.correlation(data, "entropy").splitlines()
    assert told[:2] == ["r = 0.61, p < 0.001", "without hollow ones"]
    assert told[2].endswith("over 10 heads")


# ---- the page's own arithmetic

NODE = shutil.which("node")
_STATIC = Path(views.__file__).parent / "static"
_PAGE = """
import { openAtlas } from OPEN;
import { whole } from UNPACK;
import { against } from NUMBERS;
import { standoutsOf } from HEADS;
let text = "";
for await (const part of process.stdin) text += part;
const { page, choices, arrays } = JSON.parse(text);
globalThis.document = { getElementById: () => ({ text: arrays.text, dataset: { heap: arrays.bytes } }) };
const atlas = openAtlas(page);
await whole();
const of = (metric) => [...Array(metric.width).keys()].map((label) => {
  const places = [...metric.column(label).keys()];
  const at = (place) => [Math.floor(place / metric.heads), place % metric.heads, label];
  return {
    name: metric.name, label: metric.dim && metric.labels[label], order: metric.order(label), top: metric.top(label),
    chances: places.map((place) => metric.chanceAt(...at(place))),
    layers: atlas.layers.map((_, layer) => metric.chanceOfLayer(layer, label)),
    against: places.map((place) => against(metric, metric.at(...at(place)), metric.chanceAt(...at(place)))),
  };
});
const found = choices.map((least) => {
  atlas.evidence.least = least;
  const { evidence } = atlas;
  const said = evidence.off.map((place) => evidence.fromHowMuch(place));
  return { off: evidence.off, said, standouts: standoutsOf(atlas), metrics: atlas.metrics.flatMap(of) };
});
process.stdout.write(JSON.stringify(found));
"""


@pytest.mark.skipif(NODE is None, reason="no Node on the path; install Debian's package nodejs")
def test_the_pages_arithmetic_is_that_of_the_command_line(data: xr.Dataset) -> None:
    nothing = exemplars(data).head(0)
    page = contents(data, nothing, attention(nothing), {})
    choices = [0.05, 0.02, 0.0]
    modules = {
        "OPEN": "atlas/open", "UNPACK": "shared/unpack", "NUMBERS": "arithmetic/numbers", "HEADS": "arithmetic/heads"
    }  # fmt: skip
    script = _PAGE
    for name, module in modules.items():
        script = script.replace(name, json.dumps((_STATIC / f"{module}.js").as_uri()))
    command = [str(NODE), "--input-type=module", "--eval", script]
    heap = Heap()
    page = json.loads(json.dumps(page, default=lambda one: heap.add(one) if isinstance(one, Packed) else int(one)))
    sent = json.dumps({"page": page, "choices": choices, "arrays": {"text": heap.text(), "bytes": len(heap)}})
    done = subprocess.run(command, input=sent, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    for least, found in zip(choices, json.loads(done.stdout), strict=True):
        _agrees(with_least(data, least), found)


def _agrees(data: xr.Dataset, found: dict[str, Any]) -> None:
    off = np.flatnonzero(is_off(data)).tolist()
    assert found["off"] == off
    assert found["said"] == [from_how_much(data, place // 3, place % 3) for place in off]
    mine = [(one.role.title, one.layer, one.head, one.value) for one in standouts(data)]
    assert [(one["title"], one["layer"], one["head"], one["value"]) for one in found["standouts"]] == mine
    assert len({one["name"] for one in found["metrics"]}) == len(of_heads(data))
    for one in found["metrics"]:
        _agrees_on(data, one)


def _agrees_on(data: xr.Dataset, one: dict[str, Any]) -> None:
    table, level = beside_chance(data, one["name"])
    at = {} if one["label"] is None else {further(table)[0]: _label(table, one["label"])}
    own = at_labels(table, at)
    ranks = competing(data, at_labels(with_one_label(ranking(data, data[one["name"]])), at))
    assert one["order"] == [3 * layer + head for layer, head, _ in ranked(ranks)], one["name"]
    kept = values(competing(data, own))
    assert one["top"] == (np.nanmax(kept) if np.isfinite(kept).any() else None)
    chances = np.full((4, 3), np.nan) if level is None else values(at_labels(level, at).broadcast_like(own))
    assert_allclose(np.array(one["chances"], float), chances.ravel(), rtol=1e-12)
    told = [against(own, *pair) for pair in zip(values(own).ravel().tolist(), chances.ravel().tolist(), strict=True)]
    assert [text.replace("−", "-") for text in one["against"]] == told, one["name"]
    twin = data.get(f"{one['name']}_by_layer")
    of_layers = None if twin is None else chance(data, twin)
    if of_layers is not None:
        expected = values(at_labels(with_one_label(of_layers), at).broadcast_like(at_labels(with_one_label(twin), at)))
        assert_allclose(np.array(one["layers"], float), expected, rtol=1e-12)


def _label(table: xr.DataArray, text: str) -> str | int:
    return next(label for label in table[further(table)[0]].values.tolist() if str(label) == text)


def test_a_second_sink_stands_out_for_no_part_of_speech(data: xr.Dataset) -> None:
    data["null_attention"][...] = 0.5
    nouns = next(role for role in ROLES if role.title == "to nouns")
    data["pos_to"].loc[{"layer": 1, "head": 2, "pos": "NOUN"}] = 0.9
    first = standout(data, nouns)
    assert first is not None
    assert (first.layer, first.head) == (1, 2)
    rests = np.full((4, 3), 0.1)
    rests[1, 2] = 0.4
    tables = {"second_sink": rests, "second_sink_off_null": 2 * rests}
    known = data.assign(
        {name: (("layer", "head"), table) for name, table in tables.items()} | {"second_sink_uniform": 0.1}
    )
    assert [tuple(place) for place in np.argwhere(second_sinks(known)).tolist()] == [(1, 2)]
    other = standout(known, nouns)
    assert other is not None
    assert (other.layer, other.head) != (1, 2)
    assert (first.leaves_out_sinks, other.leaves_out_sinks) == (False, True)
    assert not second_sinks(known.assign(second_sink_uniform=0.3)).any(), "even attention gives nearly as much"
    assert not second_sinks(data.drop_vars("second_sink")).any()


def test_the_command_line_takes_another_share(demo_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = attnmetrics.load(demo_run)
    expected = off_in_words(with_least(known, 0.5))
    assert expected
    assert expected != off_in_words(known)
    app(["show", str(demo_run), "--evidence", "0.5"], standalone_mode=False)
    assert expected in capsys.readouterr().out.replace("\n", " ").replace("  ", " ")
