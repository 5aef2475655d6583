"""From merged statistics to every result: pure formulas, no model and no text.

With M = Σ F the attention mass of a head, shares are a sum of F over some pairs ÷ M. The tables that partition all
pairs (by tag, by relation, by offset) are divided by their own total, which equals M mathematically, so that they sum
to 1 in floating point as well. Zero evidence gives NaN.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnmetrics.statistics.schema import DIRECTIONS, HEAD, NEAR_DISTANCE, PER_HEAD, RESULTS, STATISTICS
from attnmetrics.statistics.states import State

Array = NDArray[np.float64]
Sums = Mapping[str, Array]

PARTITIONS = {
    "pos_to": "received_by_pos",
    "pos_from": "given_by_pos",
    "dependency_type_to": "received_by_rel",
    "attention_at_offset": "offset_sum",
}
"""Share table → the statistic that it divides by its own total."""

CONSTANT = 1e-13
"""Values that vary by less than this, relative to their size, have no correlation."""


def results(state: State, deviation: Array, prefix_mass: Array, variability_sentences: int) -> dict[str, NDArray[Any]]:
    """Every result of `schema.RESULTS`, and `<name>_by_layer` for every one of `schema.PER_HEAD`.

    Args:
        state: the merged statistics.
        deviation: [layer, head] Σ |F − F̄| over the prefix blocks (`variability.deviations`).
        prefix_mass: [layer, head] Σ F over the same blocks.
        variability_sentences: number of sentences whose blocks these were.
    """
    sums: dict[str, Array] = {**state.sums, "deviation": deviation, "prefix_mass": prefix_mass}
    found = {**_per_head(sums), **_corpus(sums)}
    found["variability_sentences"] = np.asarray(variability_sentences)
    found |= _over_heads(found)
    by_layer = _per_head(_summed_over_heads(sums))
    found |= {f"{result.name}_by_layer": by_layer[result.name] for result in PER_HEAD}
    dtypes = {result.name: result.dtype for result in RESULTS}
    return {name: value.astype(dtypes[name.removesuffix("_by_layer")]) for name, value in found.items()}


def ratio(numerator: Array, denominator: Array) -> Array:
    """Numerator ÷ denominator; NaN where the denominator is 0."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    share = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=share, where=denominator != 0)
    return share


def _summed_over_heads(sums: Sums) -> dict[str, Array]:
    """The statistics of a layer: [layer, …] from [layer, head, …]."""
    per_head = {statistic.name for statistic in STATISTICS if statistic.dims[:2] == HEAD} | {"deviation", "prefix_mass"}
    return {name: sums[name].sum(axis=1) for name in per_head}


def _per_head(sums: Sums) -> dict[str, Array]:
    """Results of each head (or of each layer: leading dimensions are free)."""
    mass = sums["given_sum"]
    return {
        "null_attention": ratio(sums["null_sum"], sums["null_sum"] + mass),
        "attention_mass": mass,
        "dependency_alignment": ratio(_with_either(sums["dependency_sum"]), mass[..., None]),
        "variability": ratio(sums["deviation"], 2 * sums["prefix_mass"]),
        "distance": ratio(sums["span_sum"], mass),
        "entropy": ratio(sums["entropy_sum"], sums["entropy_rows"]),
        "entropy_rows": sums["entropy_rows"],
        **{name: _partition(sums[statistic]) for name, statistic in PARTITIONS.items()},
    }


def _partition(sums: Array) -> Array:
    """Shares along the last axis."""
    return ratio(sums, sums.sum(axis=-1, keepdims=True))


def _with_either(edges: Array) -> Array:
    """[…, direction] from […, edge]."""
    return np.concatenate([edges, edges.sum(axis=-1, keepdims=True)], axis=-1)


def _corpus(sums: Sums) -> dict[str, Array]:
    """Results of the corpus as this tokenizer cuts it."""
    pairs = sums["dependency_pairs"]
    return {
        **{name: sums[name] for name in ("sentences", "pieces", "sentences_cut", "pieces_unaligned", "piece_pairs")},
        "pieces_per_sentence": ratio(sums["pieces"], sums["sentences"]),
        "dependency_pairs": pairs,
        "dependency_probability": ratio(pairs, sums["piece_pairs"]),
        "mean_dependency_distance": ratio(sums["dependency_distance_sum"], pairs.sum()),
        "dependency_within_18": ratio(pairs[: NEAR_DISTANCE + 1].sum(), pairs.sum()),
        "dependency_baseline": ratio(_with_either(sums["attendable_dependency_pairs"]), sums["attendable_pairs"]),
    }


def _over_heads(found: Mapping[str, Array]) -> dict[str, Array]:
    """Correlations and spread over all heads of the model."""
    distance = found["distance"].ravel()
    entropy_r, entropy_p = _pearson(distance, found["entropy"].ravel())
    alignment = found["dependency_alignment"][..., DIRECTIONS.index("either")]
    alignment_r, alignment_p = _pearson(distance, alignment.ravel())
    finite = distance[np.isfinite(distance)]
    spread = np.std(finite, ddof=1) if len(finite) > 1 else np.nan
    named = {
        "distance_entropy_r": entropy_r,
        "distance_entropy_p": entropy_p,
        "distance_alignment_r": alignment_r,
        "distance_alignment_p": alignment_p,
        "distance_sd": spread,
    }
    return {name: np.asarray(value) for name, value in named.items()}


def _pearson(x: Array, y: Array) -> tuple[float, float]:
    """Pearson's r and its two-sided p over the heads that have both; NaN for fewer than three, or a constant."""
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < 3 or _is_constant(x) or _is_constant(y):
        return np.nan, np.nan
    from scipy.stats import pearsonr  # imported late: it takes as long as all the rest that opens finished results

    r, p = pearsonr(x, y)
    return float(r), float(p)


def _is_constant(x: Array) -> bool:
    return bool(np.ptp(x) <= CONSTANT * np.max(np.abs(x)))
