"""A shard's units to its state: pack, run the model, reduce, bin by labels and links. No Ray, no disk."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.errors import ModelError
from attnmetrics.measuring.beside import Onlooker, Room
from attnmetrics.measuring.binning import Binning
from attnmetrics.measuring.claims import ClaimFinder, ClaimReader
from attnmetrics.measuring.counting import count
from attnmetrics.measuring.links import Links
from attnmetrics.measuring.maps.families import BatchMaps, MapFamilies, MapSums, pack_mapped
from attnmetrics.measuring.right_words import RightWords
from attnmetrics.measuring.selection import MapSample
from attnmetrics.measuring.sinks import Sinks
from attnmetrics.measuring.tokens import TokenCounter, TokenReader
from attnmetrics.metrics.family import HEAD, Quantity
from attnmetrics.metrics.schema import Schema
from attnmetrics.metrics.similarity import ROWS_A_UNIT
from attnmetrics.model.kernels.choose import choose_kernel
from attnmetrics.model.kernels.reductions import Kernel, Reductions, Wanted, want
from attnmetrics.model.load import Model
from attnmetrics.model.modules.look import See, show_to
from attnmetrics.model.pack import TILE_PAIRS, Batch
from attnmetrics.pieces.align import piece_names
from attnmetrics.pieces.units import Units
from attnmetrics.statistics.claims import Gathering, Rows, no_rows, units_of
from attnmetrics.statistics.exemplars import Exemplars, Peaks, from_peaks, pair_of
from attnmetrics.statistics.passages import Passage
from attnmetrics.statistics.sampling import sample_hashes
from attnmetrics.statistics.splitting import Part, Split
from attnmetrics.statistics.states import State
from attnmetrics.statistics.tokens import TokenSums
from attnmetrics.statistics.typical import UNITS, Typical
from attnmetrics.statistics.typical import from_peaks as typical_of
from attnmetrics.statistics.variability import prefix_pairs
from attnmetrics.storage import read_ahead


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What a shard comes down to."""

    state: State
    """the units that count in the metrics"""
    parts: Mapping[Part, State]
    """those of them with each value of each field that results are split by"""
    blocks: NDArray[np.float32]
    """[V, layer, head, Q] prefix blocks of the units asked for (see `statistics.variability.Prefix`)"""
    exemplars: Exemplars
    """[kind, layer, head, K] over all units, by peaks between two pieces and from a piece to itself"""
    claims: Rows
    """the best of each claim and head, over the units that are mapped"""
    typical: Typical
    """of all units those with the smallest hashes"""
    tokens: TokenSums
    """over the units that are mapped"""
    passages: Sequence[Passage]
    """all of the units that are an exemplar, a claim's or typical, by unit"""
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
    mapped: NDArray[np.bool_]
    """[S] may be evidence of claims, and their pieces are counted"""
    tokens: TokenCounter | None
    """None: no pieces are counted"""
    claim_finder: ClaimFinder | None
    """None: no exemplars are wanted"""
    links: Links
    split: Split


