"""Which word is right where a pair of pieces is a wrong answer."""

from dataclasses import replace

import pytest

from attnmetrics.statistics.passages import Passage
from attnmetrics.statistics.right_words import find_right

# Words of the unit, by their first pieces: 0, 1 (two pieces), 3 | 4, 5 (two pieces).
FIRST = Passage(
    "d", 0, 0, 0, "", ["a"] * 4, [0] * 4, words=[0, 1, 1, 3],
    questions=["relation:det:column", "relation:obj:parent_row", "relation:obj:parent_row"],
    asked=[0, 3, 3], right=[1, 0, 1],
)  # fmt: skip
SECOND = Passage(
    "d", 0, 0, 4, "", ["a"] * 3, [0] * 3, words=[4, 5, 5],
    questions=["coreference", "coreference", "relation:obj:row"], asked=[5, 5, 5], right=[0, 1, 4],
)  # fmt: skip


@pytest.mark.parametrize(
    ("question", "i", "j", "right"),
    [
        ("relation:det:column", 3, 0, [1, 2]),  # the attended word asks: who looks at it
        ("relation:obj:row", 6, 3, [4]),
        ("coreference", 6, 3, [1, 2]),  # the nearer of two, in another sentence
        ("relation:obj:parent_row", 3, 2, [0]),  # what was answered is right for another edge
        ("relation:obj:parent_row", 3, 4, [1, 2]),
        ("relation:nsubj:row", 6, 3, None),
    ],
)
def test_the_right_word_of_a_wrong_answer(question: str, i: int, j: int, right: list[int] | None) -> None:
    assert find_right([FIRST, SECOND], question, i, j) == right


def test_passages_without_words_know_of_none() -> None:
    bare = [replace(one, words=[], questions=[], asked=[], right=[]) for one in (FIRST, SECOND)]
    assert find_right(bare, "relation:obj:row", 6, 3) is None
