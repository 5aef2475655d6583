"""Where the processor time of a run goes, from start-up to report.

A whole run in a fresh process. A timer of processor time interrupts it some hundred times a second, and what has passed
since the last time is put down to the part of the program that is at work: nothing in the program is wrapped or told.
"""

import json
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, Final

import attnmetrics

LOOK_SECONDS: Final = 0.004
SENTENCE_CHARACTERS: Final = 110
"""Of the demo corpus, on average; a corpus of about so many sentences is made of about so many characters."""

PARSING: Final = "parsing"
FORWARD: Final = "forward pass"
START: Final = "start"
REST: Final = "the rest"
MEASURE: Final = "measure"
"""The stage that others are held against."""
WORDS: Final = "sentences and words"
FILES: Final = "annotation files"
ANNOTATING: Final = (PARSING, WORDS, FILES)
"""Parts of annotating."""

PARTS: Final = {
    "importlib._bootstrap": "imports",
    "attnmetrics.running.plan:make_plan": "reading the corpus",
    "attnmetrics.running.plan:read_shards": "reading the corpus",
    "attnmetrics.annotation.pipeline": "loading the pipeline",
    "attnmetrics.annotation.spacy:SpacyAnnotator._parsed": PARSING,
    "attnmetrics.annotation.spacy": WORDS,
    "attnmetrics.annotation.cache": FILES,
    "attnmetrics.model.load:load_model": "loading the model",
    "attnmetrics.model.neighbours:find_batching": "trying batches",
    "attnmetrics.model.load:Model.run": FORWARD,
    "attnmetrics.pieces.align": "word pieces",
    "attnmetrics.pieces.units": "word pieces",
    "attnmetrics.annotation.marks": "labels and links",
    "attnmetrics.measuring.counting": "labels and links",
    "attnmetrics.measuring.shard": "batches and sums",
    "attnmetrics.measuring.sparse:trace_heads": "exemplars",
    "attnmetrics.statistics.exemplars": "exemplars",
    "attnmetrics.store.shards": "store",
    "attnmetrics.store.merge:merge": "tables",
    "attnmetrics.results.dataset": "tables",
    "attnmetrics.results.exemplars": "tables",
    "attnmetrics.results.files": "tables",
    "attnmetrics.results.tables": "tables",
    "attnmetrics.views.atlas.page:write_report": "report",
}
"""Modules, or functions of them with all that they call → part of a run. The innermost one counts."""

STAGES: Final = {
    "attnmetrics.running.driver:_plan": "plan",
    "attnmetrics.engine.worker:Worker.annotate": "annotate",
    "attnmetrics.engine.worker:Worker.count": "count",
    "attnmetrics.engine.worker:Worker.count_units": "count",
    "attnmetrics.engine.worker:Worker.measure": MEASURE,
    "attnmetrics.engine.worker:Worker.trace": "trace",
    "attnmetrics.running.merging:merge_measured": "merge",
}
"""Functions → stage; what is in none of them is start-up, and the way from one to the next."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the time of a run went."""

    counts: Mapping[str, int]
    """sentences, pieces …, as in `run.json`"""
    seconds: Mapping[str, Mapping[str, float]]
    """of processor time, by stage and part"""

    @property
    def total(self) -> float:
        """Of the whole run, in seconds."""
        return sum(sum(parts.values()) for parts in self.seconds.values())

    @property
    def overhead(self) -> float:
        """The share of the run that is neither parsing nor the forward pass."""
        needed = (parts.get(PARSING, 0) + parts.get(FORWARD, 0) for parts in self.seconds.values())
        return 1 - sum(needed) / self.total

    @property
    def beside_measuring(self) -> dict[str, float]:
        """The seconds of each stage as a multiple of those of measuring, the longest first."""
        stages = {stage: sum(parts.values()) for stage, parts in self.seconds.items()}
        return {
            stage: stages[stage] / stages[MEASURE] for stage in sorted(stages, key=stages.__getitem__, reverse=True)
        }

    def rows(self) -> list[tuple[str, str, float, float]]:
        """(part, stage, seconds, share of the run), the longest first."""
        found = [(part, stage, own) for stage, parts in self.seconds.items() for part, own in parts.items()]
        return [(*row, row[2] / self.total) for row in sorted(found, key=lambda row: -row[2])]


def account(sentences: int, corpus: Sequence[str] = ("demo",), **options: Any) -> Account:
    """Run over about so many sentences, and say where the time went.

    Args:
        sentences: of the corpus; one that has fewer is read again under other names.
        corpus: paths.
        **options: other fields of the configuration, such as `model`.

    Raises:
        RuntimeError: the run fails.
    """
    with TemporaryDirectory() as folder:
        texts = Path(folder) / "corpus.jsonl"
        _write_corpus(texts, corpus, sentences * SENTENCE_CHARACTERS)
        given = {"model": "demo", **options, "engine": "inline", "corpus": str(texts), "out": f"{folder}/run"}
        command = [sys.executable, "-m", __name__, json.dumps(given)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the run to be accounted for ended with {done.returncode}; its message is above")
    return Account(**json.loads(done.stdout.splitlines()[-1]))


def _write_corpus(path: Path, corpus: Sequence[str], characters: int) -> None:
    from attnmetrics.assets import CORPORA  # here, for the process that is watched shall import this module alone
    from attnmetrics.corpus import read_documents

    documents = list(read_documents([str(CORPORA.get(place, place)) for place in corpus]))
    with path.open("w", encoding="utf-8") as file:
        for number, document in enumerate(cycle(documents)):
            if characters <= 0:
                break
            characters -= len(document.text)
            file.write(json.dumps({"id": f"{number}", "text": document.text}) + "\n")


def main(options: Mapping[str, Any]) -> None:
    """Run in this process, which is fresh, and print the account."""
    with watch() as seconds:
        seconds[START, "imports"] += time.process_time()
        attnmetrics.run(**options)
    counts = json.loads(Path(options["out"], "run.json").read_text())["counts"]
    by_stage: dict[str, dict[str, float]] = {}
    for (stage, part), own in seconds.items():
        by_stage.setdefault(stage, {})[part] = own
    print(json.dumps({"counts": counts, "seconds": by_stage}))


@contextmanager
def watch() -> Iterator[defaultdict[tuple[str, str], float]]:
    """Count the seconds of this process's threads by what the main thread does: (stage, part)."""
    seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    last = time.process_time()

    def look(_: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.process_time()
        seconds[place(_functions(frame))] += now - last
        last = now

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, LOOK_SECONDS, LOOK_SECONDS)
    try:
        yield seconds
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def place(functions: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Stage and part of the (module, qualified name) of running functions, the innermost first."""
    part, stage = None, START
    for module, name in functions:
        part = part or PARTS.get(f"{module}:{name}") or PARTS.get(module)
        stage = STAGES.get(f"{module}:{name}", stage)
    return stage, part or REST


def _functions(frame: FrameType | None) -> Iterator[tuple[str, str]]:
    while frame is not None:
        yield str(frame.f_globals.get("__name__")), frame.f_code.co_qualname
        frame = frame.f_back


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
