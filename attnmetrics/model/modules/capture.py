"""A forward pass over packed sentences in which a kernel of ours computes attention, and which stops when it may.

transformers calls one registered function for the attention of every layer; the pass that is under way on this thread
says what to do with it. Layers are counted in the order of these calls; `numbering` knows their own numbers.
Where a model itself says what its attention was (see `own`), the pass takes that.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface

from attnmetrics.errors import ModelError
from attnmetrics.model.kernels.dense import Attended, come_down
from attnmetrics.model.kernels.reductions import Kernel, Reductions, Wanted
from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.modules.look import Dots, Layer, See, showing
from attnmetrics.model.modules.output import HeadOutputs

IMPLEMENTATION = "attnmetrics"
"""Name of our attention in transformers' register."""

HARMLESS = frozenset({"dropout", "is_causal", "position_ids", "position_embeddings", "cache_position", "use_cache",
                      "past_key_value", "past_key_values", "output_attentions", "output_hidden_states", "return_dict",
                      "deterministic"})  # fmt: skip
"""Arguments of an attention function that change nothing here: no dropout in evaluation, no cache, our own mask."""
HEEDED = frozenset({"sliding_window", "softcap", "s_aux"})
"""Those that scores are made with (see `scoring`). Every other one must be None."""


class _Stop(Exception):  # noqa: N818 - a signal, not an error
    """The last wanted layer has been read; nothing after it is needed."""


Consume = Callable[[int, Reductions], None]
"""Gets the place of a layer among those that are read, and what its attention comes down to."""


@dataclass(slots=True)
class Pass:
    """One forward pass: who computes attention, which layers are read, who gets what they come down to, who looks."""

    kernel: Kernel
    wanted: Wanted
    layers: tuple[int, ...]
    """those that are read, ascending, counted in the order of their attention"""
    consume: Consume | None = None
    """None: nothing is reduced"""
    see: See | None = None
    """None: nobody looks at α"""
    outputs: Sequence[HeadOutputs | None] = ()
    """of each layer that is read, what its heads add to the stream, None where that is not known; empty: nobody asks"""
    stop: bool = True
    """end after the last wanted layer"""
    calls: int = 0
    windows: set[int] = field(default_factory=set)
    """sliding windows that the model asked for"""

    def attend(self, query: Tensor, key: Tensor, value: Tensor, scoring: Scoring) -> Tensor:
        """One layer's attention over [batch, head, piece, width]; gives its output [batch, piece, head, width]."""
        layer, self.calls = self.calls, self.calls + 1
        last = self.stop and layer >= self.layers[-1]
        batch, heads, length = query.shape[:3]
        query, key, value = (_pack(tensor, heads) for tensor in (query, key, value))
        if layer in self.layers:
            output = self._read(self.layers.index(layer), Dots(query, key, scoring), value, last)
        else:
            output, _ = self.kernel(query, key, value, scoring, self.wanted, False)
        if last or output is None:
            raise _Stop
        return output.view(batch, length, *output.shape[1:])

    def take(self, weights: Tensor, sink: Tensor | None = None) -> None:
        """One layer's α as the model itself gives it, [batch, head, piece, piece], and on a learned sink, if any."""
        layer, self.calls = self.calls, self.calls + 1
        if layer in self.layers:
            place, tiles = self.layers.index(layer), _tiles(weights, sink, self.wanted)
            reduce, show = self.consume is not None, showing(self.see, Layer(place, None))
            reductions = come_down(tiles, self.wanted, weights.shape[1], weights.device, reduce, show)
            if self.consume is not None and reductions is not None:
                self.consume(place, reductions)

    def _read(self, place: int, dots: Dots, value: Tensor, last: bool) -> Tensor | None:
        """A layer that is read; the last one's values are mixed only for their norms."""
        heads = self.outputs[place] if self.outputs else None
        mixed = None if last and heads is None else value
        reduce, show = self.consume is not None, showing(self.see, Layer(place, dots))
        output, reductions = self.kernel(dots.query, dots.key, mixed, dots.scoring, self.wanted, reduce, show)
        if self.consume is not None and reductions is not None:
            if heads is not None and output is not None:
                self._fill_norms(reductions.norm, heads, output)
            self.consume(place, reductions)
        return output

    def _fill_norms(self, norm: Tensor, heads: HeadOutputs, output: Tensor) -> None:
        """Norms of the pieces of measured sentences, which come first; 0 for the others."""
        measured = sum(tile.count * tile.rows for tile in self.wanted.batch.tiles if tile.measured)
        norm[:measured] = heads.norms(output[:measured])
        norm[measured:] = 0


