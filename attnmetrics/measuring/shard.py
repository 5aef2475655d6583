"""A shard's sentences or windows to its state: pack, run the model, reduce, bin by features. No Ray, no disk."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.annotation.sentence import Labels, Sentences
from attnmetrics.errors import ModelError
from attnmetrics.model.align import Dependencies, Pieces, piece_names
from attnmetrics.model.kernels.choose import choose_kernel
from attnmetrics.model.kernels.reductions import Kernel, Null, Reductions, Wanted, want
from attnmetrics.model.load import TILE_PAIRS, Model
from attnmetrics.model.pack import Batch, pack
from attnmetrics.model.units import Units, read_sentences
from attnmetrics.statistics.exemplars import Exemplars, from_peaks
from attnmetrics.statistics.schema import EDGES, HEAD, NO_LABEL, PAIR_DISTANCE_LIMIT, PAIR_DISTANCES, STATISTICS
from attnmetrics.statistics.states import Dims, State
from attnmetrics.statistics.variability import prefix_pairs
from attnmetrics.storage import read_ahead


@dataclass(frozen=True, slots=True)
class Passage:
    """What a unit has of a sentence: all of it, unless a window's border or the model's length cuts it."""

    unit: int
    """row of the unit"""
    first: int
    """its first piece, counted in the unit"""
    text: str
    """of the whole sentence"""
    pieces: list[str]


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
    """A shard's units, and what is wanted of each."""

    units: Units
    metrics: NDArray[np.bool_]
    """[S] counts in the metrics"""
    prefix_row: NDArray[np.int64]
    """[S] place among the prefix blocks; −1 for none"""


def dims_of(units: Units, model: Model) -> Dims:
    """The dimensions of the state that `measure` gives."""
    return Dims(layer=model.layers, head=model.heads, pos=units.labels.pos, rel=units.labels.rel)


