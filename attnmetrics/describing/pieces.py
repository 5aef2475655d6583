"""Which type of pieces each head attends to most, of those that `tokens.parquet` lists."""

from typing import Final

import pandas as pd

MORE: Final = 2.5
"""Times what even attention would give: of a type that gets most of a head's attention, but less, there are many."""


def most_attended(tokens: pd.DataFrame) -> pd.DataFrame:
    """Columns layer, head, piece: of the types that a head lists as attended to, the one with most of its attention.

    Heads whose most attended type is no more than frequent are left out.

    Args:
        tokens: rows of `tokens.parquet`.
    """
    attended = tokens[tokens["side"] == "key"].sort_values("attention", ascending=False, kind="stable")
    firsts = attended.drop_duplicates(["layer", "head"])
    return firsts[firsts["lift"] >= MORE][["layer", "head", "piece"]]
