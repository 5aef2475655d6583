"""Labels and links in the reference, against numbers worked out by hand."""

import numpy as np
import pytest
from by_hand import POS, REL, bidirectional_reference, causal_reference, lower, new_reference, per_head, sentence_of

from attnmetrics.metrics.reference.sentence import Word
from attnmetrics.metrics.reference.twins import Reference


def at_offsets(values: dict[int, float]) -> np.ndarray:
    """[offset] NaN but for these."""
    found = np.full(65, np.nan)
    for offset, value in values.items():
        found[offset + 32] = value
    return found


def test_labels_of_a_causal_model():
    found = causal_reference().results()
    # From "eat": .5, the root; from "fish": .8, the object; from the pieces of "re-ran": 1.95, the root.
    np.testing.assert_allclose(found["dependency_type_from"][0, 0], np.array([0, 0.8, 2.45, 0]) / 3.25)
    # Row i reaches i + 1 pieces, all but the first not null: 1/2 + 2/3, and 1/2 + 2/3 + 3/4, in all 37/12.
    # To "eat": 1/2 + 1/3; to "fish": 1/3; all of the second sentence, 23/12, is to and from the verb.
    np.testing.assert_allclose(found["pos_to_uniform"], np.array([4, 0, 33, 0]) / 37)
    np.testing.assert_allclose(found["dependency_type_to_uniform"], np.array([0, 4, 33, 0]) / 37)
    # From "eat": 1/2; from "fish": 2/3.
    np.testing.assert_allclose(found["pos_from_uniform"], np.array([8, 0, 29, 0]) / 37)
    np.testing.assert_allclose(found["dependency_type_from_uniform"], np.array([0, 8, 29, 0]) / 37)
    # The first piece is null: no attention to it is measured, and it gives none.
    np.testing.assert_array_equal(found["special_to"][0, 0], [0, 0, 0, 1])
    np.testing.assert_array_equal(found["special_from"][0, 0], [0, 0, 0, 1])
    # Both heads: the uniform one has F of 5/6 to "eat", 1/3 to "fish", 23/12 to "re-ran".
    mass = 3.25 + 37 / 12
    np.testing.assert_allclose(found["pos_to_by_layer"][0], np.array([0.5 + 1 / 3, 0, 2.75 + 33 / 12, 0]) / mass)


def test_dependencies_of_a_causal_model():
    found = causal_reference().results()
    first = per_head(found)
    # fish → eat has .3 of 3.25, one row; a third of what "fish" reaches. No row has a child before it that is not null.
    np.testing.assert_array_equal(found["dependency_rows"], [0, 1, 1])
    np.testing.assert_allclose(first["dependency_attention"], [np.nan, 0.3, 0.3])
    np.testing.assert_allclose(found["dependency_attention_uniform"], [np.nan, 1 / 3, 1 / 3])
    np.testing.assert_allclose(found["dependency_alignment_uniform"], np.array([0, 4, 4]) / 37)
    # Of 5 pairs at offset 0, 3 at 1, 1 at 2, one is a dependency, at 1, which has .95 of the attention.
    along = at_offsets({0: 0, 1: 1 / 3, 2: 0})
    np.testing.assert_allclose(found["dependency_at_offset"], [at_offsets({0: 0, 1: 0, 2: 0}), along, along])
    expected = np.array([0, 0.95 / 3, 0.95 / 3]) / 3.25
    np.testing.assert_allclose(first["dependency_expected"], expected)
    np.testing.assert_allclose(first["dependency_excess"], np.array([0, 0.3, 0.3]) / 3.25 - expected)


def test_dependencies_by_layer():
    found = causal_reference().results()
    # The uniform head: 1/3 along fish → eat; 1/3 at offset 1 in the first sentence, 1/3 + 1/4 in the second.
    mass = 3.25 + 37 / 12
    np.testing.assert_allclose(found["dependency_attention_by_layer"][0, 1:], (0.3 + 1 / 3) / 2)
    expected = (0.95 + 2 / 3 + 1 / 4) / 3 / mass
    np.testing.assert_allclose(found["dependency_expected_by_layer"][0, 1:], expected)
    np.testing.assert_allclose(found["dependency_excess_by_layer"][0, 1:], (0.3 + 1 / 3) / mass - expected)


