"""How loops are compiled: without the interpreter's lock, once a machine, and by one process while others wait."""

from collections.abc import Callable
from contextlib import suppress
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import IO, Any

from numba import njit
from numba.core.caching import FunctionCache

IN_ORDER = {"contract"}
ANY_ORDER = {"contract", "reassoc", "nsz"}
"""What the compiler may do to sums, so that it adds several numbers at once."""


class _Cache(FunctionCache):
    """Compiled code, beside this file or in the user's cache; what can't be read is compiled anew."""

    _lock: IO[bytes] | None = None
    """held from when a loop is not found to when it is kept, or the process ends"""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        found = self._load(sig, target_context)
        if found is None:
            self._wait()
            found = self._load(sig, target_context)  # another process may have compiled it meanwhile
        if found is not None:
            self._release()
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(OSError):
            super().save_overload(sig, data)
        self._release()

    def _load(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a damaged pickle may raise anything
            with suppress(OSError):
                self.flush()
            return None

    def _wait(self) -> None:
        """Until no other process compiles this loop; where files cannot be locked, two may do it for nothing."""
        with suppress(OSError):
            folder = Path(self.cache_path)
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / f"{self._impl.filename_base}.lock").open("wb")
            flock(self._lock, LOCK_EX)

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def loop(fastmath: Any, keep: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Compile at the first call; a loop that others do not include is kept, where there is a place for it."""

    def compile(function: Callable[..., Any]) -> Any:
        compiled = njit(nogil=True, error_model="numpy", fastmath=fastmath)(function)
        if keep:
            with suppress(RuntimeError):
                compiled._cache = _Cache(function)
        return compiled

    return compile
