"""A shard's state: equal bits when repeated, equal values however it is packed or split; and awkward sentences."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from checks import assert_same_bits
from models import FAMILIES, TEXTS, Family, save_model
from shards import annotate, measure

from attnmetrics.errors import ModelError
from attnmetrics.measuring.shard import ShardResult
from attnmetrics.metrics.family import OFFSET_LIMIT
from attnmetrics.model.load import Model, attention_maps, load_model
from attnmetrics.pieces.units import digest_texts


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, Model]:
    root = tmp_path_factory.mktemp("models")
    return {family: load_model(str(save_model(root / family, family, sharp=True))) for family in FAMILIES}


@pytest.fixture(scope="module")
def gpt2(models: dict[Family, Model]) -> Model:
    return models["gpt2"]


def assert_close(a: ShardResult, b: ShardResult, rtol: float = 1e-5, atol: float = 2e-5) -> None:
    for name, value in b.state.sums.items():
        np.testing.assert_allclose(a.state[name], value, rtol, atol, err_msg=name)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_shard_gives_the_same_bits(models: dict[Family, Model], family: Family) -> None:
    sentences = annotate(TEXTS)
    assert_same_bits(measure(sentences, models[family]), measure(sentences, models[family]))


@pytest.mark.parametrize("family", FAMILIES)
def test_batches_of_any_size_give_the_same_values(models: dict[Family, Model], family: Family) -> None:
    sentences = annotate(TEXTS)
    whole = measure(sentences, models[family])
    for batch_pieces in (1, 40, 150):
        parts = measure(sentences, models[family], batch_pieces=batch_pieces)
        assert_close(whole, parts)
        np.testing.assert_allclose(parts.blocks, whole.blocks, rtol=0, atol=5e-5)
        np.testing.assert_allclose(parts.exemplars.weight, whole.exemplars.weight, rtol=0, atol=5e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_parts_merge_to_the_whole(models: dict[Family, Model], family: Family) -> None:
    sentences = annotate(TEXTS)
    rows = np.arange(len(TEXTS))
    parts = [measure(sentences.take(part), models[family]).state for part in (rows[::2], rows[1::2])]
    merged, whole = parts[0].merge(parts[1]), measure(sentences, models[family]).state
    for name, value in whole.sums.items():
        np.testing.assert_allclose(merged[name], value, rtol=1e-5, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("family", FAMILIES)
def test_statistics_that_partition_the_same_mass_agree(models: dict[Family, Model], family: Family) -> None:
    state = measure(annotate(TEXTS), models[family]).state
    mass = state["given_sum"]
    for name in ("given_by_pos", "received_by_pos", "received_by_rel", "received_by_special", "offset_sum"):
        np.testing.assert_allclose(state[name].sum(-1), mass, rtol=1e-12)
    np.testing.assert_allclose(mass + state["null_sum"], state["pieces"], rtol=1e-7)
    assert (state["dependency_sum"].sum(-1) <= mass).all()
    if models[family].attends.causal:
        assert not state["offset_sum"][..., :OFFSET_LIMIT].any()


@pytest.mark.parametrize("threads", [2, 3])
def test_any_number_of_threads_gives_the_same_bits(gpt2: Model, threads: int) -> None:
    sentences = annotate(TEXTS * 3)
    alone = measure(sentences, gpt2, batch_pieces=20)
    together = measure(sentences, replace(gpt2, threads=threads), batch_pieces=20)
    np.testing.assert_array_equal(together.state.pack(), alone.state.pack())
    np.testing.assert_array_equal(together.blocks, alone.blocks)
    for field in fields(alone.exemplars):
        np.testing.assert_array_equal(getattr(together.exemplars, field.name), getattr(alone.exemplars, field.name))


def test_sums_are_those_of_the_attention_itself(gpt2: Model) -> None:
    """Numbers of one sentence, from its attention maps."""
    text = "Nobody knew."
    state = measure(annotate((text,)), gpt2).state
    (alpha,) = attention_maps(gpt2, [gpt2.tokenizer.encode(text).ids])
    np.testing.assert_allclose(state["null_sum"], alpha[..., 0].sum(-1), rtol=1e-5, atol=2e-5)
    np.testing.assert_allclose(state["given_sum"], alpha[..., 1:].sum((-1, -2)), rtol=1e-5, atol=2e-5)
    for offset, from_first in ((0, alpha[..., 0, 0]), (1, alpha[..., 1, 0]), (2, alpha[..., 2, 0])):
        expected = np.trace(alpha, -offset, -2, -1) - from_first
        np.testing.assert_allclose(state["offset_sum"][..., OFFSET_LIMIT + offset], expected, rtol=1e-5, atol=2e-5)


def test_exemplars_are_the_strongest_sentences(gpt2: Model) -> None:
    sentences = annotate((*TEXTS, *TEXTS))
    result = measure(sentences, gpt2, exemplars=5)
    ids = [gpt2.tokenizer.encode(text).ids[:64] for text in TEXTS]
    maps = attention_maps(gpt2, ids)
    found = result.exemplars
    for kind, layer, head in np.ndindex(found.shape[:3]):
        best: dict[tuple[int, int], float] = {}
        for own, alpha in zip(ids, maps, strict=True):
            n = len(own)  # the first piece is null
            pairs = [(i, j) for i in range(1, n) for j in range(1, i + 1) if (i == j) == kind]
            if pairs:
                i, j = max(pairs, key=alpha[layer, head].__getitem__)
                key = own[i], own[j]
                best[key] = max(best.get(key, 0), alpha[layer, head, i, j])
        expected = sorted(best.values(), reverse=True)[:5]
        np.testing.assert_allclose(found.weight[kind, layer, head], expected, rtol=0, atol=5e-5)
    rows = found.document_index * 5 + found.sentence
    assert rows.max() < len(TEXTS)  # never the second occurrence of a text
    np.testing.assert_array_equal(found.digest, digest_texts(TEXTS)[rows])
    held = [passage.document_index * 5 + passage.sentence for passage in result.passages]
    assert set(np.unique(rows).tolist()) <= set(held)
    assert held == sorted(held)
    for row, passage in zip(held, result.passages, strict=True):
        assert (passage.document, passage.first, passage.text) == (sentences.document[row], 0, sentences.text[row])
        assert passage.ids == ids[row % len(TEXTS)]
        assert len(passage.pieces) == len(passage.ids)


def test_exemplar_rows_alone_leave_the_metrics_untouched(gpt2: Model) -> None:
    sentences = annotate(TEXTS)
    counted = np.arange(len(TEXTS)) % 3 == 0
    some = measure(sentences, gpt2, metric_rows=counted)
    only = measure(sentences.take(np.flatnonzero(counted)), gpt2)
    assert_close(some, only)
    assert some.state["sentences"] == counted.sum()
    np.testing.assert_allclose(some.blocks, only.blocks, rtol=0, atol=5e-5)
    np.testing.assert_allclose(some.exemplars.weight, measure(sentences, gpt2).exemplars.weight, rtol=0, atol=5e-5)


def test_prefix_blocks_are_the_first_pieces(gpt2: Model) -> None:
    rows = np.array([4, 0])
    blocks = measure(annotate(TEXTS), gpt2, prefix_rows=rows).blocks
    assert blocks.shape == (2, 3, 4, 55)
    for block, row in zip(blocks, rows, strict=True):
        ids = gpt2.tokenizer.encode(TEXTS[row]).ids[:64]
        alpha = attention_maps(gpt2, [ids])[0]
        for place, (i, j) in enumerate((a, b) for a in range(10) for b in range(a + 1)):
            if j == 0 or i >= len(ids):
                assert np.isnan(block[:, :, place]).all()
            else:
                np.testing.assert_allclose(block[:, :, place], alpha[:, :, i, j], rtol=0, atol=5e-5)


def test_chosen_layers_are_those_of_all_layers(gpt2: Model, models: dict[Family, Model]) -> None:
    sentences = annotate(TEXTS)
    some = load_model(gpt2.name, layers=(0, 2))
    result, whole = measure(sentences, some), measure(sentences, gpt2)
    assert result.state.layout.layers == (0, 2)
    np.testing.assert_allclose(result.state["span_sum"], whole.state["span_sum"][[0, 2]], rtol=1e-12)
    np.testing.assert_array_equal(result.blocks, whole.blocks[:, [0, 2]])


@pytest.mark.parametrize("family", FAMILIES)
def test_short_and_empty_sentences(models: dict[Family, Model], family: Family) -> None:
    """No piece at all, only control characters, one piece, two pieces."""
    result = measure(annotate(("", "\x00\u200b", "A", "It")), models[family], exemplars=3)
    empty = {"gpt2": 1, "bert": 0, "llama": 0}[family]
    assert result.sentences_without_pieces == empty
    assert result.state["sentences"] == 4 - empty
    assert np.isfinite(result.state.pack()).all()
    assert result.blocks.shape[0] == 4
    assert np.isnan(result.blocks[0]).all()


def test_a_shard_without_sentences(gpt2: Model) -> None:
    result = measure(annotate(()), gpt2, exemplars=2)
    assert not result.state.pack().any()
    assert result.blocks.shape == (0, 3, 4, 55)
    assert np.isnan(result.exemplars.weight).all()


def test_long_sentences_are_cut_and_counted(models: dict[Family, Model]) -> None:
    for model in models.values():
        result = measure(annotate((" ".join(TEXTS), "Stop!")), model)
        assert result.state["sentences_cut"] == 1
        assert model.max_pieces < result.state["pieces"] < model.max_pieces + 8


def test_awkward_texts(models: dict[Family, Model]) -> None:
    texts = ("שלום עולם, مرحبا", "x" * 3000, "a\tb\x07c\u2028d", "🦉🦉🦉 🧪", "e\u0301\u0302", "[SEP] <s> </s>")
    for model in models.values():
        result = measure(annotate(texts), model)
        assert result.state["sentences"] == len(texts)
        assert np.isfinite(result.state.pack()).all()


def test_bfloat16(models: dict[Family, Model]) -> None:
    for model in models.values():
        result = measure(annotate(TEXTS), load_model(model.name, dtype="bfloat16"))
        np.testing.assert_allclose(result.state["given_sum"] + result.state["null_sum"], result.state["pieces"])
        exact = measure(annotate(TEXTS), model).state
        np.testing.assert_allclose(result.state["span_sum"] / exact["span_sum"], 1, atol=0.1)


def test_ids_outside_the_vocabulary(tmp_path: Path) -> None:
    model = replace(load_model(str(save_model(tmp_path / "m", "gpt2", layers=1))), vocabulary=100)
    with pytest.raises(ModelError, match="expected piece ids below 100"):
        measure(annotate(TEXTS), model)


def test_damage_after_loading_is_noticed(tmp_path: Path) -> None:
    model = load_model(str(save_model(tmp_path / "m", "gpt2", layers=2)))
    with torch.no_grad():
        model.network.h[1].ln_1.weight.fill_(float("inf"))
    with pytest.raises(ModelError, match=r"expected finite attention, found .* first in layer 1"):
        measure(annotate(TEXTS), model)
