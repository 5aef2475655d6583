"""The paper's numbers beside a run's, and how facts are written."""

import numpy as np
import pytest
import xarray as xr
from synthetic import dataset, made_up

from attnmetrics.views.facts import duration
from attnmetrics.views.papers.claims import Row, compare
from attnmetrics.views.papers.vig_belinkov_2019 import VIG_BELINKOV


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return dataset(4, 3, nan_heads=((2, 1),))


def numbers(data: xr.Dataset) -> dict[str, Row]:
    return {row.claim.name: row for row in compare(VIG_BELINKOV, data)}


def test_counterparts_come_from_the_tables(data: xr.Dataset) -> None:
    rows = numbers(data)
    noun = data["pos_to"].sel(pos="NOUN").values
    distance = data["distance"].values
    expected = {
        "null_mean": data["null_attention"].values.mean(),
        "pieces_per_sentence": float(data["pieces_per_sentence"]),
        "noun_top": np.nanmax(noun),
        "noun_mean": np.nanmean(noun),
        "alignment_top": np.nanmax(data["dependency_alignment"].sel(direction="either").values),
        "variability_low": np.nanmin(data["variability"].values),
        "dependency_at_5": float(data["dependency_probability"].sel(pair_distance=5)),
        "dependency_within_18": float(data["dependency_within_18"]),
        "distance_top": np.nanmax(distance),
        "distance_top_entropy": data["entropy"].values.ravel()[np.nanargmax(distance)],
        "distance_sd": 3.6,
        "distance_entropy_r": 0.61,
    }
    for name, value in expected.items():
        assert rows[name].numbers[0] == pytest.approx(float(value), rel=1e-12), name
    assert rows["distance_alignment_r"].text == "−0.73"
    p = [numbers(data.assign(distance_entropy_p=value))["distance_entropy_p"].text for value in (6.2e-38, 0.139)]
    assert p == ["< 0.001", "0.14"]


def test_a_head_that_is_nearly_switched_off_is_told_so(data: xr.Dataset) -> None:
    changed = data.copy(deep=True)
    changed["distance"].loc[{"layer": 3, "head": 0}] = 99
    changed["null_attention"].loc[{"layer": 3, "head": 0}] = 0.97
    changed["null_attention"].loc[{"layer": 0}] = 0.5
    rows = numbers(changed)
    assert rows["distance_top"].text == "99.0 (layer 3 head 0, nearly switched off)"
    assert rows["distance_top_entropy"].text.endswith("(layer 3 head 0, nearly switched off)")
    assert "switched" not in rows["null_heads"].text
    changed["null_attention"].loc[{"layer": 3, "head": 0}] = 0.5
    assert numbers(changed)["distance_top"].text == "99.0 (layer 3 head 0)"


def test_layers_of_the_top_heads(data: xr.Dataset) -> None:
    changed = data.copy(deep=True)
    changed["pos_to"].loc[{"pos": "PROPN"}] = 0.01
    changed["pos_to"].loc[{"pos": "PROPN", "layer": 3}] = 0.5
    changed["pos_to"].loc[{"pos": "PROPN", "layer": 1, "head": [0, 2]}] = 0.4
    row = numbers(changed)["propn_layers"]
    assert row.numbers == (1, 1, 3, 3, 3)
    assert row.text == "layers 1, 1, 3, 3, 3 (the last is 3)"


def test_tags_with_a_head_of_more_than_double_the_mean() -> None:
    data = dataset(1, 3, pos=("A", "B", "C", "_"))
    data["pos_to"][...] = [[[0.7, 0.1, 0.0, 0.2], [0.1, 0.5, 0.0, 0.4], [0.1, 0.5, 0.0, 0.4]]]
    assert numbers(data)["specialised_to"].numbers == (1, 2)


def test_depth_compares_the_halves_of_the_model(data: xr.Dataset) -> None:
    changed = data.copy(deep=True)
    changed["dependency_type_to_by_layer"].loc[{"rel": "nsubj"}] = [0.1, 0.1, 0.1, 0.3]
    assert numbers(changed)["subject_depth"].numbers[0] == pytest.approx(2.0)


def test_what_a_run_cannot_give_is_said() -> None:
    data = dataset(1, 2, pos=("NN", "_"), rel=("a", "_"), first_layer=3)
    rows = numbers(data)
    assert not rows["noun_top"].given
    assert rows["noun_top"].text == "the run has no pos_to (NOUN)"
    assert rows["alignment_layer_0"].text == "layer 0 was not measured"
    assert rows["subject_depth"].text == "one layer has no depth"
    absent = dataset(2, 2)
    absent["pos_to"].loc[{"pos": "NOUN"}] = 0
    assert numbers(absent)["noun_mean"].text == "no piece of this corpus is tagged NOUN"


def test_a_run_without_evidence_has_no_counterparts() -> None:
    data = dataset(2, 2)
    nothing = data.assign({name: table * np.nan for name, table in data.data_vars.items()})
    assert [row.claim.name for row in compare(VIG_BELINKOV, nothing) if row.given] == []


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.5, "0.5 s"), (61, "61 s"), (3000, "50 min 0 s"), (9000, "2 h 30 min")]
)
def test_durations_are_readable(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_run_without_the_papers_tables_has_no_counterparts() -> None:
    assert [row.claim.name for row in compare(VIG_BELINKOV, made_up()) if row.given] == []
    some = dataset(2, 2)[["pos_to", "sentences"]]
    rows = numbers(some)
    assert rows["noun_top"].given and rows["specialised_to"].given
    assert rows["specialised_from"].text == "the run has no pos_from"
