"""Shards are whole documents, cut alike every time."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmetrics.config import RunConfig, build_config
from attnmetrics.corpus import Document
from attnmetrics.corpus.shards import cut
from attnmetrics.errors import CorpusError
from attnmetrics.running.plan import make_plan, read_shards

documents = st.lists(st.text("ab ", min_size=1, max_size=30), min_size=1, max_size=40).map(
    lambda texts: [Document(str(number), text) for number, text in enumerate(texts)]
)


@given(documents, st.integers(1, 100))
def test_every_document_is_in_one_shard_in_order(documents: list[Document], characters: int) -> None:
    shards = list(cut(documents, characters))
    assert [document for _, held in shards for document in held] == documents
    assert [shard.index for shard, _ in shards] == list(range(len(shards)))
    assert [shard.first_document for shard, _ in shards] == [int(held[0].id) for _, held in shards]
    assert all(shard.characters == sum(len(document.text) for document in held) for shard, held in shards)


@given(documents, st.integers(1, 100))
def test_a_shard_closes_with_the_document_that_fills_it(documents: list[Document], characters: int) -> None:
    shards = list(cut(documents, characters))
    for shard, held in shards[:-1]:
        assert shard.characters >= characters > shard.characters - len(held[-1].text)


def corpus(folder: Path, texts: list[str]) -> RunConfig:
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_text(text)
    return build_config({"model": "m", "corpus": str(folder), "out": folder / "run", "shard_characters": 5})


def test_the_plan_is_the_corpus(tmp_path: Path) -> None:
    config = corpus(tmp_path, ["one", "two", "three", "four"])
    plan = make_plan(config)
    found = [(shard.first_document, shard.documents, shard.characters) for shard in plan.shards]
    assert found == [(0, 2, 6), (2, 1, 5), (3, 1, 4)]
    assert (plan.documents, plan.characters, plan.gold) == (4, 15, None)


def test_only_wanted_shards_are_given(tmp_path: Path) -> None:
    config = corpus(tmp_path, ["one", "two", "three", "four"])
    plan = make_plan(config)
    assert [shard.index for shard, _ in read_shards(config, plan, {1})] == [1]
    assert list(read_shards(config, plan, set())) == []


def test_a_corpus_that_changes_between_readings_is_refused(tmp_path: Path) -> None:
    config = corpus(tmp_path, ["one", "two", "three", "four"])
    plan = make_plan(config)
    (tmp_path / "1.txt").write_text("tow")
    with pytest.raises(CorpusError, match="changed while it was read: shard 0"):
        list(read_shards(config, plan, {0, 1, 2}))


def test_a_corpus_that_ends_before_a_planned_shard_is_refused(tmp_path: Path) -> None:
    config = corpus(tmp_path, ["one", "two", "three", "four"])
    plan = make_plan(config)
    (tmp_path / "3.txt").unlink()
    with pytest.raises(CorpusError, match=r"shard 2 .* is no longer there; start again"):
        list(read_shards(config, plan, {1, 2}))
