"""One driver at a time on a run's folder, be it local or in an object store.

The driver that works on a folder keeps `lease.json` there and rewrites it every few seconds. A second one refuses while
the first lives. Whether it lives is asked of the operating system where both are on the same machine; elsewhere, the
record is watched for as long as a beat could take. No clock of one machine is compared with that of another.
"""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from attnmetrics.errors import StoreError
from attnmetrics.running.progress import Reporter
from attnmetrics.storage import Location, Version

FILE = "lease.json"
BEAT_SECONDS = 3.0
EXPIRY_SECONDS = 20.0
"""A record that does not change for so long is that of a dead driver: several beats, and a slow object store."""

Holder = dict[str, Any]
"""What the file says of the driver that works on the folder."""

_held: set[str] = set()
"""Owners of the leases that this process holds; another of its own was left where it could not be removed."""


class Lease:
    """The right to work on a folder, until it is given back or lost."""

    def __init__(self, file: Location, record: Holder, version: Version) -> None:
        self._file = file
        self._record = record
        self._version: Version | None = version
        self._done = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="lease", daemon=True)
        self._beating.start()

    def check(self) -> None:
        """Stop a driver whose folder another one took over.

        Raises:
            StoreError: the lease is lost.
        """
        if self._version is None:
            raise StoreError(
                f"another driver took over {self._file.parent} while this one did not answer, or somebody removed "
                f"{self._file.name} there; this one stops, and what it committed is kept"
            )

    def give_back(self) -> None:
        """Let the next driver in at once."""
        self._done.set()
        self._beating.join()
        with suppress(OSError):
            found = self._file.version()
            if found is not None and found[1] == self._version:
                self._file.remove()

    def _beat(self) -> None:
        while self._version is not None and not self._done.wait(BEAT_SECONDS):
            self._record["beat"] += 1
            with suppress(Exception):  # a full disk or a lost connection: the next beat may do
                self._version = _put(self._file, self._record, self._version)


@contextmanager
def hold(folder: Location, reporter: Reporter) -> Iterator[Lease]:
    """Hold the lease of a folder; wait for that of a driver that may be dead.

    Raises:
        StoreError: another driver works on the folder, or it cannot be written.
    """
    file = folder / FILE
    since = datetime.now(UTC).isoformat(timespec="seconds")
    record: Holder = {"owner": uuid4().hex, **_process(), "since": since, "beat": 0}
    _held.add(record["owner"])  # before it is written: another thread that reads it must find its holder alive
    try:
        lease = Lease(file, record, _acquire(file, record, reporter))
        try:
            yield lease
        finally:
            lease.give_back()
    finally:
        _held.discard(record["owner"])


def name_driver(folder: Location) -> str:
    """Who works on a folder now; empty where nobody does, as far as can be told."""
    with suppress(OSError):
        found = (folder / FILE).version()
        holder = _unpack(found[0]) if found else {}
        if holder and (lives := _lives(holder)) is not False:
            return _name(holder) + ("" if lives else ", unless it died")
    return ""


def _acquire(file: Location, record: Holder, reporter: Reporter) -> Version:
    version = None
    try:
        while version is None:
            version = _put(file, record, _await_free(file, reporter))
    except OSError as error:
        raise StoreError(
            f"cannot write to {file.parent}: {error.strerror or error}; make room or mend the permission, then run "
            "the same command to go on, or give another --out"
        ) from None
    return version


def _put(file: Location, record: Holder, version: Version | None) -> Version | None:
    """The lease's new version; None if it is another driver's. A repeated request may have been answered before."""
    if (new := file.replace(_pack(record), version)) is not None:
        return new
    found = file.version()
    return found[1] if found is not None and _unpack(found[0]).get("owner") == record["owner"] else None


def _await_free(file: Location, reporter: Reporter) -> Version | None:
    """The version of the lease that may be replaced, or None where there is none.

    Raises:
        StoreError: its holder lives.
    """
    found = file.version()
    if found is None:
        return None
    content, version = found
    holder = _unpack(content)
    lives = _lives(holder)
    if lives is None:
        reporter.say(f"{_name(holder)} had {file.parent}; waiting {EXPIRY_SECONDS:.0f} s to see whether it lives")
        lives = _changes(file, version)
    if lives:
        raise StoreError(
            f"{file.parent} is being worked on by {_name(holder)}; wait until it is done (see `attnmetrics status "
            f"{file.parent}`), stop it, or give another --out"
        )
    return version


def _changes(file: Location, version: Version) -> bool:
    """Whether somebody rewrites the lease."""
    deadline = time.monotonic() + EXPIRY_SECONDS
    while time.monotonic() < deadline:
        time.sleep(BEAT_SECONDS / 4)
        found = file.version()
        if found is None or found[1] != version:
            return found is not None
    return False


def _lives(holder: Holder) -> bool | None:
    """Whether the process of a lease lives; None if it cannot be told from here."""
    here = _process()
    if not here["machine"] or holder.get("machine") != here["machine"]:
        return None
    if (holder.get("pid"), holder.get("started")) == (here["pid"], here["started"]):
        return holder.get("owner") in _held
    return _started(holder.get("pid")) == holder.get("started")


def _process() -> Holder:
    """What tells another process on the same machine whether the present one still lives."""
    return {"host": socket.gethostname(), "machine": _machine(), "pid": os.getpid(), "started": _started(os.getpid())}


def _machine() -> str:
    """Boot and process namespace: within both, a process number means the same; empty where Linux does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: Any) -> str | None:
    """When a process started, in ticks since boot; None if there is no such process, or it is dead."""
    try:
        fields = Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError, TypeError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def _name(holder: Holder) -> str:
    return f"process {holder.get('pid')} on {holder.get('host')} (since {holder.get('since')})"


def _pack(record: Holder) -> bytes:
    return json.dumps(record, indent=1).encode()


def _unpack(content: bytes) -> Holder:
    """The record; an unreadable one names nobody."""
    try:
        record = json.loads(content)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
