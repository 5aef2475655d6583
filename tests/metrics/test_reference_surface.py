"""Attention whatever it means, and whole rows: against numbers worked out by hand, and closed forms of even rows."""

import numpy as np
import pytest
from by_hand import bidirectional_reference, causal_reference, new_reference, per_head, sentence_of, uniform

ln = np.log
NAMES = ("special_attention", "separator_attention", "neighbour_attention", "entropy_all", "entropy_summary",
         "peak_attention")  # fmt: skip


def nats(*row: float) -> float:
    return -sum(weight * ln(weight) for weight in row)


def test_a_sentence_between_two_pieces_of_the_template():
    # Rows: (.1, .2, .3, .4), (.25, .25, .25, .25), (0, .6, .1, .3), (.5, .02, .03, .45); kinds: first, other, other,
    # separator.
    found = bidirectional_reference().results()
    head = per_head(found)
    np.testing.assert_allclose(head["special_attention"], np.array([0.85, 1.4, 0, 1.75]) / 4)
    np.testing.assert_allclose(head["separator_attention"], [0.45, (0.4 + 0.25 + 0.3) / 3])
    previous, current, following = (0.25 + 0.6 + 0.03) / 3, (0.1 + 0.25 + 0.1 + 0.45) / 4, (0.2 + 0.25 + 0.3) / 3
    np.testing.assert_allclose(head["neighbour_attention"], [previous, current, following])
    rows = [nats(0.1, 0.2, 0.3, 0.4), ln(4), nats(0.6, 0.1, 0.3), nats(0.5, 0.02, 0.03, 0.45)]
    assert head["entropy_all"] == pytest.approx(sum(rows) / 4)
    assert head["entropy_summary"] == pytest.approx(rows[0])
    assert head["peak_attention"] == pytest.approx((0.4 + 0.25 + 0.6 + 0.5) / 4)
    np.testing.assert_allclose(found["special_attention_uniform"], [1 / 4, 1 / 4, 0, 1 / 2])


def test_two_sentences_of_a_causal_model():
    # Rows: 1; .5 .5; .2 .3 .5; and 1; .95 .05; .1 .4 .5; 0 .25 .25 .5. The first piece is null, so it is of kind first.
    found = causal_reference().results()
    head = per_head(found)
    np.testing.assert_allclose(head["special_attention"], np.array([3.75, 0, 0, 3.25]) / 7)
    assert np.isnan(head["separator_attention"]).all() and np.isnan(found["separator_attention_uniform"]).all()
    previous, current = (0.5 + 0.3 + 0.95 + 0.4 + 0.25) / 5, (1 + 0.5 + 0.5 + 1 + 0.05 + 0.5 + 0.5) / 7
    np.testing.assert_allclose(head["neighbour_attention"], [previous, current, np.nan])
    last = [nats(0.2, 0.3, 0.5), nats(0.25, 0.25, 0.5)]
    rows = [ln(2), nats(0.95, 0.05), nats(0.1, 0.4, 0.5), *last]
    assert head["entropy_all"] == pytest.approx(sum(rows) / 7)
    assert head["entropy_summary"] == pytest.approx(sum(last) / 2)
    assert head["peak_attention"] == pytest.approx((1 + 0.5 + 0.5 + 1 + 0.95 + 0.5 + 0.5) / 7)
    assert found["entropy_summary_uniform"] == pytest.approx((ln(3) + ln(4)) / 2)
    # By layer, with the even head: its last rows have ln 3 and ln 4.
    assert found["entropy_summary_by_layer"][0] == pytest.approx((sum(last) + ln(3) + ln(4)) / 4)
    # Even rows give the first piece 1 + 1/2 + 1/3, and 1/4 more in the second sentence.
    first = (3.75 + 2 * (11 / 6) + 1 / 4) / 14
    assert found["special_attention_by_layer"][0, 0] == pytest.approx(first)


def test_pairs_of_separators_count_both_ways():
    # [CLS] a [SEP] b [SEP]: of even rows, each separator has 1/5 of every row.
    reference = new_reference(causal=False)
    alpha = np.full((5, 5), 0.1)
    alpha[2], alpha[4] = (0, 0, 0.3, 0, 0.7), (0.5, 0, 0.25, 0, 0.25)
    alpha[[0, 1, 3], 0] = 0.6
    reference.add(sentence_of(alpha, null={0, 2, 4}, template={0, 2, 4}))
    found = reference.results()
    np.testing.assert_allclose(found["separator_attention"][0, 0], [(1 + 0.5) / 2, 0.2])
    np.testing.assert_allclose(found["separator_attention_uniform"], [0.4, 0.4])


def test_separators_after_a_causal_text_see_one_another_in_order():
    reference = new_reference()
    reference.add(sentence_of(uniform(4), null={0}, template={2, 3}))
    reference.add(sentence_of(uniform(9), null={0}))  # without separators: no row of it counts
    found = reference.results()
    # Row 2 sees itself, one of 3; row 3 sees two of 4; rows 0 and 1 see none.
    np.testing.assert_allclose(found["separator_attention"][0, 0], [(1 / 3 + 2 / 4) / 2, 0])
    np.testing.assert_allclose(found["separator_attention_uniform"], [(1 / 3 + 2 / 4) / 2, 0])


@pytest.mark.parametrize("causal", [True, False])
def test_even_rows_are_their_own_chance_level(causal):
    n, reference = 6, new_reference(causal=causal)
    reference.add(sentence_of(uniform(n, causal), null={0}, template={0, n - 1}))
    found = reference.results()
    for name in NAMES:
        np.testing.assert_allclose(found[name][0, 0], found[f"{name}_uniform"], rtol=1e-12, err_msg=name)
    harmonic = sum(1 / (i + 1) for i in range(n))
    if causal:
        expected = {
            "special_attention": [harmonic / n, 1 / n**2, 0, 1 - harmonic / n - 1 / n**2],
            "separator_attention": [1 / n, 0], "entropy_all": sum(ln(i + 1) for i in range(n)) / n,
            "neighbour_attention": [(harmonic - 1) / (n - 1), harmonic / n, np.nan], "peak_attention": harmonic / n,
        }  # fmt: skip
    else:
        expected = {
            "special_attention": [1 / n, 1 / n, 0, 1 - 2 / n], "separator_attention": [1 / n] * 2,
            "neighbour_attention": [1 / n] * 3, "entropy_all": ln(n), "peak_attention": 1 / n,
        }  # fmt: skip
    for name, value in {**expected, "entropy_summary": ln(n)}.items():
        np.testing.assert_allclose(found[name][0, 0], value, rtol=1e-12, err_msg=name)


def test_a_row_stands_for_its_unit_only_where_the_model_keeps_it():
    reference = new_reference(causal=False)
    reference.add(sentence_of(uniform(3, causal=False), null={0}, template={2}))
    found = reference.results()
    assert np.isnan(found["entropy_summary"]).all() and np.isnan(found["entropy_summary_uniform"])
