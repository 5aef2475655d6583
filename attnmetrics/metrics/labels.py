"""For any label of pieces: the share of attention to each name, from each name, and what even attention would give."""

from collections.abc import Callable

from attnmetrics.metrics.family import HEAD, PAPER, Array, Family, Label, Quantity, Result, Sum, Sums
from attnmetrics.metrics.ratios import partition

PLACES = {
    "pos": (f"{PAPER}, Eq. 3, Fig. 6, A.1", f"{PAPER}, Fig. 7, A.2"),
    "rel": (f"{PAPER}, Fig. 9", PAPER),
}
"""Where the paper has the two tables of a label."""


def label_family(label: Label) -> Family:
    """The sums and results of a label."""
    name, of = label.name, label.title
    a = "an" if of[0] in "aeiou" else "a"
    to_source, from_source = PLACES.get(name, (PAPER, PAPER))
    to, given = f"received_by_{name}", f"given_by_{name}"
    even_to, even_given = f"even_{to}", f"even_{given}"
    stem, dims = label.stem, (*HEAD, name)
    return Family(
        "labels",
        f"By {of}",
        sums=(
            Sum(to, dims, Quantity.RECEIVED, name),
            Sum(given, dims, Quantity.GIVEN, name),
            Sum(even_to, (name,), Quantity.EVEN_RECEIVED, name),
            Sum(even_given, (name,), Quantity.EVEN_GIVEN, name),
        ),
        results=(
            Result(
                f"{stem}_to", dims, "1", "share", f"Attention to {a} {of}", f"Σ F[i,j]·1({name}(j)=name) ÷ M",
                _shares(to), to_source, heading="Attention to {}", chance=f"{stem}_to_uniform",
                help=f"Strong colour: heads that look at pieces of this {of}.",
            ),
            Result(
                f"{stem}_from", dims, "1", "share", f"Attention from {a} {of}", f"Σ F[i,j]·1({name}(i)=name) ÷ M",
                _shares(given), from_source, heading="Attention from {}", chance=f"{stem}_from_uniform",
                help=f"Strong colour: heads that do their looking from pieces of this {of}.",
            ),
            Result(
                f"{stem}_to_uniform", (name,), "1", "share", f"Even attention to {a} {of}",
                f"Σ_i (attendable pieces j with {name}(j)=name ÷ pieces that i may attend to) ÷ the same over all j",
                _shares(even_to), "", heading="Even attention to {}",
                help="What attention that is spread evenly would give: a head that looks nowhere in particular.",
            ),
            Result(
                f"{stem}_from_uniform", (name,), "1", "share", f"Even attention from {a} {of}",
                f"Σ over i with {name}(i)=name of (attendable pieces ÷ pieces to attend to) ÷ the same over all i",
                _shares(even_given), "", heading="Even attention from {}",
                help="What attention that is spread evenly would give: a head that looks nowhere in particular.",
            ),
        ),
    )  # fmt: skip


def _shares(name: str) -> Callable[[Sums], Array]:
    return lambda sums: partition(sums[name])
