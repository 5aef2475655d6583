"""One text through a model, with everything that its attention is made of: queries, keys, scores' factor, weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.errors import ModelError
from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.reductions import Wanted, want_nothing
from attnmetrics.model.language import load_generator
from attnmetrics.model.load import Model
from attnmetrics.model.modules.capture import Pass
from attnmetrics.model.modules.look import Dots, Layer
from attnmetrics.model.pack import Tile
from attnmetrics.model.trials.probe import run_packed


@dataclass(frozen=True, slots=True)
class Reading:
    """A text, or a pair of texts, as a model's n pieces."""

    text: str
    """what the pieces spell; a pair is joined by a space"""
    ids: NDArray[np.int64]
    """[n] ids in the model's vocabulary"""
    names: tuple[str, ...]
    """[n] as the vocabulary spells them, such as `Ġthe` or `##ing`"""
    in_text: NDArray[np.bool_]
    """[n] False for pieces of the template"""
    segment: NDArray[np.int64]
    """[n] what the model is told: 0 in the first text, 1 in the second, for models that tell them apart"""
    second: int | None
    """where the second text starts; None without one"""
    generated: int
    """how many of the last pieces the model wrote itself"""
    spans: tuple[tuple[int, int], ...]
    """[n] where each piece is in `text`, from one character to before another; (0, 0) for what is not in a text"""


