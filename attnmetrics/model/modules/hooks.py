"""Functions that torch calls when modules run, for a while."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from torch.utils.hooks import RemovableHandle


@contextmanager
def hooked(handles: Iterable[RemovableHandle]) -> Iterator[None]:
    """Hooks that are registered are taken away at the end."""
    with ExitStack() as stack:
        for handle in handles:
            stack.enter_context(handle)
        yield
