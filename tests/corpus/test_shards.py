"""Shards whose size nobody chose: enough of them for intervals, of whole documents, found in one reading."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmetrics.corpus import Document, shards
from attnmetrics.corpus.shards import cut

LENGTHS = st.lists(st.integers(0, 300), min_size=1, max_size=60)


@pytest.fixture(scope="module")
def small() -> Iterator[None]:
    """5 shards of at most 100 characters stand for 64 of 200,000."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "FEWEST", 5)
        patch.setattr(shards, "LARGEST", 100)
        yield


def of_lengths(lengths: list[int]) -> list[Document]:
    return [Document(str(n), "x" * length) for n, length in enumerate(lengths)]


@given(LENGTHS)
def test_shards_of_no_chosen_size_are_enough_and_hold_whole_documents(small: None, lengths: list[int]) -> None:
    documents = of_lengths(lengths)
    found = list(cut(documents, None))
    assert [document for _, held in found for document in held] == documents
    for shard, held in found:
        assert shard.characters <= 100 or len(held) == 1
        assert shard.characters == sum(len(document.text) for document in held)
    head = next((n for n in range(1, len(lengths)) if sum(lengths[:n]) >= 500), len(lengths))
    filled = [length for length in lengths[:head] if length]
    assert len(found) >= min(5, len(filled))


@given(LENGTHS)
def test_no_larger_shards_would_be_as_many(small: None, lengths: list[int]) -> None:
    most = shards.find_most(lengths)
    numbers = [len(list(shards._up_to(of_lengths(lengths), size))) for size in range(most + 1, 101)]
    assert all(number < min(5, len(lengths)) for number in numbers)


def test_the_size_is_found_from_the_beginning_and_the_corpus_is_read_once(small: None) -> None:
    given: list[int] = []

    def read() -> Iterator[Document]:
        for n in range(10_000):
            given.append(n)
            yield Document(str(n), "x" * (30 if n < 17 else 1))

    cutting = cut(read(), None)
    assert [next(cutting)[0].documents for _ in range(5)] == [3] * 5
    assert len(given) < 600  # 17 · 30 characters, and the document that does not fit into a shard any more
    list(cutting)
    assert len(given) == 10_000


def test_sizes_of_real_corpora() -> None:
    """38 articles have a shard each; 128 equal ones make shards of two; 200,000 characters are the most."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "FEWEST", 64)
        patch.setattr(shards, "LARGEST", 200_000)
        assert [len(list(cut(of_lengths([900] * number), None))) for number in (38, 128)] == [38, 64]
        assert [shards.find_most([100_000] * number) for number in (100, 300)] == [199_999, 200_000]
