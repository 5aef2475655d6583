"""Coreference in the reference, against numbers worked out by hand."""

import numpy as np
import pytest
from by_hand import LABELS, LINKS, lower, sentence_of

from attnmetrics.metrics.reference.sentence import Mention, Word
from attnmetrics.metrics.reference.twins import Reference

POS = ("PRON", "PROPN", "PUNCT", "VERB", "_")
NEAREST, HEAD_MATCH, SIEVES, CHANCE = range(4)


def reference(heads: int = 1) -> Reference:
    links = {**LINKS, "coreference": False}
    return Reference(1, heads, causal=True, labels={**LABELS, "pos": POS}, links=links)


def word(at: int, form: str, pos: str, **feats: str) -> Word:
    return Word(2 * at, 2 * at + 1, pos, "root", -1, form=form, feats=feats)


# "Ann saw Bob ; she saw bob": every letter of "A s B ; h w b" stands for a word.
WORDS = (
    word(0, "Ann", "PROPN", Number="Sing", Gender="Fem"), word(1, "saw", "VERB"),
    word(2, "Bob", "PROPN", Number="Sing", Gender="Masc"), word(3, ";", "PUNCT"),
    word(4, "she", "PRON", Number="Sing", Gender="Fem"), word(5, "saw", "VERB"), word(6, "bob", "PROPN"),
)  # fmt: skip
TEXT, SPANS = "A s B ; h w b", tuple((2 * at, 2 * at + 1) for at in range(7))
ANN, BOB, SAW = range(3)
MENTIONS = (
    Mention(0, ANN, "Ann", True, 2, 0), Mention(2, BOB, "Bob", True, 2, 0),
    Mention(4, ANN, "she", True, 2, 1), Mention(5, SAW, "saw bob", True, 2, 1),
    Mention(6, BOB, "bob", True, 2, 1),
)  # fmt: skip
ALPHA = lower(
    [1.0], [0.5, 0.5], [0.2, 0.3, 0.5], [0.25] * 4, [0.4, 0.3, 0.2, 0.1, 0.0],
    [1 / 6] * 6, [0.1, 0.1, 0.1, 0.2, 0.3, 0.1, 0.1],
)  # fmt: skip


def test_anaphors_candidates_and_heads() -> None:
    found = reference()
    found.add(sentence_of(ALPHA, text=TEXT, words=WORDS, spans=SPANS, ids=range(7), mentions=MENTIONS))
    results = {name.removeprefix("coreference_"): value for name, value in found.results().items()}
    # "she" → Ann, "bob" → Bob; "saw" is mentioned before, but not here.
    np.testing.assert_array_equal(results["anaphors"], [1, 1, 0, 0, 2])
    np.testing.assert_array_equal(results["unreachable"], [0, 0, 0, 1, 1])
    # "she": Ann, Bob; "bob": Ann, Bob, she, saw.
    np.testing.assert_allclose(results["candidates"], [2, 4, np.nan, np.nan, 3])
    # "she" attends most to Ann (.4), of all words too; "bob" to she (.3).
    accuracy = results["accuracy"][0, 0]
    np.testing.assert_allclose(accuracy, [[1, 0, np.nan, np.nan, 0.5]] * 2)
    np.testing.assert_allclose(results["accuracy_by_layer"][0], accuracy)
    np.testing.assert_array_equal(results["near_ties"], np.zeros((1, 1, 2, 5)))
    # Nearest: Bob, saw. Same head: none; Bob. Sieves: "she" has no string and no head, and agrees with Ann, not Bob;
    # "bob" has the string of Bob.
    heuristic = results["heuristic"]
    np.testing.assert_allclose(heuristic[NEAREST], [0, 0, np.nan, np.nan, 0])
    np.testing.assert_allclose(heuristic[HEAD_MATCH], [0, 1, np.nan, np.nan, 0.5])
    np.testing.assert_allclose(heuristic[SIEVES], [1, 1, np.nan, np.nan, 1])
    np.testing.assert_allclose(heuristic[CHANCE], [1 / 2, 1 / 4, np.nan, np.nan, 3 / 8])
    for name in ("best_layer", "best_head", "best_accuracy"):
        assert np.isnan(results[name]).all() and results[name].shape == (2, 5)
    # Anaphors and antecedents, both ways: (4, 0) .4 and (6, 2) .1 of a causal model.
    assert results["alignment"].item() == pytest.approx(0.5 / 7)
    assert results["rows"] == 2


