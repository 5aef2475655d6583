"""How heads are called in other programs."""

import pandas as pd


def head_name(layer: int, head: int) -> str:
    """As people who work on single heads write it, both counted from 0.

    >>> head_name(5, 1)
    'L5H1'
    """
    return f"L{layer}H{head}"


def with_names(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with the columns `layer` and `head`, behind their heads' names; likewise for the others of pairs."""
    for prefix in ("other_", ""):
        columns = [f"{prefix}layer", f"{prefix}head"]
        if set(columns) <= set(frame.columns):
            names = [head_name(*place) for place in zip(*(frame[name].tolist() for name in columns), strict=True)]
            frame.insert(frame.columns.get_loc(columns[0]), f"{prefix}head_name", names)
    return frame
