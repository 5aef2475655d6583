"""What samples take of a corpus of several shards: an equal number of each, or all where there are no more units."""

from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from conftest import demo_config
from damage import cut
from models import save_model
from numpy.typing import NDArray
from treebanks import treebank

from attnmetrics.corpus.shards import Shard
from attnmetrics.engine import Effort
from attnmetrics.engine.worker import Worker
from attnmetrics.running.driver import run, run_annotate, run_measure
from attnmetrics.running.progress import Reporter
from attnmetrics.storage import locate
from attnmetrics.store.merge import merge
from attnmetrics.store.shards import Store

pytestmark = pytest.mark.usefixtures("loaded_once")

ROWS = 4
DOCUMENTS = 5
QUIET = Reporter(quiet=True)


class Measured:
    """What is measured of some documents; samples of units take `limit` of them."""

    def __init__(
        self,
        corpus: tuple[Path, Path],
        unit: str,
        limit: int | str,
        out: Path,
        measuring: Any = run_measure,
        **options: Any,
    ) -> None:
        model, bank = corpus
        rows = limit if isinstance(limit, str) else ROWS * limit
        values = {"shard_characters": 500, "layers": "0", **options}
        self.config = demo_config(
            out, model=str(model), corpus=bank, unit=unit, map_sentences=limit, similarity_rows=rows,
            variability_sentences=limit, exemplars=0, **values,
        )  # fmt: skip
        run_annotate(self.config, QUIET)
        self.facts = measuring(self.config, QUIET)
        store = Store.described(locate(out), self.facts["store"])
        self.commits = list(store.committed().values())
        self.sums: Mapping[str, NDArray[np.float64]] = merge(store, self.commits, self.config.variability_sentences)

    @property
    def units(self) -> list[int]:
        """Of every shard."""
        return [commit.counts.sentences for commit in self.commits]

    @property
    def sampled(self) -> tuple[float, float, float]:
        """Units that are mapped and that keep blocks, rows that heads are compared in."""
        kept = sum(commit.counts.prefix_sentences for commit in self.commits)
        return float(self.sums["map_sentences"]), float(kept), float(self.sums["similarity_rows"])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model that reads pairs, and a treebank whose last shard is shorter than the others."""
    folder = tmp_path_factory.mktemp("samples")
    return save_model(folder / "bert", "bert"), treebank(folder / "bank.conllu", DOCUMENTS)


@pytest.mark.parametrize("unit", ["window:8", "pair:14"])
def test_all_units_up_to_the_limit_and_equal_shares_beyond(
    unit: str, corpus: tuple[Path, Path], tmp_path: Path
) -> None:
    every = Measured(corpus, unit, "all", tmp_path / "every")
    number, shards = sum(every.units), len(every.units)
    assert shards > 2 and len(set(every.units)) > 1, "uneven shards"
    assert every.sampled[:2] == (number, number) and "units" not in every.facts

    for limit in (number, number + 1):
        found = Measured(corpus, unit, limit, tmp_path / f"{limit}")
        assert found.facts["units"] == number
        assert found.sampled == (number, number, found.sums["similarity_rows"])
        assert found.sums["similarity_rows"] == ROWS * number, "every unit has four rows or more"

    fewer = Measured(corpus, unit, number - 1, tmp_path / "fewer")
    taken = sum(min(units, (number - 1) // shards) for units in every.units)
    assert taken < number - 1 and fewer.facts["units"] == number
    assert fewer.sampled == (taken, taken, ROWS * taken)

    together = Measured(corpus, unit, number, tmp_path / "together", shard_characters=10_000)
    assert len(together.units) == 1 and together.sampled == found.sampled
    for name, sums in found.sums.items():
        np.testing.assert_allclose(sums, together.sums[name], rtol=1e-6, atol=1e-6, err_msg=name)


def test_a_sample_goes_on_as_it_was_begun(
    corpus: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Measured(corpus, "window:8", 20, tmp_path / "whole")
    assert len(whole.units) > 2 and max(whole.units) > 20 // len(whole.units), "a share is less than all"
    with monkeypatch.context() as patch:
        patch.setattr(Worker, "measure", stop_at(1, Worker.measure))
        with pytest.raises(KeyboardInterrupt):
            Measured(corpus, "window:8", 20, tmp_path / "run")
    monkeypatch.setattr(Worker, "count_units", stop_at(0, Worker.count_units))  # it is not counted again
    resumed = Measured(corpus, "window:8", 20, tmp_path / "run")
    assert resumed.facts["units"] == whole.facts["units"] == 21
    assert resumed.sampled == whole.sampled
    for name, sums in whole.sums.items():
        np.testing.assert_array_equal(resumed.sums[name], sums, err_msg=name)


def test_no_shard_is_counted_when_there_are_more_than_samples_take(
    corpus: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []

    def count(self: Worker, shard: Shard, *arguments: Any) -> Effort:
        counted.append(shard.index)
        return count_units(self, shard, *arguments)

    count_units = Worker.count_units
    monkeypatch.setattr(Worker, "count_units", count)
    found = Measured(corpus, "window:8", 20, tmp_path / "run")
    enough = next(shard for shard in range(len(found.units)) if sum(found.units[: shard + 1]) > 20)
    assert counted == list(range(enough + 1)) and enough + 1 < len(found.units)


def test_of_a_shard_that_cannot_be_counted_equal_shares_are_taken(
    corpus: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Worker, shard: Shard, *arguments: Any) -> Effort:
        if shard.index == 1:
            raise MemoryError
        return count_units(self, shard, *arguments)

    count_units = Worker.count_units
    monkeypatch.setattr(Worker, "count_units", fail)
    found = Measured(corpus, "window:8", 1000, tmp_path / "run")
    assert found.facts["units"] == 1001
    assert found.sampled[0] == sum(found.units) <= 1000, "a share is more than a shard has"


def test_annotations_that_are_found_damaged_are_made_anew(
    corpus: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_damage(self: Worker, shard: Shard, *arguments: Any) -> Effort:
        if not damaged.is_set():
            damaged.set()
            cut(next((tmp_path / "annotations").rglob("*.parquet")), 0.5)
        return count_units(self, shard, *arguments)

    damaged, count_units = Event(), Worker.count_units
    monkeypatch.setattr(Worker, "count_units", find_damage)
    found = Measured(corpus, "window:8", 1000, tmp_path, run)
    assert damaged.is_set() and found.facts["units"] == sum(found.units) == found.sampled[0]


def stop_at(calls: int, method: Callable[..., Effort]) -> Callable[..., Effort]:
    """The method, that a driver is stopped in after so many calls."""
    made = count()

    def call(*arguments: Any) -> Effort:
        if next(made) >= calls:
            raise KeyboardInterrupt
        return method(*arguments)

    return call
