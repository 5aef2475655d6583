"""What heads add to the stream: found in every family, and equal to float64 loops over its weights by their names."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models import TEXTS, make_tokenizer, save_model
from numpy.typing import NDArray
from torch import nn
from transformers import AlbertConfig, AlbertModel, AutoModel, GPTNeoXConfig, GPTNeoXModel, PreTrainedModel

from attnmetrics.model.kernels.reductions import Reductions, want_nothing
from attnmetrics.model.load import Model, load_model
from attnmetrics.model.pack import pack
from attnmetrics.model.trials.probe import Layout, prepare
from attnmetrics.model.trials.projection import find_outputs
from attnmetrics.running.progress import Reporter
from attnmetrics.running.session import say_missing_norms

Array = NDArray[np.float64]
SIZES = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 96}


def save_neox(folder: Path) -> Path:
    tokenizer = make_tokenizer("gpt2")
    tokenizer.save_pretrained(folder)
    config = GPTNeoXConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **SIZES)
    GPTNeoXModel(config).save_pretrained(folder)
    return folder


def save_albert(folder: Path) -> Path:
    tokenizer = make_tokenizer("bert")
    tokenizer.save_pretrained(folder)
    config = AlbertConfig(vocab_size=len(tokenizer), embedding_size=16, max_position_embeddings=64, **SIZES)
    AlbertModel(config).save_pretrained(folder)
    return folder


def add_biases(folder: Path) -> Path:
    """Draw all biases and weights of projections, so that none is 0 and attention matters."""
    network = AutoModel.from_pretrained(folder)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    network.save_pretrained(folder)
    return folder


MAKERS: dict[str, Callable[[Path], Path]] = {
    "gpt2": lambda folder: save_model(folder, "gpt2"),
    "bert": lambda folder: save_model(folder, "bert"),
    "llama": lambda folder: save_model(folder, "llama"),
    "neox": save_neox,
    "albert": save_albert,
}


def numbers(parameter: torch.Tensor) -> Array:
    return parameter.detach().double().numpy()


def gpt2(network: Any, layer: int) -> tuple[nn.Module, Array, Array, Array]:
    """The module that gets the stream; value weight [hidden, columns] and bias; output weight [columns, hidden]."""
    own = network.h[layer].attn
    return own, numbers(own.c_attn.weight)[:, 96:], numbers(own.c_attn.bias)[96:], numbers(own.c_proj.weight)


def bert(network: Any, layer: int) -> tuple[nn.Module, Array, Array, Array]:
    own = network.encoder.layer[layer].attention
    return own, numbers(own.self.value.weight).T, numbers(own.self.value.bias), numbers(own.output.dense.weight).T


def llama(network: Any, layer: int) -> tuple[nn.Module, Array, Array, Array]:
    """Three heads share the values of one key head, of 8 columns."""
    own = network.layers[layer].self_attn
    columns = np.concatenate([np.arange(8) + 8 * (head // 3) for head in range(6)])
    return own, numbers(own.v_proj.weight).T[:, columns], np.zeros(48), numbers(own.o_proj.weight).T


def neox(network: Any, layer: int) -> tuple[nn.Module, Array, Array, Array]:
    """Each head has its query, its key and its value side by side, 12 columns each."""
    own = network.layers[layer].attention
    columns = np.concatenate([np.arange(12) + 36 * head + 24 for head in range(4)])
    fused, bias = numbers(own.query_key_value.weight).T[:, columns], numbers(own.query_key_value.bias)[columns]
    return own, fused, bias, numbers(own.dense.weight).T


def albert(network: Any, layer: int) -> tuple[nn.Module, Array, Array, Array]:
    """All layers are one module."""
    own = network.encoder.albert_layer_groups[0].albert_layers[0].attention
    return own, numbers(own.value.weight).T, numbers(own.value.bias), numbers(own.dense.weight).T


WEIGHTS = {"gpt2": gpt2, "bert": bert, "llama": llama, "neox": neox, "albert": albert}


def reference(family: str, folder: Path, ids: list[int], heads: int) -> Array:
    """[layer, piece, head] by the definition."""
    network = AutoModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float64).eval()
    streams: list[Array] = []
    modules = dict.fromkeys(WEIGHTS[family](network, layer)[0] for layer in range(3))
    for module in modules:
        module.register_forward_pre_hook(
            lambda _, given, named: streams.append(numbers((given or tuple(named.values()))[0][0])), with_kwargs=True
        )
    maps = network(input_ids=torch.tensor([ids]), output_attentions=True).attentions
    found = np.zeros((3, len(ids), heads))
    for layer, stream in enumerate(streams):
        _, value_weight, value_bias, output_weight = WEIGHTS[family](network, layer)
        width = len(value_bias) // heads
        for head in range(heads):
            own = slice(head * width, (head + 1) * width)
            for i in range(len(ids)):
                z = np.zeros(width)
                for j in range(len(ids)):
                    z += maps[layer][0, head, i, j].item() * (stream[j] @ value_weight[:, own] + value_bias[own])
                found[layer, i, head] = np.sqrt((((z - value_bias[own]) @ output_weight[own]) ** 2).sum())
    return found


def read_norms(model: Model, sentences: list[list[int]], measured: list[bool]) -> list[Array]:
    """[layer, piece, head] of each sentence."""
    lengths = np.array([len(ids) for ids in sentences])
    found = [np.zeros((len(model.layers), len(ids), model.heads)) for ids in sentences]
    for batch in pack(lengths, np.array(measured), 1 << 12, 300, model.layout.equal_lengths):

        def consume(layer: int, reductions: Reductions, batch: Any = batch) -> None:
            for row, start, end in zip(batch.rows, batch.offsets, batch.offsets[1:], strict=False):
                found[row][layer] = reductions.norm[start:end].numpy()

        ids = torch.tensor([piece for row in batch.rows for piece in sentences[row]])
        model.run(ids, want_nothing(batch, model.causal, model.device), consume, norms=True)
    return found


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {family: add_biases(make(root / family)) for family, make in MAKERS.items()}


@pytest.mark.parametrize("family", MAKERS)
def test_norms_are_those_of_the_definition(folders: dict[str, Path], family: str) -> None:
    model = load_model(str(folders[family]))
    sentences = [model.tokenizer.encode(text).ids[:40] for text in TEXTS[:4]]
    found = read_norms(model, sentences, [True] * 4)
    for ids, norms in zip(sentences, found, strict=True):
        np.testing.assert_allclose(norms, reference(family, folders[family], ids, model.heads), rtol=2e-5, atol=1e-6)
        assert norms.min() > 1e-3


def test_norms_of_chosen_layers_in_float64(folders: dict[str, Path]) -> None:
    model = load_model(str(folders["gpt2"]), layers=(0, 2))
    model = replace(model, network=deepcopy(model.network).double(), dtype=torch.float64)
    ids = model.tokenizer.encode(TEXTS[0]).ids
    expected = reference("gpt2", folders["gpt2"], ids, model.heads)[[0, 2]]
    np.testing.assert_allclose(read_norms(model, [ids], [True])[0], expected, rtol=2e-5, atol=1e-6)


def test_sentences_that_are_not_measured_have_no_norms(folders: dict[str, Path]) -> None:
    model = load_model(str(folders["bert"]))
    sentences = [model.tokenizer.encode(text).ids[:40] for text in TEXTS[:4]]
    every, some = (read_norms(model, sentences, measured) for measured in ([True] * 4, [False, True, False, True]))
    for row in range(4):
        np.testing.assert_allclose(some[row], every[row] if row % 2 else 0, rtol=1e-4)


def test_norms_that_nobody_asks_for_are_none(folders: dict[str, Path]) -> None:
    model = load_model(str(folders["gpt2"]), layers=(2,))
    (batch,) = pack(np.array([5]), np.ones(1, np.bool_), 5, 25, False)
    found: list[Reductions] = []
    model.run(torch.arange(5), want_nothing(batch, True, model.device), lambda _, given: found.append(given))
    assert found[0].norm.isnan().all()


# --- what is not certain ---------------------------------------------------------------------------------------------


class Gated(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.gate = inner, nn.Linear(48, 48)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) * self.gate(x).sigmoid()


class Scaled(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x * 2)


def outputs_of(network: PreTrainedModel) -> list[bool]:
    """Whether each of three layers' outputs were found."""
    prepare(network, Layout(False))
    found = find_outputs(network, Layout(False), list(range(3, 15)), True, (0, 1, 2), torch.device("cpu"))
    return [heads is not None for heads in found]


