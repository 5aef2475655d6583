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
from attnmetrics.measuring.claims import ClaimFinder, ClaimReader
from attnmetrics.measuring.counting import count
from attnmetrics.measuring.links import Links
from attnmetrics.measuring.maps import BatchMaps, MapFamilies, MapSums, pack_mapped
from attnmetrics.measuring.selection import MapSample
from attnmetrics.metrics.family import HEAD, Quantity
from attnmetrics.metrics.similarity import ROWS_A_UNIT
from attnmetrics.model.align import piece_names
from attnmetrics.model.kernels.choose import choose_kernel
from attnmetrics.model.kernels.reductions import Kernel, Reductions, Wanted, want
from attnmetrics.model.load import Model
from attnmetrics.model.look import See, show_to
from attnmetrics.model.pack import TILE_PAIRS, Batch
from attnmetrics.model.units import Units
from attnmetrics.statistics.claims import Gathering, Rows, no_rows, units_of
from attnmetrics.statistics.exemplars import Exemplars, Peaks, from_peaks, pair_of
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
    """[kind, layer, head, K] over all units, by peaks between two pieces and from a piece to itself"""
    claims: Rows
    """the best of each claim and head, over the units that are mapped"""
    passages: Sequence[Passage]
    """all of the units that are an exemplar or a claim's, by unit"""
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
    claimed: NDArray[np.bool_]
    """[S] may be evidence of claims"""
    claim_finder: ClaimFinder | None
    """None: no exemplars are wanted"""
    links: Links


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
        units: S sentences, windows or pairs of segments.
        model: the model.
        batch_pieces: most pieces of one forward pass; unset, what suits the device.
        exemplars: K, units kept per head; 0 for no claims either.
        metric_rows: [S] which units count in the metrics; unset, all. The others only compete as exemplars.
        prefix_rows: [V] which units' prefix blocks are kept, among those that count; unset, all that count.
        map_sample: which units are shown to map families, and may be evidence of claims, among those that count; unset,
            likewise.
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
    links = Links.of(units, metrics, model)
    finder = ClaimFinder(units, model.attends, links) if exemplars else None
    claimed = np.zeros(len(units), dtype=np.bool_)
    claimed[sample.rows] = finder is not None
    shard = _Shard(units, metrics, prefix_row, maps, claimed, finder, links)
    lengths = units.pieces.lengths
    sums = _Sums(units, model, len(kept), finder.best if finder else Gathering())
    most = batch_pieces or model.batch_pieces
    shown = np.column_stack([maps.shown, claimed])
    batches = pack_mapped(lengths, metrics, shown, most, TILE_PAIRS, model.layout)
    prepare = partial(_prepare, shard=shard, model=model)
    run = partial(_run, model=model, kernel=kernel)
    if model.device.type == "cpu":
        results: Iterator[_Measured] = read_ahead(lambda batch: run(prepare(batch)), batches, model.threads)
    else:  # the device never waits for its next batch
        results = map(run, read_ahead(prepare, batches, 2))
    for result in results:
        sums.add(result)
    best = from_peaks(sums.peaks(units), units.document_index, units.number, units.digest, exemplars)
    claims = sums.claims.rows()
    return ShardResult(
        state=State(units.schema, sums.read() | sums.maps | count(units, metrics, model.attends)),
        blocks=sums.blocks,
        exemplars=best,
        claims=claims,
        passages=_find_passages(units, model, best, claims),
        sentences_without_pieces=int((lengths == 0).sum()),
    )


# --- before the model ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Input:
    """A batch for the model, on its device, and where what comes of it belongs."""

    ids: Tensor
    """[T]"""
    segments: Tensor | None
    """[T] see `Units.segments`"""
    wanted: Wanted
    binning: Binning
    prefix_rows: NDArray[np.int64]
    """[V] places among the shard's prefix blocks"""
    maps: BatchMaps
    """of no family where its units are not mapped"""
    claims: ClaimReader | None
    """None: likewise"""

    @property
    def see(self) -> See | None:
        """What looks at attention; None where nothing does."""
        looking = [self.maps.see] * bool(self.maps) + ([self.claims.see] if self.claims else [])
        return show_to(looking) if looking else None


def _prepare(batch: Batch, shard: _Shard, model: Model) -> _Input:
    units, claimed = shard.units, shard.claimed[batch.rows[0]]
    lengths = np.diff(batch.offsets)
    # A row for each piece of the batch: its unit's place in the batch, its place in the unit, and among all pieces.
    unit = np.repeat(np.arange(len(batch.rows)), lengths)
    within = np.arange(batch.offsets[-1]) - batch.offsets[unit]
    piece = units.pieces.offsets[batch.rows][unit] + within
    linked = shard.links.of_batch(batch, units.schema.separators + 1)
    maps = shard.maps.read(batch)
    with_prefix = np.flatnonzero(shard.prefix_row[batch.rows] >= 0)
    pairs = prefix_pairs(model.attends.causal)
    return _Input(
        ids=torch.from_numpy(units.pieces.ids[piece]).to(model.device),
        segments=None if units.segments is None else torch.from_numpy(units.segments[piece]).to(model.device),
        wanted=want(batch, model.attends, linked, with_prefix, pairs, model.device, units.between[:, batch.rows]),
        binning=Binning.of(units, piece, within, lengths[unit], model.causal, model.device),
        prefix_rows=shard.prefix_row[batch.rows[with_prefix]],
        maps=maps,
        claims=shard.claim_finder.read(batch, maps) if claimed and shard.claim_finder else None,
    )


