"""SIGINT and SIGTERM end the program cleanly and within two seconds, whatever it does at the time.

The first signal raises KeyboardInterrupt in the main thread, which puts away temporary files, workers and the lease.
Python does so only between two of its own instructions, and libraries may take their time or swallow it. Therefore a
thread, which the system's own handler wakes, ends the process where that takes too long, and with it what it started.
Both ways are safe: a run goes on after any kill.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

EXIT_INTERRUPTED = 130

PATIENCE_SECONDS = 1.0
"""From the first signal to the end of the process; Ray kills a stopped job after 3 s."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LINE = b"attnmetrics: stopped; what is committed is kept: run the same command again to go on\n"
_SHOW_CURSOR = b"\x1b[?25h"

_asked = threading.Event()
_ending = threading.RLock()


@contextmanager
def stoppable() -> Iterator[None]:
    """From here on, a signal ends the process with `EXIT_INTERRUPTED` and a line that says how to go on.

    For the main thread of a program of which this is the whole work.
    """
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    threading.Thread(target=_watch, args=(receiver,), name="stopping", daemon=True).start()
    signal.set_wakeup_fd(sender.detach(), warn_on_full_buffer=False)
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        if _asked.is_set():  # whatever a library made of the interruption
            _end()
        for number in _SIGNALS:
            signal.signal(number, _end)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Interrupt once: a second signal must not cut short what the first one put in order."""
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.excepthook = sys.unraisablehook = _say_nothing  # libraries print what they swallow
    _asked.set()
    raise KeyboardInterrupt


def _watch(receiver: socket.socket) -> None:
    while receiver.recv(1)[0] not in _SIGNALS:
        pass
    _asked.set()
    time.sleep(PATIENCE_SECONDS)
    _end()


def _say_nothing(*_: object) -> None: ...


def _end(*_: object) -> NoReturn:
    with _ending:
        for pid in _descendants("self"):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with suppress(OSError):
            os.write(2, (_SHOW_CURSOR if os.isatty(2) else b"") + _LINE)
        os._exit(EXIT_INTERRUPTED)


def _descendants(pid: int | str) -> list[int]:
    """Processes of a local Ray, parents first; some of them would else look for the others for a minute."""
    found: list[int] = []
    with suppress(OSError):  # a process that ends meanwhile, or a system that does not tell
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *_descendants(child)]
    return found
