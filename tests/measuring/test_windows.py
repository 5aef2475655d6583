"""Windows of a document: against windows cut by hand, in every statistic; their exemplars; a run from end to end."""

import json
import re
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from io import StringIO
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import xarray as xr
from agreement import WEIGHT, K, check_exemplars, check_tokens, check_typical, merge_found_tokens, worst_ratios
from checks import dense
from conftest import demo_config
from gold import GOLD, Annotated, corpus, new_reference, read_units
from hypothesis import given, settings
from hypothesis import strategies as st
from models import FAMILIES, TEXTS, Family, make_tokenizer, save_model
from pages import Desk, chromium, needs_chromium
from playwright.sync_api import expect
from reference_forward import forward_float64
from rich.console import Console
from tokenizers import Tokenizer
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import LlamaConfig, LlamaForCausalLM

import attnmetrics
from attnmetrics.benchmark.race import peak_bytes as bytes_at_the_peak
from attnmetrics.cli import main
from attnmetrics.config import build_config
from attnmetrics.engine.worker import Worker
from attnmetrics.errors import ConfigError, StoreError
from attnmetrics.measuring.selection import MapSample
from attnmetrics.measuring.shard import ShardResult, measure
from attnmetrics.metrics import syntax
from attnmetrics.metrics.reference.pieces import label_pieces
from attnmetrics.metrics.reference.sentence import Mention, Sentence, Word
from attnmetrics.metrics.reference.syntax import Syntax
from attnmetrics.model.load import Model, attention_maps, load_model
from attnmetrics.pieces.align import find_template, tokenize
from attnmetrics.pieces.units import Units, check_window
from attnmetrics.results.dataset import dataset
from attnmetrics.results.exemplars import exemplars_frame
from attnmetrics.running.driver import run
from attnmetrics.running.estimate import plan
from attnmetrics.running.progress import Reporter
from attnmetrics.running.runfile import read_facts
from attnmetrics.statistics.claims import no_rows
from attnmetrics.statistics.exemplars import merge_all
from attnmetrics.statistics.listing import make_listing
from attnmetrics.statistics.passages import Passage
from attnmetrics.statistics.traces import VISIBLE
from attnmetrics.statistics.typical import merge_typical
from attnmetrics.statistics.variability import deviations
from attnmetrics.storage import locate
from attnmetrics.views.atlas.page import contents

QUIET = Reporter(quiet=True)
TEMPLATES = {"gpt2": ([], []), "bert": ([2], [3]), "llama": ([0], [])}
DOCUMENT = 5
"""Sentences of each, in `corpus`."""


class Window(NamedTuple):
    """Cut by hand."""

    document: int
    number: int
    ids: list[int]
    spans: list[tuple[int, int]]
    template: frozenset[int]
    text: str
    """of the whole document"""
    words: tuple[Word, ...]
    """of the whole document"""
    mentions: tuple[Mention, ...]
    """of the whole document"""


def cut(folder: Path, family: Family, sentences: list[Annotated], size: int) -> list[Window]:
    """One document after the other, one piece after the other."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    prefix, suffix = TEMPLATES[family]
    windows = []
    for document, group in groupby(sentences, lambda sentence: sentence.document):
        text, words, mentions = joined(list(group))
        encoding = tokenizer.encode(text, add_special_tokens=False)
        left = list(zip(encoding.ids, encoding.offsets, strict=True))
        number = 0
        while left or number == 0:
            room = size - len(prefix) - len(suffix)
            own, left = left[:room], left[room:]
            ids = [*prefix, *(piece for piece, _ in own), *suffix]
            spans = [*((0, 0) for _ in prefix), *(span for _, span in own), *((0, 0) for _ in suffix)]
            template = frozenset([*range(len(prefix)), *range(len(ids) - len(suffix), len(ids))])
            windows.append(Window(document, number, ids, spans, template, text, words, mentions))
            number += 1
    return windows


def joined(sentences: list[Annotated]) -> tuple[str, tuple[Word, ...], tuple[Mention, ...]]:
    """A document's text, words and mentions; heads count in the document."""
    text, words, mentions = "", [], []
    for sentence in sentences:
        text += " " if text else ""
        first = len(words)
        for word in sentence.words:
            start, end = len(text) + word.start, len(text) + word.end
            head = word.head + first if word.head >= 0 else -1
            words.append(replace(word, start=start, end=end, head=head))
        mentions += [replace(mention, word=mention.word + first) for mention in sentence.mentions]
        text += sentence.text
    return text, tuple(words), tuple(mentions)


