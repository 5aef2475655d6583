"""How widely whole rows of α are spread, null pieces in: over all rows, and over the row that stands for its unit."""

from collections.abc import Callable
from typing import Final

from attnmetrics.metrics.family import EVEN, HEAD, Array, Family, Quantity, Result, Sum, Sums
from attnmetrics.metrics.ratios import once_a_head, ratio

CLARK: Final = "Clark et al. 2019, section 3.3, Fig. 4"

_EVEN: Final = "What attention that is spread evenly would give, over the same rows."


def _of_heads(sums_of: str, rows: str) -> Callable[[Sums], Array]:
    return lambda sums: ratio(sums[sums_of], once_a_head(sums[rows], sums, 0))


def _of_corpus(sums_of: str, rows: str) -> Callable[[Sums], Array]:
    return lambda sums: ratio(sums[sums_of], sums[rows])


FAMILY: Final = Family(
    "spread",
    "Spread of whole rows",
    sums=(
        Sum("entropy_all_sum", HEAD, Quantity.ENTROPY_ALL),
        Sum("entropy_all_even_sum", (), Quantity.EVEN_ENTROPY_ALL),
        Sum("entropy_summary_sum", HEAD, Quantity.ENTROPY_SUMMARY),
        Sum("entropy_summary_even_sum", (), Quantity.EVEN_ENTROPY_SUMMARY),
        Sum("summary_rows", (), Quantity.COUNT),
        Sum("largest_sum", HEAD, Quantity.LARGEST),
        Sum("largest_even_sum", (), Quantity.EVEN_LARGEST),
    ),
    results=(
        Result(
            "entropy_all", HEAD, "nats", "mean", "Mean entropy of whole rows", "mean over all rows of −Σ_j α ln α",
            _of_heads("entropy_all_sum", "pieces"), CLARK, chance="entropy_all_uniform", null_in=True,
            help="Null pieces are in, and every row counts. Near its chance level: attention is broad; near 0: all on "
            "one piece, which may be a null one.",
        ),
        Result(
            "entropy_all_uniform", (), "nats", "mean", "Mean entropy of even rows",
            "mean over all rows of ln(pieces that the row may attend to)",
            _of_corpus("entropy_all_even_sum", "pieces"), "", help=_EVEN, caption=EVEN,
        ),
        Result(
            "entropy_summary", HEAD, "nats", "mean", "Mean entropy of the row that stands for its unit",
            "mean over units of −Σ_j α ln α of one row: the last one of causal models, else row 0 if it is the "
            "template's",
            _of_heads("entropy_summary_sum", "summary_rows"), CLARK, chance="entropy_summary_uniform", null_in=True,
            help="High: heads that gather from all of the text where the model keeps what it makes of it. "
            "No value where no row stands for its unit.",
        ),
        Result(
            "entropy_summary_uniform", (), "nats", "mean", "Mean entropy of an even row that stands for its unit",
            "mean over these rows of ln(pieces that the row may attend to)",
            _of_corpus("entropy_summary_even_sum", "summary_rows"), "", help=_EVEN, caption=EVEN,
        ),
        Result(
            "peak_attention", HEAD, "1", "share", "Largest attention of a row", "mean over all rows of max_j α",
            _of_heads("largest_sum", "pieces"), CLARK, chance="peak_attention_uniform", null_in=True,
            help="Null pieces are in. Low: heads that pay no single piece much attention.",
        ),
        Result(
            "peak_attention_uniform", (), "1", "share", "Largest attention of an even row",
            "mean over all rows of 1 ÷ pieces that the row may attend to",
            _of_corpus("largest_even_sum", "pieces"), "", help=_EVEN, caption=EVEN,
        ),
    ),
)  # fmt: skip
