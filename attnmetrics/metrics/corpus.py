"""The corpus as this tokenizer cuts it: its size, and how probable a dependency is at each distance."""

from typing import Final

from attnmetrics.metrics.family import PAPER, Array, Family, Quantity, Result, Sum, Sums
from attnmetrics.metrics.ratios import ratio

NEAR_DISTANCE: Final = 18
"""The distance of `dependency_within_18`, in pieces."""


def _mean_distance(sums: Sums) -> Array:
    return ratio(sums["dependency_distance_sum"], sums["dependency_pairs"].sum(-1))


def _near_share(sums: Sums) -> Array:
    pairs = sums["dependency_pairs"]
    return ratio(pairs[..., : NEAR_DISTANCE + 1].sum(-1), pairs.sum(-1))


def _count(name: str, unit: str, title: str, formula: str) -> Result:
    return Result(name, (), unit, "count", title, formula, lambda sums: sums[name])


def _pairs(name: str, title: str, formula: str) -> Result:
    return Result(name, ("pair_distance",), "pairs", "count", title, formula, lambda sums: sums[name])


FAMILY: Final = Family(
    "corpus",
    "The corpus",
    sums=(
        Sum("sentences", (), Quantity.COUNT),
        Sum("pieces", (), Quantity.COUNT),
        Sum("sentences_cut", (), Quantity.COUNT),
        Sum("pieces_unaligned", (), Quantity.COUNT),
        Sum("attendable_at_offset", ("offset",), Quantity.PAIRS_AT_OFFSET),
        Sum("even_given_sum", (), Quantity.EVEN_GIVEN),
        Sum("piece_pairs", ("pair_distance",), Quantity.PAIRS_AT_DISTANCE),
        Sum("dependency_pairs", ("pair_distance",), Quantity.PAIRS_AT_DISTANCE, "dependency"),
        Sum("dependency_distance_sum", (), Quantity.DISTANCES, "dependency"),
    ),
    results=(
        _count("sentences", "sentences", "Sentences measured", "number of sentences"),
        _count("pieces", "pieces", "Word pieces measured", "number of pieces, template pieces included"),
        Result(
            "pieces_per_sentence", (), "pieces", "mean", "Pieces per sentence", "pieces ÷ sentences",
            lambda sums: ratio(sums["pieces"], sums["sentences"]),
        ),
        _count("sentences_cut", "sentences", "Sentences cut", "sentences without room for their last pieces"),
        _count("pieces_unaligned", "pieces", "Pieces without a word", "text pieces that overlap no word"),
        _pairs("piece_pairs", "Pairs of pieces", "number of pairs j ≤ i, j not null, by i−j"),
        _pairs(
            "dependency_pairs", "Pairs of pieces in a dependency",
            "number of pairs j ≤ i in a dependency, j not null, by i−j",
        ),
        Result(
            "dependency_probability", ("pair_distance",), "1", "share", "Probability of a dependency",
            "dependency_pairs ÷ piece_pairs", lambda sums: ratio(sums["dependency_pairs"], sums["piece_pairs"]),
            f"{PAPER}, section 4.3",
        ),
        Result(
            "mean_dependency_distance", (), "pieces", "mean", "Mean dependency distance",
            "Σ (i−j) ÷ number, over dependency pairs", _mean_distance, f"{PAPER}, section 4.3",
        ),
        Result(
            f"dependency_within_{NEAR_DISTANCE}", (), "1", "share", f"Dependencies within {NEAR_DISTANCE} pieces",
            f"share of dependency pairs with i−j ≤ {NEAR_DISTANCE}", _near_share, f"{PAPER}, section 4.3",
        ),
    ),
)  # fmt: skip
