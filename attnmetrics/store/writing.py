"""What is said where a run's folder cannot be written."""

from collections.abc import Iterator
from contextlib import contextmanager

from attnmetrics.errors import StoreError
from attnmetrics.storage import Location, os_errors


@contextmanager
def writing(folder: Location) -> Iterator[None]:
    """Write what belongs to shards into a folder.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        with os_errors():
            yield
    except OSError as error:
        raise StoreError(
            f"cannot write to {folder}: {error.strerror or error}; "
            "committed shards are kept: make room or mend the permission, then run the same command to go on"
        ) from None
