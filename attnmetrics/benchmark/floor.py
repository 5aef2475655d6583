"""The least time of a forward pass on this machine: of its matrix products, and of attention at the units' lengths."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from attnmetrics.benchmark.race import wait
from attnmetrics.model.modules.linear import NOTHING, LaidOut

ROWS: Final = (256, 1024, 4096)
"""Pieces that are multiplied together."""
ATTENDING: Final = 2048
"""Pieces that attend at the same time, at least."""
SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Products:
    """What the layers of a model multiply: [rows, columns] of weights."""

    layers: int
    heads: int
    width: int
    """of a head"""
    causal: bool
    window: int | None
    """pieces that a piece sees back, where it does not see all"""
    layer: tuple[tuple[int, int], ...]
    """of a layer: queries, keys and values as one, output, and what follows attention"""
    queries_and_keys: tuple[int, int]
    """all that the last layer needs"""

    @property
    def per_piece(self) -> int:
        """Multiply-adds a piece."""
        rows, columns = self.queries_and_keys
        return (self.layers - 1) * sum(rows * columns for rows, columns in self.layer) + rows * columns


def products_of(config: Any, causal: bool) -> Products:
    """The products of a model like GPT-2, BERT or Llama, by its configuration."""
    size, heads = int(config.hidden_size), int(config.num_attention_heads)
    width = size // heads
    keys = width * int(getattr(config, "num_key_value_heads", None) or heads)
    inner = int(getattr(config, "intermediate_size", None) or 4 * size)
    gated = config.model_type in ("llama", "mistral")
    layer = ((size, size + 2 * keys), (size, size), (size, inner * (2 if gated else 1)), (inner, size))
    window = getattr(config, "sliding_window", None)
    return Products(config.num_hidden_layers, heads, width, causal, window, layer, (size, size + keys))


def product_seconds(products: Products, dtype: torch.dtype, device: torch.device) -> float:
    """Of a piece's products, each at the pace of its own shape in the proportions of a layer."""
    seconds = sum(_of_product(rows, columns, dtype, device) for rows, columns in products.layer)
    multiply_adds = sum(rows * columns for rows, columns in products.layer)
    return products.per_piece * seconds / multiply_adds


def attention_seconds(
    products: Products, lengths: NDArray[np.int64], dtype: torch.dtype, device: torch.device
) -> float:
    """Of a piece's attention in all layers, at the best for units of such lengths without padding: their mean.

    Lengths are taken together by powers of two. A unit longer than a window counts as one of the window's length, and
    the last layer, which needs no output, for a half: a floor.
    """
    lengths = lengths[lengths > 0]
    seen = np.minimum(lengths, products.window or lengths.max())
    seconds = 0.0
    for power in np.unique(np.ceil(np.log2(seen))):
        own = seen[np.ceil(np.log2(seen)) == power]
        typical = int(own.mean().round())
        seconds += _of_attention(products, typical, dtype, device) * float((own**2).sum()) / typical**2
    return (products.layers - 1 / 2) * seconds / float(lengths.sum())


def _of_product(rows: int, columns: int, dtype: torch.dtype, device: torch.device) -> float:
    """Of a piece, at the number of pieces and in the way that suit it best."""
    right = torch.randn(rows, columns, dtype=dtype, device=device)
    tries = [(torch.randn(pieces, rows, dtype=dtype, device=device), way) for pieces in ROWS for way in _ways(right)]
    return min(_best(partial(way, left)) / len(left) for left, way in tries)


def _ways(right: Tensor) -> Iterator[Callable[[Tensor], Tensor]]:
    """Torch's own product, and that with weights laid out before, where there is one."""
    yield lambda left: torch.mm(left, right)
    if right.device.type == "cpu":
        with suppress(Exception):
            yield LaidOut(right.T, None, NOTHING)


def _of_attention(products: Products, length: int, dtype: torch.dtype, device: torch.device) -> float:
    """Of a unit of a length in a layer: torch's own, or the two products alone, of a causal model by half."""
    units = -(-ATTENDING // length)
    size = units, products.heads, length, products.width
    query, key, value = torch.randn(3, *size, dtype=dtype, device=device)
    whole = _best(lambda: scaled_dot_product_attention(query, key, value, is_causal=products.causal))
    alone = _best(lambda: torch.matmul(torch.matmul(query, key.mT), value))
    return min(whole, alone / 2 if products.causal else alone) / units


def _best(run: Callable[[], object]) -> float:
    """The least seconds of many tries, and of one at least."""
    best, until = float("inf"), perf_counter() + SECONDS
    with torch.inference_mode():
        while best == float("inf") or perf_counter() < until:
            start = perf_counter()
            run()
            wait()
            best = min(best, perf_counter() - start)
    return best