def measured(model: Model, sentences: list[Annotated], size: int) -> list[ShardResult]:
    """From shards of two documents each."""
    step = 2 * DOCUMENT
    shards = [sentences[start : start + step] for start in range(0, len(sentences), step)]
    assert len(shards) > 1
    windows = [read_units(shard, model, size) for shard in shards]
    every = [MapSample(seed=0, rows=np.arange(len(units))) for units in windows]
    pairs = zip(windows, every, strict=True)
    return [measure(units, model, batch_pieces=100, exemplars=K, map_sample=sample) for units, sample in pairs]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, Path]:
    root = tmp_path_factory.mktemp("models")
    return {family: save_model(root / family, family, sharp=True) for family in FAMILIES}


@pytest.mark.parametrize(
    ("family", "size", "null"),
    [("gpt2", 20, None), ("gpt2", 64, None), ("bert", 20, None), ("bert", 13, "none"), ("llama", 20, None)],
)
def test_every_statistic_is_that_of_windows_cut_by_hand(folders, family, size, null):
    folder, sentences = folders[family], corpus(TEXTS)[: 4 * DOCUMENT + 2]
    causal = family != "bert"
    expected, maps = new_reference(3, 6 if family == "llama" else 4, causal, own=False), {}
    for window in cut(folder, family, sentences, size):
        alpha, added = forward_float64(folder, window.ids)
        maps[window.document, window.number] = alpha
        nulls = {None: frozenset({0}) if causal else window.template, "none": frozenset()}[null]
        text = window.text + str(window.ids)  # one text a window: the reference keeps each once
        row = Sentence(text, window.words, window.spans, window.ids, window.template, nulls, alpha, added,
                       document=f"document {window.document}", document_index=window.document,
                       sentence=window.number, mentions=window.mentions)  # fmt: skip
        expected.add(label_pieces(row))
    parts = measured(load_model(str(folder), null_tokens=null), sentences, size)
    state = parts[0].state
    for part in parts[1:]:
        state = state.merge(part.state)
    sums = state.sums | deviations(lambda: (part.blocks for part in parts))
    found = dataset(parts[0].state.layout, sums, unit=f"window:{size}")
    # Maps between words are of sentences in windows; the twin takes a window for one sentence (see `test_syntax`).
    expected.twins = [twin for twin in expected.twins if not isinstance(twin, Syntax)]
    of_syntax = {result.name for result in syntax.FAMILY.results}
    found = found.drop_vars([name for name in found.data_vars if name.removesuffix("_by_layer") in of_syntax])
    ratios = worst_ratios(found, expected)
    assert max(ratios.values()) <= 1, {name: ratio for name, ratio in ratios.items() if ratio > 1}
    assert check_exemplars(merge_all(part.exemplars for part in parts), expected, maps) < WEIGHT
    assert check_typical(merge_typical(part.typical for part in parts), expected, maps) > 90
    assert check_tokens(merge_found_tokens(parts, has_null=null != "none"), expected) > 100
    assert found["sentences"] == len(maps) > 4
    assert found["sentences_cut"] == 0
    assert (found["dependency_pairs"].sum() > 0) and found.attrs["unit"] == f"window:{size}"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_window_that_holds_a_document_reads_it_as_one_sentence(folders, family):
    model, sentences = load_model(str(folders[family])), [one for one in corpus(TEXTS) if len(one.text) < 20]
    documents = [
        Annotated(text, words, document, 0, mentions)
        for document, group in groupby(sentences, lambda one: one.document)
        for text, words, mentions in [joined(list(group))]
    ]
    whole = read_units(documents, model)
    assert len(whole) > 4 and not whole.pieces.cut.any()
    for size in (whole.pieces.lengths.max(), model.max_pieces):
        found = read_units(sentences, model, int(size))
        assert found.number.tolist() == [0] * len(documents)
        assert found.document == whole.document
        for name in ("document_index", "aligned"):
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))
        for name in ("offsets", "ids", "in_text", "cut"):
            np.testing.assert_array_equal(getattr(found.pieces, name), getattr(whole.pieces, name), err_msg=name)
        for label, names in whole.labels.items():
            np.testing.assert_array_equal(found.labels[label], names, err_msg=label)
        for link, pairs in whole.links.items():
            for name in ("offsets", "attending", "attended", "edge"):
                values = [getattr(one, name) for one in (found.links[link], pairs)]
                np.testing.assert_array_equal(*values, err_msg=f"{link} {name}")


