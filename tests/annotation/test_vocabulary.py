from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmetrics.annotation.sentence import NAME_LENGTH, Column
from attnmetrics.annotation.vocabulary import NAMES, choose_names, count_names, count_rest, encode
from attnmetrics.errors import AnnotationError


def test_names_are_counted() -> None:
    assert count_names(Column(("a", "b", "c"), np.array([0, 2, 0, 2, 2]))) == {"a": 2, "c": 3}
    assert count_names(Column((), np.array([], np.int64))) == {}


def test_few_names_all_stay() -> None:
    assert choose_names({"b": 1, "a": 5, "none": 2}) == ("a", "b", "none", "_")
    assert choose_names({"a": 1, "_": 3}) == ("a", "_")
    assert choose_names({}) == ("_",)


def test_the_most_frequent_stay_and_ties_go_by_code_point() -> None:
    counts = {f"n{number:03}": 7 for number in range(NAMES + 3)} | {"Z": 7, "often": 8, "O": 1, "none": 1, "_": 1}
    names = choose_names(counts)
    assert names == ("O", "Z", *(f"n{number:03}" for number in range(NAMES - 2)), "none", "often", "_rest", "_")
    assert count_rest(counts, names) == 5
    assert set(counts) - set(names) == {f"n{number}" for number in range(NAMES - 2, NAMES + 3)}


def test_longer_names_are_among_the_rest() -> None:
    counts = {"x" * (NAME_LENGTH + 1): 9, "y" * NAME_LENGTH: 1}
    assert choose_names(counts) == ("y" * NAME_LENGTH, "_rest", "_")
    assert count_rest(counts, choose_names(counts)) == 1


def test_declared_names_stay_in_their_order() -> None:
    assert choose_names({"NOUN": 4}, ("ADJ", "NOUN", "_")) == ("ADJ", "NOUN", "_")
    assert choose_names({"_rest": 4, "a": 1}) == ("a", "_rest", "_")


def test_words_are_encoded_and_others_are_the_rest() -> None:
    column = Column(("a", "b", "c"), np.array([2, 0, 1, 2]))
    assert encode(column, ("b", "c", "a", "_")).tolist() == [1, 2, 0, 1]
    assert encode(column, ("b", "_rest", "_")).tolist() == [1, 1, 0, 1]
    assert encode(Column((), np.array([], np.int64)), ("_",)).tolist() == []


def test_a_name_that_is_not_declared_is_refused() -> None:
    column = Column(("ROOT", "nsubj:pass", "unused"), np.array([1, 1, 0]))
    with pytest.raises(AnnotationError, match=r"every name among ROOT, _, found nsubj:pass too; plan the run again"):
        encode(column, ("ROOT", "_"))
    with pytest.raises(AnnotationError, match=r"found 0, 1, 10, .* and 10 more too"):
        encode(Column.of([str(number) for number in range(20)]), ("_",))


@given(st.lists(st.sampled_from([f"w{number}" for number in range(250)] + ["_", "none", "O", "_rest"]), max_size=900))
def test_every_word_has_its_own_name_or_the_rest(values: list[str]) -> None:
    names = choose_names(count_names(Column.of(values)))
    counts = Counter(values)
    kept = set(names) - {"_rest", "_", "none", "O"}
    assert len(kept) <= NAMES and names[-1] == "_" and len(set(names)) == len(names)
    assert all((-counts[one], one) < (-counts[other], other) for one in kept for other in set(counts) - set(names))
    assert [names[code] for code in encode(Column.of(values), names)] == [
        value if value in names else "_rest" for value in values
    ]
