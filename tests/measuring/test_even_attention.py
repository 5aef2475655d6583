"""A model that attends evenly to all that it may attend to: every result is its uniform twin."""

from pathlib import Path

import numpy as np
import pytest
import torch
from models import TEXTS, Family, save_model
from shards import annotate, measure, new_schema
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

from attnmetrics.model.load import Model, load_model

UNIFORM = "_uniform"
KNOWN = (
    "special_attention", "neighbour_attention", "pos_to", "pos_from", "dependency_alignment", "repeat_attention",
    "entropy_all", "entropy_summary", "peak_attention", "second_sink", "sink_rate",
)  # fmt: skip
"""Among the results that have evidence in both models."""
OF_QUERIES_AND_KEYS = ("query.", "key.")


def even_model(folder: Path, family: Family) -> Model:
    """Without queries and keys all scores are 0."""
    kind = AutoModelForMaskedLM if family == "bert" else AutoModelForCausalLM
    network = kind.from_pretrained(save_model(folder, family))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "c_attn" in name:  # GPT-2 has those of queries, keys and values end to end
                parameter[..., : parameter.shape[-1] // 3 * 2] = 0
            elif any(part in name for part in OF_QUERIES_AND_KEYS):
                parameter.zero_()
    network.save_pretrained(folder)
    return load_model(str(folder))


@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_even_attention_is_every_uniform_twin(family: Family, tmp_path: Path) -> None:
    model = even_model(tmp_path, family)
    long = " ".join(TEXTS[:3])[:100]
    state = measure(annotate((*TEXTS, long)), model).state
    grid = len(model.layers), model.heads
    variability = {"deviation_sum": np.zeros(grid), "prefix_sum": np.ones(grid), "variability_sentences": np.ones(())}
    found = new_schema(model).compute({**state.sums, **variability})
    twins = [name for name in found if name.endswith(UNIFORM)]
    known = {name for name in twins if np.isfinite(found[name]).any()}
    assert {name + UNIFORM for name in KNOWN} <= known
    assert ("separator_attention_uniform" in known) == (family == "bert")
    for name in twins:
        even = np.broadcast_to(found[name], found[name.removesuffix(UNIFORM)].shape)
        np.testing.assert_allclose(found[name.removesuffix(UNIFORM)], even, rtol=2e-5, atol=1e-7, err_msg=name)
