"""Which rows of `exemplars.parquet`, and of the attention in them, are shown where."""

from typing import Final

import pandas as pd

TYPICAL: Final = ("0-20", "20-40", "40-60", "60-80", "80-100")
"""The buckets of typical ones, those with the smallest weights first."""


def strongest(frame: pd.DataFrame) -> pd.DataFrame:
    """Those of every head's strongest pairs, that answer no claim."""
    return of_claim(frame, "")


def of_claim(frame: pd.DataFrame, claim: str) -> pd.DataFrame:
    """Those that answer a claim, such as `pos_to:DET`."""
    return best(frame[frame["claim"] == claim])


def best(frame: pd.DataFrame) -> pd.DataFrame:
    """Those with the largest weights, of any claim or none."""
    return frame[frame["bucket"] == "top"]


def typical(frame: pd.DataFrame) -> pd.DataFrame:
    """Those of sampled units, in a bucket by their largest weight."""
    return frame[frame["bucket"].isin(TYPICAL)]


def typical_texts(exemplars: pd.DataFrame) -> list[str]:
    """The texts of typical sentences, each once, in the order of the corpus."""
    rows = typical(exemplars).drop_duplicates(["document", "sentence"]).sort_values(["document", "sentence"])
    return [str(text) for text in rows["text"]]
