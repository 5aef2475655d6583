"""SIGINT and SIGTERM end a run within two seconds wherever it is; the same command then goes on to the same bits."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from math import inf
from pathlib import Path

import psutil
import pytest
from checks import outputs
from conftest import DEMO_DOCUMENTS, demo_config
from faults import PHASES, POLL_SECONDS, Driver, Phase
from stopped import ATTEMPTS, LINE, PROMISED_SECONDS

from attnmetrics.running.driver import run
from attnmetrics.running.progress import Reporter

LATE_SECONDS = 20.0
"""Within which all processes of a local Ray are gone."""

FLAGS = ["--model=demo", "--corpus=demo", f"--max-documents={DEMO_DOCUMENTS}", "--shard-characters=4000"]
FLAGS += ["--exemplars=5"]

pytestmark = pytest.mark.usefixtures("loaded_once")


def test_a_run_is_stopped_and_goes_on(demo_run: Path, tmp_path: Path) -> None:
    stop_in(["merge"], "inline", demo_run, tmp_path)


@pytest.mark.cluster
@pytest.mark.timeout(900)
@pytest.mark.parametrize("engine", ["inline", "ray"])
def test_a_run_is_stopped_in_phase_after_phase(engine: str, demo_run: Path, tmp_path: Path) -> None:
    stop_in(PHASES, engine, demo_run, tmp_path)


def stop_in(phases: Sequence[Phase], engine: str, expected: Path, folder: Path) -> None:
    for attempt in range(ATTEMPTS):
        out = folder / str(attempt)
        slowest = max([stop_run(out, engine, phase) for phase in phases])
        run(demo_config(out), Reporter(quiet=True))
        assert outputs(out) == outputs(expected)
        if slowest < PROMISED_SECONDS:
            return
    pytest.fail(f"took {slowest:.1f} s")


def stop_run(out: Path, engine: str, phase: Phase) -> float:
    """Start a run or go on with it, stop it in this phase; seconds until it is over, infinity if it was so before."""
    with Driver(out, [*FLAGS, f"--engine={engine}", "--workers=1"]) as driver:
        while driver.runs() and not (is_stoppable(driver.process) and driver.has_reached(phase)):
            time.sleep(POLL_SECONDS)
        if not driver.runs():
            assert driver.process.returncode == 0, driver.said()
            return inf
        children = driver.process.children(recursive=True)
        seconds = stop(driver.process)
        if driver.process.returncode == 0:
            return inf
        assert driver.process.returncode == 130, driver.said()
        assert driver.said().endswith(LINE)
        assert driver.said().count(LINE) == 1
        assert "Traceback" not in driver.said()
        _, alive = psutil.wait_procs(children, timeout=LATE_SECONDS)
        assert not alive
        return seconds


def stop(process: psutil.Popen) -> float:
    """Seconds from the first of several signals to the end."""
    start = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        process.send_signal(number)
        time.sleep(0.1)
        if process.poll() is not None:
            break
    process.wait()
    return time.monotonic() - start


def is_stoppable(process: psutil.Popen) -> bool:
    """Whether the process has a handler of its own for SIGTERM: Python itself takes a moment to start."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


LONG_CALL = "hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)"
SWALLOWED = """
while True:
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        pass
"""
CONVERTED = """
try:
    time.sleep(60)
except KeyboardInterrupt:
    raise RuntimeError('a library') from None
"""


@pytest.mark.parametrize("program", [LONG_CALL, SWALLOWED, CONVERTED], ids=["long call", "swallowed", "converted"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_no_library_keeps_a_stop_from_coming(program: str, number: signal.Signals) -> None:
    seconds, code, said = stop_program(program, [number])
    assert (code, said) == (130, LINE)
    assert seconds < PROMISED_SECONDS


def test_a_second_signal_does_not_cut_short_what_the_first_puts_in_order() -> None:
    program = "try: time.sleep(60)\nfinally: time.sleep(0.5), print('in order', file=sys.stderr)"
    _, code, said = stop_program(program, [signal.SIGINT, signal.SIGINT, signal.SIGTERM])
    assert (code, said) == (130, f"in order\n{LINE}")


def test_a_program_that_is_not_stopped_ends_as_it_would() -> None:
    assert stop_program("sys.exit(3)", [])[1:] == (3, "")


RAY = """
import signal, threading
from attnmetrics.engine.ray import _keeping_sigterm, ray
longest, since = 0, time.monotonic()
def watch():
    global longest, since
    while True:
        status = open('/proc/self/status').read()
        if int(status.partition('SigCgt:')[2].split()[0], 16) >> (signal.SIGTERM - 1) & 1:
            since = time.monotonic()
        longest = max(longest, time.monotonic() - since)
        time.sleep(0.003)
threading.Thread(target=watch, daemon=True).start()
with _keeping_sigterm(): ray.init(address='local', num_cpus=1, include_dashboard=False, logging_level=40)
with _keeping_sigterm(): ray.shutdown()
print(signal.getsignal(signal.SIGTERM).__name__, longest, flush=True)
time.sleep(60)
"""


@pytest.mark.cluster
def test_ray_takes_no_signal_away() -> None:
    command = [sys.executable, "-c", program_of(RAY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        handler, seconds_without = process.stdout.readline().split()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate()
    assert handler == "_interrupt"
    assert float(seconds_without) < 0.1
    assert (process.returncode, said[-len(LINE) :]) == (130, LINE)


def program_of(program: str) -> str:
    """A program that can be stopped once it says that it is ready."""
    indented = "\n".join("    " + line for line in program.strip().splitlines())
    source = "import hashlib, sys, time\nfrom attnmetrics.running.stopping import stoppable\n"
    return f"{source}with stoppable():\n    print('ready', flush=True)\n{indented}"


def stop_program(program: str, numbers: Sequence[signal.Signals]) -> tuple[float, int, str]:
    """The fastest of some attempts to stop a stoppable program: seconds, exit code, what it said."""
    ends = []
    for _ in range(ATTEMPTS):
        command = [sys.executable, "-c", program_of(program)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        start = time.monotonic()
        for number in numbers:
            time.sleep(0.1)
            process.send_signal(number)
        _, said = process.communicate()
        ends.append((time.monotonic() - start, process.returncode, said))
        if ends[-1][0] < PROMISED_SECONDS:
            break
    return min(ends)
