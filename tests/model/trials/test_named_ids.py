"""Pieces that a configuration names, spelled in a text: attention is what the model gives for that sentence alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models import save_network
from transformers import (
    AutoModel,
    CamembertConfig,
    CamembertModel,
    EsmConfig,
    EsmModel,
    GPT2Config,
    PreTrainedModel,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from attnmetrics.model.load import Model, attention_maps, load_model
from attnmetrics.model.reading import Reading, attend
from attnmetrics.model.trials.named_ids import find_named_ids, spell_named_ids
from attnmetrics.model.trials.probe import Layout

PAD, MASK = 1, 4
SENTENCES = [
    [0, 11, PAD, 12, 13, 2], [0, 14, 15, 2], [PAD, 16, PAD, PAD, 17], [0, 18, MASK, 19, 20, 2], [MASK], [0, 21, 22, 2],
]  # fmt: skip
SIZES: dict[str, Any] = {
    "vocab_size": 400, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 40, "pad_token_id": PAD, "bos_token_id": 0, "eos_token_id": 2,
}  # fmt: skip

NETWORKS = {
    "roberta": lambda: RobertaModel(RobertaConfig(**SIZES)),
    "xlm_roberta": lambda: XLMRobertaModel(XLMRobertaConfig(**SIZES)),
    "camembert": lambda: CamembertModel(CamembertConfig(**SIZES)),
    "esm": lambda: EsmModel(EsmConfig(mask_token_id=MASK, token_dropout=True, **SIZES)),
}
LAYOUTS = {"esm": Layout(True)}
"""Of the others, sentences are packed, numbered after the padding id."""


def eager(folder: str, ids: list[int]) -> np.ndarray:
    """[layer, head, i, j] of a sentence alone, as transformers gives it in double precision."""
    network = AutoModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float64).eval()
    given = torch.tensor([ids])
    with torch.inference_mode():
        found = network(input_ids=given, attention_mask=torch.ones_like(given), output_attentions=True).attentions
    return torch.cat(found).numpy()


def whole(ids: list[int]) -> Reading:
    """A text that is just these pieces."""
    n = len(ids)
    return Reading("", np.array(ids), ("",) * n, np.ones(n, np.bool_), np.zeros(n, np.int64), None, 0, ((0, 0),) * n)


def save(folder: Path, name: str) -> str:
    network: PreTrainedModel = NETWORKS[name]()
    return save_network(folder, network)


@pytest.mark.parametrize("name", NETWORKS)
def test_spelled_padding_and_masks_count_as_the_model_counts_them(tmp_path: Path, name: str) -> None:
    folder = save(tmp_path, name)
    model = load_model(folder)
    assert model.layout == LAYOUTS.get(name, Layout(False, PAD))
    for ids, found in zip(SENTENCES, attention_maps(model, SENTENCES), strict=True):
        expected = eager(folder, ids)
        np.testing.assert_allclose(found, expected, atol=2e-6)
        np.testing.assert_allclose(attend(model, whole(ids)).weights, expected, atol=2e-6)


def test_what_is_spelled_matters(tmp_path: Path) -> None:
    """Attention after a spelled padding piece is far from what it is where each piece has the next position."""
    folder = save(tmp_path, "roberta")
    model: Model = load_model(folder)
    found = attention_maps(model, SENTENCES[:1])[0]
    network = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.inference_mode():
        given = {"input_ids": torch.tensor(SENTENCES[:1]), "position_ids": torch.arange(2, 8)[None]}
        straight = torch.cat(network(**given, output_attentions=True).attentions).numpy()
    assert np.abs(found - straight).max() > 0.01


def test_positions_by_hand() -> None:
    ids, offsets = torch.tensor([5, PAD, 6, 7, 8]), np.array([0, 3, 5])
    assert Layout(False, PAD).positions(ids, offsets).tolist() == [2, 1, 3, 2, 3]
    assert Layout(False).positions(ids, offsets).tolist() == [0, 1, 2, 0, 1]


def test_named_ids_are_those_of_the_configuration() -> None:
    config = GPT2Config(vocab_size=50, bos_token_id=7, eos_token_id=[3, 9], pad_token_id=50, sep_token_id=None)
    assert find_named_ids(config, 50) == [3, 7, 9]
    assert spell_named_ids([3, 7, 9], [20, 21]) == [[20, 3, 21, 7]]
    assert spell_named_ids([1, 2, 3, 4, 5, 6], [20] * 12) == [[20, 1, 20, 2, 20, 3, 20, 4, 20, 5], [20, 6]]
