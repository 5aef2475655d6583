"""For any link between pieces: how much attention follows it, beside what pairs, even attention and distances give.

The *baseline* is the paper's orange line, the share of attendable pairs that are linked. *Uniform* is what attention
has that is spread evenly over all pieces that a row may attend to. *Expected* is what the head's distances alone would
give: its attention at each offset, times the share of pairs at this offset that are linked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from attnmetrics.metrics.distance import attention_at_offset
from attnmetrics.metrics.family import HEAD, PAPER, Array, Family, Link, Quantity, Result, Sum, Sums
from attnmetrics.metrics.null import attention_mass
from attnmetrics.metrics.ratios import beside_heads, once_a_head, ratio, with_either

LONG_UNITS = "In long windows most pairs lie at the ends, which hold all beyond."


def link_family(link: Link) -> Family:
    """The sums and results of a link."""
    name, of, formulas = link.name, link.title, _Formulas(link.name, bool(link.edges))
    edge, direction = (("edge",), ("direction",)) if link.edges else ((), ())
    source = f"{PAPER}, Eq. 4, Fig. 8" if name == "dependency" else ""

    def share(
        suffix: str, dims: tuple[str, ...], title: str, formula: str, compute: Callable[[Sums], Array], help: str,
        chance: str = "", source: str = "", kind: Literal["share", "count"] = "share", unit: str = "1",
    ) -> Result:  # fmt: skip
        heading = f"{title}: {{}}" if dims[-1:] == ("direction",) else ""
        return Result(f"{name}_{suffix}", dims, unit, kind, title, formula, compute, source, help, heading, chance)

    return Family(
        "links",
        f"Along links: {of}",
        sums=(
            Sum(f"{name}_sum", (*HEAD, *edge), Quantity.LINKED, name),
            Sum(f"{name}_even_sum", edge, Quantity.EVEN_LINKED, name),
            Sum(f"{name}_pairs_at_offset", (*edge, "offset"), Quantity.PAIRS_AT_OFFSET, name),
            Sum(f"{name}_rows_sum", direction, Quantity.ROWS, name),
        ),
        results=(
            share(
                "alignment", (*HEAD, *direction), f"Attention along links: {of}", "Σ F over linked pairs ÷ M",
                formulas.alignment, "Read it beside what the head's distances alone would give (expected): a head that "
                "looks nearby follows many links without knowing them.", f"{name}_expected", source,
            ),
            share(
                "expected", (*HEAD, *direction), f"Expected from distances alone: {of}",
                "Σ over offsets of attention_at_offset × the share of attendable pairs there that are linked",
                formulas.expected, "What a head with these distances would give, wherever else it looks.",
            ),
            share(
                "excess", (*HEAD, *direction), f"Beyond what distances give: {of}", "alignment − expected",
                formulas.excess, "Heads that follow these links more than their distances explain.",
            ),
            share(
                "attention", (*HEAD, *direction), f"Attention to linked pieces: {of}",
                "Σ F over linked pairs ÷ rows that have at least one attendable partner", formulas.attention,
                "Read it against even attention, times what the head leaves off null pieces.",
                f"{name}_attention_uniform",
            ),
            share(
                "baseline", direction, f"Pairs that are linked: {of}", "share of attendable pairs that are linked",
                formulas.baseline, "The paper's orange line; not what even attention would have.", source=source,
            ),
            share(
                "alignment_uniform", direction, f"Even attention along links: {of}",
                "Σ over linked pairs of 1 ÷ pieces that i may attend to, ÷ the same over attendable pairs",
                formulas.alignment_uniform, "What attention that is spread evenly would give.",
            ),
            share(
                "at_offset", (*direction, "offset"), f"Pairs that are linked, by offset: {of}",
                "linked pairs ÷ attendable pairs, by i−j", formulas.at_offset, LONG_UNITS,
            ),
            share(
                "attention_uniform", direction, f"Even attention to linked pieces: {of}",
                "mean over rows that have an attendable partner of partners ÷ pieces that the row may attend to",
                formulas.attention_uniform, "What attention that is spread evenly would give.",
            ),
            share(
                "rows", direction, f"Pieces with a linked piece: {of}",
                "rows that have at least one attendable partner", formulas.rows, "", kind="count", unit="rows",
            ),
        ),
    )  # fmt: skip


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
        if self.directed:  # [layer, head, 1, offset] × [1, 1, direction, offset]
            return np.asarray((offsets[..., None, :] * beside_heads(linked, sums, 2)).sum(-1))
        return np.asarray((offsets * beside_heads(linked, sums, 1)).sum(-1))

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
