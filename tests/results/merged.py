"""A merged state of random sums, and the results of it, with labels that spreadsheets would take for formulas."""

import numpy as np
import xarray as xr

from attnmetrics.results.dataset import dataset
from attnmetrics.statistics.states import Dims, State, packed_size

HOSTILE = ("=1+1", "+x", "-LRB-", "@sum", "\ttab", "\rreturn", 'a,"b"\nc')
DIMS = Dims(layer=(1, 4), head=3, pos=("NOUN", *HOSTILE, "_"), rel=("nsubj:pass", "été", "_"))


def merged_state() -> State:
    vector = np.random.default_rng(0).integers(1, 100, packed_size(DIMS)).astype(float)
    found = State.unpack(DIMS, vector)
    found["entropy_rows"][0, 1] = 0
    return found


def merged_results(state: State) -> xr.Dataset:
    return dataset(state, np.ones((2, 3)), np.full((2, 3), 2.0), 40)
