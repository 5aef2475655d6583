"""What is special in a text: the heads whose rows of attention depart most from what they do over the corpus.

A head's profile is its share of attention to null pieces and, of what is left, to each offset. A row departs from it by
the share of its attention that would have to move (total variation, 0 to 1); the offsets that a row cannot reach are
left out of the profile. A head is as special in a text as its mean row departs more than in texts of the run itself, in
standard deviations.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

if TYPE_CHECKING:
    from attnmetrics.model.reading import Attention

FIRST: Final = 3
"""Rows before this one have too few pieces to attend to."""
ROWS: Final = 200
"""Rows that are looked at, evenly spaced, in a longer text."""
NEEDED: Final = ("null_attention", "attention_at_offset")
LEAST_SPREAD: Final = 0.01
"""Of departures in usual texts, so that a head that never departs is not special for next to nothing."""


def profiles(data: xr.Dataset) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """[layer, head, 1 + offset] shares of all attention, null first, and the offsets; None where a run has none."""
    if any(name not in data for name in NEEDED):
        return None
    null = np.nan_to_num(np.asarray(data["null_attention"].values, np.float64), nan=1.0)
    by_offset = np.nan_to_num(np.asarray(data["attention_at_offset"].values, np.float64))
    shares = np.concatenate([null[..., None], (1 - null)[..., None] * by_offset], axis=2)
    return shares, np.asarray(data["offset"].values, np.int64)


def departures(
    found: "Attention", null: NDArray[np.bool_], profile: NDArray[np.float64], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """[layer, head, row] how far rows are from the head's profile, and which rows.

    Args:
        found: the attention in a text.
        null: [n] which pieces are null.
        profile: [layer, head, 1 + offset] as `profiles` gives it.
        offsets: ascending; what is beyond the ends counts there.
    """
    n = len(null)
    first = min(FIRST, n - 1)
    rows = np.unique(np.linspace(first, n - 1, min(ROWS, n - first)).round().astype(np.int64))
    result = np.empty((*profile.shape[:2], len(rows)))
    for place in range(len(found.layers)):
        weights = found.of_layer(place)
        for at, row in enumerate(rows.tolist()):
            result[place, :, at] = _departure(weights[:, row], profile[place], _bins(row, null, offsets))
    return result, rows


def _bins(row: int, null: NDArray[np.bool_], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """[n] the entry of a profile that each attended piece counts in: 0 of null ones."""
    clipped = np.clip(row - np.arange(len(null)), offsets[0], offsets[-1])
    return np.where(null, 0, 1 + np.searchsorted(offsets, clipped))


def _departure(
    weights: NDArray[np.float64], profile: NDArray[np.float64], bins: NDArray[np.int64]
) -> NDArray[np.float64]:
    """[head] of a row [head, piece]."""
    own = np.stack([np.bincount(bins, one, profile.shape[1]) for one in weights])
    reached = np.bincount(bins, (weights > 0).any(0), profile.shape[1]) > 0
    usual = profile * reached
    usual /= np.maximum(usual.sum(1, keepdims=True), 1e-12)
    moved: NDArray[np.float64] = 0.5 * np.abs(own - usual).sum(1)
    return moved


def special(
    found: "Attention", null: NDArray[np.bool_], profile: NDArray[np.float64], offsets: NDArray[np.int64],
    usual: Sequence[NDArray[np.float64]], most: int = 5,
) -> list[dict[str, Any]]:  # fmt: skip
    """The heads that are most special in a text, each with the row that departs most and what it attends to most.

    Args:
        found: the attention in it.
        null: [n] which pieces are null.
        profile: of all heads.
        offsets: of the profile.
        usual: [layer, head] the mean departures in some texts of the run.
        most: how many heads, at most.
    """
    by_row, rows = departures(found, null, profile, offsets)
    mean, spread = np.mean(usual, axis=0), np.maximum(np.std(usual, axis=0), LEAST_SPREAD)
    score = (by_row.mean(2) - mean) / spread
    places = np.argsort(-score, axis=None, kind="stable")[:most].tolist()
    heads = [divmod(place, score.shape[1]) for place in places]
    return [_told(found, layer, head, by_row, rows, score) for layer, head in heads]


def _told(
    found: "Attention", layer: int, head: int, by_row: NDArray[np.float64], rows: NDArray[np.int64],
    score: NDArray[np.float64],
) -> dict[str, Any]:  # fmt: skip
    """A head by its places, the row that departs most, what that attends to most, and how special the head is."""
    i = int(rows[np.argmax(by_row[layer, head])])
    row = found.of_rows([i])[layer, head, 0]
    j = int(np.argmax(row))
    pair = {"layer": layer, "head": head, "i": i, "j": j, "weight": float(row[j])}
    return pair | {"departure": float(by_row[layer, head].mean()), "score": float(score[layer, head])}
