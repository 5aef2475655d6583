"""Several nodes on one machine: what happens to a run as they die, join, and have GPUs."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import xarray as xr
from conftest import demo_config
from ray.cluster_utils import Cluster

from attnmetrics.cli import EXIT_SHARDS_MISSING
from attnmetrics.running.driver import run
from attnmetrics.running.progress import Reporter
from attnmetrics.running.runfile import read_facts
from attnmetrics.storage import locate

PATIENCE_SECONDS = 240
SMALL = {"max_documents": 40, "shard_characters": 1000}
"""Shards so small that a node dies amid many."""

QUICK = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 2000,
    "health_check_failure_threshold": 3,
}
"""Notice a dead node within seconds."""

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A head without cores, as clusters have it."""
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False, "_system_config": QUICK},
        shutdown_at_exit=False,
    )
    yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the same shards give in one process."""
    folder = tmp_path_factory.mktemp("runs") / "inline"
    run(demo_config(folder, **SMALL), Reporter(quiet=True))
    return folder


def start_run(cluster: Cluster, out: Path, stderr: int | None = None) -> subprocess.Popen[bytes]:
    """A run in a process of its own, on all nodes of the cluster."""
    config = demo_config(out, **SMALL, engine="ray", address=cluster.address)
    file = out.with_suffix(".yaml")
    file.write_text(config.model_dump_json())
    program = "from attnmetrics.cli import main; main()"
    return subprocess.Popen([sys.executable, "-c", program, "run", "--config", str(file)], stderr=stderr)


def committed(out: Path) -> int:
    return len(list((out / "commits").glob("*.json")))


def wait_for_commits(process: subprocess.Popen[bytes], out: Path, number: int) -> None:
    while committed(out) < number:
        assert process.poll() is None
        time.sleep(0.05)


def assert_same_results(one: Path, other: Path) -> None:
    xr.testing.assert_identical(xr.open_zarr(one / "results.zarr").load(), xr.open_zarr(other / "results.zarr").load())
    assert pq.read_table(one / "exemplars.parquet").equals(pq.read_table(other / "exemplars.parquet"))


def test_a_run_outlives_its_nodes(cluster: Cluster, undisturbed: Path, tmp_path: Path) -> None:
    """One node dies, then the last one; the run waits for another, which gets workers without a restart."""
    out = tmp_path / "run"
    first, second = cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)
    process = start_run(cluster, out)
    wait_for_commits(process, out, 2)
    cluster.remove_node(first, allow_graceful=False)
    wait_for_commits(process, out, committed(out) + 2)
    cluster.remove_node(second, allow_graceful=False)
    at_last = committed(out)
    cluster.add_node(num_cpus=2)
    assert process.wait(PATIENCE_SECONDS) == 0
    facts = read_facts(locate(out))
    assert at_last < facts["corpus"]["shards"]
    assert facts["missing"] == []
    assert_same_results(out, undisturbed)


def test_a_run_whose_own_node_dies_ends_at_once(cluster: Cluster, undisturbed: Path, tmp_path: Path) -> None:
    """While another lives."""
    out = tmp_path / "run"
    cluster.add_node(num_cpus=1)
    process = start_run(cluster, out, stderr=subprocess.PIPE)
    wait_for_commits(process, out, 2)
    raylet = cluster.head_node.all_processes["raylet"][0].process
    raylet.kill()
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == EXIT_SHARDS_MISSING
    assert said.splitlines()[-1].endswith(
        b"node of this process died; committed shards are kept: run the same command to go on"
    )
    assert committed(out) < read_facts(locate(out))["corpus"]["shards"]
    run(demo_config(out, **SMALL), Reporter(quiet=True))
    assert_same_results(out, undisturbed)


def test_a_gpu_node_of_one_core_measures_and_annotates(cluster: Cluster, undisturbed: Path, tmp_path: Path) -> None:
    """Torch sees no GPU here, so all workers measure on the CPU, and the run says so."""
    out = tmp_path / "run"
    cluster.add_node(num_cpus=1, num_gpus=1)
    assert start_run(cluster, out).wait(PATIENCE_SECONDS) == 0
    assert read_facts(locate(out))["model"]["device"] == "cpu"
    assert_same_results(out, undisturbed)
