"""For any link between pieces: how much attention follows it, beside what pairs, even attention and distances give.

The *baseline* is the paper's orange line, the share of attendable pairs that are linked. *Uniform* is what attention
has that is spread evenly over all pieces that a row may attend to. *Expected* is what the head's distances alone would
give: its attention at each offset, times the share of pairs at this offset that are linked.
"""

from dataclasses import dataclass, replace

import numpy as np

from attnmetrics.metrics.distance import attention_at_offset
from attnmetrics.metrics.family import EVEN, HEAD, PAPER, Array, Family, Link, Quantity, Result, Sum, Sums
from attnmetrics.metrics.null import attention_mass
from attnmetrics.metrics.ratios import beside_heads, once_a_head, ratio, with_either

ENDS = "In long sentences most pairs lie at the ends, which hold all beyond."


def link_family(link: Link) -> Family:
    """The sums and results of a link."""
    results = (*_results_of_heads(link), *_results_of_pairs(link))
    return Family("links", f"Along links: {link.title}", tuple(map(_headed, results)), _sums(link))


def _sums(link: Link) -> tuple[Sum, ...]:
    name, edge = link.name, ("edge",) if link.edges else ()
    return (
        Sum(f"{name}_sum", (*HEAD, *edge), Quantity.LINKED, name),
        Sum(f"{name}_even_sum", edge, Quantity.EVEN_LINKED, name),
        Sum(f"{name}_pairs_at_offset", (*edge, "offset"), Quantity.PAIRS_AT_OFFSET, name),
        Sum(f"{name}_rows_sum", _direction(link), Quantity.ROWS, name),
    )


def _results_of_heads(link: Link) -> tuple[Result, ...]:
    name, of, formulas = link.name, link.title, _Formulas(link.name, bool(link.edges))
    dims = (*HEAD, *_direction(link))
    return (
        Result(
            f"{name}_alignment", dims, "1", "share", f"Attention along links: {of}", "Σ F over linked pairs ÷ M",
            formulas.alignment, _source(link), chance=f"{name}_expected", excess=f"{name}_excess",
            beside=(f"{name}_baseline", f"{name}_alignment_uniform"),
            help="Read it beside what the head's distances alone would give (expected): a head that looks nearby "
            "follows many links without knowing them.",
        ),
        Result(
            f"{name}_expected", dims, "1", "share", f"Expected from distances alone: {of}",
            "Σ over offsets of attention_at_offset × the share of attendable pairs there that are linked",
            formulas.expected, "", help="What a head with these distances would give, wherever else it looks.",
            caption="its distances alone",
        ),
        Result(
            f"{name}_excess", dims, "1", "share", f"Beyond what distances give: {of}", "alignment − expected",
            formulas.excess, "", help="Heads that follow these links more than their distances explain.",
            caption="beyond its distances",
        ),
        Result(
            f"{name}_attention", dims, "1", "share", f"Attention to linked pieces: {of}",
            "Σ F over linked pairs ÷ rows that have at least one attendable partner", formulas.attention, "",
            chance=f"{name}_attention_uniform", chance_off_null=True,
            help="Read it against even attention, times what the head leaves off null pieces. Where most linked pairs "
            "are in few documents, its interval is somewhat too narrow.",
        ),
    )  # fmt: skip


