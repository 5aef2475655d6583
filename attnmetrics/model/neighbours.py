"""Whether a sentence has the attention in a batch that it has alone: tried as a run packs, once, before it measures.

Some models look at the place in the row, at the longest sentence of the batch, or at what the last batch left behind.
The probe of a few short sentences, when a model is loaded, sees none of that. Nothing here derives from the number of
workers or threads: what is decided here decides bits.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, pairwise
from math import inf
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.errors import ModelError
from attnmetrics.model.checkpoint import PROBE_TEXTS
from attnmetrics.model.kernels.choose import choose_kernel
from attnmetrics.model.kernels.reductions import Reductions, want_nothing
from attnmetrics.model.load import Model
from attnmetrics.model.pack import TILE_PAIRS, Batch, Batching, Together
from attnmetrics.model.trials.numbering import Numbering
from attnmetrics.model.trials.probe import allow_rounding, count_calls, disturbed
from attnmetrics.model.trials.shrunk import THRESHOLD, shrink, thresholds
from attnmetrics.pieces.align import tokenize
from attnmetrics.storage import read_ahead

WORK: Final = {"cpu": 1 << 33, "cuda": 1 << 40}
"""Parameters times pieces of a trial of the model itself: about a second."""
LEAST_PIECES: Final = 4 * THRESHOLD
"""Of any trial: enough for a sentence that is longer than a small copy's threshold."""


