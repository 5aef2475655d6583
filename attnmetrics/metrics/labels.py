"""For any label of pieces: the share of attention to each name, from each name, and what even attention would give."""

from collections.abc import Callable

from attnmetrics.metrics.family import EVEN, HEAD, PAPER, Array, Family, Label, Quantity, Result, Sum, Sums
from attnmetrics.metrics.ratios import partition

IN_PAPER = {
    "pos": (f"{PAPER}, Eq. 3, Fig. 6, A.1", f"{PAPER}, Fig. 7, A.2"),
    "rel": (f"{PAPER}, Fig. 9", PAPER),
}
"""Where the paper has the two tables of a label; it has those of no other."""


def label_family(label: Label) -> Family:
    """The sums and results of a label."""
    name, dims = label.name, (*HEAD, label.name)
    return Family(
        "labels",
        f"By {label.title}",
        sums=(
            Sum(f"received_by_{name}", dims, Quantity.RECEIVED, name),
            Sum(f"given_by_{name}", dims, Quantity.GIVEN, name),
            Sum(f"even_received_by_{name}", (name,), Quantity.EVEN_RECEIVED, name),
            Sum(f"even_given_by_{name}", (name,), Quantity.EVEN_GIVEN, name),
        ),
        results=(*_results_of_heads(label), *_results_of_even_attention(label)),
    )


def _results_of_heads(label: Label) -> tuple[Result, ...]:
    name, of, stem, one, dims = label.name, label.title, label.stem, _one(label), (*HEAD, label.name)
    to_source, from_source = IN_PAPER.get(name, ("", ""))
    return (
        Result(
            f"{stem}_to", dims, "1", "share", f"Attention to {one}", f"Σ F[i,j]·1({name}(j)=name) ÷ M",
            _shares(f"received_by_{name}"), to_source, heading="Attention to {}", chance=f"{stem}_to_uniform",
            help=f"High: heads that look at pieces of this {of}.",
        ),
        Result(
            f"{stem}_from", dims, "1", "share", f"Attention from {one}", f"Σ F[i,j]·1({name}(i)=name) ÷ M",
            _shares(f"given_by_{name}"), from_source, heading="Attention from {}", chance=f"{stem}_from_uniform",
            help=f"High: heads that do their looking from pieces of this {of}.",
        ),
    )  # fmt: skip


def _results_of_even_attention(label: Label) -> tuple[Result, ...]:
    name, stem, one = label.name, label.stem, _one(label)
    return (
        Result(
            f"{stem}_to_uniform", (name,), "1", "share", f"Even attention to {one}",
            f"Σ_i (attendable pieces j with {name}(j)=name ÷ pieces that i may attend to) ÷ the same over all j",
            _shares(f"even_received_by_{name}"), "", heading="Even attention to {}",
            help="What attention that is spread evenly would give: a head that looks nowhere in particular.",
            caption=EVEN,
        ),
        Result(
            f"{stem}_from_uniform", (name,), "1", "share", f"Even attention from {one}",
            f"Σ over i with {name}(i)=name of (attendable pieces ÷ pieces to attend to) ÷ the same over all i",
            _shares(f"even_given_by_{name}"), "", heading="Even attention from {}",
            help="What attention that is spread evenly would give: a head that looks nowhere in particular.",
            caption=EVEN,
        ),
    )  # fmt: skip


def _one(label: Label) -> str:
    """With its article: "a part of speech", "an animacy"."""
    return f"{'an' if label.title[0] in 'aeiou' else 'a'} {label.title}"


def _shares(name: str) -> Callable[[Sums], Array]:
    return lambda sums: partition(sums[name])
