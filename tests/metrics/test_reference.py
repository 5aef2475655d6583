"""The reference against numbers worked out by hand; labels and links have their own files."""

import numpy as np
import pytest
from by_hand import (
    bidirectional_reference,
    causal_reference,
    lower,
    new_reference,
    per_head,
    sentence_of,
    uniform,
)
from scipy.stats import pearsonr

from attnmetrics.metrics.reference.exemplars import APART, Peak
from attnmetrics.metrics.reference.over_heads import pearson
from attnmetrics.metrics.reference.sentence import Word

ln = np.log


def test_two_sentences_of_a_causal_model():
    found = causal_reference().results()
    first = per_head(found)
    # F of "Cats eat fish": (1,1) .5, (2,1) .3, (2,2) .5, in all 1.3; on piece 0: 1 + .5 + .2 = 1.7.
    # F of "I re-ran": (1,1) .05, (2,1) .4, (2,2) .5, (3,1) .25, (3,2) .25, (3,3) .5, in all 1.95; on piece 0: 2.05.
    assert first["attention_mass"] == pytest.approx(3.25)
    assert first["null_attention"] == pytest.approx(3.75 / 7)
    # To piece 1, "eat": .8; to piece 2, "fish": .5; all of the second sentence to the verb.
    np.testing.assert_allclose(first["pos_to"], np.array([0.5, 0, 2.75, 0]) / 3.25)
    np.testing.assert_allclose(first["dependency_type_to"], np.array([0, 0.5, 2.75, 0]) / 3.25)
    # From "eat": .5; from "fish": .8; from the pieces of "re-ran": 1.95.
    np.testing.assert_allclose(first["pos_from"], np.array([0.8, 0, 2.45, 0]) / 3.25)
    # Only fish → eat is a dependency: the attended "eat" is the parent. The other dependencies lead to piece 0.
    np.testing.assert_allclose(first["dependency_alignment"], np.array([0, 0.3, 0.3]) / 3.25)
    # .3·1, and .4·1 + .25·2 + .25·1
    assert first["distance"] == pytest.approx((0.3 + 1.15) / 3.25)
    # Skipped: rows 0 (all on null) and row 1 of the second (.95). Kept: (1), (3/8, 5/8), (4/9, 5/9), (1/4, 1/4, 1/2).
    entropies = [
        0,
        -(3 / 8 * ln(3 / 8) + 5 / 8 * ln(5 / 8)),
        -(4 / 9 * ln(4 / 9) + 5 / 9 * ln(5 / 9)),
        1.5 * ln(2),
    ]
    assert first["entropy"] == pytest.approx(sum(entropies) / 4)
    assert first["entropy_rows"] == 4
    # By i − j: 0: 1.0 + 1.05; 1: .3 + .65; 2: .25
    expected = np.zeros(65)
    expected[32:35] = np.array([2.05, 0.95, 0.25]) / 3.25
    np.testing.assert_allclose(first["attention_at_offset"], expected)
    # (1,1): .5 and .05, mean .275, deviations .45; (2,1): .3 and .4, deviations .1; (2,2): equal; row 3: one sentence.
    assert first["variability"] == pytest.approx(0.55 / 6.5)


def test_corpus_of_two_sentences():
    found = causal_reference().results()
    expected = {
        "sentences": 2, "pieces": 7, "pieces_per_sentence": 3.5, "sentences_cut": 1, "pieces_unaligned": 0,
        "variability_sentences": 2, "mean_dependency_distance": 1, "dependency_within_18": 1,
    }  # fmt: skip
    assert {name: found[name].item() for name in expected} == expected
    # Not to piece 0: 2 + 3 pairs at distance 0, 1 + 2 at 1, 1 at 2; in a dependency: fish → eat.
    np.testing.assert_array_equal(found["piece_pairs"][:4], [5, 3, 1, 0])
    np.testing.assert_array_equal(found["dependency_pairs"][:4], [0, 1, 0, 0])
    np.testing.assert_array_equal(found["dependency_probability"][:4], [0, 1 / 3, 0, np.nan])
    np.testing.assert_allclose(found["dependency_baseline"], [0, 1 / 9, 1 / 9])