def find_batching(model: Model, longest: int, batch_pieces: int) -> Batching:
    """How a model is given sentences, so that each has the attention that it has alone.

    The model itself is tried for about a second, in float32, for a narrower type rounds neighbours away. What takes
    longer than that, longer sentences, fuller batches and lengths that its configuration names, is tried on a small
    copy, or, where none can be made, on the model all the same.

    Args:
        model: as it was loaded.
        longest: pieces of the longest unit that it is to read.
        batch_pieces: most pieces of one forward pass.

    Raises:
        ModelError: attention that is not finite.
    """
    parameters = sum(parameter.numel() for parameter in model.network.parameters())
    if model.dtype != torch.float32:
        model = replace(model, network=deepcopy(model.network).float(), dtype=torch.float32)
    full = max(batch_pieces, LEAST_PIECES)
    pieces = min(full, max(LEAST_PIECES, WORK[model.device.type] // parameters))
    reach = max(longest, full)
    named = thresholds(model.network, reach)
    if pieces == full and all(length < _longest(longest, full) for length in named):
        return _choose([_Trial.of(model, longest, full)])
    try:
        copy = _Trial.of(_shrink(model, reach), longest, full)
    except Exception:
        if any(length >= _longest(longest, full) for length in named):
            return Batching("alone", at_once=False)
        return _choose([_Trial.of(model, longest, full)])
    return _choose([copy, _Trial.of(model, longest, pieces)])


def _shrink(model: Model, reach: int) -> Model:
    """A small copy (see `shrunk`), all of whose layers are read.

    Raises:
        ModelError: a model of this class cannot be made so small.
    """
    small = replace(model, network=shrink(model.network, model.layout, reach).to(model.device), dtype=torch.float64)
    layers = tuple(range(count_calls(small.network, model.layout, model.causal, model.device)))
    return replace(small, layers=layers, numbering=Numbering(layers, {}))


def _longest(longest: int, pieces: int) -> int:
    """Pieces of the longest sentence in a trial of so many: all sentences together have less than twice as many."""
    return min(longest, pieces // 2)


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """Sentences of many lengths, longest first, and what a model's attention in each comes to alone."""

    model: Model
    sentences: Sequence[NDArray[np.int64]]
    times: int
    """how often each of them fits into as many pieces as are to be tried"""
    alone: Sequence[NDArray[np.float64]]
    """as `_read` gives it"""
    enough: float
    """the largest difference to these that is one of rounding"""
    remembers: bool
    """sentences leave something behind in the model: two at once would mix it up"""

    @classmethod
    def of(cls, model: Model, longest: int, pieces: int) -> "_Trial":
        """Read sentences of up to `longest` pieces, each alone; no more than `pieces` in all.

        Raises:
            ModelError: attention that is not finite.
        """
        sentences = _make_sentences(model, _longest(longest, pieces))
        times = pieces // sum(map(len, sentences))
        alone, states = [], []
        for ids in sentences:
            alone.append(_read_alone(model, ids))
            states.append(_state_of(model.network))
        if not all(np.isfinite(found).all() for found in alone):
            raise ModelError(f"the attention of {model.name} is not finite; its weights are damaged")
        with disturbed(model.network, model.device):
            moved = _differ([_read_alone(model, ids) for ids in sentences], alone)
        enough = allow_rounding(model.dtype, moved)
        # What the first sentence leaves behind may be made once and for all.
        return cls(model, sentences, times, alone, enough, any(not _equal(*two) for two in pairwise(states[1:])))

    def shows(self, together: Together, at_once: bool) -> bool:
        """Whether each sentence has its own attention in such batches, as far as rounding allows."""
        return self._error(together, at_once) <= self.enough

    def _error(self, together: Together, at_once: bool) -> float:
        """The largest difference to the sentence alone; infinite where the model refuses such batches."""
        model = self.model.keep_to(Batching(together, at_once))
        sentences = self._add_neighbours(together)
        rows = np.arange(len(sentences))
        parts = (rows[::2], rows[1::2]) if together == "packed" and len(rows) > 1 else (rows,)
        batches = [batch for part in parts for batch in _pack(model, sentences, part)]
        try:
            found = list(read_ahead(partial(_read, model, sentences), batches, 2 if at_once else 1))
        except Exception:
            return inf
        of_row = dict(
            zip(chain.from_iterable(batch.rows for batch in batches), chain.from_iterable(found), strict=True)
        )
        return _differ([of_row[row] for row in range(len(self.alone))], self.alone)

    def _add_neighbours(self, together: Together) -> list[NDArray[np.int64]]:
        """The sentences, and others of the same lengths: as many as there is room for, but one of each for a batch of
        one length.
        """
        others = [np.full_like(ids, ids[0]) for ids in self.sentences]
        return [*self.sentences, *others * (self.times - 1 if together == "packed" else 1)]


def _choose(trials: Sequence[_Trial]) -> Batching:
    """The first way, fastest first, in which no trial shows neighbours."""
    ways: list[Together] = ["packed", "equal lengths", "alone"]
    remembers = any(trial.remembers for trial in trials)
    for together in ways[1:] if trials[0].model.layout.equal_lengths else ways:
        for at_once in (True, False):
            if all(trial.shows(together, at_once) for trial in trials):
                return Batching(together, at_once and not remembers)
    return Batching("alone", at_once=False)


def _make_sentences(model: Model, longest: int) -> list[NDArray[np.int64]]:
    """Piece ids; lengths are halved from the longest on, while there is a piece beside those of a template."""
    text = tokenize(model.tokenizer, PROBE_TEXTS, model.template, longest + len(model.template)).ids
    ids = np.resize(text % model.network.get_input_embeddings().num_embeddings, 2 * longest)
    lengths = [longest >> halvings for halvings in range(longest.bit_length())]
    return [ids[length : 2 * length] for length in lengths if length > len(model.template)]


def _pack(model: Model, sentences: Sequence[NDArray[np.int64]], rows: NDArray[np.int64]) -> Iterator[Batch]:
    """Batches of these sentences, as full as can be."""
    lengths, every = np.zeros(len(sentences), dtype=np.int64), np.ones(len(sentences), dtype=np.bool_)
    lengths[rows] = [len(sentences[row]) for row in rows]
    return model.layout.pack(lengths, every, int(lengths.sum()), TILE_PAIRS)


def _read_alone(model: Model, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    (batch,) = _pack(model, [ids], np.zeros(1, dtype=np.int64))
    (found,) = _read(model, [ids], batch)
    return found


def _read(model: Model, sentences: Sequence[NDArray[np.int64]], batch: Batch) -> list[NDArray[np.float64]]:
    """By sentence of the batch, what attention comes to: [layer, 3, piece, head] largest, entropy, received."""
    layers: list[Tensor] = []

    def consume(_: int, found: Reductions) -> None:
        layers.append(torch.stack([found.largest, found.entropy_all, found.received]))

    ids = torch.from_numpy(np.concatenate([sentences[row] for row in batch.rows])).to(model.device)
    wanted = want_nothing(batch, model.causal, model.device)
    model.run(ids, wanted, consume, kernel=choose_kernel(model.device, model.dtype))
    stacked: NDArray[np.float64] = torch.stack(layers).cpu().numpy()
    return np.split(stacked, batch.offsets[1:-1], axis=2)


def _state_of(network: Any) -> list[Tensor]:
    """Everything in a network that a pass might change: numbers and tensors, but no parameters."""
    return [
        value.clone() if isinstance(value, Tensor) else torch.tensor(float(value))
        for module in network.modules()
        for value in (*module.buffers(recurse=False), *vars(module).values())
        if isinstance(value, Tensor | int | float)
    ]


def _equal(before: Sequence[Tensor], after: Sequence[Tensor]) -> bool:
    return len(before) == len(after) and all(map(torch.equal, before, after))


def _differ(some: Sequence[NDArray[np.float64]], others: Sequence[NDArray[np.float64]]) -> float:
    """The largest difference between what sentences come to."""
    return max(float(np.abs(one - other).max()) for one, other in zip(some, others, strict=True))
