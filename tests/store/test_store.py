"""What is committed comes back as it was; what is damaged is refused by name."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import zarr
from shard_content import PLACES, SCHEMA, content

from attnmetrics.errors import StoreError
from attnmetrics.statistics.exemplars import Exemplars
from attnmetrics.statistics.traces import Traces
from attnmetrics.storage import AT_ONCE, locate
from attnmetrics.store.commits import Commit, Counts, LeftOut
from attnmetrics.store.merge import merge
from attnmetrics.store.shards import Store


def traces() -> Traces:
    """Two sentences of random weights, and one without any."""
    random = np.random.default_rng(0)
    i, j = random.integers(0, 9, (2, 300), dtype=np.int32)
    return Traces(np.array([30, 1000, 20]), np.array([100, 0, 200]), i, j, random.random(300, dtype=np.float32))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(locate(tmp_path), SCHEMA, shards=3, exemplars=PLACES)
    store.create()
    return store


@pytest.mark.parametrize("sentences", [0, 1, 5])
def test_a_shard_comes_back_bit_for_bit(store: Store, sentences: int) -> None:
    written = content(1, sentences)
    store.write(Commit(2, 30, Counts(sentences), LeftOut(sentences_cut=4)), written)
    commit = store.committed()[2]
    state, exemplars = store.read_state(commit), store.read_exemplars(commit)
    np.testing.assert_array_equal(state.pack(), written.state.pack())
    for field in fields(Exemplars):
        np.testing.assert_array_equal(getattr(exemplars, field.name), getattr(written.exemplars, field.name))
    prefix = store.read_prefix(commit)
    np.testing.assert_array_equal(prefix.blocks, written.prefix.blocks)
    np.testing.assert_array_equal(prefix.hashes, written.prefix.hashes)
    np.testing.assert_array_equal(store.read_claims(commit), written.claims)
    np.testing.assert_array_equal(store.read_typical(commit).pack(), written.typical.pack())
    tokens = store.read_tokens(commit, range(2))
    np.testing.assert_array_equal(tokens.attention, written.tokens.attention)
    np.testing.assert_array_equal(tokens.types.occurrences, written.tokens.types.occurrences)
    assert store.read_passages(commit, {(1, 2)}) == written.passages
    assert store.read_passages(commit, {(1, 3)}) == []
    assert (commit.shard, commit.first_document) == (2, 30)
    assert (commit.counts, commit.left_out) == (Counts(sentences), LeftOut(sentences_cut=4))


def test_zarr_reads_what_is_written(store: Store) -> None:
    written = content(1)
    store.write(Commit(2, 0), written)
    group = zarr.open_group(f"{store.folder}/shards.zarr", mode="r")
    np.testing.assert_array_equal(group["state"][2], written.state.pack())
    np.testing.assert_array_equal(group["exemplars"][2].ravel(), written.exemplars.pack())
    np.testing.assert_array_equal(group["exemplars"][2, 0].view(float), written.exemplars.weight)
    assert np.isnan(group["state"][1]).all()


def test_a_shard_without_exemplars_comes_back(tmp_path: Path) -> None:
    store = Store(locate(tmp_path), SCHEMA, shards=1, exemplars=0)
    store.create()
    store.write(Commit(0, 0), replace(content(1), exemplars=Exemplars.zero(2, 2, 3, 0)))
    store.verify(store.committed()[0])
    assert store.read_exemplars(store.committed()[0]).shape == (2, 2, 3, 0)


def test_writing_again_changes_nothing(store: Store) -> None:
    store.write(Commit(0, 0), content(1))
    before = files(Path(store.folder))
    store.write(Commit(0, 0), content(1))
    assert files(Path(store.folder)) == before


def test_a_shard_can_be_read_while_it_is_written_again(store: Store) -> None:
    """An actor that outlives its driver may write a shard that the next driver reads."""
    store.write(Commit(0, 0), content(1))
    commit = store.committed()[0]
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: [store.write(Commit(0, 0), content(1)) for _ in range(10)])
        while not writing.done():
            store.verify(commit)
        writing.result()


def test_creating_again_keeps_what_is_there(store: Store) -> None:
    store.write(Commit(0, 0), content(1))
    store.create()
    store.verify(store.committed()[0])


def test_an_uncommitted_shard_is_not_there(store: Store) -> None:
    store.write(Commit(0, 0), content(1))
    store.write(Commit(1, 0), content(2))
    store.discard(1)
    assert list(store.committed()) == [0]


def test_merging_reads_ahead_of_few_sentences(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def read_ahead(read: Callable[..., object], items: list[object], at_once: int = AT_ONCE) -> object:
        asked.append(at_once)
        return map(read, items)

    monkeypatch.setattr("attnmetrics.store.merge.read_ahead", read_ahead)
    monkeypatch.setattr("attnmetrics.store.merge.SENTENCES_AHEAD", 10)
    for shard in range(3):
        store.write(Commit(shard, 0, Counts(sentences=5, prefix_sentences=5)), content(shard, sentences=5))
    assert merge(store, list(store.committed().values()), 3)["variability_sentences"] == 3
    assert asked == [AT_ONCE, 2, 2]


def files(folder: Path) -> dict[str, bytes]:
    """Every file under a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def flip(path: Path) -> None:
    """Change one bit in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DATA = (
    "shards.zarr/state/c.1.0",
    "shards.zarr/exemplars/c.1.0.0.0.0.0",
    "prefix/000001.zst",
    "claims/000001.zst",
    "typical/000001.zst",
    "tokens/000001.parquet",
    "passages/000001.parquet",
)


@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink], ids=["flipped", "truncated", "missing"])
@pytest.mark.parametrize("path", DATA)
def test_damage_is_found_and_named(store: Store, path: str, damage: Callable[[Path], None]) -> None:
    for shard in range(3):
        store.write(Commit(shard, 0), content(shard))
    damage(Path(store.folder) / path)
    commits = store.committed()
    store.verify(commits[0])
    store.verify(commits[2])
    with pytest.raises(StoreError, match=r"shard 1 of .* is damaged"):
        store.verify(commits[1])


@pytest.mark.parametrize("damage", [flip, truncate], ids=["flipped", "truncated"])
def test_a_damaged_commit_is_none(store: Store, damage: Callable[[Path], None]) -> None:
    store.write(Commit(0, 0, Counts(sentences=7)), content(0))
    damage(Path(store.folder) / "commits" / "000000.json")
    assert store.committed() == {}


def test_a_forged_count_is_none(store: Store) -> None:
    store.write(Commit(0, 0, Counts(sentences=7)), content(0))
    path = Path(store.folder) / "commits" / "000000.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"counts": {"sentences": 8}}))
    assert store.committed() == {}


def test_traces_come_back_bit_for_bit(store: Store) -> None:
    written = traces()
    store.write_traces("ab12", written)
    found = store.read_traces("ab12")
    assert found is not None
    for field in fields(Traces):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(written, field.name))
    assert store.read_traces("cd34") is None


@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink], ids=["flipped", "truncated", "missing"])
def test_damaged_traces_are_none(store: Store, damage: Callable[[Path], None]) -> None:
    store.write_traces("ab12", traces())
    damage(Path(store.folder) / "traces" / "ab12.npz")
    assert store.read_traces("ab12") is None


def test_traces_that_cannot_be_had_are_not_taken_for_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(store.folder), "read", refuse)
    with pytest.raises(StoreError, match=r"cannot read .*ab12\.npz: Permission denied"):
        store.read_traces("ab12")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot write to .*file"):
        Store(locate(tmp_path / "file" / "run"), SCHEMA, 1, PLACES).create()
