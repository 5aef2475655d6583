"""What the nearest word of a class finds, in words: which one is named, and of which heads it finds as much."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from clark_tables import with_relations
from synthetic import dataset

from attnmetrics.describing.rules import package_rules
from attnmetrics.views.relations import Relations
from attnmetrics.views.roles import found_by_classes
from attnmetrics.views.word_classes import NEEDS, Nearest, NearestWords


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    """Objects' verbs are the nearest ones before in 80%, held out 75%, and the nearest nouns after in 10%."""
    made = with_relations(dataset(2, 2)).copy(deep=True)
    at = {"rule": "row", "rel": "obj"}
    made["relation_class_accuracy"].loc[at] = 0
    made["relation_class_accuracy"].loc[{**at, "pos": "VERB", "side": "before"}] = 0.8
    made["relation_class_accuracy"].loc[{**at, "pos": "NOUN", "side": "after"}] = 0.1
    made["relation_class_baseline"].loc[at] = 0.75
    return made


def test_the_class_and_side_that_find_most_are_named_with_what_holds_held_out(data: xr.Dataset) -> None:
    found, one = NearestWords(data).find("row", "obj"), Relations(data).find("row", "obj")
    assert found is not None and one is not None
    assert found.told == "nearest verb before 75%"
    assert (one.nearest, one.at_nearest) == ("verb before", 0.75)
    assert np.isnan([found.low, one.at_nearest_low]).all(), "the run has no intervals"
    assert NearestWords(data).find("row", "root") is None, "it has no edge"


def test_it_stands_beside_rules_of_relations_alone(data: xr.Dataset) -> None:
    words = NearestWords(data)
    rules = {rule.score.result: rule for rule in package_rules().roles if rule.score.at.get("rule", "row") == "row"}
    assert words.beside(rules["relation_accuracy"], "obj") == words.find("row", "obj")
    assert words.beside(rules["dependency_alignment"], "") is None
    assert words.beside(None, "") is None
    unsure = data.assign(relation_class_baseline=data["relation_class_baseline"] * np.nan)
    assert NearestWords(unsure).beside(rules["relation_accuracy"], "obj") is None


def test_a_run_measured_before_there_were_classes_is_told_without(data: xr.Dataset) -> None:
    before = data.drop_vars(NEEDS)
    one = Relations(before).find("row", "obj")
    assert NearestWords(before).find("row", "obj") is None
    assert one is not None and one.nearest == "" and np.isnan(one.at_nearest)


@pytest.mark.parametrize(
    ("score", "low", "is_above"),
    [(0.9, 0.76, True), (0.9, 0.74, False), (0.9, 0.75, False), (0.76, np.nan, True), (0.75, np.nan, False)],
)
def test_a_head_is_above_it_with_the_low_end_of_its_interval(score: float, low: float, is_above: bool) -> None:
    remark = Nearest("verb before", 0.75, np.nan, np.nan).remark(score, low)
    assert remark == ("" if is_above else "no better than taking the nearest verb before")


def test_heads_are_found_by_classes_where_each_of_their_relations_is() -> None:
    rows = [(0, 0, "n", "r"), (0, 0, "n", ""), (0, 1, "n", "r"), (0, 1, "", ""), (1, 0, "", ""), (1, 1, "n", "")]
    frame = pd.DataFrame(rows, columns=["layer", "head", "nearest", "remark"])
    assert found_by_classes(frame) == [(0, 1)], "what is no relation says nothing"
