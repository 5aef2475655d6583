"""A shard's units to its state: pack, run the model, reduce, bin by labels and links. No Ray, no disk."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.errors import ModelError
from attnmetrics.measuring.binning import Binning
from attnmetrics.measuring.counting import count
from attnmetrics.measuring.maps import BatchMaps, MapFamilies, MapSums, pack_mapped
from attnmetrics.measuring.selection import MapSample
from attnmetrics.metrics.family import HEAD, Quantity
from attnmetrics.metrics.similarity import ROWS_A_UNIT
from attnmetrics.model.align import piece_names, ranges
from attnmetrics.model.kernels.choose import choose_kernel
from attnmetrics.model.kernels.reductions import Kernel, Linked, Reductions, Wanted, want
from attnmetrics.model.load import Model
from attnmetrics.model.pack import TILE_PAIRS, Batch
from attnmetrics.model.units import Units
from attnmetrics.statistics.exemplars import Exemplars, Peaks, from_peaks
from attnmetrics.statistics.passages import Passage
from attnmetrics.statistics.states import State
from attnmetrics.statistics.variability import prefix_pairs
from attnmetrics.storage import read_ahead


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What a shard comes down to."""

    state: State
    """the units that count in the metrics"""
    blocks: NDArray[np.float32]
    """[V, layer, head, Q] prefix blocks of the units asked for (see `statistics.variability.Prefix`)"""
    exemplars: Exemplars
    """over all units"""
    passages: Sequence[Passage]
    """all that hold a piece of an exemplar, by unit"""
    sentences_without_pieces: int
    """units left out: the tokenizer makes nothing of their texts"""


@dataclass(frozen=True, slots=True)
class _Shard:
    """A shard's units, and what is wanted of each.

    Of units 0 to 3, of which 0, 1 and 3 count and 3 and 0 keep their prefix blocks, `prefix_row` is 1 −1 −1 0.
    """

    units: Units
    metrics: NDArray[np.bool_]
    """[S] counts in the metrics"""
    prefix_row: NDArray[np.int64]
    """[S] place among the prefix blocks; −1 for none"""
    maps: MapFamilies
    links: "_Links"


@dataclass(frozen=True, slots=True)
class _Links:
    """The P attendable linked pairs of the units that count, of all links, by unit."""

    offsets: NDArray[np.int64]
    """[S + 1] pairs of unit s are offsets[s] … offsets[s + 1] − 1"""
    attending: NDArray[np.int32]
    """[P] piece, counted in the unit"""
    attended: NDArray[np.int32]
    """[P] likewise"""
    group: NDArray[np.int32]
    """[P] see `Schema.groups`"""

    @classmethod
    def of(cls, units: Units, metrics: NDArray[np.bool_], model: Model) -> "_Links":
        lengths, groups = units.pieces.lengths, units.schema.groups
        parts = []
        for link, pairs in units.links.items():
            row = pairs.row
            i, j = pairs.attending.astype(np.int64), pairs.attended.astype(np.int64)
            kept = metrics[row] & model.attends.pairs(i, j, lengths[row])
            group = groups[link].start + pairs.edge
            parts.append([column[kept] for column in (row, pairs.attending, pairs.attended, group)])
        # The links' pairs one link after the other, and from here on unit by unit.
        row, attending, attended, group = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(row, kind="stable")
        offsets = np.searchsorted(row[order], np.arange(len(units) + 1))
        return cls(offsets, attending[order], attended[order], group[order].astype(np.int32))

    def of_batch(self, batch: Batch, groups: int) -> Linked:
        """The pairs of a batch's units, in packed pieces."""
        begin, end = self.offsets[batch.rows], self.offsets[batch.rows + 1]
        # A row for each pair of the batch: where it stands among all pairs, and the first packed piece of its unit.
        pair = ranges(begin, end)
        start = np.repeat(batch.offsets[:-1], end - begin)
        return Linked(
            attending=start + self.attending[pair],
            attended=start + self.attended[pair],
            group=self.group[pair].astype(np.int64),
            groups=groups,
        )


