"""The attention of GPT-2, BERT and Llama in plain float64 NumPy, one sentence at a time, from the saved weights.

transformers' double precision is not double throughout: Llama's eager attention takes its softmax, its rotary angles
and its norms in float32.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from scipy.special import erf
from tokenizers import Tokenizer

Array = NDArray[np.float64]
Weights = Mapping[str, Array]


@dataclass(frozen=True)
class Attention:
    """What the model does with one sentence."""

    alpha: Array
    """[layer, head, piece, piece]"""
    added: Array
    """[layer, head, piece, stream] what each head adds to the residual stream, without its value bias"""
    ids: list[int]
    spans: list[tuple[int, int]]
    template: frozenset[int]
    cut: bool


def attention_float64(folder: Path, text: str) -> Attention:
    """Tokenise, run the model, and keep every attention weight."""
    ids, spans, template, cut = _pieces(folder, text, _load(folder)[0])
    return Attention(*forward_float64(folder, ids), ids, spans, frozenset(template), cut)


def forward_float64(folder: Path, ids: list[int], segments: list[int] | None = None) -> tuple[Array, Array]:
    """Every attention weight of these pieces, and what the heads add to the stream (see `Attention`).

    BERT is told the segment of each piece, 0 of all unless these are given.
    """
    config, weights = _load(folder)
    told = {} if segments is None else {"segments": np.array(segments)}
    forward = {"gpt2": _gpt2, "bert": _bert, "llama": _llama}[config["model_type"]]
    alpha, added = zip(*forward(np.array(ids), config, weights, **told), strict=True)
    return np.stack(alpha), np.stack(added)


@cache
def _load(folder: Path) -> tuple[dict, Weights]:
    weights = load_file(folder / "model.safetensors")
    prefixes = ("transformer.", "bert.", "model.")
    named = {next((n.removeprefix(p) for p in prefixes if n.startswith(p)), n): w for n, w in weights.items()}
    return json.loads((folder / "config.json").read_text()), {n: w.astype(np.float64) for n, w in named.items()}


@cache
def _tokenizer(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _pieces(folder: Path, text: str, config: dict) -> tuple[list[int], list[tuple[int, int]], list[int], bool]:
    """Ids, character spans and template pieces; the last text pieces go when there are more than positions."""
    encoding = _tokenizer(folder).encode(text)
    positions = config.get("n_positions", config.get("max_position_embeddings"))
    kept = list(range(len(encoding.ids)))
    while len(kept) > positions:
        kept.remove(max(k for k in kept if not encoding.special_tokens_mask[k]))
    template = [place for place, k in enumerate(kept) if encoding.special_tokens_mask[k]]
    return [encoding.ids[k] for k in kept], [encoding.offsets[k] for k in kept], template, len(kept) < len(encoding.ids)


def softmax(scores: Array) -> Array:
    """Along the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def heads(x: Array, number: int) -> Array:
    """[head, piece, width of a head] from [piece, width]."""
    return x.reshape(len(x), number, -1).transpose(1, 0, 2)


def attend(q: Array, k: Array, scale: float, causal: bool) -> Array:
    """α [head, piece, piece] from queries and keys [head, piece, width]."""
    scores = q @ k.transpose(0, 2, 1) * scale
    if causal:
        scores = np.where(np.tril(np.ones(scores.shape[-2:], bool)), scores, -np.inf)
    return softmax(scores)


def add(alpha: Array, values: Array, projection: Array) -> Array:
    """[head, piece, stream] from α, values [head, piece, width] and a projection [head × width, stream]."""
    return (alpha @ values) @ projection.reshape(len(alpha), -1, projection.shape[-1])


def layer_norm(x: Array, w: Weights, name: str, epsilon: float) -> Array:
    """Mean 0 and variance 1 along the last axis, then scaled and shifted."""
    centred = x - x.mean(axis=-1, keepdims=True)
    normed = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    return normed * w[f"{name}.weight"] + w[f"{name}.bias"]


def linear(x: Array, w: Weights, name: str) -> Array:
    """A torch Linear: weight [out, in]."""
    return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0.0)


