"""Pairs of segments of a document: against pairs cut by hand, in every statistic; what is refused; a run."""

from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
import xarray as xr
from agreement import (
    WEIGHT,
    K,
    check_claims,
    check_exemplars,
    check_tokens,
    check_typical,
    merge_found_tokens,
    worst_ratios,
)
from conftest import demo_config
from gold import Annotated, corpus, new_reference, read_gold_pairs
from models import TEXTS, make_tokenizer, save_model
from reference_forward import forward_float64
from tokenizers.processors import TemplateProcessing
from transformers import AutoModel, AutoTokenizer

import attnmetrics
from attnmetrics.config import build_config
from attnmetrics.errors import ConfigError, ModelError
from attnmetrics.measuring.selection import MapSample
from attnmetrics.measuring.shard import ShardResult, measure
from attnmetrics.metrics import syntax
from attnmetrics.metrics.claims import Claims
from attnmetrics.metrics.reference.pieces import label_pieces
from attnmetrics.metrics.reference.sentence import Mention, Sentence, Word
from attnmetrics.metrics.reference.syntax import Syntax
from attnmetrics.model.load import Model, choose_attends, load_model
from attnmetrics.model.segments import check_pair
from attnmetrics.model.trials import probe
from attnmetrics.pieces.pairs import find_frame, group_sentences, tokenize_pairs
from attnmetrics.pieces.units import SegmentIds
from attnmetrics.results.dataset import dataset
from attnmetrics.running.driver import run
from attnmetrics.running.progress import Reporter
from attnmetrics.statistics.claims import merge_rows
from attnmetrics.statistics.exemplars import merge_all
from attnmetrics.statistics.typical import merge_typical
from attnmetrics.statistics.variability import deviations
from attnmetrics.views.atlas.page import contents
from attnmetrics.views.facts import about

COLUMNS = ["layer", "head", "claim", "bucket", "rank"]
SIZE = 40
SENTENCES = corpus(TEXTS)[:13]
DOCUMENT = 5
"""Sentences of each, in `corpus`."""


class Pair(NamedTuple):
    """Cut by hand."""

    document: int
    number: int
    sentences: list[Annotated]
    second: int
    """the first of its second segment; as many as there are where it has none"""

    @property
    def texts(self) -> list[str]:
        parts = self.sentences[: self.second], self.sentences[self.second :]
        return [" ".join(one.text for one in part) for part in parts if part]

    @property
    def text(self) -> str:
        return " ".join(one.text for one in self.sentences)

    @property
    def words(self) -> list[Word]:
        words: list[Word] = []
        start = 0
        for one in self.sentences:
            first = len(words)
            for word in one.words:
                head = word.head + first if word.head >= 0 else -1
                words.append(replace(word, start=word.start + start, end=word.end + start, head=head))
            start += len(one.text) + 1
        return words

    @property
    def mentions(self) -> tuple[Mention, ...]:
        first = np.cumsum([0, *(len(one.words) for one in self.sentences)]).tolist()
        return tuple(
            replace(mention, word=mention.word + before)
            for one, before in zip(self.sentences, first, strict=False)
            for mention in one.mentions
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "bert", "bert", sharp=True)


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return load_model(str(folder))


def cut(folder: Path, sentences: list[Annotated], size: int) -> list[Pair]:
    """One document after the other, one sentence after the other; of a pair, every border tried."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    pairs = []
    for document, group in groupby(sentences, lambda one: one.document):
        left, number = list(group), 0
        while left:
            pieces = [len(tokenizer(one.text, add_special_tokens=False)["input_ids"]) for one in left]
            count = max([1, *(n for n in range(1, len(left) + 1) if sum(pieces[:n]) <= size - 3)])
            borders = range(1, count) or [1]
            second = min(borders, key=lambda n: abs(sum(pieces[:n]) - sum(pieces[n:count])))
            pairs.append(Pair(document, number, left[:count], second))
            left, number = left[count:], number + 1
    return pairs


def spell(folder: Path, pair: Pair, size: int) -> tuple[list[int], list[int], list[tuple[int, int]], bool]:
    """Ids, segments and characters, as transformers makes them, in the text of both; whether it was cut."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    found = tokenizer(*pair.texts, return_offsets_mapping=True, return_token_type_ids=True)
    shift = [len(pair.texts[0]) + 1 if source == 1 else 0 for source in found.sequence_ids()]
    spans = [(a + by, b + by) for (a, b), by in zip(found["offset_mapping"], shift, strict=True)]
    kept = list(range(len(spans)))
    while len(kept) > size:
        kept.remove(max(k for k in kept if found.sequence_ids()[k] is not None))
    ids, segments = found["input_ids"], found["token_type_ids"]
    return [ids[k] for k in kept], [segments[k] for k in kept], [spans[k] for k in kept], len(kept) < len(spans)


