"""How much a head's pattern over the first pieces changes from sentence to sentence."""

from typing import Final

from attnmetrics.metrics.family import HEAD, PAPER, Array, Family, Quantity, Result, Sum, Sums
from attnmetrics.metrics.ratios import ratio

PREFIX_PIECES: Final = 10
"""N of Eq. 5: variability looks at the first N pieces of a sentence."""


def _variability(sums: Sums) -> Array:
    return ratio(sums["deviation_sum"], 2 * sums["prefix_sum"])


FAMILY: Final = Family(
    "variability",
    "Variability",
    sums=(
        Sum("deviation_sum", HEAD, Quantity.DEVIATIONS),
        Sum("prefix_sum", HEAD, Quantity.DEVIATIONS),
        Sum("variability_sentences", (), Quantity.DEVIATIONS),
    ),
    results=(
        Result(
            "variability", HEAD, "1", "score", "Attention variability",
            f"Σ_x Σ_{{i,j<N, attendable}} |F − F̄[i,j]| ÷ (2 Σ_x Σ_{{i,j<N}} F), N = {PREFIX_PIECES}", _variability,
            f"{PAPER}, Eq. 5, Fig. 10",
            help="Low: the same positions in every sentence; high: the words decide.",
        ),
        Result(
            "variability_sentences", (), "sentences", "count", "Sentences behind variability", "number of sentences",
            lambda sums: sums["variability_sentences"],
        ),
    ),
)  # fmt: skip
