"""Large tables worked at in blocks of rows that stay near the processor, several of them at once.

What comes of a row is the same in whatever block it is, and whichever thread works at it.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

THREADS: Final = 4
"""NumPy leaves the interpreter to others while it sorts and multiplies, but not in between: more would wait."""


def each_block(work: Callable[[slice], object], rows: int, size: int) -> None:
    """Call `work` once for each block of so many rows, several at the same time."""
    blocks = [slice(start, min(start + size, rows)) for start in range(0, rows, size)]
    if len(blocks) < 2:
        for block in blocks:
            work(block)
        return
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, blocks))
