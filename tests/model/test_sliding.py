"""Whether it is known what a model does with pieces beyond its window."""

from typing import Any

import numpy as np
import pytest
import torch
from sweep.small import PIECES, make
from torch import Tensor

from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.trials import probe as probing
from attnmetrics.model.trials.probe import Layout, Probe, probe
from attnmetrics.model.trials.shrunk import LAYERS, THRESHOLD, shrink
from attnmetrics.model.trials.windows import heeds_windows

CPU = torch.device("cpu")


def probed(network: Any) -> Probe:
    random = np.random.default_rng(0)
    return probe(network, [random.integers(10, 290, length).tolist() for length in (12, 5)], CPU)


def test_layers_that_differ_are_shrunk_each() -> None:
    """Gemma 4 has wider heads in layers without a window; all of them get few heads."""
    network = make("gemma4_text")
    network.config.sliding_window = 100
    config = shrink(network, Layout(False), PIECES).config
    widths = [layer.head_dim for layer in config.per_layer_config]
    assert (widths, config.sliding_window, config.num_attention_heads) == ([256, 256, 256, 512], THRESHOLD, 2)
    assert config.num_hidden_layers <= LAYERS


def test_gemma_4_is_read_beyond_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    network = make("gemma4_text")
    found = probed(network)
    assert found.windows == {16}
    assert heeds_windows(network, found, PIECES)

    def farther(query: Tensor, key: Tensor, value: Tensor | None, scoring: Scoring, *others: Any) -> Any:
        window = None if scoring.window is None else scoring.window + 1
        return dense(query, key, value, Scoring(scoring.factor, window=window), *others)

    monkeypatch.setattr(probing, "dense", farther)
    assert not heeds_windows(network, found, PIECES)
