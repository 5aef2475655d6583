"""Sinks, peaks and deviations of distance, against numbers worked out by hand."""

import numpy as np
from by_hand import lower, new_reference, sentence_of, uniform
from numpy.testing import assert_allclose, assert_array_equal

from attnmetrics.metrics.reference.sinks import bin_of, rate
from attnmetrics.metrics.sinks import find_bins, may_be_second_sink


def at_bins(counts: dict[int, int]) -> np.ndarray:
    """[weight_bin] 0 but for these."""
    return np.bincount(list(counts), list(counts.values()), 50)


def resting(n: int, first: float) -> np.ndarray:
    """Row 0 is all on piece 0; of every other one, piece 0 has a share and the piece itself the rest."""
    return lower([1.0], *([first, *[0.0] * (i - 1), 1 - first] for i in range(1, n)))


def test_bins() -> None:
    weights = np.array([-1e-17, 0, 0.019, 0.021, 0.2999, 0.3, 0.999, 1])
    assert_array_equal(find_bins(weights), [0, 0, 0, 1, 14, 15, 49, 49])
    assert [bin_of(weight) for weight in weights.tolist()] == [0, 0, 0, 1, 14, 15, 49, 49]
    assert rate(at_bins({14: 1, 15: 2, 49: 1})) == 0.75


def test_a_causal_model() -> None:
    reference = new_reference(heads=2)
    for n, first in ((16, 0.39), (15, 0.39), (9, 0.39), (16, 0.25), (20, 0.91)):
        reference.add(sentence_of(np.stack([resting(n, first), uniform(n)]), null={0}))
    found = reference.results()
    # Sentences of 16, 16 and 20 pieces; even attention gives (1/2 + … + 1/16) ÷ 15 = .159, and .137 in that of 20.
    assert_array_equal(found["first_piece_histogram"][0], [at_bins({19: 1, 12: 1, 45: 1}), at_bins({7: 2, 6: 1})])
    assert_allclose(found["sink_rate"], [[2 / 3, 0]])
    assert_allclose(found["sink_rate_by_layer"], [1 / 3])
    assert found["sink_rate_uniform"] == 0
    # All sentences: a row's own .61, .61, .61, .75, .09; of even attention α[1,1] = 1/2.
    assert_array_equal(found["unit_peak_histogram"][0], [at_bins({30: 3, 37: 1, 4: 1}), at_bins({25: 5})])
    # Sentences of 16, 15, 16, 20 pieces: of columns with half of the rows the last has fewest: 8 (twice), 7, 10.
    second = (0.61 / 8 + 0.61 / 8 + 0.75 / 8 + 0.09 / 10) / 4
    # Even attention: column 1 has (1/2 + … + 1/n) ÷ (n − 1).
    harmonic = {n: sum(1 / k for k in range(2, n + 1)) / (n - 1) for n in (15, 16, 20)}
    even = (harmonic[16] * 2 + harmonic[15] + harmonic[20]) / 4
    assert_allclose(found["second_sink"], [[second, even]])
    assert_allclose(found["second_sink_by_layer"], [(second + even) / 2])
    assert_allclose(found["second_sink_uniform"], even)
    # Rows off null: .61 × 15, .61 × 14, .61 × 8, .75 × 15 and .09 × 19 of 16 + 15 + 9 + 16 + 20; of even attention all
    # but 1 + 1/2 + … + 1/n of each n.
    sizes = (16, 15, 9, 16, 20)
    evens = [n - sum(1 / k for k in range(1, n + 1)) for n in sizes]
    off_null = np.array([0.61 * (15 + 14 + 8) + 0.75 * 15 + 0.09 * 19, sum(evens)]) / sum(sizes)
    assert_allclose(found["second_sink_off_null"], [[second, even] / off_null])


def test_a_model_that_looks_both_ways() -> None:
    # 10 pieces between null ones, of which 6 is null, too: column 6 has all that is left, then column 3 has most.
    alpha = np.full((12, 12), 0.02)
    alpha[:, 3], alpha[:, 6] = 0.1, 0.5
    alpha[2, 3], alpha[2, 6] = 0.3, 0.3
    alpha[:, 0] += 1 - alpha.sum(axis=1)
    reference = new_reference(causal=False)
    reference.add(sentence_of(alpha, null={0, 6, 11}, template={0, 6, 11}))
    found = reference.results()
    assert_allclose(found["second_sink"], [[(11 * 0.1 + 0.3) / 12]])
    assert_allclose(found["second_sink_uniform"], 1 / 12)
    assert_array_equal(found["unit_peak_histogram"][0, 0], at_bins({15: 1}))
    assert np.isnan(found["sink_rate"]).all() and np.isnan(found["sink_rate_uniform"])
    assert not found["first_piece_histogram"].any()


def test_the_first_row_has_no_part_in_attention_to_the_first_piece() -> None:
    alpha = np.full((20, 20), 0.05)
    alpha[0] = 0
    alpha[0, 0] = 1
    reference = new_reference(causal=False)
    reference.add(sentence_of(alpha))
    assert_array_equal(reference.results()["first_piece_histogram"][0, 0], at_bins({2: 1}))


def test_without_an_attendable_pair() -> None:
    reference = new_reference()
    reference.add(sentence_of(np.ones((1, 1)), null={0}))
    found = reference.results()
    assert_array_equal(found["unit_peak_histogram"][0, 0], at_bins({0: 1}))
    assert np.isnan(found["second_sink"]).all() and np.isnan(found["second_sink_uniform"])
    assert np.isnan(found["distance_deviation"]).all()


def test_columns_that_may_be_second_sinks() -> None:
    piece, null = np.arange(12), np.arange(12) < 1
    assert np.flatnonzero(may_be_second_sink(piece, 12, 12 - piece, null)).tolist() == [1, 2, 3, 4, 5, 6]
    assert not may_be_second_sink(piece[:9], 9, 9 - piece[:9], null[:9]).any()
    assert np.flatnonzero(may_be_second_sink(piece, 12, 12, piece > 8)).tolist() == [*range(1, 9)]


def test_deviation_of_distance() -> None:
    reference = new_reference(heads=2)
    # Off the null piece: .5 at 0 and at 1, .25 at 2 and .25 at 1; and all of the second head at 1.
    first = lower([1.0], [0.5, 0.5], [0.5, 0.5, 0.0], [0.5, 0.25, 0.25, 0.0])
    reference.add(sentence_of(np.stack([first, lower([1.0], [1.0, 0.0], [0, 1.0, 0.0], [0, 0, 1.0, 0.0])]), null={0}))
    found = reference.results()
    mean = (0.5 + 0.5 + 0.25) / 1.5
    assert_allclose(found["distance"], [[mean, 1]])
    assert_allclose(found["distance_deviation"], [[((0.5 + 1 + 0.25) / 1.5 - mean**2) ** 0.5, 0]])
