"""Correlations over heads, with those that are nearly switched off and without them."""

from typing import Final

import numpy as np
import xarray as xr

from attnmetrics.views.evidence import is_off
from attnmetrics.views.heads import per_head
from attnmetrics.views.tables import Labels, values

CORRELATED: Final[dict[str, tuple[str, Labels]]] = {
    "distance_entropy": ("entropy", {}),
    "distance_alignment": ("dependency_alignment", {"direction": "either"}),
}
"""By the stem of the paper's correlations with distance, the other metric, at these labels."""


def over_heads_on(data: xr.Dataset, stem: str) -> tuple[float, float, int] | None:
    """Pearson's r, its two-sided p, and the number of heads that are not nearly switched off and have both values.

    None where none of those that have both is nearly switched off: it is the run's own correlation.
    """
    metric, at = CORRELATED[stem]
    tables = [per_head(data, "distance", {}), per_head(data, metric, at)]
    x, y = (np.array([]) if table is None else values(table).ravel() for table in tables)
    if x.shape != y.shape:
        return None
    both, off = np.isfinite(x) & np.isfinite(y), is_off(data).ravel()
    if not (both & off).any():
        return None
    return *_pearson(x[both & ~off], y[both & ~off]), int((both & ~off).sum())


def _pearson(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """NaN for fewer than three heads, or for a constant."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan, np.nan
    from scipy.stats import pearsonr  # imported late: it takes as long as all the rest that opens finished results

    r, p = pearsonr(x, y)
    return float(r), float(p)


def without_off(data: xr.Dataset, name: str) -> str | None:
    """What is said beside a result, where it is such a correlation and some heads are nearly switched off."""
    stem, _, end = name.rpartition("_")
    found = over_heads_on(data, stem) if stem in CORRELATED and end in ("r", "p") else None
    return None if found is None else f"without heads that are nearly switched off: {in_words(*found)}"


def in_words(r: float, p: float, heads: int) -> str:
    """Example: "r = 0.61, p < 0.001 over 260 heads"."""
    if np.isnan(r):
        return "too few heads for a correlation"
    return f"r = {r:.2f}, {p_value(p)} over {heads} heads".replace("-", "−")


def p_value(p: float) -> str:
    """A p-value as papers write it."""
    return "p unknown" if np.isnan(p) else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
