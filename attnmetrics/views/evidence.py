"""How much of a head's attention its numbers come from, and which heads are nearly switched off on a text.

A head that leaves next to nothing off null pieces has numbers like any other, from next to nothing. It competes for
no superlative and sets no scale; where its numbers are shown, they say so. `static/arithmetic/evidence.js` does alike.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.results.evidence import LEAST_EVIDENCE, checked_evidence
from attnmetrics.views.numbers import percent
from attnmetrics.views.tables import HEAD, at_labels, is_of_all_attention

CHOICES: Final = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
"""What a page lets people choose in its place."""
_ATTRIBUTE: Final = "least_evidence"

T = TypeVar("T")
Heads = NDArray[np.bool_]
"""[layer, head]"""


def with_least(data: xr.Dataset, share: float) -> xr.Dataset:
    """The same results, in which heads with less than this share off null pieces are nearly switched off; 0: none.

    Raises:
        ConfigError: no share.
    """
    return data.assign_attrs({_ATTRIBUTE: checked_evidence(share)})


def least(data: xr.Dataset) -> float:
    """The share that a head needs."""
    return float(data.attrs.get(_ATTRIBUTE, LEAST_EVIDENCE))


def of_each_choice(data: xr.Dataset, ask: Callable[[xr.Dataset], T]) -> list[tuple[float, T]]:
    """What is found with each share that a page may ask for, ascending; asked once where the same heads are off."""
    found: dict[bytes, T] = {}
    by_share = []
    for share in sorted({least(data), *CHOICES}):
        asked = with_least(data, share)
        off = is_off(asked).tobytes()
        if off not in found:
            found[off] = ask(asked)
        by_share.append((share, found[off]))
    return by_share


def evidence(data: xr.Dataset) -> xr.DataArray:
    """[layer, head] share of a head's attention off null pieces; 1 where nothing is null."""
    return xr.DataArray(_shares(data), {dim: data.variables[dim] for dim in HEAD}, HEAD)


def _shares(data: xr.Dataset) -> NDArray[np.float64]:
    """[layer, head], of `evidence`; without xarray's care for names, for it is asked hundreds of times of a run."""
    if "null_attention" not in data.variables:
        return np.ones(tuple(data.sizes[dim] for dim in HEAD))
    return np.nan_to_num(1 - np.asarray(data.variables["null_attention"].values, np.float64), nan=1.0)


def is_off(data: xr.Dataset) -> Heads:
    """Which heads are nearly switched off."""
    return _shares(data) < least(data)


def of_those_on(data: xr.Dataset, table: xr.DataArray) -> xr.DataArray:
    """A table [layer, head, …] without the values of heads that are nearly switched off."""
    off = is_off(data)[(..., *[None] * (table.ndim - 2))]
    return table.copy(deep=False, data=np.where(off, np.nan, table.to_numpy()))


def competing(data: xr.Dataset, table: xr.DataArray) -> xr.DataArray:
    """The values that make ranks and scales: of heads that are not nearly switched off, or, of all α, of all heads."""
    return table if is_of_all_attention(table) else of_those_on(data, table)


def from_how_much(data: xr.Dataset, layer: int, head: int) -> str:
    """What is said beside the numbers of a head that is nearly switched off; nothing of any other.

    Example: "from 0.4% of its attention".
    """
    share = float(at_labels(evidence(data), {"layer": layer, "head": head}))
    return f"from {percent(share)} of its attention" if share < least(data) else ""


def off_in_words(data: xr.Dataset) -> str:
    """Which heads are nearly switched off; nothing where none is.

    Example: "2 heads are nearly switched off on this text (less than 5% of their attention off null pieces): 3.1, 4.0".
    """
    layers, heads = data["layer"].values.tolist(), data["head"].values.tolist()
    names = [f"{layers[a]}.{heads[b]}" for a, b in np.argwhere(is_off(data)).tolist()]
    if not names:
        return ""
    are = "head is" if len(names) == 1 else "heads are"
    their = "its" if len(names) == 1 else "their"
    share = f"{100 * least(data):g}%"
    return (
        f"{len(names)} {are} nearly switched off on this text (less than {share} of {their} attention off null "
        f"pieces): {', '.join(names)}"
    )
