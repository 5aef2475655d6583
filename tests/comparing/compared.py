"""Sides of made-up sums, as runs of a small model are."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from schemas import small_schema

from attnmetrics.describing.frame import COLUMNS
from attnmetrics.metrics.schema import Schema
from attnmetrics.results.dataset import dataset
from attnmetrics.results.sides import Side
from attnmetrics.statistics.groups import GroupSums
from attnmetrics.statistics.states import State

SCHEMA = small_schema((0, 2), 3)
SHARDS = 10
PLANTED = 1, 2
"""Places of the layer and head whose attention to null pieces depends on the model."""


@cache
def make_side(
    name: str,
    model: int,
    corpus: str = "same",
    shards: int = SHARDS,
    schema: Schema = SCHEMA,
    rests_from: int | None = None,
) -> Side:
    """A side whose models differ in the head `PLANTED`, and in little else.

    In shards from `rests_from` on, all heads attend to null pieces alone.
    """
    groups, total = GroupSums(schema, shards), State.zero(schema)
    grid = (len(schema.layers), schema.heads)
    own = {"deviation_sum": np.ones(grid), "prefix_sum": np.full(grid, 2.0), "variability_sentences": np.ones(())}
    for shard in range(shards):
        state = _state(schema, (sum(corpus.encode()), shard), (model, shard))
        state["null_sum"][PLANTED] *= 1 + bool(model)
        if rests_from is not None and shard >= rests_from:
            _rest(state, ...)
        groups.add(shard, state)
        groups.add_merged(shard, own)
        total = total.merge(state)
    results = dataset(schema, {**total.sums, **{key: shards * one for key, one in own.items()}})
    return Side(
        name=name,
        schema=schema,
        results=results,
        groups=lambda: groups,
        corpus=corpus,
        definitions={"layers": "0, 2", "heads of a layer": "3", "unit": "sentence", "null pieces": "first"},
        settings={"dtype": "float32"},
        intervals=_intervals(results),
        roles=roles_of(model),
        place=f"/runs/{name}",
    )


def _intervals(results: xr.Dataset) -> xr.Dataset:
    """Of tags and distances alone, as wide as these are."""
    bound = xr.DataArray([0.9, 1.1], {"bound": ["low", "high"]}, "bound")
    return (results[["pos_to", "distance"]] * bound).assign_attrs(confidence=0.95)


def _state(schema: Schema, text: tuple[int, int], model: tuple[int, int]) -> State:
    """Sums that depend most on the text; a head of the first layer attends to nothing that is not null."""
    of_text, of_model = np.random.default_rng(text), np.random.default_rng(model)
    shapes = schema.shapes.items()
    sums = {name: of_text.gamma(3, 3, shape) * of_model.uniform(0.95, 1.05, shape) for name, shape in shapes}
    state = State(schema, sums)
    _rest(state, (0, 1))
    return state


def _rest(state: State, heads: Any) -> None:
    """Have these heads attend to null pieces alone."""
    for name in ("given_sum", "entropy_sum", "entropy_rows", "span_sum", "received_by_pos"):
        state[name][heads] = 0


def roles_of(model: int) -> pd.DataFrame:
    """The head `PLANTED` is previous in the first model, inactive in others; one head has no role, one the same."""
    rows = [
        (0, 0, "", ""),
        (0, 1, "own piece", ""),
        (2, 2, "nearly switched off" if model else "part of speech", "" if model else "NOUN"),
    ]
    frame = pd.DataFrame(rows, columns=["layer", "head", "role", "detail"])
    return frame.reindex(columns=list(COLUMNS)).assign(contradicts="", sentence="")


def told(view: object, width: int) -> str:
    """What a terminal of this width shows."""
    from io import StringIO

    from rich.console import Console

    console = Console(file=StringIO(), width=width)
    console.print(view)
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


def values(table: xr.DataArray) -> np.ndarray:
    return np.asarray(table.to_numpy(), np.float64)
