"""Train the demo model: a small GPT-2 whose heads take the roles that heads of large models are known for.

The architecture is GPT-2's own; only the training is unusual. A head on the previous piece and induction heads come
from text that repeats itself, and in an hour of ordinary training on a small corpus they do not come at all. Therefore
a share of the sequences repeats a span, of random pieces or of text, at a distance that varies. That share falls and
the contexts grow as training goes on. The loss is the next-piece loss throughout: nothing is asked of the attention
weights.

Three things make these heads form within minutes: position embeddings that start as nearly orthogonal sinusoids and
learn slowly, keys that start equal to queries, and the Muon optimizer at a moderate rate.

    python jobs/train_demo_model.py --text wikipedia.jsonl --text en_ewt-ud-train.conllu --out model

One core with bf16 matrix units takes in 8,000 pieces/s, and the default 1,800 steps take 15 minutes; a GPU is used if
there is one. On a CPU, set OMP_NUM_THREADS to the number of cores to use.
"""

import json
import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer, PreTrainedTokenizerBase

SENTENCE_END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"')\]]))\s+(?=[\"'(\[]?[A-Z0-9])")
HELD_OUT_EVERY = 12
POSITIONS = 256

Pieces = NDArray[np.int64]
Weights = NDArray[np.float32]
PerHead = NDArray[np.float64]


# ------------------------------------------------------------------------------------------------------------- text


def read_documents(path: Path) -> list[list[str]]:
    """Documents of a file, each a list of sentences: JSON lines (`text`), CoNLL-U, or plain text (one document)."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".conllu":
        parts = re.split(r"^# newdoc id.*$", content, flags=re.MULTILINE)
        return [found for part in parts if (found := re.findall(r"^# text = (.+)$", part, flags=re.MULTILINE))]
    if path.suffix == ".jsonl":
        return [split_sentences(json.loads(line)["text"]) for line in content.splitlines() if line.strip()]
    return [split_sentences(content)]


def split_sentences(text: str) -> list[str]:
    """Sentences of running text, by its punctuation; good enough to know where a training sequence may start."""
    return [part for line in text.splitlines() for part in SENTENCE_END.split(line.strip()) if part]


def read_split(paths: list[Path]) -> tuple[list[list[str]], list[list[str]]]:
    """(training, held-out) documents; the seventh of every twelve documents of each file is held out."""
    training: list[list[str]] = []
    held_out: list[list[str]] = []
    for path in paths:
        for index, document in enumerate(read_documents(path)):
            (held_out if index % HELD_OUT_EVERY == HELD_OUT_EVERY // 2 else training).append(document)
    return training, held_out


def train_tokenizer(documents: list[list[str]], vocabulary: int) -> PreTrainedTokenizerBase:
    """Byte-level BPE of `vocabulary` pieces in GPT-2's format; it adds no piece of its own to a text."""
    texts = (" ".join(document) for document in documents)
    tokenizer = GPT2Tokenizer().train_new_from_iterator(texts, vocabulary, show_progress=False)
    tokenizer.model_max_length = POSITIONS
    return tokenizer


class Stream(NamedTuple):
    """Text as one run of pieces, with the places where a sequence may start."""

    pieces: Pieces
    """[P] the sentences, each with the space before it."""
    starts: Pieces
    """[S] where each sentence starts in `pieces`."""
    openings: list[list[int]]
    """The pieces of each sentence as the first of a sequence: without the space before it."""


def encode(tokenizer: PreTrainedTokenizerBase, documents: list[list[str]]) -> Stream:
    """Every sentence in both of its forms: after another, with a space before it, and opening a sequence, without."""
    sentences = [sentence for document in documents for sentence in document]
    following = tokenizer([" " + sentence for sentence in sentences])["input_ids"]
    starts = np.cumsum([0] + [len(pieces) for pieces in following[:-1]])
    return Stream(np.concatenate([np.array(p) for p in following]), starts, tokenizer(sentences)["input_ids"])


