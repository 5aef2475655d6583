"""Which type of pieces each head attends to most, of those that `tokens.parquet` lists."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ALONE: Final = 0.6
"""Share of a head's attention from which on a type is told without the next one."""
MORE: Final = 2.5
"""Times what even attention would give: of a type that gets most of a head's attention, but less, there are many."""
PART: Final = 0.1
"""Share of a head's attention that a type needs, to be told of it."""


def most_attended(tokens: pd.DataFrame, mass: pd.Series) -> pd.DataFrame:
    """Columns layer, head, piece: of the types that a head lists as attended to, the one with most of its attention;
    beneath it the next one, where the first has no clear most of it.

    Heads whose most attended type is no more than frequent, or gets little of their attention, are left out.

    Args:
        tokens: rows of `tokens.parquet`.
        mass: by layer and head, Σ F over the units that the tokens are of.
    """
    attended = tokens[tokens["side"] == "key"].sort_values("attention", ascending=False, kind="stable")
    of_head = attended.groupby(["layer", "head"])
    first, second = of_head.nth(0), of_head.nth(1)
    told = first[(first["lift"] >= MORE) & (_part(first, mass) >= PART)]
    open_ = told[_part(told, mass) < ALONE]
    next_ = second[(second["lift"] >= MORE) & (_part(second, mass) >= PART) & _is_of(second, open_)]
    both = pd.concat([told, next_]).sort_values(["layer", "head"], kind="stable")
    return both[["layer", "head", "piece"]]


def _part(rows: pd.DataFrame, mass: pd.Series) -> NDArray[np.float64]:
    """Share of a head's attention that goes to a type."""
    return np.asarray(rows["attention"].to_numpy(float) / mass.reindex(_heads(rows)).to_numpy(float))


def _is_of(rows: pd.DataFrame, others: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether rows are of heads that others are of."""
    return np.asarray(_heads(rows).isin(_heads(others)))


def _heads(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[["layer", "head"]])