def test_labels_and_dependencies_of_a_bidirectional_model():
    found = bidirectional_reference().results()
    first = per_head(found)
    # Rows give .5 ([CLS]), .5, .7, .05 ([SEP]); each reaches 4 pieces, of which 2 are not null.
    np.testing.assert_allclose(first["special_from"], np.array([0.5, 0.05, 0, 1.2]) / 1.75)
    np.testing.assert_allclose(found["special_from_uniform"], [1 / 4, 1 / 4, 0, 1 / 2])
    np.testing.assert_array_equal(found["special_to_uniform"], [0, 0, 0, 1])
    np.testing.assert_allclose(found["pos_to_uniform"], [1 / 2, 0, 1 / 2, 0])
    np.testing.assert_allclose(found["pos_from_uniform"], [1 / 4, 0, 1 / 4, 1 / 2])
    # (2,1): "c" attends to its child, .6; (1,2): "ab" to its parent, .25; each 1/4 of what the row reaches.
    np.testing.assert_array_equal(found["dependency_rows"], [1, 1, 2])
    np.testing.assert_allclose(first["dependency_attention"], [0.6, 0.25, 0.425])
    np.testing.assert_allclose(found["dependency_attention_uniform"], [1 / 4, 1 / 4, 1 / 4])
    np.testing.assert_allclose(found["dependency_alignment_uniform"], [1 / 8, 1 / 8, 1 / 4])
    # Pairs: (0,2) at −2; (0,1), (1,2) at −1, with .45; (1,1), (2,2) at 0; (2,1), (3,2) at 1, with .63; (3,1) at 2.
    none = {-2: 0, -1: 0, 0: 0, 1: 0, 2: 0}
    directions = {**none, 1: 1 / 2}, {**none, -1: 1 / 2}, {**none, -1: 1 / 2, 1: 1 / 2}
    np.testing.assert_allclose(found["dependency_at_offset"], [at_offsets(each) for each in directions])
    expected = np.array([0.63, 0.45, 1.08]) / 2 / 1.75
    np.testing.assert_allclose(first["dependency_expected"], expected)
    np.testing.assert_allclose(first["dependency_excess"], np.array([0.6, 0.25, 0.85]) / 1.75 - expected)


def test_template_pieces_that_are_not_null():
    reference = new_reference(causal=False)
    alpha = np.array([[0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25], [0, 0.6, 0.1, 0.3], [0.5, 0.02, 0.03, 0.45]])
    spans = ((0, 0), (0, 1), (1, 2), (0, 0))
    reference.add(sentence_of(alpha, template={0, 3}, text="a,", words=(Word(0, 1, "NOUN", "root", -1),), spans=spans))
    found = reference.results()
    # Columns [CLS], "a", ",", [SEP] receive .85, 1.07, .68, 1.4 of 4.
    np.testing.assert_allclose(found["special_to"][0, 0], np.array([0.85, 1.4, 0.68, 1.07]) / 4)
    np.testing.assert_allclose(found["special_from"][0, 0], [1 / 4] * 4)
    np.testing.assert_allclose(found["pos_to"][0, 0], np.array([1.07, 0, 0, 2.93]) / 4)
    np.testing.assert_allclose(found["pos_to_uniform"], [1 / 4, 0, 0, 3 / 4])
    assert found["pieces_unaligned"] == 1