def test_by_layer_is_the_ratio_of_sums_over_heads():
    found = causal_reference().results()
    # The uniform head: F is 1/2 + 2/3 in the first sentence, 1/2 + 2/3 + 3/4 in the second.
    mass = 3.25 + 37 / 12
    assert found["attention_mass_by_layer"][0] == pytest.approx(mass)
    assert found["null_attention_by_layer"][0] == pytest.approx((14 - mass) / 14)
    # Distance sums of the uniform head: 1/3, and 1/3 + (2 + 1)/4.
    assert found["distance_by_layer"][0] == pytest.approx((1.45 + 1 / 3 + 1 / 3 + 3 / 4) / mass)
    # Its rows: 1, 2 and 3 columns left, equal: ln 1 (twice), ln 2 (twice), ln 3; the first rows are skipped.
    mean = found["entropy"][0, 0] * 4 + 2 * ln(2) + ln(3)
    assert found["entropy_by_layer"][0] == pytest.approx(mean / 9)
    assert found["entropy_rows_by_layer"][0] == 9
    # Its (1,1), (2,1), (2,2) are the same in both sentences: no deviation.
    assert found["variability_by_layer"][0] == pytest.approx(0.55 / (2 * mass))
    along = 0.3 + 1 / 3
    np.testing.assert_allclose(found["dependency_alignment_by_layer"][0], np.array([0, along, along]) / mass)


def test_exemplars_of_two_sentences():
    # Head 0: pieces have 4.05 ÷ 7 of their own attention. It is .5 at most in both sentences, at (1,1) before (2,2),
    # and at (2,2) before (3,3). Between two pieces it is .3 and .4, both from piece 2 to 1: one pair of ids.
    reference = causal_reference()
    assert reference.exemplars(0, 0) == [Peak(0.5, 0, 0, 1, 1), Peak(0.5, 0, 1, 2, 2)]
    assert reference.strongest.rank(0, 0, APART) == [Peak(0.4, 0, 1, 2, 1)]


def test_claims_of_two_sentences():
    claims = causal_reference().claims
    # To the verb: (1,1) .5 in the first sentence; in the second all but (2,2) and (3,3), .5 each, are less.
    assert claims.best("pos_to:VERB", 0, 0) == [Peak(0.5, 0, 0, 1, 1), Peak(0.5, 0, 1, 2, 2)]
    assert claims.best("previous", 0, 0) == [Peak(0.4, 0, 1, 2, 1), Peak(0.3, 0, 0, 2, 1)]
    assert claims.best("dependency:attended_is_parent", 0, 0) == [Peak(0.3, 0, 0, 2, 1)]
    assert claims.best("dependency:either", 0, 0) == [Peak(0.3, 0, 0, 2, 1)]
    assert claims.best("dependency:attending_is_parent", 0, 0) == []
    assert claims.best("next", 0, 0) == claims.best("second_sink", 0, 0) == []


def test_a_second_sink_is_seen_by_half_of_the_rows_or_more():
    # Rows 1 to 9 give .3 to piece 3 and .4 to piece 7, where they may, else all to piece 0, which is null.
    alpha = np.zeros((10, 10))
    alpha[3:, 3], alpha[7:, 7] = 0.3, 0.4
    alpha[8, 3] = 0.35
    alpha[:, 0] = 1 - alpha.sum(1)
    reference = new_reference()
    reference.add(sentence_of(alpha, null={0}))
    assert reference.claims.best("second_sink", 0, 0) == [Peak(0.35, 0, 0, 8, 3)]


