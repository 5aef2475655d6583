"""Pieces that whole sentences rest on: the first one, a second one; and the largest weight of a sentence.

Each is one number a sentence and head. They are kept as histograms, or as sums.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.metrics.family import EVEN, HEAD, Array, Family, Quantity, Result, Sum, Sums
from attnmetrics.metrics.null import off_null
from attnmetrics.metrics.ratios import once_a_head, ratio

BINS: Final = 50
WEIGHT_BINS: Final = tuple(place / BINS for place in range(BINS))
"""The lower edge of each bin of a weight from 0 to 1; the last bin holds 1, too."""

FIRST_PIECES: Final = 16
"""Sentences of fewer pieces have no share of attention that rests on the first: in short ones that is much anyway."""
SINK_BIN: Final = 15
"""Sentences from this bin on, of 0.3, rest on their first piece."""
SECOND_PIECES: Final = 10
"""Sentences of fewer pieces have no second sink."""

XIAO: Final = "after Xiao et al. 2023"


def find_bins(weights: Array) -> NDArray[np.int64]:
    """The bin of each weight: 0.31 is in bin 15, 1 in the last one; what rounding puts below 0 is in the first."""
    return np.clip(np.floor(weights * BINS), 0, BINS - 1).astype(np.int64)


def may_be_second_sink(piece: Any, length: Any, rows: Any, null: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a column may be the second sink of its sentence.

    Args:
        piece: pieces, counted in their sentences.
        length: pieces of their sentences.
        rows: how many rows may attend to each.
        null: whether its column is null.

    Example: of a causal sentence of 12 pieces, the first of them null, pieces 1 … 6 may.
    """
    found: NDArray[np.bool_] = (piece > 0) & ~null & (2 * rows >= length) & (length >= SECOND_PIECES)
    return found


def _sink_share(units: Array) -> Array:
    return ratio(units[..., SINK_BIN:].sum(-1), units.sum(-1))


def _second_sink(sums: Sums) -> Array:
    return ratio(sums["second_sink_sum"], once_a_head(sums["second_sink_sentences"], sums, 0))


def _second_sink_off_null(sums: Sums) -> Array:
    return np.minimum(ratio(_second_sink(sums), off_null(sums)), 1)


FAMILY: Final = Family(
    "sinks",
    "Sinks and peaks",
    sums=(
        Sum("first_piece_sentences", (*HEAD, "weight_bin"), Quantity.FIRST_PIECE),
        Sum("first_piece_even_sentences", ("weight_bin",), Quantity.EVEN_FIRST_PIECE),
        Sum("second_sink_sum", HEAD, Quantity.SECOND_SINK),
        Sum("second_sink_even_sum", (), Quantity.EVEN_SECOND_SINK),
        Sum("second_sink_sentences", (), Quantity.COUNT),
        Sum("peak_sentences", (*HEAD, "weight_bin"), Quantity.PEAK),
    ),
    results=(
        Result(
            "sink_rate", HEAD, "1", "share", "Sentences that rest on their first piece",
            f"share of sentences of at least {FIRST_PIECES} pieces with a mean over rows i ≥ 1 of α[i,0] of at least "
            f"{WEIGHT_BINS[SINK_BIN]}",
            lambda sums: _sink_share(sums["first_piece_sentences"]), "after Gu et al. 2024", chance="sink_rate_uniform",
            help="High: the first piece takes much attention in nearly every sentence, whatever it is. Null "
            "pieces are in: a head that rests there is nearly switched off.", null_in=True,
        ),
        Result(
            "sink_rate_uniform", (), "1", "share", "Sentences that rest on their first piece if attention is even",
            f"share of sentences of at least {FIRST_PIECES} pieces with such a mean of even attention",
            lambda sums: _sink_share(sums["first_piece_even_sentences"]), "",
            help="None does: in sentences of so many pieces, even attention gives the first one less.", caption=EVEN,
        ),
        Result(
            "first_piece_histogram", (*HEAD, "weight_bin"), "sentences", "count",
            "Sentences by attention to their first piece",
            f"number of sentences of at least {FIRST_PIECES} pieces by the mean over rows i ≥ 1 of α[i,0]",
            lambda sums: sums["first_piece_sentences"], "after Gu et al. 2024; Xiao et al. 2023",
            heading="Sentences whose first piece gets {}, in bins of 0.02", layered=False,
            help="If a histogram has two humps, the head rests on the first piece in some sentences and works in "
            "others.",
            null_in=True,
        ),
        Result(
            "second_sink", HEAD, "1", "share", "Attention to a sentence's most attended piece",
            "mean over sentences of max_j Σ_i F[i,j] ÷ rows that may attend to j, over j ≥ 1 that half of the rows may",
            _second_sink, XIAO, chance="second_sink_uniform",
            help="High: the head rests on one piece beside the first and the null ones, such as the first "
            f"“the”. In sentences of at least {SECOND_PIECES} pieces; at least half of their rows may attend to the "
            "piece, which is not null. A mean of maxima: it exceeds its chance level by noise alone.",
        ),
        Result(
            "second_sink_uniform", (), "1", "share", "Even attention to a sentence's most attended piece",
            "mean over the same sentences of max_j of even attention to j, over the same j",
            lambda sums: ratio(sums["second_sink_even_sum"], sums["second_sink_sentences"]), "",
            help="What attention that is spread evenly would give.", caption=EVEN,
        ),
        Result(
            "second_sink_off_null", HEAD, "1", "share", "Attention off null to a sentence's most attended piece",
            "second_sink ÷ (1 − null_attention), 1 at most", _second_sink_off_null, XIAO, chance="second_sink_uniform",
            help="Of what the head leaves off null pieces, how much goes to one more piece of each sentence: high "
            "for heads that look at hardly any other.",
            layered=False,
        ),
        Result(
            "unit_peak_histogram", (*HEAD, "weight_bin"), "sentences", "count", "Sentences by their largest attention",
            "number of sentences by max_ij F[i,j]; those without an attendable pair are in the first bin",
            lambda sums: sums["peak_sentences"], "",
            heading="Sentences whose largest attention is {}, in bins of 0.02", layered=False,
            help="All in the last bins: there is a piece in every sentence that the head is sure about. All in the "
            "first ones: it never looks hard at anything but null pieces.",
        ),
    ),
)  # fmt: skip