def measured(model: Model, size: int, segment_ids: SegmentIds = "tokenizer") -> list[ShardResult]:
    """From shards of two documents each."""
    shards = [SENTENCES[start : start + 2 * DOCUMENT] for start in range(0, len(SENTENCES), 2 * DOCUMENT)]
    assert len(shards) > 1
    units = [read_gold_pairs(shard, model, size, segment_ids) for shard in shards]
    samples = [MapSample(seed=0, rows=np.arange(len(one))) for one in units]
    each = zip(units, samples, strict=True)
    return [measure(one, model, batch_pieces=100, exemplars=K, map_sample=sample) for one, sample in each]


def merged(parts: list[ShardResult], unit: str) -> xr.Dataset:
    state = parts[0].state
    for part in parts[1:]:
        state = state.merge(part.state)
    return dataset(state.layout, state.sums | deviations(lambda: (part.blocks for part in parts)), unit)


@pytest.mark.parametrize(
    ("size", "segment_ids", "policy"), [(SIZE, "tokenizer", None), (20, "zero", "special"), (20, "zero", "none")]
)
def test_every_statistic_is_that_of_pairs_cut_by_hand(folder, model, size, segment_ids, policy):
    model = replace(model, attends=choose_attends(policy, False, model.template))
    expected, maps = new_reference(3, 4, causal=False, own=False), {}
    pairs = cut(folder, SENTENCES, size)
    for pair in pairs:
        ids, segments, spans, short = spell(folder, pair, size)
        alpha, added = forward_float64(folder, ids, segments if segment_ids == "tokenizer" else None)
        maps[pair.document, pair.number] = alpha
        template = frozenset(n for n, (start, end) in enumerate(spans) if start == end)
        text = pair.text + "\0" + str(ids)  # one text a pair: the reference keeps each once
        null = frozenset() if policy == "none" else template
        row = Sentence(text, pair.words, spans, ids, template, null, alpha, added, mentions=pair.mentions, cut=short,
                       document=f"document {pair.document}", document_index=pair.document,
                       sentence=pair.number)  # fmt: skip
        expected.add(label_pieces(row))
    parts = measured(model, size, segment_ids)
    found = merged(parts, f"pair:{size}")
    # Maps between words are of sentences in pairs; the twin takes a pair for one sentence (see `test_syntax`).
    expected.twins = [twin for twin in expected.twins if not isinstance(twin, Syntax)]
    of_syntax = {result.name for result in syntax.FAMILY.results}
    found = found.drop_vars([name for name in found.data_vars if name.removesuffix("_by_layer") in of_syntax])
    ratios = worst_ratios(found, expected)
    assert max(ratios.values()) <= 1, {name: ratio for name, ratio in ratios.items() if ratio > 1}
    assert check_exemplars(merge_all(part.exemplars for part in parts), expected, maps) < WEIGHT
    assert check_typical(merge_typical(part.typical for part in parts), expected, maps) > 60
    assert check_tokens(merge_found_tokens(parts, has_null=policy != "none"), expected) > 100
    claims = merge_rows(part.claims for part in parts)
    assert check_claims(claims, Claims(parts[0].state.layout), expected, maps)[0] < WEIGHT
    assert {len(pair.texts) for pair in pairs} == {1, 2}
    assert found["sentences_cut"] == expected.results()["sentences_cut"] > 0
    assert found["separator_attention"].notnull().all()


def test_pieces_are_those_of_the_pair_alone(folder, model):
    for size in (20, 33, 64):
        units, pairs = read_gold_pairs(SENTENCES, model, size, "tokenizer"), cut(folder, SENTENCES, size)
        assert len(units) == len(pairs)
        assert units.number.tolist() == [pair.number for pair in pairs]
        assert units.document_index.tolist() == [pair.document for pair in pairs]
        bounds = units.pieces.offsets.tolist()
        for row, (pair, own) in enumerate(zip(pairs, (slice(a, b) for a, b in pairwise(bounds)), strict=True)):
            ids, segments, spans, short = spell(folder, pair, size)
            assert units.pieces.ids[own].tolist() == ids
            assert units.segments is not None and units.segments[own].tolist() == segments
            assert list(zip(units.pieces.start[own].tolist(), units.pieces.end[own].tolist(), strict=True)) == spans
            assert units.pieces.cut[row] == short
            held = [units.words.text[n] for n in np.unique(units.sentence[own])]
            assert held == [one.text for one in pair.sentences][: len(held)]
            assert len(held) == len(pair.sentences) or short
        assert (np.diff(units.sentence) >= 0).all()


