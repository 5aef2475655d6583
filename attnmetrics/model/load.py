"""A model and its tokenizer, checked against its own attention, or an error that says what is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.errors import ModelError, first_line
from attnmetrics.model.checkpoint import PROBE_TEXTS, digest_folder, find_folder, load_network, load_tokenizer, quiet
from attnmetrics.model.kernels.choose import kernel_name
from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.reductions import Kernel, Wanted
from attnmetrics.model.modules.capture import Consume, Pass, segment_types
from attnmetrics.model.modules.linear import lay_out
from attnmetrics.model.modules.look import See
from attnmetrics.model.modules.output import HeadOutputs
from attnmetrics.model.modules.stacks import Decoder, Stack, begin_decoding, take_stack
from attnmetrics.model.pack import Batching
from attnmetrics.model.trials.named_ids import find_named_ids, spell_named_ids
from attnmetrics.model.trials.numbering import Numbering, number_layers
from attnmetrics.model.trials.probe import (
    LIMIT,
    Layout,
    Probe,
    capture_maps,
    find_first_position,
    prepare,
    probe,
    run_packed,
)
from attnmetrics.model.trials.projection import find_outputs
from attnmetrics.model.trials.windows import heeds_windows, length_in
from attnmetrics.pieces.align import Template, find_template, tokenize
from attnmetrics.pieces.attends import Attends

NullTokens = Literal["first", "special", "none"]
Dtype = Literal["float32", "bfloat16"]
DTYPES: Final = {"float32": torch.float32, "bfloat16": torch.bfloat16}
PROBE_PIECES: Final = 12
"""Pieces of a probe at most: short, so that it stays within any window and any number of positions."""
POSITIONS: Final = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
"""How configurations name the number of positions."""
LONGEST: Final = 2048
"""Pieces at most of a sentence of a model that says nothing of positions, as it may have no end of them."""
BATCH_PIECES: Final = {"cpu": 1 << 10, "cuda": 1 << 15}
"""A CPU keeps the activations of few pieces in its caches; and memory beyond 32 MB is fetched anew from the system for
every activation, which costs a tenth of the pass. A GPU needs many pieces to be busy."""
ModelFacts = TypedDict(
    "ModelFacts",
    {
        "name": str,
        "revision": str | None,
        "fingerprint": str,
        "class": str,
        "layers": list[int],
        "other_layers": dict[str, list[int]],
        "layers_without_norm": list[int],
        "heads": int,
        "causal": bool,
        "null": dict[str, int],
        "max_pieces": int,
        "template": dict[str, int],
        "device": str,
        "dtype": str,
        "kernel": str,
        "own_attention": str,
    },
)
"""What a run's record says of its model, in plain values: `fingerprint` is of its files, `layers` are those measured,
`other_layers` those without attention between pieces, by what they are, `layers_without_norm` those measured where it
is not certain what their heads add to the stream, all by the model's own numbers; `null` columns and pieces of the
`template` are counted at both ends of a sentence (`leading`, `trailing`); `between` is 1 where the template's pieces
between two segments are null, too. `own_attention` is why attention is taken as the model itself gives it; empty where
it is computed for the model."""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A Transformer ready to be measured."""

    network: Any
    """the base model, without a language-model head, in evaluation mode"""
    tokenizer: Any
    """a `tokenizers.Tokenizer` that neither truncates nor pads"""
    name: str
    """as the user gave it"""
    revision: str | None
    """commit on the Hub; None for a folder"""
    folder: Path
    """with its files"""
    layers: tuple[int, ...]
    """the layers that are measured, ascending, by the model's own numbers from 0"""
    vocabulary: int
    """number of piece ids that it has embeddings for"""
    numbering: Numbering
    """which layers attend, and what the others are"""
    heads: int
    """heads per layer"""
    attends: Attends
    """which pieces attend to which, and which columns are null"""
    max_pieces: int
    """the longest sentence it takes, template included: its positions, or its smallest attention window"""
    template: Template
    device: torch.device
    dtype: torch.dtype
    layout: Layout
    threads: int
    """batches read at the same time; on a CPU, each by one thread of torch"""
    segment_types: int
    """segments of a unit that it tells apart; 1 where it is told of none"""
    outputs: tuple[HeadOutputs | None, ...]
    """what the heads of each measured layer add to the stream; None where that is not certain"""

    @property
    def fingerprint(self) -> str:
        """Digest of the folder's weights, configuration and tokenizer, or the commit on the Hub; views ask for none."""
        return self.revision or digest_folder(self.folder)

    @property
    def causal(self) -> bool:
        """Whether pieces attend to themselves and earlier ones only."""
        return self.attends.causal

    @property
    def batch_pieces(self) -> int:
        """Word pieces in a batch that suit the device."""
        return BATCH_PIECES[self.device.type]

    def keep_to(self, batching: Batching) -> "Model":
        """The same model, given sentences in this way."""
        apart = batching.together != "packed"
        layout = replace(self.layout, equal_lengths=apart, alone=batching.together == "alone")
        return replace(self, layout=layout, threads=self.threads if batching.at_once else 1)

    def describe(self) -> ModelFacts:
        """The facts that belong into a run's record."""
        return {
            "name": str(folder.absolute()) if (folder := Path(self.name).expanduser()).is_dir() else self.name,
            "revision": self.revision,
            "fingerprint": self.fingerprint,
            "class": type(getattr(self.network, "whole", self.network)).__name__,
            "layers": list(self.layers),
            "other_layers": {kind: list(found) for kind, found in self.numbering.others.items()},
            "layers_without_norm": [
                layer for layer, heads_of in zip(self.layers, self.outputs, strict=True) if heads_of is None
            ],
            "heads": self.heads,
            "causal": self.causal,
            "null": {
                "leading": self.attends.leading,
                "trailing": self.attends.trailing,
                "between": int(self.attends.between),
            },
            "max_pieces": self.max_pieces,
            "template": {"leading": len(self.template.before), "trailing": len(self.template.after)},
            "device": str(self.device),
            "dtype": str(self.dtype).removeprefix("torch."),
            "kernel": "own" if self.layout.own else kernel_name(self.device, self.dtype),
            "own_attention": self.layout.own,
        }

    def run(
        self,
        ids: Tensor,
        wanted: Wanted,
        consume: Consume | None = None,
        *,
        kernel: Kernel = dense,
        see: See | None = None,
        norms: bool = False,
        segments: Tensor | None = None,
        depth: int | None = None,
    ) -> None:
        """One forward pass over a batch, up to the last measured layer.

        Args:
            ids: [T] packed piece ids, on the model's device.
            wanted: the batch and what to read from it.
            consume: gets each measured layer's place in `layers` and its reductions; unset, nothing is reduced.
            kernel: what computes attention.
            see: gets each measured layer's α, tile by tile.
            norms: whether reductions have the norms of what heads add to the stream.
            segments: [T] which segment of its unit each piece is in, for models that tell segments apart.
            depth: so many of the measured layers, the first, are read; unset, all.
        """
        calls = self.numbering.calls(self.layers[:depth])
        current = Pass(kernel, wanted, calls, consume, see, self.outputs if norms else ())
        run_packed(self.network, self.layout, ids, current, segments)


