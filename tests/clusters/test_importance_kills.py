"""Importance after any kill, on Ray and in an object store: the bits of one process that nothing happened to."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from conftest import demo_config
from faults import workers

import attnmetrics
from attnmetrics.running.driver import run, run_importance
from attnmetrics.running.importance import Options
from attnmetrics.running.progress import Reporter
from attnmetrics.storage import Location, locate

QUIET = Reporter(quiet=True)
SOME = Options(units=40)

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture(scope="module", autouse=True)
def without_report() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attnmetrics.running.outputs.write_report", lambda *arguments: None)
        yield


def left(folder: Location) -> dict[str, bytes]:
    """What importance leaves there."""
    parts = [folder / "importance", folder / "importance.zarr"]
    return {f"{part.name}/{file}": (part / file).read() for part in parts for file in part.files()}


@pytest.fixture(scope="module")
def undisturbed(demo_run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = Path(shutil.copytree(demo_run, tmp_path_factory.mktemp("undisturbed") / "run"))
    assert len(run_importance(locate(folder), SOME, QUIET)["importance"]["shards"]) > 2
    return left(locate(folder))


def start(folder: Path, *flags: str) -> psutil.Popen:
    command = [sys.executable, "-m", "attnmetrics", "importance", str(folder), f"--units={SOME.units}", *flags]
    return psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def await_sums(folder: Path, process: psutil.Popen) -> None:
    """Until a shard is committed."""
    while not list((folder / "importance").rglob("*.zst")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


@pytest.mark.parametrize("flags", [["--engine=inline"], ["--engine=ray", "--workers=2"]], ids=["inline", "ray"])
def test_a_killed_driver_goes_on(
    demo_run: Path, undisturbed: dict[str, bytes], tmp_path: Path, flags: list[str]
) -> None:
    folder = Path(shutil.copytree(demo_run, tmp_path / "run"))
    with start(folder, *flags) as killed:
        await_sums(folder, killed)
        killed.kill()
    assert not (folder / "importance.zarr").exists()
    with start(folder, *flags) as again:
        assert again.wait() == 0, again.stderr.read()
    assert left(locate(folder)) == undisturbed
    assert attnmetrics.load(folder).equals(attnmetrics.load(demo_run))


def test_killed_workers_of_a_cluster_are_replaced(
    demo_run: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    """Whatever takes gradients when the first are there is killed."""
    folder = Path(shutil.copytree(demo_run, tmp_path / "run"))
    struck: list[psutil.Process] = []
    with start(folder, "--engine=ray", "--workers=2") as driver:
        await_sums(folder, driver)
        while not struck:
            assert driver.poll() is None, driver.stderr.read()
            struck = workers("importance", [driver])
            time.sleep(0.01)
        for process in struck:
            process.kill()
        assert driver.wait() == 0, driver.stderr.read()
    assert left(locate(folder)) == undisturbed


def test_a_run_in_an_object_store_has_the_same(bucket: str, undisturbed: dict[str, bytes]) -> None:
    url = f"{bucket}/{uuid4().hex}/run"
    run(demo_config(url), QUIET)
    run_importance(locate(url), SOME, QUIET)
    assert left(locate(url)) == undisturbed
    assert attnmetrics.importance(url)["importance_units"] > 0
