"""Models whose attention depends on what shares a batch are found out, and measured as if each sentence were alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models import FAMILIES, TEXTS, Family, make_tokenizer, save_model
from shards import annotate, measure
from transformers import (
    AutoModel,
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2Model,
    GPTNeoXConfig,
    GPTNeoXModel,
    Llama4TextConfig,
    Llama4TextModel,
    LlamaConfig,
    LlamaModel,
    MistralConfig,
    MistralModel,
    MixtralConfig,
    MixtralModel,
    Phi3Config,
    Phi3Model,
    PreTrainedModel,
)

from attnmetrics.config import build_config
from attnmetrics.engine.worker import Worker
from attnmetrics.metrics.family import OFFSET_LIMIT
from attnmetrics.model.load import Model, load_model
from attnmetrics.model.neighbours import find_batching
from attnmetrics.model.pack import Batching
from attnmetrics.model.trials.probe import count_calls
from attnmetrics.model.trials.shrunk import THRESHOLD, shrink, thresholds
from attnmetrics.results.dataset import load
from attnmetrics.running.driver import run
from attnmetrics.running.progress import Reporter
from attnmetrics.running.runfile import read_facts, write_facts
from attnmetrics.storage import locate

LONG = 1 << 17
OFFSETS_FROM_0 = slice(OFFSET_LIMIT, OFFSET_LIMIT + 4)
PACKED = Batching("packed", at_once=True)
SIZES: dict[str, Any] = {
    "vocab_size": 400, "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 64,
    "max_position_embeddings": 128, "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip


def gpt2(**options: Any) -> PreTrainedModel:
    return GPT2Model(GPT2Config(**{**SIZES, **options}))


def bert() -> PreTrainedModel:
    return BertModel(BertConfig(**SIZES))


def neox() -> PreTrainedModel:
    return GPTNeoXModel(GPTNeoXConfig(**SIZES))


def llama(**options: Any) -> PreTrainedModel:
    return LlamaModel(LlamaConfig(**{**SIZES, "num_key_value_heads": 2, **options}))


def mistral() -> PreTrainedModel:
    return MistralModel(MistralConfig(**SIZES, num_key_value_heads=2, sliding_window=100))


def mixtral() -> PreTrainedModel:
    return MixtralModel(MixtralConfig(**SIZES, num_key_value_heads=2, num_local_experts=8, num_experts_per_tok=2))


def llama4(floor_scale: int = 64, positions: int = 128, scale: float = 0.5) -> PreTrainedModel:
    """Queries in layers without rotary positions grow with every `floor_scale` places of the row."""
    return Llama4TextModel(
        Llama4TextConfig(
            **{**SIZES, "max_position_embeddings": positions}, num_key_value_heads=2, head_dim=8,
            intermediate_size_mlp=64, num_local_experts=2, attention_chunk_size=positions, floor_scale=floor_scale,
            attn_scale=scale, pad_token_id=None,
        )
    )  # fmt: skip


def phi3(original: int = 24, positions: int = 128) -> PreTrainedModel:
    """Where the longest sentence of a batch is longer than `original`, all positions turn by other factors."""
    rope = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0] * 4,
            "long_factor": [1.0, 2.0, 4.0, 8.0], "original_max_position_embeddings": original}  # fmt: skip
    return Phi3Model(
        Phi3Config(
            **{**SIZES, "max_position_embeddings": positions}, num_key_value_heads=2, pad_token_id=None,
            original_max_position_embeddings=original, rope_parameters=rope,
        )
    )  # fmt: skip


def save(folder: Path, network: PreTrainedModel) -> Path:
    """With attention far from uniform."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 1.5 / parameter.shape[-1] ** 0.5, generator=generator)
    network.save_pretrained(folder)
    make_tokenizer("gpt2").save_pretrained(folder)
    return folder


def found(model: Model, longest: int | None = None) -> Batching:
    return find_batching(model, longest or model.max_pieces, model.batch_pieces)