@quiet()
def load_model(
    name: str,
    *,
    revision: str | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    dtype: Dtype = "float32",
    null_tokens: NullTokens | None = None,
    layers: Sequence[int] | None = None,
    trust_remote_code: bool = False,
    allow_pickle: bool = False,
    threads: int | None = None,
    stack: Stack | None = None,
) -> Model:
    """Load a model from a folder or the Hub, and check that its attention can be captured.

    Args:
        name: a folder, or a name on the Hub.
        revision: branch, tag or commit on the Hub.
        device: where it runs; `auto` takes a GPU if there is one.
        dtype: precision of weights and activations; sums are float64 in any case.
        null_tokens: which columns are null; unset, `first` for causal models and `special` for others.
        layers: which layers to measure, by the model's own numbers from 0; all that attend if unset.
        trust_remote_code: run the model's own code from its repository.
        allow_pickle: accept weights that are not safetensors; unpickling runs code, so only from a trusted source.
        threads: batches measured at the same time; on a GPU, batches whose attention is looked at beside it. On the CPU
            torch then has one thread for each, process-wide: batches side by side keep cores busier than threads within
            one. Unset, one batch, and torch's threads as they are.
        stack: of an encoder-decoder, the encoder if unset; the decoder reads the same text as its encoder.

    Raises:
        ModelError: it cannot be found or read, or its attention cannot be captured exactly.
    """
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    place = choose_device(device)
    if threads is not None:
        torch.set_num_threads(1)
    folder, commit = find_folder(name, revision, trust_remote_code, allow_pickle)
    tokenizer = load_tokenizer(name, folder, trust_remote_code)
    template = find_template(tokenizer)
    load = partial(_load_stack, name, folder, trust_remote_code, allow_pickle, stack, template)
    network = load(torch.float32).to(place)
    if isinstance(network, Decoder):
        template = begin_decoding(tokenizer, network)
    ids = _probe_ids(tokenizer, template)
    vocabulary = _count_embeddings(network)
    _check_vocabulary(name, ids, vocabulary)
    longest = max(ids, key=len)
    named = find_named_ids(network.config, vocabulary)
    probed = probe(network, [*ids, *spell_named_ids(named, longest)], place)
    numbering = number_layers(network, probed.layout, longest, probed.causal, probed.layers, place)
    measured = numbering.choose(layers)
    outputs = find_outputs(network, probed.layout, longest, probed.causal, numbering.calls(measured), place)
    if dtype != "float32":
        network = load(DTYPES[dtype]).to(place)
        prepare(network, probed.layout)
        _check_finite(name, dtype, network, probed, ids)
        if place.type == "cpu":
            lay_out(network, partial(_look, network, probed, ids), LIMIT)
    return Model(
        network=network,
        tokenizer=tokenizer,
        name=name,
        revision=commit,
        folder=folder,
        layers=measured,
        vocabulary=vocabulary,
        numbering=numbering,
        heads=probed.heads,
        attends=choose_attends(null_tokens, probed.causal, template),
        max_pieces=_max_pieces(name, network, probed, len(template)),
        template=template,
        device=place,
        dtype=DTYPES[dtype],
        layout=probed.layout,
        threads=threads or 1,
        segment_types=segment_types(network),
        outputs=outputs,
    )


