"""Files read ahead of their use, for an object store takes its time with each."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 16
"""Files that are read or written at the same time."""

Item = TypeVar("Item")
Value = TypeVar("Value")


def read_ahead(read: Callable[[Item], Value], items: Iterable[Item], at_once: int = AT_ONCE) -> Iterator[Value]:
    """What `read` gives for each item, in order; up to `at_once` are read at the same time, no more are held."""
    if at_once == 1:
        yield from map(read, items)
        return
    with ThreadPoolExecutor(at_once) as pool:
        reading: deque[Future[Value]] = deque()
        for item in items:
            reading.append(pool.submit(read, item))
            if len(reading) == at_once:
                yield reading.popleft().result()
        while reading:
            yield reading.popleft().result()
