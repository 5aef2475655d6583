"""How far attention reaches: its mean distance, how much that varies, and its share at every offset."""

from typing import Final

import numpy as np

from attnmetrics.metrics.family import HEAD, PAPER, Array, Family, Quantity, Result, Sum, Sums
from attnmetrics.metrics.ratios import partition, ratio


def distance(sums: Sums) -> Array:
    """Mean distance between attending and attended piece, in pieces."""
    return ratio(sums["span_sum"], sums["given_sum"])


def distance_deviation(sums: Sums) -> Array:
    """Standard deviation of that distance over all attention, in pieces."""
    variance = ratio(sums["span_squared_sum"], sums["given_sum"]) - distance(sums) ** 2
    return np.asarray(np.sqrt(np.maximum(variance, 0)))


def attention_at_offset(sums: Sums) -> Array:
    """Share of attention at each offset i − j, […, offset]."""
    return partition(sums["offset_sum"])


FAMILY: Final = Family(
    "distance",
    "Distance",
    sums=(
        Sum("span_sum", HEAD, Quantity.SPAN),
        Sum("span_squared_sum", HEAD, Quantity.SPAN_SQUARED),
        Sum("offset_sum", (*HEAD, "offset"), Quantity.OFFSETS),
    ),
    results=(
        Result(
            "distance", HEAD, "pieces", "mean", "Mean attention distance", "Σ F[i,j]·|i−j| ÷ M", distance,
            f"{PAPER}, Eq. 6, Fig. 11", help="Low: heads that look nearby; high: far away.",
        ),
        Result(
            "distance_deviation", HEAD, "pieces", "score", "Deviation of attention distance",
            "√(Σ F[i,j]·(i−j)² ÷ M − distance²)", distance_deviation, "", layered=False,
            help="Near 0: all attention goes equally far, as to the previous piece; a head that looks nearby here and "
            "far away there has a large one.",
        ),
        Result(
            "attention_at_offset", (*HEAD, "offset"), "1", "share", "Attention at an offset",
            "Σ F[i,j]·1(i−j=offset) ÷ M", attention_at_offset, "Clark et al. 2019, section 3",
            heading="Attention at offset {}",
            help="0 is the piece itself, 1 the previous piece; the ends hold all beyond.",
        ),
    ),
)  # fmt: skip
