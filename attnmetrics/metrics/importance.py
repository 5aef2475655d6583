"""How much a loss depends on attention: what a sample of units adds up to, and what is made of it.

A sum of its own, for it needs gradients: a pass that no other result needs, over fewer units (see
`measuring.importance`).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from attnmetrics.metrics.family import HEAD, Array, Result, Sums
from attnmetrics.metrics.ratios import ratio
from attnmetrics.metrics.schema import SPECIAL

CLARK: Final = "after Clark et al. 2019, section 3.2"

KINDS: Final = ("raw", "centred", "weighted")
"""|∂L/∂α|, what is left of it where a constant added to a row counts for nothing, and α times that, |∂L/∂score|."""

SUMS: Final = {
    "gradient_sum": (*HEAD, "special", "kind"),
    "weight_sum": (*HEAD, "special"),
    "value_norm_sum": (*HEAD, "special"),
    "pairs": ("layer", "special"),
    "units": (),
    "units_without_loss": (),
    "predicted": (),
    "loss": (),
}
"""Dimensions of all that a shard adds up; pairs are the same for the heads of a layer."""


@dataclass(frozen=True, eq=False)
class Layout:
    """The shapes of a run's sums (see `statistics.states.Layout`)."""

    layers: tuple[int, ...]
    """layers measured, by their numbers in the model"""
    heads: int
    digest: str
    """of all that the sums depend on"""

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of each sum, in order."""
        sizes = {dim: len(labels) for dim, labels in self.coordinates.items()}
        return {name: tuple(sizes[dim] for dim in dims) for name, dims in SUMS.items()}

    @property
    def coordinates(self) -> dict[str, tuple[str | int, ...]]:
        """The labels of every dimension."""
        return {"layer": self.layers, "head": tuple(range(self.heads)), "special": SPECIAL, "kind": KINDS}


def _importance(sums: Sums) -> Array:
    return ratio(sums["gradient_sum"], sums["pairs"][..., :, None, :, None])


def _per_pair(name: str, sums: Sums) -> Array:
    return ratio(sums[name], sums["pairs"][..., :, None, :])


def _loss(sums: Sums) -> Array:
    return ratio(sums["loss"], sums["units"])


RESULTS: Final = (
    Result(
        "importance", (*HEAD, "special", "kind"), "nats", "mean", "Importance of attention",
        "mean over the pairs (i, j), j of this kind, of |G| (raw), |G − Σ_k α G| (centred), α |G − Σ_k α G| "
        "(weighted); G[i,j] = ∂L/∂α[i,j], L the loss of the sentence",
        _importance, CLARK,
        help="How much the loss would change with a weight. Raw values also depend on what moves no output: a constant "
        "added to all values of a head; centred ones do not, and are small where nearly all of a row is on one piece. "
        "Weighted ones are those of a score, as the weight is now. A mean for each weight: what is attended to much is "
        "no larger for it.",
        heading="Importance of attention to {}",
        layered=False, null_in=True,
    ),
    Result(
        "importance_weight", (*HEAD, "special"), "1", "mean", "Attention weight, where importance is measured",
        "mean over the same pairs of α", lambda sums: _per_pair("weight_sum", sums), CLARK,
        help="How large the weights are whose importance is told.",
        heading="Weight of attention to {}, where importance is measured",
        layered=False, null_in=True,
    ),
    Result(
        "importance_value_norm", (*HEAD, "special"), "1", "mean", "Length of values, where importance is measured",
        "mean over the same pairs of ‖v_j‖", lambda sums: _per_pair("value_norm_sum", sums),
        "after Kobayashi et al. 2020",
        help="G is a product with the value: a small importance may say no more than that values are short.",
        heading="Length of the values of {}, where importance is measured",
        layered=False, null_in=True,
    ),
    Result(
        "importance_pairs", ("layer", "special"), "pairs", "count", "Pairs of pieces, where importance is measured",
        "pairs (i, j), j of this kind, null ones too: i may attend to j, and the loss depends on the output at i",
        lambda sums: sums["pairs"], CLARK,
        help="Causal models: of all rows but a sentence's last. Models that read both ways: in the last layer, of the "
        "rows that are predicted.",
    ),
    Result(
        "importance_units", (), "sentences", "count", "Sentences differentiated", "sentences with something to predict",
        lambda sums: sums["units"], CLARK,
    ),
    Result(
        "importance_units_without_loss", (), "sentences", "count", "Sentences of the sample with nothing to predict",
        "sentences of the sample without a piece to predict", lambda sums: sums["units_without_loss"], CLARK,
    ),
    Result(
        "importance_predicted", (), "pieces", "count", "Pieces predicted",
        "causal models: all but the first of a sentence; others: those that are hidden",
        lambda sums: sums["predicted"], CLARK,
    ),
    Result(
        "importance_loss", (), "nats", "mean", "Loss of a sentence",
        "mean over sentences of L", _loss, CLARK,
        help="How well the model predicts: the gradients are those of this number.",
    ),
)  # fmt: skip


def compute(sums: Sums) -> dict[str, Array]:
    """Every result from merged sums."""
    return {result.name: np.asarray(result.compute(sums)).astype(result.dtype) for result in RESULTS}
