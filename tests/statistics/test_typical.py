"""A sample of units cut into parts: against plain Python, and the laws by which it merges."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnmetrics.errors import MergeError
from attnmetrics.metrics.reference.sentence import Model, Sentence
from attnmetrics.metrics.reference.typical import PARTS, Unit, cut
from attnmetrics.metrics.reference.typical import Typical as Twin
from attnmetrics.statistics import typical
from attnmetrics.statistics.exemplars import Peaks
from attnmetrics.statistics.sampling import sample_hash
from attnmetrics.statistics.typical import NOTHING, Typical, enough, find_typical, from_peaks, merge_typical

LAYERS, HEADS = 2, 2


def made(seed: int, number: int) -> Typical:
    """Few hashes and weights, so that ties are common; all units of a part of the corpus."""
    random = np.random.default_rng(seed)
    shape = number, LAYERS, HEADS
    i = random.integers(-1, 4, shape, dtype=np.int32)
    return Typical(
        hashes=random.integers(2**63 - 4, 2**63 + 4, number, dtype=np.uint64),
        document_index=np.arange(number) // 3,
        sentence=np.arange(number) % 3,
        weight=np.where(i < 0, 0, random.choice(np.float32([0, 0.25, 0.5, 1]), shape)).astype(np.float32),
        i=i,
        j=i,
    )


def plain(units: Typical) -> list[tuple]:
    columns = (units.hashes, units.document_index, units.sentence, units.weight, units.i, units.j)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def take(units: Typical, rows: np.ndarray) -> Typical:
    return units._take(rows)


@pytest.fixture(autouse=True)
def few_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typical, "UNITS", 20)


seeds, numbers = st.integers(0, 2**32 - 1), st.integers(0, 60)


@settings(max_examples=40)
@given(seeds, numbers, st.integers(2, 6))
def test_parts_in_any_order_give_the_units_with_the_smallest_hashes(seed: int, number: int, parts: int) -> None:
    every = made(seed, number)
    shuffled = np.random.default_rng(seed).permutation(number)
    pieces = [take(every, own).keep(20) for own in np.array_split(shuffled, parts)]
    assert len(pieces) > 1
    merged = merge_typical(pieces)
    assert plain(merged) == sorted(plain(every))[:20]
    assert plain(merge_typical([take(every, shuffled[:0]), *reversed(pieces)])) == plain(merged)
    assert merged.last == (plain(merged)[-1][:3] if number > 20 else None)


@settings(max_examples=40)
@given(seeds, numbers, st.integers(2, 6), st.integers(0, 5))
def test_where_parts_kept_too_few_the_sample_ends_early(seed: int, number: int, parts: int, most: int) -> None:
    every = made(seed, number)
    shuffled = np.random.default_rng(seed).permutation(number)
    pieces = [take(every, own).keep(most) for own in np.array_split(shuffled, parts)]
    merged = plain(merge_typical(pieces))
    assert merged == sorted(plain(every))[: len(merged)]
    if number <= most:
        assert len(merged) == number
    half = merge_typical([merge_typical(pieces[:1]), merge_typical(pieces[1:])])
    assert plain(half) == merged


@settings(max_examples=40)
@given(seeds, st.integers(0, 30))
def test_parts_are_those_of_plain_python(seed: int, number: int) -> None:
    units = made(seed, number).keep(20)
    unit, part, *at, rank = find_typical(units)
    for layer, head in np.ndindex(LAYERS, HEADS):
        own = [Unit(*row[:3], row[3][layer][head], row[4][layer][head], row[5][layer][head]) for row in plain(units)]
        here = (at[0] == layer) & (at[1] == head)
        for place, shown in enumerate(cut(own).values() if own else ()):
            assert [own[n] for n in unit[here & (part == place)].tolist()] == shown
            assert rank[here & (part == place)].tolist() == list(range(len(shown)))


@settings(max_examples=40)
@given(seeds, numbers, st.integers(0, 30))
def test_packed_units_come_back(seed: int, number: int, most: int) -> None:
    units = made(seed, number).keep(most)
    found = Typical.unpack(units.pack())
    for field in fields(Typical):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(units, field.name))
    assert number <= most or found.last is not None


def test_a_part_of_the_bytes_is_refused() -> None:
    for end in (-1, 20):
        with pytest.raises(MergeError, match="expected typical units of shape"):
            Typical.unpack(made(0, 3).pack()[:end])
    with pytest.raises(MergeError, match="at least one shard"):
        merge_typical([])


def test_the_larger_of_two_peaks_is_taken_and_of_equals_the_first_pair() -> None:
    """Units: the own piece is stronger; as strong, and before; as strong, and after; no pair; no piece."""
    weight = np.array([[0.25, 0.5], [0.5, 0.5], [0.5, 0.5], [-np.inf, -np.inf], [-np.inf, -np.inf]])
    i = np.array([[3, 2], [3, 2], [3, 4], [-1, -1], [-1, -1]])
    peaks = Peaks(*(column[..., None, None] for column in (weight, i, i - np.array([1, 0]), i.astype(np.uint64))))
    exists = np.array([True, True, True, True, False])
    found = from_peaks(peaks, exists, np.arange(5, dtype=np.uint64)[::-1], np.zeros(5, int), np.arange(5), 500)
    assert found.sentence.tolist() == [3, 2, 1, 0]
    assert [(w, a, b) for *_, [[w]], [[a]], [[b]] in plain(found)] == [
        (0, -1, -2), (0.5, 3, 2), (0.5, 2, 2), (0.5, 2, 2)
    ]  # fmt: skip
    assert found.last is None
    cut_short = from_peaks(peaks, exists, np.arange(5, dtype=np.uint64), np.zeros(5, int), np.arange(5), 2)
    assert (cut_short.sentence.tolist(), cut_short.last) == ([0, 1], (1, 0, 1))
    nothing = from_peaks(peaks, exists, np.arange(5, dtype=np.uint64), np.zeros(5, int), np.arange(5), 0)
    assert (len(nothing), nothing.last) == (0, NOTHING)
    assert len(merge_typical([found, nothing])) == 0


def test_documents_of_one_name_are_ordered_as_in_the_corpus() -> None:
    """Equal names and places have equal hashes."""
    first = replace(made(0, 6), hashes=np.full(6, sample_hash(0, "same", 0), np.uint64))
    later = replace(first, document_index=first.document_index + 2)
    for parts in ([first.keep(3), later.keep(3)], [later.keep(3), first.keep(3)]):
        merged = merge_typical(parts)
        assert [(row[1], row[2]) for row in plain(merged)] == [(0, 0), (0, 1), (0, 2)]


def test_a_part_keeps_more_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typical, "UNITS", 500)
    assert [enough(share) for share in (1, 0.25, 1 / 64, 1e-4, 0)] == [500, 500, 86, 14, 10]


def test_ten_units_by_hand() -> None:
    """The second, the fourth … unit has the larger weight; each part is of two, the smaller hash first."""
    twin = Twin(Model(1, 1, causal=False))
    for n in range(10):
        weight = (n + 10 * (n % 2)) / 20
        alpha = np.array([[[[1 - weight, weight], [1, 0]]]])
        none = frozenset({0})
        twin.add(Sentence("", (), ((0, 1), (1, 2)), (5, 6), none, none, alpha, alpha, document="d", sentence=n))
    order = sorted(range(10), key=lambda n: sample_hash(0, "d", n))
    expected = [[0, 2], [4, 6], [8, 1], [3, 5], [7, 9]]
    shown = {part: [unit.sentence for unit in own] for part, own in twin.parts(0, 0).items()}
    assert shown == {part: sorted(own, key=order.index) for part, own in zip(PARTS, expected, strict=True)}
