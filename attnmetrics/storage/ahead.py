"""Files read ahead of their use, for an object store takes its time with each."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 16
"""Files that are read or written at the same time."""

Item = TypeVar("Item")
Value = TypeVar("Value")


def read_ahead(
    read: Callable[[Item], Value], items: Iterable[Item], at_once: int = AT_ONCE, waiting: int = 0
) -> Iterator[Value]:
    """What `read` gives for each item, in order.

    Args:
        read: reads one.
        items: what is to be read.
        at_once: how many are read at the same time.
        waiting: how many more are held, so that none who reads waits for one that takes longer.
    """
    if at_once == 1:
        yield from map(read, items)
        return
    with ThreadPoolExecutor(at_once) as pool:
        reading: deque[Future[Value]] = deque()
        for item in items:
            reading.append(pool.submit(read, item))
            if len(reading) == at_once + waiting:
                yield reading.popleft().result()
        while reading:
            yield reading.popleft().result()
