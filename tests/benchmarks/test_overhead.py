"""What the benchmark says of annotating and of a whole run: every second has its part, every part exists."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from importlib import import_module

import numpy as np
import pytest

from attnmetrics.assets import CORPORA, PIPELINES
from attnmetrics.benchmark import annotation
from attnmetrics.benchmark.annotation import pace
from attnmetrics.benchmark.overhead import (
    FORWARD,
    MEASURE,
    PARSING,
    PARTS,
    REST,
    STAGES,
    START,
    Account,
    account,
    place,
    watch,
)
from attnmetrics.corpus import read_documents
from attnmetrics.pieces import align


@pytest.mark.parametrize("name", [*PARTS, *STAGES])
def test_what_is_looked_for_exists(name: str) -> None:
    module, _, function = name.partition(":")
    found = reduce(getattr, filter(None, function.split(".")), import_module(module))
    assert not function or callable(found)


def test_the_innermost_part_counts_and_the_stage_around_it() -> None:
    kernel, run = ("attnmetrics.model.kernels.dense", "dense"), ("attnmetrics.model.load", "Model.run")
    sums, measure = ("attnmetrics.measuring.shard", "_Sums.add"), ("attnmetrics.engine.worker", "Worker.measure")
    assert place([kernel, run, sums, measure]) == ("measure", FORWARD)
    assert place([sums, kernel, run, measure]) == ("measure", "batches and sums")
    assert place([("importlib._bootstrap", "_find_and_load"), run]) == (START, "imports")
    assert place([kernel, ("attnmetrics.running.merging", "merge_measured")]) == ("merge", REST)


def test_time_is_put_down_to_what_is_at_work() -> None:
    texts = ["some words"] * 20_000
    start = time.process_time()
    with watch() as seconds:
        while time.process_time() < start + 0.3:
            pass
        while time.process_time() < start + 1.2:
            align._undecodable(texts)
    assert sum(seconds.values()) == pytest.approx(1.2, abs=0.3)
    assert seconds[START, "word pieces"] > 2 * seconds[START, REST] > 0


@pytest.mark.soak
def test_a_run_is_accounted_for() -> None:
    found = account(30, model="demo", exemplars=2, drawn_exemplars=1)
    assert 15 < found.counts["sentences"] < 60
    assert set(found.seconds) == {START, *STAGES.values()}
    assert found.seconds["annotate"][PARSING] > 0
    assert all(found.seconds[stage][FORWARD] > 0 for stage in ("measure", "trace"))
    assert found.seconds[START]["imports"] > found.seconds["measure"][FORWARD]
    assert found.overhead > 0.5


def test_a_run_that_fails_is_no_account() -> None:
    with pytest.raises(RuntimeError, match="ended with 1"):
        account(5, no_such_field=1)


def test_shares_and_overhead() -> None:
    own = Account({}, {START: {"imports": 2.0}, "annotate": {PARSING: 3.0}, "trace": {FORWARD: 4.0, "exemplars": 1.0}})
    assert own.total == 10
    assert own.overhead == pytest.approx(0.3)
    assert own.rows()[:2] == [(FORWARD, "trace", 4.0, 0.4), (PARSING, "annotate", 3.0, 0.3)]
    own = replace(own, seconds=own.seconds | {MEASURE: {FORWARD: 2.0, REST: 2.0}})
    assert own.beside_measuring == {"trace": 1.25, MEASURE: 1.0, "annotate": 0.75, START: 0.5}


def test_annotating_takes_turns_with_the_bare_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = list(read_documents([str(CORPORA["demo"])], max_documents=3))
    words: list[object] = []

    def turns(runs: list[Callable[[], object]], rounds: int, clock: Callable[[], float]) -> np.ndarray:
        words.extend(run() for run in runs)
        assert clock is time.process_time
        return np.array([[1.0, 2.0, 4.0], [9.0, 9.0, 9.0], [1.0, 1.0, 3.0]])

    monkeypatch.setattr(annotation, "take_turns", turns)
    found = pace(documents, str(PIPELINES["en_ud_core"]), 3, batches=[2])
    number = words[0].counts["words"]
    assert words[1] == words[2] >= number  # the bare pipeline's tokens have white space among them
    assert (found.words_per_second, found.bare_words_per_second, found.bare_batch) == (number / 2, number, 2)
    assert found.ratio == (0.75, 0.625, 0.875)
    assert 0.5 < found.pipeline_share <= 1  # looked at every few milliseconds: nothing else may have been seen