CASES: dict[str, tuple[Callable[[], PreTrainedModel], Batching]] = {
    "gpt2": (gpt2, PACKED),
    "bert": (bert, PACKED),
    "neox": (neox, PACKED),
    "llama": (llama, PACKED),
    "mistral": (mistral, PACKED),
    "mixtral": (mixtral, PACKED),
    "llama4": (llama4, Batching("equal lengths", at_once=True)),
    "phi3": (phi3, Batching("equal lengths", at_once=False)),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {name: save(root / name, network()) for name, (network, _) in CASES.items()}


def test_neighbours_that_do_little_are_found(tmp_path: Path) -> None:
    """A temperature that grows by 0.001 · log of the place moves what pieces receive by 0.02: it is not rounding."""
    folder = save(tmp_path, llama4(scale=0.001))
    assert found(load_model(str(folder))).together == "equal lengths"


def null_and_offsets(folder: Path, model: Model) -> tuple[np.ndarray, np.ndarray]:
    """By transformers, text by text: Σ α over null columns [layer, head], Σ over others by i − j from 0 to 3."""
    network = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    null, offsets = 0.0, 0.0
    with torch.inference_mode():
        for text in TEXTS:
            ids = model.tokenizer.encode(text).ids[: model.max_pieces]
            alpha = torch.cat(network(torch.tensor([ids]), output_attentions=True).attentions).double().numpy()
            is_null = model.attends.is_null(np.arange(len(ids)), len(ids))
            null += alpha[..., is_null].sum((2, 3))
            masked = np.where(is_null, 0, alpha)
            offsets += np.stack([np.trace(masked, -offset, 2, 3) for offset in range(4)], axis=-1)
    return null, offsets


@pytest.mark.parametrize("name", CASES)
def test_every_model_is_given_sentences_as_it_can_bear_them(folders: dict[str, Path], name: str) -> None:
    assert found(load_model(str(folders[name]))) == CASES[name][1]


@pytest.mark.parametrize("name", ["gpt2", "phi3"])
def test_a_narrower_type_hides_no_neighbours(folders: dict[str, Path], name: str) -> None:
    model = load_model(str(folders[name]), dtype="bfloat16")
    assert found(model) == CASES[name][1]
    assert model.network.dtype == torch.bfloat16


@pytest.mark.parametrize("family", FAMILIES)
def test_rounding_is_no_neighbour(tmp_path: Path, family: Family) -> None:
    """With attention so sharp that a difference in the last digit is seen in the third."""
    model = load_model(str(save_model(tmp_path / "m", family, sharp=True, layers=4, sharpness=200)))
    assert found(model) == PACKED


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_sentence_has_its_own_attention_among_others(folders: dict[str, Path], name: str, threads: int) -> None:
    folder, (_, batching) = folders[name], CASES[name]
    model = load_model(str(folder), threads=threads)
    sentences = annotate(TEXTS)
    kept = measure(sentences, model.keep_to(batching)).state
    alone = [measure(sentences.take(np.array([row])), model).state for row in range(len(TEXTS))]
    null, offsets = null_and_offsets(folder, model)
    np.testing.assert_allclose(kept["null_sum"], null, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(kept["offset_sum"][..., OFFSETS_FROM_0], offsets, rtol=1e-5, atol=1e-4)
    for sums in kept.sums:
        np.testing.assert_allclose(kept[sums], sum(one[sums] for one in alone), rtol=1e-5, atol=1e-3, err_msg=sums)


@pytest.mark.parametrize("name", ["llama4", "phi3"])
def test_without_it_the_numbers_would_be_wrong(folders: dict[str, Path], name: str) -> None:
    model = load_model(str(folders[name]))
    packed = measure(annotate(TEXTS), model).state["null_sum"]
    expected = null_and_offsets(folders[name], model)[0]
    assert np.abs(packed / expected - 1).max() > 0.002


@pytest.mark.parametrize(
    ("network", "longest", "expected"),
    [
        (lambda: phi3(4096, LONG), LONG, Batching("equal lengths", at_once=False)),
        (lambda: phi3(4096, LONG), 128, PACKED),
        (lambda: llama4(8192, LONG), LONG, Batching("equal lengths", at_once=True)),
        (lambda: llama4(8192, LONG), 128, PACKED),
        (llama4, 4, Batching("equal lengths", at_once=True)),
    ],
    ids=["phi3", "phi3 in short windows", "llama4", "llama4 in short windows", "many short windows"],
)
def test_lengths_that_the_configuration_names_are_tried_in_small(
    tmp_path: Path, network: Callable[[], PreTrainedModel], longest: int, expected: Batching
) -> None:
    """None of these lengths is reached by what a second allows; what no unit of the run reaches does not count."""
    model = load_model(str(save(tmp_path, network())))
    assert found(model, longest) == expected


def test_a_small_copy_keeps_the_class_and_what_its_layers_are(tmp_path: Path) -> None:
    options = {"num_hidden_layers": 12, "hidden_size": 96, "num_attention_heads": 6, "num_key_value_heads": 3}
    config = Phi3Config(**{**SIZES, **options}, sliding_window=4096, pad_token_id=None)
    model = replace(load_model(str(save(tmp_path / "m", llama()))), network=Phi3Model(config))
    assert thresholds(model.network, 5000) == {4096}
    small = shrink(model.network, model.layout, 5000)
    assert type(small) is Phi3Model
    assert count_calls(small, model.layout, model.causal, model.device) == 8
    assert (small.config.hidden_size, small.config.num_key_value_heads) == (32, 1)
    assert small.config.sliding_window == THRESHOLD
    assert config.sliding_window == 4096
    assert all(parameter.dtype == torch.float64 for parameter in small.parameters())


def test_what_depends_on_the_whole_batch_is_read_alone(tmp_path: Path) -> None:
    model = load_model(str(save(tmp_path, gpt2())))
    model.network.wte.register_forward_hook(lambda _, __, found: found + found.mean((0, 1)))
    batching = found(model)
    assert batching == Batching("alone", at_once=True)
    sentences = annotate(TEXTS)
    alone = [measure(sentences.take(np.array([row])), model).state["null_sum"] for row in range(len(TEXTS))]
    kept = measure(sentences, model.keep_to(batching), batch_pieces=500).state["null_sum"]
    np.testing.assert_allclose(kept, sum(alone), rtol=1e-6)


def test_what_leaves_something_behind_is_read_one_at_a_time(tmp_path: Path) -> None:
    """Two threads need not meet for it to be found."""
    model = load_model(str(save(tmp_path, llama())), threads=2)

    def remember(module: Any, given: tuple[torch.Tensor]) -> None:
        module.longest = given[0].shape[-1]

    model.network.embed_tokens.register_forward_pre_hook(remember)
    batching = found(model)
    assert batching == Batching("packed", at_once=False)
    assert find_batching(model, model.max_pieces, batch_pieces=1) == batching
    assert (model.threads, model.keep_to(batching).threads) == (2, 1)


def test_the_ways_say_why_they_are_not_the_fastest() -> None:
    assert PACKED.reasons == []
    assert [line.split(": ")[1] for line in Batching("alone", at_once=False).reasons] == [
        "each is read alone",
        "batches are read one at a time",
    ]


def write_corpus(path: Path) -> list[str]:
    """Gold sentences of 3 to 60 words; their texts."""
    words = ("quiet", "river", "flows", "rises", "tea", "drink", "every", "hills", "the", "while", "people")
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(words, size)) for size in (3, 60, 9, 30, 6, 45, 12, 18, 3, 24)]
    with path.open("w") as file:
        for text in texts:
            print(f"# text = {text}", file=file)
            for number, word in enumerate(text.split(), 1):
                head, rel = (0, "root") if number == 1 else (1, "dep")
                print(number, word, word, "NOUN", "_", "_", head, rel, "_", "_", sep="\t", file=file)
            print(file=file)
    return texts


