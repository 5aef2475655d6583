"""An encoder-decoder that reads one text and writes another: the attention of both, and from one to the other."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from attnmetrics.errors import ModelError, first_line
from attnmetrics.model.checkpoint import ENCODER_DECODER, find_folder, load_network, load_tokenizer, quiet

WRITTEN = 20
"""Pieces that the model writes where no second text is given, at most."""


@dataclass(frozen=True, slots=True)
class Side:
    """A text as n pieces."""

    text: str
    names: tuple[str, ...]
    """[n] as the vocabulary spells them"""
    null: NDArray[np.bool_]
    """[n] what the template adds; of the decoder, the piece that it begins with"""
    spans: tuple[tuple[int, int], ...]
    """[n] where each piece is in `text`; (0, 0) for what is not in it"""
    generated: int
    """how many of the last pieces the model wrote itself"""


@dataclass(frozen=True, slots=True)
class Crossing:
    """What an encoder-decoder read and wrote, with L layers and H heads each."""

    encoder: Side
    """of n pieces"""
    decoder: Side
    """of m pieces"""
    read: NDArray[np.float64]
    """[L, H, n, n] α of the encoder"""
    written: NDArray[np.float64]
    """[L, H, m, m] α of the decoder"""
    crossed: NDArray[np.float64]
    """[L, H, m, n] α from the decoder to the encoder"""


def cross(name: str, text: str, second: str | None = None, generate: int = 0) -> Crossing:
    """The attention of a model between a text and a second one, or one that it writes itself, piece by likeliest piece.

    Args:
        name: folder, or name on the Hub.
        text: what the encoder reads.
        second: what the decoder reads; unset, the model writes it.
        generate: how many pieces it writes, at most; `WRITTEN` if 0.

    Raises:
        ModelError: it cannot be loaded or does not take the texts, or has not as many layers and heads on both sides.
    """
    network, tokenizer = load_encoder_decoder(name)
    encoding = _encode(tokenizer, text)
    ids = torch.tensor([encoding.ids])
    with torch.inference_mode():
        decoder, to = _decoder(network, tokenizer, ids, second, generate)
        found = _run(name, network, ids, to)
    read, written, crossed = (_stack(layers) for layers in found)
    if not read.shape[:2] == written.shape[:2]:
        raise ModelError(
            f"expected as many layers and heads in encoder and decoder of {name}, found {read.shape[:2]} and "
            f"{written.shape[:2]}; give the attention of one of them, as encoder_attention or decoder_attention"
        )
    return Crossing(_side(tokenizer, encoding, text), decoder, read, written, crossed)


def _run(name: str, network: Any, ids: torch.Tensor, to: torch.Tensor) -> tuple[Any, Any, Any]:
    try:
        found = network(input_ids=ids, decoder_input_ids=to, output_attentions=True, use_cache=False)
    except (IndexError, RuntimeError) as error:  # more pieces than it has positions
        raise ModelError(f"{name} does not take this text: {first_line(error)}; give a shorter one") from error
    return found.encoder_attentions, found.decoder_attentions, found.cross_attentions


def _encode(tokenizer: Any, text: str) -> Any:
    try:
        found = tokenizer.encode(text, add_special_tokens=True)
    except (TypeError, UnicodeEncodeError) as error:
        raise ModelError(f"expected text of valid Unicode, found {text!a:.80}; replace what is no character") from error
    if not any(source is not None for source in found.sequence_ids):
        raise ModelError("expected a text with at least one piece, found none; give some text")
    return found


def _side(tokenizer: Any, encoding: Any, text: str) -> Side:
    sources = encoding.sequence_ids
    spans = tuple((0, 0) if source is None else span for source, span in zip(sources, encoding.offsets, strict=True))
    null = np.array([source is None for source in sources])
    return Side(text, tuple(encoding.tokens), null, spans, 0)


def _decoder(
    network: Any, tokenizer: Any, ids: torch.Tensor, second: str | None, generate: int
) -> tuple[Side, torch.Tensor]:
    """What the decoder reads, as people and as the model see it: the piece that it begins with, then the text's."""
    if second is None:
        to = network.generate(ids, max_new_tokens=generate or WRITTEN, do_sample=False, num_beams=1)
        written = tokenizer.decode(to[0].tolist())
        spans, generated = ((0, 0),) * to.shape[1], to.shape[1] - 1
    else:
        encoding = _encode(tokenizer, second)
        to = network.prepare_decoder_input_ids_from_labels(torch.tensor([encoding.ids]))
        written, generated = second, 0
        spans = ((0, 0), *_side(tokenizer, encoding, second).spans[:-1])
    names = tuple(str(tokenizer.id_to_token(piece)) for piece in to[0].tolist())
    return Side(written, names, np.arange(len(names)) == 0, spans, generated), to


def _stack(layers: Any) -> NDArray[np.float64]:
    return np.asarray(torch.stack(tuple(layers))[:, 0].double().numpy())


def is_encoder_decoder(name: str) -> bool:
    """Whether a model, by its folder or its name on the Hub, reads one text and writes another.

    Raises:
        ModelError: it cannot be found.
    """
    folder, _ = find_folder(name, None, False, False)
    try:
        return bool(json.loads((folder / "config.json").read_bytes()).get("is_encoder_decoder", False))
    except (OSError, ValueError, AttributeError):
        return False  # whoever loads it says what is wrong with it


@quiet()
def load_encoder_decoder(name: str) -> tuple[Any, Any]:
    """An encoder-decoder in float32 on the CPU, with eager attention, and its `tokenizers.Tokenizer`.

    Raises:
        ModelError: it cannot be found or read.
    """
    folder, _ = find_folder(name, None, False, False)
    tokenizer = load_tokenizer(name, folder, False)
    return load_network(name, folder, torch.float32, False, False, ENCODER_DECODER), tokenizer
