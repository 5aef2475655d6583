"""Compiled loops are kept on disk; a place that is damaged, full or missing costs time and nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from attnmetrics.model.kernels.kept import are_kept

SOFTMAX = """
import numpy as np
from attnmetrics.model.kernels import loops
scores = np.zeros((1, 1, 2, 2), np.float32)
loops.softmax(scores, 0, True, np.full(1, -np.inf, np.float32))
assert scores.ravel().tolist() == [1, 0, 0.5, 0.5]
print(sum(loops.softmax.stats.cache_hits.values()))
"""

LATE = """
import time
from attnmetrics.model.kernels import compiling

class Late(compiling._Cache):
    def save_overload(self, *given):
        print("compiled", flush=True)
        time.sleep(1)
        super().save_overload(*given)

compiling._Cache = Late
"""
"""Keeps what it compiles a second later."""

READY = """
import sys
from numba import njit
from attnmetrics.model.kernels import loops
assert njit(lambda: 1)() == 1
print("ready", flush=True)
sys.stdin.readline()
"""
"""Waits to be told to begin, with a compiler that is there already."""


def begin(folder: Path, before: str = "", **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", before + SOFTMAX]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder), **environment}
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> int:
    found, _ = process.communicate()
    assert process.returncode == 0
    return int(found)


def softmax(folder: Path, before: str = "", **environment: str) -> int:
    """How much of a loop comes from the folder, in a process of its own."""
    return end(begin(folder, before, **environment))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A process that needs what another one is compiling waits for it."""
    kept = tmp_path_factory.mktemp("code")
    one, other = begin(kept, LATE), begin(kept, READY)
    assert [line(process) for process in (other, one)] == ["ready", "compiled"]
    print("go", file=other.stdin, flush=True)
    assert [end(process) for process in (one, other)] == [0, 1]
    yield kept


def test_what_was_compiled_is_kept(folder: Path) -> None:
    assert softmax(folder) == 1


@pytest.mark.parametrize(("ending", "size"), [pytest.param("nbi", 0, marks=pytest.mark.cluster), ("nbc", 40)])
def test_what_is_damaged_is_compiled_anew(folder: Path, ending: str, size: int) -> None:
    (kept,) = folder.rglob(f"*.{ending}")
    kept.write_bytes(kept.read_bytes()[:size])
    assert softmax(folder) == 0
    assert softmax(folder) == 1


def test_a_full_disk_is_no_error(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    assert softmax(tmp_path, limit) == 0


def test_no_place_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert softmax(tmp_path / "file", NUMBA_CACHE_LOCATOR_CLASSES="UserProvidedCacheLocator") == 0


def test_loops_that_were_compiled_before_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    places = (tmp_path / "beside", tmp_path / "of-user")
    assert not are_kept(places)
    (places[1] / "kernels_0").mkdir(parents=True)
    (places[1] / "kernels_0" / "loops.reduce-7.py311.nbi").touch()
    assert are_kept(places)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "given"))
    assert not are_kept(places)
