"""Mixtures of experts: each sentence has in a batch what transformers' eager attention gives it alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models import save_network
from transformers import (
    AutoModel,
    DeepseekV3Config,
    DeepseekV3Model,
    GptOssConfig,
    GptOssModel,
    MixtralConfig,
    MixtralModel,
    OlmoeConfig,
    OlmoeModel,
    PreTrainedModel,
    Qwen2MoeConfig,
    Qwen2MoeModel,
    Qwen3MoeConfig,
    Qwen3MoeModel,
)

from attnmetrics.model.load import attention_maps, load_model

SIZES: dict[str, Any] = {
    "vocab_size": 400, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 32, "max_position_embeddings": 64, "num_experts_per_tok": 2,
}  # fmt: skip
LATENT: dict[str, Any] = {
    "q_lora_rank": 8, "kv_lora_rank": 8, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8,
    "n_routed_experts": 4, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1, "moe_intermediate_size": 16,
}  # fmt: skip
FAMILIES: dict[str, Callable[[], PreTrainedModel]] = {
    "mixtral": lambda: MixtralModel(MixtralConfig(num_local_experts=4, **SIZES)),
    "qwen2_moe": lambda: Qwen2MoeModel(
        Qwen2MoeConfig(num_experts=4, moe_intermediate_size=16, shared_expert_intermediate_size=16, **SIZES)
    ),
    "qwen3_moe": lambda: Qwen3MoeModel(Qwen3MoeConfig(num_experts=4, moe_intermediate_size=16, head_dim=8, **SIZES)),
    "olmoe": lambda: OlmoeModel(OlmoeConfig(num_experts=4, **SIZES)),
    "deepseek_v3": lambda: DeepseekV3Model(DeepseekV3Config(**LATENT, **{**SIZES, "num_key_value_heads": 4})),
}


def eager(folder: str, ids: list[int]) -> np.ndarray:
    network = AutoModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    with torch.inference_mode():
        return torch.cat(network(input_ids=torch.tensor([ids]), output_attentions=True).attentions).numpy()


@pytest.mark.parametrize("name", FAMILIES)
def test_batches_give_each_sentence_what_it_has_alone(tmp_path: Path, name: str) -> None:
    folder = save_network(tmp_path, FAMILIES[name]())
    model = load_model(folder)
    assert (model.layers, model.layout.equal_lengths) == ((0, 1), False)
    random = np.random.default_rng(0)
    sentences = [random.integers(3, 400, length).tolist() for length in (1, 2, 9, 9, 30, 64)]
    for ids, found in zip(sentences, attention_maps(model, sentences), strict=True):
        np.testing.assert_allclose(found, eager(folder, ids), atol=5e-6)


def test_experts_run_in_bfloat16(tmp_path: Path) -> None:
    model = load_model(save_network(tmp_path, FAMILIES["mixtral"]()), dtype="bfloat16")
    np.testing.assert_allclose(attention_maps(model, [[5, 6, 7]])[0].sum(-1), 1, atol=1e-6)


def test_sinks_and_windows_of_gpt_oss(tmp_path: Path) -> None:
    network = GptOssModel(GptOssConfig(num_local_experts=4, head_dim=8, sliding_window=20, **SIZES))
    model = load_model(folder := save_network(tmp_path, network))
    assert (model.layout.own, model.max_pieces) == ("", 64)
    ids = np.random.default_rng(0).integers(3, 400, 64).tolist()
    (found,) = attention_maps(model, [ids])
    np.testing.assert_allclose(found, eager(folder, ids), atol=5e-6)
    assert found.sum(-1).min() < 0.9
