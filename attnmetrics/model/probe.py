"""How a model attends, found out by running it: a few short sentences through transformers' eager attention and ours.

Nothing is taken on trust. A model is refused unless both give the same weights in every layer and head.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.errors import ModelError, first_line
from attnmetrics.model.activations import use_one_pass_gelu
from attnmetrics.model.capture import IMPLEMENTATION, Pass, forward
from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.reductions import want_nothing
from attnmetrics.model.look import Layer, See
from attnmetrics.model.pack import Batch, Tile, pack

LIMIT: Final = 1e-4
"""Largest difference to eager attention that is still the same attention. Where very sharp attention differs by more in
float32, float64 decides."""
ROUNDING_FACTOR: Final = 20
"""Errors within this factor of the least come from rounding. A wrong layout is off by far more, even where attention is
so even that the limit alone would let it pass."""
ROUNDING: Final = 1e-7
"""An error below this is one of rounding in any case."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a family takes several sentences at once."""

    equal_lengths: bool
    """one row per sentence, all of one length, positions left to the model; else packed end to end"""
    first_position: int = 0
    """position id of a sentence's first piece (RoBERTa starts after its padding id)"""
    alone: bool = False
    """one sentence at a time (see `neighbours`)"""

    def pack(
        self, lengths: NDArray[np.int64], measured: NDArray[np.bool_], batch_pieces: int, tile_pairs: int
    ) -> Iterator[Batch]:
        """Batches that the family takes (see `pack.pack`)."""
        return pack(lengths, measured, 1 if self.alone else batch_pieces, tile_pairs, self.equal_lengths)


@dataclass(frozen=True, slots=True)
class Probe:
    """What eager attention says about a model."""

    causal: bool
    heads: int
    layers: int
    layout: Layout
    windows: frozenset[int]


def probe(network: Any, sentences: list[list[int]], device: torch.device) -> Probe:
    """Find out how a float32 model attends and takes sentences; afterwards it computes attention through us.

    Raises:
        ModelError: it has no attention weights, or no way of capturing them exactly was found.
    """
    expected = [_eager(network, ids, device) for ids in sentences]
    causal = _is_causal(type(network).__name__, expected)
    prepare(network)
    best, found = _best_layout(network, sentences, expected, causal, device)
    if LIMIT < found.error < inf:
        exact = _to_eager(deepcopy(network).double())
        expected = [_eager(exact, ids, device) for ids in sentences]
        prepare(exact)
        best, found = _best_layout(exact, sentences, expected, causal, device)
    if found.error > LIMIT:
        raise ModelError(f"attention of {type(network).__name__} can't be captured exactly: {found.reason}")
    layers, heads = expected[0].shape[:2]
    return Probe(causal, heads, layers, best, found.windows)


def _best_layout(
    network: Any,
    sentences: list[list[int]],
    expected: list[NDArray[np.float64]],
    causal: bool,
    device: torch.device,
) -> tuple[Layout, "_Attempt"]:
    """The first layout whose error, if any, is one of rounding."""
    attempts = {layout: _compare(network, layout, sentences, expected, causal, device) for layout in _layouts(network)}
    least = min(attempt.error for attempt in attempts.values())
    enough = max(ROUNDING, ROUNDING_FACTOR * least)
    return next(item for item in attempts.items() if item[1].error <= enough)


def _eager(network: Any, ids: list[int], device: torch.device) -> NDArray[np.float64]:
    """[layer, head, i, j] as transformers computes it."""
    kind = type(network).__name__
    try:
        with torch.inference_mode():
            found = network(input_ids=torch.tensor([ids], device=device), output_attentions=True).attentions
    except Exception as error:
        raise ModelError(f"{kind} can't run on text alone: {type(error).__name__}: {first_line(error)}") from error
    if not found or any(weights is None for weights in found):
        raise ModelError(f"{kind} gives no attention weights in some layers; it can't be measured")
    if found[0].ndim != 4:
        raise ModelError(f"{kind} gives no attention between pieces; it can't be measured")
    if len({weights.shape for weights in found}) > 1:
        shapes = sorted({tuple(weights.shape[1:]) for weights in found})
        raise ModelError(f"expected layers with equal numbers of heads, found {shapes} in {kind}; it can't be measured")
    stacked: NDArray[np.float64] = torch.stack(found)[:, 0].double().cpu().numpy()
    if not np.isfinite(stacked).all():
        raise ModelError(f"the attention of {kind} is not finite; its weights are damaged, or its dtype is too narrow")
    return stacked


