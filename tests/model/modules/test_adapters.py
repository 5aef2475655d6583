"""Modules that compute scores themselves, with alibi among them, against transformers' own and float64."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checks import assert_same_bits
from models import TEXTS, save_network
from shards import annotate, measure, read
from torch import Tensor
from transformers import BloomConfig, BloomForCausalLM, BloomModel, FalconConfig, FalconModel, MptConfig, MptModel

from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.language import load_language_model
from attnmetrics.model.load import attention_maps, load_model
from attnmetrics.model.modules.adapters import adapt
from attnmetrics.model.trials.probe import Layout, Probe, capture_maps, probe, run_alone

CPU = torch.device("cpu")
LENGTHS = (1, 2, 9, 9, 30)
FALCON = {"vocab_size": 300, "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 6}


def sentences() -> list[list[int]]:
    random = np.random.default_rng(0)
    return [random.integers(3, 290, length).tolist() for length in LENGTHS]


def sharpen(network: torch.nn.Module) -> torch.nn.Module:
    """Six heads have slopes that are no powers of two."""
    torch.manual_seed(0)
    for parameter in network.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, 0, 1.5 / parameter.shape[-1] ** 0.5)
    return network.eval()


def bloom() -> torch.nn.Module:
    return sharpen(BloomModel(BloomConfig(vocab_size=300, hidden_size=48, n_layer=2, n_head=6)))


def mpt() -> torch.nn.Module:
    config = MptConfig(vocab_size=300, d_model=48, n_layers=2, n_heads=6, max_seq_len=40)
    config.attn_config.clip_qkv, config.attn_config.softmax_scale = 1.0, 0.4
    return sharpen(MptModel(config))


def falcon(attention: str, **options: Any) -> torch.nn.Module:
    network = FalconModel._from_config(FalconConfig(**FALCON, **options), attn_implementation=attention)
    return sharpen(network)


def probed(network: torch.nn.Module) -> Probe:
    found = probe(network, [ids[:12] for ids in sentences()], CPU)
    assert (found.layout.own, found.layout.equal_lengths, found.causal) == ("", False, True)
    return found


def distances(slopes: np.ndarray) -> np.ndarray:
    """[head, i, j] alibi of a sentence of 30 pieces, by the formula."""
    i = np.arange(30)
    return slopes[:, None, None] * (i - i[:, None])


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.where(np.tri(scores.shape[-1], dtype=bool), np.exp(scores - scores.max(-1, keepdims=True)), 0)
    return powers / powers.sum(-1, keepdims=True)


def test_bloom_and_mpt_are_the_formula_of_alibi() -> None:
    """Scores of the first layer are q·k and a slope times j − i: 4 slopes of 4 heads, and 2 between those of 8."""
    ids, slopes = torch.arange(5, 35), 2.0 ** -np.array([2, 4, 6, 8, 1, 3])
    network = bloom()
    probed(network)
    with torch.inference_mode():
        block = network.h[0]
        given = block.input_layernorm(network.word_embeddings_layernorm(network.word_embeddings(ids)))
        query, key, _ = block.self_attention.query_key_value(given).double().view(30, 6, 3, 8).permute(2, 1, 0, 3)
    expected = softmax((query @ key.mT).numpy() / 8**0.5 + distances(slopes))
    np.testing.assert_allclose(maps_of(network, ids), expected, rtol=0, atol=1e-5)
    network = mpt()
    probed(network)
    with torch.inference_mode():
        given = network.blocks[0].norm_1(network.wte(ids))
        sides = network.blocks[0].attn.Wqkv(given).clamp(-1, 1).double().view(30, 3, 6, 8).permute(1, 2, 0, 3)
    expected = softmax((sides[0] @ sides[1].mT).numpy() * 0.4 + distances(slopes))
    np.testing.assert_allclose(maps_of(network, ids), expected, rtol=0, atol=1e-5)


def maps_of(network: torch.nn.Module, ids: Tensor) -> np.ndarray:
    """[head, i, j] α of the first layer, in a batch with others."""
    packed = [[7, 8, 9], ids.tolist(), [4]]
    return capture_maps(network, Layout(False), packed, True, (0,), CPU)[0][1][0]


@pytest.mark.parametrize("alibi", [True, False], ids=["alibi", "rotary"])
@pytest.mark.parametrize(
    "heads",
    [
        {"new_decoder_architecture": True, "num_kv_heads": 2},
        {"multi_query": True},
        {"multi_query": False, "num_kv_heads": 6},
    ],
    ids=["groups", "one key head", "all"],
)
def test_falcon_computes_what_its_default_attention_does(alibi: bool, heads: dict[str, Any]) -> None:
    """Eager attention of transformers 5.23 adds alibi twice; scaled dot products, which users have, add it once."""
    ids, network = list(range(5, 35)), falcon("eager", alibi=alibi, **heads)
    with torch.inference_mode():
        expected = falcon("sdpa", alibi=alibi, **heads)(torch.tensor([ids])).last_hidden_state
    adapt(network)
    with torch.inference_mode():
        found = network(torch.tensor([ids])).last_hidden_state
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5)
    layout, last = probed(network).layout, []
    handle = network.register_forward_hook(lambda _, __, result: last.append(result.last_hidden_state))
    run_alone(network, layout, ids, True, (0, 1), CPU, dense)
    handle.remove()
    torch.testing.assert_close(last[0], expected, rtol=0, atol=2e-5)


def test_a_loaded_bloom_has_all_that_fast_models_have(tmp_path: Path) -> None:
    """Norms, gradients, weights of claims, and threads that change no bit."""
    network = BloomForCausalLM(BloomConfig(vocab_size=400, hidden_size=48, n_layer=2, n_head=6))
    model = load_model(save_network(tmp_path, network), threads=1)
    facts = model.describe()
    assert (facts["kernel"], facts["own_attention"], facts["layers_without_norm"]) == ("compiled", "", [])
    assert load_language_model(model).network.transformer is not model.network
    sentences = annotate(TEXTS[:8])
    one, three = (measure(sentences, replace(model, threads=threads), batch_pieces=60) for threads in (1, 3))
    assert_same_bits(one, three)
    units, rows = read(sentences, model), one.claims
    unit = {key: row for row, key in enumerate(zip(units.document_index, units.number, strict=True))}
    maps = attention_maps(model, [units.pieces.ids_of(np.array([row])).tolist() for row in range(len(units))])
    expected = [maps[unit[r["document_index"], r["sentence"]]][r["layer"], r["head"], r["i"], r["j"]] for r in rows]
    assert len(rows) > 100
    np.testing.assert_allclose(rows["weight"], expected, rtol=0, atol=2e-6)
