"""Train the demo model: a small GPT-2 whose heads have the roles that heads of large models are known for.

The architecture is GPT-2's own; only the training is unusual. A head on the previous piece and induction heads need
text that repeats itself, and a small corpus does not make them in an hour. So a share of the sequences repeats a span,
of text or of random pieces, at a distance that varies; that share falls as training goes on, and contexts grow. The loss
is the next-piece loss throughout: nothing is asked of the attention weights.

    python jobs/train_demo_model.py --text wikipedia.jsonl --text en_ewt-ud-train.conllu --out model
"""

import json
import math
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer, PreTrainedTokenizerBase

END_OF_TEXT = "<|endoftext|>"
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])")

Pieces = NDArray[np.int64]


# ---------------------------------------------------------------------------------------------------------------- text


def read_documents(path: Path) -> list[list[str]]:
    """Documents of a file, each a list of sentences: JSON lines (`text`), CoNLL-U, or plain text (one document)."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".conllu":
        documents = re.split(r"^# newdoc id.*$", content, flags=re.MULTILINE)
        return [found for part in documents if (found := re.findall(r"^# text = (.+)$", part, flags=re.MULTILINE))]
    if path.suffix == ".jsonl":
        return [split_sentences(json.loads(line)["text"]) for line in content.splitlines() if line.strip()]
    return [split_sentences(content)]


def split_sentences(text: str) -> list[str]:
    """Sentences of running text, by its punctuation; good enough to know where a training sequence may start."""
    return [part for line in text.splitlines() for part in SENTENCE_END.split(line.strip()) if part]


def hold_out(documents: list[list[str]], every: int) -> tuple[list[list[str]], list[list[str]]]:
    """(training, held-out) documents: one in `every` is held out, counted from the middle of the first group."""
    held = [i % every == every // 2 for i in range(len(documents))]
    return (
        [document for document, out in zip(documents, held, strict=True) if not out],
        [document for document, out in zip(documents, held, strict=True) if out],
    )


def train_tokenizer(documents: list[list[str]], vocabulary: int) -> PreTrainedTokenizerBase:
    """Byte-level BPE of `vocabulary` pieces in GPT-2's format; it adds no piece of its own to a text."""
    texts = (" ".join(document) for document in documents)
    tokenizer = GPT2Tokenizer().train_new_from_iterator(texts, vocabulary, show_progress=False)
    tokenizer.model_max_length = 256
    return tokenizer


class Stream(NamedTuple):
    """Text as one run of pieces, with the places where a sequence may start."""

    pieces: Pieces
    """[P] the sentences joined by spaces."""
    starts: Pieces
    """[S] where each sentence starts in `pieces`."""
    openings: list[list[int]]
    """The pieces of each sentence as the first of a sequence, that is without a leading space."""


def encode(tokenizer: PreTrainedTokenizerBase, documents: list[list[str]]) -> Stream:
    """Encode every sentence twice: following another (with a leading space), and opening a sequence (without)."""
    sentences = [sentence for document in documents for sentence in document]
    following = tokenizer([" " + sentence for sentence in sentences])["input_ids"]
    starts = np.cumsum([0] + [len(pieces) for pieces in following[:-1]])
    return Stream(np.concatenate([np.array(p) for p in following]), starts, tokenizer(sentences)["input_ids"])


