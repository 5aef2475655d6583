"""A merged state of random sums, and the results of it, with labels that spreadsheets would take for formulas."""

import numpy as np
import xarray as xr

from attnmetrics.metrics.schema import LABELS, LINKS, SPECIAL, Schema
from attnmetrics.results.dataset import dataset
from attnmetrics.statistics.states import State

HOSTILE = ("=1+1", "+x", "-LRB-", "@sum", "\ttab", "\rreturn", 'a,"b"\nc')
NAMES = {"pos": ("NOUN", *HOSTILE, "_"), "rel": ("nsubj:pass", "été", "_"), "special": SPECIAL}
SCHEMA = Schema((1, 4), 3, LABELS, LINKS, NAMES)


def merged_sums() -> dict[str, np.ndarray]:
    vector = np.random.default_rng(0).integers(1, 100, SCHEMA.size).astype(float)
    state = State.unpack(SCHEMA, vector)
    state["entropy_rows"][0, 1] = 0
    extra = {
        "deviation_sum": np.ones((2, 3)),
        "prefix_sum": np.full((2, 3), 2.0),
        "variability_sentences": np.array(40),
    }
    return {**state.sums, **extra}


def merged_results(sums: dict[str, np.ndarray]) -> xr.Dataset:
    return dataset(SCHEMA, sums)