def fresh(folders: dict[str, Path]) -> Any:
    return AutoModel.from_pretrained(folders["gpt2"], attn_implementation="eager").eval()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: nn.Sequential(nn.LayerNorm(48), inner),
        Gated,
        Scaled,
        lambda inner: nn.Sequential(nn.Linear(48, 7), nn.Linear(7, 48)),
        lambda inner: nn.Sequential(inner, nn.GELU()),
        lambda inner: nn.Sequential(nn.Dropout(0), inner, nn.LayerNorm(48)),
    ],
    ids=["normalised before", "gated", "scaled", "low rank", "bent", "normalised after"],
)
def test_a_projection_that_is_not_certain_is_not_taken(folders: dict[str, Path], wrap: Any) -> None:
    network = fresh(folders)
    network.h[1].attn.c_proj = wrap(network.h[1].attn.c_proj)
    assert outputs_of(network) == [True, False, True]


def test_a_run_says_once_where_norms_are_unknown(folders: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    model = load_model(str(folders["gpt2"]))
    assert model.describe()["layers_without_norm"] == []
    first, *rest = model.outputs
    partly = replace(model, outputs=(first, *[None] * len(rest)))
    say_missing_norms(model.describe()["layers_without_norm"], Reporter())
    say_missing_norms(partly.describe()["layers_without_norm"], Reporter())
    said = capsys.readouterr()
    assert (said.out + said.err).count("no output_norm in layers ") == 1


def test_values_that_no_affine_module_gave_are_not_taken(folders: dict[str, Path]) -> None:
    network = fresh(folders)
    network.h[1].attn.c_attn = nn.Sequential(network.h[1].attn.c_attn, nn.Tanh())
    network.h[2].attn.c_attn = Gated(network.h[2].attn.c_attn)
    network.h[2].attn.c_attn.gate = nn.Linear(48, 144)
    assert outputs_of(network) == [True, False, False]


def test_what_stands_around_a_projection_and_changes_nothing_does_not_hide_it(folders: dict[str, Path]) -> None:
    network = fresh(folders)
    network.h[0].attn.c_proj = nn.Sequential(nn.Dropout(0.5), nn.Sequential(network.h[0].attn.c_proj, nn.Identity()))
    network.eval()
    assert outputs_of(network) == [True, True, True]


def test_watching_leaves_no_hook_and_no_random_number_behind(folders: dict[str, Path]) -> None:
    network = fresh(folders)
    state = torch.get_rng_state()
    outputs_of(network)
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module._forward_hooks for module in network.modules())
