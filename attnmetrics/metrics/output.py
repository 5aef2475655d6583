"""How much a head adds to the residual stream: attention may be large where what it mixes is small."""

from typing import Final

import numpy as np

from attnmetrics.metrics.family import HEAD, Array, Family, Quantity, Result, Sum, Sums
from attnmetrics.metrics.ratios import once_a_head, ratio

SANDOVAL: Final = "after Sandoval-Segura et al. 2026"


def output_norm(sums: Sums) -> Array:
    """Mean over all rows of ‖(z − b) W‖, in the units of the stream."""
    return ratio(sums["norm_sum"], once_a_head(sums["pieces"], sums, 0))


def _relative(sums: Sums) -> Array:
    norms = output_norm(sums)
    return ratio(norms, np.mean(norms, axis=-1, keepdims=True))


FAMILY: Final = Family(
    "output",
    "What heads add",
    sums=(Sum("norm_sum", HEAD, Quantity.NORM),),
    results=(
        Result(
            "output_norm", HEAD, "1", "mean", "Norm of a head's output",
            "mean over rows of ‖(z − b) W‖, z the head's mixed values, b its value bias, W its rows of the output "
            "projection", output_norm, SANDOVAL,
            help="High: heads that change the stream much. No value where the projection cannot be found.",
            null_in=True,
        ),
        Result(
            "output_norm_relative", HEAD, "1", "score", "Norm of a head's output beside its layer",
            "output_norm ÷ its mean over the heads of the layer", _relative, SANDOVAL, layered=False,
            help="1 is the mean of the layer: heads of one layer can be compared, whatever the size of the stream.",
            null_in=True,
        ),
    ),
)  # fmt: skip