def test_a_sentence_of_a_bidirectional_model():
    reference = bidirectional_reference()
    found = reference.results()
    head = per_head(found)
    # F: (0,1) .2, (0,2) .3, (1,1) .25, (1,2) .25, (2,1) .6, (2,2) .1, (3,1) .02, (3,2) .03
    assert head["attention_mass"] == pytest.approx(1.75)
    assert head["null_attention"] == pytest.approx(2.25 / 4)
    np.testing.assert_allclose(head["pos_to"], np.array([1.07, 0, 0.68, 0]) / 1.75)
    np.testing.assert_allclose(head["pos_from"], np.array([0.5, 0, 0.7, 0.55]) / 1.75)
    np.testing.assert_allclose(head["dependency_type_to"], np.array([1.07, 0, 0.68, 0]) / 1.75)
    # (2,1): "c" attends to its child; (1,2): "ab" attends to its parent.
    np.testing.assert_allclose(head["dependency_alignment"], np.array([0.6, 0.25, 0.85]) / 1.75)
    assert head["distance"] == pytest.approx((0.2 + 0.6 + 0.25 + 0.6 + 0.04 + 0.03) / 1.75)
    expected = np.zeros(65)
    expected[30:35] = np.array([0.3, 0.45, 0.35, 0.63, 0.02]) / 1.75
    np.testing.assert_allclose(head["attention_at_offset"], expected)
    # Row 3 has .95 on null columns.
    rows = (0.4, 0.6), (0.5, 0.5), (6 / 7, 1 / 7)
    assert head["entropy"] == pytest.approx(sum(-p * ln(p) - q * ln(q) for p, q in rows) / 3)
    assert head["entropy_rows"] == 3
    assert head["variability"] == 0
    # All four pieces may attend to pieces 1 and 2; pairs with j ≤ i: (1,1), (2,2); (2,1), (3,2); (3,1).
    np.testing.assert_allclose(found["dependency_baseline"], [1 / 8, 1 / 8, 1 / 4])
    np.testing.assert_array_equal(found["piece_pairs"][:4], [2, 2, 1, 0])
    np.testing.assert_array_equal(found["dependency_pairs"][:4], [0, 1, 0, 0])
    assert found["pieces_unaligned"] == 0
    assert reference.exemplars(0, 0) == [Peak(0.6, 0, 0, 2, 1)]


def test_ends_hold_everything_beyond():
    # Everything from piece 0, evenly, to 80 pieces, and everything else to itself; all pieces alternate parent, child.
    n = 80
    alpha = np.eye(n)
    alpha[0] = 1 / n
    alpha[-1] = 1 / n
    words = tuple(Word(k, k + 1, "NOUN", "obj", 0 if k else -1) for k in range(n))
    reference = new_reference(causal=False)
    spans = tuple((k, k + 1) for k in range(n))
    reference.add(sentence_of(alpha, text="x" * n, words=words, spans=spans))
    found = reference.results()
    # Row 0 gives 1/80 to offsets 0 … −79, row 79 to 79 … 0, the 78 rows between give all to themselves.
    offsets = found["attention_at_offset"][0, 0] * n
    np.testing.assert_allclose(offsets[[0, 1, 31, 33, 63, 64]], [48 / n, 1 / n, 1 / n, 1 / n, 1 / n, 48 / n])
    assert offsets[32] == pytest.approx(78 + 2 / n)
    # Distances 64 … 79 hold 16 + 15 + … + 1 pairs; each distance from 1 on has one dependency, with piece 0.
    assert found["piece_pairs"][63] == 17
    assert found["piece_pairs"][64] == 136
    assert found["dependency_pairs"][63] == 1
    assert found["dependency_pairs"][64] == 16
    assert found["mean_dependency_distance"] == 40
    assert found["dependency_within_18"] == pytest.approx(18 / 79)
    # Variability looks at the first 10 pieces of the sentence only.
    assert found["variability"][0, 0] == 0