def test_any_shards_of_whole_documents_give_the_same(folders):
    model, sentences = load_model(str(folders["gpt2"])), corpus(TEXTS)
    units = read_units(sentences, model, 24)
    every = MapSample(seed=0, rows=np.arange(len(units)))
    whole = measure(units, model, exemplars=K, map_sample=every)
    parts = measured(model, sentences, 24)
    for name, value in whole.state.sums.items():
        total = sum(part.state[name] for part in parts)
        np.testing.assert_allclose(total, value, rtol=1e-5, atol=2e-5, err_msg=name)
    merged = merge_all(part.exemplars for part in parts)
    np.testing.assert_allclose(merged.weight, whole.exemplars.weight, rtol=0, atol=5e-5)
    filled = whole.exemplars.sentence >= 0
    keys = zip(whole.exemplars.document_index[filled], whole.exemplars.sentence[filled], strict=True)
    assert {(passage.document_index, passage.sentence) for passage in whole.passages} == set(keys)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(FAMILIES),
    st.lists(st.text(st.sampled_from("abc de.é🦉\x00"), max_size=30), max_size=4),
    st.integers(3, 12),
)
def test_cutting_loses_no_piece_and_keeps_the_order(family: Family, texts: list[str], size: int) -> None:
    tokenizer = make_tokenizer(family).backend_tokenizer
    template = find_template(tokenizer)
    pieces = tokenize(tokenizer, texts, template, size, split=True)
    rows = np.split(np.arange(len(pieces.ids)), pieces.offsets[1:-1])[: len(pieces.text)]
    for place, text in enumerate(texts):
        own = [row for row, of in zip(rows, pieces.text, strict=True) if of == place]
        encoding = tokenizer.encode(text, add_special_tokens=False)
        inner = np.concatenate([row[pieces.in_text[row]] for row in own])
        assert pieces.ids[inner].tolist() == encoding.ids
        assert list(zip(pieces.start[inner].tolist(), pieces.end[inner].tolist(), strict=True)) == encoding.offsets
        assert [len(row) for row in own[:-1]] == [size] * (len(own) - 1)
        assert (len(own[-1]) > len(template) or len(own) == 1) and len(own[-1]) <= size
        for row in own:
            ids = pieces.ids[row].tolist()
            assert (*ids[: len(template.before)], *ids[len(ids) - len(template.after) :]) == (
                template.before + template.after
            )
    assert not pieces.cut.any()


# ---- exemplars


def excerpt(window: Window, pieces: tuple[int, int], sentences: list[Annotated], tokenizer: Tokenizer) -> tuple:
    """The sentences that hold two pieces, their pieces in the window, and the places of the two among these."""
    own = [sentence.text for sentence in sentences if sentence.document == window.document]
    text = [n for n in range(len(window.ids)) if n not in window.template]

    def holder(piece: int) -> int:
        beside = min(text, key=lambda n: abs(n - piece)) if text else None
        last = max(window.spans[beside][1] - 1, 0) if text else 0
        return next(n for n in range(len(own)) if last < len(" ".join(own[: n + 1])) + 1)

    held = sorted({holder(piece) for piece in pieces})
    shown = [n for n in range(len(window.ids)) if holder(n) in held]
    names = [tokenizer.id_to_token(window.ids[n]) for n in shown]
    return " ".join(own[n] for n in held), names, *(shown.index(piece) for piece in pieces)


