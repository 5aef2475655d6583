"""What a model is found to be when it is loaded, and every way in which loading fails, with a message that helps."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from models import FAMILIES, Family, make_network, save_model, save_network
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    FNetConfig,
    FNetModel,
    GPT2Config,
    GPT2Model,
    MistralConfig,
    MistralModel,
    PreTrainedModel,
    RobertaConfig,
    RobertaModel,
    ViTConfig,
    ViTModel,
)

from attnmetrics.errors import ModelError
from attnmetrics.model.load import attention_maps, load_model
from attnmetrics.model.modules.linear import LaidOut
from attnmetrics.pieces.align import Template
from attnmetrics.pieces.attends import Attends


@pytest.fixture
def gpt2(tmp_path: Path) -> Path:
    return save_model(tmp_path / "gpt2", "gpt2", layers=2)


def test_gpt2_loads_with_its_layers_heads_and_null_piece(gpt2: Path) -> None:
    model = load_model(str(gpt2))
    assert (model.layers, model.heads, model.max_pieces) == ((0, 1), 4, 64)
    assert model.causal
    assert model.attends == Attends(True, 1, 0)
    assert model.template == Template()
    assert isinstance(model.network, GPT2Model)
    assert not model.network.training
    assert not any(isinstance(module, LaidOut) for module in model.network.modules())
    assert model.describe() == {
        "name": str(gpt2), "revision": None, "fingerprint": model.fingerprint, "class": "GPT2Model", "layers": [0, 1],
        "other_layers": {}, "heads": 4, "causal": True, "null": {"leading": 1, "trailing": 0, "between": 0},
        "max_pieces": 64, "template": {"leading": 0, "trailing": 0}, "device": "cpu", "dtype": "float32",
        "kernel": "compiled", "own_attention": "", "layers_without_norm": [],
    }  # fmt: skip


def test_bert_looks_both_ways_and_llama_begins_with_its_template(tmp_path: Path) -> None:
    bert = load_model(str(save_model(tmp_path / "bert", "bert")))
    assert (bert.attends, bert.template) == (Attends(False, 1, 1, between=True), Template((2,), (3,)))
    llama = load_model(str(save_model(tmp_path / "llama", "llama")))
    assert (llama.attends, llama.template, llama.heads) == (Attends(True, 1, 0), Template((0,)), 6)


@pytest.mark.parametrize(
    ("family", "policy", "attends"),
    [
        ("gpt2", "special", Attends(True, 0, 0, between=True)),
        ("gpt2", "none", Attends(True, 0, 0)),
        ("bert", "first", Attends(False, 1, 0)),
        ("bert", "special", Attends(False, 1, 1, between=True)),
        ("llama", "special", Attends(True, 1, 0, between=True)),
    ],
)
def test_null_policies(tmp_path: Path, family: str, policy: str, attends: Attends) -> None:
    folder = save_model(tmp_path / "model", family, layers=1)  # type: ignore[arg-type]
    assert load_model(str(folder), null_tokens=policy).attends == attends  # type: ignore[arg-type]


def test_layers_are_chosen(gpt2: Path) -> None:
    model = load_model(str(gpt2), layers=(1, 1))
    assert model.layers == (1,)
    assert attention_maps(model, [[5, 6, 7]])[0].shape == (1, 4, 3, 3)
    with pytest.raises(ModelError, match=r"expected layers from 0 to 1, found \[2\]"):
        load_model(str(gpt2), layers=(2,))


def test_fingerprints_tell_contents_not_places(gpt2: Path, tmp_path: Path) -> None:
    same = save_model(tmp_path / "same", "gpt2", layers=2)
    other = save_model(tmp_path / "other", "gpt2", seed=1, layers=2)
    first = load_model(str(gpt2)).fingerprint
    assert load_model(str(same)).fingerprint == first
    assert load_model(str(other)).fingerprint != first


@pytest.mark.parametrize("family", FAMILIES)
def test_very_sharp_attention_is_no_reason_to_refuse(tmp_path: Path, family: Family) -> None:
    """Rounding in float32 alone moves single weights by 1e-4 and more; that is no difference between two ways."""
    folder = save_model(tmp_path / "model", family, sharp=True, layers=4, sharpness=200)
    model = load_model(str(folder))
    assert (model.network.dtype, model.layout.equal_lengths) == (torch.float32, False)
    assert attention_maps(model, [[5, 6, 7]])[0].shape == (4, model.heads, 3, 3)


def test_positions_after_the_padding_id(tmp_path: Path) -> None:
    config = RobertaConfig(
        vocab_size=400, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=40, pad_token_id=1,
    )  # fmt: skip
    model = load_model(save_network(tmp_path / "roberta", RobertaModel(config)))
    assert (model.layout.first_position, model.layout.equal_lengths, model.max_pieces) == (2, False, 38)
    assert model.attends == Attends(False, 0, 0, between=True)


def test_windows_limit_no_sentence(tmp_path: Path) -> None:
    config = MistralConfig(
        vocab_size=400, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
        intermediate_size=16, max_position_embeddings=40, sliding_window=24,
    )  # fmt: skip
    assert load_model(save_network(tmp_path / "mistral", MistralModel(config))).max_pieces == 40


def refused(folder: Path | str, match: str, **options: object) -> None:
    with pytest.raises(ModelError, match=match):
        load_model(str(folder), **options)  # type: ignore[arg-type]


def test_missing_folder(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "expected a model folder at .*nowhere, found none; check the path")
    refused("./nowhere", "expected a model folder")


def test_unreachable_hub() -> None:
    refused("no-such-user/no-such-model", "give a local folder, check the name and the network, or log in")


def test_folder_without_tokenizer(tmp_path: Path) -> None:
    make_network("gpt2", 50, 1).save_pretrained(tmp_path)
    refused(tmp_path, "expected a tokenizer in")


def test_damaged_tokenizer(gpt2: Path) -> None:
    (gpt2 / "tokenizer.json").write_text("{")
    refused(gpt2, "the tokenizer of .* can't be read")


def test_folder_without_configuration(gpt2: Path) -> None:
    (gpt2 / "config.json").unlink()
    refused(gpt2, r"expected config\.json in")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def scramble(path: Path) -> None:
    path.write_bytes(b"\xff" * 64 + path.read_bytes()[64:])


def drop(path: Path) -> None:
    weights = load_file(path)
    save_file({name: value for name, value in weights.items() if "h.1.ln_1" not in name}, path, {"format": "pt"})


def reshape(path: Path) -> None:
    weights = load_file(path)
    weights["transformer.h.1.ln_1.weight"] = torch.ones(7)
    save_file(weights, path, {"format": "pt"})


def make_nan(path: Path) -> None:
    weights = load_file(path)
    weights["transformer.h.1.ln_1.weight"].fill_(float("nan"))
    save_file(weights, path, {"format": "pt"})


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (Path.unlink, "can't be loaded from .* check that its files are complete"),
        (cut, "can't be loaded from"),
        (scramble, "can't be loaded from"),
        (drop, r"found 2 weights missing.*h\.1\.ln_1\.bias"),
        (reshape, "can't be loaded from|of another shape"),
        (make_nan, "attention of GPT2Model is not finite"),
    ],
)
def test_damaged_weights(gpt2: Path, damage: Callable[[Path], None], match: str) -> None:
    damage(gpt2 / "model.safetensors")
    refused(gpt2, match)


def test_pickled_weights_only_on_purpose(gpt2: Path) -> None:
    torch.save(load_file(gpt2 / "model.safetensors"), gpt2 / "pytorch_model.bin")
    (gpt2 / "model.safetensors").unlink()
    refused(gpt2, "safetensors")
    assert load_model(str(gpt2), allow_pickle=True).heads == 4


@pytest.mark.parametrize(
    ("network", "match"),
    [
        (lambda: FNetModel(FNetConfig(vocab_size=400, hidden_size=16, num_hidden_layers=1, intermediate_size=16)),
         "expected attention weights between pieces from FNetModel, found none"),
        (
            lambda: ViTModel(
                ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
            ),
            "reads pixel_values, not text",
        ),
    ],
    ids=["fnet", "vit"],
)  # fmt: skip
def test_families_that_cannot_be_measured(tmp_path: Path, network: Callable[[], PreTrainedModel], match: str) -> None:
    refused(save_network(tmp_path / "model", network()), match)


def test_no_gpu(gpt2: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    refused(gpt2, "expected a GPU for --device cuda, found none", device="cuda")


def test_a_model_too_short_for_the_probe(tmp_path: Path) -> None:
    config = GPT2Config(vocab_size=400, n_positions=4, n_embd=16, n_layer=1, n_head=2)
    refused(save_network(tmp_path / "model", GPT2Model(config)), "can't run on text alone: IndexError")


def test_a_revision_of_a_folder_is_refused(gpt2: Path) -> None:
    with pytest.raises(ModelError, match=r"--revision abc names a commit on the Hub, but .* is a folder"):
        load_model(str(gpt2), revision="abc")


def test_a_tokenizer_of_a_larger_model_is_refused(gpt2: Path) -> None:
    network = AutoModel.from_pretrained(gpt2)
    network.resize_token_embeddings(40)
    network.save_pretrained(gpt2)
    with pytest.raises(ModelError, match=r"expected piece ids below 40, .* belongs to another model"):
        load_model(str(gpt2))
