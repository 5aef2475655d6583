"""Attention as a model itself gives it: what transformers returns as `attentions`, in the order of its layers.

It is right wherever it is given, however scores are made (relative positions, slopes, caps, masks), but all layers of a
batch are in memory at once, and sentences of a batch must have one length.
"""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final
from weakref import ref

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.overrides import TorchFunctionMode

from attnmetrics.errors import ModelError, first_line
from attnmetrics.model.modules.capture import Pass

NUMBERS: Final = {"cpu": 1 << 24, "cuda": 1 << 28}
"""Most attention weights of a batch, of all layers: 64 MB and 1 GB in float32. One sentence may exceed it."""
SHORT: Final = 1e-3
"""A row whose weights sum to less than 1 by more than this has a part of its attention elsewhere."""
SINKS: Final = ("sinks", "sink", "sink_proj.weight")
"""How models name their parameters for it."""
SOFTMAXES: Final = (torch.softmax, Tensor.softmax, torch.nn.functional.softmax)


def given_by(network: Any, ids: Tensor, segments: Tensor | None = None) -> list[Tensor]:
    """α of each layer that has some between pieces, [batch, head, piece, piece] (see `given_at`)."""
    return list(given_at(network, ids, segments).values())


def given_at(network: Any, ids: Tensor, segments: Tensor | None = None) -> dict[int, Tensor]:
    """By its place among all that a model gives: α of each layer that has some between pieces, [batch, head, i, j].

    Linear attention also gives something, but not of a pair of pieces: its layers are left out.

    Args:
        network: a base model with eager attention.
        ids: [batch, piece] piece ids.
        segments: [batch, piece] see `capture.forward`.

    Raises:
        ModelError: it does not run on pieces alone, or gives no such weights.
    """
    kind = type(getattr(network, "whole", network)).__name__
    told = {} if segments is None else {"token_type_ids": segments}
    cache = {"use_cache": False} if "use_cache" in inspect.signature(network.forward).parameters else {}
    try:
        with torch.inference_mode(), _Shares() as shares:
            found = network(input_ids=ids, output_attentions=True, **told, **cache)
    except Exception as error:
        raise ModelError(f"{kind} can't run on text alone: {type(error).__name__}: {first_line(error)}") from error
    length = ids.shape[1]
    every = enumerate(getattr(found, "attentions", None) or ())
    given = {place: shares.of(layer) for place, layer in every if isinstance(layer, Tensor)}
    spread = {place: _spread(network.config, layer, length) for place, layer in given.items() if layer.ndim in (4, 5)}
    layers = {place: layer for place, layer in spread.items() if layer.shape[2:] == (length, length)}
    if not layers:
        decoder = ", but --stack decoder may be" if getattr(network.config, "is_encoder_decoder", False) else ""
        raise ModelError(
            f"expected attention weights between pieces from {kind}, found {_describe(given.values())}; it can't be "
            f"measured{decoder}"
        )
    return layers


def _describe(given: Collection[Tensor]) -> str:
    if not given:
        return "none in what it returns: it mixes them in another way, or keeps no weight of a pair"
    return f"weights of other things than two pieces of {sorted({tuple(weights.shape) for weights in given})}"


def forward_own(network: Any, ids: Tensor, current: Pass, segments: Tensor | None = None, sinks: bool = False) -> None:
    """Run a network, and read the attention that it gives.

    Args:
        network: a base model with eager attention.
        ids: [batch, piece] piece ids.
        current: what to do with each layer's attention.
        segments: [batch, piece] see `capture.forward`.
        sinks: what rows lack of 1 is on a learned sink.

    Raises:
        ModelError: see `given_by`; or it gives fewer layers than are read.
    """
    layers = given_by(network, ids, segments)
    if len(layers) <= current.layers[-1]:
        raise ModelError(
            f"{type(network).__name__} gives the attention of {len(layers)} layers here, and of more elsewhere; it "
            "can't be measured"
        )
    for weights in layers:
        current.take(weights, 1 - weights.sum(-1, dtype=torch.float64) if sinks else None)


def find_sinks(network: Any, sentences: Sequence[NDArray[np.float64]]) -> bool:
    """Whether rows leave a part of their attention to a learned sink, a score of its own beside those of pieces.

    Args:
        network: the model.
        sentences: α of each, [layer, head, i, j].

    Raises:
        ModelError: rows do not sum to 1 for another reason.
    """
    sums = np.concatenate([maps.sum(-1).ravel() for maps in sentences])
    if np.abs(sums - 1).max() <= SHORT:
        return False
    if sums.max() <= 1 + SHORT and any(name.endswith(SINKS) for name, _ in network.named_parameters()):
        return True
    raise ModelError(
        f"expected rows of attention that sum to 1 from {type(network).__name__}, found sums from {sums.min():.2g} to "
        f"{sums.max():.2g} and no learned sink: a part of its attention is on what is no piece of the text, or its "
        "weights are no shares; it can't be measured"
    )


class _Shares(TorchFunctionMode):
    """What softmax makes of scores: some models (SqueezeBERT, ProphetNet) give these scores as their attention."""

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[int, tuple[Callable[[], Tensor | None], Tensor]] = {}

    def __torch_function__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run a function of torch, and note it if it is softmax."""
        result = function(*args, **(kwargs or {}))
        if function in SOFTMAXES and args:
            self.made[id(args[0])] = ref(args[0]), result
        return result

    def of(self, given: Tensor) -> Tensor:
        """What became of it; itself where it went through no softmax."""
        scores, shares = self.made.get(id(given), (lambda: None, given))
        return shares if scores() is given else given


def _spread(config: Any, weights: Tensor, length: int) -> Tensor:
    """Weights of neighbours, each at its column; others as they are."""
    if weights.ndim == 5:
        return _spread_blocks(config, weights, length)
    band = getattr(config, "attention_window", None)
    places = weights.shape[3]
    if band is None or places - 1 not in (band if isinstance(band, list | tuple) else [band]):
        return weights
    return _spread_band(weights)


def _spread_band(weights: Tensor) -> Tensor:
    """[batch, head, i, j] of a band, [batch, head, piece, place].

    Longformer gives piece i's weights of the pieces i − w … i + w alone. In a row for each of three pieces, w = 1,
    · a b | c d e | f g · become a b 0 | c d e | 0 f g.
    """
    length, places = weights.shape[2:]
    # With as many places more as there are pieces, each row of the flattened matrix starts one place later.
    slanted = torch.nn.functional.pad(weights, (0, length)).flatten(2)[..., : length * (length + places - 1)]
    reach = (places - 1) // 2
    return slanted.reshape(*weights.shape[:3], -1)[..., reach : reach + length]


def _spread_blocks(config: Any, weights: Tensor, length: int) -> Tensor:
    """[batch, head, i, j] of blocks, [batch, block, head, piece, place].

    LongT5 gives a block's weights of the pieces of the block before it, of its own, and of the one after it. In blocks
    of one piece, · a b | c d e | f g · become a b 0 | c d e | 0 f g.
    """
    blocks, heads, size, places = weights.shape[1:]
    if getattr(config, "local_radius", None) != size - 1 or places != 3 * size:
        return weights
    every = weights.new_zeros(len(weights), heads, blocks * size, (blocks + 2) * size)
    for block in range(blocks):
        first = block * size
        every[:, :, first : first + size, first : first + places] = weights[:, block]
    return every[:, :, :length, size : size + length]
