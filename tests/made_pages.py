"""Made-up pages with all that pages may have: roles, answers to claims, typical sentences, tokens, intervals, and what
later stages find."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from clark_tables import with_coreference, with_relations
from comparisons import comparison
from synthetic import attention, dataset, exemplars, facts, intervals

from attnmetrics.describing.frame import roles_frame
from attnmetrics.describing.rules import read_rules
from attnmetrics.metrics.importance import Layout
from attnmetrics.results.by import join_values
from attnmetrics.results.importance import importance_dataset, join
from attnmetrics.results.joined import with_intervals
from attnmetrics.running.roles import roles_by_evidence
from attnmetrics.views.atlas.page import render
from attnmetrics.views.comparison.page import render as render_comparison

SIZES = ((6, 6), (30, 9), (48, 25))
"""Layers and heads of models."""
COMPARED = ("null_attention", "pos_to", "dependency_alignment", "entropy", "attention_at_offset", "sentences")
"""Results of a comparison, and their twins by layer."""
SPLIT = ("sentences", "pieces", "null_attention", "null_attention_by_layer", "pos_to", "pos_to_by_layer")
"""Results by a field."""
CLAIM = "pos_to:DET"


@cache
def atlas(layers: int, heads: int) -> str:
    data = _results(layers, heads)
    frame, tokens = _sentences(data), _tokens(layers, heads)
    roles = roles_by_evidence(data, roles_frame(read_rules(None), data), None)
    shown = with_intervals(data, intervals(data, 0.1))
    return render(shown, frame, attention(frame[frame["bucket"] == "top"]), _facts(), tokens=tokens, roles=roles)


def pages_of_atlas(layers: int, heads: int) -> tuple[str, ...]:
    """An address of every kind of page, and of every state of one that looks otherwise."""
    head = f"#/head/{layers - 2}/{heads - 1}"
    return (
        "#/", "#/?map=pos_to&label=NOUN", "#/metrics", "#/metric/distance", "#/metric/pos_to", "#/metric/pos_to/NOUN",
        "#/metric/dependency_type_to", "#/metric/dependency_alignment", "#/metric/importance", "#/metric/nothing",
        head, f"{head}?sentences=typical", f"{head}?claim={CLAIM}&labels=dependency_type_to", "#/find",
        "#/find?y=pos_to&x=dependency_alignment&c=entropy", "#/find?q=syntax", "#/similarity", "#/similarity?c=cluster",
        "#/paper", "#/paper/clark-2019", "#/relation", "#/relation/obj", "#/coreference", "#/run",
    )  # fmt: skip


@cache
def split(layers: int, heads: int) -> str:
    """By a field of three values, one of them long."""
    names = ("news", "song", "letters of the nineteenth century")
    parts = {name: dataset(layers, heads, seed=seed)[list(SPLIT)] for seed, name in enumerate(names)}
    by = join_values("genre", parts)
    bounds = {name: ((*by[name].dims, "bound"), by[name].to_numpy()[..., None] * [0.9, 1.1], {"groups": 12})
              for name in SPLIT if name not in ("sentences", "pieces")}  # fmt: skip
    by = with_intervals(by, xr.Dataset(bounds, attrs={"reason": "", "confidence": 0.95, "unsure_below": 20}))
    data = dataset(layers, heads)
    frame = exemplars(data)
    return render(with_intervals(data, intervals(data, 0.1)), frame, attention(frame), _facts(), by=[by])


def pages_of_split(layers: int, heads: int) -> tuple[str, ...]:
    return ("#/by", "#/by/genre/null_attention", "#/by/genre/pos_to", "#/by/genre/pos_to/NOUN", "#/metric/pos_to/NOUN",
            f"#/head/{layers - 1}/{heads - 1}")  # fmt: skip


@cache
def compared(layers: int, heads: int) -> str:
    names = ("base", "step 1", "a longer name of the last run")
    keep = [name for base in COMPARED for name in (base, f"{base}_by_layer") if base != "sentences" or name == base]
    return render_comparison(comparison(names, layers, heads, axis=("step", (0, 1000, 4000)), keep=keep))


def pages_of_comparison(layers: int, heads: int) -> tuple[str, ...]:
    return ("#/", "#/metrics", "#/metric/entropy", "#/metric/pos_to", "#/metric/pos_to/NOUN", "#/heads",
            f"#/head/{layers - 2}/{heads - 1}", "#/runs")  # fmt: skip


def _facts() -> dict[str, Any]:
    """With paths as long as clusters have them."""
    path = (
        "/srv/scratch/projects/attention_heads_of_all_models/2026-11/corpora/wikipedia_english_sample/part_0001.jsonl"
    )
    made = facts()
    return made | {"corpus": made["corpus"] | {"paths": [path]}, "annotator": {"name": path.replace("/part", "part")}}


def _results(layers: int, heads: int) -> xr.Dataset:
    data = with_coreference(with_relations(dataset(layers, heads, causal=False, nan_heads=((1, 2),))))
    data["null_attention"][2, 1] = 0.99
    random, layout = np.random.default_rng(0), Layout(tuple(range(layers)), heads, "digest")
    sums = {name: random.random(shape) + 0.5 for name, shape in layout.shapes.items()}
    numbers = {"units": 8.0, "units_without_loss": 2.0, "predicted": 1234.0, "loss": 20.0}
    sums |= {name: np.asarray(value) for name, value in numbers.items()}
    return join(data, importance_dataset(layout, sums, "sentence", {"masking": None, "loss": "mean"}))


def _sentences(data: xr.Dataset) -> pd.DataFrame:
    """Of every head the strongest, typical ones, and those that answer a claim."""
    strongest = exemplars(data, 10)
    few = strongest[strongest["rank"] <= 2]
    typical = [few.assign(bucket=bucket) for bucket in ("0-20", "40-60", "80-100")]
    return pd.concat([strongest, few.assign(claim=CLAIM), *typical], ignore_index=True)


def _tokens(layers: int, heads: int) -> pd.DataFrame:
    columns = ["layer", "head", "side", "rank", "piece", "piece_id", "attention", "occurrences", "lift"]
    one = [
        (side, rank + 1, f"Ġ{word}", rank, 5.0, 1200 - rank, lift)
        for side, lift in (("key", 2.5), ("query", 0.75))
        for rank, word in enumerate(("the", "of", "Donaudampfschiffahrtsgesellschaft", "<b>", ",", "it", "a", "in"))
    ]
    return pd.DataFrame([(a, b, *row) for a in range(layers) for b in range(heads) for row in one], columns=columns)