def _gpt2(ids: NDArray[np.int64], config: dict, w: Weights) -> list[tuple[Array, Array]]:
    assert config["activation_function"] == "gelu_new" and not config.get("scale_attn_by_inverse_layer_idx")

    def convolution(x: Array, name: str) -> Array:
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    def gelu(x: Array) -> Array:
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    number, epsilon = config["n_head"], config["layer_norm_epsilon"]
    x = w["wte.weight"][ids] + w["wpe.weight"][: len(ids)]
    found = []
    for layer in range(config["n_layer"]):
        normed = layer_norm(x, w, f"h.{layer}.ln_1", epsilon)
        q, k, v = (heads(part, number) for part in np.split(convolution(normed, f"h.{layer}.attn.c_attn"), 3, axis=-1))
        alpha = attend(q, k, q.shape[-1] ** -0.5, causal=True)
        bias = heads(w[f"h.{layer}.attn.c_attn.bias"][None, -x.shape[-1] :], number)
        found.append((alpha, add(alpha, v - bias, w[f"h.{layer}.attn.c_proj.weight"])))
        x = x + convolution((alpha @ v).transpose(1, 0, 2).reshape(len(ids), -1), f"h.{layer}.attn.c_proj")
        inner = gelu(convolution(layer_norm(x, w, f"h.{layer}.ln_2", epsilon), f"h.{layer}.mlp.c_fc"))
        x = x + convolution(inner, f"h.{layer}.mlp.c_proj")
    return found


def _bert(
    ids: NDArray[np.int64], config: dict, w: Weights, segments: NDArray[np.int64] | int = 0
) -> list[tuple[Array, Array]]:
    assert config["hidden_act"] == "gelu"
    number, epsilon = config["num_attention_heads"], config["layer_norm_eps"]
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = layer_norm(x + w["embeddings.token_type_embeddings.weight"][segments], w, "embeddings.LayerNorm", epsilon)
    found = []
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}"
        q, k, v = (heads(linear(x, w, f"{at}.attention.self.{part}"), number) for part in ("query", "key", "value"))
        alpha = attend(q, k, q.shape[-1] ** -0.5, causal=False)
        bias = heads(w[f"{at}.attention.self.value.bias"][None], number)
        found.append((alpha, add(alpha, v - bias, w[f"{at}.attention.output.dense.weight"].T)))
        out = linear((alpha @ v).transpose(1, 0, 2).reshape(len(ids), -1), w, f"{at}.attention.output.dense")
        x = layer_norm(x + out, w, f"{at}.attention.output.LayerNorm", epsilon)
        inner = linear(x, w, f"{at}.intermediate.dense")
        inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
        x = layer_norm(x + linear(inner, w, f"{at}.output.dense"), w, f"{at}.output.LayerNorm", epsilon)
    return found


def _llama(ids: NDArray[np.int64], config: dict, w: Weights) -> list[tuple[Array, Array]]:
    rope = config["rope_parameters"]
    assert config["hidden_act"] == "silu" and rope["rope_type"] == "default"
    number, groups, width = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
    angles = np.arange(len(ids))[:, None] / rope["rope_theta"] ** (np.arange(0, width, 2) / width)
    cos, sin = (np.tile(f(angles), 2) for f in (np.cos, np.sin))

    def rotate(x: Array) -> Array:
        left, right = np.split(x, 2, axis=-1)
        return x * cos + np.concatenate([-right, left], axis=-1) * sin

    def norm(x: Array, name: str) -> Array:
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + config["rms_norm_eps"]) * w[f"{name}.weight"]

    x = w["embed_tokens.weight"][ids]
    found = []
    for layer in range(config["num_hidden_layers"]):
        at = f"layers.{layer}"
        normed = norm(x, f"{at}.input_layernorm")
        q = rotate(heads(linear(normed, w, f"{at}.self_attn.q_proj"), number))
        k = rotate(heads(linear(normed, w, f"{at}.self_attn.k_proj"), groups)).repeat(number // groups, axis=0)
        v = heads(linear(normed, w, f"{at}.self_attn.v_proj"), groups).repeat(number // groups, axis=0)
        alpha = attend(q, k, width**-0.5, causal=True)
        found.append((alpha, add(alpha, v, w[f"{at}.self_attn.o_proj.weight"].T)))
        x = x + linear((alpha @ v).transpose(1, 0, 2).reshape(len(ids), -1), w, f"{at}.self_attn.o_proj")
        normed = norm(x, f"{at}.post_attention_layernorm")
        gate = linear(normed, w, f"{at}.mlp.gate_proj")
        x = x + linear(gate / (1 + np.exp(-gate)) * linear(normed, w, f"{at}.mlp.up_proj"), w, f"{at}.mlp.down_proj")
    return found