def _tiles(weights: Tensor, sink: Tensor | None, wanted: Wanted) -> Iterator[Attended]:
    """α of every tile, as kernels give it, of α [batch, head, piece, piece] and on a sink [batch, head, piece]."""
    for tile in wanted.batch.tiles:
        columns = wanted.attends.reach(tile.row + tile.rows - 1, tile.length)
        sentences, rows = slice(tile.sentence, tile.sentence + tile.count), slice(tile.row, tile.row + tile.rows)
        own = weights[sentences, :, rows, :columns]
        beside = None if sink is None else sink[sentences, :, rows]
        yield tile, own.to(torch.promote_types(own.dtype, torch.float32)).contiguous(), beside


_current: ContextVar[Pass | None] = ContextVar("attnmetrics_pass", default=None)
under_way = _current.get
"""The pass that this thread is in, or None."""


def forward(
    network: nn.Module, ids: Tensor, positions: Tensor | None, current: Pass, segments: Tensor | None = None
) -> None:
    """Run a network, its attention computed by the pass's kernel.

    Args:
        network: a base model whose attention implementation is `IMPLEMENTATION`.
        ids: [batch, piece] piece ids.
        positions: [batch, piece], or None to leave them to the model.
        current: what to do with each layer's attention.
        segments: [batch, piece] 0 in the first and 1 in the second of two texts, for models that tell them apart.

    Raises:
        ModelError: the model asks for attention that is not plain softmax attention, or not every layer was read.
    """
    with torch.inference_mode(), suppress(_Stop):
        call(network, ids, positions, current, segments)
    if not current.calls:
        raise ModelError(
            f"{type(network).__name__} computes attention in code of its own, not by the function that transformers "
            "lets one replace"
        )
    if current.calls <= current.layers[-1]:
        raise ModelError(
            f"{type(network).__name__} used its own attention in some layers: expected {current.layers[-1] + 1} "
            f"attention layers, found {current.calls}"
        )


def call(
    network: nn.Module, ids: Tensor, positions: Tensor | None, current: Pass, segments: Tensor | None = None
) -> Any:
    """What a network returns; arguments are those of `forward`."""
    arguments: dict[str, Any] = {"input_ids": ids}
    if positions is not None:
        arguments["position_ids"] = positions
    if segments is not None and "token_type_ids" in inspect.signature(network.forward).parameters:
        arguments["token_type_ids"] = segments
    if "use_cache" in inspect.signature(network.forward).parameters:
        arguments["use_cache"] = False
    with _while(current):
        return network(**arguments)


def segment_types(network: Any) -> int:
    """How many segments a network tells apart; 1 where it is told of none."""
    if "token_type_ids" not in inspect.signature(network.forward).parameters:
        return 1
    return max(1, int(getattr(network.config.get_text_config(), "type_vocab_size", None) or 1))


@contextmanager
def _while(current: Pass) -> Iterator[None]:
    token = _current.set(current)
    try:
        yield
    finally:
        _current.reset(token)


def _pack(tensor: Tensor, heads: int) -> Tensor:
    """[batch, head or key head, piece, width] -> [batch × piece, head, width]; key heads are repeated."""
    packed = tensor.transpose(1, 2).flatten(0, 1)
    shared = heads // packed.shape[1]
    return packed if shared == 1 else packed.repeat_interleave(shared, dim=1)


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **arguments: Any,
) -> tuple[Tensor, None]:
    """What transformers calls in every layer."""
    current = under_way()
    if current is None:
        raise ModelError("a model prepared for measuring was called directly; load another copy for other uses")
    _refuse_unknown(module, attention_mask, arguments)
    if (window := arguments.get("sliding_window")) is not None:
        current.windows.add(int(window))
    factor = query.shape[-1] ** -0.5 if scaling is None else scaling
    scoring = Scoring(factor, arguments.get("softcap"), window, arguments.get("s_aux"))
    return current.attend(query, key, value, scoring), None


def _refuse_unknown(module: nn.Module, mask: Tensor | None, arguments: dict[str, Any]) -> None:
    unknown = sorted(name for name, value in arguments.items() if value is not None and name not in HARMLESS | HEEDED)
    if mask is not None:
        unknown.append("attention_mask")
    if unknown:
        raise ModelError(
            f"{type(module).__name__} changes its attention weights by {', '.join(unknown)}; only softmax of "
            "scores can be computed for it"
        )


def _no_mask(*_: Any, config: Any, **__: Any) -> Tensor | None:
    """Kernels know which pairs are attendable, so no mask of all pairs is ever built; MPT needs one to convert."""
    return torch.empty(0) if config.model_type == "mpt" else None


AttentionInterface.register(IMPLEMENTATION, _attention)
AttentionMaskInterface.register(IMPLEMENTATION, _no_mask)
