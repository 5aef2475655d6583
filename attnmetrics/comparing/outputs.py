"""What a comparison leaves in a folder: `comparison.zarr`, `roles.parquet`, tables, a page."""

import re
from collections.abc import Sequence
from typing import Final

import pandas as pd
import pyarrow as pa

from attnmetrics.comparing.names import name_runs
from attnmetrics.errors import StoreError
from attnmetrics.results.comparison import FILE
from attnmetrics.results.comparison_tables import save_comparison_tables
from attnmetrics.results.dataset import save
from attnmetrics.results.files import load_frame, save_frame, writing
from attnmetrics.results.sides import Comparison
from attnmetrics.storage import Location, locate
from attnmetrics.views.comparison.page import write_page

ROLES: Final = "role_changes.parquet"
TABLES: Final = "tables"
PAGE: Final = "report"
_OURS: Final = frozenset({FILE, ROLES, TABLES, PAGE})
_FEW: Final = 2
_ROLE_CHANGES: Final = pa.schema(
    {
        "run": pa.string(),
        "layer": pa.int64(),
        "head": pa.int64(),
        "role": pa.string(),
        "detail": pa.string(),
        "change": pa.string(),
        "score": pa.float64(),
        "first_score": pa.float64(),
        "q": pa.float64(),
        "rule": pa.string(),
    }
)
"""Columns of `role_changes.parquet`."""


def folder_for(runs: Sequence[Location]) -> Location:
    """Where a comparison of these runs goes, unless it is said: `comparison-base-tuned` in the working folder."""
    names = name_runs(runs)
    few = names if len(names) <= _FEW else [names[0], f"and-{len(names) - 1}-more"]
    return locate("-".join(["comparison", *(re.sub(r"[^\w.=+@~-]+", "-", name, flags=re.ASCII) for name in few)]))


def check_free(folder: Location) -> None:
    """Refuse a folder that holds anything but a comparison.

    Raises:
        StoreError: naming what it holds.
    """
    try:
        strangers = [name for name in folder.names() if name not in _OURS and not name.startswith(".")]
    except OSError as error:
        raise StoreError(f"cannot read {folder}: {error.strerror or error}; correct --out or its rights") from None
    if strangers:
        raise StoreError(
            f"{folder} exists and is no comparison: it holds {', '.join(strangers[:3])}; give another --out"
        )


def write_comparison(comparison: Comparison, folder: Location) -> None:
    """Write all that a comparison leaves; its numbers last, so that a folder that has them has all.

    Raises:
        StoreError: the folder cannot be written, or holds something else.
    """
    check_free(folder)
    with writing(folder):
        (folder / FILE).write_folder(lambda _: None)  # those of an earlier comparison vouch for nothing from here on
    save_frame(comparison.role_changes, _ROLE_CHANGES, folder / ROLES)
    save_comparison_tables(comparison.data, comparison.role_changes, folder / TABLES)
    write_page(comparison, folder / PAGE)
    save(comparison.data, folder / FILE)


def load_role_changes(folder: Location) -> pd.DataFrame:
    """The roles that changed, of the comparison in a folder.

    Raises:
        StoreError: there are none, or they cannot be read.
    """
    return load_frame("roles that changed", _ROLE_CHANGES, folder / ROLES).fillna({"rule": ""})
