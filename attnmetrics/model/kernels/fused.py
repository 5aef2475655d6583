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
from torch import Tensor

from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.programs import Packed, Parts, Sentences, Setting, Sums, received, short, single, tiled
from attnmetrics.model.kernels.reductions import Reductions, Show, Wanted
from attnmetrics.model.pack import Batch
from attnmetrics.statistics.schema import OFFSETS

LEAST: Final = 16
"""The smallest side of a matrix product."""
TILE_NUMBERS: Final = {torch.bfloat16: 1 << 13, torch.float32: 1 << 11}
"""Most numbers in a tile's queries: with more, a program's registers spill into memory."""
PLACES: Final = 64
"""Single weights of one program."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Sentences of one launch."""

    rows: Tensor
    """[n] their places in the batch"""
    sentences: Sentences
    side: int
    """rows and columns of a tile"""
    blocks: int
    """tiles side by side in the longest of them; 0 where each sentence is one tile"""


@dataclass(frozen=True, slots=True)
class _Layout:
    """A batch as the programs take it."""

    groups: tuple[_Group, ...]
    attending: Tensor
    """[M] packed piece of each single weight"""
    attended: Tensor
    """[M]"""
    target: Tensor
    """[M] its place among the P pairs and V·Q places of prefix blocks"""


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
        scaling: float,
        wanted: Wanted,
        reduce: bool,
        show: Show | None = None,
    ) -> tuple[Tensor | None, Reductions | None]:
        """One layer; by the plain kernel where α is to be shown."""
        if show is not None:
            return dense(query, key, value, scaling, wanted, reduce, show)
        heads, device = query.shape[1], query.device
        output = value.new_empty(value.shape) if value is not None else None
        found = Reductions.empty(wanted, heads, device) if reduce else None
        rows = torch.empty(2, *query.shape[:2], dtype=torch.float32, device=device)
        setting = Setting(heads, scaling, wanted.null.leading, wanted.null.trailing)
        layout = self._layout(wanted, query)
        for group in layout.groups:
            _launch(group, (query, key, value, output), found, rows, setting, wanted.causal)
        return output, found and _read(layout, query, key, found, rows, setting)

    def _layout(self, wanted: Wanted, query: Tensor) -> _Layout:
        if self._known is None or self._known[0] is not wanted:
            fitting = max(LEAST, TILE_NUMBERS[query.dtype] // _width(query))
            groups = _groups(wanted.batch, min(self._longest, fitting), min(self._side, fitting), query.device)
            self._known = wanted, _Layout(tuple(groups), *_single_places(wanted, query.device))
        return self._known[1]


def _groups(batch: Batch, longest: int, side: int, device: torch.device) -> Iterator[_Group]:
    """The batch's sentences by length, rounded up to a power of two."""
    lengths = np.diff(batch.offsets)
    measured = np.zeros(len(lengths), dtype=np.int64)
    for tile in batch.tiles:
        measured[tile.sentence : tile.sentence + tile.count] = tile.measured
    powers = np.array([triton.next_power_of_2(max(LEAST, length)) for length in lengths.tolist()])
    for power in np.unique(powers).tolist():
        rows = np.flatnonzero(powers == power)
        columns = (rows, batch.offsets[rows], lengths[rows], measured[rows])
        own, *sentences = (torch.from_numpy(column).to(device) for column in columns)
        whole = power <= longest
        blocks = 0 if whole else triton.cdiv(int(lengths[rows].max()), side)
        yield _Group(own, Sentences(*sentences), power if whole else side, blocks)


def _single_places(wanted: Wanted, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Attending and attended packed piece, and target, of the wanted pairs and then of the prefix blocks."""
    places = [torch.empty(3, 0, dtype=torch.int64, device=device).unbind()]
    for tile, reads in zip(wanted.batch.tiles, wanted.reads, strict=True):
        sentence, row, column = reads.pair_index
        start = tile.start + sentence * tile.length
        target = torch.arange(reads.pairs.start, reads.pairs.stop, device=device)
        places.append((start + tile.row + row, start + column, target))
        place, row, column = reads.block_index
        start = (tile.start + reads.block_sentence * tile.length)[:, None]
        block = torch.arange(reads.blocks.start, reads.blocks.stop, device=device)[:, None]
        target = wanted.pairs + block * wanted.places + place
        places.append(((start + tile.row + row).flatten(), (start + column).flatten(), target.flatten()))
    attending, attended, target = (torch.cat(column) for column in zip(*places, strict=True))
    return attending, attended, target


def _launch(
    group: _Group,
    tensors: tuple[Tensor, Tensor, Tensor | None, Tensor | None],
    found: Reductions | None,
    rows: Tensor,
    setting: Setting,
    causal: bool,
) -> None:
    """Compute the output of a group's sentences, and all reductions but the single weights."""
    query, key, value, output = map(_packed, tensors)
    blocks = max(1, group.blocks)
    grid = (len(group.rows) * setting.heads, blocks)
    sums = parts = None
    if found is not None:
        sums = Sums(found.received, found.given, found.null, found.entropy, found.kept, *rows)
        parts = _parts(len(group.rows), blocks, setting.heads, rows.device)
    sizes = {"CAUSAL": causal, "SIDE": group.side, "WIDTH": _width(tensors[0])}
    # 32 weights of a tile a thread; fewer in float32, whose products take registers instead of tensor cores.
    warps = 4 if tensors[0].dtype == torch.float32 else min(8, max(1, group.side**2 // 1024))
    (tiled if group.blocks else short)[grid](
        query, key, value, output, group.sentences, sums, parts, setting,
        MIX=value is not None, REDUCE=found is not None, VALUE_WIDTH=_width(tensors[2]), **sizes, num_warps=warps,
    )  # fmt: skip
    if found is not None and parts is not None:
        if group.blocks:
            received[grid](query, key, group.sentences, sums, setting, **sizes, num_warps=warps)
        _gather(parts, group, found)


def _packed(tensor: Tensor | None) -> Packed | None:
    if tensor is None:
        return None
    if tensor.stride(-1) != 1:
        tensor = tensor.contiguous()
    return Packed(tensor, tensor.stride(0), tensor.stride(1), tensor.shape[2])


def _width(tensor: Tensor | None) -> int:
    """Columns that hold a head's queries, keys or values."""
    return LEAST if tensor is None else max(LEAST, triton.next_power_of_2(tensor.shape[-1]))


def _parts(sentences: int, blocks: int, heads: int, device: torch.device) -> Parts:
    def full(*size: int, value: float = 0, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.full((sentences, blocks, heads, *size), value, dtype=dtype, device=device)

    return Parts(
        offsets=full(len(OFFSETS)),
        span=full(),
        peak=full(value=-inf),
        peak_i=full(value=-1, dtype=torch.int64),
        peak_j=full(value=-1, dtype=torch.int64),
    )


def _gather(parts: Parts, group: _Group, into: Reductions) -> None:
    """Sum what the programs of a group found, and choose the first of the largest peaks."""
    into.offsets.add_(parts.offsets.sum((0, 1), dtype=torch.float64))
    into.span.add_(parts.span.sum((0, 1), dtype=torch.float64))
    peak, block = parts.peak.max(1)
    into.peak[group.rows] = peak.double()
    for place, found in ((into.peak_i, parts.peak_i), (into.peak_j, parts.peak_j)):
        place[group.rows] = found.gather(1, block[:, None])[:, 0]


def _read(layout: _Layout, query: Tensor, key: Tensor, found: Reductions, rows: Tensor, setting: Setting) -> Reductions:
    """The reductions with the single weights, from `Sums.largest` and `Sums.total` [2, T, head]."""
    (pairs, heads), (blocks, _, places) = found.pairs.shape, found.prefix.shape
    weights = torch.full((pairs + blocks * places, heads), nan, dtype=torch.float64, device=rows.device)
    count = len(layout.target)
    if count:
        single[triton.cdiv(count, PLACES), heads](
            _packed(query), _packed(key), *rows, len(query), layout.attending, layout.attended, layout.target, weights,
            count, setting, PLACES=PLACES, WIDTH=_width(query),
        )  # fmt: skip
    prefix = weights[pairs:].view(blocks, places, heads).transpose(1, 2)
    return replace(found, pairs=weights[:pairs], prefix=prefix)