# ----------------------------------------------------------------------------------------------------------- sequences


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of training with one make-up of batches."""

    until: float
    """Where it ends, as a share of all steps."""
    length: int
    """Pieces a sequence."""
    sequences: int
    """Sequences a batch."""
    random: float
    """Share of sequences that repeat a span of random pieces over and over."""
    echoed: float
    """Share of sequences of text in which a span comes twice."""


STAGES = (
    Stage(until=0.25, length=64, sequences=64, random=0.7, echoed=0.2),
    Stage(until=0.75, length=96, sequences=40, random=0.3, echoed=0.4),
    Stage(until=1.00, length=256, sequences=16, random=0.1, echoed=0.3),
)


def stage_at(progress: float) -> Stage:
    """The stage of a point in training, 0 ≤ progress < 1."""
    return next(stage for stage in STAGES if progress < stage.until)


def text_sequence(stream: Stream, length: int, rng: np.random.Generator) -> Pieces:
    """[length] text from the start of a random sentence on."""
    sentence = int(rng.integers(len(stream.starts) - 1))
    rest = stream.pieces[stream.starts[sentence + 1] :][:length]
    sequence = np.concatenate([stream.openings[sentence], rest])[:length]
    return sequence if len(sequence) == length else text_sequence(stream, length, rng)


def echo_span(sequence: Pieces, rng: np.random.Generator) -> tuple[Pieces, slice]:
    """The sequence with one of its spans written a second time further on, and where the copy lies."""
    length = len(sequence)
    width = int(rng.integers(length // 8, length // 2))
    source = int(rng.integers(0, length - 2 * width + 1))
    target = int(rng.integers(source + width, length - width + 1))
    echoed = sequence.copy()
    echoed[target : target + width] = sequence[source : source + width]
    return echoed, slice(target, target + width)


def random_sequence(vocabulary: int, length: int, rng: np.random.Generator) -> tuple[Pieces, int]:
    """[length] random pieces with a random period, and that period: all after it can be told from what came before."""
    period = int(rng.integers(max(4, length // 16), length // 2 + 1))
    return np.resize(rng.integers(1, vocabulary, period), length), period


def make_batch(
    stream: Stream, vocabulary: int, stage: Stage, copy_weight: float, rng: np.random.Generator
) -> tuple[Pieces, NDArray[np.float32]]:
    """Pieces [B, T] and the weight of each as a target [B, T]; 0 where it cannot be told, and always for the first."""
    pieces = np.empty((stage.sequences, stage.length), np.int64)
    weights = np.ones(pieces.shape, np.float32)
    for row, draw in enumerate(rng.random(stage.sequences)):
        if draw < stage.random:
            pieces[row], period = random_sequence(vocabulary, stage.length, rng)
            weights[row, : period + 1] = 0
            weights[row, period + 1 :] = copy_weight
            continue
        pieces[row] = text_sequence(stream, stage.length, rng)
        if draw < stage.random + stage.echoed:
            pieces[row], copy = echo_span(pieces[row], rng)
            weights[row, copy] = copy_weight
    weights[:, 0] = 0
    return pieces, weights


# --------------------------------------------------------------------------------------------------------------- model


def build_model(layers: int, heads: int, width: int, vocabulary: int, positions: int, amplitude: float) -> GPT2LMHeadModel:
    """A GPT-2 without dropout; its position embeddings start as sinusoids, which a previous-piece head needs to form."""
    config = GPT2Config(
        vocab_size=vocabulary, n_positions=positions, n_embd=width, n_layer=layers, n_head=heads,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
        activation_function="gelu_pytorch_tanh",
    )  # fmt: skip
    model = GPT2LMHeadModel._from_config(config, attn_implementation="eager")
    with torch.no_grad():
        model.transformer.wpe.weight.copy_(position_start(positions, width, amplitude))
    return model


def position_start(positions: int, width: int, amplitude: float) -> Tensor:
    """[positions, width] sinusoids in the first quarter of the features, and a mark in one more for position 0.

    The first piece is alone in being attended by all; a mark of its own lets heads with nothing to do rest on it.
    """
    features = width // 4
    frequencies = positions ** (-torch.arange(0, features, 2) / features)
    angles = torch.arange(positions)[:, None] * frequencies
    start = torch.zeros(positions, width)
    start[:, :features] = amplitude * torch.cat([angles.sin(), angles.cos()], dim=1)
    start[0, features] = amplitude * math.sqrt(features / 2)
    return start


def make_optimizers(model: GPT2LMHeadModel, muon_rate: float, adam_rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, AdamW for embeddings, norms and biases."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and ".h." in name]
    others = [p for name, p in model.named_parameters() if not (p.ndim == 2 and ".h." in name)]
    return [
        torch.optim.Muon(matrices, lr=muon_rate, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=adam_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    ]


def rate_factor(progress: float, warmup: float = 0.01) -> float:
    """Learning rate as a share of its peak: linear warmup, then a cosine down to 2%."""
    if progress < warmup:
        return progress / warmup
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


class ScoredLoss(torch.autograd.Function):
    """Weighted sum of next-piece losses, nats, of hidden states [N, D] against tied embeddings [V, D].

    Works through a few rows at a time and takes the gradients on the way: logits [N, V] never exist as a whole, which
    on a CPU takes a fifth of the time (they would not fit its cache).
    """

    @staticmethod
    def forward(context, hidden: Tensor, table: Tensor, targets: Tensor, weights: Tensor, rows: int = 128) -> Tensor:
        total = weights.new_zeros(())
        narrow = table.to(hidden.dtype)
        hidden_gradient, table_gradient = torch.empty_like(hidden), torch.zeros_like(table)
        for part in range(0, len(hidden), rows):
            taken = slice(part, part + rows)
            target, weight = targets[taken, None], weights[taken, None]
            log_p = torch.log_softmax((hidden[taken] @ narrow.T).float(), dim=1)
            total -= (log_p.gather(1, target) * weight).sum()
            gradient = log_p.exp_().scatter_add_(1, target, -torch.ones_like(weight)).mul_(weight).to(hidden.dtype)
            hidden_gradient[taken] = gradient @ narrow
            table_gradient += gradient.T @ hidden[taken]
        context.save_for_backward(hidden_gradient, table_gradient)
        return total

    @staticmethod
    def backward(context, upstream: Tensor) -> tuple[Tensor | None, ...]:
        hidden_gradient, table_gradient = context.saved_tensors
        return hidden_gradient * upstream, table_gradient * upstream, None, None, None


def weighted_loss(model: GPT2LMHeadModel, pieces: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean next-piece loss, nats; pieces and weights [B, T]. Only targets with a weight are scored."""
    hidden = model.transformer(pieces, use_cache=False).last_hidden_state[:, :-1]
    targets, weights = pieces[:, 1:], weights[:, 1:]
    scored = weights > 0
    share = weights[scored] / weights.sum()
    return ScoredLoss.apply(hidden[scored].bfloat16(), model.lm_head.weight, targets[scored], share)


