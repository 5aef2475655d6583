"""What is left of a run when it goes on: it is read at the same time, told of in order, and put away if of no use."""

import os
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from checks import outputs
from conftest import demo_config
from rich.console import Console

from attnmetrics.annotation import cache
from attnmetrics.annotation.cache import annotation_path
from attnmetrics.running.driver import run
from attnmetrics.running.merging import merge_run
from attnmetrics.running.progress import Reporter
from attnmetrics.running.stages import prepare
from attnmetrics.storage import locate
from attnmetrics.store.shards import Store

PATIENCE_SECONDS = 60.0

pytestmark = pytest.mark.usefixtures("loaded_once")


def last_first(function: Callable[..., Any], calls: int) -> Callable[..., Any]:
    """The same function: of its first calls, none goes on before the last is made, which ends before the others."""
    gate, made, last_ended = threading.Lock(), [0], threading.Event()

    def call(*arguments: Any) -> Any:
        with gate:
            made[0] += 1
            number = made[0]
        if number < calls:
            assert last_ended.wait(PATIENCE_SECONDS), "one was read after the other"
        try:
            return function(*arguments)
        finally:
            if number == calls:
                last_ended.set()

    return call


def test_what_killed_drivers_left_is_gone_from_a_finished_run(demo_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(demo_run, folder)
    leftovers = [folder / f".results.zarr.{uuid4().hex}", folder / "commits" / f".000000.json.{uuid4().hex}"]
    for leftover in leftovers:
        leftover.touch()
        os.utime(leftover, (0, 0))
    merge_run(locate(folder), Reporter(quiet=True))
    assert not any(leftover.exists() for leftover in leftovers)
    assert outputs(folder) == outputs(demo_run)


def test_files_are_read_at_once_and_damage_is_told_in_order(
    demo_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(demo_run, folder)
    shutil.rmtree(folder / "results.zarr")
    shards = len(list((folder / "commits").iterdir()))
    for shard in (0, shards - 1):
        (folder / "passages" / f"{shard:06d}.parquet").write_bytes(b"damaged")
    config = demo_config(folder)
    job = prepare(config, Reporter(quiet=True))
    files = [annotation_path(config.annotation_folder, job.fingerprint, shard.digest) for shard in job.plan.shards]
    for file in files:
        file.write(b"damaged")
    monkeypatch.setattr(cache, "read_columns", last_first(cache.read_columns, shards))
    monkeypatch.setattr(Store, "verify", last_first(Store.verify, shards))
    run(config, Reporter(quiet=True, console=Console(stderr=True, width=10_000)))
    said = capsys.readouterr().err
    assert re.findall(r"shard (\d+) of \S+ is damaged", said) == ["0", str(shards - 1)]
    assert re.findall(r"(\S+\.parquet): expected", said) == [str(file) for file in files]
    assert outputs(folder) == outputs(demo_run)
