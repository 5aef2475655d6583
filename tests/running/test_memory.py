"""Soak: a corpus of a million sentences runs in the memory of a small one. `make soak` prints the readings over time.

Reader, planner, sampler, pipeline, store and merge are the real ones; the model is real, but tiny.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from models import save_model

import attnmetrics
from attnmetrics.config import build_config
from attnmetrics.running.driver import run
from attnmetrics.running.progress import Reporter

SENTENCES_OF_A_DOCUMENT = 25
SECONDS_BETWEEN_READINGS = 2.0
SUBJECTS = ("The dog", "A farmer", "The ship", "My sister", "This town", "The river", "An engineer")
VERBS = ("found", "built", "saw", "lost", "kept", "sold", "painted")
OBJECTS = ("the bridge", "a map", "two boats", "the old house", "some letters", "a garden", "their names")
PLACES = ("", " in spring", " near Bergen", " last year", " without help")


@dataclass
class Readings:
    """Anonymous memory in MB over time: the driver's, and that of the largest Ray worker."""

    seconds: list[float] = field(default_factory=list)
    driver: list[float] = field(default_factory=list)
    worker: list[float] = field(default_factory=list)

    def describe(self) -> str:
        """Ten readings, evenly spread, and the peaks."""
        rows = np.unique(np.linspace(0, len(self.seconds) - 1, 10).astype(int))
        lines = [f"{self.seconds[row]:7.0f} s  {self.driver[row]:6.0f} MB  {self.worker[row]:6.0f} MB" for row in rows]
        peaks = f"   peak    {max(self.driver):6.0f} MB  {max(self.worker):6.0f} MB"
        return "\n".join(["   time     driver     worker", *lines, peaks])


def write_corpus(path: Path, sentences: int) -> None:
    """Short sentences, 25 a document."""
    random = np.random.default_rng(0)
    with path.open("w") as file:
        for document in range(sentences // SENTENCES_OF_A_DOCUMENT):
            parts = [random.choice(choices, SENTENCES_OF_A_DOCUMENT) for choices in (SUBJECTS, VERBS, OBJECTS, PLACES)]
            text = " ".join(
                f"{subject} {verb} {thing}{place}." for subject, verb, thing, place in zip(*parts, strict=True)
            )
            file.write(json.dumps({"id": f"d{document}", "text": text}) + "\n")


def anonymous_megabytes(process: int | str) -> float:
    """Memory of a process that is neither shared nor a file."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def ray_workers() -> list[str]:
    """Processes that run our actors: children of the raylet that this process started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        process = path.parent.name
        try:
            if path.read_bytes().startswith(b"ray::RemoteWorker") and parent(parent(process)) == str(os.getpid()):
                found.append(process)
        except OSError:
            continue
    return found


def parent(process: str) -> str:
    """The process that started a process."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1]


@contextmanager
def recording() -> Iterator[Readings]:
    """Read memory every few seconds while it lasts."""
    readings, end, start = Readings(), threading.Event(), time.monotonic()

    def read() -> None:
        while not end.wait(SECONDS_BETWEEN_READINGS):
            readings.seconds.append(time.monotonic() - start)
            readings.driver.append(anonymous_megabytes(os.getpid()))
            readings.worker.append(max(map(anonymous_megabytes, ray_workers()), default=0.0))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield readings
    finally:
        end.set()
        thread.join()


def measured(folder: Path, sentences: int) -> Readings:
    """Run a corpus of so many sentences, half of them sampled."""
    folder.mkdir()
    write_corpus(folder / "corpus.jsonl", sentences)
    config = build_config(
        {
            "model": str(save_model(folder / "model", "gpt2", layers=1)),
            "corpus": str(folder / "corpus.jsonl"),
            "out": folder / "run",
            "sample_sentences": sentences // 2,
            "workers": 2,
        }
    )
    with recording() as readings:
        facts = run(config, Reporter())
    assert facts["counts"]["sentences"] == sentences // 2 == attnmetrics.load(folder / "run")["sentences"]
    print(f"\n{sentences:,} sentences, {facts['corpus']['shards']} shards, {facts['seconds']}\n{readings.describe()}")
    return readings


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_million_sentences_take_the_memory_of_ten_thousand(tmp_path: Path, ray_session: None) -> None:
    small, large = measured(tmp_path / "small", 10_000), measured(tmp_path / "large", 1_000_000)
    assert max(large.driver) < max(small.driver) + 250
    assert max(large.worker) < max(small.worker) + 250
