"""The attention in sentences of which a run kept none: typical ones, and more of the strongest; read by its model."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from attnmetrics.config import build_config
from attnmetrics.measuring.sparse import trace_heads
from attnmetrics.measuring.tracing import chunks_of
from attnmetrics.model.load import Model
from attnmetrics.results.exemplars import attention_frame
from attnmetrics.running.measured import Measured, gather
from attnmetrics.running.merging import committed
from attnmetrics.running.runfile import Facts
from attnmetrics.statistics.listing import Listing
from attnmetrics.statistics.traces import Traces
from attnmetrics.storage import Location
from attnmetrics.store.shards import Store


def read_attention(
    folder: Location, facts: Facts, places: tuple[Sequence[int], Sequence[int]], most: int, load: Callable[[], Model]
) -> pd.DataFrame:
    """The attention in exemplars that the run did not trace, with the columns of `attnmetrics.exemplar_attention`.

    Args:
        folder: the run's.
        facts: what its run.json says.
        places: layers and heads.
        most: exemplars of each head and bucket.
        load: gives the model; not called where there is nothing to read.

    Raises:
        ModelError: the model cannot be loaded.
        StoreError: the run's shards are not all there, or damaged.
    """
    store = Store.described(folder, facts["store"])
    drawn = build_config(facts["configuration"]).drawn_exemplars
    measured = gather(store, committed(store, allow_missing=facts.get("status") == "incomplete"), drawn)
    layers, heads = places
    own = [place for place, layer in enumerate(store.schema.layers) if layer in layers]
    listed = np.flatnonzero(_untraced(measured.listing, drawn, most) & _of_heads(measured.listing, own, heads))
    return attention_frame(_trace(measured, listed, load), measured.listing, store.schema.layers)


def _untraced(listing: Listing, drawn: int, most: int) -> NDArray[np.bool_]:
    rows = listing.rows
    is_wanted = (rows["claim"] == 0) & (rows["rank"] < most)
    return np.asarray(is_wanted & ~listing.is_drawn(drawn))


def _of_heads(listing: Listing, layers: Sequence[int], heads: Sequence[int]) -> NDArray[np.bool_]:
    return np.isin(listing.rows["layer"], layers) & np.isin(listing.rows["head"], heads)


def _trace(
    measured: Measured, listed: NDArray[np.int64], load: Callable[[], Model]
) -> Iterator[tuple[NDArray[np.int64], Traces]]:
    """Rows of the listing, and their traces."""
    chunks = chunks_of(measured.listing, measured.passages, listed)
    models = chain.from_iterable([model] * len(chunks) for model in ([load()] if chunks else []))
    for chunk, model in zip(chunks, models, strict=True):
        yield chunk.listed, trace_heads(model, chunk.units, chunk.wanted)
