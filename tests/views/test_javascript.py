"""The pages' arithmetic, run in Node without a page, against NumPy, SciPy and the command line's own."""

import csv
import io
import json
import math
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from scipy.special import softmax
from scipy.stats import pearsonr, rankdata
from synthetic import dataset

from attnmetrics import views
from attnmetrics.views.certainty import Certainty, bear, certainty
from attnmetrics.views.numbers import number, percent
from attnmetrics.views.packed_intervals import pack_bounds
from attnmetrics.views.places import find_place
from attnmetrics.views.tables import of_heads, shown

STATIC = Path(views.__file__).parent / "static"
HERE = Path(__file__).parent / "javascript"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="no Node on the path; install Debian's package nodejs")


def evaluate(module: str, expression: str, values: object) -> Any:
    """What an expression of `m`, a module of arithmetic, gives for `values`; null stands for NaN on the way back."""
    script = f"""
        import * as m from {json.dumps((STATIC / "arithmetic" / f"{module}.js").as_uri())};
        let text = "";
        for await (const part of process.stdin) text += part;
        const values = JSON.parse(text);
        process.stdout.write(JSON.stringify(({expression})(values)));
    """
    command = [str(NODE), "--input-type=module", "--eval", script]
    done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def floats(found: Any) -> NDArray[np.float64]:
    """Numbers with NaN where JSON has null."""
    return np.array(found, float)