def measure(
    units: Units,
    model: Model,
    *,
    batch_pieces: int | None = None,
    exemplars: int = 50,
    metric_rows: NDArray[np.bool_] | None = None,
    prefix_rows: NDArray[np.int64] | None = None,
    map_sample: MapSample | None = None,
    kernel: Kernel | None = None,
) -> ShardResult:
    """Measure a shard. The same shard and options give the same bits, with any number of threads.

    Args:
        units: S sentences or windows.
        model: the model.
        batch_pieces: most pieces of one forward pass; unset, what suits the device.
        exemplars: K, units kept per head.
        metric_rows: [S] which units count in the metrics; unset, all. The others only compete as exemplars.
        prefix_rows: [V] which units' prefix blocks are kept, among those that count; unset, all that count.
        map_sample: which units are shown to map families, among those that count; unset, all that count.
        kernel: what computes attention; unset, what suits the device.

    Raises:
        ModelError: attention that is not finite.
    """
    kernel = kernel or choose_kernel(model.device, model.dtype)
    metrics = np.ones(len(units), dtype=np.bool_) if metric_rows is None else metric_rows
    kept = np.flatnonzero(metrics) if prefix_rows is None else prefix_rows
    prefix_row = np.full(len(units), -1, dtype=np.int64)
    prefix_row[kept] = np.arange(len(kept))
    sample = map_sample or MapSample(seed=0, rows=np.flatnonzero(metrics), rows_a_unit=ROWS_A_UNIT)
    maps = MapFamilies.of(units, model, sample)
    shard = _Shard(units, metrics, prefix_row, maps, _Links.of(units, metrics, model))
    lengths = units.pieces.lengths
    sums = _Sums(units, model, len(kept))
    most = batch_pieces or model.batch_pieces
    batches = pack_mapped(lengths, metrics, maps.shown, most, TILE_PAIRS, model.layout)
    prepare = partial(_prepare, shard=shard, model=model)
    run = partial(_run, model=model, kernel=kernel)
    if model.device.type == "cpu":
        results: Iterator[_Measured] = read_ahead(lambda batch: run(prepare(batch)), batches, model.threads)
    else:  # the device never waits for its next batch
        results = map(run, read_ahead(prepare, batches, 2))
    for result in results:
        sums.add(result)
    best = from_peaks(sums.peaks, units.document_index, units.number, units.digest, exemplars)
    return ShardResult(
        state=State(units.schema, sums.read() | sums.maps | count(units, metrics, model.attends)),
        blocks=sums.blocks,
        exemplars=best,
        passages=_find_passages(best, units, model),
        sentences_without_pieces=int((lengths == 0).sum()),
    )


# --- before the model ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Input:
    """A batch for the model, on its device, and where what comes of it belongs."""

    ids: Tensor
    """[T]"""
    wanted: Wanted
    binning: Binning
    prefix_rows: NDArray[np.int64]
    """[V] places among the shard's prefix blocks"""
    maps: BatchMaps | None
    """None: its units are not mapped"""


def _prepare(batch: Batch, shard: _Shard, model: Model) -> _Input:
    units = shard.units
    lengths = np.diff(batch.offsets)
    # A row for each piece of the batch: its unit's place in the batch, its place in the unit, and among all pieces.
    unit = np.repeat(np.arange(len(batch.rows)), lengths)
    within = np.arange(batch.offsets[-1]) - batch.offsets[unit]
    piece = units.pieces.offsets[batch.rows][unit] + within
    linked = shard.links.of_batch(batch, sum(link.groups for link in units.schema.links))
    with_prefix = np.flatnonzero(shard.prefix_row[batch.rows] >= 0)
    pairs = prefix_pairs(model.attends.causal)
    return _Input(
        ids=torch.from_numpy(units.pieces.ids[piece]).to(model.device),
        wanted=want(batch, model.attends, linked, with_prefix, pairs, model.device),
        binning=Binning.of(units, piece, model.attends.is_null(within, lengths[unit]), model.device),
        prefix_rows=shard.prefix_row[batch.rows[with_prefix]],
        maps=shard.maps.read(batch),
    )


def _run(ready: _Input, model: Model, kernel: Kernel) -> "_Measured":
    """One forward pass."""
    layers: list[_Layer] = []

    def consume(layer: int, reductions: Reductions) -> None:
        peaks = (reductions.peak, reductions.peak_i, reductions.peak_j)
        layers.append(_Layer(layer, ready.binning.bin(reductions), peaks, reductions.prefix.float()))

    maps = ready.maps
    model.run(ready.ids, ready.wanted, consume, kernel=kernel, see=maps.see if maps else None, norms=True)
    return _Measured(ready.wanted.batch.rows, ready.prefix_rows, layers, maps.sums() if maps else {})