def measure(
    units: Units,
    model: Model,
    *,
    batch_pieces: int | None = None,
    exemplars: int = 50,
    metric_rows: NDArray[np.bool_] | None = None,
    prefix_rows: NDArray[np.int64] | None = None,
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
        kernel: what computes attention; unset, what suits the device.

    Raises:
        ModelError: attention that is not finite.
    """
    kernel = kernel or choose_kernel(model.device, model.dtype)
    metrics = np.ones(len(units), dtype=np.bool_) if metric_rows is None else metric_rows
    kept = np.flatnonzero(metrics) if prefix_rows is None else prefix_rows
    prefix_row = np.full(len(units), -1, dtype=np.int64)
    prefix_row[kept] = np.arange(len(kept))
    shard = _Shard(units, metrics, prefix_row)
    lengths = units.pieces.lengths
    sums = _Sums(shard, model, len(kept), dims_of(units, model))
    batches = pack(lengths, metrics, batch_pieces or model.batch_pieces, TILE_PAIRS, model.layout.equal_lengths)
    prepare = partial(_prepare, shard=shard, model=model, dims=sums.dims)
    run = partial(_run, model=model, kernel=kernel)
    if model.device.type == "cpu":
        results: Iterator[_Found] = read_ahead(lambda batch: run(prepare(batch)), batches, model.threads)
    else:  # the device never waits for its next batch
        results = map(run, read_ahead(prepare, batches, 2))
    for result in results:
        sums.add(result)
    found = from_peaks(*sums.peaks, units.document_index, units.number, units.digest, exemplars)
    return ShardResult(
        state=State(sums.dims, sums.read() | count(units.pieces, units.aligned, units.dependencies, metrics, model)),
        blocks=sums.blocks,
        exemplars=found,
        passages=_find_passages(found, units, model),
        sentences_without_pieces=int((lengths == 0).sum()),
    )


def find_exemplars(
    texts: Sequence[str],
    document_index: NDArray[np.int64],
    sentence: NDArray[np.int64],
    model: Model,
    *,
    exemplars: int,
    batch_pieces: int | None = None,
) -> Exemplars:
    """The exemplars among these sentences, no annotation needed.

    A float32 forward pass leaves single weights with errors of up to some 1e-6. With a model loaded in float64, the
    merged exemplars of a run are settled to the last digits from their texts alone.

    Args:
        texts: [S] sentences.
        document_index: [S] positions of their documents in the corpus.
        sentence: [S] positions in their documents.
        model: the model, in whatever precision is wanted.
        exemplars: K, sentences kept per head.
        batch_pieces: most pieces of one forward pass; unset, what suits the device.
    """
    words = np.zeros(0, dtype=np.int64)
    without_words = Sentences(
        labels=Labels((NO_LABEL,), (NO_LABEL,)),
        document=("",) * len(texts),
        document_index=document_index,
        sentence=sentence,
        text=tuple(texts),
        word_offsets=np.zeros(len(texts) + 1, dtype=np.int64),
        word_start=words,
        word_end=words,
        word_pos=words,
        word_rel=words,
        word_head=words,
    )
    nothing = np.zeros(len(texts), dtype=np.bool_)
    return measure(
        read_sentences(without_words, model),
        model,
        batch_pieces=batch_pieces,
        exemplars=exemplars,
        metric_rows=nothing,
        prefix_rows=np.flatnonzero(nothing),
    ).exemplars


# --- before the model ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Input:
    """A batch for the model, on its device, and where what comes of it belongs."""

    ids: Tensor
    """[T]"""
    wanted: Wanted
    binning: "_Binning"


def _prepare(batch: Batch, shard: _Shard, model: Model, dims: Dims) -> _Input:
    lengths = np.diff(batch.offsets)
    sentence = np.repeat(np.arange(len(batch.rows)), lengths)
    piece = np.arange(batch.offsets[-1]) + (shard.units.pieces.offsets[batch.rows] - batch.offsets[:-1])[sentence]
    attending, attended, edge = _attendable(batch, shard, model)
    with_prefix = np.flatnonzero(shard.prefix_row[batch.rows] >= 0)
    wanted = want(
        batch, model.causal, model.null, (attending, attended), with_prefix, prefix_pairs(model.causal), model.device
    )
    binning = _Binning.of(dims, shard, piece, edge, shard.prefix_row[batch.rows[with_prefix]], model.device)
    return _Input(torch.from_numpy(shard.units.pieces.ids[piece]).to(model.device), wanted, binning)


def _run(ready: _Input, model: Model, kernel: Kernel) -> "_Found":
    """One forward pass."""
    layers: list[_Layer] = []

    def consume(layer: int, found: Reductions) -> None:
        layers.append(_bin(layer, found, ready.binning))

    model.run(ready.ids, ready.wanted, consume, kernel=kernel)
    return _Found(ready.wanted.batch.rows, ready.binning.prefix_rows, layers)


def _attendable(
    batch: Batch, shard: _Shard, model: Model
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Attending and attended packed piece, and edge, of the attendable pairs in a dependency; attending ones ascend."""
    dependencies = shard.units.dependencies
    begin, end = dependencies.offsets[batch.rows], dependencies.offsets[batch.rows + 1]
    sizes = np.where(shard.metrics[batch.rows], end - begin, 0)
    sentence = np.repeat(np.arange(len(batch.rows)), sizes)
    pair = np.arange(len(sentence)) + (begin - np.cumsum(sizes) + sizes)[sentence]
    i, j, edge = orient(dependencies, pair)
    sentence = np.tile(sentence, len(EDGES))
    lengths = np.diff(batch.offsets)
    kept = is_attendable(i, j, lengths[sentence], model.causal, model.null)
    attending, attended = (batch.offsets[sentence] + place for place in (i, j))
    order = np.flatnonzero(kept)[np.argsort(attending[kept], kind="stable")]
    return attending[order], attended[order], edge[order]


def orient(
    dependencies: Dependencies, pair: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Attending piece, attended piece and edge of these pairs: with the parent attending, then with it attended."""
    head, child = dependencies.head[pair], dependencies.child[pair]
    return np.append(head, child), np.append(child, head), np.repeat(np.arange(len(EDGES)), len(pair))


def is_attendable(
    i: NDArray[np.int64], j: NDArray[np.int64], length: NDArray[np.int64], causal: bool, null: Null
) -> NDArray[np.bool_]:
    """Whether piece i may attend to piece j of a sentence of this length, and j is not null."""
    result: NDArray[np.bool_] = (j >= null.leading) & (j < length - null.trailing)
    return result & (j <= i) if causal else result


# --- after the model -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Binning:
    """Where the reductions of one batch belong."""

    pos: Tensor
    """[tag, T] 1 where the piece has the tag"""
    rel: Tensor
    """[relation, T]"""
    edge: Tensor
    """[edge, P]"""
    prefix_rows: NDArray[np.int64]
    """[V] places among the shard's prefix blocks"""

    @classmethod
    def of(
        cls,
        dims: Dims,
        shard: _Shard,
        piece: NDArray[np.int64],
        edge: NDArray[np.int64],
        prefix_rows: NDArray[np.int64],
        device: torch.device,
    ) -> "_Binning":
        def members(label: NDArray[np.int64], size: int) -> Tensor:
            return torch.from_numpy(label == np.arange(size)[:, None]).to(device, torch.float64)

        return cls(
            pos=members(shard.units.pos[piece], len(dims.pos)),
            rel=members(shard.units.rel[piece], len(dims.rel)),
            edge=members(edge, len(EDGES)),
            prefix_rows=prefix_rows,
        )


@dataclass(frozen=True, slots=True)
class _Layer:
    """What one layer of one batch comes down to, on the model's device."""

    layer: int
    """its place among the measured layers"""
    sums: Mapping[str, Tensor]
    """[head, …] by statistic, float64"""
    peaks: tuple[Tensor, Tensor, Tensor]
    """[B, head] weight, attending and attended piece"""
    prefix: Tensor
    """[V, head, Q] float32"""


@dataclass(frozen=True, slots=True)
class _Found:
    """What one batch comes down to."""

    rows: NDArray[np.int64]
    """[B] its units"""
    prefix_rows: NDArray[np.int64]
    """[V] places among the shard's prefix blocks"""
    layers: Sequence[_Layer]


def _bin(layer: int, found: Reductions, binning: _Binning) -> _Layer:
    """Sum the reductions of one layer by features; nothing here waits for the device."""
    sums = {
        "null_sum": found.null.sum(0),
        "given_sum": found.given.sum(0),
        "span_sum": found.span,
        "entropy_sum": found.entropy.sum(0),
        "entropy_rows": found.kept.sum(0),
        "offset_sum": found.offsets,
        "given_by_pos": (binning.pos @ found.given).T,
        "received_by_pos": (binning.pos @ found.received).T,
        "received_by_rel": (binning.rel @ found.received).T,
        "dependency_sum": (binning.edge @ found.pairs).T,
    }
    return _Layer(layer, sums, (found.peak, found.peak_i, found.peak_j), found.prefix.float())


class _Sums:
    """The running sums of a shard, float64 on the model's device; peaks and prefix blocks as they come."""

    def __init__(self, shard: _Shard, model: Model, blocks: int, dims: Dims) -> None:
        layers, heads, sentences = len(dims.layer), dims.head, len(shard.metrics)
        self.dims = dims
        self._sums = {
            statistic.name: torch.zeros(dims.shape(statistic.dims), dtype=torch.float64, device=model.device)
            for statistic in STATISTICS
            if statistic.dims[:2] == HEAD
        }
        self.peaks = (
            np.full((sentences, layers, heads), -np.inf),
            np.full((sentences, layers, heads), -1, dtype=np.int32),
            np.full((sentences, layers, heads), -1, dtype=np.int32),
        )
        self.blocks = np.full((blocks, layers, heads, len(prefix_pairs(model.causal)[0])), np.nan, dtype=np.float32)

    def add(self, found: _Found) -> None:
        """Add a batch."""
        for layer in found.layers:
            for name, total in self._sums.items():
                total[layer.layer] += layer.sums[name]
            for place, peak in zip(self.peaks, layer.peaks, strict=True):
                place[found.rows, layer.layer] = peak.cpu().numpy()
            self.blocks[found.prefix_rows, layer.layer] = layer.prefix.cpu().numpy()

    def read(self) -> dict[str, NDArray[np.float64]]:
        """The statistics per head.

        Raises:
            ModelError: one is not finite.
        """
        sums = {name: value.cpu().numpy() for name, value in self._sums.items()}
        for name, value in sums.items():
            if not np.isfinite(value).all():
                layer = self.dims.layer[int(np.argwhere(~np.isfinite(value))[0][0])]
                raise ModelError(
                    f"expected finite attention, found {name} that is not, first in layer {layer}; "
                    "the weights are damaged, or the dtype is too narrow for this model"
                )
        return sums


def _find_passages(found: Exemplars, units: Units, model: Model) -> list[Passage]:
    """The sentences that hold the attending and attended pieces of exemplars, as far as their units hold them."""
    rows = {key: row for row, key in enumerate(zip(units.document_index.tolist(), units.number.tolist(), strict=True))}
    filled = found.sentence >= 0
    keys = zip(found.document_index[filled].tolist(), found.sentence[filled].tolist(), strict=True)
    unit = np.array([rows[key] for key in keys], dtype=np.int64)
    offsets = units.pieces.offsets
    sentences = units.sentence[offsets[unit] + np.stack([found.i[filled], found.j[filled]])]
    held = np.unique(np.stack([np.broadcast_to(unit, sentences.shape), sentences]).reshape(2, -1), axis=1)
    passages = []
    for row, sentence in held.T.tolist():
        own = units.sentence[offsets[row] : offsets[row + 1]]
        first, end = np.searchsorted(own, [sentence, sentence + 1])
        ids = units.pieces.ids[offsets[row] + first : offsets[row] + end]
        passages.append(Passage(row, int(first), units.text[sentence], piece_names(model.tokenizer, ids)))
    return passages


# --- what needs no model ---------------------------------------------------------------------------------------------


def count(
    pieces: Pieces,
    aligned: NDArray[np.bool_],
    dependencies: Dependencies,
    metrics: NDArray[np.bool_],
    model: Model,
) -> dict[str, NDArray[np.float64]]:
    """The corpus-level statistics of the units that count."""
    lengths = pieces.lengths
    counted = metrics & (lengths > 0)
    in_counted = counted[pieces.row]
    counts = {
        "sentences": counted.sum(),
        "pieces": in_counted.sum(),
        "sentences_cut": (counted & pieces.cut).sum(),
        "pieces_unaligned": (in_counted & pieces.in_text & ~aligned).sum(),
        "piece_pairs": _count_pairs(lengths[counted], model.null),
        "attendable_pairs": _count_attendable(lengths[counted], model.causal, model.null),
    }
    found = counts | _count_dependencies(dependencies, lengths, counted, model)
    return {name: np.asarray(value, dtype=np.float64) for name, value in found.items()}


def _count_pairs(lengths: NDArray[np.int64], null: Null) -> NDArray[np.float64]:
    """[pair_distance] pairs j ≤ i with j not null."""
    pairs = np.zeros(len(PAIR_DISTANCES))
    for length, number in zip(*np.unique(lengths, return_counts=True), strict=True):
        distance = np.arange(length)
        last = np.minimum(length - null.trailing, length - distance)
        weights = number * np.maximum(0, last - null.leading)
        pairs += np.bincount(np.minimum(distance, PAIR_DISTANCE_LIMIT), weights, len(PAIR_DISTANCES))
    return pairs


def _count_attendable(lengths: NDArray[np.int64], causal: bool, null: Null) -> int:
    first, last = null.leading, lengths - null.trailing
    columns = np.maximum(0, last - first)
    # Column j of a causal model is attended by the pieces j … length − 1.
    by_column = lengths - (first + last - 1) / 2 if causal else lengths
    return int((columns * by_column).sum())


def _count_dependencies(
    dependencies: Dependencies, lengths: NDArray[np.int64], counted: NDArray[np.bool_], model: Model
) -> dict[str, NDArray[np.float64] | np.int64]:
    sentence = np.repeat(np.arange(len(lengths)), np.diff(dependencies.offsets))
    pair = np.flatnonzero(counted[sentence])
    i, j, edge = orient(dependencies, pair)
    length = np.tile(lengths[sentence[pair]], len(EDGES))
    backward = is_attendable(i, j, length, True, model.null)
    distance = (i - j)[backward]
    attendable = is_attendable(i, j, length, model.causal, model.null)
    limited = np.minimum(distance, PAIR_DISTANCE_LIMIT)
    return {
        "dependency_pairs": np.bincount(limited, minlength=len(PAIR_DISTANCES)).astype(np.float64),
        "dependency_distance_sum": distance.sum(),
        "attendable_dependency_pairs": np.bincount(edge[attendable], minlength=len(EDGES)).astype(np.float64),
    }
