"""How much attention rests on null pieces, and how much is left to measure."""

from typing import Final

from attnmetrics.metrics.family import HEAD, PAPER, Array, Family, Quantity, Result, Sum, Sums
from attnmetrics.metrics.ratios import ratio


def attention_mass(sums: Sums) -> Array:
    """M = Σ_x Σ_i Σ_j F[i,j], from row sums."""
    return sums["given_sum"]


def off_null(sums: Sums) -> Array:
    """Share of all attention that is on no null column; a difference from 1 would lose its digits where it is small."""
    return ratio(sums["given_sum"], sums["null_sum"] + sums["given_sum"])


def _null_attention(sums: Sums) -> Array:
    return ratio(sums["null_sum"], sums["null_sum"] + sums["given_sum"])


FAMILY: Final = Family(
    "null",
    "Null attention",
    sums=(Sum("null_sum", HEAD, Quantity.NULL), Sum("given_sum", HEAD, Quantity.GIVEN)),
    results=(
        Result(
            "null_attention", HEAD, "1", "share", "Attention to null pieces", "Σ α over null columns ÷ Σ α",
            _null_attention, f"{PAPER}, Fig. 5",
            help="High: heads that rest on null pieces instead of the text.", null_in=True,
        ),
        Result(
            "attention_mass", HEAD, "pieces", "count", "Attention mass M", "M = Σ_x Σ_i Σ_j F[i,j]", attention_mass,
            fractional=True, null_in=True,
            help="How much attention a head pays to anything that is measured.",
        ),
    ),
)  # fmt: skip
