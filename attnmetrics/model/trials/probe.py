"""How a model attends, found out by running it: a few short sentences through transformers' eager attention and ours.

Nothing is taken on trust. A model is refused unless both give the same weights in every layer and head.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from attnmetrics.errors import ModelError, first_line
from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.reductions import Kernel, want_nothing
from attnmetrics.model.modules.activations import use_one_pass_gelu
from attnmetrics.model.modules.adapters import set_attention
from attnmetrics.model.modules.capture import IMPLEMENTATION, Pass, forward
from attnmetrics.model.modules.hooks import hooked
from attnmetrics.model.modules.look import Layer, See
from attnmetrics.model.modules.own import NUMBERS, SHORT, find_sinks, forward_own, given_by
from attnmetrics.model.modules.widening import Widening
from attnmetrics.model.pack import Batch, Tile, pack

ROUNDING_FACTOR: Final = 20
"""An error within this factor of what rounding errors do is one of rounding. In trials over 40 families and all degrees
of sharpness, right layouts were off by at most 5 times as much, wrong ones by at least 2,000 times."""
ROUNDING: Final = {torch.float32: 1e-7, torch.float64: 1e-10}
"""An error below this is one of rounding in any case."""
TOLD: Final = 1e-3
"""An error in a score that must be told from rounding."""
LIMIT: Final = 0.05
"""An error above this is never one of rounding, however sharp attention is."""
TRIED: Final = 4
"""Pieces of a pass that only counts calls; Funnel can't read fewer than three."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a family takes several sentences at once."""

    equal_lengths: bool
    """one row per sentence, all of one length, positions left to the model; else packed end to end"""
    padding: int = -1
    """Piece id that is not counted: it stands at the position of its own number, and others are numbered from the next
    one on. RoBERTa and its like do so, even where a text spells `<pad>`; −1 where every piece is counted."""
    alone: bool = False
    """one sentence at a time (see `neighbours`)"""
    own: str = ""
    """why α is what the model itself gives (see `own`); empty where kernels compute it"""
    sinks: bool = False
    """what such rows lack of 1 is on a learned sink"""
    most_pairs: int | None = None
    """most pairs of pieces of a batch; None for any number"""

    @property
    def first_position(self) -> int:
        """Position of a sentence's first piece that is counted."""
        return self.padding + 1

    def pack(
        self, lengths: NDArray[np.int64], measured: NDArray[np.bool_], batch_pieces: int, tile_pairs: int,
        depth: NDArray[np.int64] | None = None,
    ) -> Iterator[Batch]:  # fmt: skip
        """Batches that the family takes (see `pack.pack`)."""
        most = 1 if self.alone else batch_pieces
        return pack(lengths, measured, most, tile_pairs, self.equal_lengths, self.most_pairs, depth)

    def arrange(self, ids: Tensor, offsets: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """[batch, piece] packed ids [T] as the family takes them, and their positions, None where it finds them itself.

        Args:
            ids: [T] packed piece ids.
            offsets: [B + 1] packed pieces of sentence b are offsets[b] … offsets[b + 1] − 1.
        """
        if self.equal_lengths:
            return ids.view(len(offsets) - 1, -1), None
        return ids[None], self.positions(ids, offsets)[None]

    def positions(self, ids: Tensor, offsets: NDArray[np.int64]) -> Tensor:
        """[T] position of each piece in its sentence.

        Args:
            ids: [T] packed piece ids.
            offsets: [B + 1] packed pieces of sentence b are offsets[b] … offsets[b + 1] − 1.

        Example: with padding 1, ids 5 1 6 | 7 8 have positions 2 1 3 | 2 3.
        """
        first, lengths = (torch.from_numpy(found).to(ids.device) for found in (offsets[:-1], np.diff(offsets)))
        counted = (ids != self.padding).long()
        total = counted.cumsum(0)
        before = (total - counted)[first].repeat_interleave(lengths)
        return (total - before) * counted + self.padding


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

    Sentences are packed unless that changes attention by more than rounding does. Where attention that we compute is
    never that of the model, it is taken as the model gives it.

    Raises:
        ModelError: it has no attention weights.
    """
    expected = _expect(network, sentences, device)
    with expected.precision:
        return _find_layout(network, sentences, expected, device)


@dataclass(frozen=True, slots=True)
class _Expected:
    maps: list[NDArray[np.float64]]
    """eager attention in each sentence"""
    enough: float
    """the largest error of it that rounding explains"""
    precision: AbstractContextManager[Any]
    """in which both are so"""


def _expect(network: Any, sentences: list[list[int]], device: torch.device) -> _Expected:
    """Eager attention, in float64 where it is so sharp that rounding in float32 would hide errors.

    Where the model cannot run in float64, float32 has to do.
    """
    maps, rounding = _read_eagerly(network, sentences, torch.float32, device)
    if rounding > TOLD * _steepness(maps):
        with suppress(ModelError), Widening() as wide:
            return _Expected(*_read_eagerly(network, sentences, torch.float64, device), wide)
    return _Expected(maps, min(rounding, LIMIT), nullcontext())


def _read_eagerly(
    network: Any, sentences: Sequence[Sequence[int]], dtype: torch.dtype, device: torch.device,
    segments: Sequence[Sequence[int] | None] | None = None,
) -> tuple[list[NDArray[np.float64]], float]:  # fmt: skip
    """Eager attention in each sentence, and the largest error that is one of rounding."""

    def read() -> list[NDArray[np.float64]]:
        told = segments or [None] * len(sentences)
        return [find_eager(network, ids, device, own) for ids, own in zip(sentences, told, strict=True)]

    expected = read()
    if len(shapes := {maps.shape[:2] for maps in expected}) > 1:
        raise ModelError(
            f"expected as many layers with attention between all pieces of any sentence in {type(network).__name__}, "
            f"found {sorted(shapes)} layers and heads in sentences of different lengths: some attend to sums of pieces "
            "in long ones, or to other than pieces; it can't be measured"
        )
    with disturbed(network, device):
        moved = largest_difference(read(), expected)
    return expected, allow_rounding(dtype, moved)


def _steepness(sentences: list[NDArray[np.float64]]) -> float:
    """How much a weight changes with its score, ∂α/∂s = α·(1 − α), where it changes most."""
    return max(float((maps * (1 - maps)).max()) for maps in sentences)


def _find_layout(network: Any, sentences: list[list[int]], expected: _Expected, device: torch.device) -> Probe:
    """The first layout that gives what is expected."""
    maps = expected.maps
    causal = _is_causal(type(network).__name__, maps)
    layers, heads = maps[0].shape[:2]
    attempts: list[_Attempt] = []
    for layout in _layouts(network):
        attempts.append(_compare(network, layout, sentences, maps, causal, device))
        if attempts[-1].error <= expected.enough:
            return Probe(causal, heads, layers, layout, attempts[-1].windows)
    best = min(attempts, key=lambda attempt: attempt.error)
    if isfinite(best.error):
        _refuse_parts(network, layers, causal, device)
    sinks, most_pairs = find_sinks(network, maps), NUMBERS[device.type] // (layers * heads)
    layout = Layout(True, own=best.reason, sinks=sinks, most_pairs=most_pairs)
    attempt = _compare(network, layout, sentences, maps, causal, device)
    if attempt.error > expected.enough:
        raise ModelError(
            f"attention of {type(network).__name__} can't be had: computed for it, {best.reason}; as it gives it in a "
            f"batch of sentences of one length, {attempt.reason}"
        )
    return Probe(causal, heads, layers, layout, attempt.windows)


def _refuse_parts(network: Any, layers: int, causal: bool, device: torch.device) -> None:
    """A model whose layers attend more than once, and give one part of their attention (DiffLlama)."""
    if (calls := count_calls(network, Layout(True), causal, device)) > layers:
        raise ModelError(
            f"expected one softmax over pieces in each layer of {type(network).__name__}, found {calls} in {layers} "
            "layers that give the weights of one each: attention is made of several, as in differential attention, "
            "where one is subtracted from another, so what is given is not what mixes values; it can't be measured"
        )


def allow_rounding(dtype: torch.dtype, moved: float) -> float:
    """The largest error that is one of rounding, where rounding errors in all modules move attention so far."""
    return max(ROUNDING[dtype], ROUNDING_FACTOR * moved)


@contextmanager
def disturbed(network: nn.Module, device: torch.device) -> Iterator[None]:
    """While it holds, the result of every module is off by a rounding error."""
    random = torch.Generator(device).manual_seed(0)

    def disturb(_: nn.Module, __: Any, result: Any) -> Any:
        if not isinstance(result, Tensor) or not result.is_floating_point():
            return result
        direction = 2 * torch.rand(result.shape, generator=random, dtype=result.dtype, device=device) - 1
        return result * (1 + torch.finfo(result.dtype).eps * direction)

    with hooked(module.register_forward_hook(disturb) for module in network.modules()):
        yield


def largest_difference(some: Sequence[NDArray[np.float64]], given: Sequence[NDArray[np.float64]]) -> float:
    """Between weights of some sentences and those that a model gives, each [layer, head, i, j].

    Some models (Granite) give shares of what a learned sink leaves to the pieces, and not what it leaves.
    """
    return max(float(np.abs(one - other * _left(one, other)).max()) for one, other in zip(some, given, strict=True))


def _left(weights: NDArray[np.float64], given: NDArray[np.float64]) -> NDArray[np.float64]:
    """[layer, head, i, 1] what a row leaves to pieces, where none of the given ones leaves less than all; else 1."""
    left = weights.sum(-1, keepdims=True)
    return np.ones(1) if np.abs(given.sum(-1) - 1).max() > SHORT else left


def find_eager(
    network: Any, ids: Sequence[int], device: torch.device, segments: Sequence[int] | None = None
) -> NDArray[np.float64]:
    """[layer, head, i, j] as transformers computes it."""
    kind = type(network).__name__
    told = None if segments is None else torch.tensor([segments], device=device)
    found = given_by(network, torch.tensor([ids], device=device), told)
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


def prepare(network: Any, layout: Layout) -> None:
    """Let it compute attention through us, unless it gives its own, and GELU in one pass."""
    try:
        set_attention(network, "eager" if layout.own else IMPLEMENTATION)
    except Exception as error:
        kind = type(getattr(network, "whole", network)).__name__
        raise ModelError(f"attention of {kind} can't be captured: {first_line(error)}") from error
    use_one_pass_gelu(network)


def find_first_position(network: Any) -> int:
    """The position of a sentence's first piece, where a model numbers pieces from the one after its padding's id on."""
    tables = (module for name, module in network.named_modules() if name.endswith("position_embeddings"))
    return max((1 + found for table in tables if (found := getattr(table, "padding_idx", None)) is not None), default=0)


def _layouts(network: Any) -> list[Layout]:
    padding = getattr(network.config.get_text_config(), "pad_token_id", None)
    after_padding = [Layout(False, padding)] if padding is not None and padding >= 0 else []
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
        prepare(network, layout)
        found, windows = capture_maps(network, layout, sentences, causal, layers, device)
    except ModelError as error:
        return _Attempt(inf, str(error))
    except Exception as error:
        return _Attempt(inf, _say_why(network, error))
    if [maps.shape for maps in found] != [maps.shape for maps in expected]:
        return _Attempt(inf, f"expected layers and heads {expected[0].shape[:2]}, found {found[0].shape[:2]}")
    worst = largest_difference(found, expected)
    return _Attempt(worst if isfinite(worst) else inf, f"it differs from eager attention by {worst:.2g}", windows)


def _say_why(network: Any, error: Exception) -> str:
    """Why a model does not run where its attention is computed for it."""
    if any(name.endswith("indexer") for name, _ in network.named_modules()):
        return (
            "an indexer chooses a few pieces that each piece attends to (sparse attention); only softmax over all of "
            "them can be computed for it"
        )
    return f"it does not run where its attention is computed for it ({type(error).__name__}: {first_line(error)})"


def capture_maps(
    network: Any, layout: Layout, sentences: Sequence[Sequence[int]], causal: bool, layers: tuple[int, ...],
    device: torch.device, segments: Sequence[Sequence[int]] | None = None,
) -> tuple[list[NDArray[np.float64]], frozenset[int]]:  # fmt: skip
    """α of each sentence [layer, head, i, j], and the sliding windows that the model asked for."""

    def packed(columns: Sequence[Sequence[int]], rows: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(np.concatenate([np.asarray(columns[row], np.int64) for row in rows])).to(device)

    lengths = np.array([len(ids) for ids in sentences], dtype=np.int64)
    found: list[list[NDArray[np.float64]]] = [[] for _ in sentences]
    windows: set[int] = set()
    every = np.ones(len(sentences), dtype=np.bool_)
    for batch in layout.pack(lengths, every, 1 << 14, int(lengths.max()) ** 2):
        told = None if segments is None else packed(segments, batch.rows)
        current = Pass(dense, want_nothing(batch, causal, device), layers, see=_recording(found, batch), stop=False)
        run_packed(network, layout, packed(sentences, batch.rows), current, told)
        windows |= current.windows
    return [np.stack(maps) for maps in found], frozenset(windows)


def check_segments(
    network: Any, layout: Layout, causal: bool, pairs: Sequence[tuple[Sequence[int], Sequence[int]]],
    device: torch.device,
) -> None:  # fmt: skip
    """Refuse a network that is told segments otherwise in a batch than by transformers; it is prepared again.

    Args:
        network: a network prepared for measuring.
        layout: how it takes sentences.
        causal: whether it is.
        pairs: ids and segments of some pairs of texts.
        device: where it is.

    Raises:
        ModelError: its attention differs by more than rounding explains.
    """
    ids, segments = ([pair[place] for pair in pairs] for place in (0, 1))
    set_attention(network, "eager")
    try:
        expected, enough = _read_eagerly(network, ids, torch.float32, device, segments)
    finally:
        prepare(network, layout)
    found, _ = capture_maps(network, layout, ids, causal, tuple(range(len(expected[0]))), device, segments)
    if (worst := largest_difference(found, expected)) > min(enough, LIMIT):
        raise ModelError(
            f"attention of {type(network).__name__} in pairs of segments can't be captured exactly: it differs from "
            f"eager attention by {worst:.2g}; choose --unit window:N, or --segment-ids zero"
        )


def _recording(maps: list[list[NDArray[np.float64]]], batch: Batch) -> See:
    """Appends each layer's α of each sentence of the batch to those of the sentence."""

    def record(_: Layer, tile: Tile, weights: Tensor) -> None:
        rows = batch.rows[tile.sentence : tile.sentence + tile.count]
        for row, alpha in zip(rows, weights.double().cpu().numpy(), strict=True):
            maps[row].append(alpha)

    return record


def run_packed(network: Any, layout: Layout, ids: Tensor, current: Pass, segments: Tensor | None = None) -> None:
    """One pass over packed ids [T] in the way that the family takes them; segments [T], if it tells them apart."""
    ids, positions = layout.arrange(ids, current.wanted.batch.offsets)
    told = None if segments is None else segments.view(*ids.shape)
    if layout.own:
        forward_own(network, ids, current, told, layout.sinks)
    else:
        forward(network, ids, positions, current, told)


def run_alone(
    network: Any, layout: Layout, ids: Sequence[int], causal: bool, layers: tuple[int, ...], device: torch.device,
    kernel: Kernel, see: See | None = None,
) -> None:  # fmt: skip
    """One pass over one sentence, through all layers."""
    lengths, every = np.array([len(ids)]), np.ones(1, dtype=np.bool_)
    (batch,) = layout.pack(lengths, every, len(ids), len(ids) ** 2)
    current = Pass(kernel, want_nothing(batch, causal, device), layers, see=see, stop=False)
    run_packed(network, layout, torch.tensor(ids, device=device), current)


def count_calls(network: Any, layout: Layout, causal: bool, device: torch.device) -> int:
    """How many times a pass calls attention, or gives it."""
    (batch,) = pack(np.array([TRIED]), np.ones(1, dtype=np.bool_), TRIED, TRIED**2, equal_lengths=True)
    current = Pass(dense, want_nothing(batch, causal, device), (0,), stop=False)
    ids = torch.zeros(TRIED, dtype=torch.int64, device=device)
    run_packed(network, replace(layout, equal_lengths=True), ids, current)
    return current.calls
