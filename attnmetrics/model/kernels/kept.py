"""Whether compiled loops are kept on this machine: files are looked for, the compiler is not imported."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

PLACES: Final = (Path(__file__).parent / "__pycache__", Path.home() / ".cache" / "numba")
"""Where Numba keeps what it compiles: beside the code, or in the user's cache where it cannot write there."""


def are_kept(places: tuple[Path, ...] = PLACES) -> bool:
    """Whether the kernel's loops were compiled before; of code that has changed since, nothing is said."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    return any(next(place.rglob("loops.reduce-*.nbi"), None) for place in ([Path(given)] if given else places))


def announce(kernel: str, say: Callable[[str], None]) -> None:
    """Say that loops will be compiled, where a kernel of this name has some and none are kept."""
    if kernel == "compiled" and not are_kept():
        say("compiling loops for this machine; it takes some half a minute, once")