def measure(
    units: Units,
    model: Model,
    *,
    batch_pieces: int | None = None,
    exemplars: int = 50,
    typical: int = UNITS,
    metric_rows: NDArray[np.bool_] | None = None,
    prefix_rows: NDArray[np.int64] | None = None,
    map_sample: MapSample | None = None,
    tokens: bool = True,
    split: Split | None = None,
    kernel: Kernel | None = None,
) -> ShardResult:
    """Measure a shard. The same shard and options give the same bits, with any number of threads.

    Args:
        units: S sentences, windows or pairs of segments.
        model: the model.
        batch_pieces: most pieces of one forward pass; unset, what suits the device.
        exemplars: K, units kept per head; 0 for no claims and no typical units either.
        typical: units kept with what is strongest in them, those with the smallest hashes.
        metric_rows: [S] which units count in the metrics; unset, all. The others only compete as exemplars.
        prefix_rows: [V] which units' prefix blocks are kept, among those that count; unset, all that count.
        map_sample: which units are shown to map families, may be evidence of claims and have their pieces counted,
            among those that count; unset, likewise. Its seed is that of all samples.
        tokens: whether their pieces are counted at all.
        split: the values of the units, for whose units sums are kept apart too; unset, none are.
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
    mapped = np.zeros(len(units), dtype=np.bool_)
    mapped[sample.rows] = True
    counter = TokenCounter(units, sample.rows if tokens else sample.rows[:0], model)
    split = Split.of(units.document_index) if split is None else split
    shard = _Shard(units, metrics, prefix_row, maps, mapped, counter if tokens else None, finder, links, split)
    lengths = units.pieces.lengths
    sums = _Sums(shard, model, len(kept), finder.best if finder else Gathering())
    most = batch_pieces or model.batch_pieces
    shown = np.column_stack([maps.shown, mapped])
    batches = pack_mapped(lengths, metrics, shown, most, TILE_PAIRS, model.layout, split)
    prepare = partial(_prepare, shard=shard, model=model)
    read = _read if model.device.type == "cpu" else _read_beside
    for result in read(batches, prepare, model, kernel):
        sums.add(result)
    peaks, claims = sums.peaks(units), sums.claims.rows()
    best = from_peaks(peaks, units.document_index, units.number, units.digest, exemplars)
    sampled = _sample_peaks(units, peaks, sample.seed, typical if exemplars else 0)
    return ShardResult(
        state=State(units.schema, sums.whole.read() | count(units, metrics, model.attends)),
        parts={
            part: State(units.schema, own.read() | count(units, metrics & split.has(part), model.attends))
            for part, own in sums.parts.items()
        },
        blocks=sums.blocks,
        exemplars=best,
        claims=claims,
        typical=sampled,
        tokens=counter.sums(),
        passages=_find_passages(shard, model, best, claims, sampled),
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
    tokens: TokenReader | None
    """None: likewise"""

    @property
    def see(self) -> See | None:
        """What looks at attention; None where nothing does."""
        looking = [self.maps.see] * bool(self.maps) + ([self.claims.see] if self.claims else [])
        return show_to(looking) if looking else None

    def come_down_to(self, found: "_Found") -> "_Measured":
        """What comes of the batch when all of it has been looked at."""
        claims = self.claims.rows() if self.claims else no_rows()
        return _Measured(self.wanted.batch.rows, self.prefix_rows, found, self.maps.sums(), claims, self.tokens)


def _prepare(batch: Batch, shard: _Shard, model: Model) -> _Input:
    units, mapped = shard.units, shard.mapped[batch.rows[0]]
    lengths = np.diff(batch.offsets)
    # A row for each piece of the batch: its unit's place in the batch, its place in the unit, and among all pieces.
    unit = np.repeat(np.arange(len(batch.rows)), lengths)
    within = np.arange(batch.offsets[-1]) - batch.offsets[unit]
    piece = units.pieces.offsets[batch.rows][unit] + within
    linked = shard.links.of_batch(batch, units.schema.separators + 1)
    maps = shard.maps.read(batch)
    with_prefix = np.flatnonzero(shard.prefix_row[batch.rows] >= 0)
    pairs = prefix_pairs(model.attends.causal)
    sinks = Sinks.of(batch, units.null[piece], shard.metrics[batch.rows], model.attends, model.device)
    return _Input(
        ids=torch.from_numpy(units.pieces.ids[piece]).to(model.device),
        segments=None if units.segments is None else torch.from_numpy(units.segments[piece]).to(model.device),
        wanted=want(batch, model.attends, linked, with_prefix, pairs, model.device, units.between[:, batch.rows]),
        binning=Binning.of(units, piece, within, lengths[unit], model.causal, sinks, model.device),
        prefix_rows=shard.prefix_row[batch.rows[with_prefix]],
        maps=maps,
        claims=shard.claim_finder.read(batch, maps) if mapped and shard.claim_finder else None,
        tokens=shard.tokens.read(piece) if mapped and shard.tokens else None,
    )


Prepare = Callable[[Batch], _Input]


def _read(batches: Iterator[Batch], prepare: Prepare, model: Model, kernel: Kernel) -> "Iterator[_Measured]":
    """What comes of each batch, several at the same time; who looks at α does so in the forward pass."""

    def read(batch: Batch) -> _Measured:
        ready = prepare(batch)
        return ready.come_down_to(_read_layers(ready, ready.see, model, kernel))

    return read_ahead(read, batches, model.threads, waiting=model.threads)


def _read_beside(batches: Iterator[Batch], prepare: Prepare, model: Model, kernel: Kernel) -> "Iterator[_Measured]":
    """The same on a GPU, which never waits for its next batch, nor, up to a limit, for who looks at α."""
    room = Room()

    def start(ready: _Input) -> Callable[[], _Measured]:
        looks = ready.see
        if looks is None:
            return partial(ready.come_down_to, _read_layers(ready, None, model, kernel))
        onlooker = Onlooker(looks, room)
        with onlooker.looking() as see:
            found = _read_layers(ready, see, model, kernel)
        return partial(_finish, ready, found, onlooker)

    return read_ahead(lambda finish: finish(), map(start, read_ahead(prepare, batches, 2)), model.threads)


def _finish(ready: _Input, found: "_Found", onlooker: Onlooker) -> "_Measured":
    onlooker.wait()
    return ready.come_down_to(found)


def _read_layers(ready: _Input, see: See | None, model: Model, kernel: Kernel) -> "_Found":
    found = _Found.empty(ready.binning.schema, ready.wanted, model.device)

    def consume(layer: int, reductions: Reductions) -> None:
        found.put(layer, ready.binning.bin(reductions), reductions)
        if ready.tokens:
            ready.tokens.add(layer, reductions)

    model.run(ready.ids, ready.wanted, consume, kernel=kernel, see=see, norms=True, segments=ready.segments)
    return found


# --- after the model -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """What the layers of one batch come down to, on the model's device.

    There is room for all of it before the first layer: small numbers that are kept among the large ones of a pass,
    which are not, would leave gaps in memory that none of these fits in.
    """

    sums: Mapping[str, Tensor]
    """[layer, head, …] by sum, float64"""
    peaks: tuple[Tensor, Tensor, Tensor]
    """[layer, 2, B, head] weight, attending and attended piece, of both kinds"""
    prefix: Tensor
    """[layer, V, head, Q] float32"""

    @classmethod
    def empty(cls, schema: Schema, wanted: Wanted, device: torch.device) -> "_Found":
        """Room for all layers."""
        layers, heads = schema.shape(HEAD)
        peaks = torch.empty(layers, 2, len(wanted.batch.rows), heads, dtype=torch.float64, device=device)
        i, j = torch.empty_like(peaks, dtype=torch.int64), torch.empty_like(peaks, dtype=torch.int64)
        prefix = torch.empty(layers, wanted.blocks, heads, wanted.places, device=device)
        return cls(_zeros(schema, device), (peaks, i, j), prefix)

    def put(self, layer: int, sums: Mapping[str, Tensor], reductions: Reductions) -> None:
        """Put a layer in its place."""
        for name, own in sums.items():
            self.sums[name][layer].copy_(own)
        for of_all, own in zip(self.peaks, (reductions.peak, reductions.peak_i, reductions.peak_j), strict=True):
            of_all[layer].copy_(own)
        self.prefix[layer].copy_(reductions.prefix)


def _zeros(schema: Schema, device: torch.device) -> dict[str, Tensor]:
    """[layer, head, …] float64, of each sum that kernels give."""
    return {
        one.name: torch.zeros(schema.shape(one.dims), dtype=torch.float64, device=device) for one in schema.head_sums
    }


@dataclass(frozen=True, slots=True)
class _Measured:
    """What one batch comes down to."""

    rows: NDArray[np.int64]
    """[B] its units"""
    prefix_rows: NDArray[np.int64]
    """[V] places among the shard's prefix blocks"""
    found: _Found
    maps: MapSums
    """none where its units are not mapped"""
    claims: Rows
    """none where its units are not mapped"""
    tokens: TokenReader | None
    """None: likewise"""