@pytest.mark.parametrize(
    ("null", "repeat", "rows", "even"),
    [
        (set(), 0.4, 2, (1 / 3 + 1 / 4) / 2),  # (2,0) .2 and (3,1) .2
        ({0}, 0.2, 1, 1 / 4),  # without (2,0)
    ],
)
def test_repeat_and_induction(null, repeat, rows, even):
    reference = new_reference()
    alpha = lower([1.0], [0.5, 0.5], [0.2, 0.7, 0.1], [0.1, 0.2, 0.3, 0.4])
    reference.add(sentence_of(alpha, null, ids=[7, 8, 7, 8]))
    found = reference.results()
    # Left when the first column is null: .5 + .8 + .9 of 4; even attention: 1/2 + 2/3 + 3/4.
    mass, even_mass, pairs = (2.2, 23 / 12, 6) if null else (4, 4, 10)
    assert found["repeat_alignment"].item() == pytest.approx(repeat / mass)
    assert found["repeat_attention"].item() == pytest.approx(repeat / rows)
    assert found["repeat_rows"] == rows
    assert found["repeat_baseline"] == pytest.approx(rows / pairs)
    assert found["repeat_attention_uniform"] == pytest.approx(even)
    assert found["repeat_alignment_uniform"] == pytest.approx(even * rows / even_mass)
    # (2,1) .7 and (3,2) .3, in both
    assert found["induction_alignment"].item() == pytest.approx(1 / mass)
    assert found["induction_attention"].item() == pytest.approx(1 / 2)
    assert found["induction_attention_uniform"] == pytest.approx((1 / 3 + 1 / 4) / 2)
    # They are the last two of the pairs at offset 1, of which (1,0) is the other.
    share = 1 / 1 if null else 2 / 3
    at_1 = 1.0 if null else 1.5
    assert found["induction_at_offset"][33] == pytest.approx(share)
    assert found["induction_expected"].item() == pytest.approx(at_1 * share / mass)
    assert found["induction_excess"].item() == pytest.approx((1 - at_1 * share) / mass)


def test_a_row_with_several_partners_counts_once():
    reference = new_reference()
    reference.add(sentence_of(lower([1.0], [0.5, 0.5], [0.2, 0.7, 0.1]), ids=[7, 7, 7]))
    found = reference.results()
    # Row 1 has one partner, .5; row 2 has two, .9.
    assert found["repeat_rows"] == 2
    assert found["repeat_attention"].item() == pytest.approx(1.4 / 2)
    assert found["repeat_attention_uniform"] == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_any_label_and_any_link_of_words():
    links = {"dependency": True, "same_lemma": False}
    reference = Reference(
        1, 1, causal=True, labels={"animacy": ("no", "yes", "_"), "pos": POS, "rel": REL}, links=links
    )
    words = (Word(0, 2, "NOUN", "root", -1), Word(2, 3, "NOUN", "obj", 0))
    reference.add(
        sentence_of(
            lower([1.0], [0.5, 0.5], [0.25, 0.25, 0.5], [0.1, 0.2, 0.3, 0.4]),
            null={0},
            template={0},
            text="abc",
            words=words,
            spans=((0, 0), (0, 1), (1, 2), (2, 3)),
            labels={"animacy": ["yes", "no"]},
            links={"same_lemma": frozenset({(0, 1), (1, 0)})},
        )
    )
    found = reference.results()
    # To "ab", in two pieces: .5 + .75 + .5; to "c": .4. From "ab": 1.25; from "c": .9.
    np.testing.assert_allclose(found["animacy_to"][0, 0], np.array([0.4, 1.75, 0]) / 2.15)
    np.testing.assert_allclose(found["animacy_from"][0, 0], np.array([0.9, 1.25, 0]) / 2.15)
    np.testing.assert_allclose(found["animacy_to_uniform"], np.array([3, 20, 0]) / 23)
    np.testing.assert_allclose(found["animacy_from_uniform"], np.array([9, 14, 0]) / 23)
    # "c" to both pieces of "ab", .2 and .3, at offsets 2 and 1; not from "ab" to "c", which comes later.
    values = {
        "alignment": 0.5 / 2.15,
        "baseline": 2 / 6,
        "alignment_uniform": 6 / 23,
        "rows": 1,
        "attention": 0.5,
        "attention_uniform": 2 / 4,
        "expected": ((0.25 + 0.3) / 2 + 0.2) / 2.15,
        "excess": 0.025 / 2.15,
    }
    assert {name: found[f"same_lemma_{name}"].item() for name in values} == pytest.approx(values)
    np.testing.assert_allclose(found["same_lemma_at_offset"], at_offsets({0: 0, 1: 1 / 2, 2: 1}))


def test_names_without_evidence():
    reference = new_reference()
    reference.add(sentence_of(np.ones((1, 1)), null={0}))
    found = reference.results()
    for name in ("pos_from", "special_to_uniform", "dependency_expected", "repeat_alignment", "repeat_attention"):
        assert np.isnan(found[name]).all(), name
    assert np.isnan(found["induction_at_offset"]).all()
    assert found["dependency_rows"].tolist() == [0, 0, 0]
