"""α as kernels show it, against transformers' eager attention; looking changes nothing."""

from dataclasses import fields
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from models import FAMILIES, TEXTS, Family, save_model
from transformers import AutoModel

from attnmetrics.model.kernels.compiled import compiled
from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.reductions import Kernel, Reductions, want_nothing
from attnmetrics.model.load import Model, load_model
from attnmetrics.model.modules.look import Layer
from attnmetrics.model.pack import Batch, Tile, pack

KERNELS = (dense, compiled)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, Model]:
    root = tmp_path_factory.mktemp("models")
    return {family: load_model(str(save_model(root / family, family)), layers=(0, 2)) for family in FAMILIES}


def pack_texts(model: Model, tile_pairs: int) -> tuple[Batch, list[list[int]]]:
    sentences = [model.tokenizer.encode(text).ids[: model.max_pieces] for text in TEXTS]
    lengths = np.array([len(ids) for ids in sentences])
    (batch,) = pack(lengths, np.ones(len(lengths), np.bool_), 1 << 12, tile_pairs, model.layout.equal_lengths)
    return batch, sentences


def run(model: Model, batch: Batch, sentences: list[list[int]], **options: object) -> None:
    ids = torch.tensor([piece for row in batch.rows for piece in sentences[row]])
    model.run(ids, want_nothing(batch, model.causal, model.device), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("tile_pairs", [100, 1 << 16])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("family", FAMILIES)
def test_each_measured_layer_is_shown_tile_by_tile(
    models: dict[Family, Model], family: Family, kernel: Kernel, tile_pairs: int
) -> None:
    model = models[family]
    batch, sentences = pack_texts(model, tile_pairs)
    maps = [np.zeros((2, model.heads, len(ids), len(ids))) for ids in sentences]
    tiles: list[list[Tile]] = [[], []]

    def see(layer: Layer, tile: Tile, weights: torch.Tensor) -> None:
        tiles[layer.place].append(tile)
        for row, alpha in zip(batch.rows[tile.sentence : tile.sentence + tile.count], weights, strict=True):
            maps[row][layer.place, :, tile.row : tile.row + tile.rows, : alpha.shape[-1]] = alpha.numpy()

    run(model, batch, sentences, kernel=kernel, see=see)
    assert tiles == [list(batch.tiles)] * 2
    eager = AutoModel.from_pretrained(model.name, attn_implementation="eager").eval()
    for ids, found in zip(sentences, maps, strict=True):
        expected = eager(input_ids=torch.tensor([ids]), output_attentions=True).attentions
        np.testing.assert_allclose(found, [expected[layer][0].detach() for layer in (0, 2)], rtol=0, atol=2e-6)


@pytest.mark.parametrize("kernel", KERNELS)
def test_looking_changes_no_reduction(models: dict[Family, Model], kernel: Kernel) -> None:
    model = models["gpt2"]
    batch, sentences = pack_texts(model, 1 << 10)
    alone: list[Reductions] = []
    seen: list[Reductions] = []
    run(model, batch, sentences, consume=lambda _, found: alone.append(found), kernel=kernel)
    run(model, batch, sentences, consume=lambda _, found: seen.append(found), kernel=kernel, see=lambda *_: None)
    assert len(alone) == len(seen) == 2
    for a, b in zip(alone, seen, strict=True):
        for field in fields(Reductions):
            np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name), err_msg=field.name)


@pytest.mark.skipif(find_spec("triton") is None, reason="there is no Triton for this platform")
def test_the_fused_kernel_leaves_attention_that_is_shown_to_the_plain_one(models: dict[Family, Model]) -> None:
    from attnmetrics.model.kernels.fused import Fused

    model = models["gpt2"]
    batch, sentences = pack_texts(model, 1 << 10)
    found: dict[str, list[torch.Tensor]] = {"dense": [], "fused": []}
    for name, kernel in (("dense", dense), ("fused", Fused())):
        own = found[name]
        run(model, batch, sentences, consume=lambda _, given, own=own: own.append(given.received), kernel=kernel,
            see=lambda layer, tile, weights, own=own: own.append(weights))  # fmt: skip
    assert len(found["dense"]) == 2 + 2 * len(batch.tiles)
    for ours, theirs in zip(found["fused"], found["dense"], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)  # the layer between is the fused kernel's


def test_a_layer_is_shown_with_the_queries_and_keys_of_its_scores(models: dict[Family, Model]) -> None:
    model = models["llama"]
    batch, sentences = pack_texts(model, 1 << 16)

    def see(layer: Layer, tile: Tile, weights: torch.Tensor) -> None:
        place = slice(tile.start, tile.start + tile.length)
        assert layer.made_of is not None
        query, key = (side[place].double() for side in (layer.made_of.query, layer.made_of.key))
        scores = torch.einsum("ihw,jhw->hij", query, key) * layer.made_of.scoring.factor
        scores[:, torch.ones(scores.shape[1:]).triu(1).bool()] = -torch.inf
        torch.testing.assert_close(scores.softmax(-1), weights[0].double(), rtol=0, atol=1e-6)

    run(model, batch, sentences, see=see)
