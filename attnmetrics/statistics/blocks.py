"""Large tables worked at in blocks of rows that stay near the processor, several of them at once.

What comes of a row is the same in whatever block it is, and whichever thread works at it.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

THREADS: Final = 2
"""Each holds a block and what is made of it; NumPy lets others work while it sorts and multiplies, not in between."""


def each_block(work: Callable[[slice], object], rows: int, size: int, *, at_once: bool = True) -> None:
    """Call `work` once for each block of so many rows, several at the same time where they may be held at once."""
    blocks = [slice(start, min(start + size, rows)) for start in range(0, rows, size)]
    if len(blocks) < 2 or not at_once:
        for block in blocks:
            work(block)
        return
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, blocks))
