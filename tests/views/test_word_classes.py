"""What the nearest word of a class finds, in words: which one is named, and of which heads it finds as much."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from clark_tables import with_relations
from synthetic import dataset

from attnmetrics.describing.questions import Answer
from attnmetrics.describing.rules import package_rules
from attnmetrics.views.answers import in_groups
from attnmetrics.views.relations import Relations
from attnmetrics.views.word_classes import NEEDS, Nearest, NearestWords


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    """Objects' verbs are the nearest ones before in 80%, held out 75%, and the nearest nouns after in 10%."""
    made = with_relations(dataset(2, 2)).copy(deep=True)
    at = {"rule": "row", "rel": "obj"}
    made["relation_class_accuracy"].loc[at] = 0
    made["relation_class_accuracy"].loc[{**at, "word_class": "VERB", "side": "before"}] = 0.8
    made["relation_class_accuracy"].loc[{**at, "word_class": "NOUN", "side": "after"}] = 0.1
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
    by_other_classes = data.rename({"word_class": "class_of_before"})
    for before in (data.drop_vars(NEEDS), by_other_classes):
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


def _answer(*rows: tuple[int, int, str, str, str]) -> Answer:
    """Rows (layer, head, detail, nearest, remark), the clearest score first, as questions have them."""
    frame = pd.DataFrame(rows, columns=["layer", "head", "detail", "nearest", "remark"])
    return Answer("k", "Which?", frame.assign(score=np.linspace(0.9, 0.5, len(rows)), chance=0.1))


def test_heads_stand_first_that_find_a_relation_better_than_a_class_does_and_last_those_that_do_nothing_else() -> None:
    grouped = in_groups(
        _answer(
            (0, 1, "a", "n", "r"), (0, 1, "b", "", ""), (0, 0, "c", "n", "r"), (0, 0, "d", "", ""),
            (0, 0, "e", "n", ""), (1, 0, "f", "", ""), (1, 1, "g", "n", ""), (2, 0, "h", "n", "r"),
        )
    )  # fmt: skip
    assert [(group.title.split()[0], group.heads) for group in grouped.groups] == [
        ("Better", [(0, 0), (1, 1)]), ("Along", [(0, 1), (1, 0)]), ("By", [(2, 0)]),
    ]  # fmt: skip
    assert grouped.answer.heads == [(0, 0), (1, 1), (0, 1), (1, 0), (2, 0)]
    assert "".join(grouped.answer.rows["detail"]) == "edcgbafh", "of a head last what is no better"
    rule = "the nearest word of any class"
    nearly = replace(grouped, near=[(7, 7)]), replace(grouped, near=[(7, 7), (8, 8)])
    ends = "; 1 that only just misses the rule does", "; 2 that only just miss the rule do"
    assert [one.told.removeprefix(grouped.told) for one in nearly] == [*ends]
    assert grouped.told == f"5 heads; 2 of 4 with a relation find it better than {rule}"


def test_heads_of_a_group_stand_by_the_scores_that_put_them_there() -> None:
    found = _answer(
        (0, 0, "relation", "n", "r"), (0, 0, "all", "", ""), (0, 1, "all", "", ""), (0, 2, "all", "", ""),
        (0, 3, "relation", "n", "r"), (0, 4, "relation", "n", "r"),
    )  # fmt: skip
    scored = found.rows.assign(score=[0.9, 0.3, 0.5, 0.6, 0.7, 0.8], chance=[0.1, 0.1, 0.2, 0.5, np.nan, 0.2])
    grouped = in_groups(replace(found, rows=scored))
    assert [group.heads for group in grouped.groups] == [[(0, 1), (0, 0), (0, 2)], [(0, 3), (0, 4)]]
    assert grouped.answer.heads == [(0, 1), (0, 0), (0, 2), (0, 3), (0, 4)]
    assert grouped.answer.rows["detail"].tolist()[:4] == ["all", "all", "relation", "all"]


def test_there_are_no_groups_where_nothing_is_compared_with_classes() -> None:
    found = _answer((1, 0, "a", "", ""), (0, 0, "b", "", ""))
    grouped = in_groups(found)
    assert (grouped.groups, grouped.told, grouped.answer) == ((), "", found)
    assert (grouped.compared, grouped.better) == (0, 0)


def test_a_group_without_heads_is_not_told() -> None:
    grouped = in_groups(_answer((1, 0, "a", "n", "r")))
    assert [group.heads for group in grouped.groups] == [[(1, 0)]]
    assert grouped.told.startswith("1 head; 0 of 1 with a relation")
