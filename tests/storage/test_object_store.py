"""A run in an object store: the same results as in a folder, after any kill too."""

import json
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
import xarray as xr
from checks import outputs, stored_outputs
from conftest import demo_config

import attnmetrics
from attnmetrics.errors import StoreError
from attnmetrics.running.driver import progress_of, run
from attnmetrics.running.merging import merge_run
from attnmetrics.running.progress import Reporter
from attnmetrics.storage import locate

QUIET = Reporter(quiet=True)

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("loaded_once")]


@pytest.fixture
def url(bucket: str) -> str:
    return f"{bucket}/{uuid4().hex}/run"


def start(url: str, *flags: str) -> psutil.Popen:
    """The demo run of `demo_config`, as a process of its own."""
    options = demo_config(Path("unused")).model_dump(mode="json", exclude_defaults=True, exclude={"out", "corpus"})
    options = {name.replace("_", "-"): value for name, value in options.items()}
    given = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "attnmetrics", "run", "--corpus=demo", f"--out={url}", *given, *flags]
    return psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def await_commits(url: str, process: psutil.Popen, number: int) -> None:
    while len((locate(url) / "commits").names()) < number:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)


def test_the_results_are_those_of_a_folder(demo_run: Path, url: str) -> None:
    run(demo_config(url), QUIET)
    folder = locate(url)
    assert stored_outputs(folder) == outputs(demo_run)
    assert folder.names() == [
        "annotations", "claims", "commits", "exemplar_attention.parquet", "exemplars.parquet", "halves.zarr",
        "intervals.zarr", "passages", "prefix", "report", "results.zarr", "roles.parquet", "run.json", "shards.zarr",
        "tables", "tokens", "tokens.parquet", "traces", "typical",
    ]  # fmt: skip
    assert b"<html" in (folder / "report" / "index.html").read()
    assert json.loads((folder / "run.json").read())["configuration"]["out"] == url
    xr.testing.assert_identical(attnmetrics.load(url), attnmetrics.load(demo_run))
    xr.testing.assert_identical(attnmetrics.intervals(url), attnmetrics.intervals(demo_run))
    assert attnmetrics.exemplars(url).equals(attnmetrics.exemplars(demo_run))
    assert progress_of(folder).measured == progress_of(locate(demo_run)).measured


@pytest.mark.cluster
def test_a_finished_run_there_is_left_as_it_is_and_exported(demo_run: Path, url: str) -> None:
    run(demo_config(url), QUIET)
    folder = locate(url)
    before = folder.files()
    assert run(demo_config(url), QUIET)["status"] == "finished"
    merge_run(folder, QUIET)
    assert folder.files() == before
    assert stored_outputs(folder) == outputs(demo_run)
    exported = attnmetrics.export(url, format="json", layers=[1])
    found = json.loads((exported / "results.json").read())["results"]["distance"]["values"]
    assert found == attnmetrics.load(demo_run)["distance"].sel(layer=[1]).values.tolist()
    with pytest.raises(StoreError, match=f"expected a new or an empty folder at {url}/export/json"):
        attnmetrics.export(url, format="json")


@pytest.mark.cluster
def test_a_killed_driver_leaves_what_the_next_goes_on_from(
    demo_run: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = start(url)
    await_commits(url, first, 2)
    first.kill()
    first.communicate()
    run(demo_config(url), Reporter())
    assert "shards are measured already" in " ".join(capsys.readouterr().err.split())
    assert stored_outputs(locate(url)) == outputs(demo_run)


@pytest.mark.cluster
def test_killed_workers_are_replaced(demo_run: Path, url: str) -> None:
    process = start(url, "--engine=ray", "--workers=1")
    for commits in (1, 2):
        await_commits(url, process, commits)
        workers = [child for child in process.children(recursive=True) if "ray::Worker" in "".join(child.cmdline())]
        for worker in workers:
            worker.kill()
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert stored_outputs(locate(url)) == outputs(demo_run)


@pytest.mark.cluster
def test_damage_is_found_and_mended(demo_run: Path, url: str) -> None:
    config = demo_config(url)
    run(config, QUIET)
    for path in ("shards.zarr/state/c.1.0", "passages/000002.parquet", "commits/000000.json"):
        place = locate(url) / path
        content = bytearray(place.read())
        content[len(content) // 2] ^= 1
        place.write(bytes(content))
    with pytest.raises(StoreError, match=f"shards of {url} are measured"):
        merge_run(locate(url), QUIET)
    facts = run(config, QUIET)
    assert facts["status"] == "finished"
    assert stored_outputs(locate(url)) == outputs(demo_run)


@pytest.mark.cluster
def test_a_corpus_and_annotations_may_lie_there_too(bucket: str, url: str, tmp_path: Path) -> None:
    text = "The cat sat on the mat. It slept.\n\nDogs bark at night."
    locate(f"{bucket}/corpus/a.txt").write(text.encode())
    (tmp_path / "a.txt").write_text(text)
    options = {"format": "text", "max_documents": None}
    run(demo_config(url, corpus=f"{bucket}/corpus/a.txt", annotations=f"{bucket}/annotations", **options), QUIET)
    run(demo_config(tmp_path / "run", corpus=tmp_path / "a.txt", **options), QUIET)
    found, expected = attnmetrics.load(url), attnmetrics.load(tmp_path / "run")
    xr.testing.assert_identical(found, expected)
    assert locate(f"{bucket}/annotations").names()


def test_a_bucket_that_is_missing_ends_the_run(bucket: str) -> None:
    with pytest.raises(StoreError, match=r"cannot read s3://no-such-bucket/run: .*404"):
        run(demo_config("s3://no-such-bucket/run"), QUIET)
