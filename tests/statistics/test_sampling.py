import doctest
from hashlib import blake2b

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from attnmetrics.statistics import sampling
from attnmetrics.statistics.sampling import Sampler, Selection, equal_share, sample_hash, sample_hashes, smallest

Keys = tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]
# few hashes, so that many are equal; no two sentences have the same place
KEYS = st.lists(
    st.tuples(st.sampled_from([0, 1, 2**63, 2**64 - 1]), st.integers(0, 9), st.integers(0, 9)),
    unique_by=lambda key: key[1:],
    max_size=40,
)


def arrays(keys: list[tuple[int, int, int]]) -> Keys:
    hashes, documents, sentences = zip(*keys, strict=True) if keys else ((), (), ())
    return np.array(hashes, np.uint64), np.array(documents, np.int64), np.array(sentences, np.int64)


def blake(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def test_hashes_are_blake2b_of_seed_position_row_and_document() -> None:
    assert sample_hash(3, "Köln", 14) == blake("3,14,Köln") == 2_187_569_089_015_186_205
    assert sample_hash(3, "Köln, am Rhein", 14, 2) == blake("3,14,2,Köln, am Rhein")
    assert sample_hash(3, "Köln") == blake("3,Köln")
    expected = np.array([blake("3,14,Köln"), blake("3,0,a")], np.uint64)
    np.testing.assert_array_equal(sample_hashes(3, ["Köln", "a"], np.array([14, 0])), expected)


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(sampling).attempted > 3
    assert doctest.testmod(sampling).failed == 0


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9), st.integers(1, 60))
def test_an_equal_share_of_every_shard_or_all(counts: list[int], limit: int) -> None:
    share = equal_share(limit, len(counts), sum(counts))
    taken = [len(range(count)[:share]) for count in counts]
    assert sum(taken) <= limit
    assert taken == (counts if sum(counts) <= limit else [min(count, limit // len(counts)) for count in counts])
    assert equal_share(None, len(counts), sum(counts)) is None


@given(st.lists(st.tuples(st.integers(), st.text("1,-"), st.integers(0, 99)), unique=True, min_size=2, max_size=2))
def test_different_sentences_have_different_hashes(places: list[tuple[int, str, int]]) -> None:
    first, second = (sample_hash(*place) for place in places)
    assert first != second
    assert 0 <= first < 2**64


@given(KEYS, st.integers(0, 45))
def test_smallest_are_the_first_in_order(keys: list[tuple[int, int, int]], n: int) -> None:
    chosen = smallest(*arrays(keys), n)
    assert sorted(key for key, c in zip(keys, chosen, strict=True) if c) == sorted(keys)[:n]


@given(KEYS, st.integers(0, 45), st.data())
def test_a_stream_selects_the_same_in_any_order_and_chunks(
    keys: list[tuple[int, int, int]], n: int, data: st.DataObject
) -> None:
    sampler = Sampler(n)
    rest = data.draw(st.permutations(keys))
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        sampler.add(*arrays(rest[:size]))
        rest = rest[size:]
        assert sampler.held <= 2 * n + size
    selection = sampler.selection()
    np.testing.assert_array_equal(selection.selects(*arrays(keys)), smallest(*arrays(keys), n))
    assert selection.number == min(n, len(keys))


def test_a_sample_of_all_has_no_bound() -> None:
    sampler = Sampler(3)
    assert sampler.selection() == Selection(0, None)
    sampler.add(*arrays([(5, 0, 0), (4, 0, 1), (3, 1, 0)]))
    assert sampler.selection() == Selection(3, None)
    sampler.add(*arrays([(4, 1, 1)]))
    assert sampler.selection() == Selection(3, (4, 1, 1))
    assert sampler.seen == 4


def test_a_sample_is_spread_evenly() -> None:
    places = np.arange(20_000)
    hashes = sample_hashes(0, ["document"] * len(places), places)
    chosen = smallest(hashes, np.zeros_like(places), places, 2_000)
    per_thousand = chosen.reshape(20, -1).sum(1)
    assert per_thousand.min() > 60 and per_thousand.max() < 140
    other = smallest(sample_hashes(1, ["document"] * len(places), places), np.zeros_like(places), places, 2_000)
    assert (chosen & other).sum() < 300