@pytest.mark.parametrize(("family", "size", "null"), [("gpt2", 64, None), ("bert", 30, "none"), ("llama", 11, None)])
def test_an_exemplar_is_the_sentences_that_hold_its_two_pieces(folders, family, size, null):
    folder, sentences = folders[family], corpus(TEXTS)[len(GOLD) :]
    model = load_model(str(folder), null_tokens=null)
    units = read_units(sentences, model, size)
    result = measure(units, model, exemplars=K)
    own = result.exemplars.choose(np.zeros((len(model.layers), model.heads), np.bool_))
    passages: dict[tuple[int, int], list[Passage]] = defaultdict(list)
    for passage in result.passages:
        passages[passage.document_index, passage.sentence].append(passage)
    frame = exemplars_frame(make_listing(own, no_rows(), (), {}), model.layers, passages)
    assert len(frame) == own.weight.size
    windows = {(window.document, window.number): window for window in cut(folder, family, sentences, size)}
    kinds = set()
    for row in frame.itertuples(index=False):
        at = row.layer, row.head, row.rank - 1
        key = int(own.document_index[at]), int(own.sentence[at])
        pair = int(own.i[at]), int(own.j[at])
        expected = excerpt(windows[key], pair, sentences, model.tokenizer)
        assert (row.text, row.pieces, row.i, row.j) == expected
        assert (row.document, row.sentence) == (f"document {key[0]}", key[1])
        alpha = forward_float64(folder, windows[key].ids)[0][row.layer, row.head]
        assert abs(alpha[pair] - row.weight) < WEIGHT
        kinds.add("one" if row.text in [one.text for one in sentences] else "two")
        kinds.add("apart" if abs(row.i - row.j) != abs(pair[0] - pair[1]) else "together")
    assert len(frame) == len(model.layers) * model.heads * K
    assert kinds == {"one", "two", "together"} | ({"apart"} if family != "llama" else set())


def test_windows_that_read_the_same_are_one_exemplar(folders):
    model = load_model(str(folders["gpt2"]))
    once = corpus(TEXTS)[len(GOLD) :][:DOCUMENT]
    once = [Annotated(one.text, one.words, 0, place) for place, one in enumerate(once)]
    twice = [*once, *(Annotated(one.text, one.words, 1, one.sentence) for one in once)]
    found = [measure(read_units(some, model, 20), model, exemplars=50).exemplars for some in (once, twice)]
    np.testing.assert_array_equal(found[0].document_index, found[1].document_index)
    np.testing.assert_array_equal(found[0].sentence, found[1].sentence)


# ---- what is refused


@pytest.mark.parametrize("unit", ["window", "window:", "window:1", "window:0", "window:-5", "window:7.5", "window: 64",
                                  "window:064", "windows:64", "Sentence", "document", "window:٦٤", ""])  # fmt: skip
def test_other_units_are_refused(unit):
    with pytest.raises(ConfigError, match=r"unit: expected 'sentence', or 'window:N' or 'pair:N' with N of"):
        build_config({"model": "m", "corpus": "c", "out": "o", "unit": unit})


@pytest.mark.parametrize("sample", [{"sample_sentences": 10}, {"metric_sentences": 10}])
def test_sentences_are_not_sampled_from_windows(sample):
    build_config({"model": "m", "corpus": "c", "out": "o", **sample})
    with pytest.raises(ConfigError, match=r"unit window:64 takes whole documents, .* leave out sample_sentences"):
        build_config({"model": "m", "corpus": "c", "out": "o", "unit": "window:64", **sample})


@pytest.mark.parametrize(("family", "least"), [("gpt2", 1), ("bert", 3), ("llama", 2)])
def test_windows_fit_the_model(folders, family, least):
    model = load_model(str(folders[family]))
    for size in (least, 64):
        check_window(size, model)
    for size in (least - 1, 65):
        with pytest.raises(ConfigError, match=f"expected windows of {least} to 64 pieces, as .* found {size}; choose"):
            check_window(size, model)