# ----------------------------------------------------------------------------------------------------------- qualities


class HeadQualities(NamedTuple):
    """What each head does, [layers, heads] each, from 0 to 1."""

    previous: NDArray[np.float64]
    """Mean attention to the previous piece, over rows i ≥ 1 of held-out sentences."""
    induction: NDArray[np.float64]
    """In random pieces that come twice: mean attention to the piece after the earlier occurrence of the current one."""
    first: NDArray[np.float64]
    """Share of attention on the first piece, all rows counted, of held-out sentences."""


@torch.no_grad()
def attention_weights(model: GPT2LMHeadModel, pieces: Tensor) -> Tensor:
    """Attention [layers, B, heads, T, T] of a batch of equally long sequences [B, T]."""
    return torch.stack(model.transformer(pieces, output_attentions=True, use_cache=False).attentions)


def sentence_heads(model: GPT2LMHeadModel, sentences: list[list[int]]) -> tuple[NDArray, NDArray]:
    """(previous, first) [layers, heads] each over sentences fed one by one from position 0."""
    previous = first = previous_rows = rows = 0.0
    for sentence in sentences:
        alpha = attention_weights(model, torch.tensor([sentence], device=model.device))[:, 0].double()
        previous = previous + alpha.diagonal(-1, -2, -1).sum(-1)
        first = first + alpha[..., 0].sum(-1)
        previous_rows, rows = previous_rows + len(sentence) - 1, rows + len(sentence)
    return (previous / previous_rows).cpu().numpy(), (first / rows).cpu().numpy()


def induction_heads(model: GPT2LMHeadModel, span: int, sequences: int, rng: np.random.Generator) -> NDArray:
    """[layers, heads] mean attention at offset span − 1 over the second of two runs of `span` random pieces."""
    pieces = np.tile(rng.integers(1, model.config.vocab_size, (sequences, span)), 2)
    alpha = attention_weights(model, torch.from_numpy(pieces).to(model.device)).double()
    # The diagonal starts at row span − 1, the last of the first run, whose piece did not come before.
    return alpha.diagonal(1 - span, -2, -1)[..., 1:].mean((1, 3)).cpu().numpy()


def head_qualities(
    model: GPT2LMHeadModel, sentences: list[list[int]], seed: int = 0, spans: tuple[int, ...] = (20, 30, 40, 50)
) -> HeadQualities:
    """Measure every head on held-out sentences (pieces) and on random pieces that come twice."""
    rng = np.random.default_rng(seed)
    model.eval()
    previous, first = sentence_heads(model, sentences)
    induction = np.mean([induction_heads(model, span, 8, rng) for span in spans], axis=0)
    model.train()
    return HeadQualities(previous, induction, first)


