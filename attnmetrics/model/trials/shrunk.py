"""A model in small: same class and configuration, few layers, narrow, with random weights and sharp attention.

What a model does beyond some length takes long to see in the model itself. In a copy that has a short length in its
configuration it is seen at once.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

import torch

from attnmetrics.errors import ModelError, first_line
from attnmetrics.model.trials.probe import Layout, prepare

THRESHOLDS: Final = ("original_max_position_embeddings", "floor_scale", "sliding_window", "attention_chunk_size",
                     "attention_window", "local_attention")  # fmt: skip
"""Lengths beyond which a model may compute otherwise, as configurations name them."""
THRESHOLD: Final = 16
"""What stands there in the copy, in pieces."""
LAYERS: Final = 8
"""No known pattern of kinds of layers is longer."""
MOST: Final = {
    "vocab_size": 512,
    "intermediate_size": 128,
    "intermediate_size_mlp": 128,
    "moe_intermediate_size": 64,
    "num_local_experts": 4,
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "n_group": 1,
    "topk_group": 1,
    "num_kv_shared_layers": 2,
}
"""Sizes that take time and memory, and what is left of them."""
PARAMETERS: Final = 1 << 25
"""A copy with more is no small one: 256 MB in float64."""
SPREAD: Final = 2.0
"""Standard deviation of what a matrix makes of inputs that have 1: attention scores are then far apart."""


def thresholds(network: Any, reach: int) -> set[int]:
    """The lengths of at most `reach` pieces beyond which a network may compute otherwise."""
    return {fields[name] for fields, name in _thresholds(vars(network.config.get_text_config()), reach)}


def shrink(network: Any, layout: Layout, reach: int) -> Any:
    """A small float64 copy, prepared for measuring, whose thresholds of at most `reach` pieces are short.

    Raises:
        ModelError: a network of this class cannot be made so small.
    """
    config = network.config.get_text_config()
    kind = next((type(part) for part in network.modules() if getattr(part, "config", None) is config), type(network))
    try:
        return _build(kind, _shrink(config, reach), layout)
    except Exception as error:
        raise ModelError(f"there is no small {kind.__name__}: {type(error).__name__}: {first_line(error)}") from error


def _build(kind: Any, config: Any, layout: Layout) -> Any:
    """A network of random weights, prepared for measuring."""
    with torch.random.fork_rng():
        with torch.device("meta"):
            size = sum(parameter.numel() for parameter in kind(config).parameters())
        if size > PARAMETERS:
            raise ModelError(f"it has {size:,} parameters")
        network = kind(config).double().eval()
    _sharpen(network)
    prepare(network, layout)
    return network


def _shrink(given: Any, reach: int) -> Any:
    """The configuration of a small model; the width of a head stays, for other lengths follow from it."""
    config = deepcopy(given)
    config.allow_global_per_layer_attribute_access = True
    for fields, name in list(_thresholds(vars(config), reach)):
        fields[name] = THRESHOLD
    _cut_layers(config)
    heads, groups = config.num_attention_heads, getattr(config, "num_key_value_heads", None)
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    config.num_attention_heads, config.hidden_size = 2, 2 * width
    if groups is not None:
        config.num_key_value_heads = 2 if groups == heads else 1
    if layers := config.to_dict().get("per_layer_config"):
        config.per_layer_config = dict(_shrink_layers(layers, heads, reach))
    for name, most in MOST.items():
        if isinstance(found := getattr(config, name, None), int):
            setattr(config, name, min(found, most))
    if (getattr(config, "pad_token_id", None) or 0) >= config.vocab_size:
        config.pad_token_id = None
    config._experts_implementation = "eager"  # the others have no float64
    return config


def _shrink_layers(layers: dict[str, dict[str, Any]], heads: int, reach: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """What the first layers have otherwise than the configuration says for all."""
    for layer, fields in layers.items():
        for inner, name in list(_thresholds(fields, reach)):
            inner[name] = THRESHOLD
        if (groups := fields.get("num_key_value_heads")) is not None:
            fields["num_key_value_heads"] = 2 if groups == heads else 1
        if int(layer) < LAYERS:
            yield int(layer), fields


def _cut_layers(config: Any) -> None:
    """Keep the first layers, in lists of one entry a layer too."""
    layers = config.num_hidden_layers
    for name, value in list(vars(config).items()):
        if isinstance(value, list) and len(value) == layers:
            setattr(config, name, value[:LAYERS])
    config.num_hidden_layers = min(layers, LAYERS)


def _thresholds(fields: dict[str, Any], reach: int) -> Iterator[tuple[dict[str, Any], str]]:
    """Where a configuration has a threshold of at most `reach`: in which fields, under which name."""
    waiting = [fields]
    while waiting:
        fields = waiting.pop()
        waiting += [value for value in fields.values() if isinstance(value, dict)]
        for name in THRESHOLDS:
            if isinstance(found := fields.get(name), int) and 0 < found <= reach:
                yield fields, name


@torch.no_grad()
def _sharpen(network: Any) -> None:
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        if parameter.ndim > 1:
            parameter.normal_(0, SPREAD / parameter.shape[-1] ** 0.5, generator=generator)