def test_attention_is_that_of_transformers(folder, model):
    network = AutoModel.from_pretrained(folder, attn_implementation="eager").double().eval()
    expected = {"tokenizer": [], "zero": []}
    for pair in cut(folder, SENTENCES, SIZE):
        ids, segments, _, _ = spell(folder, pair, SIZE)
        for which, told in (("tokenizer", segments), ("zero", [0] * len(ids))):
            with torch.inference_mode():
                inputs = {"input_ids": torch.tensor([ids]), "token_type_ids": torch.tensor([told])}
                found = torch.cat(network(**inputs, output_attentions=True).attentions)
            expected[which].append(found.amax(-1).sum(-1))
    largest = {}
    for which in ("tokenizer", "zero"):
        parts = measured(model, SIZE, which)
        largest[which] = sum(part.state["largest_sum"] for part in parts)
        np.testing.assert_allclose(largest[which], sum(expected[which]).numpy(), rtol=1e-5)
    assert np.abs(largest["tokenizer"] / largest["zero"] - 1).max() > 1e-3


def test_rows_of_one_length_are_told_their_segments_too(model):
    apart = replace(model, layout=replace(model.layout, equal_lengths=True))
    found, expected = (measure(read_gold_pairs(SENTENCES, each, SIZE, "tokenizer"), each) for each in (apart, model))
    for name, value in expected.state.sums.items():
        np.testing.assert_allclose(found.state[name], value, rtol=1e-5, atol=2e-5, err_msg=name)


def test_any_shards_of_whole_documents_give_the_same(model):
    units = read_gold_pairs(SENTENCES, model, SIZE, "tokenizer")
    whole = measure(units, model, exemplars=K, map_sample=MapSample(seed=0, rows=np.arange(len(units))))
    parts = measured(model, SIZE)
    for name, value in whole.state.sums.items():
        total = sum(part.state[name] for part in parts)
        np.testing.assert_allclose(total, value, rtol=1e-5, atol=2e-5, err_msg=name)
    together = merge_all(part.exemplars for part in parts)
    np.testing.assert_allclose(together.weight, whole.exemplars.weight, rtol=0, atol=5e-5)


def test_units_take_what_fits_and_are_halved_at_the_nearest_border():
    lengths, document = np.array([3, 4, 2, 9, 1, 1, 20, 5]), np.array([0, 0, 0, 1, 2, 2, 2, 2])
    first, second = group_sentences(lengths, document, 9)
    # 3 | 4 2: nearer the middle than 3 4 | 2; 9 alone in its document; 1 | 1; 20 does not fit; 5 is left.
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1), (3, 4), (4, 5), (6, 7), (7, 8)]
    assert [len(found) for found in group_sentences(np.zeros(0, np.int64), np.zeros(0, np.int64), 9)] == [0, 0]


def test_a_template_may_put_more_than_one_piece_between():
    tokenizer = make_tokenizer("bert").backend_tokenizer
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] [SEP] $B:1 [SEP]:2", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    frames = find_frame(tokenizer, 1), find_frame(tokenizer, 2)
    assert frames[1].gaps == ((2,), (3, 3), (3,)) and frames[1].gap_segments == ((0,), (0, 0), (2,))
    pieces, segments = tokenize_pairs(tokenizer, ["a", "b a"], ["b b", None], frames, 7)
    a, b = (tokenizer.encode(text, add_special_tokens=False).ids[0] for text in "ab")
    assert pieces.ids.tolist() == [2, a, 3, 3, b, b, 3, 2, b, a, 3]
    assert segments.tolist() == [0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0]
    assert pieces.start.tolist() == [0, 0, 0, 0, 2, 4, 0, 0, 0, 2, 0]
    assert not pieces.cut.any()
    pieces, _ = tokenize_pairs(tokenizer, ["a", "b a"], ["b b", None], frames, 6)
    assert pieces.ids.tolist() == [2, a, 3, 3, b, 3, 2, b, a, 3] and pieces.cut.tolist() == [True, False]


def test_null_pieces_between_segments(model):
    tokenizer = make_tokenizer("bert").backend_tokenizer
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    twice = replace(model, tokenizer=tokenizer)
    check_pair(SIZE, twice)
    for one, pieces in ((model, 1), (twice, 2)):
        units = read_gold_pairs(SENTENCES, one, SIZE, "tokenizer")
        np.testing.assert_array_equal(units.null, ~units.pieces.in_text)
        begin, end = units.between
        assert set((end - begin).tolist()) == {0, pieces}
    for policy, number in (("first", 1), ("none", 0)):
        other = replace(model, attends=choose_attends(policy, False, model.template))
        units = read_gold_pairs(SENTENCES, other, SIZE, "tokenizer")
        assert units.null.sum() == number * len(units) and not units.between.any()


# ---- what is refused


@pytest.mark.parametrize("unit", ["pair", "pair:1", "pairs:9", "pair:09", "pair:-3"])
def test_other_units_are_refused(unit):
    with pytest.raises(ConfigError, match=r"'window:N' or 'pair:N' with N of at least 2 pieces"):
        build_config({"model": "m", "corpus": "c", "out": "o", "unit": unit})


