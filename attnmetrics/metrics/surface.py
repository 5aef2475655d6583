"""Where α goes whatever it means: to kinds of pieces, from and to separators, to neighbours. Null pieces are in."""

from collections.abc import Callable
from typing import Final

from attnmetrics.metrics.family import EVEN, HEAD, Array, Family, Quantity, Result, Sum, Sums
from attnmetrics.metrics.ratios import beside_heads, partition, ratio

ATTENDING: Final = ("separator", "other")
"""Rows that are separators, and those that are none."""

NEIGHBOURS: Final = ("previous", "current", "next")
"""The piece before a row's own, its own, the one after it."""

CLARK: Final = "Clark et al. 2019, section 3.1, Fig. 2"
CLARK_SPECIAL: Final = "Clark et al. 2019, section 3.2, Fig. 2"

_EVEN: Final = "What attention that is spread evenly would give, over the same rows."


def _of_rows(sums_of: str, rows: str) -> Callable[[Sums], Array]:
    """A sum of heads for each row of the corpus that counts for it, along the same last dimension."""

    def compute(sums: Sums) -> Array:
        return ratio(sums[sums_of], beside_heads(sums[rows], sums, 1) * sums["heads"])

    return compute


FAMILY: Final = Family(
    "surface",
    "Surface patterns",
    sums=(
        Sum("received_all_by_special", (*HEAD, "special"), Quantity.RECEIVED_ALL, "special"),
        Sum("even_received_all_by_special", ("special",), Quantity.EVEN_RECEIVED_ALL, "special"),
        Sum("to_separators_sum", (*HEAD, "attending"), Quantity.TO_SEPARATORS),
        Sum("to_separators_even_sum", ("attending",), Quantity.EVEN_TO_SEPARATORS),
        Sum("to_separators_rows", ("attending",), Quantity.SEPARATOR_ROWS),
        Sum("neighbour_sum", (*HEAD, "neighbour"), Quantity.NEIGHBOURS),
        Sum("neighbour_even_sum", ("neighbour",), Quantity.EVEN_NEIGHBOURS),
        Sum("neighbour_rows", ("neighbour",), Quantity.NEIGHBOUR_ROWS),
    ),
    results=(
        Result(
            "special_attention", (*HEAD, "special"), "1", "share", "All attention, by the kind of piece",
            "Σ over all rows and all columns of the kind of α ÷ rows",
            lambda sums: partition(sums["received_all_by_special"]), CLARK_SPECIAL,
            heading="All attention to {} pieces", chance="special_attention_uniform", null_in=True,
            help="Null pieces are in, unlike in attention by label. Kinds: the first piece, where it is the template's "
            "or null; separators, the template's other pieces; full stops and commas; all others.",
        ),
        Result(
            "special_attention_uniform", ("special",), "1", "share", "All of even attention, by the kind of piece",
            "Σ over all rows of (pieces of the kind ÷ pieces) that the row may attend to, ÷ rows",
            lambda sums: partition(sums["even_received_all_by_special"]), "",
            heading="All of even attention to {} pieces", help=_EVEN, caption=EVEN,
        ),
        Result(
            "separator_attention", (*HEAD, "attending"), "1", "share", "Attention to separators",
            "Σ α from rows that are (are not) separators to separators ÷ these rows, of units that have a separator",
            _of_rows("to_separators_sum", "to_separators_rows"), CLARK_SPECIAL,
            heading="Attention to separators from {} pieces", chance="separator_attention_uniform", null_in=True,
            help="Separators are the pieces of the tokenizer's template but the first. Where nearly all of a head's "
            "attention is here, from separators too, it may rest on them for want of anything to do. No value where no "
            "unit has one.",
        ),
        Result(
            "separator_attention_uniform", ("attending",), "1", "share", "Even attention to separators",
            "mean over these rows of (separators ÷ pieces) that the row may attend to",
            lambda sums: ratio(sums["to_separators_even_sum"], sums["to_separators_rows"]), "",
            heading="Even attention to separators from {} pieces", help=_EVEN, caption=EVEN,
        ),
        Result(
            "neighbour_attention", (*HEAD, "neighbour"), "1", "share", "All attention to a neighbour",
            "Σ α[i, i−1], α[i, i], α[i, i+1] ÷ rows that have such a piece",
            _of_rows("neighbour_sum", "neighbour_rows"), CLARK,
            heading="All attention to the {} piece", chance="neighbour_attention_uniform", null_in=True,
            help="Null neighbours are in. Above 50%: a head of that neighbour. No value for next pieces where the "
            "model sees none.",
        ),
        Result(
            "neighbour_attention_uniform", ("neighbour",), "1", "share", "Even attention to a neighbour",
            "mean over these rows of 1 ÷ pieces that the row may attend to",
            lambda sums: ratio(sums["neighbour_even_sum"], sums["neighbour_rows"]), "",
            heading="Even attention to the {} piece", help=_EVEN, caption=EVEN,
        ),
    ),
)  # fmt: skip