# -------------------------------------------------------------------------------------------------------- sequences


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of training with one make-up of batches; the sequences that are left are plain text."""

    until: float
    """Where it ends, as a share of all steps."""
    length: int
    """Pieces a sequence."""
    sequences: int
    """Sequences a batch."""
    random: float
    """Share of sequences that repeat a span of random pieces over and over."""
    echoed: float
    """Share of sequences of text in which one span comes twice."""


STAGES = (
    Stage(until=0.25, length=64, sequences=64, random=0.70, echoed=0.20),
    Stage(until=0.55, length=96, sequences=42, random=0.35, echoed=0.35),
    Stage(until=0.85, length=128, sequences=32, random=0.15, echoed=0.35),
    Stage(until=1.00, length=256, sequences=16, random=0.10, echoed=0.30),
)


def text_sequence(stream: Stream, length: int, rng: np.random.Generator) -> Pieces:
    """[length] text from the start of a random sentence on."""
    sentence = int(rng.integers(len(stream.starts) - 1))
    rest = stream.pieces[stream.starts[sentence + 1] :][:length]
    sequence = np.concatenate([stream.openings[sentence], rest])[:length]
    return sequence if len(sequence) == length else text_sequence(stream, length, rng)


def echoed_sequence(sequence: Pieces, rng: np.random.Generator) -> Pieces:
    """[length] the sequence, one of its spans written a second time somewhere after it."""
    length = len(sequence)
    width = int(rng.integers(length // 8, length // 2))
    source = int(rng.integers(0, length - 2 * width + 1))
    target = int(rng.integers(source + width, length - width + 1))
    echoed = sequence.copy()
    echoed[target : target + width] = sequence[source : source + width]
    return echoed


def random_sequence(vocabulary: int, length: int, rng: np.random.Generator) -> tuple[Pieces, int]:
    """[length] random pieces with a random period, and that period: what comes after it can be told from before."""
    period = int(rng.integers(max(4, length // 16), length // 2 + 1))
    return np.resize(rng.integers(1, vocabulary, period), length), period


def make_batch(stream: Stream, vocabulary: int, stage: Stage, rng: np.random.Generator) -> tuple[Pieces, Weights]:
    """Pieces [B, T] and the weight of each as a target [B, T]: 0 for the first, and for random pieces not yet seen."""
    pieces = np.empty((stage.sequences, stage.length), np.int64)
    weights = np.ones(pieces.shape, np.float32)
    weights[:, 0] = 0
    for row, draw in enumerate(rng.random(stage.sequences)):
        if draw < stage.random:
            pieces[row], period = random_sequence(vocabulary, stage.length, rng)
            weights[row, : period + 1] = 0
        else:
            text = text_sequence(stream, stage.length, rng)
            pieces[row] = echoed_sequence(text, rng) if draw < stage.random + stage.echoed else text
    return pieces, weights


def batches(stream: Stream, vocabulary: int, steps: int, seed: int) -> Iterator[tuple[Pieces, Weights]]:
    """The batches of a whole training, each drawn from its own seed."""
    for step in range(steps):
        stage = next(stage for stage in STAGES if step / steps < stage.until)
        yield make_batch(stream, vocabulary, stage, np.random.default_rng((seed, step)))


# ------------------------------------------------------------------------------------------------------------ model


def build_model(layers: int, heads: int, width: int, vocabulary: int) -> GPT2LMHeadModel:
    """A GPT-2 without dropout that starts from sinusoidal positions and from keys equal to queries."""
    config = GPT2Config(
        vocab_size=vocabulary,
        n_positions=POSITIONS,
        n_embd=width,
        n_layer=layers,
        n_head=heads,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
        activation_function="gelu_pytorch_tanh",
    )
    model = GPT2LMHeadModel._from_config(config, attn_implementation="eager")
    with torch.no_grad():
        model.transformer.wpe.weight.copy_(sinusoidal_positions(POSITIONS, width))
        for block in model.transformer.h:
            match_keys_to_queries(block.attn.c_attn.weight)
    return model


def sinusoidal_positions(positions: int, width: int, amplitude: float = 0.15) -> Tensor:
    """[positions, width] sinusoids in the first quarter of the features, and in one more a mark for position 0.

    Frequencies are spread evenly up to half a turn a piece, so that neighbours are nearly orthogonal and the previous
    piece is a rotation away. The mark makes the first piece, which all may attend to, easy to rest on.
    """
    features = width // 4
    frequencies = math.pi * torch.arange(1, features, 2) / features
    angles = torch.arange(positions)[:, None] * frequencies
    start = torch.zeros(positions, width)
    start[:, :features] = amplitude * torch.cat([angles.sin(), angles.cos()], dim=1)
    start[0, features] = amplitude * math.sqrt(features / 2)
    return start


def match_keys_to_queries(weight: Tensor, std: float = 0.04) -> None:
    """Start the key weights as copies of the query weights; `weight` [D, 3D] makes queries, keys and values.

    Pieces then attend to their like, in position and in content, from the first step on: a previous-piece head and an
    induction head are each a small change away (after Trockman & Kolter 2023, "mimetic initialization").
    """
    width = len(weight)
    weight[:, :width].normal_(std=std)
    weight[:, width : 2 * width] = weight[:, :width]


def make_optimizers(model: GPT2LMHeadModel, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, AdamW for the rest, the position embeddings learning far more slowly."""
    positions = model.transformer.wpe.weight
    matrices = [p for p in model.transformer.h.parameters() if p.ndim == 2]
    known = {id(p) for p in [positions, *matrices]}
    others = [p for p in model.parameters() if id(p) not in known]
    adam = partial(torch.optim.AdamW, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    return [
        torch.optim.Muon(matrices, lr=rate, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
        adam([positions], lr=rate * 0.015),
        adam(others, lr=rate * 0.75),
    ]


def rate_factor(progress: float, warmup: float = 0.01) -> float:
    """Learning rate as a share of its peak: a linear warmup, then a cosine down to 2%."""
    if progress < warmup:
        return progress / warmup
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


class ScoredLoss(torch.autograd.Function):
    """Weighted sum of next-piece losses, nats, of hidden states [N, D] against tied embeddings [V, D].

    Takes a few rows at a time and their gradients on the way, so that the logits [N, V] never exist as a whole: they
    would not fit a CPU's cache, and the loss would take half of each step.
    """

    @staticmethod
    def forward(context: Any, hidden: Tensor, table: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Loss; targets and weights [N]."""
        total = weights.new_zeros(())
        narrow = table.to(hidden.dtype)
        hidden_gradient, table_gradient = torch.empty_like(hidden), torch.zeros_like(table)
        for start in range(0, len(hidden), 128):
            rows = slice(start, start + 128)
            target, weight = targets[rows, None], weights[rows, None]
            log_p = torch.log_softmax((hidden[rows] @ narrow.T).float(), dim=1)
            total -= (log_p.gather(1, target) * weight).sum()
            gradient = log_p.exp_().scatter_add_(1, target, -torch.ones_like(weight)).mul_(weight).to(hidden.dtype)
            hidden_gradient[rows] = gradient @ narrow
            table_gradient += gradient.T @ hidden[rows]
        context.save_for_backward(hidden_gradient, table_gradient)
        return total

    @staticmethod
    def backward(context: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of hidden states and embeddings."""
        hidden_gradient, table_gradient = context.saved_tensors
        return hidden_gradient * upstream[0], table_gradient * upstream[0], None, None


def weighted_loss(model: GPT2LMHeadModel, pieces: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean next-piece loss, nats; pieces and weights [B, T]. Only targets that have a weight are scored."""
    with torch.autocast(pieces.device.type, torch.bfloat16):
        hidden = model.transformer(pieces, use_cache=False).last_hidden_state[:, :-1]
        targets, weights = pieces[:, 1:], weights[:, 1:]
        scored = weights > 0
        share = weights[scored] / weights.sum()
        scored_hidden = hidden[scored].bfloat16()
        loss: Tensor = ScoredLoss.apply(scored_hidden, model.lm_head.weight, targets[scored], share)  # type: ignore[no-untyped-call]
    return loss


def train_step(
    model: GPT2LMHeadModel, optimizers: list[torch.optim.Optimizer], pieces: Pieces, weights: Weights, factor: float
) -> float:
    """One update at `factor` of the peak learning rates; returns the loss, nats."""
    loss = weighted_loss(model, torch.from_numpy(pieces).to(model.device), torch.from_numpy(weights).to(model.device))
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        (group,) = optimizer.param_groups
        group["lr"] = group.setdefault("peak", group["lr"]) * factor
        optimizer.step()
        optimizer.zero_grad()
    return loss.item()


# -------------------------------------------------------------------------------------------------------- qualities


class HeadQualities(NamedTuple):
    """What each head does; [layers, heads] each, from 0 to 1."""

    previous: PerHead
    """Mean attention to the previous piece over the rows i ≥ 1 of held-out sentences."""
    induction: PerHead
    """In random pieces that come twice: mean attention to the piece after the earlier occurrence of the current one."""
    first: PerHead
    """Share of the attention of held-out sentences on their first piece, all rows counted."""


@torch.no_grad()
def attention_weights(model: GPT2LMHeadModel, pieces: Tensor) -> Tensor:
    """Attention [layers, B, heads, T, T] of a batch of equally long sequences [B, T]."""
    found = model.transformer(pieces.to(model.device), output_attentions=True, use_cache=False)
    return torch.stack(found.attentions).double().cpu()


def sentence_qualities(model: GPT2LMHeadModel, sentences: list[list[int]]) -> tuple[PerHead, PerHead]:
    """(previous, first) of `HeadQualities` over sentences that are fed one by one, each from position 0."""
    previous = torch.zeros(model.config.n_layer, model.config.n_head, dtype=torch.float64)
    first = torch.zeros_like(previous)
    for sentence in sentences:
        alpha = attention_weights(model, torch.tensor([sentence]))[:, 0]
        previous += alpha.diagonal(-1, -2, -1).sum(-1)
        first += alpha[..., 0].sum(-1)
    rows = sum(map(len, sentences))
    return (previous / (rows - len(sentences))).numpy(), (first / rows).numpy()


def induction_quality(model: GPT2LMHeadModel, span: int, sequences: int, rng: np.random.Generator) -> PerHead:
    """[layers, heads] mean attention at offset span − 1 over the second of two runs of `span` random pieces."""
    pieces = np.tile(rng.integers(1, model.config.vocab_size, (sequences, span)), 2)
    alpha = attention_weights(model, torch.from_numpy(pieces))
    # The diagonal starts at row span − 1, the last of the first run, whose piece did not come before.
    found: PerHead = alpha.diagonal(1 - span, -2, -1)[..., 1:].mean((1, 3)).numpy()
    return found


def head_qualities(
    model: GPT2LMHeadModel, sentences: list[list[int]], seed: int = 0, spans: tuple[int, ...] = (20, 30, 40, 50)
) -> HeadQualities:
    """Measure every head of a model with eager attention on held-out sentences and on random pieces that come twice."""
    rng = np.random.default_rng(seed)
    induction = np.mean([induction_quality(model, span, 8, rng) for span in spans], axis=0)
    previous, first = sentence_qualities(model, sentences)
    return HeadQualities(previous, induction, first)


@torch.no_grad()
def held_out_loss(model: GPT2LMHeadModel, stream: Stream, length: int = 128) -> float:
    """Mean next-piece loss, nats, over up to 200 sequences of held-out text that do not overlap."""
    starts = range(0, len(stream.pieces) - length, max(length, len(stream.pieces) // 200))
    losses = []
    for start in starts:
        pieces = torch.from_numpy(stream.pieces[start : start + length]).to(model.device)
        logits = model(pieces[None, :-1], use_cache=False).logits[0]
        losses.append(functional.cross_entropy(logits, pieces[1:]).item())
    return float(np.mean(losses))


def measure(model: GPT2LMHeadModel, held_out: Stream, sentences: int = 100) -> dict[str, Any]:
    """Loss and per-head qualities on held-out text, `sentences` of 10 to 60 pieces evenly taken."""
    fitting = [opening for opening in held_out.openings if 10 <= len(opening) <= 60]
    taken = fitting[:: max(1, len(fitting) // sentences)][:sentences]
    qualities = head_qualities(model, taken)
    return {"held_out_loss_nats": held_out_loss(model, held_out), "sentences": len(taken), **qualities._asdict()}


def summary(measured: dict[str, Any]) -> str:
    """One line: the loss, the best head of each quality as `layer.head`, the mean attention to the first piece."""
    parts = [f"held-out loss {measured['held_out_loss_nats']:.3f}"]
    for name in HeadQualities._fields:
        values = measured[name]
        layer, head = np.unravel_index(values.argmax(), values.shape)
        parts.append(f"{name} {values.max():.3f} (head {layer}.{head})")
    return ", ".join([*parts, f"first on average {measured['first'].mean():.3f}"])


# ------------------------------------------------------------------------------------------------------------- main


def save(model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerBase, measured: dict[str, Any], out: Path) -> None:
    """Write model, tokenizer and qualities in Hugging Face's layout; each file of `out` is replaced in one go."""
    unfinished = out.with_name(out.name + ".unfinished")
    model.config.activation_function = "gelu_new"  # GPT-2's name for the function that it was trained with
    model.save_pretrained(unfinished)
    tokenizer.save_pretrained(unfinished)
    tokenizer.backend_tokenizer.model.save(str(unfinished))
    rounded = {name: np.round(value, 4).tolist() for name, value in measured.items()}
    (unfinished / "qualities.json").write_text(json.dumps(rounded) + "\n", encoding="utf-8")
    out.mkdir(parents=True, exist_ok=True)
    for file in unfinished.iterdir():
        file.replace(out / file.name)
    unfinished.rmdir()


def main(
    text: Annotated[list[Path], typer.Option(help="Text: .jsonl with `text`, .conllu, or plain. Repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder for model, tokenizer and qualities.")],
    steps: Annotated[int, typer.Option(help="Updates, of about 4,096 pieces each.")] = 1800,
    layers: int = 6,
    heads: int = 6,
    width: Annotated[int, typer.Option(help="Width of the residual stream.")] = 192,
    vocabulary: int = 4096,
    rate: Annotated[float, typer.Option(help="Peak learning rate.")] = 0.004,
    report_every: Annotated[int, typer.Option(help="Measure and save after so many steps.")] = 400,
    seed: int = 0,
) -> None:
    """Train a model, report what its heads do while it learns, and write it."""
    torch.manual_seed(seed)
    training, held_out = read_split(text)
    tokenizer = train_tokenizer(training, vocabulary)
    stream, held_stream = encode(tokenizer, training), encode(tokenizer, held_out)
    print(f"{len(stream.pieces):,} pieces to train on, {len(held_stream.pieces):,} held out")
    model = build_model(layers, heads, width, vocabulary)
    model.to(device=torch.device("cuda" if torch.cuda.is_available() else "cpu"))  # type: ignore[call-arg]
    optimizers = make_optimizers(model, rate)
    begun = time.monotonic()
    for step, (pieces, weights) in enumerate(batches(stream, vocabulary, steps, seed)):
        loss = train_step(model, optimizers, pieces, weights, rate_factor(step / steps))
        if (step + 1) % report_every == 0:
            measured = measure(model, held_stream)
            print(f"{step + 1} ({time.monotonic() - begun:.0f} s) loss {loss:.3f}, {summary(measured)}", flush=True)
            save(model, tokenizer, measured, out)
    measured = measure(model, held_stream, sentences=500)
    print(summary(measured))
    save(model, tokenizer, measured, out)


if __name__ == "__main__":
    typer.run(main)