def choose_attends(null_tokens: NullTokens | None, causal: bool, template: Template) -> Attends:
    """Which pieces attend to which, with the null columns of a policy."""
    policy = null_tokens or ("first" if causal else "special")
    ends = {"first": (1, 0), "special": (len(template.before), len(template.after)), "none": (0, 0)}
    return Attends(causal, *ends[policy], between=policy == "special")


def probe_ids(model: Model) -> list[list[int]]:
    """Pieces of the texts that models are tried with."""
    return _probe_ids(model.tokenizer, model.template)


def attention_maps(model: Model, sentences: Sequence[Sequence[int]]) -> list[NDArray[np.float64]]:
    """α of each sentence, [layer, head, i, j] over the model's measured layers.

    Args:
        model: the model.
        sentences: piece ids of each sentence, template included; at least one piece each.
    """
    calls = model.numbering.calls(model.layers)
    return capture_maps(model.network, model.layout, sentences, model.causal, calls, model.device)[0]


def choose_device(device: str) -> torch.device:
    """The device of an option: of `auto`, a GPU if there is one.

    Raises:
        ModelError: a GPU is wanted, and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError("expected a GPU for --device cuda, found none that torch can use; use --device cpu")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def _load_stack(
    name: str, folder: Path, code: bool, pickles: bool, stack: Stack | None, template: Template, dtype: torch.dtype
) -> Any:
    """A base model with one stack of self-attention."""
    network = load_network(name, folder, dtype, code, pickles)
    if getattr(network.config, "is_encoder_decoder", False):
        return take_stack(network, stack or "encoder", template).eval()
    if stack is not None:
        raise ModelError(
            f"expected an encoder-decoder for --stack {stack}, found {name}, which has one stack; leave it out"
        )
    return network


def _probe_ids(tokenizer: Any, template: Template) -> list[list[int]]:
    pieces = tokenize(tokenizer, PROBE_TEXTS, template, PROBE_PIECES)
    return [ids.tolist() for ids in np.split(pieces.ids, pieces.offsets[1:-1]) if len(ids)]


def _count_embeddings(network: Any) -> int:
    """Rows of its table of input embeddings, which need not be a `torch.nn.Embedding`."""
    try:
        return len(network.get_input_embeddings().weight)
    except (AttributeError, NotImplementedError, TypeError) as error:
        raise ModelError(f"{type(network).__name__} has no table of piece embeddings; it can't be measured") from error


def _check_vocabulary(name: str, ids: list[list[int]], known: int) -> None:
    if (largest := max(map(max, ids))) >= known:
        raise ModelError(
            f"expected piece ids below {known}, the size of the model's vocabulary, found {largest}; "
            f"the tokenizer in {name} belongs to another model"
        )


def _check_finite(name: str, dtype: Dtype, network: Any, probed: Probe, ids: list[list[int]]) -> None:
    """What runs in float32 need not run in a narrower type."""
    try:
        found = _look(network, probed, ids)
    except Exception as error:
        raise ModelError(f"{name} can't run in {dtype}: {first_line(error)}; use --dtype float32") from error
    if not all(np.isfinite(maps).all() for maps in found):
        raise ModelError(f"expected finite attention from {name} in {dtype}, found other; use --dtype float32")


def _look(network: Any, probed: Probe, ids: list[list[int]]) -> list[NDArray[np.float64]]:
    """α of these sentences in all layers."""
    return capture_maps(network, probed.layout, ids, probed.causal, tuple(range(probed.layers)), network.device)[0]


def _max_pieces(name: str, network: Any, probed: Probe, template: int) -> int:
    """The model's positions; or its smallest attention window, where it is not certain what it does beyond that."""
    text = network.config.get_text_config()
    positions = next((found for key in POSITIONS if (found := length_in(text, key)) > 0), LONGEST)
    first = max(probed.layout.first_position, find_first_position(network))
    longest = positions - first - getattr(network, "beside", 0)
    limits = [min(longest, length_in(text, "longest_whole") or longest)]
    chunks = (length_in(text, key) for key in ("sliding_window", "attention_chunk_size"))
    windows = [*probed.windows, *(window for window in chunks if window)]
    if min([*windows, *limits]) < limits[0] and not heeds_windows(network, probed, limits[0]):
        limits += windows
    if min(limits) <= template:
        raise ModelError(f"{name} takes {min(limits)} pieces at most; its tokenizer's template alone has {template}")
    return min(limits)