def test_settings_that_go_with_pairs_alone_or_not_at_all():
    base = {"model": "m", "corpus": "c", "out": "o"}
    build_config({**base, "unit": "pair:128", "segment_ids": "zero"})
    with pytest.raises(ConfigError, match="segment_ids are of pairs of segments; leave it out"):
        build_config({**base, "segment_ids": "zero"})
    with pytest.raises(ConfigError, match="unit pair:128 takes whole documents"):
        build_config({**base, "unit": "pair:128", "sample_sentences": 5})


def test_pairs_fit_the_model_and_its_tokenizer(model, tmp_path):
    for size in (5, 64):
        check_pair(size, model)
    for size in (4, 65):
        with pytest.raises(ConfigError, match=f"expected pairs of 5 to 64 pieces, .* found {size}; choose another"):
            check_pair(size, model)
    with pytest.raises(ConfigError, match=r"puts a separator between two texts, found none .* choose --unit window:N"):
        check_pair(30, load_model(str(save_model(tmp_path / "gpt2", "gpt2", layers=1))))


def test_null_pieces_at_the_ends_are_as_many_as_around_one_text(model):
    tokenizer = make_tokenizer("bert").backend_tokenizer
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] [CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    other = replace(model, tokenizer=tokenizer)
    with pytest.raises(
        ConfigError, match=r"as many pieces .* found \(2, 1\) and \(1, 1\) .* --null-tokens first or none"
    ):
        check_pair(SIZE, other)
    check_pair(SIZE, replace(other, attends=choose_attends("first", False, model.template)))


def test_a_model_that_is_not_told_of_segments_is_refused(model, monkeypatch):
    told = probe.run_packed
    monkeypatch.setattr(probe, "run_packed", lambda *arguments: told(*arguments[:4]))
    with pytest.raises(ModelError, match=r"BertModel in pairs of segments can't be captured exactly: it differs from"):
        check_pair(30, model)
    monkeypatch.undo()
    check_pair(30, model)


# ---- a run from end to end


@pytest.mark.usefixtures("loaded_once")
@pytest.mark.parametrize("segment_ids", ["zero", "tokenizer"])
def test_a_run_in_pairs(folder: Path, tmp_path: Path, segment_ids: SegmentIds) -> None:
    (tmp_path / "corpus.txt").write_text("\n\n".join(["Nobody knew. Stop! Go on. They left it."] * 3))
    corpus_file = {"corpus": str(tmp_path / "corpus.txt"), "text_documents": "blank-line", "shard_characters": 60}
    config = demo_config(tmp_path / "run", model=str(folder), unit="pair:40", segment_ids=segment_ids, **corpus_file)
    facts = run(config, Reporter(quiet=True))
    assert facts["corpus"]["shards"] > 1
    assert facts["model"]["null"] == {"leading": 1, "trailing": 1, "between": 1}
    assert ("null pieces", "the first and the last and those between segments") in about(facts)
    assert facts["identity"]["segment_ids"] == segment_ids
    found, frame = attnmetrics.load(tmp_path / "run"), attnmetrics.exemplars(tmp_path / "run")
    assert found["sentences"] == 3
    tokenizer = AutoTokenizer.from_pretrained(folder)
    given = tokenizer("Nobody knew. Stop!", "Go on. They left it.", return_token_type_ids=True)
    ids, segments = given["input_ids"], given["token_type_ids"]
    assert found["pieces"] == 3 * len(ids)
    alpha, _ = forward_float64(folder, ids, segments if segment_ids == "tokenizer" else None)
    np.testing.assert_allclose(found["peak_attention"], alpha.max(-1).mean(-1), rtol=1e-5)
    special = [place for place, piece in enumerate(ids) if piece in (2, 3)]
    assert len(special) == 3
    np.testing.assert_allclose(found["null_attention"], alpha[..., special].sum(-1).mean(-1), rtol=1e-5)
    assert found["sentences"].attrs["long_name"] == "Segment pairs measured"
    page = contents(found, frame, attnmetrics.exemplar_attention(tmp_path / "run"), facts)
    assert page["unit"] == "segment pair"
    # Read again, the pair of an exemplar has the same weight.
    drawn = attnmetrics.exemplar_attention(tmp_path / "run")
    weights = drawn.explode(["i", "j", "weight"]).astype({"i": int, "j": int, "weight": float})
    both = frame.merge(weights, on=[*COLUMNS, "i", "j"], suffixes=("", "_drawn"))
    assert len(both) == len(drawn) > 10
    np.testing.assert_allclose(both["weight"], both["weight_drawn"], rtol=0, atol=WEIGHT)
