"""Which rows of `exemplars.parquet`, and of the attention in them, are shown where."""

import pandas as pd


def strongest(frame: pd.DataFrame) -> pd.DataFrame:
    """Those of every head's strongest pairs, that answer no claim."""
    return of_claim(frame, "")


def of_claim(frame: pd.DataFrame, claim: str) -> pd.DataFrame:
    """Those that answer a claim, such as `pos_to:DET`."""
    return frame[(frame["claim"] == claim) & (frame["bucket"] == "top")]