def test_a_text_piece_without_a_word_is_counted_and_labelled():
    reference = new_reference()
    words = (Word(0, 1, "NOUN", "root", -1),)
    spans = ((0, 0), (0, 1), (1, 2))
    reference.add(sentence_of(np.eye(3), null={0}, template={0}, text="a ", words=words, spans=spans))
    found = reference.results()
    assert found["pieces_unaligned"] == 1
    np.testing.assert_allclose(found["pos_to"][0, 0], [0.5, 0, 0, 0.5])


def test_rows_near_the_entropy_cut_are_named():
    reference = new_reference()
    alpha = lower([1.0], [0.9 + 5e-7, 0.1 - 5e-7], [0.9 - 5e-7, 0.05, 0.05 + 5e-7], [0.8, 0.1, 0.1, 0.0])
    reference.add(sentence_of(alpha, null={0}))
    assert [(row.kept, round(row.entropy, 5)) for row in reference.near_rows] == [(False, 0.0), (True, 0.69315)]
    assert reference.results()["entropy_rows"] == 2


def test_repeated_texts_appear_once_and_ties_follow_the_corpus():
    reference = new_reference()
    for document, sentence, text, weight in [(2, 0, "b", 0.5), (1, 1, "a", 0.5), (1, 0, "b", 0.5), (3, 0, "c", 0.75)]:
        alpha = lower([1.0], [1 - weight, weight])
        place = {"document_index": document, "sentence": sentence}
        reference.add(sentence_of(alpha, null={0}, text=text, ids=(0, ord(text)), **place))
    assert reference.exemplars(0, 0) == [Peak(0.75, 3, 0, 1, 1), Peak(0.5, 1, 0, 1, 1), Peak(0.5, 1, 1, 1, 1)]


def test_without_evidence_all_is_nan():
    reference = new_reference(heads=2)
    reference.add(sentence_of(np.ones((2, 1, 1)), null={0}))
    found = reference.results()
    for name in ("pos_to", "distance", "entropy", "variability", "dependency_baseline", "distance_sd"):
        assert np.isnan(found[name]).all(), name
    assert found["null_attention"].tolist() == [[1, 1]]
    assert reference.exemplars(0, 0) == []


@pytest.mark.parametrize("heads", [3, 4, 5, 32, 144])
def test_correlation_and_its_p_value(heads):
    random = np.random.default_rng(heads)
    x = random.random(heads)
    for slope in (0, 0.3, 1):
        y = slope * x + random.random(heads)
        np.testing.assert_allclose(pearson(x, y), pearsonr(x, y), rtol=1e-9)


def test_attention_that_cannot_be_is_refused():
    reference = new_reference()
    good = uniform(2)

    def add(alpha: np.ndarray) -> None:
        reference.add(sentence_of(alpha, null={0}))

    with pytest.raises(ValueError, match="expected float64"):
        add(good.astype(np.float32))
    with pytest.raises(ValueError, match="expected rows of α that sum to 1"):
        add(good * 0.99)
    with pytest.raises(ValueError, match="expected no attention to later pieces"):
        add(uniform(2, causal=False))


def test_a_heads_output_has_the_mean_norm_of_its_rows() -> None:
    reference = new_reference(heads=2, causal=False)
    reference.add(sentence_of(np.array([[[0.6, 0.4], [0.0, 1.0]], [[0.5, 0.5], [0.5, 0.5]]])))
    found = reference.results()
    first, second = (0.52**0.5 + 1) / 2, 0.5**0.5
    np.testing.assert_allclose(found["output_norm"], [[first, second]], rtol=1e-15)
    np.testing.assert_allclose(found["output_norm_by_layer"], [(first + second) / 2], rtol=1e-15)
    relative = [2 * first / (first + second), 2 * second / (first + second)]
    np.testing.assert_allclose(found["output_norm_relative"], [relative], rtol=1e-15)