def test_a_run_tries_once_says_so_and_is_exact(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save(tmp_path / "model", phi3(24, 512))
    texts = write_corpus(tmp_path / "mixed.conllu")
    config = build_config(
        {"model": folder, "corpus": tmp_path / "mixed.conllu", "out": tmp_path / "run", "engine": "inline",
         "threads": 2, "exemplars": 2}
    )  # fmt: skip
    facts = run(config, Reporter())
    assert facts["batching"] == {"together": "equal lengths", "at_once": False}
    said = capsys.readouterr()
    assert (said.out + said.err).replace("\n", " ").count("only sentences of one length share a batch") == 1

    network = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer, null, pieces = make_tokenizer("gpt2"), 0.0, 0
    with torch.inference_mode():
        for text in texts:
            found = network(**tokenizer(text, return_tensors="pt"), output_attentions=True).attentions
            null += torch.cat(found).double()[..., 0].sum(-1).numpy()
            pieces += found[0].shape[-1]
    results = load(locate(tmp_path / "run") / "results.zarr")
    np.testing.assert_allclose(results["null_attention"], null / pieces, atol=1e-6)

    record = read_facts(locate(tmp_path / "run"))
    write_facts(locate(tmp_path / "run"), record | {"status": "unfinished"})
    monkeypatch.setattr(Worker, "find_batching", lambda _: pytest.fail("tried again"))
    assert run(config, Reporter(quiet=True))["batching"] == facts["batching"]
