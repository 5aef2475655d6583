"""How loops are compiled: without the interpreter's lock, and once a machine."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache

IN_ORDER = {"contract"}
ANY_ORDER = {"contract", "reassoc", "nsz"}
"""What the compiler may do to sums, so that it adds several numbers at once."""


class _Cache(FunctionCache):
    """Compiled code, beside this file or in the user's cache; what can't be read is compiled anew."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a damaged pickle may raise anything
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(OSError):
            super().save_overload(sig, data)


def loop(fastmath: Any, keep: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Compile at the first call; a loop that others do not include is kept, where there is a place for it."""

    def compile(function: Callable[..., Any]) -> Any:
        compiled = njit(nogil=True, error_model="numpy", fastmath=fastmath)(function)
        if keep:
            with suppress(RuntimeError):
                compiled._cache = _Cache(function)
        return compiled

    return compile
