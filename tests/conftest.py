"""Fixtures that several test files share."""

import gc
import logging
import os
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path

os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads that wait for one another take the cores from other tests
if not list(Path("/dev").glob("nvidia[0-9]*")):
    os.environ.setdefault("TRITON_INTERPRET", "1")  # without a GPU, Triton's programs are interpreted

import pytest
from filelock import FileLock
from hypothesis import settings

from attnmetrics.config import RunConfig, build_config
from attnmetrics.running.driver import run
from attnmetrics.running.progress import Reporter

pytest.register_assert_rewrite("agreement", "checks", "pages")
settings.register_profile("shared machine", deadline=None)  # what else runs there takes any time from an example
settings.load_profile("shared machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files in reverse order: those that take long have late names, and no worker then waits long for the other."""
    items.sort(key=lambda item: str(item.path), reverse=True)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """While tests are imported no garbage is looked for, and afterwards not among what the libraries keep."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


DEMO_DOCUMENTS = 8


def demo_config(out: Path, **options: object) -> RunConfig:
    """The demo model over a few documents of the demo corpus, in this process, in several shards."""
    values = {
        "model": "demo",
        "corpus": "demo",
        "max_documents": DEMO_DOCUMENTS,
        "shard_characters": 4000,
        "exemplars": 5,
        "engine": "inline",
        "out": out,
    }
    return build_config({**values, **options})


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run, one for all processes that run tests; not to be written to."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / "demo-run"
    with FileLock(shared / "demo-run.lock"):  # who comes second finds a finished run
        facts = run(demo_config(folder), Reporter(quiet=True))
    assert facts["corpus"]["shards"] > 2
    return folder


@pytest.fixture(scope="session")
def kept() -> dict[str, Callable[..., object]]:
    """What loads a pipeline or a model, or tries one, by its name; what it gives, it gives again."""
    from attnmetrics.annotation import spacy
    from attnmetrics.model import load, neighbours

    found = (spacy.load_pipeline, load.load_model, neighbours.find_batching)
    return {f"{one.__module__}.{one.__name__}": cache(one) for one in found}


@pytest.fixture(scope="module")
def loaded_once(kept: dict[str, Callable[..., object]]) -> Iterator[None]:
    """All runs in this process share pipelines and models: loading one takes as long as measuring a few documents."""
    with pytest.MonkeyPatch.context() as patch:
        for name, function in kept.items():
            patch.setattr(name, function)
        yield


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """One local Ray for all tests, with more logical cores than workers."""
    import ray

    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """URL of an empty bucket of a local S3 server, for this process and those that it starts."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    access = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**access, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}.items():
            patch.setenv(name, value)
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="runs")
        yield "s3://runs"
    server.stop()