@pytest.mark.usefixtures("loaded_once")
@pytest.mark.parametrize("command", [run, plan])
def test_windows_that_the_model_cannot_read_are_refused_before_any_work(command, tmp_path, monkeypatch):
    monkeypatch.setattr(Worker, "annotate", lambda *_: pytest.fail("a shard was annotated"))
    with pytest.raises(ConfigError, match=r"found 4,096; choose another --unit window:N"):
        command(demo_config(tmp_path / "run", unit="window:4096"), QUIET)
    assert not list(tmp_path.rglob("*.parquet"))


# ---- a run from end to end


@pytest.fixture(scope="module")
def window_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run; not to be written to."""
    folder = tmp_path_factory.mktemp("runs") / "windows"
    said = StringIO()
    facts = run(demo_config(folder, unit="window:64", variability_sentences=9), Reporter(console=Console(file=said)))
    assert facts["corpus"]["shards"] > 2
    assert re.search(r"measure: 3/3 shards · \d+ windows/s", said.getvalue())
    return folder


@pytest.mark.usefixtures("loaded_once")
def test_a_run_in_windows(window_run: Path, demo_run: Path) -> None:
    found, sentences = (xr.open_zarr(folder / "results.zarr").load() for folder in (window_run, demo_run))
    record = json.loads((window_run / "run.json").read_text())
    model = load_model(record["model"]["name"])
    texts = document_texts(window_run)
    pieces = [len(model.tokenizer.encode(text, add_special_tokens=False).ids) for text in texts.values()]
    assert found["pieces"] == sum(pieces)
    assert found["sentences"] == sum(-(-number // 64) for number in pieces) < sentences["sentences"]
    assert found["sentences_cut"] == 0
    assert found["variability_sentences"] == 9
    assert found.attrs["unit"] == record["configuration"]["unit"] == record["identity"]["unit"] == "window:64"
    assert sentences.attrs["unit"] == "sentence"
    assert found["sentences"].attrs == sentences["sentences"].attrs | {
        "long_name": "Windows measured", "units": "windows", "formula": "number of windows",
    }  # fmt: skip
    for name, variable in found.data_vars.items():
        words = json.dumps([variable.attrs[key] for key in ("long_name", "units", "formula")])
        assert "entence" not in words, name
        assert "indow" not in json.dumps(sentences[name].attrs), name
    assert (found["distance"] > sentences["distance"]).mean() > 0.9


def document_texts(folder: Path) -> dict[str, str]:
    """The sentences of each document, joined; from the annotations."""
    texts: dict[str, list[str]] = {}
    for path in sorted((folder / "annotations").rglob("*.parquet")):
        for row in pq.read_table(path, columns=["document", "text"]).to_pylist():
            texts.setdefault(row["document"], []).append(row["text"])
    return {document: " ".join(own) for document, own in texts.items()}


@pytest.mark.usefixtures("loaded_once")
def test_exemplars_of_a_run_stand_in_its_windows(window_run: Path) -> None:
    model = load_model(read_facts(locate(window_run))["model"]["name"])
    frame, texts = attnmetrics.exemplars(window_run), document_texts(window_run)
    top = frame[(frame["claim"] == "") & (frame["bucket"] == "top")]
    assert len(top) == 36 * 5
    for row in top[top["rank"] == 1].itertuples(index=False):
        ids = model.tokenizer.encode(texts[row.document], add_special_tokens=False).ids
        window = ids[64 * row.sentence : 64 * (row.sentence + 1)]
        kept = attention_maps(model, [window])[0][row.layer, row.head, :, 1:]
        is_own = np.arange(len(kept))[:, None] == np.arange(1, len(kept))
        kept = np.where(is_own == (row.i == row.j), kept, 0)
        i, j = np.unravel_index(kept.argmax(), kept.shape)
        assert abs(kept[i, j] - row.weight) < 1e-5
        names = [model.tokenizer.id_to_token(ids) for ids in window]
        assert (row.pieces[row.i], row.pieces[row.j]) == (names[i], names[j + 1])
        assert row.text in texts[row.document] or row.text.split(". ")[0] in texts[row.document]


def page_data(folder: Path) -> dict[str, Any]:
    """What the page of the atlas holds."""
    facts = read_facts(locate(folder))
    assert facts is not None
    tables = attnmetrics.load(folder), attnmetrics.exemplars(folder), attnmetrics.exemplar_attention(folder)
    return contents(*tables, facts)


def test_the_atlas_speaks_of_windows(window_run: Path, demo_run: Path) -> None:
    found, sentences = page_data(window_run), page_data(demo_run)
    assert (found["unit"], sentences["unit"]) == ("window", "sentence")
    assert [name for name, _ in found["headline"]][2:5] == ["windows", "word pieces", "pieces a window"]
    assert ("unit", "window:64") in found["about"]
    said = [
        [table[key] for key in ("title", "unit", "formula", "help")] for table in found["corpus"] + found["metrics"]
    ]
    assert ["Windows behind variability", "windows", "number of windows", ""] in said
    assert "entence" not in json.dumps(said)
    cut, blank = "windows cut to length", "blank sentences"
    assert {cut, blank} <= {name for name, _ in found["left_out"]}
    listed = json.loads(found["sentences"]["listed"].content)
    assert {source.rpartition(", ")[2].split()[0] for source, *_ in listed["sentences"]} == {"window"}
    for page in (listed, json.loads(sentences["sentences"]["listed"].content)):
        assert all(row is not None for exemplars in page["exemplars"] for *_, row in exemplars)
    shown = [(listed["sentences"][one[0]], one[3], one[4]) for exemplars in listed["exemplars"] for one in exemplars]
    frame = attnmetrics.exemplars(window_run, claim="", bucket="top")
    assert [(len(pieces), i, j) for (_, pieces, *_), i, j in shown] == [
        (len(row.pieces), row.i, row.j) for row in frame.itertuples(index=False)
    ]
    answers = [(row["found"], row["given"]) for paper in found["papers"] for row in paper["rows"]]
    assert ("the run's unit is window:64", False) in answers


@needs_chromium
def test_a_heads_page_draws_what_is_shown_of_windows(window_run: Path, tmp_path: Path) -> None:
    with chromium() as browser:
        desk = Desk(browser, tmp_path)
        page = desk.open((window_run / "report" / "index.html").read_text(encoding="utf-8"))
        page.evaluate("location.hash = '#/head/4/0?sentences=strongest'")
        expect(page.locator("#sentences")).to_contain_text("Of the windows")
        expect(page.locator("#sentences")).to_contain_text("point at any other piece")
        expect(page.locator("#sentences .exemplar .piece.strongest").first).to_be_visible()
        desk.check()
        desk.close()


@pytest.mark.cluster
def test_everything_can_be_looked_at(window_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*arguments: str) -> str:
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
        assert not end.value.code
        return " ".join(capsys.readouterr().out.split())

    folder = str(window_run)
    assert "pieces a window" in said("show", folder)
    assert "Windows measured number of windows [windows]" in said("show", folder, "sentences")
    exemplars = said("show", folder, "--layer", "4", "--head", "0", "--exemplars")
    assert re.search(r"1\. \S+ → \S+ \d+% .*, window \d", exemplars)
    assert "unit window:64" in said("status", folder)
    assert "figures:" in said("figures", folder, "--out", str(tmp_path / "figures"))
    assert {path.suffix for path in (tmp_path / "figures").iterdir()} == {".pdf"}


@pytest.mark.usefixtures("loaded_once")
def test_the_attention_in_windows_is_that_of_their_pieces_that_are_shown(window_run: Path) -> None:
    model = load_model(read_facts(locate(window_run))["model"]["name"])
    texts, keys = document_texts(window_run), ["layer", "head", "claim", "bucket", "rank"]
    attention = attnmetrics.exemplar_attention(window_run)
    both = attention.merge(attnmetrics.exemplars(window_run), on=keys, suffixes=("", "_of"))
    assert len(both) == len(attention) > 36 * 5
    lengths = set()
    for row in both.iloc[::9].itertuples(index=False):
        ids = model.tokenizer.encode(texts[row.document], add_special_tokens=False).ids
        window = ids[64 * row.sentence : 64 * (row.sentence + 1)]
        names = [model.tokenizer.id_to_token(ids) for ids in window]
        shown = dense(row.pieces, row.i, row.j, row.weight)
        alpha = attention_maps(model, [window])[0][row.layer, row.head]
        starts = [n for n in range(len(names)) if names[n : n + row.pieces] == row.pieces_of]
        if starts:  # one sentence, or two that stand side by side
            expected = alpha[starts[0] : starts[0] + row.pieces, starts[0] : starts[0] + row.pieces]
            np.testing.assert_allclose(shown, np.where(shown > 0, expected, 0), atol=1e-5)
            assert expected[shown == 0].max(initial=0) < VISIBLE + 1e-5
            lengths.add(row.pieces < len(window))
        assert abs(shown[row.i_of, row.j_of] - row.weight_of) < 1e-5
    assert True in lengths


@pytest.mark.usefixtures("loaded_once")
def test_another_unit_is_another_run(window_run: Path, demo_run: Path, tmp_path: Path) -> None:
    options = {"unit": "window:64", "variability_sentences": 9}
    assert run(demo_config(window_run, **options), QUIET) == read_facts(locate(window_run))
    for folder, unit, there in ((window_run, "window:65", "window:64"), (demo_run, "window:64", "sentence")):
        with pytest.raises(StoreError, match=f"unit: '{there}' there, '{unit}' now"):
            run(demo_config(folder, **options | {"unit": unit}), QUIET)


@pytest.mark.usefixtures("loaded_once")
def test_the_unit_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("model: demo\ncorpus: demo\nmax_documents: 1\nengine: inline\nunit: window:32\nlayers: 0\n")
    found = attnmetrics.run(config_file=file, out=tmp_path / "run")
    assert found.attrs["unit"] == "window:32"
    assert found["pieces_per_sentence"] <= 32


# ---- memory


def save_long_llama(folder: Path, layers: int, width: int) -> Path:
    """A Llama of 8 heads that reads 8,192 pieces."""
    tokenizer = make_tokenizer("llama")
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers,
        num_attention_heads=8, max_position_embeddings=8192,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def long_units(model: Model, size: int) -> Units:
    """Windows of one document of some 8,400 pieces."""
    sentences = [Annotated(one.text, one.words, 0, place) for place, one in enumerate(corpus(TEXTS) * 14)]
    units = read_units(sentences, model, size)
    assert size in units.pieces.lengths
    return units


class Largest(TorchDispatchMode):
    """The most numbers in a tensor that came up."""

    numbers = 0

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        found = function(*arguments, **(named or {}))
        tensors = [one for one in (found if isinstance(found, tuple | list) else [found]) if isinstance(one, Tensor)]
        self.numbers = max([self.numbers, *(one.numel() for one in tensors)])
        return found


def test_no_tensor_grows_with_the_square_of_the_window(tmp_path):
    model = load_model(str(save_long_llama(tmp_path / "model", layers=2, width=32)))
    largest = {}
    for size in (512, 2048):
        units = long_units(model, size)
        with Largest() as found:
            measure(units, model, batch_pieces=size, exemplars=K)
        largest[size] = found.numbers
    assert largest[2048] < 4.4 * largest[512]
    assert largest[2048] < 2048**2


def peak_bytes(folder: Path, size: int) -> int:
    """Most memory above the loaded model and kernel; to be run in a process of its own."""
    model = load_model(str(folder), threads=1)
    measure(long_units(model, 16), model, exemplars=K)
    units = long_units(model, size)
    return bytes_at_the_peak(lambda: measure(units, model, exemplars=K)) or 0


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_memory_grows_no_faster_than_the_window(tmp_path):
    folder, sizes = save_long_llama(tmp_path / "model", layers=4, width=256), (4096, 8192)
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        half, whole = pool.map(peak_bytes, [folder, folder], sizes)
    print(f"\nabove the loaded model: {half / 1e6:.0f} MB at 4,096 pieces, {whole / 1e6:.0f} MB at 8,192")
    assert 0 < whole < 2.2 * half
