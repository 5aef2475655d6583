"""What is special in a text: departures of rows from a profile, by loops, and a planted head."""

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.model.reading import Attention
from attnmetrics.views.text.special import departures, profiles, special

OFFSETS = np.arange(-2, 3)
PIECES, WIDTH = 9, 4


def made_up(seed: int, causal: bool = True) -> Attention:
    random = np.random.default_rng(seed)
    query, key = random.normal(size=(2, 2, 3, PIECES, WIDTH)).astype(np.float32)
    return Attention((0, 1), 2 * query, key, (0.5, 0.5), causal)


def profile_of(null: NDArray[np.float64], by_offset: NDArray[np.float64]) -> NDArray[np.float64]:
    data = xr.Dataset(
        {"null_attention": (("layer", "head"), null), "attention_at_offset": (("layer", "head", "offset"), by_offset)},
        {"offset": OFFSETS},
    )
    found = profiles(data)
    assert found is not None
    assert found[1].tolist() == OFFSETS.tolist()
    return found[0]


def loops(alpha: NDArray[np.float64], null: list[bool], profile: NDArray[np.float64], i: int) -> float:
    """How far row i of a head [i, j] is from its profile."""
    own, reached = np.zeros(len(profile)), np.zeros(len(profile), bool)
    for j in range(len(null)):
        if alpha[i, j] > 0:
            entry = 0 if null[j] else 1 + OFFSETS.tolist().index(max(-2, min(2, i - j)))
            own[entry] += alpha[i, j]
            reached[entry] = True
    usual = np.where(reached, profile, 0)
    return float(0.5 * np.abs(own - usual / usual.sum()).sum())


@pytest.mark.parametrize("causal", [True, False])
def test_rows_depart_by_the_share_that_would_have_to_move(causal: bool) -> None:
    random = np.random.default_rng(7)
    profile = profile_of(random.uniform(size=(2, 3)), random.dirichlet(np.ones(5), (2, 3)))
    found, null = made_up(1, causal), [True, *[False] * (PIECES - 1)]
    by_row, rows = departures(found, np.array(null), profile, OFFSETS)
    assert rows.tolist() == list(range(3, PIECES))
    for layer, head, at in np.ndindex(by_row.shape):
        expected = loops(found.weights[layer, head], null, profile[layer, head], int(rows[at]))
        assert by_row[layer, head, at] == pytest.approx(expected, abs=1e-12)


def test_a_head_that_does_what_it_never_does_is_named_first() -> None:
    null = np.array([True, *[False] * (PIECES - 1)])
    profile = profile_of(np.full((2, 3), 0.5), np.full((2, 3, 5), 0.2))
    usual = [departures(made_up(seed), null, profile, OFFSETS)[0].mean(2) for seed in range(2, 12)]
    odd = made_up(12)
    odd.key[1, 2, 4] = 50 * odd.query[1, 2, 7] / np.linalg.norm(odd.query[1, 2, 7])
    odd.query[1, 2, 5:] = odd.query[1, 2, 7]
    first, *_ = special(odd, null, profile, OFFSETS, usual, most=2)
    assert (first["layer"], first["head"], first["j"]) == (1, 2, 4)
    assert first["weight"] == pytest.approx(1, abs=1e-3) and first["score"] > 3


def test_a_run_without_offsets_has_no_profiles() -> None:
    assert profiles(xr.Dataset()) is None
