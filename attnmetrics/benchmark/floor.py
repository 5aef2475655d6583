"""The least time that the matrix products of a GPT-2-like forward pass take on this machine."""

from time import perf_counter
from typing import Any

import torch

from attnmetrics.benchmark.race import wait

ROWS = 2048
SECONDS = 0.4


def floor_rate(config: Any, dtype: torch.dtype, device: torch.device) -> float:
    """Pieces a second if nothing but the needed products took time.

    The last layer needs its queries and keys only: two thirds of its first product.
    """
    width, layers = int(config.n_embd), int(config.n_layer)
    per_piece = (layers - 1) * 12 * width**2 + 2 * width**2
    return product_rate(width, dtype, device) / per_piece


def product_rate(width: int, dtype: torch.dtype, device: torch.device) -> float:
    """Multiply-adds a second of the model's products, each at its own shape, in the proportions of a layer."""
    shapes = [(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)]
    seconds = sum(_seconds(rows, columns, dtype, device) for rows, columns in shapes)
    return ROWS * sum(rows * columns for rows, columns in shapes) / seconds


def _seconds(rows: int, columns: int, dtype: torch.dtype, device: torch.device) -> float:
    """Of one product, the best of many, and of one at least."""
    left = torch.randn(ROWS, rows, dtype=dtype, device=device)
    right = torch.randn(rows, columns, dtype=dtype, device=device)
    best, until = float("inf"), perf_counter() + SECONDS
    with torch.inference_mode():
        while best == float("inf") or perf_counter() < until:
            start = perf_counter()
            torch.mm(left, right)
            wait()
            best = min(best, perf_counter() - start)
    return best