def _is_causal(kind: str, expected: list[NDArray[np.float64]]) -> bool:
    """Whether no piece attends to a later one, in any layer or in none."""
    future = sum(np.triu(weights, 1).sum(axis=(1, 2, 3)) for weights in expected)
    if (future > 0).any() and (future == 0).any():
        raise ModelError(f"{kind} is causal in some layers and not in others; it can't be measured")
    return bool((future == 0).all())


def _to_eager(network: Any) -> Any:
    network.set_attn_implementation("eager")
    return network


def prepare(network: Any) -> None:
    """Let it compute attention through us, and GELU in one pass."""
    try:
        network.set_attn_implementation(IMPLEMENTATION)
    except Exception as error:
        raise ModelError(f"attention of {type(network).__name__} can't be captured: {first_line(error)}") from error
    use_one_pass_gelu(network)


def _layouts(network: Any) -> list[Layout]:
    padding = getattr(network.config, "pad_token_id", None)
    after_padding = [Layout(False, padding + 1)] if padding is not None and padding >= 0 else []
    return [Layout(False), *after_padding, Layout(True)]


@dataclass(frozen=True, slots=True)
class _Attempt:
    error: float
    reason: str
    windows: frozenset[int] = frozenset()


def _compare(
    network: Any,
    layout: Layout,
    sentences: list[list[int]],
    expected: list[NDArray[np.float64]],
    causal: bool,
    device: torch.device,
) -> _Attempt:
    """The largest difference between our attention and eager attention."""
    layers = tuple(range(len(expected[0])))
    try:
        found, windows = capture_maps(network, layout, sentences, causal, layers, device)
    except ModelError as error:
        return _Attempt(inf, str(error))
    except Exception as error:
        return _Attempt(inf, f"{type(error).__name__}: {first_line(error)}")
    if found[0].shape != expected[0].shape:
        return _Attempt(inf, f"expected layers and heads {expected[0].shape[:2]}, found {found[0].shape[:2]}")
    worst = max(float(np.abs(ours - theirs).max()) for ours, theirs in zip(found, expected, strict=True))
    return _Attempt(worst if isfinite(worst) else inf, f"it differs from eager attention by {worst:.2g}", windows)


def capture_maps(
    network: Any, layout: Layout, sentences: Sequence[Sequence[int]], causal: bool, layers: tuple[int, ...],
    device: torch.device,
) -> tuple[list[NDArray[np.float64]], frozenset[int]]:  # fmt: skip
    """α of each sentence [layer, head, i, j], and the sliding windows that the model asked for."""
    lengths = np.array([len(ids) for ids in sentences], dtype=np.int64)
    found: list[list[NDArray[np.float64]]] = [[] for _ in sentences]
    windows: set[int] = set()
    every = np.ones(len(sentences), dtype=np.bool_)
    for batch in layout.pack(lengths, every, 1 << 14, int(lengths.max()) ** 2):
        ids = np.concatenate([np.asarray(sentences[row], dtype=np.int64) for row in batch.rows])
        current = Pass(dense, want_nothing(batch, causal, device), layers, see=_recording(found, batch), stop=False)
        run_packed(network, layout, torch.from_numpy(ids).to(device), current)
        windows |= current.windows
    return [np.stack(maps) for maps in found], frozenset(windows)


def _recording(maps: list[list[NDArray[np.float64]]], batch: Batch) -> See:
    """Appends each layer's α of each sentence of the batch to those of the sentence."""

    def record(_: Layer, tile: Tile, weights: Tensor) -> None:
        rows = batch.rows[tile.sentence : tile.sentence + tile.count]
        for row, alpha in zip(rows, weights.double().cpu().numpy(), strict=True):
            maps[row].append(alpha)

    return record


def run_packed(network: Any, layout: Layout, ids: Tensor, current: Pass) -> None:
    """One pass over packed ids [T] in the way that the family takes them."""
    offsets = current.wanted.batch.offsets
    if layout.equal_lengths:
        forward(network, ids.view(len(offsets) - 1, -1), None, current)
        return
    lengths = np.diff(offsets)
    positions = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths) + layout.first_position
    forward(network, ids[None], torch.from_numpy(positions).to(ids.device)[None], current)
