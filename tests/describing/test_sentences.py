"""Sentences: how numbers are written, and what stands where, for all that may be said or not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from attnmetrics.describing.finding import Finding
from attnmetrics.describing.pieces import most_attended
from attnmetrics.describing.rules import package_rules
from attnmetrics.describing.sentences import brief, number, sentence, share

RULES = {rule.role: rule for rule in reversed(package_rules().roles)}
NAMES = package_rules().names


def held(role: str, score: float, chance: float = 0.1, label: str = "") -> Finding:
    is_share = role not in ("broad", "elsewhere")
    pieces = (label,) if RULES[role].of_pieces and label else ()
    return Finding(RULES[role], label, score, np.nan, np.nan, chance, 0.11, is_share, True, pieces=pieces)


def told(role: str, score: float, chance: float = 0.1, label: str = "") -> Finding:
    """Of a head that has not the role."""
    return replace(held(role, score, chance, label), held=False)


ELSEWHERE = told("elsewhere", 6.4)
SPREAD = "is spread over the sentence, 6.4 pieces away on average"
COLUMN = next(rule for rule in package_rules().roles if rule.score.at.get("rule") == "column")
NO_BETTER = replace(held("syntactic relation", 0.9, 0.4, "det"), no_better=True)
OFF = replace(held("nearly switched off", 0.996), contradicts=("part of speech: DET", "induction"))
CASES = [
    (
        [told("first piece", 0.19), held("previous piece", 0.88), ELSEWHERE], 0.81,
        "Rests 19% on the first piece; the rest goes to the previous piece (88% of it; median head 11%).",
    ),
    (
        [held("previous piece", 0.88), ELSEWHERE], 1,
        "Its attention goes to the previous piece (88% of it; median head 11%).",
    ),
    (
        [held("previous piece", 0.42), ELSEWHERE], 0.9,
        f"Rests 10% on null pieces; the rest {SPREAD}, above all to the previous piece (42% of it).",
    ),
    (
        [told("next piece", 0.3), told("previous piece", 0.27), ELSEWHERE], 1,
        "Its attention goes to the next piece (30% of it) and to the previous piece (27% of it).",
    ),
    (
        [told("part of speech", 0.31, 0.16, "NOUN"), held("separators", 0.6), ELSEWHERE], 0.3,
        f"Rests 60% on separators; its attention off null pieces {SPREAD}, leaning to nouns (31% of it).",
    ),
    (
        [told("along dependencies", 0.25, 0.28), held("first piece", 0.6), held("separators", 0.2), ELSEWHERE], 0.2,
        f"Rests 60% on the first piece and 20% on separators; the rest {SPREAD}. Along dependencies goes 25% of "
        "its attention off null pieces, not clearly more than its distances alone would give (28%).",
    ),
    (
        [told("along dependencies", 0.37, 0.35), held("previous piece", 0.9)], 1,
        "Its attention goes to the previous piece (90% of it; median head 11%). Along dependencies goes 37% of its "
        "attention off null pieces, not clearly more than its distances alone would give (35%).",
    ),
    (
        [held("along dependencies", 0.37, 0.33), held("previous piece", 0.9)], 1,
        "Its attention goes to the previous piece (90% of it; median head 11%). Along dependencies goes 37% of its "
        "attention off null pieces, where its distances alone would give 33%.",
    ),
    (
        [held("syntactic relation", 0.7, 0.4, "obj"), held("syntactic relation", 0.6, 0.3, "iobj"), ELSEWHERE], 1,
        f"Its attention {SPREAD}. From obj (70% of edges) and iobj (60% of edges), of all other words it looks "
        "most at the head word.",
    ),
    (
        [held("syntactic relation", 0.7, 0.4, "obj"), told("syntactic relation", 0.5, 0.4, "iobj"), ELSEWHERE], 1,
        f"Its attention {SPREAD}. From obj (70% of edges; best word offset 40%), of all other words it looks most "
        "at the head word.",
    ),
    (
        [NO_BETTER, held("syntactic relation", 0.7, 0.4, "obj"), held("along dependencies", 0.3), ELSEWHERE], 1,
        f"Its attention {SPREAD}. From obj (70% of edges; best word offset 40%), of all other words it looks most at "
        "the head word. Along dependencies goes 30% of its attention off null pieces, where its distances alone would "
        "give 10%. It finds det, but the nearest word of a class finds as many or more.",
    ),
    (
        [NO_BETTER, replace(NO_BETTER, rule=COLUMN), replace(NO_BETTER, rule=COLUMN, label="obj"), ELSEWHERE], 1,
        f"Its attention {SPREAD}. It finds det and obj, but the nearest word of a class finds as many or more.",
    ),
    (
        [told("syntactic relation", 0.5, 0.4, "iobj"), ELSEWHERE], 1,
        f"Its attention {SPREAD}. From iobj (50% of edges; best word offset 40%), of all other words it looks most "
        "at the head word.",
    ),
    (
        [OFF, told("first piece", 0.996)], 0.004,
        "Nearly switched off on this text: rests 99.6% on the first piece, and all else comes from the remaining 0.4% "
        "(that by itself looks like part of speech: determiners and induction).",
    ),
    (
        [held("second sink", 0.74, label="the"), ELSEWHERE], 1,
        "Its attention goes to one piece of each sentence, whichever that is (74% of it; even attention 10%), a second "
        "sink (most often “the”).",
    ),
    (
        [replace(held("second sink", 0.74, label="the"), pieces=("the", "␣")), ELSEWHERE], 1,
        "Its attention goes to one piece of each sentence, whichever that is (74% of it; even attention 10%), a second "
        "sink (most often “the” or “␣”).",
    ),
    (
        [told("second sink", 0.3), held("broad", 2.44, 2.6), ELSEWHERE], 1,
        "Its attention is spread almost evenly over the sentence (entropy 2.4 of 2.6 nats), leaning to one piece of "
        "each sentence (30% of it).",
    ),
    ([], 1, "Nothing of this head was measured."),
    ([ELSEWHERE], np.nan, "Nothing of this head was measured."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0%"), (0.0002, "under 0.1%"), (0.004, "0.4%"), (0.0951, "10%"), (0.354, "35%"), (0.989, "99%"),
        (0.996, "99.6%"), (0.9998, "over 99.9%"), (1, "100%"), (np.nan, "no evidence"),
    ],
)  # fmt: skip
def test_shares_have_the_digits_that_they_bear(value: float, text: str) -> None:
    assert share(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.004, "0.00"), (0.36, "0.36"), (2.96, "3.0"), (14.4, "14"), (np.nan, "no evidence")]
)
def test_numbers_have_two_digits(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("findings", "evidence", "expected"), CASES)
def test_a_sentence_says_what_there_is_in_order(findings: list[Finding], evidence: float, expected: str) -> None:
    assert sentence(findings, evidence, "sentence", NAMES) == expected


def test_of_many_details_the_first_are_told() -> None:
    found = [held("syntactic relation", 0.7, 0.4, name) for name in ("a", "b", "c", "d")]
    assert "From a (70% of edges), b (70% of edges) and c (70% of edges), of all other words it looks" in sentence(
        found, 1, "window", NAMES
    )
    assert "d (70%" not in sentence(found, 1, "window", NAMES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("to x (90%; chance 40%)", "to x (90%; chance 40%)"),
        ("rests 1% on a and 2% on b; to x (90%; chance 40%)", "rests 1% on a and 2% on b; to x (90%)"),
        ("to x (90%, 2 times) and y (8%), near z (7%) and w (6%)", "to x (90%) and y (8%), near z (7%) and w"),
        ("at “7 8 9” (under 0.1%; chance 4%) and y (2)", "at “7 8 9” (under 0.1%; chance 4%) and y (2)"),
        ("1, 2, 3 and 4 at x (5) (by that like y)", "1, 2, 3 and 4 at x (by that like y)"),
    ],
)
def test_a_sentence_has_three_numbers_at_most(text: str, expected: str) -> None:
    assert brief(text) == expected


def test_the_type_with_most_of_a_heads_attention_is_told_if_it_gets_more_than_others_and_a_part_of_it() -> None:
    rows = [
        (0, 0, "key", "rare", 1, 9.0), (0, 0, "key", "the", 60, 5.0), (0, 0, "query", "a", 99, 9.0),
        (0, 1, "key", "the", 60, 1.1), (0, 2, "key", "the", 9, 5.0), (0, 0, "key", "a", 11, 5.0),
        (0, 3, "key", "a", 30, 5.0), (0, 3, "key", "the", 50, 5.0), (0, 3, "key", "of", 10, 5.0),
    ]  # fmt: skip
    tokens = pd.DataFrame(rows, columns=["layer", "head", "side", "piece", "attention", "lift"])
    mass = pd.Series(100.0, pd.MultiIndex.from_product([[0], range(4)]))
    assert most_attended(tokens, mass).to_numpy().tolist() == [[0, 0, "the"], [0, 3, "the"], [0, 3, "a"]]
    assert most_attended(tokens.iloc[:0], mass).empty
