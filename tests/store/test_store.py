"""What is committed comes back as it was; what is damaged is refused by name."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import zarr

from attnmetrics.errors import StoreError
from attnmetrics.statistics.exemplars import Exemplars
from attnmetrics.statistics.states import Dims, State, packed_size
from attnmetrics.statistics.traces import Traces
from attnmetrics.statistics.variability import Prefix
from attnmetrics.storage import AT_ONCE, locate
from attnmetrics.store.merge import merge
from attnmetrics.store.shards import CANDIDATES, ShardContent, Store

DIMS = Dims(layer=(0, 2), head=3, pos=("NOUN", "_"), rel=("nsubj", "obj", "_"))
PLACES = 4


def content(seed: int, sentences: int = 5) -> ShardContent:
    """Random numbers of the right shapes."""
    random = np.random.default_rng(seed)
    shape = (2, 3, PLACES)
    exemplars = Exemplars(
        weight=random.random(shape),
        document_index=random.integers(0, 9, shape),
        sentence=random.integers(0, 9, shape),
        i=random.integers(0, 9, shape, dtype=np.int32),
        j=random.integers(0, 9, shape, dtype=np.int32),
        text=random.integers(0, 2**63, shape, dtype=np.uint64),
    )
    blocks = random.random((sentences, 2, 3, 55), dtype=np.float32)
    blocks[:1, :, :, 7:] = np.nan
    prefix = Prefix(blocks, random.integers(0, 2**63, sentences, dtype=np.uint64))
    key = {"document": "d", "document_index": 1, "sentence": 2, "first": 0}
    row = key | {"text": "A \x1b[2J b", "pieces": ["A", "Ġb"]}
    state = State.unpack(DIMS, random.random(packed_size(DIMS)))
    return ShardContent(state, prefix, exemplars, pa.Table.from_pylist([row], schema=CANDIDATES))


def traces() -> Traces:
    """Two sentences of random weights, and one without any."""
    random = np.random.default_rng(0)
    i, j = random.integers(0, 9, (2, 300), dtype=np.int32)
    return Traces(np.array([30, 1000, 20]), np.array([100, 0, 200]), i, j, random.random(300, dtype=np.float32))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(locate(tmp_path), DIMS, shards=3, exemplars=PLACES)
    store.create()
    return store


@pytest.mark.parametrize("sentences", [0, 1, 5])
def test_a_shard_comes_back_bit_for_bit(store: Store, sentences: int) -> None:
    written = content(1, sentences)
    store.write(2, written, {"sentences": sentences})
    record = store.committed()[2]
    state, exemplars = store.read_state(record), store.read_exemplars(record)
    np.testing.assert_array_equal(state.pack(), written.state.pack())
    for field in fields(Exemplars):
        np.testing.assert_array_equal(getattr(exemplars, field.name), getattr(written.exemplars, field.name))
    prefix = store.read_prefix(record)
    np.testing.assert_array_equal(prefix.blocks, written.prefix.blocks)
    np.testing.assert_array_equal(prefix.hashes, written.prefix.hashes)
    assert store.read_candidates(record).equals(written.candidates)
    assert record["counts"] == {"sentences": sentences}


def test_zarr_reads_what_is_written(store: Store) -> None:
    written = content(1)
    store.write(2, written, {})
    group = zarr.open_group(f"{store.folder}/shards.zarr", mode="r")
    np.testing.assert_array_equal(group["state"][2], written.state.pack())
    np.testing.assert_array_equal(group["exemplars"][2].ravel(), written.exemplars.pack())
    np.testing.assert_array_equal(group["exemplars"][2, 0].view(float), written.exemplars.weight)
    assert np.isnan(group["state"][1]).all()


def test_a_shard_without_exemplars_comes_back(tmp_path: Path) -> None:
    store = Store(locate(tmp_path), DIMS, shards=1, exemplars=0)
    store.create()
    store.write(0, replace(content(1), exemplars=Exemplars.zero(2, 3, 0)), {})
    store.verify(store.committed()[0])
    assert store.read_exemplars(store.committed()[0]).shape == (2, 3, 0)


def test_writing_again_changes_nothing(store: Store) -> None:
    store.write(0, content(1), {})
    before = files(Path(store.folder))
    store.write(0, content(1), {})
    assert files(Path(store.folder)) == before


def test_a_shard_can_be_read_while_it_is_written_again(store: Store) -> None:
    """An actor that outlives its driver may write a shard that the next driver reads."""
    store.write(0, content(1), {})
    record = store.committed()[0]
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: [store.write(0, content(1), {}) for _ in range(10)])
        while not writing.done():
            store.verify(record)
        writing.result()


def test_creating_again_keeps_what_is_there(store: Store) -> None:
    store.write(0, content(1), {})
    store.create()
    store.verify(store.committed()[0])


def test_an_uncommitted_shard_is_not_there(store: Store) -> None:
    store.write(0, content(1), {})
    store.write(1, content(2), {})
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
        store.write(shard, content(shard, sentences=5), {"prefix_sentences": 5})
    assert merge(store, list(store.committed().values()), 3).variability_sentences == 3
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
    "shards.zarr/exemplars/c.1.0.0.0.0",
    "prefix/000001.zst",
    "candidates/000001.parquet",
)


@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink], ids=["flipped", "truncated", "missing"])
@pytest.mark.parametrize("path", DATA)
def test_damage_is_found_and_named(store: Store, path: str, damage: Callable[[Path], None]) -> None:
    for shard in range(3):
        store.write(shard, content(shard), {})
    damage(Path(store.folder) / path)
    records = store.committed()
    store.verify(records[0])
    store.verify(records[2])
    with pytest.raises(StoreError, match=r"shard 1 of .* is damaged"):
        store.verify(records[1])


@pytest.mark.parametrize("damage", [flip, truncate], ids=["flipped", "truncated"])
def test_a_damaged_commit_record_is_none(store: Store, damage: Callable[[Path], None]) -> None:
    store.write(0, content(0), {"sentences": 7})
    damage(Path(store.folder) / "commits" / "000000.json")
    assert store.committed() == {}


def test_a_forged_count_is_none(store: Store) -> None:
    store.write(0, content(0), {"sentences": 7})
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
        Store(locate(tmp_path / "file" / "run"), DIMS, 1, PLACES).create()
