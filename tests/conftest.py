"""Fixtures that several test files share."""

import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest

from attnmetrics.config import RunConfig, build_config
from attnmetrics.driver import run
from attnmetrics.progress import Reporter

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
    """The folder of a finished run; not to be written to."""
    folder = tmp_path_factory.mktemp("runs") / "demo"
    facts = run(demo_config(folder), Reporter(quiet=True))
    assert facts["corpus"]["shards"] > 2
    return folder


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """One local Ray for all tests, with more logical cores than workers."""
    import ray

    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield
    ray.shutdown()
