"""Layers keep the model's own numbers where only some of them attend, from loading to the tables of a run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from models import TEXTS, save_network
from pages import page_data
from transformers import (
    AlbertConfig,
    AlbertModel,
    AutoModel,
    Lfm2Config,
    Lfm2Model,
    MiniMaxConfig,
    MiniMaxModel,
    NemotronHConfig,
    NemotronHModel,
    PreTrainedModel,
    Qwen3NextConfig,
    Qwen3NextModel,
    Zamba2Config,
    Zamba2Model,
)

from attnmetrics.config import build_config
from attnmetrics.errors import ModelError
from attnmetrics.model.load import Model, attention_maps, load_model
from attnmetrics.model.reading import attend, read
from attnmetrics.running.driver import run
from attnmetrics.running.progress import Reporter
from attnmetrics.views.facts import other_layers
from attnmetrics.views.terminal.summary import summary

SIZES: dict[str, Any] = {
    "vocab_size": 400, "hidden_size": 16, "num_attention_heads": 2, "num_key_value_heads": 2, "intermediate_size": 24,
    "max_position_embeddings": 64,
}  # fmt: skip
LINEAR = {
    "linear_num_value_heads": 2, "linear_num_key_heads": 2, "linear_key_head_dim": 8, "linear_value_head_dim": 8,
    "num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 8, "shared_expert_intermediate_size": 8,
}  # fmt: skip
MAMBA = {"mamba_d_state": 8, "mamba_ngroups": 1, "n_mamba_heads": 2, "chunk_size": 8, "num_mem_blocks": 1}


def lfm2() -> PreTrainedModel:
    return Lfm2Model(
        Lfm2Config(num_hidden_layers=4, layer_types=["conv", "full_attention", "conv", "full_attention"], **SIZES)
    )


def qwen3_next() -> PreTrainedModel:
    types = ["linear_attention", "linear_attention", "full_attention"]
    return Qwen3NextModel(Qwen3NextConfig(num_hidden_layers=3, head_dim=8, layer_types=types, **LINEAR, **SIZES))


def minimax() -> PreTrainedModel:
    """Its linear layers too give something that is called attention."""
    types = ["linear_attention", "full_attention"]
    sizes = SIZES | {"num_local_experts": 2, "num_experts_per_tok": 1}
    return MiniMaxModel(MiniMaxConfig(num_hidden_layers=2, head_dim=8, layer_types=types, **sizes))


def zamba2() -> PreTrainedModel:
    """Its attending layers share one block, which does not know where it runs."""
    return Zamba2Model(
        Zamba2Config(num_hidden_layers=4, layers_block_type=["mamba", "hybrid", "mamba", "hybrid"], **MAMBA, **SIZES)
    )


def nemotron() -> PreTrainedModel:
    """Each of its layers is one thing alone: a recurrence, experts, or attention."""
    return NemotronHModel(
        NemotronHConfig(
            layers_block_type=["mamba", "moe", "attention"], mamba_num_heads=2, mamba_head_dim=8, ssm_state_size=8,
            n_groups=1, chunk_size=8, head_dim=8, n_routed_experts=2, num_experts_per_tok=1, moe_intermediate_size=8,
            moe_shared_expert_intermediate_size=8, moe_latent_size=None, **SIZES,
        )
    )  # fmt: skip


HYBRIDS = {
    "lfm2": (lfm2, (1, 3), {"conv": (0, 2)}),
    "qwen3_next": (qwen3_next, (2,), {"linear_attention": (0, 1)}),
    "minimax": (minimax, (1,), {"linear_attention": (0,)}),
    "zamba2": (zamba2, (1, 3), {"linear_attention": (0, 2)}),
    "nemotron": (nemotron, (2,), {"linear_attention": (0,), "moe": (1,)}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_network(tmp_path_factory.mktemp("lfm2"), lfm2())


@pytest.fixture(scope="module")
def model(folder: str) -> Model:
    return load_model(folder)


@pytest.mark.parametrize("name", HYBRIDS)
def test_attending_layers_have_their_own_numbers_and_the_others_are_named(tmp_path: Path, name: str) -> None:
    network, attending, others = HYBRIDS[name]
    model = load_model(save_network(tmp_path, network()))
    assert (model.layers, model.numbering.others) == (attending, others)
    facts = model.describe()
    assert facts["layers"] == list(attending)
    assert facts["other_layers"] == {kind: list(layers) for kind, layers in others.items()}


def test_a_module_that_runs_again_and_again_is_counted(tmp_path: Path) -> None:
    config = AlbertConfig(
        vocab_size=400, hidden_size=16, embedding_size=8, num_hidden_layers=3, num_attention_heads=2,
        intermediate_size=16, inner_group_num=2, max_position_embeddings=64,
    )  # fmt: skip
    model = load_model(save_network(tmp_path, AlbertModel(config)))
    assert (model.layers, model.numbering.others) == (tuple(range(6)), {})


def test_a_layer_has_the_attention_of_its_own_module(folder: str, model: Model) -> None:
    """Seen by a hook on `layers[3].self_attn` in a model of its own."""
    network = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    seen: list[np.ndarray] = []
    network.layers[3].self_attn.register_forward_hook(lambda *found: seen.append(found[-1][1][0].numpy()))
    reading = read(model, TEXTS[0])
    with torch.inference_mode():
        network(input_ids=torch.from_numpy(reading.ids[None]), output_attentions=True)
    found = attend(model, reading, [3])
    assert found.layers == (3,)
    np.testing.assert_allclose(found.weights[0], seen[0], atol=1e-6)
    np.testing.assert_allclose(attention_maps(model, [reading.ids.tolist()])[0][1], seen[0], atol=1e-6)


def test_layers_that_do_not_attend_cannot_be_chosen(folder: str) -> None:
    assert load_model(folder, layers=(3,)).layers == (3,)
    with pytest.raises(ModelError, match=r"expected layers among 1, 3 \(.* others: conv\), found \[2\]"):
        load_model(folder, layers=(2,))


def test_a_run_keeps_the_numbers_and_says_what_the_others_are(folder: str, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.conllu"
    words = ["1\tNobody\t_\tPRON\t_\t_\t2\tnsubj\t_\t_", "2\tknew\t_\tVERB\t_\t_\t0\troot\t_\t_"]
    corpus.write_text("\n".join(["# text = Nobody knew", *words, "", ""]))
    options = {"model": folder, "corpus": corpus, "annotator": "conllu", "engine": "inline", "out": tmp_path / "run"}
    facts = run(build_config(options), Reporter(quiet=True))
    data = xr.open_zarr(tmp_path / "run" / "results.zarr")
    assert data["layer"].values.tolist() == [1, 3]
    assert other_layers(facts) == "0, 2 (conv)"
    assert "layers without attention: 0, 2 (conv)" in [str(line) for line in summary(data, facts).renderables]
    page = (tmp_path / "run" / "report" / "index.html").read_text()
    assert page_data(page)[0]["layers"] == [1, 3]
