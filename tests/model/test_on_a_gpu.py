"""Models of many kinds on a GPU: judged as on the CPU, with the same sums, and sharp attention told from wrong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kernel_cases import CARD
from models import TEXTS, save_network
from shards import annotate, measure
from sweep.small import make
from test_sharp import off_in_a_score, off_in_scale, sentences, sharp

from attnmetrics.model.kernels.reductions import Kernel
from attnmetrics.model.load import load_model
from attnmetrics.model.trials import probe as probing
from attnmetrics.model.trials.probe import probe

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(CARD.type != "cuda", reason="needs a GPU")]
FAST = ("gpt2", "bert", "llama", "qwen3", "gemma2", "mistral", "gpt_oss", "bloom", "mpt", "falcon")
"""Absolute and rotary positions, grouped keys, caps, sliding windows, sinks, alibi."""
OWN = ("deberta-v2",)
"""Attention that no kernel computes."""
PIECES = 400
"""More than the tokenizer has."""
COUNTED = "near_ties"


@pytest.mark.parametrize("kind", FAST + OWN)
def test_a_shard_has_the_sums_of_the_cpu(kind: str, tmp_path: Path) -> None:
    network = make(kind)
    network.resize_token_embeddings(PIECES, mean_resizing=False)
    folder, units = save_network(tmp_path, network), annotate(TEXTS)
    here, there = (load_model(folder, device=device) for device in ("cpu", "cuda"))
    assert replace(there.layout, most_pairs=here.layout.most_pairs) == here.layout
    assert (here.layout.own == "") == (kind in FAST)
    expected, found = measure(units, here), measure(units, there)
    for name, value in expected.state.sums.items():
        if COUNTED not in name:
            np.testing.assert_allclose(found.state[name], value, rtol=1e-5, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(found.exemplars.weight, expected.exemplars.weight, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert", "qwen3", "gemma3_text"])
def test_sharp_attention_that_is_right_is_computed(kind: str) -> None:
    found = probe(sharp(kind).to(CARD), sentences(), CARD)
    assert (found.layout.own, found.layout.equal_lengths) == ("", False)


@pytest.mark.parametrize("kernel", [off_in_scale, off_in_a_score])
def test_sharp_attention_that_is_not_right_is_not(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "dense", kernel)
    found = probe(sharp("llama").to(CARD), sentences()[:1], CARD)
    assert "it differs from eager attention by" in found.layout.own
