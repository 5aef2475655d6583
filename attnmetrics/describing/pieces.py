"""Which type of pieces each head attends to most, of those that `tokens.parquet` lists."""

from typing import Final

import pandas as pd

MORE: Final = 2.5
"""Times what even attention would give: of a type that gets most of a head's attention, but less, there are many."""
PART: Final = 0.1
"""Share of a head's attention that a type needs, to be told of it."""


def most_attended(tokens: pd.DataFrame, mass: pd.Series) -> pd.DataFrame:
    """Columns layer, head, piece: of the types that a head lists as attended to, the one with most of its attention.

    Heads whose most attended type is no more than frequent, or gets little of their attention, are left out.

    Args:
        tokens: rows of `tokens.parquet`.
        mass: by layer and head, Σ F over the units that the tokens are of.
    """
    attended = tokens[tokens["side"] == "key"].sort_values("attention", ascending=False, kind="stable")
    firsts = attended.drop_duplicates(["layer", "head"])
    heads = pd.MultiIndex.from_frame(firsts[["layer", "head"]])
    part = firsts["attention"].to_numpy(float) / mass.reindex(heads).to_numpy(float)
    return firsts[(firsts["lift"] >= MORE) & (part >= PART)][["layer", "head", "piece"]]
