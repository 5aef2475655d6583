"""Sentences of a head by how strongly it attends in them, with the attention in each, sparse."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd

from attnmetrics.exporting.names import head_name
from attnmetrics.views.exemplars import TYPICAL
from attnmetrics.views.pieces import readable

KEYS: Final = ["layer", "head", "claim", "bucket", "rank"]
"""Columns that say which exemplar a row is."""
BUCKETS: Final = (*TYPICAL, "top")
"""From the weakest to the strongest."""
DECIMALS: Final = 4
"""Of weights."""

Json = dict[str, Any]


def with_attention(exemplars: pd.DataFrame, attention: pd.DataFrame, most: int) -> pd.DataFrame:
    """The exemplars that answer no claim, the first of every bucket, as far as the attention in them is known.

    Args:
        exemplars: as `attnmetrics.exemplars` gives them.
        attention: as `attnmetrics.exemplar_attention` gives it.
        most: of each head and bucket.

    Returns:
        the exemplars' columns, `sequence_id`, and lists `query`, `key`, `alpha`.
    """
    own = exemplars[(exemplars["claim"] == "") & (exemplars["rank"] <= most)]
    traced = attention.rename(columns={"i": "query", "j": "key", "weight": "alpha"}).drop(columns="pieces")
    found = own.merge(traced, on=KEYS, how="inner", validate="one_to_one")
    return found.assign(sequence_id=found.groupby(["document", "sentence"], sort=True).ngroup())


def intervals(frame: pd.DataFrame) -> list[str]:
    """The buckets that there are, the weakest first: the first is interval 1."""
    present = set(frame["bucket"])
    return [bucket for bucket in BUCKETS if bucket in present]


def sequences(rows: pd.DataFrame, buckets: Sequence[str]) -> list[Json]:
    """Those of one head, the strongest bucket first, as HeadVis's data contract has them, and where each is from."""
    number = {bucket: place + 1 for place, bucket in enumerate(buckets)}
    found = [_sequence(row, number[row["bucket"]]) for row in rows.to_dict("records")]
    return sorted(found, key=lambda one: -one["interval"])


def _sequence(row: dict[str, Any], interval: int) -> Json:
    tokens = _spell(tuple(row["pieces"]), row["text"])
    query, key = (np.asarray(row[name], np.int64) for name in ("query", "key"))
    weights = np.round(np.asarray(row["alpha"], np.float64), DECIMALS)
    return {
        "sequence_id": int(row["sequence_id"]),
        "interval": interval,
        "tokens": list(tokens),
        "attention_indices": (query * len(tokens) + key).tolist(),
        "attention_values": weights.tolist(),
        "seq_len": len(tokens),
        "max_activation": largest(query, key, weights),
        "bucket": row["bucket"],
        "document": row["document"],
        "sentence": int(row["sentence"]),
        "largest_f": round(float(row["weight"]), DECIMALS),
    }


@lru_cache(maxsize=1024)
def _spell(pieces: tuple[str, ...], text: str) -> tuple[str, ...]:
    """What the page shows of each; the same for all heads."""
    return tuple(" " * piece.space + piece.running for piece in readable(pieces, text))


def largest(query: np.ndarray[Any, Any], key: np.ndarray[Any, Any], weights: np.ndarray[Any, Any]) -> float:
    """The largest weight as the front end finds it: without the first row and the first column; 0 for none."""
    return float(weights[(query > 0) & (key > 0)].max(initial=0))


def head_file(layer: int, head: int) -> str:
    """What a head's file is called."""
    return f"{head_name(layer, head)}.json"
