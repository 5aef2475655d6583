"""Beside a GPU: what looks at α does so in threads on the CPU, while the GPU goes on.

The loops that look at α take it row by row and pair by pair, which a GPU is slow at. A batch's tiles are looked at in
their order in a thread of its own, so that the number of threads changes no bit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Condition, Thread
from typing import Final

from torch import Tensor

from attnmetrics.model.modules.look import Layer, See
from attnmetrics.model.pack import Tile

WAITING_BYTES: Final = 1 << 30
"""Most α that waits to be looked at, in memory; one tile always may."""


class Room:
    """Memory that tiles share while they wait."""

    def __init__(self, size: int = WAITING_BYTES) -> None:
        self._size, self._taken, self._change = size, 0, Condition()

    def take(self, size: int) -> None:
        """Take some; wait until others have given back enough."""
        with self._change:
            self._change.wait_for(lambda: self._taken == 0 or self._taken + size <= self._size)
            self._taken += size

    def give_back(self, size: int) -> None:
        """Give back what was taken."""
        with self._change:
            self._taken -= size
            self._change.notify_all()


class Onlooker:
    """Looks at the tiles of one batch, in their order, in a thread of its own."""

    def __init__(self, see: See, room: Room) -> None:
        self._see, self._room = see, room
        self._tiles: SimpleQueue[tuple[Layer, Tile, Tensor] | None] = SimpleQueue()
        self._error: BaseException | None = None
        self._thread = Thread(target=self._look, daemon=True)

    @contextmanager
    def looking(self) -> Iterator[See]:
        """What takes the tiles, from first to last, while the batch is read."""
        self._thread.start()
        try:
            yield self._take
        finally:
            self._tiles.put(None)

    def wait(self) -> None:
        """Wait until all tiles have been looked at.

        Raises:
            BaseException: what was raised by who looks.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _take(self, layer: Layer, tile: Tile, weights: Tensor) -> None:
        self._room.take(weights.nbytes)
        self._tiles.put((layer, tile, weights.to("cpu", copy=True)))

    def _look(self) -> None:
        for layer, tile, weights in iter(self._tiles.get, None):
            try:
                if self._error is None:
                    self._see(layer, tile, weights)
            except BaseException as error:
                self._error = error
            finally:
                self._room.give_back(weights.nbytes)