def _run(ready: _Input, model: Model, kernel: Kernel) -> "_Measured":
    """One forward pass."""
    layers: list[_Layer] = []

    def consume(layer: int, reductions: Reductions) -> None:
        peaks = (reductions.peak, reductions.peak_i, reductions.peak_j)
        layers.append(_Layer(layer, ready.binning.bin(reductions), peaks, reductions.prefix.float()))

    model.run(ready.ids, ready.wanted, consume, kernel=kernel, see=ready.see, norms=True, segments=ready.segments)
    claims = ready.claims.rows() if ready.claims else no_rows()
    return _Measured(ready.wanted.batch.rows, ready.prefix_rows, layers, ready.maps.sums(), claims)


# --- after the model -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Layer:
    """What one layer of one batch comes down to, on the model's device."""

    layer: int
    """its place among the measured layers"""
    sums: Mapping[str, Tensor]
    """[head, …] by sum, float64"""
    peaks: tuple[Tensor, Tensor, Tensor]
    """[2, B, head] weight, attending and attended piece, of both kinds"""
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
    claims: Rows
    """none where its units are not mapped"""


class _Sums:
    """A shard's running sums, float64, those of kernels on the model's device; peaks and prefix blocks as they come."""

    def __init__(self, units: Units, model: Model, blocks: int, claims: Gathering) -> None:
        self._schema = units.schema
        layers, heads = self._schema.shape(HEAD)
        self._sums = {
            one.name: torch.zeros(self._schema.shape(one.dims), dtype=torch.float64, device=model.device)
            for one in self._schema.head_sums
        }
        self.claims = claims
        self.maps = {one.name: np.zeros(self._schema.shape(one.dims)) for one in self._schema.mapped_sums}
        shape = (len(units), 2, layers, heads)
        self._peaks = np.full(shape, -np.inf), np.full(shape, -1, np.int32), np.full(shape, -1, np.int32)
        pairs = len(prefix_pairs(model.attends.causal)[0])
        self.blocks = np.full((blocks, layers, heads, pairs), np.nan, dtype=np.float32)
        self._without_norm = [layer for layer, heads_of in enumerate(model.outputs) if heads_of is None]

    def add(self, batch: _Measured) -> None:
        """Add a batch."""
        for layer in batch.layers:
            for name, total in self._sums.items():
                total[layer.layer] += layer.sums[name]
            for all_peaks, peaks in zip(self._peaks, layer.peaks, strict=True):
                all_peaks[batch.rows, :, layer.layer] = peaks.cpu().numpy().swapaxes(0, 1)
            self.blocks[batch.prefix_rows, layer.layer] = layer.prefix.cpu().numpy()
        for name, value in batch.maps.items():
            self.maps[name] += value
        self.claims.add(batch.claims)

    def peaks(self, units: Units) -> Peaks:
        """The peaks of all units, [S, kind, layer, head]."""
        weight, i, j = self._peaks
        start, ids = units.pieces.offsets[:-1, None, None, None], np.append(units.pieces.ids, 0)
        attending, attended = (ids[np.where(piece >= 0, start + piece, -1)] for piece in (i, j))
        return Peaks(weight, i, j, pair_of(attending, attended))

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


def _find_passages(units: Units, model: Model, exemplars: Exemplars, claims: Rows) -> list[Passage]:
    """All sentences of the units that are exemplars or claims', as far as the units hold them."""
    keys = zip(units.document_index.tolist(), units.number.tolist(), strict=True)
    listed = {*exemplars.units, *units_of(claims)}
    return [passage for row, key in enumerate(keys) if key in listed for passage in _passages(row, units, model)]


def _passages(row: int, units: Units, model: Model) -> Iterator[Passage]:
    """What a unit has of every sentence that it holds a piece of."""
    begin, end = units.pieces.offsets[row : row + 2]
    sentences, first = np.unique(units.sentence[begin:end], return_index=True)
    for sentence, start, stop in zip(sentences.tolist(), first, np.append(first[1:], end - begin), strict=True):
        own = slice(begin + start, begin + stop)
        ids, segments = units.pieces.ids[own], units.segments
        yield Passage(
            document=units.document[row],
            document_index=int(units.document_index[row]),
            sentence=int(units.number[row]),
            first=int(start),
            text=units.words.text[sentence],
            pieces=piece_names(model.tokenizer, ids),
            ids=ids.tolist(),
            segments=[] if segments is None else segments[own].tolist(),
        )
