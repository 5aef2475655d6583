"""Sums over α itself in a run of several shards: in the same states as all others, of an equal share of every shard."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from conftest import demo_config
from map_families import COLUMNS, PEAKS, Columns, Peaks, reference
from models import TEXTS, save_model
from numpy.typing import NDArray
from pyarrow import parquet as pq
from rich.console import Console
from shards import annotate, measure

from attnmetrics.assets import MODELS
from attnmetrics.measuring import shard
from attnmetrics.measuring.maps.families import MAP_FAMILIES
from attnmetrics.measuring.selection import MapSample
from attnmetrics.metrics import schema, syntax
from attnmetrics.metrics.family import Family, Label, Link, Quantity
from attnmetrics.model.load import Model, load_model
from attnmetrics.running.driver import run_measure
from attnmetrics.running.merging import _warn_of_shares
from attnmetrics.running.progress import Reporter
from attnmetrics.statistics.sampling import sample_hash
from attnmetrics.storage import locate
from attnmetrics.store.merge import merge
from attnmetrics.store.shards import Store

families_of = schema.families_of


def families_with_maps(labels: tuple[Label, ...], links: tuple[Link, ...]) -> tuple[Family, ...]:
    return (*families_of(labels, links), PEAKS, COLUMNS)


def families_without_maps(labels: tuple[Label, ...], links: tuple[Link, ...]) -> tuple[Family, ...]:
    every = families_of(labels, links)
    return tuple(family for family in every if all(one.of is not Quantity.MAPPED for one in family.sums))


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run has two map families."""
    monkeypatch.setattr(schema, "families_of", families_with_maps)
    monkeypatch.setitem(MAP_FAMILIES, "peaks", Peaks.of)
    monkeypatch.setitem(MAP_FAMILIES, "columns", Columns.of)


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(str(save_model(tmp_path_factory.mktemp("models") / "gpt2", "gpt2", sharp=True)))


def measure_run(folder: Path, demo_run: Path, **more: int) -> tuple[Store, Mapping[str, NDArray[np.float64]]]:
    """What is annotated of another run, measured and merged."""
    options = {"annotations": demo_run / "annotations", "layers": "0,3", "batch_pieces": 100, **more}
    facts = run_measure(demo_config(folder, **options), Reporter(quiet=True))
    store = Store.described(locate(folder), facts["store"])
    assert store.shards > 2
    return store, merge(store, list(store.committed().values()), None)


def sampled_texts(demo_run: Path, share: int) -> list[str]:
    """Of each annotated shard, the sentences with the smallest hashes."""
    texts: list[str] = []
    for path in sorted((demo_run / "annotations").rglob("*.parquet")):
        rows = pq.read_table(path, columns=["document", "sentence", "text"]).to_pylist()
        rows.sort(key=lambda row: sample_hash(0, row["document"], row["sentence"]))
        texts += [row["text"] for row in rows[:share]]
    return texts


@pytest.mark.usefixtures("planted", "loaded_once")
def test_sums_of_a_run_are_those_of_the_attention_in_an_equal_share_of_every_shard(
    demo_run: Path, tmp_path: Path
) -> None:
    _, every = measure_run(tmp_path / "every", demo_run)
    assert (every["mapped_units"], every["mapped_rows"]) == (every["sentences"], every["pieces"])
    store, some = measure_run(tmp_path / "some", demo_run, map_sentences=20)
    _, together = measure_run(tmp_path / "together", demo_run, threads=3, map_sentences=20)

    assert store.shards > 1
    model = load_model(str(MODELS["demo"]), layers=(0, 3))
    texts = sampled_texts(demo_run, 20 // store.shards)
    assert 0 < len(texts) < every["sentences"]
    expected = reference(model, [encoding.ids for encoding in model.tokenizer.encode_batch(texts)])
    assert set(expected) == {one.name for family in (PEAKS, COLUMNS) for one in family.sums}
    assert some["map_sentences"] == some["mapped_units"] == len(texts)
    of_syntax = {one.name for one in syntax.FAMILY.sums}
    for name, sums in some.items():
        np.testing.assert_array_equal(together[name], sums, err_msg=name)
        if name not in of_syntax:
            np.testing.assert_allclose(sums, expected.get(name, every[name]), rtol=1e-5, atol=1e-5, err_msg=name)

    results = store.schema.compute(some)
    np.testing.assert_allclose(results["peak"], some["peak_sum"] / some["mapped_rows"])
    np.testing.assert_allclose(results["peak_by_layer"], results["peak"].mean(-1))


@pytest.mark.usefixtures("planted")
def test_only_units_that_count_are_mapped(gpt2: Model) -> None:
    sentences, counted = annotate(TEXTS), np.arange(len(TEXTS)) % 3 == 0
    every = measure(sentences, gpt2, metric_rows=counted)
    alone = measure(sentences.take(np.flatnonzero(counted)), gpt2)
    nothing = measure(sentences, gpt2, metric_rows=counted, map_sample=MapSample(0, np.zeros(0, np.int64)))
    assert every.state["mapped_units"] == counted.sum()
    for one in every.state.layout.mapped_sums:
        np.testing.assert_allclose(every.state[one.name], alone.state[one.name], rtol=1e-5, err_msg=one.name)
        assert not nothing.state[one.name].any()


def test_without_map_families_none_is_built(gpt2: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("nothing is mapped")

    monkeypatch.setattr(schema, "families_of", families_without_maps)
    monkeypatch.setitem(MAP_FAMILIES, "peaks", refuse)
    monkeypatch.setattr(shard, "show_to", refuse)
    assert measure(annotate(TEXTS), gpt2, exemplars=0).state["sentences"] == len(TEXTS)
    with pytest.raises(AssertionError, match="nothing is mapped"):  # claims are looked for in maps
        measure(annotate(TEXTS), gpt2, exemplars=1)


def test_a_corpus_that_shares_leave_units_of_is_told(tmp_path: Path) -> None:
    def said(looked_at: int, limit: int | None) -> str:
        found = SimpleNamespace(dataset=xr.Dataset({"map_sentences": looked_at, "sentences": 10}))
        told = StringIO()
        config = demo_config(tmp_path, map_sentences=limit)
        _warn_of_shares(config, found, Reporter(console=Console(file=told, width=500)))
        return told.getvalue()

    assert "in 8 of 10 sentences" in said(8, 12) and "--map-sentences all" in said(8, 12)
    assert said(10, 12) == said(8, 8) == said(10, None) == ""
