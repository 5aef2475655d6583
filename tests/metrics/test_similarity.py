"""Distances of heads, their map and their clusters: by hand, by planted points and groups, by other code."""

from math import log, sqrt

import numpy as np
import pytest
from by_hand import lower, new_reference, sentence_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import jensenshannon, squareform

from attnmetrics.metrics.clusters import find_clusters, silhouettes
from attnmetrics.metrics.reference.similarity import clusters_of, divergence, divergence_of_rows, map_of
from attnmetrics.metrics.scaling import explained, place
from attnmetrics.metrics.similarity import FAMILY, affordable_rows

seeds = st.integers(0, 2**32 - 1)


def squared_distances(points: np.ndarray) -> np.ndarray:
    return ((points[:, None] - points) ** 2).sum(-1)


def compute(layers: int, heads: int, divergence_sum: list[float], rows: float) -> dict[str, np.ndarray]:
    """All results of the family from its two sums."""
    shape = np.zeros((layers, heads))
    sums = {"divergence_sum": np.array(divergence_sum), "similarity_rows": np.array(rows), "given_sum": shape}
    return {result.name: result.compute(sums) for result in FAMILY.results}


def test_a_row_that_two_heads_share_and_one_that_they_do_not():
    reference = new_reference(heads=2)
    one, other = lower([1.0], [0.5, 0.5], [1.0, 0, 0]), lower([1.0], [0.5, 0.5], [0, 0.25, 0.75])
    reference.add(sentence_of(np.stack([one, other])))
    found = reference.results()
    # Row 0 of a causal model is left out, row 1 is the same, row 2 has nothing in common: ln 2 in two rows.
    np.testing.assert_allclose(found["head_distance"][0, :, 0, :], [[0, log(2) / 2], [log(2) / 2, 0]])
    assert found["similarity_rows"] == 2
    assert found["layer_distance"].item() == pytest.approx(log(2) / 2)
    # Two points at a distance of √D lie ½ √D on either side of the middle, the first on the positive one.
    half = sqrt(log(2) / 2) / 2
    np.testing.assert_allclose(found["head_map"][0], [[half, 0], [-half, 0]], atol=1e-12)
    assert np.isnan(found["head_cluster"]).all()


def test_divergences_are_those_of_scipy():
    random = np.random.default_rng(0)
    p, q = random.dirichlet(np.full(6, 0.3), (2, 20))
    p[0], q[0], p[1] = np.eye(6)[0], np.eye(6)[1], q[1]
    rows = [divergence_of_rows(*pair) for pair in zip(p, q, strict=True)]
    np.testing.assert_allclose(rows, jensenshannon(p, q, axis=1) ** 2, atol=1e-12)
    assert rows[0] == pytest.approx(log(2))
    assert rows[1] == 0
    assert divergence(p, q) == pytest.approx(sum(rows))


def test_results_of_four_heads_in_two_layers():
    # Heads 0.0, 0.1, 1.0, 1.1 on a line at 0, 1, 4, 5: squared distances 1 16 25, 9 16, 1, over two rows.
    found = compute(2, 2, [2, 32, 50, 18, 32, 2], rows=2)
    np.testing.assert_array_equal(found["head_distance"][0, 1], [[1, 0], [9, 16]])
    np.testing.assert_allclose(found["layer_distance"], [[1, (16 + 25 + 9 + 16) / 4], [16.5, 1]])
    np.testing.assert_allclose(np.abs(found["head_map"][..., 0]), [[2.5, 1.5], [1.5, 2.5]])
    np.testing.assert_allclose(found["head_map"][..., 1], 0, atol=1e-7)
    assert found["head_map"][0, 0, 0] > 0  # the first of equals is positive
    assert found["head_cluster"].tolist() == [[0, 0], [1, 1]]
    sums = {"divergence_sum": np.array([2.0, 32, 50, 18, 32, 2]), "similarity_rows": np.array(2.0)}
    (places,) = (result for result in FAMILY.results if result.name == "head_map")
    assert places.also is not None
    assert places.also({**sums, "given_sum": np.zeros((2, 2))}) == {"explained_shares": [1.0, 0.0]}


def test_without_rows_all_is_nan_and_alone_a_head_has_no_other():
    nothing = compute(2, 2, [0] * 6, rows=0)
    assert nothing.pop("similarity_rows") == 0
    assert all(np.isnan(value).all() for value in nothing.values())
    alone = compute(1, 1, [], rows=5)
    assert alone["head_distance"].item() == 0
    assert alone["head_map"].tolist() == [[[0, 0]]]
    assert np.isnan(alone["layer_distance"]).all() and np.isnan(alone["head_cluster"]).all()
    equal = compute(2, 2, [0] * 6, rows=5)
    assert not equal["head_map"].any()
    assert len(set(equal["head_cluster"].ravel().tolist())) == 2  # of equals the smallest number


@settings(max_examples=20)
@given(seeds)
def test_a_plane_is_mapped_as_it_is(seed):
    points = np.random.default_rng(seed).normal(size=(9, 2)) * [3, 1]
    squared = squared_distances(points)
    found = place(squared)
    np.testing.assert_allclose(squared_distances(found), squared, atol=1e-9)
    np.testing.assert_allclose(explained(squared).sum(), 1)
    assert (np.take_along_axis(found, np.abs(found).argmax(0)[None], 0) > 0).all()


@settings(max_examples=10)
@given(seeds)
def test_maps_and_clusters_are_those_of_the_twins(seed):
    random = np.random.default_rng(seed)
    squared = squared_distances(random.normal(size=(12, 5)) * [4, 2, 1, 0.5, 0.5])
    np.testing.assert_allclose(place(squared), map_of(squared), atol=1e-6)
    np.testing.assert_array_equal(find_clusters(np.sqrt(squared)), clusters_of(np.sqrt(squared)))


def test_planted_groups_are_found_and_numbered_by_size():
    random = np.random.default_rng(1)
    group = np.array([2, 0, 1, 0, 0, 1, 2, 0])
    points = np.array([[0, 0], [9, 0], [0, 9]])[group] + random.normal(scale=0.2, size=(8, 2))
    distance = np.sqrt(squared_distances(points))
    # Of the two groups of two, the one with head 0 comes first.
    assert find_clusters(distance).tolist() == np.array([0, 2, 1])[group].tolist()
    joined = fcluster(linkage(squareform(distance), "average"), 3, "maxclust")
    assert {*zip(joined, group.tolist(), strict=True)} == {(joined[k], group[k]) for k in (0, 1, 2)}


def test_silhouettes_by_hand():
    distance = np.abs(np.subtract.outer([0.0, 1, 4, 9], [0.0, 1, 4, 9]))
    found = silhouettes(distance, np.array([0, 0, 1, 2]))
    np.testing.assert_allclose(found, [1 - 1 / 4, 1 - 1 / 3, 0, 0])


def test_the_number_of_rows_follows_from_heads_and_columns():
    assert affordable_rows(4096, heads=144, columns=128) == 4096
    assert affordable_rows(4096, heads=270, columns=128) == 6_000_000_000 // (270 * 269 // 2 * 128)
    assert affordable_rows(4096, heads=1500, columns=1024) == 256
    assert affordable_rows(100, heads=1500, columns=1024) == 100
    assert affordable_rows(4096, heads=1, columns=128) == 4096
