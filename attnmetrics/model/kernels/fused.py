"""The fused kernel: attention and its reductions on a GPU without ever writing α to memory.

Sentences of like length go to one launch of a program of `programs.py`: `short` where a sentence's α of one head fits
into registers, `tiled` and `received` where it does not, with memory linear in the length. Single weights come from
their own queries and keys. The sizes of tiles follow from the model and the sentence alone and are never tuned by
timing, so that the same shard gives the same bits.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf, nan
from typing import Final

import numpy as np
import torch
import triton
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.metrics.family import OFFSETS
from attnmetrics.model.kernels.dense import attention, dense
from attnmetrics.model.kernels.programs import (
    Packed,
    Parts,
    Rows,
    Setting,
    Spans,
    linked,
    received,
    short,
    single,
    tiled,
)
from attnmetrics.model.kernels.reductions import Reductions, Show, Wanted, hide
from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.pack import Tile

LEAST: Final = 16
"""The smallest side of a matrix product."""
TILE_NUMBERS: Final = {torch.bfloat16: 1 << 13, torch.float32: 1 << 11}
"""Most numbers in a tile's queries: with more, a program's registers spill into memory."""
PLACES: Final = 64
"""Single weights that a program does at once."""
LINKED: Final = 16 * PLACES
"""Most linked pairs of one program."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Sentences of one launch."""

    rows: Tensor
    """[n] their places in the batch"""
    sentences: Spans
    side: int
    """rows and columns of a tile"""
    blocks: int
    """tiles side by side in the longest of them; 0 where each sentence is one tile"""


@dataclass(frozen=True, slots=True)
class _Chunks:
    """The linked pairs, each group's cut into chunks of at most `LINKED`."""

    attending: Tensor
    """[P] int32 packed piece; group by group"""
    attended: Tensor
    """[P] int32"""
    bounds: Tensor
    """[C + 1] chunk n has the pairs bounds[n] … bounds[n + 1] − 1"""
    members: Tensor
    """[G, C] 1 where the chunk is of the group, float64"""


@dataclass(frozen=True, slots=True)
class _Single:
    """M pairs whose weights are wanted one by one."""

    attending: Tensor
    """[M] packed piece"""
    attended: Tensor
    """[M]"""
    target: Tensor
    """[M] where the weight goes"""


@dataclass(frozen=True, slots=True)
class _Layout:
    """A batch as the programs take it."""

    groups: tuple[_Group, ...]
    linked: _Chunks
    single: _Single
    """the places of prefix blocks that exist, each to its place among the V·Q; the first piece of each measured
    sentence and itself, to V·Q + the sentence's place in the batch"""