def test_a_null_antecedent_is_out_of_reach_and_ties_are_counted() -> None:
    found = reference()
    tie = ALPHA.copy()
    tie[6] = [0.1, 0.0, 0.3, 0.2, 0.3, 0.1, 0.0]
    found.add(sentence_of(tie, null={0}, text=TEXT, words=WORDS, spans=SPANS, ids=range(7), mentions=MENTIONS))
    results = found.results()
    # Ann's only piece is null: "she" has no antecedent, but is a candidate of "bob", as Ann is.
    np.testing.assert_array_equal(results["coreference_anaphors"], [0, 1, 0, 0, 1])
    np.testing.assert_array_equal(results["coreference_unreachable"], [1, 0, 0, 1, 2])
    np.testing.assert_allclose(results["coreference_candidates"], [np.nan, 4, np.nan, np.nan, 4])
    # Bob and she have .3 both: the first is taken.
    np.testing.assert_allclose(results["coreference_accuracy"][0, 0, :, 1], [1, 1])
    np.testing.assert_array_equal(results["coreference_near_ties"][0, 0], [[0, 1, 0, 0, 1]] * 2)


def test_what_may_not_refer_back_is_an_antecedent_all_the_same() -> None:
    found = reference()
    mentions = (MENTIONS[0], Mention(2, ANN, "Bob", False, 3, 1), Mention(4, ANN, "she", True, 3, 2))
    found.add(sentence_of(ALPHA, text=TEXT, words=WORDS, spans=SPANS, ids=range(7), mentions=mentions))
    results = found.results()
    np.testing.assert_array_equal(results["coreference_anaphors"], [1, 0, 0, 0, 1])
    np.testing.assert_array_equal(results["coreference_unreachable"], [0] * 5)
    np.testing.assert_allclose(results["coreference_heuristic"][:, 0], [1, 0, 1, 1])


def test_the_best_head_is_scored_on_the_other_half() -> None:
    """Of 20 anaphors in each half, the first head finds 20 and 5, the second 5 and 16."""
    found = reference(heads=2)
    right, wrong = lower([1.0], [0.5, 0.5], [0.9, 0.1, 0.0]), lower([1.0], [0.5, 0.5], [0.1, 0.9, 0.0])
    mentions = (Mention(0, ANN, "a", True, 2, 0), Mention(1, BOB, "b", True, 2, 0), Mention(2, ANN, "c", True, 2, 1))
    words = tuple(Word(at, at + 1, "PRON", "root", -1) for at in range(3))
    shared = {"text": "abc", "words": words, "spans": ((0, 1), (1, 2), (2, 3)), "ids": range(3), "mentions": mentions}
    for document, hits in (("a", (20, 5)), ("c", (5, 16))):
        for n in range(20):
            alpha = np.stack([right if n < of_head else wrong for of_head in hits])
            found.add(sentence_of(alpha, document=document, **shared))
    results = found.results()
    np.testing.assert_allclose(results["coreference_accuracy"][0, :, 0, 0], [25 / 40, 21 / 40])
    for name, value in {"layer": 0, "head": 0, "accuracy": (5 + 5) / 40}.items():
        of_pronouns = [value, np.nan, np.nan, np.nan, value]
        np.testing.assert_allclose(results[f"coreference_best_{name}"], [of_pronouns] * 2, err_msg=name)