# --- after the model -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Layer:
    """What one layer of one batch comes down to, on the model's device."""

    layer: int
    """its place among the measured layers"""
    sums: Mapping[str, Tensor]
    """[head, …] by sum, float64"""
    peaks: tuple[Tensor, Tensor, Tensor]
    """[B, head] weight, attending and attended piece"""
    prefix: Tensor
    """[V, head, Q] float32"""


@dataclass(frozen=True, slots=True)
class _Measured:
    """What one batch comes down to."""

    rows: NDArray[np.int64]
    """[B] its units"""
    prefix_rows: NDArray[np.int64]
    """[V] places among the shard's prefix blocks"""
    layers: Sequence[_Layer]
    maps: MapSums
    """none where its units are not mapped"""


class _Sums:
    """A shard's running sums, float64, those of kernels on the model's device; peaks and prefix blocks as they come."""

    def __init__(self, units: Units, model: Model, blocks: int) -> None:
        self._schema = units.schema
        layers, heads = self._schema.shape(HEAD)
        self._sums = {
            one.name: torch.zeros(self._schema.shape(one.dims), dtype=torch.float64, device=model.device)
            for one in self._schema.head_sums
        }
        self.maps = {one.name: np.zeros(self._schema.shape(one.dims)) for one in self._schema.mapped_sums}
        shape = (len(units), layers, heads)
        self.peaks = Peaks(
            weight=np.full(shape, -np.inf), i=np.full(shape, -1, dtype=np.int32), j=np.full(shape, -1, dtype=np.int32)
        )
        pairs = len(prefix_pairs(model.attends.causal)[0])
        self.blocks = np.full((blocks, layers, heads, pairs), np.nan, dtype=np.float32)
        self._without_norm = [layer for layer, heads_of in enumerate(model.outputs) if heads_of is None]

    def add(self, batch: _Measured) -> None:
        """Add a batch."""
        for layer in batch.layers:
            for name, total in self._sums.items():
                total[layer.layer] += layer.sums[name]
            for all_peaks, peaks in zip(self.peaks, layer.peaks, strict=True):
                all_peaks[batch.rows, layer.layer] = peaks.cpu().numpy()
            self.blocks[batch.prefix_rows, layer.layer] = layer.prefix.cpu().numpy()
        for name, value in batch.maps.items():
            self.maps[name] += value

    def read(self) -> dict[str, NDArray[np.float64]]:
        """The sums that kernels give.

        Raises:
            ModelError: one is not finite.
        """
        sums = {name: value.cpu().numpy() for name, value in self._sums.items()}
        for one in self._schema.head_sums:
            name, finite = one.name, np.isfinite(sums[one.name])
            if one.of is Quantity.NORM:
                finite[self._without_norm] = True
            if not finite.all():
                layer = self._schema.layers[int(np.argwhere(~finite)[0][0])]
                raise ModelError(
                    f"expected finite attention, found {name} that is not, first in layer {layer}; "
                    "the weights are damaged, or the dtype is too narrow for this model"
                )
        return sums


def _find_passages(exemplars: Exemplars, units: Units, model: Model) -> list[Passage]:
    """The sentences that hold the attending and attended pieces of exemplars, as far as their units hold them."""
    rows = {key: row for row, key in enumerate(zip(units.document_index.tolist(), units.number.tolist(), strict=True))}
    filled = exemplars.sentence >= 0
    keys = zip(exemplars.document_index[filled].tolist(), exemplars.sentence[filled].tolist(), strict=True)
    row = np.array([rows[key] for key in keys], dtype=np.int64)
    # [2, exemplar] the sentences of the attending and of the attended piece; then each (unit, sentence) once.
    pieces = units.pieces.offsets[row] + np.stack([exemplars.i[filled], exemplars.j[filled]])
    sentences = units.sentence[pieces]
    held = np.unique(np.stack([np.broadcast_to(row, sentences.shape), sentences]).reshape(2, -1), axis=1)
    return [_passage(unit, sentence, units, model) for unit, sentence in held.T.tolist()]


def _passage(row: int, sentence: int, units: Units, model: Model) -> Passage:
    """What a unit has of a sentence."""
    begin, end = units.pieces.offsets[row : row + 2]
    first, last = np.searchsorted(units.sentence[begin:end], [sentence, sentence + 1])
    return Passage(
        document=units.document[row],
        document_index=int(units.document_index[row]),
        sentence=int(units.number[row]),
        first=int(first),
        text=units.words.text[sentence],
        pieces=piece_names(model.tokenizer, units.pieces.ids[begin + first : begin + last]),
    )
