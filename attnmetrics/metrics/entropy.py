"""How widely a row's attention is spread over the pieces that are not null."""

from typing import Final

from attnmetrics.metrics.family import HEAD, PAPER, Array, Family, Quantity, Result, Sum, Sums
from attnmetrics.metrics.ratios import ratio

ENTROPY_NULL_LIMIT: Final = 0.9
"""Rows with more than this share of attention on null columns have no entropy."""


def entropy(sums: Sums) -> Array:
    """Mean entropy of the rows that have one, in nats."""
    return ratio(sums["entropy_sum"], sums["entropy_rows"])


FAMILY: Final = Family(
    "entropy",
    "Entropy",
    sums=(Sum("entropy_sum", HEAD, Quantity.ENTROPY), Sum("entropy_rows", HEAD, Quantity.KEPT)),
    results=(
        Result(
            "entropy", HEAD, "nats", "mean", "Mean attention entropy",
            "mean over kept rows of −Σ_j p ln p, p = F[i,j] ÷ Σ_j F[i,j]", entropy, f"{PAPER}, Eq. 7, Fig. 12",
            help="Low: attention on few pieces; high: on many.",
        ),
        Result(
            "entropy_rows", HEAD, "rows", "count", "Rows kept for entropy",
            f"number of rows with Σ F > 0 and Σ null ≤ {ENTROPY_NULL_LIMIT}", lambda sums: sums["entropy_rows"],
            help="Rows with nearly all of their attention on null pieces have no entropy.",
        ),
    ),
)  # fmt: skip
