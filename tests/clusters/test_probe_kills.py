"""Probes after any kill, on Ray and in an object store: the bits of one process that nothing happened to."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from faults import workers
from treebanks import treebank

import attnmetrics
from attnmetrics.storage import Location, locate

SOME = {"random_models": 0, "iterations": 30, "engine": "inline"}

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def banks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("treebanks")
    return {name: treebank(folder / f"{name}.conllu", number) for name, number in (("treebank", 40), ("test", 9))}


def begin(demo_run: Path, folder: Location) -> Location:
    """A run's record, without anything else."""
    (folder / "run.json").write((demo_run / "run.json").read_bytes())
    return folder


def left(folder: Location) -> dict[str, bytes]:
    """What probes leave there, without what a kill left half-written: that is swept away hours later."""
    parts = [folder / "probe", folder / "probe.zarr"]
    files = [(part, file) for part in parts for file in part.files() if not Path(file).name.startswith(".0")]
    return {f"{part.name}/{file}": (part / file).read() for part, file in files}


@pytest.fixture(scope="module")
def undisturbed(demo_run: Path, banks: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = begin(demo_run, locate(tmp_path_factory.mktemp("undisturbed") / "run"))
    attnmetrics.probe(folder, **banks, **SOME)
    found = left(folder)
    assert sum("features" in name and name.endswith(".npz") for name in found) > 3
    return found


def start(folder: Location, banks: dict[str, Path], *flags: str) -> psutil.Popen:
    given = [f"--{name}={path}" for name, path in banks.items()]
    limits = [f"--{name.replace('_', '-')}={SOME[name]}" for name in ("random_models", "iterations")]
    command = [sys.executable, "-m", "attnmetrics", "probe", str(folder), *given, *limits, *flags]
    return psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("flags", [["--engine=inline"], ["--engine=ray", "--workers=2"]], ids=["inline", "ray"])
@pytest.mark.parametrize("part", ["features", "fits"])
def test_a_killed_driver_goes_on(
    demo_run: Path, banks: dict[str, Path], undisturbed: dict[str, bytes], tmp_path: Path, flags: list[str], part: str
) -> None:
    folder = begin(demo_run, locate(tmp_path / "run"))
    with start(folder, banks, *flags) as killed:
        while not list((tmp_path / "run" / "probe" / part).rglob("*.npz")):
            assert killed.poll() is None, killed.stderr.read()
            time.sleep(0.01)
        killed.kill()
    assert not (tmp_path / "run" / "probe.zarr").exists()
    shutil.rmtree(tmp_path / "run" / "annotations", ignore_errors=True)
    with start(folder, banks, *flags) as again:
        assert again.wait() == 0, again.stderr.read()
    assert left(folder) == undisturbed


@pytest.mark.parametrize("stage", ["extract", "sum_up"])
def test_killed_workers_of_a_cluster_are_replaced(
    demo_run: Path, banks: dict[str, Path], undisturbed: dict[str, bytes], tmp_path: Path, stage: str
) -> None:
    """Whatever extracts features, or adds up a fit's losses, when the first features are there is killed."""
    folder = begin(demo_run, locate(tmp_path / "run"))
    struck: list[psutil.Process] = []
    with start(folder, banks, "--engine=ray", "--workers=2") as driver:
        while not struck:
            assert driver.poll() is None, driver.stderr.read()
            if list((tmp_path / "run" / "probe" / "features").rglob("*.npz")):
                struck = workers(stage, [driver])
            time.sleep(0.01)
        for process in struck:
            process.kill()
        assert driver.wait() == 0, driver.stderr.read()
    assert left(folder) == undisturbed


def test_a_run_in_an_object_store_has_the_same(
    demo_run: Path, banks: dict[str, Path], bucket: str, undisturbed: dict[str, bytes]
) -> None:
    folder = begin(demo_run, locate(f"{bucket}/{uuid4().hex}/run"))
    attnmetrics.probe(folder, **banks, **SOME)
    assert left(folder) == undisturbed
    assert attnmetrics.load_probe(folder)["uas"].notnull().all()