def _results_of_pairs(link: Link) -> tuple[Result, ...]:
    """What no head has a part in."""
    name, of, formulas = link.name, link.title, _Formulas(link.name, bool(link.edges))
    dims = _direction(link)
    return (
        Result(
            f"{name}_baseline", dims, "1", "share", f"Pairs that are linked: {of}",
            "share of attendable pairs that are linked", formulas.baseline, _source(link),
            help="The paper's orange line; not what even attention would have.", caption="all pairs",
        ),
        Result(
            f"{name}_alignment_uniform", dims, "1", "share", f"Even attention along links: {of}",
            "Σ over linked pairs of 1 ÷ pieces that i may attend to, ÷ the same over attendable pairs",
            formulas.alignment_uniform, "", help="What attention that is spread evenly would give.", caption=EVEN,
        ),
        Result(
            f"{name}_at_offset", (*dims, "offset"), "1", "share", f"Pairs that are linked, by offset: {of}",
            "linked pairs ÷ attendable pairs, by i−j", formulas.at_offset, "", help=ENDS,
        ),
        Result(
            f"{name}_attention_uniform", dims, "1", "share", f"Even attention to linked pieces: {of}",
            "mean over rows that have an attendable partner of partners ÷ pieces that the row may attend to",
            formulas.attention_uniform, "", help="What attention that is spread evenly would give.", caption=EVEN,
        ),
        Result(
            f"{name}_rows", dims, "rows", "count", f"Pieces with a linked piece: {of}",
            "rows that have at least one attendable partner", formulas.rows, "",
        ),
    )  # fmt: skip


def _direction(link: Link) -> tuple[str, ...]:
    """The dimension of results, where the link has directions."""
    return ("direction",) if link.edges else ()


def _source(link: Link) -> str:
    """Where the paper has the link."""
    return f"{PAPER}, Eq. 4, Fig. 8" if link.name == "dependency" else ""


def _headed(result: Result) -> Result:
    """With a heading, where it stands at one direction."""
    return replace(result, heading=f"{result.title}: {{}}") if result.dims[-1:] == ("direction",) else result


@dataclass(frozen=True, slots=True)
class _Formulas:
    """A link's results from its sums; […, direction] where it has directions."""

    name: str
    directed: bool

    def alignment(self, sums: Sums) -> Array:
        return ratio(self._linked(sums), self._each(attention_mass(sums)))

    def expected(self, sums: Sums) -> Array:
        offsets = attention_at_offset(sums)
        linked = np.nan_to_num(self.at_offset(sums))
        if self.directed:  # [layer, head, offset] × [1, offset, direction]
            return np.asarray(offsets @ np.swapaxes(beside_heads(linked, sums, 2)[..., 0, :, :], -1, -2))
        return np.asarray(offsets @ beside_heads(linked, sums, 1)[..., 0, :, None])[..., 0]

    def excess(self, sums: Sums) -> Array:
        return self.alignment(sums) - self.expected(sums)

    def attention(self, sums: Sums) -> Array:
        return ratio(self._linked(sums), once_a_head(self.rows(sums), sums, int(self.directed)))

    def baseline(self, sums: Sums) -> Array:
        return ratio(self._pairs(sums).sum(-1), self._each(sums["attendable_at_offset"].sum(-1)))

    def alignment_uniform(self, sums: Sums) -> Array:
        return ratio(self._even(sums), self._each(sums["even_given_sum"]))

    def at_offset(self, sums: Sums) -> Array:
        attendable = sums["attendable_at_offset"]
        return ratio(self._pairs(sums), attendable[..., None, :] if self.directed else attendable)

    def attention_uniform(self, sums: Sums) -> Array:
        return ratio(self._even(sums), self.rows(sums))

    def rows(self, sums: Sums) -> Array:
        return sums[f"{self.name}_rows_sum"]

    def _linked(self, sums: Sums) -> Array:
        return self._directions(sums[f"{self.name}_sum"])

    def _even(self, sums: Sums) -> Array:
        return self._directions(sums[f"{self.name}_even_sum"])

    def _pairs(self, sums: Sums) -> Array:
        """[…, direction, offset]"""
        pairs = sums[f"{self.name}_pairs_at_offset"]
        return np.swapaxes(with_either(np.swapaxes(pairs, -1, -2)), -1, -2) if self.directed else pairs

    def _directions(self, edges: Array) -> Array:
        return with_either(edges) if self.directed else edges

    def _each(self, value: Array) -> Array:
        """For every direction the same."""
        return value[..., None] if self.directed else value
