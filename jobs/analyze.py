"""Entry point for `ray job submit`: `attnmetrics run`, and a status file for whoever does not watch.

    ray job submit --working-dir . -- python jobs/analyze.py --config jobs/demo.yaml --out /shared/runs/demo
    ray job submit --working-dir . -- python jobs/analyze.py importance /shared/runs/demo

It takes the flags of `attnmetrics run`; or `importance` or `probe`, a run's folder and the flags of that command; and
`--status FILE`, a path or a URL; unset, the name of the run's folder with `.status.json` after it, or
`.importance.status.json`, `.probe.status.json`. The run is a process of its own: one that is killed, for lack of memory
say, leaves one too. While the run goes on, `seen` in it becomes the present time twice a minute; where it does not, the
job is dead.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from attnmetrics.errors import AttnmetricsError, ConfigError
from attnmetrics.storage import Location, expand, locate
from attnmetrics.yaml_files import read_yaml

STATES = {0: "finished", 1: "failed", 2: "failed", 3: "shards missing", 130: "stopped"}
"""By exit code of the run; any other is that of a process that was killed."""

MESSAGE_LINES = 20
BEAT_SECONDS = 30.0

JOB_VARIABLE = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Of the environment that Ray gives to a job's command, and to no other."""

LATER = ("importance", "probe")
"""Stages of a run that are commands of their own."""

Status = dict[str, Any]


def main(arguments: list[str]) -> int:
    """Run, keep the status file, and return the run's exit code; of a killed one, 128 and the signal's number."""
    status_path, flags = read_status_flag(arguments)
    later = flags[0] if flags[:1] and flags[0] in LATER else ""
    flags = flags if later else ["run", *flags]
    paths = find_paths(flags)
    place = locate(status_path) if status_path else None
    folder = locate(paths["out"]) if "out" in paths else None
    if place is None and folder is not None:
        place = folder.parent / f"{folder.name}{later and f'.{later}'}.status.json"
    counted = None if later else folder
    status: Status = {"state": "running", "started": now()}
    try:
        refuse_lost(paths | ({"status": status_path} if status_path else {}))
        with kept(place, status, counted):
            code, message = run(flags)
    except ConfigError as error:
        print(f"attnmetrics: {error}", file=sys.stderr)
        code, message = 1, str(error)
    status |= {"state": STATES.get(code, "killed"), "ended": now(), "exit_code": code, "message": message}
    save(place, status | count_shards(counted))
    return code


def read_status_flag(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Where the status goes, if that is said, and all other arguments."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--status")
    options, flags = parser.parse_known_args(arguments)
    return options.status, flags


def find_paths(flags: list[str]) -> dict[str, str]:
    """Where the run writes, by flag; less what flags and their file do not name rightly, which the run will say."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--out", "-o")
    parser.add_argument("--annotations")
    found = {}
    if flags[0] in LATER:
        flags = ["--out", *flags[1:2]]
    with suppress(AttnmetricsError, argparse.ArgumentError):
        options, _ = parser.parse_known_args(flags)
        values = read_yaml(options.config) if options.config else {}
        for name in ("out", "annotations"):
            path = getattr(options, name) or values.get(name)
            if isinstance(path, str):
                locate(path)  # a URL of another kind is refused
                found[name] = path
    return found


def refuse_lost(paths: Mapping[str, str]) -> None:
    """Refuse what a Ray job would write into its working folder.

    Raises:
        ConfigError: a path is relative.
    """
    for name, path in paths.items():
        is_relative = "://" not in path and not Path(expand(path)).is_absolute()
        if JOB_VARIABLE in os.environ and is_relative:
            raise ConfigError(
                f"--{name}: expected an absolute path or a URL in a Ray job, found {path}, which would be in "
                f"{Path.cwd()}, and Ray deletes the working folder of a job; give one that outlives it, such as "
                "/shared/runs/demo or s3://bucket/runs/demo"
            )


@contextmanager
def kept(place: Location | None, status: Status, folder: Location | None) -> Iterator[None]:
    """Keep the status file up to date."""
    done = threading.Event()

    def beat() -> None:
        while True:
            save(place, status | {"seen": now()} | count_shards(folder))
            if done.wait(BEAT_SECONDS):
                return

    beating = threading.Thread(target=beat, name="status")
    beating.start()
    try:
        yield
    finally:
        done.set()
        beating.join()


def run(flags: list[str]) -> tuple[int, str]:
    """`attnmetrics` with these arguments: its exit code, and the last lines that it said."""
    command = [sys.executable, "-m", "attnmetrics", *flags]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace")

    def pass_on(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    said: deque[str] = deque(maxlen=MESSAGE_LINES)
    for line in process.stderr or ():
        sys.stderr.write(line)
        sys.stderr.flush()
        said.append(line)
    code = process.wait()
    if code < 0:
        said.append(f"killed by {signal.Signals(-code).name}\n")
    return code if code >= 0 else 128 - code, "".join(said).strip()


def count_shards(folder: Location | None) -> Status:
    """How far the run is, and which shards were put aside; nothing for a run that was not planned yet."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        if folder is not None:
            facts = json.loads((folder / "run.json").read())
            done = sum(name.endswith(".json") for name in (folder / "commits").names())
            return {"shards": facts["corpus"]["shards"], "shards_done": done, "put_aside": facts["missing"]}
    return {}


def save(place: Location | None, status: Status) -> None:
    """Write the status file; a run does not fail for it."""
    try:
        if place is not None:
            place.write(json.dumps(status, indent=2, ensure_ascii=False).encode())
    except OSError as error:
        print(f"warning: cannot write {place}: {error.strerror or error}", file=sys.stderr)


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except AttnmetricsError as error:
        sys.exit(f"attnmetrics: {error}")