def test_what_has_no_second_source_holds_by_hand() -> None:
    files = sorted(map(str, HERE.glob("*.test.js")))
    assert files
    done = subprocess.run([str(NODE), "--test", *files], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- how numbers are written


def test_numbers_are_written_as_on_the_command_line() -> None:
    random = np.random.default_rng(0)
    spread = 10 ** random.uniform(-3.9, 7, 2000)
    edges = [0, 1, 2, 999, 1000, 1e6, 0.1, 0.0999, 0.0996, 9.995, 99.95, 999.4, 999.6, 999.96, 0.5, math.pi]
    values = [*spread, *-spread[:300], *edges, *map(float, np.rint(spread))]
    shares = [*(10 ** random.uniform(-5.9, 0, 2000)), 0, 1, 0.00094, 0.00095, 0.000951, 0.0994, 0.0995, 0.09951, 0.5,
              0.9904, 0.9906, 0.996, 0.9996, 0.999994, 0.999996]  # fmt: skip
    found = evaluate("numbers", "([values, shares]) => [values.map(m.number), shares.map(m.percent)]", [values, shares])
    assert found[0] == [number(value).replace("-", "−") for value in values]
    assert found[1] == [percent(value) for value in shares]


def test_values_have_their_units_and_a_dash_without_evidence() -> None:
    tables = of_heads(dataset(1, 1)).values()
    kinds = [{"kind": table.attrs["kind"], "unit": table.attrs["units"]} for table in tables]
    found = evaluate("numbers", "all => all.map(one => [0.123, 7, NaN].map(value => m.shown(one, value)))", kinds)
    for table, texts in zip(tables, found, strict=True):
        assert texts == [shown(table, value) for value in (0.123, 7, np.nan)]


def test_intervals_are_written_as_on_the_command_line() -> None:
    random = np.random.default_rng(3)
    tables = list(of_heads(dataset(1, 1)).values())
    kinds = [{"kind": table.attrs["kind"], "unit": table.attrs["units"]} for table in tables]
    middle, width = random.normal(size=300), 10 ** random.uniform(-5, 1, 300)
    numbers = [*zip(middle, middle - width, middle + width, strict=True), (0.5, 0.5, 0.5), (0.3, np.nan, np.nan)]
    called = "([all, numbers]) => all.map(one => numbers.map(row => m.bear(one, ...row.map(x => x ?? NaN))))"
    plain = [[None if np.isnan(number) else number for number in row] for row in numbers]
    found = evaluate("intervals", called, [kinds, plain])
    for table, texts in zip(tables, found, strict=True):
        expected = [[text.replace("-", "−") for text in bear(table, *row)] for row in numbers]
        assert texts == expected


def test_ranks_that_intervals_leave_open_are_told_as_on_the_command_line() -> None:
    """Of eight heads the second is not ranked: the ranks of those below it move up by one. The last two are equals."""
    values = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.3]
    low, high = [1, 1.2, 1.6, 3, 4.5, 6, 7.5, 7.5], [2, 3, 3, 5.5, 6, 6, 7.5, 7.5]
    called = """([values, low, high, ranks]) => {
        const metric = { values, width: 1, column: () => Float64Array.from(values) };
        const sure = new m.Intervals(metric, { rankLow: low, rankHigh: high });
        return ranks.map(([place, rank]) => m.rankTold(rank, sure.ranks(place, 0, rank, [0, 2, 3, 4, 5, 6, 7]))); }"""
    ranks = [(0, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7)]
    found = evaluate("intervals", called, [values, low, high, ranks])
    assert found == ["1st to 2nd", "1st to 2nd", "2nd to 5th", "3rd to 5th", "5th", "6th to 7th", "6th to 7th"]
    bounds = np.reshape([low, high], (2, 2, 4)).transpose(1, 2, 0)
    grid = {"layer": [0, 1], "head": [0, 1, 2, 3]}
    data = xr.Dataset({"a": (("layer", "head"), np.reshape(values, (2, 4)))}, grid)
    competing = data["a"].where(data["a"] != 0.8)
    data = data.assign_coords(a_rank_interval=(("layer", "head", "bound"), bounds))
    heads = [{"layer": place // 4, "head": place % 4} for place, _ in ranks]
    places = [find_place(data, "a", {}, head, competing) for head in heads]
    assert [(place.told, place.of) for place in places if place] == [(told, 7) for told in found]


def test_of_a_metric_with_labels_a_rank_is_open_as_far_as_intervals_overlap() -> None:
    """Against loops over all heads that compete; an interval that is unknown leaves everything open to the others."""
    random = np.random.default_rng(11)
    middle = np.round(random.normal(size=(2, 4, 3)), 1)  # with equals
    width = random.uniform(0.01, 1, (2, *middle.shape))
    low, high = middle - width[0], middle + width[1]
    low[0, 2, 1] = high[0, 2, 1] = np.nan
    dims = ("layer", "head", "kind")
    data = xr.Dataset({"a": (dims, middle)}, {"layer": [0, 1], "head": [0, 1, 2, 3], "kind": ["x", "y", "z"]})
    data = data.assign_coords(a_interval=((*dims, "bound"), np.stack([low, high], -1)))
    called = """([values, codes, order]) => {
        const metric = { values, width: 3 };
        const sure = new m.Intervals(metric, { own: new m.Bounds(values, codes) });
        return order.map((place, n) => sure.ranks(place, 1, n + 1, order)); }"""
    competing = data["a"].sel(kind="y").where(xr.DataArray(np.arange(8).reshape(2, 4) != 3, dims=("layer", "head")))
    column, ends = competing.values.ravel(), np.stack([low, high])[..., 1].reshape(2, 8)
    order = sorted(np.flatnonzero(~np.isnan(column)).tolist(), key=lambda place: (-column[place], place))
    expected = []
    for rank, place in enumerate(order, 1):
        above = sum(ends[0, other] > ends[1, place] for other in order)
        below = sum(ends[1, other] < ends[0, place] for other in order)
        expected.append(None if np.isnan(ends[0, place]) else [min(1 + above, rank), max(len(order) - below, rank)])
    codes = np.frombuffer(pack_bounds(certain(data, "a")).content, np.int16).tolist()
    assert evaluate("intervals", called, [middle.ravel().tolist(), codes, order]) == expected
    assert len({tuple(one) for one in expected if one}) > 3
    heads = [{"layer": place // 4, "head": place % 4} for place in order]
    found = [find_place(data, "a", {"kind": "y"}, head, competing) for head in heads]
    assert [list(one.ends) if one and one.ends else None for one in found] == expected


def certain(data: xr.Dataset, name: str) -> Certainty:
    """The intervals of a table, none of them from few shards."""
    data.coords[f"{name}_interval"].attrs["groups"] = 64
    found = certainty(data.assign_attrs(confidence=0.95, unsure_below=20), name)
    assert found is not None
    return found


def test_bounds_travel_in_two_bytes() -> None:
    """Of values and widths of any size: to 0.06% of the width; none, and bounds on the wrong side of a value, too."""
    random = np.random.default_rng(12)
    middle = random.normal(size=(1, 500)) * 10.0 ** random.integers(-4, 4, 500)
    width = 10.0 ** random.uniform(-8, 3, (2, 1, 500)) * random.choice([-1, 1], (2, 1, 500), p=[0.1, 0.9])
    width[:, 0, :4] = 0
    low, high = middle - width[0], middle + width[1]
    low[0, 4] = high[0, 4] = np.nan
    data = xr.Dataset({"a": (("layer", "head"), middle)}, {"layer": [0], "head": range(500)})
    data = data.assign_coords(a_interval=(("layer", "head", "bound"), np.stack([low, high], -1)))
    codes = np.frombuffer(pack_bounds(certain(data, "a")).content, np.int16).tolist()
    called = "([values, codes]) => values.map((_, n) => new m.Bounds(values, codes).at(n))"
    found = floats(evaluate("intervals", called, [middle.ravel().tolist(), codes]))
    expected = np.stack([low.ravel(), high.ravel()], -1)
    assert_array_equal(np.isnan(found), np.isnan(expected))
    assert_array_equal(found[:4], expected[:4])
    apart = np.abs(expected - middle.T)[5:]
    assert (np.abs(found - expected)[5:] <= 6e-4 * apart + 1e-12 * np.abs(middle.T)[5:]).all()


# ---- statistics


def test_correlations_are_those_of_scipy() -> None:
    random = np.random.default_rng(1)
    lists = []
    for n in (3, 4, 5, 12, 144, 1200):
        for strength in (0, 0.05, 0.5, 2):
            x = random.normal(size=n)
            lists.append(np.stack([x, strength * x + random.normal(size=n) + 3], axis=1))
    lists.append(np.array([[1.0, 2], [2, 1], [4, -3], [3, 0]]))
    found = evaluate("correlation", "lists => lists.map(m.pearson)", [one.tolist() for one in lists])
    expected = [pearsonr(one[:, 0], one[:, 1]) for one in lists]
    assert [one["n"] for one in found] == [len(one) for one in lists]
    assert_allclose([one["r"] for one in found], [one[0] for one in expected], rtol=1e-9, atol=1e-12)
    assert_allclose([one["p"] for one in found], [one[1] for one in expected], rtol=1e-9, atol=1e-14)
    none = evaluate("correlation", "lists => lists.map(m.pearson)", [[], [[1, 2], [2, 1]], [[1, 2], [1, 3], [1, 4]]])
    assert [(one["n"], one["r"], one["p"]) for one in none] == [(0, None, None), (2, None, None), (3, None, None)]


def test_one_tokens_attention_is_the_softmax_of_scaled_products() -> None:
    random = np.random.default_rng(2)
    query, keys = random.normal(size=16), 3 * random.normal(size=(9, 16))
    found = evaluate(
        "neuron-scores",
        """([query, keys]) => { const found = m.attend(query, keys, 0.25);
            return {...found, products: found.products.map(row => [...row])}; }""",
        [query.tolist(), keys.tolist()],
    )
    assert_allclose(found["products"], keys * query, rtol=1e-15)
    assert_allclose(found["scores"], keys @ query / 4, rtol=1e-12)
    assert_allclose(found["softmax"], softmax(keys @ query / 4), rtol=1e-12)


# ---- tables


TABLE = """([described, values, byLayer, heads]) => {
    const nan = list => Float64Array.from(list, value => value ?? NaN);
    const metric = new m.Metric(described, {values: nan(values), byLayer: nan(byLayer), heads, isFirst: true});
    const labels = [...metric.labels.keys()];
    return {columns: labels.map(label => [...metric.column(label)]), orders: labels.map(label => metric.order(label)),
            means: labels.map(label => metric.mean(label)), tops: labels.map(label => metric.top(label)),
            bottoms: labels.map(label => metric.bottom(label)), present: metric.present(), byDepth: metric.byDepth(),
            at: metric.at(2, 1, 3), ofLayer: metric.ofLayer(2, 3)}; }"""


def test_a_table_gives_columns_ranks_means_and_depths_as_numpy_does() -> None:
    random = np.random.default_rng(3)
    values = random.gamma(0.6, 1, (5, 3, 6))
    values[2, 0] = values[4] = np.nan
    values[3, 2, 1] = values[0, 1, 1]
    values[..., 4] *= 0
    values[..., 5] *= -1
    by_layer = np.nanmean(np.where(np.isnan(values[:4]), 0, values[:4]), axis=1)
    by_layer = np.vstack([by_layer, np.full(6, np.nan)])
    described = {"name": "made_up", "labels": list("abcdef"), "dim": "letter", "unit": "1", "kind": "score"}
    sent = [described, *(np.where(np.isnan(one), None, one).ravel().tolist() for one in (values, by_layer)), 3]
    found = evaluate("tables", TABLE, sent)
    flat = values.reshape(15, 6)
    assert_array_equal(floats(found["columns"]), flat.T)
    for label, order in enumerate(found["orders"]):
        ranks = rankdata(-flat[:, label][~np.isnan(flat[:, label])], method="ordinal")
        assert_array_equal(np.flatnonzero(~np.isnan(flat[:, label]))[np.argsort(ranks)], order)
    assert_allclose(floats(found["means"]), np.nanmean(flat, axis=0), rtol=1e-12, atol=1e-300)
    assert_array_equal(floats(found["tops"]), np.nanmax(flat, axis=0))
    assert_array_equal(floats(found["bottoms"]), np.nanmin(flat, axis=0))
    assert found["present"] == [0, 1, 2, 3, 5]
    mass = np.nansum(by_layer, axis=0)[:4]
    depth = np.nansum(by_layer * np.arange(5)[:, None], axis=0)[:4] / mass
    assert found["byDepth"] == np.argsort(depth, kind="stable").tolist()
    assert (found["at"], found["ofLayer"]) == (values[2, 1, 3], by_layer[2, 3])


def test_levels_of_a_colour_scale_are_those_of_the_figures() -> None:
    values = np.random.default_rng(4).uniform(0, 3, 500).tolist()
    found = evaluate("scales", "values => values.map(value => m.level(value, 3))", values)
    assert found == np.minimum(63, np.floor(np.array(values) / 3 * 64)).astype(int).tolist()
    around = evaluate("scales", "values => values.map(value => m.levelAround(value - 1.5, 0, 1.5, -1.5))", values)
    assert around == np.minimum(63, np.floor(np.array(values) / 3 * 64)).astype(int).tolist()


def test_ticks_are_round_numbers_within_a_range() -> None:
    ranges = [[0, 1], [-3.2, 7.9], [0.001, 0.0017], [12, 98765], [-1e-9, 2e-9]]
    for (low, high), ticks in zip(ranges, evaluate("scales", "all => all.map(m.ticks)", ranges), strict=True):
        steps = np.diff(ticks)
        assert 2 <= len(ticks) <= 7 and min(ticks) >= low - 1e-15 and max(ticks) <= high
        assert_allclose(steps, steps[0], rtol=1e-9)
        assert re.fullmatch(r"[125]", f"{steps[0]:.0e}"[0])


# ---- tokens, lines, sentences


def test_weights_between_words_are_means_of_sums() -> None:
    random = np.random.default_rng(5)
    weights = random.integers(0, 1 << 20, (2, 3, 7, 7))
    words = [0, 0, 1, 2, 2, 2, 3]
    null = [True, *[False] * 6]
    side = {
        "pieces": list("abcdefg"),
        "words": words,
        "texts": list("wxyz"),
        "null": null,
        "second": None,
        "generated": 0,
    }
    data = {"sides": [side], "heads": [0, 1, 2]}
    sent = [data, {"rows": 0, "columns": 0, "layers": weights.reshape(2, -1).tolist()}]
    expression = """([data, map]) => [true, false].map(hideNull => {
        const rows = m.tokens(data.sides[0], true);
        map.layers = map.layers.map(values => Uint32Array.from(values));
        const at = m.weightsOf(data, {map, rows, columns: rows}, 1, 2, hideNull);
        return rows.map((_, i) => rows.map((__, j) => at(i, j))); })"""
    hidden, whole = evaluate("tokens", expression, sent)
    kept = weights[1, 2] / (1 << 20)
    groups = [np.flatnonzero(np.array(words) == word) for word in range(4)]

    def by_word(found: NDArray[np.float64]) -> list[list[float]]:
        return [[found[np.ix_(i, j)].sum(axis=1).mean() for j in groups] for i in groups]

    assert_allclose(whole, by_word(kept), rtol=1e-14)
    kept[:, 0] = 0
    assert_allclose(hidden, by_word(kept), rtol=1e-14)


def test_the_strongest_lines_are_kept_in_their_order() -> None:
    weights = np.random.default_rng(6).uniform(0, 0.05, 300).round(4)
    lines = [{"weight": float(weight)} for weight in weights]
    found = evaluate("tokens", "lines => m.strongest(lines, 40).map(line => line.weight)", lines)
    floor = np.sort(weights)[-40]
    assert found == weights[weights >= floor][:40].tolist()
    few = evaluate("tokens", "lines => m.strongest(lines, 400).map(line => line.weight)", lines)
    assert few == weights[weights >= 0.005].tolist()


def test_a_file_says_what_its_table_says() -> None:
    rows = [["name", "value"], ['a,"b"', 1.5], ["line\nbreak", -2], ["plain", 1e-300]]
    text = evaluate("csv", "m.csv", rows)
    found = list(csv.reader(io.StringIO(text)))
    assert found == [["name", "value"], ['a,"b"', "1.5"], ["line\nbreak", "-2"], ["plain", "1e-300"]]
    formulas = ["=1+1", "+1", "@x", "-x", " =x", "a;=1", "\t=1"]
    quoted = evaluate("csv", "all => all.map(one => m.csv([[one]]))", formulas)
    assert all("'" in one for one in quoted)
    assert evaluate("csv", "all => all.map(one => m.csv([[one]]))", ["-12", "a=b"]) == ["-12\n", "a=b\n"]


def test_rows_of_sentences_are_read_one_behind_the_other() -> None:
    random = np.random.default_rng(7)
    rows: list[list[tuple[int, int]]] = []
    for _ in range(3 + 5 + 5):
        to = np.flatnonzero(random.random(5) < 0.6)
        rows.append([(int(place), int(random.integers(1, 100))) for place in to])
    flat = [entry for row in rows for entry in row]
    packed = {"lengths": [len(row) for row in rows], "to": [to for to, _ in flat], "weights": [w for _, w in flat]}
    sentences = [["a.txt", list("abc"), "000"], ["b.txt", list("abcde"), "01010"]]
    exemplars = [[[0, 1, 0.5, 2, 1, 0], [1, 2, 0.4, 0, 0, None]]]
    typical = [[["80-100", [1, 1, 0.3, 2, 0, 3]], ["0-20", [1, 1, 0.1, 2, 0, None]]], []]
    claimed = [["relation:obj:miss", 3, 7, [[1, 1, 0.3, 4, 2, 8, [0, 2]]]]]
    listed = {"exemplars": exemplars, "typical": typical, "claimed": claimed}
    sent = [{**listed, "sentences": sentences, "steps": 100}, packed]
    expression = """([data, packed]) => {
        const told = list => list.map(one =>
            ({text: m.textOf(one), rows: one.row && one.pieces.map((_, piece) => one.row(piece)),
              right: m.rightTold(one)}));
        const read = new m.Exemplars(data, packed);
        const ofClaim = ({claim, layer, head, list}) => [claim, layer, head, told(list)];
        const ofTypical = list => list.map(one => [one.bucket, one.rank, ...Object.values(told([one])[0]).slice(0, 2)]);
        const parts = [0, 1].map(place => ofTypical(read.typicalOf(place)));
        return [told(read.of(0)), ...read.claimed.map(ofClaim), parts]; }"""
    (first, without), (claim, layer, head, (second,)), parts = evaluate("exemplars", expression, sent)
    assert (claim, layer, head) == ("relation:obj:miss", 3, 7)
    assert (first["right"], second["right"]) == ("", "right by the labels: ac")
    expected = [[[to, weight / 100] for to, weight in row] for row in rows]
    assert (first["rows"], without["rows"], second["rows"]) == (expected[:3], None, expected[8:])
    assert parts == [[["80-100", 1, "a bc de", expected[3:8]], ["0-20", 1, "a bc de", None]], []]
    assert (first["text"], second["text"]) == ("abc", "a bc de")


def test_types_of_pieces_of_a_head_and_a_side() -> None:
    key = {"type": [1, 0, 0, -1], "occurrences": [7, 5, 9, 0], "lift": [2.5, 1.5, 0.5, 0]}
    expression = """sides => {
        const types = new m.PieceTypes({types: ["a", "␣b"], shown: 2}, sides);
        return [0, 1].map(place => ["key", "query"].map(side => types.of(place, side))); }"""
    assert evaluate("piece-types", expression, {"key": key, "query": None}) == [
        [
            [
                {"text": "␣b", "occurrences": 7, "lift": 2.5},
                {"text": "a", "occurrences": 5, "lift": 1.5},
            ],
            [],
        ],
        [[{"text": "a", "occurrences": 9, "lift": 0.5}], []],
    ]


def test_the_address_of_a_head_names_a_claim_that_the_page_has_answers_of() -> None:
    claimed = [{"claim": "pos_to:a&b", "layer": 4, "head": 1, "list": []}]
    atlas = {"layers": [2, 4], "heads": [0, 1], "claimed": claimed}
    expression = "atlas => ['pos_to:a&b', 'previous'].map(claim => [0, 1].map(l => m.claimHref(atlas, l, 1, claim)))"
    assert evaluate("heads", expression, atlas) == [
        ["#/head/2/1", "#/head/4/1?claim=pos_to%3Aa%26b"],
        ["#/head/2/1", "#/head/4/1"],
    ]


LINES = """([weights, end]) => {
    const tokens = weights[0].map(() => ({}));
    const series = weights.map((of, head) => ({head, at: (i, j) => of[i][j]}));
    const scene = {rows: tokens, columns: tokens, series};
    return [m.linesOf(scene, place => 10 * place, end), end && m.meansOf(scene, end)]; }"""


@pytest.mark.parametrize("end", [None, {"side": "left", "place": 2}, {"side": "right", "place": 1}])
def test_lines_are_those_of_a_token_weakest_first(end: dict[str, Any] | None) -> None:
    weights = np.random.default_rng(8).dirichlet(np.full(5, 0.4), (3, 5))
    lines, means = evaluate("lines", LINES, [weights.tolist(), end])
    kept = np.ones((5, 5), bool)
    if end:
        kept[:] = False
        kept[(end["place"], slice(None)) if end["side"] == "left" else (slice(None), end["place"])] = True
    expected = {(h, i, j) for h, i, j in zip(*np.nonzero((weights >= 0.005) & kept), strict=True)}
    assert {(line["head"], line["i"], line["j"]) for line in lines} == expected
    assert [line["weight"] for line in lines] == sorted(line["weight"] for line in lines)
    for line in lines:
        shift = 3 * (line["head"] - 1) if end else 0
        left, right = (shift, 0) if end and end["side"] == "right" else (0, shift)
        assert (line["start"], line["stop"]) == (10 * line["i"] + left, 10 * line["j"] + right)
    if end:
        own = weights.mean(0)[end["place"]] if end["side"] == "left" else weights.mean(0)[:, end["place"]]
        assert_allclose([mean for _, mean in means], own, rtol=1e-14)