@torch.no_grad()
def held_out_loss(model: GPT2LMHeadModel, stream: Stream, length: int = 128) -> float:
    """Mean next-piece loss in nats over non-overlapping sequences of held-out text."""
    count = min(200, len(stream.pieces) // length)
    pieces = torch.from_numpy(stream.pieces[: count * length].reshape(count, length)).to(model.device)
    losses = [model(part, labels=part, use_cache=False).loss.item() * len(part) for part in pieces.split(20)]
    return sum(losses) / count


def best(values: NDArray) -> str:
    """The head with the largest value, as `value (layer.head)`."""
    layer, head = np.unravel_index(values.argmax(), values.shape)
    return f"{values.max():.3f} ({layer}.{head})"


def summary(qualities: HeadQualities) -> str:
    """The best head of each quality and the mean attention on the first piece."""
    named = zip(qualities._fields, qualities, strict=True)
    return "  ".join(f"{name} {best(values)}" for name, values in named) + f"  mean first {qualities.first.mean():.3f}"


# ---------------------------------------------------------------------------------------------------------------- main


def batches(stream: Stream, vocabulary: int, steps: int, copy_weight: float, seed: int) -> Iterator[tuple[Pieces, NDArray]]:
    """The batches of a whole training, each drawn from its own seed."""
    for step in range(steps):
        yield make_batch(stream, vocabulary, stage_at(step / steps), copy_weight, np.random.default_rng((seed, step)))


def save(model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerBase, out: Path, measured: dict) -> None:
    """Write model, tokenizer and measured qualities in Hugging Face's layout."""
    model.config.activation_function = "gelu_new"  # the same function as trained with, under GPT-2's name
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    tokenizer.backend_tokenizer.model.save(str(out))
    (out / "qualities.json").write_text(json.dumps(measured, indent=1) + "\n")


def main(
    text: Annotated[list[Path], typer.Option(help="Text: .jsonl with `text`, .conllu, or plain. Repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder for model, tokenizer and measured qualities.")],
    steps: int = 5000,
    layers: int = 4,
    heads: int = 4,
    width: int = 256,
    vocabulary: int = 4096,
    muon_rate: float = 0.01,
    adam_rate: float = 0.003,
    amplitude: float = 0.1,
    copy_weight: float = 1.0,
    seed: int = 0,
    every: int = 200,
    stop: int = 10**9,
) -> None:
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    split = [hold_out(read_documents(path), every=12) for path in text]
    training, held = ([document for parts in split for document in parts[side]] for side in (0, 1))
    tokenizer = train_tokenizer(training, vocabulary)
    stream, held_stream = encode(tokenizer, training), encode(tokenizer, held)
    sentences = [s for s in held_stream.openings if 10 <= len(s) <= 60][::7][:100]
    print(f"pieces: {len(stream.pieces)} training, {len(held_stream.pieces)} held out; {len(stream.starts)} sentences")
    model = build_model(layers, heads, width, vocabulary, 256, amplitude).to(device).train()
    print(f"parameters {sum(p.numel() for p in model.parameters())}")
    optimizers = make_optimizers(model, muon_rate, adam_rate)
    peaks = [group["lr"] for optimizer in optimizers for group in optimizer.param_groups]
    begun = time.time()
    seen = 0
    for step, (pieces, weights) in enumerate(batches(stream, vocabulary, steps, copy_weight, seed)):
        for optimizer, peak in zip(optimizers, peaks, strict=True):
            optimizer.param_groups[0]["lr"] = peak * rate_factor(step / steps)
        with torch.autocast(device.type, torch.bfloat16):
            loss = weighted_loss(model, torch.from_numpy(pieces).to(device), torch.from_numpy(weights).to(device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        seen += pieces.size
        if step % 20 == 0 and os.environ.get("V"):
            print(step, f"{loss.item():.3f} {seen/(time.time()-begun):.0f}/s", flush=True)
        if step % every == every - 1:
            t = time.time()
            q = head_qualities(model, sentences)
            print(f"{step+1} {t-begun:.0f}s loss {loss.item():.3f} held {held_out_loss(model, held_stream):.3f} {summary(q)} {seen/(t-begun):.0f}/s", flush=True)
        if step >= stop: break
    save(model, tokenizer, out, {})


if __name__ == "__main__":
    typer.run(main)
