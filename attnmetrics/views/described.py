"""A table of results and what it says of itself, as a page's script reads it."""

from typing import Any

import xarray as xr

from attnmetrics.views.page import pack
from attnmetrics.views.pieces import visible
from attnmetrics.views.tables import dim_title, further, kind, labels_of, said, title, units, values, with_one_label


def described(table: xr.DataArray) -> dict[str, Any]:
    """A table [layer, head, label], or one of the corpus [label], and what it says of itself."""
    of_labels = with_one_label(table)
    dim = next(iter(further(of_labels)), None)
    return {
        "name": visible(str(table.name)),
        "title": title(table),
        "heading": said(table, "heading") or None,
        "unit": units(table),
        "kind": kind(table),
        "dim": None if dim is None else visible(dim),
        "dim_title": " and ".join(dim_title(table, one) for one in further(table)).capitalize() or None,
        "labels": [] if dim is None else [visible(str(label)) for label in labels_of(of_labels, dim)],
        "help": said(table, "help"),
        "formula": said(table, "formula"),
        "source": said(table, "source"),
        "family": said(table, "family"),
        "caption": said(table, "caption"),
        "values": pack(values(of_labels)),
    }