class Fused:
    """The fused kernel (see `kernels.Kernel`), for float32 and bfloat16 on a GPU.

    α and the sums within one program are float32, all other sums float64. Single weights are off by up to 1e-7 with
    scores up to 4, by up to 1e-6 with scores up to 16; sums over a hundred rows by a relative 5e-7 (in Triton's
    interpreter, against float64; GPUs have a less exact exp). The last batch's layout is remembered between layers.
    """

    def __init__(self, longest: int = 128, side: int = 64) -> None:
        """Sentences of up to `longest` pieces are one tile, those of longer ones have at most `side` rows and columns.

        Both are powers of two; wide heads have smaller tiles.
        """
        self._longest, self._side = longest, side
        self._known: tuple[Wanted, _Layout] | None = None

    def __call__(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor | None,
        scoring: Scoring,
        wanted: Wanted,
        reduce: bool,
        show: Show | None = None,
    ) -> tuple[Tensor | None, Reductions | None]:
        """One layer. α that is to be shown is made beside, as the plain kernel makes it.

        Where scores are more than products, the plain kernel does all of it.
        """
        if not scoring.is_plain(wanted.batch.longest):
            return dense(query, key, value, scoring, wanted, reduce, show)
        heads, device = query.shape[1], query.device
        output = value.new_empty(value.shape) if value is not None else None
        reductions = Reductions.empty(wanted, heads, device) if reduce else None
        softmax = torch.empty(2, *query.shape[:2], dtype=torch.float32, device=device)
        setting = Setting(heads, scoring.factor, wanted.attends.leading, wanted.attends.trailing)
        layout = self._layout(wanted, query)
        for group in layout.groups:
            _launch(group, (query, key, value, output), reductions, softmax, setting, wanted.attends.causal)
        if reductions is not None:
            reductions = _read(layout, query, key, reductions, softmax, setting)
            hide(reductions.prefix, wanted)
        if show is not None:
            for tile, weights, _ in attention(query, key, scoring, wanted):
                show(tile, weights)
        return output, reductions

    def _layout(self, wanted: Wanted, query: Tensor) -> _Layout:
        if self._known is None or self._known[0] is not wanted:
            fitting = max(LEAST, TILE_NUMBERS[query.dtype] // _width(query))
            groups = _groups(wanted, min(self._longest, fitting), min(self._side, fitting), query.device)
            self._known = wanted, _Layout(tuple(groups), _linked(wanted, query.device), _single(wanted, query.device))
        return self._known[1]


def _groups(wanted: Wanted, longest: int, side: int, device: torch.device) -> Iterator[_Group]:
    """The batch's sentences by length, rounded up to a power of two: those of 5, 16 and 17 pieces make two groups."""
    batch = wanted.batch
    lengths = np.diff(batch.offsets)
    measured, *nothing = np.zeros((3, len(lengths)), dtype=np.int64)
    between = nothing if wanted.between is None else wanted.between
    for tile in batch.tiles:
        measured[tile.sentence : tile.sentence + tile.count] = tile.measured
    powers = np.array([triton.next_power_of_2(max(LEAST, length)) for length in lengths.tolist()])
    for power in np.unique(powers).tolist():
        places = np.flatnonzero(powers == power)
        columns = (batch.offsets[:-1], lengths, measured, *between)
        sentences = (torch.from_numpy(column[places]).to(device) for column in columns)
        rows = torch.from_numpy(places).to(device)
        whole = power <= longest
        blocks = 0 if whole else triton.cdiv(int(lengths[places].max()), side)
        yield _Group(rows, Spans(*sentences), power if whole else side, blocks)


def _linked(wanted: Wanted, device: torch.device) -> _Chunks:
    of_tiles = [torch.empty(3, 0, dtype=torch.int32, device=device)]
    for tile, reads in zip(wanted.batch.tiles, wanted.reads, strict=True):
        attending, attended = _packed_places(tile, *reads.linked)
        of_tiles.append(torch.stack([attending, attended, reads.group]))
    attending, attended, group = torch.cat(of_tiles, 1)
    order = group.argsort(stable=True)
    bounds, group_of_chunk = _cut(wanted.group_sizes)
    is_member = group_of_chunk == np.arange(len(wanted.group_sizes))[:, None]
    return _Chunks(
        attending=attending[order],
        attended=attended[order],
        bounds=torch.from_numpy(bounds).to(device),
        members=torch.from_numpy(is_member).to(device, torch.float64),
    )


def _cut(sizes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where chunks begin, and the end of the last, in groups that lie end to end; [C] the group of each chunk.

    Groups of 2500 and 10 pairs are cut at [0, 1024, 2048, 2500, 2510]; the chunks are of the groups [0, 0, 0, 1].
    """
    chunks = -(-sizes // LINKED)
    # A row for each chunk: its group, its place among this group's chunks, its first pair.
    group = np.repeat(np.arange(len(sizes)), chunks)
    place = np.arange(len(group)) - (np.cumsum(chunks) - chunks)[group]
    begin = (np.cumsum(sizes) - sizes)[group] + place * LINKED
    return np.append(begin, sizes.sum()), group


def _single(wanted: Wanted, device: torch.device) -> _Single:
    of_tiles = [_own_first(wanted, device)]
    for tile, reads in zip(wanted.batch.tiles, wanted.reads, strict=True):
        place, row, column = reads.block_index
        # [block, place] in a tile, and end to end over all tiles.
        attending, attended = _packed_places(tile, reads.block_sentence[:, None], row, column)
        block = torch.arange(reads.blocks.start, reads.blocks.stop, device=device)[:, None]
        target = block * wanted.places + place
        of_tiles.append(torch.stack([attending, attended, target]).flatten(1))
    return _Single(*torch.cat(of_tiles, 1))


def _own_first(wanted: Wanted, device: torch.device) -> Tensor:
    """[3, M] attending and attended piece, and target, of first pieces."""
    tiles = [tile for tile in wanted.batch.tiles if tile.measured and tile.row == 0]
    sentence = np.concatenate([np.arange(0), *(np.arange(tile.sentence, tile.sentence + tile.count) for tile in tiles)])
    first = wanted.batch.offsets[sentence]
    return torch.from_numpy(np.stack([first, first, wanted.blocks * wanted.places + sentence])).to(device)


def _packed_places(tile: Tile, sentence: Tensor, row: Tensor, column: Tensor) -> tuple[Tensor, Tensor]:
    """Attending and attended packed pieces of places in a tile's α."""
    start = tile.start + sentence * tile.length
    return start + tile.row + row, start + column


def _launch(
    group: _Group,
    tensors: tuple[Tensor, Tensor, Tensor | None, Tensor | None],
    reductions: Reductions | None,
    softmax: Tensor,
    setting: Setting,
    causal: bool,
) -> None:
    """Compute the output of a group's sentences, and all reductions but the single weights.

    `softmax` [2, T, head] gets each row's largest score and Σ exp(score − largest).
    """
    query, key, value, output = map(_packed, tensors)
    blocks = max(1, group.blocks)
    grid = (len(group.rows) * setting.heads, blocks)
    rows = parts = None
    if reductions is not None:
        rows = _rows(reductions, softmax)
        parts = _parts(len(group.rows), blocks, setting.heads, softmax.device)
    sizes = {"CAUSAL": causal, "SIDE": group.side, "WIDTH": _width(tensors[0])}
    # 32 weights of a tile a thread; fewer in float32, whose products take registers instead of tensor cores.
    warps = 4 if tensors[0].dtype == torch.float32 else min(8, max(1, group.side**2 // 1024))
    program = tiled if group.blocks else short
    program[grid](
        query, key, value, output, group.sentences, rows, parts, setting,
        MIX=value is not None, REDUCE=reductions is not None, VALUE_WIDTH=_width(tensors[2]), **sizes, num_warps=warps,
    )  # fmt: skip
    if reductions is not None and parts is not None:
        if group.blocks:
            received[grid](query, key, group.sentences, rows, setting, **sizes, num_warps=warps)
        _gather(parts, group, reductions)


def _packed(tensor: Tensor | None) -> Packed | None:
    if tensor is None:
        return None
    if tensor.stride(-1) != 1:
        tensor = tensor.contiguous()
    return Packed(tensor, tensor.stride(0), tensor.stride(1), tensor.shape[2])


def _width(tensor: Tensor | None) -> int:
    """Columns that hold a head's queries, keys or values."""
    return LEAST if tensor is None else max(LEAST, triton.next_power_of_2(tensor.shape[-1]))


def _rows(into: Reductions, softmax: Tensor) -> Rows:
    """What programs write by row and by column."""
    return Rows(
        into.received, into.given, into.null, into.entropy, into.kept, into.entropy_all, into.largest, into.strongest,
        *softmax,
    )  # fmt: skip


def _parts(sentences: int, blocks: int, heads: int, device: torch.device) -> Parts:
    def full(*size: int, value: float = 0, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.full((sentences, blocks, heads, *size), value, dtype=dtype, device=device)

    return Parts(
        offsets=full(len(OFFSETS)),
        offsets_all=full(len(OFFSETS)),
        span=full(),
        span_squared=full(),
        peak=torch.stack([full(value=-inf)] * 2),
        peak_i=torch.stack([full(value=-1, dtype=torch.int64)] * 2),
        peak_j=torch.stack([full(value=-1, dtype=torch.int64)] * 2),
    )


def _gather(parts: Parts, group: _Group, into: Reductions) -> None:
    """Sum what the programs of a group found, and choose the first of the largest peaks."""
    for name in ("offsets", "offsets_all", "span", "span_squared"):
        getattr(into, name).add_(getattr(parts, name).sum((0, 1), dtype=torch.float64))
    peak, block = parts.peak.max(2)
    into.peak[:, group.rows] = peak.double()
    into.peak_i[:, group.rows] = parts.peak_i.gather(2, block[:, :, None])[:, :, 0]
    into.peak_j[:, group.rows] = parts.peak_j.gather(2, block[:, :, None])[:, :, 0]


def _read(
    layout: _Layout, query: Tensor, key: Tensor, reductions: Reductions, softmax: Tensor, setting: Setting
) -> Reductions:
    """The reductions with the single weights, from `softmax` as `_launch` leaves it."""
    heads, device = setting.heads, softmax.device
    tensors = (_packed(query), _packed(key), *softmax, len(query))
    sizes = {"PLACES": PLACES, "WIDTH": _width(query)}
    # [chunk, head] sums of linked pairs, and [group, head] by a product: adding at indices has no fixed order on a GPU.
    pairs, chunks = layout.linked, len(layout.linked.bounds) - 1
    sums = torch.zeros((chunks, heads), dtype=torch.float64, device=device)
    if chunks:
        linked[chunks, heads](*tensors, pairs.attending, pairs.attended, pairs.bounds, sums, setting, **sizes)
    # [place, head] weights of prefix blocks, those that exist, and then of first pieces.
    blocks, _, places = reductions.prefix.shape
    weights = torch.full((blocks * places, heads), nan, dtype=torch.float64, device=device)
    weights = torch.cat([weights, reductions.own_first])
    singles, count = layout.single, len(layout.single.target)
    if count:
        single[triton.cdiv(count, PLACES), heads](
            *tensors, singles.attending, singles.attended, singles.target, weights, count, setting, **sizes
        )
    prefix = weights[: blocks * places].view(blocks, places, heads).transpose(1, 2)
    return replace(reductions, linked=pairs.members @ sums, prefix=prefix, own_first=weights[blocks * places :])
