"""Sides compared: a Dataset that says what it is, tables, the terminal; what cannot be compared is refused."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from compared import PLANTED, SCHEMA, SHARDS, make_side, told, values
from schemas import NAMES

from attnmetrics.comparing.axis import make_axis, parse_axis
from attnmetrics.comparing.compare import compare_sides
from attnmetrics.comparing.names import name_runs
from attnmetrics.comparing.outputs import folder_for, load_role_changes, write_comparison
from attnmetrics.errors import ConfigError, StoreError
from attnmetrics.metrics.schema import Schema
from attnmetrics.results.changed_heads import changed_heads
from attnmetrics.results.comparison import About, Axis, comparable, comparison_dataset, load_comparison
from attnmetrics.results.sides import Comparison, Side
from attnmetrics.statistics.comparing import Sample, find_differences
from attnmetrics.statistics.intervals import find_intervals
from attnmetrics.storage import locate
from attnmetrics.views.terminal.comparison import show_compared_head, show_compared_metric, show_comparison

RESULTS = (
    "null_attention", "pos_to", "pos_to_by_layer", "distance", "distance_by_layer", "distance_sd", "parse_accuracy",
    "relation_edges", "dependency_alignment",
)  # fmt: skip
PARTS = ("difference", "difference_low", "difference_high", "q")


def compare(sides: Sequence[Side], names: Sequence[str] = ("null_attention", "pos_to"), **options: Any) -> Comparison:
    return compare_sides(sides, names=names, **options)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """Two runs of one corpus."""
    return compare([make_side("base", 0), make_side("tuned", 4)], RESULTS)


# ---- the Dataset


def test_values_are_those_of_the_runs(comparison: Comparison) -> None:
    data = comparison.data
    assert data["run"].values.tolist() == ["base", "tuned"]
    assert data["path"].values.tolist() == ["/runs/base", "/runs/tuned"]
    assert data["paired"].values.tolist() == [True, True]
    assert data["shards"].values.tolist() == [SHARDS, SHARDS]
    for place, side in enumerate(comparison.sides):
        assert side.intervals is not None
        for name in ("distance", "pos_to_by_layer", "parse_accuracy", "relation_edges", "distance_sd"):
            np.testing.assert_array_equal(data[name][place], side.results[name])
            assert data[name].attrs == side.results[name].attrs
        for bound in ("low", "high"):
            np.testing.assert_array_equal(data[f"pos_to_{bound}"][place], side.intervals["pos_to"].sel(bound=bound))


def test_differences_are_those_of_values(comparison: Comparison) -> None:
    data = comparison.data
    for name in ("null_attention", "pos_to", "distance_by_layer", "distance_sd"):
        difference, low, high, q = (data[f"{name}_{part}"] for part in PARTS)
        own = values(data[name])
        np.testing.assert_allclose(difference[1], own[1] - own[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(difference[0], np.where(np.isnan(own[0]), np.nan, 0))
        assert q[0].isnull().all()
        known = low[1].notnull()
        assert known.any()
        assert bool((low <= high)[1].where(known, True).all())
    assert "relation_edges_difference" not in data
    left = set(comparable(comparison.sides))
    assert {"entropy", "layer_distance", "near_ties"} <= left
    assert not {"head_map", "head_distance", "head_cluster"} & left


def test_the_planted_head_is_the_one_that_differs(comparison: Comparison) -> None:
    q = values(comparison.data["null_attention_q"])[1]
    assert np.argwhere(q < 0.05).tolist() == [list(PLANTED)]


def test_maps_correlate(comparison: Comparison) -> None:
    data = comparison.data
    tags = values(data["pos_to"])[..., 0].reshape(2, -1)
    both = np.isfinite(tags).all(0)
    assert data["pos_to_correlation_heads"][1, 0] == both.sum() == 5
    np.testing.assert_allclose(data["pos_to_correlation"][1, 0], np.corrcoef(tags[:, both])[0, 1], rtol=1e-9)
    assert data["pos_to_correlation"].dims == ("run", "pos")


def test_everything_says_what_it_is(comparison: Comparison) -> None:
    data = comparison.data
    for name, table in data.data_vars.items():
        assert table.dims[0] == "run"
        assert all(table.attrs[what] for what in ("long_name", "units", "kind", "family")), name
        if "of" in table.attrs:
            assert name == f"{table.attrs['of']}_{table.attrs['part']}"
    assert data.attrs["order"] == list(data.data_vars)
    assert (data.attrs["first"], data.attrs["axis"], data.attrs["unit"]) == ("base", "", "sentence")
    assert "Benjamini" in data["distance_q"].attrs["formula"]


def test_heads_without_evidence_have_no_difference(comparison: Comparison) -> None:
    """The second head of the first layer attends to null pieces alone."""
    data = comparison.data
    for part in PARTS:
        assert np.isnan(values(data[f"distance_{part}"])[:, 0, 1]).all(), part
    assert values(data["null_attention"])[1, 0, 1] == 1


# ---- what differs between runs


def test_names_that_a_run_lacks_have_no_value() -> None:
    names = {**NAMES, "pos": ("VERB", "_")}
    schema = Schema(SCHEMA.layers, SCHEMA.heads, SCHEMA.labels, SCHEMA.links, names)
    one, other = make_side("base", 0), make_side("tuned", 4, schema=schema)
    data = compare([one, other]).data
    assert data["pos"].values.tolist() == ["NOUN", "_", "VERB"]
    np.testing.assert_array_equal(values(data["pos_to"])[1][..., [1, 2]], values(other.results["pos_to"])[..., [1, 0]])
    assert np.isnan(values(data["pos_to"])[1][..., 0]).all()
    assert np.isnan(values(data["pos_to_q"])[1][..., [0, 2]]).all()
    assert data["pos"].attrs["long_name"] == "part of speech"
    assert "names of pos that not all have: NOUN, VERB" in data.attrs["remarks"]


def test_other_documents_are_compared_and_told() -> None:
    data = compare([make_side("base", 0), make_side("tuned", 4, corpus="other")]).data
    assert data["paired"].values.tolist() == [True, False]
    assert any(remark.startswith("of other documents than base") for remark in data.attrs["remarks"])
    assert np.isfinite(values(data["null_attention_q"])[1]).all()


def test_few_shards_are_compared_without_intervals_and_told_why() -> None:
    data = compare([make_side("base", 0), make_side("tuned", 4, corpus="other", shards=3)]).data
    assert np.isfinite(values(data["null_attention_difference"])).all()
    assert np.isnan(values(data["null_attention_q"])).all()
    assert any("tuned: no intervals" in remark and "found 3" in remark for remark in data.attrs["remarks"])


def test_results_that_some_of_many_lack_are_told_with_those_that_lack_them() -> None:
    """What all have is compared."""
    names = [f"step-{n}" for n in range(12)]
    sides = [replace(make_side("tuned", 4), name=name) for name in names]
    for place, gone in {3: ["entropy"], 7: ["entropy", "distance"]}.items():
        sides[place] = replace(sides[place], results=sides[place].results.drop_vars(gone))
    axis = Axis("step", tuple(map(float, range(12))))
    found = compare(sides, ("null_attention", "entropy", "distance"), axis=axis)
    assert {"entropy", "distance"} & set(found.data) == set()
    assert found.data["null_attention_difference"].sizes["run"] == 12
    assert found.data.attrs["left_out"] == ["distance", "entropy"]
    text = " ".join(told(show_comparison(found.data, found.role_changes), 80).split())
    assert "not compared, for step-3, step-7 lack them: entropy" in text
    assert "not compared, for step-7 lacks them: distance" in text


@pytest.mark.parametrize(
    ("what", "value"),
    [("layers", "0, 1"), ("heads of a layer", "4"), ("unit", "window:64"), ("null pieces", "special")],
)
def test_other_definitions_are_refused(what: str, value: str) -> None:
    side = make_side("tuned", 4)
    other = replace(side, definitions={**side.definitions, what: value, "label own": "word.misc.Own"})
    with pytest.raises(ConfigError, match="same layers, heads and definitions") as refused:
        compare([make_side("base", 0), other])
    assert f"{what}: {side.definitions[what]} in base, {value} in tuned" in str(refused.value)
    assert "label own" not in str(refused.value)  # that only one has


def test_settings_may_differ_and_are_told() -> None:
    other = replace(make_side("tuned", 4), settings={"dtype": "bfloat16"}, remarks=("tuned lacks 1 of 10 shards",))
    remarks = compare([make_side("base", 0), other]).data.attrs["remarks"]
    assert "dtype: float32 in base, bfloat16 in tuned" in remarks
    assert "tuned lacks 1 of 10 shards" in remarks


def test_one_run_is_no_comparison() -> None:
    with pytest.raises(ConfigError, match="two runs or more to compare, found 1"):
        compare([make_side("base", 0)])
    with pytest.raises(ConfigError, match="between 0 and 1"):
        compare([make_side("base", 0), make_side("tuned", 4)], confidence=95)


# ---- an axis


def test_an_axis_is_a_coordinate() -> None:
    sides = [make_side("a", 0), make_side("b", 4)]
    data = compare(sides, axis=parse_axis("step=1000,2e3")).data
    assert data["step"].dims == ("run",)
    assert data["step"].values.tolist() == [1000.0, 2000.0]
    assert data.attrs["axis"] == "step"
    assert parse_axis("register=speech, news") == Axis("register", ("speech", "news"))
    assert make_axis({"year": [1900, 2000]}) == Axis("year", (1900.0, 2000.0))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("step", "expected an axis"),
        ("step=", "expected an axis"),
        ("step=1,,2", "expected an axis"),
        ("Step=1,2", "expected an axis"),
        ("layer=1,2", "found 'layer'"),
        ("entropy=1,2", "found 'entropy'"),
        ("pos=1,2", "found 'pos'"),
        ("step=1,nan", "expected finite numbers, or names, as values of step, found 1, nan"),
        ("step=1,2,3", "a value of step for each of 2 runs, in the order of the runs, found 3"),
    ],
)
def test_what_is_no_axis_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        compare([make_side("base", 0), make_side("tuned", 4)], axis=parse_axis(text))


@pytest.mark.parametrize("given", ["step=1,2", [1, 2], {"step": 1}, {"step": "1,2"}])
def test_what_is_no_axis_in_python_is_told_what_one_is(given: Any) -> None:
    with pytest.raises(
        ConfigError, match=r"expected an axis such as .\"step\": \[1000, 2000, 4000\]., found "
    ) as refused:
        make_axis(given)
    assert str(refused.value).endswith(repr(given))


def test_fifty_runs_fit_a_terminal() -> None:
    sides = [make_side("base", 0), *(replace(make_side("tuned", 4), name=f"step-{n}") for n in range(49))]
    samples = [
        Sample(side.groups(), {str(name): table.to_numpy() for name, table in side.results.items()}, side.corpus)
        for side in sides[:2]
    ]
    found = find_differences(*samples, SCHEMA.names, names=("null_attention", "pos_to"))
    about = About(0.95, [SHARDS] * 50, Axis("step", tuple(map(float, range(50)))))
    data = comparison_dataset(sides, list(found), SCHEMA.names, [found] * 49, about)
    assert data["pos_to_difference"].sizes["run"] == 50
    nothing = compare([make_side("base", 0), make_side("base again", 0)], ()).role_changes
    for width in (60, 120):
        text = told(show_comparison(data, nothing), width)
        assert max(map(len, text.splitlines())) <= width
        assert " 49 " in text or " 49\n" in text
        assert "step-48 against base" in text


# ---- roles


def test_roles_that_changed(comparison: Comparison) -> None:
    rows = comparison.role_changes.to_dict("records")
    assert [(row["role"], row["detail"], row["change"]) for row in rows] == [
        ("nearly switched off", "", "gained"),
        ("part of speech", "NOUN", "lost"),
    ]
    assert all((row["run"], row["layer"], row["head"]) == ("tuned", 2, 2) for row in rows)
    null, q = (values(comparison.data[name])[:, 1, 2] for name in ("null_attention", "null_attention_q"))
    assert (rows[0]["score"], rows[0]["first_score"], rows[0]["q"]) == (null[1], null[0], q[1])


# ---- files


def test_a_comparison_is_written_and_read(comparison: Comparison, tmp_path: Path) -> None:
    folder = locate(tmp_path / "out")
    write_comparison(comparison, folder)
    write_comparison(comparison, folder)  # over one that is there
    xr.testing.assert_identical(load_comparison(folder), comparison.data)
    assert load_role_changes(folder).equals(comparison.role_changes)
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "out" / "tables").iterdir()}
    tables = {name: list(csv.DictReader(text.splitlines())) for name, text in texts.items()}
    row = tables["heads"][11]
    assert (row["run"], row["layer"], row["head"]) == ("tuned", "2", "2")
    for name in ("", "_low", "_high", "_difference", "_difference_low", "_difference_high", "_q"):
        assert float(row[f"distance{name}"]) == values(comparison.data[f"distance{name}"])[1, 1, 2]
    clear = [row for row in tables["clear"] if row["result"] == "null_attention"]
    assert [(row["run"], row["layer"], row["head"]) for row in clear] == [("tuned", "2", "2")]
    assert float(clear[0]["difference"]) == values(comparison.data["null_attention_difference"])[1, 1, 2]
    assert [row["change"] for row in tables["roles"]] == ["gained", "lost"]
    r = next(row for row in tables["correlations"] if (row["result"], row["labels"]) == ("pos_to", "NOUN"))
    assert (float(r["correlation"]), r["heads"]) == (float(comparison.data["pos_to_correlation"][1, 0]), "5")


def test_another_folder_is_left_as_it_is(comparison: Comparison, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"is no comparison: it holds thesis\.txt"):
        write_comparison(comparison, locate(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_runs_have_short_names() -> None:
    assert name_runs(list(map(locate, ("/a/x/gpt2", "/a/y/gpt2", "/b/bert")))) == ["x/gpt2", "y/gpt2", "bert"]
    assert name_runs(list(map(locate, ("s3://one/gpt2", "s3://two/gpt2")))) == ["one/gpt2", "two/gpt2"]
    assert folder_for(list(map(locate, ("/a/x/gpt2", "/a/y/gpt2")))).name == "comparison-x-gpt2-y-gpt2"
    assert folder_for([locate(f"/runs/{n}") for n in "abc"]).name == "comparison-a-and-2-more"


# ---- the terminal


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_terminal_of_any_width_shows_what_differs(comparison: Comparison, width: int) -> None:
    text = told(show_comparison(comparison.data, comparison.role_changes), width)
    assert max(map(len, text.splitlines())) <= width
    row = next(line for line in text.splitlines() if line.startswith("null_attention"))
    assert row.split()[1:3] == ["1/6", "2.2"]
    assert "points" in row
    assert ("95% interval" in text.splitlines()[3]) == (width >= 80)
    assert "nearly switched off" in text and "part of speech: NOUN" in text


def test_a_result_is_shown_with_its_map(comparison: Comparison) -> None:
    text = told(show_compared_metric(comparison.data, "null_attention", top=2), 100)
    assert "Attention to null pieces" in text and "tuned against base" in text
    first, second = (line for line in text.splitlines() if line.startswith("layer 2 head") or " head " in line[:16])
    assert first.startswith("layer 2 head 2") and "< 0.001" in first
    assert "differences in" in text and second
    by_label = told(show_compared_metric(comparison.data, "pos_to"), 100)
    assert "NOUN" in by_label and "differ" in by_label
    one = told(show_compared_metric(comparison.data, "pos_to", label="NOUN"), 100)
    assert "Attention to NOUN" in one
    head = told(show_compared_head(comparison.data, 2, 2), 100)
    assert "layer 2 head 2  tuned against base" in head and "null_attention" in head


def test_what_there_is_not_is_refused(comparison: Comparison) -> None:
    with pytest.raises(ConfigError, match="did you mean 'distance'"):
        show_compared_metric(comparison.data, "distence")
    with pytest.raises(ConfigError, match="a run that is compared with base, found 'base': tuned"):
        show_comparison(comparison.data, comparison.role_changes, "base")
    with pytest.raises(ConfigError, match="expected a head of this run, found 7"):
        show_compared_head(comparison.data, 2, 7)


# ---- what a person who compares wants to know


def test_the_head_that_changed_most_is_told_first(comparison: Comparison) -> None:
    data = comparison.data
    found = changed_heads(data, 1)
    places = [(one.most.layer, one.most.head) for one in found]
    assert places[0] == (data["layer"].values[PLANTED[0]], PLANTED[1])
    null = next(one for one in found if one.most.result == "null_attention")
    own = data["null_attention"].to_numpy()
    spread = float(np.nanstd(own[0]))
    assert null.size == pytest.approx(abs(own[1, *PLANTED] - own[0, *PLANTED]) / spread)
    lines = told(show_comparison(data, comparison.role_changes), 150).splitlines()
    row = next(line for line in lines if line.startswith("layer 2 head 2"))
    assert f"{found[0].clear}/{found[0].of}" in row
    assert any(f"{len(found)} of 6 heads differ clearly in something" in line for line in lines)


def test_a_small_change_at_a_rare_label_is_no_large_one() -> None:
    dims, shape = ("run", "layer", "head", "pos"), (2, 1, 3, 2)
    values = np.zeros(shape)
    values[0, 0, :, 0], values[0, 0, :, 1] = (0.2, 0.5, 0.8), (0.001, 0.001, 0.002)
    values[1] = values[0]
    values[1, 0, 0, 0], values[1, 0, 1, 1] = 0.5, 0.01  # 0.3 where heads differ much; 0.009 where they hardly do
    q = np.where(values != values[0], 0.001, 1.0)
    difference = values - values[0]
    parts = {
        "": values,
        "_difference": difference,
        "_difference_low": difference,
        "_difference_high": difference,
        "_q": q,
    }
    coords = {"run": ["a", "b"], "layer": [0], "head": [0, 1, 2], "pos": ["NOUN", "X"]}
    data = xr.Dataset({f"pos_to{end}": (dims, table) for end, table in parts.items()}, coords, {"order": ["pos_to"]})
    found = changed_heads(data, 1)
    assert [(one.most.head, one.most.labels["pos"]) for one in found] == [(0, "NOUN"), (1, "X")]
    spread = np.sqrt(np.var([0.2, 0.5, 0.8]))
    pooled = np.sqrt((np.var([0.2, 0.5, 0.8]) + np.var([0.001, 0.001, 0.002])) / 2)
    assert [one.size for one in found] == pytest.approx([0.3 / spread, 0.009 / pooled])


def test_a_head_that_rests_on_null_pieces_changes_by_what_counts_all_attention_alone() -> None:
    """Of three heads, one leaves 1% in the second run: what it does with that is not told, though it is clear."""
    null = np.array([[[0.5, 0.6, 0.5]], [[0.5, 0.99, 0.5]]])
    local = np.array([[[0.2, 0.3, 0.4]], [[0.3, 0.9, 0.4]]])
    dims, variables = ("run", "layer", "head"), {}
    for name, table, about in (("null_attention", null, {"null": "in"}), ("local", local, {})):
        difference = table - table[0]
        ends = dict.fromkeys(("_difference", "_difference_low", "_difference_high"), difference)
        parts = {"": table, "_q": np.where(difference != 0, 0.001, 1.0), **ends}
        variables |= {f"{name}{end}": (dims, part, about) for end, part in parts.items()}
    order = {"order": ["null_attention", "local"]}
    data = xr.Dataset(variables, {"run": ["a", "b"], "layer": [0], "head": [0, 1, 2]}, order)
    found = changed_heads(data, 1)
    assert [(one.most.head, one.most.result, one.clear, one.of) for one in found] == [
        (1, "null_attention", 1, 1), (0, "local", 1, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(("is_paired", "expected"), [(True, ["to", "to", "far"]), (False, ["far"])])
def test_between_other_documents_what_follows_the_text_is_no_change_of_a_head(
    is_paired: bool, expected: list[str]
) -> None:
    level = np.array([[0.1], [0.5]])
    to, far = np.array([[[[0.1], [0.2], [0.3]]], [[[0.5], [0.6], [0.3]]]]), np.array([[[1.0, 2, 3]], [[1, 2, 4]]])
    dims, variables = ("run", "layer", "head"), {"even": (("run", "pos"), level)}
    for name, table, about in (("to", to, {"chance": "even"}), ("far", far, {})):
        difference = table - table[0]
        ends = dict.fromkeys(("_difference", "_difference_low", "_difference_high"), difference)
        parts = {"": table, "_q": np.where(difference != 0, 0.001, 1.0), **ends}
        variables |= {f"{name}{end}": ((*dims, "pos")[: part.ndim], part, about) for end, part in parts.items()}
    coords = {"run": ["a", "b"], "layer": [0], "head": [0, 1, 2], "pos": ["X"], "paired": ("run", [True, is_paired])}
    found = changed_heads(xr.Dataset(variables, coords, {"order": ["to", "far"]}), 1)
    assert [one.most.result for one in found] == expected


def test_a_copy_is_told() -> None:
    same = compare([make_side("base", 0), make_side("copy", 0)])
    assert any(line.startswith("copy has the very numbers of base") for line in same.data.attrs["remarks"])
    other = compare([make_side("base", 0), make_side("tuned", 4)])
    assert not any("very numbers" in line for line in other.data.attrs["remarks"])


def test_intervals_of_another_confidence_are_found_anew() -> None:
    sides = [make_side("base", 0), make_side("tuned", 4)]
    found = compare(sides, names=["pos_to"], confidence=0.8).data
    for place, side in enumerate(sides):
        bounds = find_intervals(side.groups(), {"pos_to": side.results["pos_to"].to_numpy()}, 0.8, ["pos_to"])
        for at, part in enumerate(("low", "high")):
            np.testing.assert_array_equal(found[f"pos_to_{part}"][place], bounds["pos_to"].bounds[..., at])


def test_with_too_few_shards_differences_are_told_though_not_how_sure(tmp_path: Path) -> None:
    few = compare([make_side("base", 0, shards=3), make_side("tuned", 4, shards=3)])
    shown = told(show_comparison(few.data, few.role_changes), 150)
    assert "how sure is not known" in shown and "no evidence" not in shown
    size = np.abs(few.data["null_attention_difference"].to_numpy()[1])
    layer, head = (int(place) for place in np.unravel_index(np.nanargmax(size), size.shape))
    row = next(line for line in shown.splitlines() if line.startswith("null_attention"))
    assert f"{few.data['layer'].values[layer]}.{head}" in row


def test_what_heads_leave_no_evidence_for_is_told_and_the_rest_compared() -> None:
    """The other model attends to null pieces alone."""
    found = compare(
        [make_side("base", 0), make_side("tuned", 4, rests_from=0)], ("null_attention", "pos_to", "distance")
    )
    assert np.isnan(values(found.data["distance"])[1]).all()
    text = told(show_comparison(found.data, found.role_changes), 100)
    assert "no evidence in: pos_to, distance" in text
    row = next(line for line in text.splitlines() if line.startswith("null_attention"))
    assert row.split()[1] == "5/6"  # in the first model, too, one head attends to null pieces alone
    for name in ("distance", "pos_to"):
        alone = told(show_compared_metric(found.data, name), 100)
        assert "no head has evidence in both runs" in alone and "no head differs" not in alone


def test_what_few_shards_have_evidence_for_is_compared_though_not_how_sure() -> None:
    sides = [make_side("base", 0), make_side("tuned", 4, rests_from=5)]
    found = compare(sides, ("null_attention", "pos_to", "distance"))
    difference, q = (values(found.data[f"distance_{part}"])[1] for part in ("difference", "q"))
    own = [values(side.results["distance"]) for side in sides]
    np.testing.assert_allclose(difference, own[1] - own[0])
    assert np.isnan(q).all() and np.isfinite(values(found.data["null_attention_q"])[1]).all()
    assert "with too few shards to tell them from noise" in told(show_comparison(found.data, found.role_changes), 100)
    for name in ("distance", "pos_to"):
        alone = told(show_compared_metric(found.data, name), 100)
        assert "too few shards have evidence" in alone and "no head differs" not in alone


def test_a_comparison_that_is_broken_off_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = locate(tmp_path / "comparison")
    found = compare([make_side("base", 0), make_side("tuned", 4)], names=["null_attention"])
    monkeypatch.setattr("attnmetrics.comparing.outputs.write_page", lambda *_: None)
    write_comparison(found, folder)
    monkeypatch.setattr("attnmetrics.comparing.outputs.write_page", _break_off)
    with pytest.raises(KeyboardInterrupt):
        write_comparison(found, folder)
    with pytest.raises(StoreError):
        load_comparison(folder)


def _break_off(*_: object) -> None:
    raise KeyboardInterrupt