class _Totals:
    """Running sums of some units, float64; those of kernels are on the model's device."""

    def __init__(self, schema: Schema, model: Model) -> None:
        self._schema = schema
        self._sums = _zeros(schema, model.device)
        self._maps = {one.name: np.zeros(schema.shape(one.dims)) for one in schema.mapped_sums}
        self._without_norm = [layer for layer, heads_of in enumerate(model.outputs) if heads_of is None]

    def add(self, batch: _Measured) -> None:
        """Add a batch."""
        for name, total in self._sums.items():
            total.add_(batch.found.sums[name])
        for name, value in batch.maps.items():
            self._maps[name] += value

    def read(self) -> dict[str, NDArray[np.float64]]:
        """The sums that kernels and map families give.

        Raises:
            ModelError: one of kernels is not finite.
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
        return sums | self._maps


class _Sums:
    """A shard's running sums, of all units and of those of each value; peaks and prefix blocks as they come."""

    def __init__(self, shard: _Shard, model: Model, blocks: int, claims: Gathering) -> None:
        schema, self._split = shard.units.schema, shard.split
        self.whole = _Totals(schema, model)
        self.parts = {part: _Totals(schema, model) for part in shard.split.parts}
        self.claims, self._tokens = claims, shard.tokens
        shape = (len(shard.units), 2, *schema.shape(HEAD))
        self._peaks = np.full(shape, -np.inf), np.full(shape, -1, np.int32), np.full(shape, -1, np.int32)
        pairs = len(prefix_pairs(model.attends.causal)[0])
        self.blocks = np.full((blocks, *schema.shape(HEAD), pairs), np.nan, dtype=np.float32)

    def add(self, batch: _Measured) -> None:
        """Add a batch."""
        for totals in (self.whole, *(self.parts[part] for part in self._split.parts_of(batch.rows[0]))):
            totals.add(batch)
        for all_peaks, peaks in zip(self._peaks, batch.found.peaks, strict=True):
            all_peaks[batch.rows] = peaks.cpu().numpy().transpose(2, 1, 0, 3)
        self.blocks[batch.prefix_rows] = batch.found.prefix.cpu().numpy().swapaxes(0, 1)
        self.claims.add(batch.claims)
        if batch.tokens and self._tokens:
            self._tokens.add(batch.tokens)

    def peaks(self, units: Units) -> Peaks:
        """The peaks of all units, [S, kind, layer, head]."""
        weight, i, j = self._peaks
        start, ids = units.pieces.offsets[:-1, None, None, None], np.append(units.pieces.ids, 0)
        attending, attended = (ids[np.where(piece >= 0, start + piece, -1)] for piece in (i, j))
        return Peaks(weight, i, j, pair_of(attending, attended))


def _sample_peaks(units: Units, peaks: Peaks, seed: int, most: int) -> Typical:
    """Those of the units with the smallest hashes."""
    hashes = sample_hashes(seed, units.document, units.number)
    return typical_of(peaks, units.pieces.lengths > 0, hashes, units.document_index, units.number, most)


def _find_passages(shard: _Shard, model: Model, exemplars: Exemplars, claims: Rows, typical: Typical) -> list[Passage]:
    """All sentences of the units that are exemplars, claims' or typical, as far as the units hold them."""
    units = shard.units
    keys = zip(units.document_index.tolist(), units.number.tolist(), strict=True)
    listed = {*exemplars.units, *units_of(claims), *typical.units}
    rows = [row for row, key in enumerate(keys) if key in listed]
    right = RightWords.of(units, shard.maps.families)
    return [passage for row in rows for passage in _passages(row, units, model, right)]


def _passages(row: int, units: Units, model: Model, right: RightWords) -> Iterator[Passage]:
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
            **right.of_sentence(row, begin, own),
        )
