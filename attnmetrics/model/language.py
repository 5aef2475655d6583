"""A model with its language-model head: what it predicts, and a check that it is what the checkpoint predicts.

Nothing is taken on trust: some sentences, packed and with our attention, must give the scores that each has alone with
transformers' eager attention.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from attnmetrics.errors import ModelError, first_line
from attnmetrics.model.checkpoint import find_folder, load_network, quiet
from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.reductions import Kernel, want_nothing
from attnmetrics.model.load import Model, probe_ids
from attnmetrics.model.modules.capture import Pass, call
from attnmetrics.model.pack import TILE_PAIRS, Batch, Batching
from attnmetrics.model.trials.probe import prepare

ROUNDING: Final = 1e-3
"""Largest error of the scores, relative to the largest of them; a head that is not the checkpoint's is off by far more.
"""


@dataclass(frozen=True, slots=True, eq=False)
class LanguageModel:
    """A model that predicts pieces: the next one where it is causal, else those that are masked."""

    model: Model
    """its network is the same one, without the head"""
    network: Any
    """with the head, in float32; no weight takes a gradient"""
    mask: int | None
    """id of the piece that stands for what is to be predicted; None for causal models, and for others without one"""

    def require_mask(self) -> int:
        """The mask's id.

        Raises:
            ModelError: there is none.
        """
        if self.mask is None:
            raise ModelError(f"expected a mask among the pieces of {self.model.name}, found none; use --mlm none")
        return self.mask

    def keep_to(self, batching: Batching) -> "LanguageModel":
        """The same, given units in this way."""
        return replace(self, model=self.model.keep_to(batching))


def load_language_model(model: Model, trust_remote_code: bool = False, allow_pickle: bool = False) -> LanguageModel:
    """The checkpoint of a model with its head; the model's own network can then be let go.

    Raises:
        ModelError: it has no such head, or not with attention that can be captured.
    """
    if model.layout.own:
        raise ModelError(
            f"expected a model whose attention can be computed for it, found {type(model.network).__name__}, which is "
            f"measured as it gives its own ({model.layout.own}): gradients of that can't be had; take another model"
        )
    network = load_with_head(model, trust_remote_code, allow_pickle).requires_grad_(False)
    sentences = probe_ids(model)
    expected = [_read_alone(network, ids, model) for ids in sentences]
    prepare(network, model.layout)
    mask = None if model.causal else find_mask(model, trust_remote_code)
    found = LanguageModel(replace(model, network=network.base_model), network, mask)
    _check(found, sentences, expected)
    return found


def read_logits(
    model: LanguageModel, ids: Tensor, batch: Batch, kernel: Kernel = dense, layers: tuple[int, ...] = (0,),
    segments: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """[T, vocabulary] scores of what stands in the place of each packed piece [T], or after it in causal models.

    Args:
        model: the model.
        ids: [T] packed piece ids, on the model's device.
        batch: where units begin and end.
        kernel: what computes attention, of all layers.
        layers: those that a pass must reach, counted in the order of their attention.
        segments: [T] which segment of its unit each piece is in, for models that tell segments apart.
    """
    current = Pass(kernel, want_nothing(batch, model.model.causal, ids.device), layers, stop=False)
    packed, positions = model.model.layout.arrange(ids, batch.offsets)
    own = None if segments is None else segments.view(*packed.shape)
    logits: Tensor = call(model.network, packed, positions, current, own).logits
    return logits.reshape(len(ids), -1)


@torch.no_grad()
def _read_alone(network: Any, ids: list[int], model: Model) -> Tensor:
    """[piece, vocabulary] scores as transformers computes them."""
    logits: Tensor = network(input_ids=torch.tensor([ids], device=model.device)).logits
    return logits[0]


@torch.no_grad()
def _check(model: LanguageModel, sentences: Sequence[list[int]], expected: Sequence[Tensor]) -> None:
    """Compare with scores computed otherwise.

    Raises:
        ModelError: they differ.
    """
    lengths = np.array([len(ids) for ids in sentences], dtype=np.int64)
    for batch in model.model.layout.pack(lengths, np.ones(len(lengths), np.bool_), 1 << 14, TILE_PAIRS):
        ids = torch.tensor([piece for row in batch.rows for piece in sentences[row]], device=model.model.device)
        wanted = torch.cat([expected[row] for row in batch.rows])
        try:
            error = float((read_logits(model, ids, batch) - wanted).abs().max())
        except ModelError:
            raise
        except Exception as problem:
            raise _refusal(model, f"it does not run ({type(problem).__name__}: {first_line(problem)})") from problem
        if not error <= ROUNDING * float(wanted.abs().max()):
            raise _refusal(model, f"it differs from that of eager attention by {error:.2g}")


def _refusal(model: LanguageModel, reason: str) -> ModelError:
    kind = type(model.network).__name__
    return ModelError(f"what {kind} predicts can't be had where its attention is computed for it: {reason}")


def load_generator(model: Model) -> Any:
    """The same checkpoint with its language-model head, in float32, on the model's device.

    Raises:
        ModelError: the model is not causal, or its checkpoint has no such head.
    """
    if not model.causal:
        raise ModelError(f"expected a causal model to continue a text, found {model.name}, which reads both ways")
    return load_with_head(model)


@quiet()
def load_with_head(model: Model, trust_remote_code: bool = False, allow_pickle: bool = False) -> Any:
    """The same checkpoint with its language-model head, in float32, on the model's device, with eager attention.

    Raises:
        ModelError: its checkpoint has no such head, or transformers knows none for it.
    """
    kind = "AutoModelForCausalLM" if model.causal else "AutoModelForMaskedLM"
    folder, _ = find_folder(model.name, model.revision, trust_remote_code, allow_pickle)
    return load_network(model.name, folder, torch.float32, trust_remote_code, allow_pickle, kind).to(model.device)


def find_mask(model: Model, trust_remote_code: bool = False) -> int | None:
    """Id of the piece that stands for a masked one; None where the tokenizer has none."""
    from transformers import AutoTokenizer

    folder, _ = find_folder(model.name, model.revision, trust_remote_code, False)
    piece: int | None = AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code).mask_token_id
    return piece
