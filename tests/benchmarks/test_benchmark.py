"""The benchmark's contenders: the paper's way gives our sums, all read every piece, ratios are taken in pairs."""

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers
from models import save_model
from numpy.testing import assert_allclose
from rich.console import Console

from attnmetrics.annotation.spacy import SpacyAnnotator
from attnmetrics.assets import CORPORA, PIPELINES
from attnmetrics.benchmark import bench as bench_file
from attnmetrics.benchmark import contenders as who
from attnmetrics.benchmark import floor
from attnmetrics.benchmark.annotation import Pace
from attnmetrics.benchmark.bench import Course, Line
from attnmetrics.benchmark.material import Material, in_batches
from attnmetrics.benchmark.paper_way import PaperSums, features
from attnmetrics.benchmark.race import Timing, race, ratio
from attnmetrics.benchmark.recipe import Recipe
from attnmetrics.benchmark.resident import Resident
from attnmetrics.benchmark.shapes import SHAPES, Shape
from attnmetrics.benchmark.table import beside_races, costs, of_race
from attnmetrics.corpus import read_documents
from attnmetrics.measuring.shard import measure
from attnmetrics.metrics.family import HEAD
from attnmetrics.statistics.states import State
from attnmetrics.statistics.variability import prefix_pairs


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Material]:
    documents = list(read_documents([str(CORPORA["demo"])], max_documents=6))
    annotator = SpacyAnnotator(str(PIPELINES["en_ud_core"]))
    sentences = annotator.annotate(documents).sentences
    short = np.flatnonzero([len(text) < 60 for text in sentences.text])
    folder = save_model(tmp_path_factory.mktemp("model"), "gpt2")
    yield Material(folder, sentences.take(short), sentences, annotator.declared, 1, "cpu")


SUMS = (
    "null_sum", "given_sum", "span_sum", "entropy_sum", "entropy_rows", "received_by_pos", "given_by_pos",
    "received_by_rel", "dependency_sum", "offset_sum",
)  # fmt: skip


def test_other_ways_give_the_same_sums(material: Material) -> None:
    model = material.load("float32")
    units = material.read(model)
    ours = measure(units, model)
    shape, rows = units.schema.shape((*HEAD, "pos", "rel")), np.arange(len(material.sentences))
    eager, known = material.network("float32", "eager"), features(units)
    paper = who.sum_up(eager, units, rows, PaperSums(*shape))
    recipe, resident = PaperSums(*shape), PaperSums(*shape)
    Recipe(material.network("float32", "sdpa"), units, known, recipe, 100).run()
    Resident(eager, units, known, resident, 100).run()
    for theirs in (paper, recipe, resident):
        for name in SUMS:
            assert_allclose(getattr(theirs, name), ours.state[name], rtol=2e-5, atol=1e-4, err_msg=name)
    best = np.max([weight for weight, _ in paper.peaks], axis=0)
    assert_allclose(best, np.nanmax(ours.exemplars.weight[..., 0], axis=0), rtol=0, atol=2e-6)
    pairs = prefix_pairs(causal=True)
    for block, prefix in zip(ours.blocks, paper.prefixes, strict=True):
        for place, (i, j) in enumerate(zip(*pairs, strict=True)):
            own = prefix[..., i, j] if max(i, j) < prefix.shape[-1] else np.nan
            assert_allclose(np.nan_to_num(block[:, :, place]), np.nan_to_num(own) * np.ones(block.shape[:2]), atol=2e-6)


@pytest.mark.parametrize(("name", "per_layer"), [("gpt2", 12 * 768**2), ("bert", 12 * 768**2), ("llama", 3_538_944)])
def test_the_floor_counts_a_models_products(name: str, per_layer: int) -> None:
    """A Llama by hand: 576 · (576 + 2 · 192) for queries, keys and values, 576² for outputs, 3 · 576 · 1536 beyond."""
    config = getattr(transformers, f"{SHAPES[name].architecture}Config")(**SHAPES[name].settings)
    products = floor.products_of(config, causal=True)
    last = config.hidden_size * (config.hidden_size + products.width * (3 if name == "llama" else 12))
    assert products.per_piece == (config.num_hidden_layers - 1) * per_layer + last


def test_attention_takes_longer_in_longer_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "_of_attention", lambda _, length, *__: length**2 / 8)
    products = floor.Products(5, 2, 8, True, None, ((8, 8),), (8, 8))
    place = torch.float32, torch.device("cpu")
    # 4.5 layers; Σ n² / 8 seconds of units with 2, 3 and 4 pieces, and of one that no window of 4 holds
    assert floor.attention_seconds(products, np.array([2, 3, 4]), *place) == pytest.approx(4.5 * 29 / 8 / 9)
    seen = replace(products, window=4)
    assert floor.attention_seconds(seen, np.array([2, 3, 9]), *place) == pytest.approx(4.5 * 29 / 8 / 14)


