"""What all files of results have in common: how they are written, and what is said where they are missing."""

from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from attnmetrics.errors import StoreError, first_line
from attnmetrics.storage import Location


@contextmanager
def writing(path: Location) -> Iterator[None]:
    """Writing to `path`.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"expected to write {path}, found: {error.strerror or error}; make room or mend the "
            "permission, then run the same command to go on"
        ) from None


@contextmanager
def reading(what: str, path: Location) -> Iterator[None]:
    """Reading `what` from `path`, which may hold anything.

    Raises:
        StoreError: there is nothing, or it cannot be read.
    """
    try:
        yield
    except FileNotFoundError:
        raise StoreError(
            f"expected {what} at {path}, found none: no run, or an unfinished one; "
            f"`attnmetrics status {path.parent}` says how far it is and what to do next"
        ) from None
    except Exception as error:  # foreign content fails anywhere
        raise StoreError(
            f"expected {what} at {path}, found none that can be read ({first_line(error)}); "
            "run `attnmetrics merge` again"
        ) from None


def save_frame(frame: pd.DataFrame, schema: pa.Schema, path: Location) -> None:
    """Write a Parquet file with these columns.

    Raises:
        StoreError: it cannot be written.
    """
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False).replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, write_page_checksum=True)
    with writing(path):
        path.write(sink.getvalue().to_pybytes())


def load_frame(what: str, schema: pa.Schema, path: Location) -> pd.DataFrame:
    """The frame of `save_frame`; `what` is in it, for errors.

    Raises:
        StoreError: there is nothing, or it cannot be read.
    """
    with reading(what, path):
        table = pq.read_table(pa.BufferReader(path.read()), schema=schema, page_checksum_verification=True)
        return table.to_pandas()