@dataclass(frozen=True, slots=True)
class Attention:
    """The attention of L layers and H heads over n pieces, by what it is made of."""

    layers: tuple[int, ...]
    query: NDArray[np.float32]
    """[L, H, n, width] as they enter the dot product, positions included"""
    key: NDArray[np.float32]
    """[L, H, n, width] likewise; equal for heads that share them"""
    scaling: tuple[float, ...]
    """[L] factor of the dot product"""
    causal: bool
    """whether pieces attend to themselves and earlier ones only"""
    given: NDArray[np.float64] | None = None
    """[L, H, n, n] α where it is made of more than queries and keys, which then have no width; None elsewhere"""

    @property
    def weights(self) -> NDArray[np.float64]:
        """[L, H, n, n] α"""
        return np.stack([self.of_layer(place) for place in range(len(self.layers))])

    def of_layer(self, place: int) -> NDArray[np.float64]:
        """[H, n, n] α of the layer at a place in `layers`."""
        if self.given is not None:
            return np.asarray(self.given[place])
        return _softmax(self._scores(place, np.arange(self.query.shape[2])))

    def of_rows(self, pieces: Sequence[int]) -> NDArray[np.float64]:
        """[L, H, p, n] α from p pieces."""
        if self.given is not None:
            return self.given[:, :, list(pieces)]
        return np.stack([_softmax(self._scores(place, np.array(pieces))) for place in range(len(self.layers))])

    def _scores(self, place: int, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """[H, p, n] scaled dot products of some pieces' queries, −∞ for pieces that they may not attend to."""
        query, key = self.query[place][:, rows], self.key[place]
        scores: NDArray[np.float64] = self.scaling[place] * (query @ key.swapaxes(1, 2)).astype(np.float64)
        if self.causal:
            scores[:, rows[:, None] < np.arange(key.shape[1])] = -np.inf
        return scores


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of each row, the last axis; in place, since a long text has many."""
    scores -= scores.max(-1, keepdims=True)
    np.exp(scores, scores)
    scores /= scores.sum(-1, keepdims=True)
    return scores


def read(model: Model, text: str | Sequence[str], generate: int = 0) -> Reading:
    """Cut a text, or a pair of texts, into pieces, with the tokenizer's own template.

    Args:
        model: whose tokenizer.
        text: one text, or a pair.
        generate: how many pieces the model adds, each the likeliest; fewer where it ends the text itself.

    Raises:
        ModelError: no piece, more pieces than the model takes, no valid Unicode, or a model that cannot go on.
    """
    pair = (text,) if isinstance(text, str) else tuple(text)
    if len(pair) not in (1, 2):
        raise ModelError(f"expected a text or a pair of texts, found {len(pair)} texts; give one or two")
    try:
        encoding = model.tokenizer.encode(*pair, add_special_tokens=True)
    except (TypeError, UnicodeEncodeError) as error:
        raise ModelError(f"expected text of valid Unicode, found {pair!a:.80}; replace what is no character") from error
    ids = list(encoding.ids)
    _check_length(model, len(ids), generate)
    added = _continue(model, ids, generate) if generate else []
    sources = [*encoding.sequence_ids, *[len(pair) - 1] * len(added)]
    ids += added
    starts = (0, len(pair[0]) + 1)
    spans = [
        (0, 0) if source is None else (starts[source] + span[0], starts[source] + span[1])
        for source, span in zip(encoding.sequence_ids, encoding.offsets, strict=True)
    ]
    return Reading(
        text=" ".join(pair) + (model.tokenizer.decode(added) if added else ""),
        ids=np.array(ids, dtype=np.int64),
        names=tuple(str(model.tokenizer.id_to_token(piece)) for piece in ids),
        in_text=np.array([source is not None for source in sources], dtype=np.bool_),
        segment=np.array([*encoding.type_ids, *[encoding.type_ids[-1]] * len(added)], dtype=np.int64),
        second=sources.index(1) if 1 in sources else None,
        generated=len(added),
        spans=(*spans, *[(0, 0)] * len(added)),
    )


def attend(model: Model, reading: Reading, layers: Sequence[int] | None = None) -> Attention:
    """One forward pass up to the last layer asked for.

    Args:
        model: the model.
        reading: the text as `read` cuts it for this model.
        layers: which of the model's measured layers; all if unset.

    Raises:
        ModelError: a layer that the model does not have or does not measure.
    """
    chosen = model.layers if layers is None else tuple(sorted(set(layers)))
    if not chosen or not set(chosen) <= set(model.layers):
        raise ModelError(f"expected layers among {list(model.layers)}, found {list(layers or ())}; choose some of them")
    seen: list[Dots] = []
    given: list[NDArray[np.float64]] = []

    def record(layer: Layer, _: Tile, alpha: Tensor) -> None:
        given.append(alpha[0].double().cpu().numpy())
        if layer.made_of is not None and layer.made_of.scoring.is_plain(len(reading.ids)):
            seen.append(layer.made_of)

    calls = model.numbering.calls(chosen)
    _run(model, reading, Pass(dense, _wanted(model, len(reading.ids)), calls, see=record))
    if len(seen) < len(given):
        nothing = np.zeros((*np.shape(given)[:3], 0), np.float32)
        return Attention(chosen, nothing, nothing, (1.0,) * len(chosen), model.causal, np.stack(given))
    return Attention(
        layers=chosen,
        query=torch.stack([layer.query for layer in seen]).transpose(1, 2).float().cpu().numpy(),
        key=torch.stack([layer.key for layer in seen]).transpose(1, 2).float().cpu().numpy(),
        scaling=tuple(layer.scoring.factor for layer in seen),
        causal=model.causal,
    )


def _run(model: Model, reading: Reading, current: Pass) -> None:
    ids, segments = (torch.from_numpy(values).to(model.device) for values in (reading.ids, reading.segment))
    run_packed(model.network, model.layout, ids, current, None if reading.second is None else segments)


def _wanted(model: Model, length: int) -> Wanted:
    """One text in one tile."""
    every = np.ones(1, dtype=np.bool_)
    (batch,) = model.layout.pack(np.array([length]), every, length, length**2)
    return want_nothing(batch, model.causal, model.device)


def _check_length(model: Model, length: int, generate: int) -> None:
    if length == 0:
        raise ModelError("expected a text with at least one piece, found none; give some text")
    if generate < 0:
        raise ModelError(f"expected a number of pieces to generate, found {generate}; give 0 or more")
    if length + generate > model.max_pieces:
        raise ModelError(
            f"expected at most {model.max_pieces} pieces, which is what {model.name} takes, found {length} in the text"
            f"{f' and {generate} to generate' if generate else ''}; give a shorter text"
        )


def _continue(model: Model, ids: list[int], generate: int) -> list[int]:
    """The likeliest next piece, again and again; of the checkpoint's settings, only its ends of a text count."""
    from transformers import GenerationConfig

    network = load_generator(model)
    ends = network.generation_config.eos_token_id
    greedy = GenerationConfig(max_new_tokens=generate, do_sample=False, num_beams=1, eos_token_id=ends, pad_token_id=0)
    network.generation_config = greedy  # what is unset in the settings of a call is taken from these
    prompt = torch.tensor([ids], device=model.device)
    with torch.inference_mode():
        found = network.generate(prompt, attention_mask=torch.ones_like(prompt), generation_config=greedy)
    return [int(piece) for piece in found[0, len(ids) :].tolist()]
