"""Attention as captured from packed sentences, against transformers' eager attention of one sentence at a time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from models import FAMILIES, TEXTS, Family, save_model
from transformers import AutoModel, BertConfig, BertModel

from attnmetrics.errors import ModelError
from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.reductions import Reductions, want_nothing
from attnmetrics.model.load import Model, attention_maps, load_model
from attnmetrics.model.modules.capture import IMPLEMENTATION, Pass, _refuse_unknown, forward
from attnmetrics.model.pack import pack

NOTHING = np.zeros(0, np.int64)
ErrorOf = Callable[[list[np.ndarray], list[np.ndarray]], float]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, bool], Path]:
    root = tmp_path_factory.mktemp("models")
    return {
        (family, sharp): save_model(root / f"{family}-{sharp}", family, sharp=sharp)
        for family in FAMILIES
        for sharp in (False, True)
    }


def ids_of(model: Model) -> list[list[int]]:
    return [model.tokenizer.encode(text).ids[: model.max_pieces] for text in TEXTS]


def eager_maps(folder: Path, sentences: list[list[int]], dtype: torch.dtype) -> list[np.ndarray]:
    network = AutoModel.from_pretrained(folder, attn_implementation="eager", dtype=dtype).eval()
    with torch.inference_mode():
        found = [network(input_ids=torch.tensor([ids]), output_attentions=True).attentions for ids in sentences]
    return [torch.cat(layers).double().numpy() for layers in found]


def largest_error(ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("sharp", "limit"), [(False, 1e-6), (True, 5e-5)])
def test_captured_attention_is_eager_attention(
    folders: dict[tuple[str, bool], Path], family: Family, sharp: bool, limit: float
) -> None:
    folder = folders[family, sharp]
    model = load_model(str(folder))
    sentences = ids_of(model)
    ours = attention_maps(model, sentences)
    assert [maps.shape for maps in ours] == [(3, model.heads, len(ids), len(ids)) for ids in sentences]
    assert largest_error(ours, eager_maps(folder, sentences, torch.float32)) < limit
    strongest = np.mean([maps.max(-1).mean() for maps in ours])
    assert strongest > 0.6 if sharp else strongest < 0.5


@pytest.mark.parametrize("family", FAMILIES)
def test_bfloat16_stays_near_float32(folders: dict[tuple[str, bool], Path], family: Family) -> None:
    folder = folders[family, False]
    coarse, fine = (load_model(str(folder), dtype=dtype) for dtype in ("bfloat16", "float32"))
    sentences = ids_of(fine)
    error = largest_error(attention_maps(coarse, sentences), attention_maps(fine, sentences))
    assert 0 < error < 0.03


@pytest.mark.parametrize("family", FAMILIES)
def test_sentences_of_a_batch_do_not_touch_each_other(folders: dict[tuple[str, bool], Path], family: Family) -> None:
    model = load_model(str(folders[family, True]))
    sentences = ids_of(model)
    alone = [attention_maps(model, [ids])[0] for ids in sentences]
    assert largest_error(attention_maps(model, sentences), alone) < 5e-5


def run_layers(model: Model, layers: tuple[int, ...], stop: bool = True) -> tuple[list[int], Pass]:
    ids = ids_of(model)[0]
    (batch,) = pack(np.array([len(ids)]), np.ones(1, bool), 100, 1 << 16, False)
    wanted = want_nothing(batch, model.causal, model.device)
    seen: list[int] = []

    def consume(layer: int, found: Reductions) -> None:
        np.testing.assert_allclose(found.given.numpy(), 1, rtol=1e-6)
        seen.append(layer)

    current = Pass(dense, wanted, layers, consume, stop=stop)
    forward(model.network, torch.tensor([ids]), torch.arange(len(ids))[None], current)
    return seen, current


def test_a_pass_reads_the_wanted_layers_and_stops_after_the_last(folders: dict[tuple[str, bool], Path]) -> None:
    model = load_model(str(folders["gpt2", False]))
    assert run_layers(model, (1,))[0] == [0]
    assert run_layers(model, (1,))[1].calls == 2
    assert run_layers(model, (0, 2))[0] == [0, 1]
    assert run_layers(model, (0,), stop=False)[1].calls == 3


def test_nothing_is_computed_after_the_last_wanted_attention(folders: dict[tuple[str, bool], Path]) -> None:
    model = load_model(str(folders["gpt2", False]))
    ran: list[str] = []
    for name, module in model.network.named_modules():
        module.register_forward_hook(lambda *_, name=name: ran.append(name))
    run_layers(model, (0, 1))
    assert "h.0.mlp" in ran
    assert "h.1.attn.c_attn" in ran
    assert not any(name.startswith(("h.1.mlp", "h.1.attn.c_proj", "h.2", "ln_f")) for name in ran)


def test_more_layers_than_the_model_has_are_noticed(folders: dict[tuple[str, bool], Path]) -> None:
    model = load_model(str(folders["gpt2", False]))
    with pytest.raises(ModelError, match="expected 8 attention layers, found 3"):
        run_layers(model, (7,))


def test_a_prepared_model_cannot_be_called_directly(folders: dict[tuple[str, bool], Path]) -> None:
    model = load_model(str(folders["gpt2", False]))
    with pytest.raises(ModelError, match="called directly"):
        model.network(input_ids=torch.tensor([[1, 2]]))


def test_arguments_that_change_attention_are_refused() -> None:
    module, query = torch.nn.Identity(), torch.zeros(1, 2, 3, 4)
    with pytest.raises(ModelError, match="Identity changes its attention weights by head_mask; only softmax"):
        _refuse_unknown(module, None, {"head_mask": query, "softcap": 2.0, "dropout": 0.0})


def test_a_mask_is_refused() -> None:
    config = BertConfig(vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    network = BertModel(config).eval()
    network.set_attn_implementation(IMPLEMENTATION)
    network.forward = lambda call=network.forward, **kwargs: call(**kwargs, attention_mask=torch.zeros(1, 1, 3, 3))  # type: ignore[method-assign]
    with pytest.raises(ModelError, match="attention_mask"):
        run_plain(network, causal=False)


def run_plain(network: torch.nn.Module, causal: bool) -> None:
    network.eval().set_attn_implementation(IMPLEMENTATION)  # type: ignore[operator]
    (batch,) = pack(np.array([3]), np.ones(1, bool), 100, 1 << 16, False)
    wanted = want_nothing(batch, causal, torch.device("cpu"))
    forward(network, torch.tensor([[1, 2, 3]]), None, Pass(dense, wanted, (0,)))
