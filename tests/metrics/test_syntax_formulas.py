"""Syntax against numbers worked out by hand: the formulas, and the twin on a sentence of three words."""

import numpy as np
import pytest
from by_hand import lower, sentence_of
from schemas import small_schema

from attnmetrics.metrics.halves import held_out
from attnmetrics.metrics.reference.sentence import Model, Word
from attnmetrics.metrics.reference.syntax import Syntax, best_of, half_of
from attnmetrics.metrics.syntax import WORD_OFFSETS
from attnmetrics.statistics.sampling import sample_hash
from attnmetrics.statistics.states import State

POS = ("NOUN", "PUNCT", "VERB", "_")
NOUN, PUNCT, VERB, _, NOMINAL, CONTENT = range(6)
"""Classes of words."""
REL = ("nsubj", "obj", "punct", "root", "_")
CATS = (
    Word(0, 4, "NOUN", "nsubj", 1),
    Word(5, 8, "VERB", "root", -1),
    Word(9, 13, "NOUN", "obj", 1),
    Word(13, 14, "PUNCT", "punct", 1),
)
SPANS = ((0, 4), (4, 8), (8, 11), (11, 13), (13, 14))


def test_one_sentence_of_a_causal_model():
    # "Cats eat fish.", "fish" of two pieces; the first piece is null.
    alpha = lower([1.0], [0.5, 0.5], [0.2, 0.3, 0.5], [0.3, 0.1, 0.4, 0.2], [0.1, 0.2, 0.3, 0.3, 0.1])
    twin = Syntax(Model(1, 1, causal=True), REL, POS)
    twin.add(sentence_of(alpha, null={0}, text="Cats eat fish.", words=CATS, spans=SPANS, document="d"))
    found = twin.results()
    # "Cats" → "eat" is later, and its own piece null: in no rule attainable. "fish" → "eat": (.3 + .1) ÷ 2, and nothing
    # else: a hit. "." → "eat": .2, but "fish" has .6. "eat" attends to no other word.
    nan = np.nan
    np.testing.assert_array_equal(found["relation_edges"], [1, 1, 1, 0, 0])
    np.testing.assert_array_equal(found["relation_edges_attainable"][0], [0, 1, 1, 0, 0])
    np.testing.assert_array_equal(found["relation_edges_attainable"][1:], 0)
    np.testing.assert_array_equal(found["relation_accuracy"][0, 0, 0], [nan, 1, 0, nan, nan])
    np.testing.assert_array_equal(found["relation_accuracy"][0, 0, 1:], nan)
    np.testing.assert_array_equal(found["parse_accuracy"][0, 0], [1, nan, nan])
    np.testing.assert_array_equal(found["relation_accuracy_all"][0, 0], [1 / 4, 0, 0])
    at_offset = found["relation_offset_accuracy"]
    np.testing.assert_array_equal(at_offset[0, 1], [float(offset == -1) for offset in WORD_OFFSETS])
    np.testing.assert_array_equal(at_offset[0, 2], [float(offset == -2) for offset in WORD_OFFSETS])
    assert np.isnan(at_offset[0, 0]).all()
    # "fish" → "eat", the nearest verb and content word before; "." → "eat", the verb: "fish" between them is none.
    obj_punct = np.zeros((2, 6, 2))
    obj_punct[0, [VERB, CONTENT], 0] = obj_punct[1, VERB, 0] = 1
    np.testing.assert_array_equal(found["relation_class_accuracy"][0, 1:3], obj_punct)
    assert not found["near_ties"].any()
    assert not found["relation_unmeasured"].any()
    assert found["map_sentences"] == 1
    assert np.isnan(found["relation_best_accuracy"]).all()


def test_one_sentence_of_a_bidirectional_model():
    alpha = np.array(
        [
            [0.1, 0.2, 0.3, 0.1, 0.3],  # "Cats" → "fish" .4, the first of 0.4, 0.3, 0.2
            [0.4, 0.0, 0.2, 0.2, 0.2],  # "eat" → "Cats" and "fish" .4: a tie, the first is "Cats"
            [0.0, 0.5, 0.1, 0.1, 0.3],
            [0.6, 0.1, 0.1, 0.1, 0.1],  # "fish" → "Cats" .3, "eat" .3, "." .2: a tie, the first is "Cats"
            [0.0, 0.0, 0.5, 0.4, 0.1],  # "." → "fish" .9
        ]
    )
    twin = Syntax(Model(1, 1, causal=False), REL, POS)
    twin.add(sentence_of(alpha, text="Cats eat fish.", words=CATS, spans=SPANS))
    found = twin.results()
    np.testing.assert_array_equal(found["relation_edges_attainable"], [[1, 1, 1, 0, 0]] * 3)
    # From "eat": "Cats" is the nearest noun before, "fish" the nearest after, "." the nearest mark after.
    of_parent = np.argwhere(found["relation_class_accuracy"][2] == 1).tolist()
    noun_before, noun_after = ([[n, kind, n] for kind in (NOUN, NOMINAL, CONTENT)] for n in (0, 1))
    assert of_parent == [*noun_before, *noun_after, [2, PUNCT, 1]]
    # From each of them the only verb: after "Cats", before the others; from "." another content word stands between.
    of_dependent = np.argwhere(found["relation_class_accuracy"][0] == 1).tolist()
    assert of_dependent == [[0, VERB, 1], [0, CONTENT, 1], [1, VERB, 0], [1, CONTENT, 0], [2, VERB, 0]]
    np.testing.assert_array_equal(found["relation_class_accuracy"][1], found["relation_class_accuracy"][0])
    # Columns: "Cats" gets .4 from "eat"; "fish" .9 from "."; "." .3 from "Cats".
    nan = np.nan
    expected = [[0, 0, 0, nan, nan], [1, 0, 0, nan, nan], [1, 0, 0, nan, nan]]
    np.testing.assert_array_equal(found["relation_accuracy"][0, 0], expected)
    np.testing.assert_array_equal(found["parse_accuracy"][0, 0], [0, 1 / 2, 1 / 2])
    np.testing.assert_array_equal(found["relation_accuracy_all"][0, 0], [0, 1 / 4, 1 / 4])
    # Row: that of "fish". Parent row: that of "eat", once for each of three edges.
    np.testing.assert_array_equal(found["near_ties"][0, 0], [1, 0, 3])


