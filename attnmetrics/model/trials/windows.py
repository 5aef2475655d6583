"""Whether it is known what a model does with pieces beyond its attention window: tried in small.

A window of thousands of pieces takes long to see at work. A small copy of the model has one of a few pieces, and both
its own attention and ours show what it does.
"""

from typing import Any, Final

import numpy as np

from attnmetrics.errors import ModelError
from attnmetrics.model.modules.adapters import set_attention
from attnmetrics.model.modules.widening import Widening
from attnmetrics.model.trials.probe import Probe, capture_maps, find_eager, largest_difference, prepare
from attnmetrics.model.trials.shrunk import THRESHOLD, shrink

LENGTHS: Final = (3 * THRESHOLD, THRESHOLD + 1, THRESHOLD, 5)
ROUNDING: Final = 1e-6
"""Of float64; the attention of one piece too many is off by far more."""


def heeds_windows(network: Any, probed: Probe, reach: int) -> bool:
    """Whether sentences longer than a window have the attention here that the model gives them; no if not known.

    Args:
        network: a model that is prepared.
        probed: what is known of it.
        reach: pieces of the longest sentence that is wanted.
    """
    if probed.layout.own:
        return True
    device = network.device
    try:
        small = shrink(network, probed.layout, reach).to(device)
        random = np.random.default_rng(0)
        size = small.get_input_embeddings().num_embeddings
        sentences = [random.integers(0, size, length).tolist() for length in LENGTHS]
        set_attention(small, "eager")
        with Widening():
            expected = [find_eager(small, ids, device) for ids in sentences]
            prepare(small, probed.layout)
            layers = tuple(range(len(expected[0])))
            found, windows = capture_maps(small, probed.layout, sentences, probed.causal, layers, device)
    except (ModelError, RuntimeError, ValueError, IndexError, AttributeError):
        return False
    return bool(windows) == bool(probed.windows) and largest_difference(found, expected) <= ROUNDING


def length_in(config: Any, name: str) -> int:
    """What a configuration has under a name, the smallest where layers differ; 0 where it has nothing."""
    try:
        return int(getattr(config, name, None) or 0)
    except RuntimeError:  # transformers gives no number for all where layers differ
        lengths = (int(getattr(layer, name, None) or 0) for layer in config.per_layer_config)
        return min((length for length in lengths if length), default=0)
