"""How long pages take on two busy cores, and how large they are; what is measured is printed."""

import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import made_pages
import numpy as np
import pytest
from made_pages import SIZES
from pages import Desk, chromium, needs_chromium
from playwright.sync_api import Browser

pytestmark = [needs_chromium, pytest.mark.soak]
OPEN_SECONDS, CHANGE_SECONDS, VIEW_SECONDS = 0.5, 0.15, 5
LEEWAY = 3
"""What is printed is the measurement; what fails is what no other process at work explains."""
ANY_PROCESSOR = 1.4
"""How much slower than the one that limits are for any may be, in its own time."""
ROUNDS, BUSY = 3, 2
MOST_BYTES = {(12, 12): 6_000_000, (48, 25): 12_000_000}

NOTHING = '<!doctype html><div class="page"><p>Nothing.</p></div>'
"""A page that costs what any page costs."""
_SEEN = """() => new Promise(done => new PerformanceObserver(list => {
    for (const { startTime } of list.getEntriesByName('first-contentful-paint')) done(startTime);
}).observe({type: 'paint', buffered: true}))"""
"""Milliseconds from the start of the navigation until something of the page is seen, as the browser has it."""

_WHOLE = """() => new Promise(done => {
    const isWhole = () => document.querySelector('.page > *') && !document.querySelector('[data-later]');
    const look = () => requestAnimationFrame(() => (isWhole() ? done(performance.now()) : look()));
    look();
})"""
"""The same to the first frame, after the page is read, in which nothing is left to be drawn."""

_CHANGED = """address => new Promise(done => {
    const start = performance.now();
    addEventListener('hashchange', () => requestAnimationFrame(() => setTimeout(
        () => done(performance.now() - start))), {once: true});
    location.hash = address;
})"""
"""Milliseconds from a new address to the end of the first frame that shows its page."""


def _spin() -> None:
    while True:
        pass


@contextmanager
def busy(cores: int) -> Iterator[None]:
    """Meanwhile so many processes do nothing but compute."""
    all_ = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(cores)]
    for one in all_:
        one.start()
    time.sleep(0.2)
    try:
        yield
    finally:
        for one in all_:
            one.kill()
            one.join()


def _work_seconds(browser: Browser) -> float:
    """Processor time of all processes that show pages, which others at work leave as it is."""
    session = browser.new_browser_cdp_session()
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return float(sum(one["cpuTime"] for one in found if one["type"] == "renderer"))


@pytest.mark.parametrize(("layers", "heads"), SIZES)
def test_pages_open_and_change_while_the_cores_are_busy(tmp_path: Path, layers: int, heads: int) -> None:
    html = made_pages.atlas(layers, heads)
    addresses = made_pages.pages_of_atlas(layers, heads)[1:]
    openings = {"opening nothing": NOTHING, "opening": html}
    took: dict[str, list[tuple[float, float]]] = {what: [] for what in (*openings, "all of it", *addresses)}
    with chromium() as browser, busy(BUSY):
        desk = Desk(browser, tmp_path)
        for _ in range(ROUNDS):
            for what, content in openings.items():
                before = _work_seconds(browser)
                page = desk.open(content, 1440, 900)
                seen, whole = (page.evaluate(one) / 1000 for one in (_SEEN, _WHOLE))
                work = _work_seconds(browser) - before
                took[what].append((seen, work))
            took["all of it"].append((whole, work))
        for _ in range(ROUNDS):
            for address in addresses:
                before = _work_seconds(browser)
                seconds = page.evaluate(_CHANGED, address) / 1000
                took[address].append((seconds, _work_seconds(browser) - before))
        desk.close()
    medians = {address: np.median(pairs, axis=0) for address, pairs in took.items()}
    print(f"\n{layers} × {heads} heads, {BUSY} busy cores, medians of {ROUNDS}")
    for address, (wall, work) in sorted(medians.items(), key=lambda one: -one[1][1]):
        print(f"{wall * 1000:7.0f} ms, {work * 1000:6.0f} of work  {address}")
    assert max(medians.pop(what)[1] for what in (*openings, "all of it")) < LEEWAY * OPEN_SECONDS
    assert max(work for _, work in medians.values()) < LEEWAY * CHANGE_SECONDS


@pytest.mark.parametrize(("layers", "heads"), MOST_BYTES)
def test_pages_are_small(layers: int, heads: int) -> None:
    size = len(made_pages.atlas(layers, heads).encode())
    print(f"\n{layers} × {heads} heads: {size / 1e6:.2f} MB")
    assert size < MOST_BYTES[layers, heads]


def test_a_view_of_a_small_model_takes_a_few_seconds_of_a_processor(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "attnmetrics",
        "view",
        "head",
        "--text",
        "The cat sat.",
        "--out",
        tmp_path / "v.html",
    ]
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = getrusage(RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"\na view: {seconds:.1f} s of a processor")
    assert seconds < ANY_PROCESSOR * VIEW_SECONDS
