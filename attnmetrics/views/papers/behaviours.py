"""Figures 1 and 5 of Clark et al. (2019): heads that show a behaviour, and the exemplars that show it best."""

from dataclasses import dataclass, field
from typing import Final

import pandas as pd
import xarray as xr

from attnmetrics.views.heads import per_head, ranked
from attnmetrics.views.tables import Labels


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What some head does."""

    name: str
    metric: str
    """the highest head of it does it most"""
    at: Labels = field(default_factory=dict)
    claim: str = ""
    """whose exemplars show it; the head's strongest pairs without one"""


BEHAVIOURS: Final = (
    Behaviour("attends broadly", "entropy_all"),
    Behaviour("to the next piece", "neighbour_attention", {"neighbour": "next"}, "next"),
    Behaviour("to separators", "special_attention", {"special": "separator"}, "special_to:separator"),
    Behaviour("to periods and commas", "special_attention", {"special": "punctuation"}, "special_to:punctuation"),
)
"""Of Figure 1."""
_ANSWERS: Final = ("relation:", "coreference:")
"""How the claims of Figure 5 begin."""


def best_head(data: xr.Dataset, behaviour: Behaviour) -> tuple[int, int, float] | None:
    """Layer, head and value of the head that does it most; None where none does."""
    table = per_head(data, behaviour.metric, behaviour.at)
    best = [] if table is None else ranked(table)
    return best[0] if best and best[0][2] > 0 else None


def asked_for(data: xr.Dataset, frame: pd.DataFrame) -> pd.DataFrame:
    """Of exemplars, or of the attention in them, those that the two figures show."""
    kept = frame["claim"].str.startswith(_ANSWERS)
    for behaviour in BEHAVIOURS:
        best = best_head(data, behaviour) if behaviour.claim else None
        if best:
            kept |= (frame["claim"] == behaviour.claim) & (frame["layer"] == best[0]) & (frame["head"] == best[1])
    return frame[kept & (frame["bucket"] == "top")]