def test_words_without_pieces_have_edges_that_are_not_measured():
    # "al" is cut in two words that do not spell it: the second has no piece.
    words = (Word(0, 2, "ADP", "nsubj", 2), Word(0, 2, "DET", "obj", 2), Word(3, 6, "NOUN", "root", -1))
    twin = Syntax(Model(1, 1, causal=False), REL, POS)
    twin.add(sentence_of(np.full((2, 2), 0.5), text="al río", words=words, spans=((0, 2), (2, 6))))
    found = twin.results()
    np.testing.assert_array_equal(found["relation_edges"], [1, 0, 0, 0, 0])
    np.testing.assert_array_equal(found["relation_unmeasured"], [0, 1, 0, 0, 0])
    assert found["relation_accuracy"][0, 0, 0, 0] == 1


@pytest.mark.parametrize("document", ["a", "b", "weblog-1", "Ж, 5"])
def test_halves_are_those_of_the_hash(document):
    assert half_of(document) == sample_hash(0, document) % 2


HITS = np.array([[[20, 10], [19, 12], [19, 3]], [[5, 5], [5, 6], [0, 0]]])
"""[layer, head, half]"""


def test_what_is_best_is_scored_on_the_half_where_it_was_not_chosen():
    # The best of the first half is head 0 of layer 0, with 10 hits on the other; of the second head 1, with 19.
    edges = np.array([30, 30])
    found = held_out(HITS.reshape(6, 2, 1, 1), edges[:, None, None])
    np.testing.assert_allclose(found, [[29 / 60]])
    by_loops = best_of({(*head,): HITS[head].tolist() for head in np.ndindex(2, 3)}, edges.tolist())
    assert by_loops == ((0, 1), 29 / 60)
    assert np.isnan(held_out(HITS.reshape(6, 2, 1, 1), np.array([30, 19])[:, None, None]))


def test_formulas_on_small_numbers():
    schema = small_schema((3, 7), 3, rel=("det", "obj", "_"))
    sums = {**State.zero(schema).sums, "deviation_sum": np.zeros((2, 3)), "prefix_sum": np.zeros((2, 3))}
    sums["variability_sentences"] = np.zeros(())
    sums["relation_hits"][:, :, :, 0, 1] = HITS
    sums["relation_attainable"][:, 0, 1] = 30
    sums["relation_attainable"][:, 0, 0] = [100, 19]
    # 25 and 14 edges at +1, 5 and 15 at −2: on all 39 and 20.
    sums["relation_offset_hits"][:, 0, 1, WORD_OFFSETS.index(1)] = [25, 14]
    sums["relation_offset_hits"][:, 0, 1, WORD_OFFSETS.index(-2)] = [5, 15]
    # 24 and 13 are the nearest noun before, 6 and 16 the nearest after.
    sums["relation_class_hits"][:, 0, 1, 0] = [[24, 6], [13, 16]]
    sums["relation_words"][...] = 200
    sums["parse_hits"][1, 2], sums["parse_attainable"][...] = [3, 0, 1], [60, 0, 2]
    found = schema.compute(sums)
    np.testing.assert_array_equal(found["relation_accuracy"][0, :, 0, 1], [30 / 60, 31 / 60, 22 / 60])
    np.testing.assert_array_equal(found["relation_accuracy_by_layer"][0, 0, 1], 83 / 180)
    assert np.isnan(found["relation_accuracy"][:, :, 1:]).all()
    np.testing.assert_array_equal(found["relation_accuracy_all"][1, :, 0], [10 / 200, 11 / 200, 0])
    np.testing.assert_array_equal(found["parse_accuracy"][1, 2], [3 / 60, np.nan, 1 / 2])
    best = {
        "relation_best_layer": 3, "relation_best_head": 1, "relation_best_accuracy": 29 / 60, "relation_best_offset": 1,
        "relation_baseline": (5 + 14) / 60, "relation_class_baseline": (6 + 13) / 60,
    }  # fmt: skip
    # +1 is best on the first half and hits 14 on the second; −2 is best on the second and hits 5 on the first.
    for name, value in best.items():
        np.testing.assert_allclose(found[name][0], [np.nan, value, np.nan], err_msg=name)
        assert np.isnan(found[name][1:]).all(), name
    np.testing.assert_array_equal(found["relation_offset_accuracy"][0, 1, [8, 10]], [20 / 60, 39 / 60])
    np.testing.assert_array_equal(found["relation_class_accuracy"][0, 1, 0], [37 / 60, 22 / 60])
    np.testing.assert_array_equal(found["relation_edges_attainable"][0], [119, 60, 0])
