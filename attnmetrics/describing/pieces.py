"""Which piece each head attends to most, of the types that `tokens.parquet` lists."""

import pandas as pd


def most_attended(tokens: pd.DataFrame) -> pd.DataFrame:
    """Columns layer, head, piece: of the types that a head lists as attended to, the one with most of its attention.

    Args:
        tokens: rows of `tokens.parquet`.
    """
    attended = tokens[tokens["side"] == "key"].sort_values("attention", ascending=False, kind="stable")
    return attended.drop_duplicates(["layer", "head"])[["layer", "head", "piece"]]
