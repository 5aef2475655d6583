"""A local folder and an object store keep the same promises."""

import os
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Lock
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attnmetrics import storage
from attnmetrics.errors import ConfigError
from attnmetrics.storage import AT_ONCE, Location, locate, read_ahead


@pytest.fixture(params=["local", "object"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    if request.param == "local":
        return locate(tmp_path / "folder")
    return locate(f"{request.getfixturevalue('bucket')}/{uuid4().hex}")


def test_a_file_is_what_was_written_last(folder: Location) -> None:
    file = folder / "a" / "b.json"
    assert not file.exists() and not folder.exists()
    file.write(b"first")
    file.write(b"second, longer")
    assert file.read() == b"second, longer"
    assert file.exists() and folder.exists() and (folder / "a").exists()
    assert (file.name, str(file.parent)) == ("b.json", str(folder / "a"))
    assert (folder.names(), (folder / "a").names(), (folder / "c").names()) == (["a"], ["b.json"], [])
    assert (folder.files(), (folder / "a").files(), file.files()) == (["a/b.json"], ["b.json"], [])


@pytest.mark.parametrize("waiting", [0, 3])
def test_reading_ahead_is_in_order_and_holds_no_more_than_it_may(waiting: int) -> None:
    begun: list[int] = []

    def read(item: int) -> int:
        begun.append(item)
        return 2 * item

    for place, found in enumerate(read_ahead(read, range(100), at_once=4, waiting=waiting)):
        assert found == 2 * place
        assert len(begun) <= place + 4 + waiting
    assert sorted(begun) == list(range(100))


def test_a_name_that_begins_like_another_is_another(folder: Location) -> None:
    (folder / "state-old").write(b"x")
    assert not (folder / "state").exists()
    with pytest.raises(FileNotFoundError):
        (folder / "state").read()


def test_what_is_removed_is_gone(folder: Location) -> None:
    file = folder / "x"
    file.remove()
    file.write(b"1")
    file.remove()
    assert not file.exists() and file.version() is None
    for use in (file.read, lambda: file.open().read()):
        with pytest.raises(FileNotFoundError):
            use()


def test_what_killed_processes_left_long_ago_is_swept(tmp_path: Path) -> None:
    """What another process may be writing stays, and so does whatever has another name."""
    file, other, unique = tmp_path / "run.json", tmp_path / "shards" / "c.0", uuid4().hex
    for path in (file, other, tmp_path / "folder" / "a"):
        locate(path).write(b"1")
    old = [tmp_path / f".run.json.{unique}", other.with_name(f"c.{unique}.partial"), tmp_path / f".folder.{unique}"]
    kept = [tmp_path / ".run.json.lock", tmp_path / ".hidden", other.with_name("c.partial"), tmp_path / unique]
    young = [tmp_path / f".young.{unique}", other.with_name(f"young.{unique}.partial")]
    (tmp_path / "folder").rename(old[-1])
    for path in (*old[:-1], *kept, *young):
        path.touch()
    now = file.stat().st_mtime
    for age, paths in {storage.LEFTOVER_SECONDS + 1: [*old, *kept, other], storage.LEFTOVER_SECONDS - 1: young}.items():
        for path in paths:
            os.utime(path, (now - age, now - age))
    locate(file).sweep()
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted([file, other, *kept, *young])
    assert not old[-1].exists()


def test_a_sweep_of_an_object_store_removes_nothing(bucket: str) -> None:
    folder = locate(f"{bucket}/{uuid4().hex}")
    for name in ("run.json", f".run.json.{uuid4().hex}"):
        (folder / name).write(b"1")
    (folder / "run.json").sweep()
    assert len(folder.names()) == 2


def test_parts_of_a_file_can_be_read(folder: Location) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"number": np.arange(100_000), "text": ["é"] * 100_000}), sink, compression="none")
    file = folder / "table.parquet"
    file.write(sink.getvalue().to_pybytes())
    with file.open() as opened, pq.ParquetFile(opened) as table:
        assert table.metadata.num_rows == 100_000
        assert table.read(columns=["number"])["number"][99_999].as_py() == 99_999


def test_a_folder_is_replaced_whole(folder: Location) -> None:
    place = folder / "results"

    def fill(names: dict[str, str], path: Path) -> None:
        for name, text in names.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(text)

    place.write_folder(lambda path: fill({"old": "1", "both": "2", "deep/old": "3"}, path))
    place.write_folder(lambda path: fill({"both": "4", "deep/new": "5"}, path))
    assert (place.names(), (place / "deep").names()) == (["both", "deep"], ["new"])
    assert (place / "both").read() == b"4"
    assert folder.names() == ["results"]


def test_a_folder_that_cannot_be_filled_stays(folder: Location) -> None:
    place = folder / "results"
    place.write_folder(lambda path: (path / "x").write_text("1"))
    with pytest.raises(RuntimeError):
        place.write_folder(lambda path: [(path / "y").write_text("2"), raising()])
    assert (folder.names(), place.names()) == (["results"], ["x"])