def test_the_whole_benchmark_says_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shape, "save", lambda _, folder: save_model(folder, "gpt2"))
    monkeypatch.setattr(floor, "SECONDS", 0.01)
    monkeypatch.setattr(bench_file, "_dtypes", lambda _: ("float32", "bfloat16"))  # whatever this processor has
    monkeypatch.setattr(bench_file, "pace", lambda *_: Pace(1000.0, 1100.0, 8, (0.9, 0.8, 1.0), 0.98))
    races: list[Sequence[Line]] = []
    found = bench_file.bench(Course(12, 1, 1, windows=[48]), 24.0, None, lambda _: None, races.append)
    assert [line for race in races for line in race] == list(found.lines)
    measured = ("c", "d", "d3", "d2", "d1", "d0")
    exact = (*measured, "f", "g")
    for dtype, raced, long in (("float32", ("a", "b", *exact), exact), ("bfloat16", measured, measured)):
        entered = [(line.key, line.unit) for line in found.lines if line.dtype == dtype]
        assert entered == [*((key, "sentence") for key in raced), *((key, "window of 48") for key in long)]
    lines = {(line.key, line.unit): line for line in found.lines if line.dtype == "float32"}
    ours, bare = lines["d", "sentence"], lines["c", "sentence"]
    assert ours.ratios["c"][0] == pytest.approx(ours.pieces_per_second / bare.pieces_per_second)
    assert ours.products_share == pytest.approx(ours.pieces_per_second / found.floors["float32"])
    assert ours.floor_share > ours.products_share
    assert ours.pieces == bare.pieces != lines["d", "window of 48"].pieces
    hours = found.projection.measuring_hours
    assert hours == pytest.approx(24 / 12 * ours.pieces / ours.pieces_per_second / 3600)
    assert json.loads(json.dumps(found.plain()))["lines"][0]["key"] == "a"
    shown = io.StringIO()
    Console(file=shown, width=160).print(*beside_races(found), *(table for race in races for table in of_race(race)))
    assert "0.90 (0.80–1.00) × the bare" in shown.getvalue()
    in_bfloat16 = next(line for line in found.lines if (line.key, line.dtype) == ("d", "bfloat16"))
    assert f"d: {in_bfloat16.pieces_per_second / ours.pieces_per_second:.2f} × the rate in float32" in shown.getvalue()
    share = 100 * (lines["d1", "sentence"].ratios["d2"][0] - 1)
    assert f"word maps and syntax (d2 beside d1) │ {share:+.1f}% (" in " ".join(shown.getvalue().split())


def test_what_families_add_is_raced_alone(monkeypatch: pytest.MonkeyPatch, material: Material) -> None:
    monkeypatch.setattr(bench_file, "gather", lambda *_, **__: nullcontext(material))
    lines = bench_file.bench_families(Course(12, 2), lambda _: None)
    assert [line.key for line in lines] == ["d", "d3", "d2", "d1", "d0"]
    assert {line.pieces for line in lines} == {int(material.read(material.load("float32")).pieces.lengths.sum())}
    assert costs(lines).row_count == 5


def test_the_store_is_projected_from_what_a_shard_holds(material: Material) -> None:
    schema = material.schema(tuple(range(12)), 12)
    shards, exemplars, blocks = 1e6 / 200_000, 2 * 144 * 50 * 48, 20_000 * 144 * 55 * 4
    expected = shards * (State.zero(schema).pack().nbytes + exemplars) + blocks
    assert bench_file._store_bytes(material, 1e6, 1e6) == pytest.approx(expected)


def test_batches_hold_every_sentence_once_within_their_size() -> None:
    lengths = np.random.default_rng(0).integers(0, 40, 200)
    batches = list(in_batches(lengths, 128))
    assert sorted(np.concatenate(batches).tolist()) == np.flatnonzero(lengths).tolist()
    assert all(len(rows) * lengths[rows].max() <= 128 for rows in batches)
    assert [len(rows) for rows in in_batches(np.array([300, 5]), 128)] == [1, 1]


def test_all_contenders_read_all_pieces(material: Material) -> None:
    model = material.load("float32")
    units = material.read(model)
    pieces = int(units.pieces.lengths.sum())
    network = material.network("float32", "sdpa")
    entered = [
        who.bare(network, units, 64, 1),
        *who.measuring(lambda: units, model),
        who.passing(units, model),
        who.eager(material.network("float32", "eager"), units, 1),
    ]
    assert [one.pieces for one in entered] == [pieces] * 7
    seen: list[int] = []
    hook = network.register_forward_pre_hook(
        lambda _, __, given: seen.append(int(given["attention_mask"].sum())), with_kwargs=True
    )
    entered[0].run()
    hook.remove()
    assert sum(seen) == pieces


def test_rounds_are_turns_and_ratios_are_pairs() -> None:
    turns: list[str] = []

    def one(key: str) -> who.Contender:
        return who.Contender(key, key, "float32", 100, 1, lambda: turns.append(key))

    timings = race([one("x"), one("y")], 3)
    assert turns == ["x", "y", "x", "y", "y", "x", "x", "y"]
    fast, slow = (
        replace(timing, seconds=seconds)
        for timing, seconds in zip(timings, [(1.0, 2.0, 4.0), (2.0, 2.0, 6.0)], strict=True)
    )
    assert fast.rates == (100.0, 50.0, 25.0)
    assert ratio(fast, slow) == (1.5, 1.25, 1.75)
    assert Timing(one("z"), (1.0, 2.0, 4.0), None).rate == 50.0
