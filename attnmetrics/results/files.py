"""What all files of results have in common: how they are written, and what is said where they are missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from attnmetrics.errors import StoreError, first_line
from attnmetrics.storage import Location


@contextmanager
def writing(place: Location) -> Iterator[None]:
    """Writing to `place`.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"expected to write {place}, found: {error.strerror or error}; make room or mend the "
            "permission, then run the same command to go on"
        ) from None


@contextmanager
def reading(what: str, place: Location) -> Iterator[None]:
    """Reading `what` from `place`, which may hold anything.

    Raises:
        StoreError: there is nothing, or it cannot be read.
    """
    try:
        yield
    except FileNotFoundError:
        raise StoreError(
            f"expected {what} at {place}, found none: no run, or an unfinished one; "
            f"`attnmetrics status {place.parent}` says how far it is and what to do next"
        ) from None
    except Exception as error:  # foreign content fails anywhere
        raise StoreError(
            f"expected {what} at {place}, found none that can be read ({first_line(error)}); "
            "run `attnmetrics merge` again"
        ) from None