class Bucket:
    """Counts the files that are put in it at the same time, and has no room for one of them."""

    def __init__(self, lacks_room_for: str = "") -> None:
        self.lacks_room_for = lacks_room_for
        self.lock, self.all_busy = Lock(), Event()
        self.now = self.most = 0
        self.put_names: list[str] = []
        self.deleted: list[str] = []

    def put(self, key: str, content: Path, attributes: dict[str, str]) -> None:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        if self.now == AT_ONCE:
            self.all_busy.set()
        assert self.all_busy.wait(60)
        with self.lock:
            self.now -= 1
        if key == self.lacks_room_for:
            raise OSError(28, "no space")
        self.put_names.append(key)

    def list(self, prefix: str) -> Sequence[Sequence[dict[str, str]]]:
        return [[{"path": f"{prefix}stale"}]]

    def delete(self, keys: Sequence[str]) -> None:
        self.deleted.extend(keys)


def fill_many(path: Path) -> None:
    for number in range(100):
        (path / f"{number:02d}").touch()


def test_the_files_of_a_folder_are_put_in_an_object_store_some_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket()
    monkeypatch.setattr("attnmetrics.storage.objects._store", lambda url: bucket)
    locate("s3://bucket/results").write_folder(fill_many)
    assert sorted(bucket.put_names) == [f"results/{number:02d}" for number in range(100)]
    assert (bucket.most, bucket.deleted) == (AT_ONCE, ["results/stale"])


def test_after_a_file_that_cannot_be_put_nothing_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket(lacks_room_for="results/03")
    monkeypatch.setattr("attnmetrics.storage.objects._store", lambda url: bucket)
    with pytest.raises(OSError, match="no space"):
        locate("s3://bucket/results").write_folder(fill_many)
    assert bucket.deleted == []


def raising() -> None:
    raise RuntimeError("in the middle")


def test_only_the_version_that_was_seen_is_replaced(folder: Location) -> None:
    file = folder / "lease.json"
    first = file.replace(b"a", None)
    assert first is not None and file.replace(b"b", None) is None
    assert file.version() == (b"a", first)
    second = file.replace(b"b", first)
    assert second is not None and file.replace(b"c", first) is None
    assert file.read() == b"b"
    file.remove()
    assert file.replace(b"d", second) is None


def test_of_many_that_replace_at_once_one_succeeds(folder: Location) -> None:
    file, version = folder / "lease.json", None
    for turn in range(3):
        with ThreadPoolExecutor(8) as pool:
            new = pool.map(file.replace, [f"{turn} {number}".encode() for number in range(8)], [version] * 8)
        (version,) = [one for one in new if one is not None]
        found = file.version()
        assert found is not None and found[1] == version


def test_files_of_a_folder_are_read_in_the_order_asked_for(folder: Location) -> None:
    for number in range(40):
        (folder / f"deep/{number}").write(str(number).encode() * number)
    asked = [f"deep/{number}" for number in range(39, -1, -1)]
    assert list(folder.contents(asked)) == [str(number).encode() * number for number in range(39, -1, -1)]
    assert list(folder.contents([])) == []
    with pytest.raises(FileNotFoundError):
        list(folder.contents(["deep/0", "deep/40"]))


def test_a_missing_bucket_is_an_error_of_the_system(bucket: str) -> None:
    nowhere = locate("s3://no-such-bucket/run")
    with pytest.raises(FileNotFoundError):
        (nowhere / "x").write(b"1")
    with pytest.raises(FileNotFoundError):
        (nowhere / "x").read()


NO_PLACES = [
    "", "http://host/run", "s3://", "s3://bucket", "s3://bucket/", "s3:/bucket/run", "s4://bucket/run", "az://account/run",
    "s3://bucket//run", "s3://bucket/a/../run", "s3://bucket/a#1", "s3://bucket/a?b", "s3://bucket/a%20b",
    "s3://bucket/a b",
]  # fmt: skip


@pytest.mark.parametrize("place", NO_PLACES)
def test_a_place_that_can_hold_no_run_is_refused(place: str) -> None:
    with pytest.raises(ConfigError, match="expected the path of a folder, or a URL such as s3://") as error:
        locate(place)
    assert str(error.value).endswith(f"found {place!r}")


@pytest.mark.parametrize(
    "place", ["s3://bucket/a", "s3://bucket/a/", "s3://bucket/date=2026-01-02/a_b.c+d@e~", "gs://b/é"]
)
def test_a_url_names_a_folder_with_or_without_a_last_slash(place: str) -> None:
    assert str(locate(place)) == place.rstrip("/")


def test_a_file_url_is_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    assert Path(os.fspath(locate(folder.as_uri()))) == folder  # type: ignore[arg-type]


def test_a_write_that_fails_leaves_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = locate(tmp_path / "x")
    file.write(b"1")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        file.write(b"2")
    assert file.read() == b"1"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) & 0o400
