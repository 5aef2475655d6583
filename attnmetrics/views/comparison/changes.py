"""Which heads changed most in a comparison, as its page holds them."""

from collections.abc import Sequence
from typing import Any

import xarray as xr

from attnmetrics.results.changed_heads import find_changes
from attnmetrics.views.comparison.results import Shown
from attnmetrics.views.page import pack


def pack_changes(data: xr.Dataset, shown: Sequence[Shown]) -> dict[str, Any]:
    """The fields of `Changes`, of results and labels that the page shows."""
    found = find_changes(data, [(one.name, one.labels) for one in shown])
    kinds = {"clear": "<u2", "of": "<u2", "size": "<f4", "result": "<i2", "label": "<i2"}
    return {name: pack(getattr(found, name).astype(kind)) for name, kind in kinds.items()}
