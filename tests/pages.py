"""Pages in a real browser, opened from disk: what they ask for or complain of is a fault; the lines that they draw.

Needs Chromium (Debian: `apt-get install chromium`), which is found by its name on the path.
"""

import json
import math
import re
import shutil
import time
from base64 import b64decode
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zlib import decompress

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
MADE = ("data:image/svg+xml", "blob:", "about:srcdoc")
"""What a page that asks nobody for anything may load beside itself: what it has made."""
BURST, BURST_SECONDS = 10, 1.0
"""Chromium drops the eleventh file that a page saves within a second, and does not say so."""
_saved = deque([-math.inf] * BURST, maxlen=BURST)
"""When the last files were saved."""

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on the path; install Debian's package chromium"
)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


class Desk:
    """Opens pages and keeps what they ask for and complain of."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser, self._folder = browser, folder
        self._contexts: list[BrowserContext] = []
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def open(self, html: str, width: int = 1000, height: int = 760, scheme: Any = "light") -> Page:
        path = self._folder / f"{len(self._contexts)}.html"
        path.write_text(html, encoding="utf-8")
        context = self._browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self._contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.goto(path.as_uri())
        return page

    def check(self) -> None:
        """Since the last check nothing was asked for, and nothing has gone wrong."""
        own = (*MADE, self._folder.as_uri())
        outside, complaints = [url for url in self.requests if not url.startswith(own)], [*self.complaints]
        self.requests.clear()
        self.complaints.clear()
        assert not outside and not complaints, f"asked for {outside}, complained {complaints}"

    def close(self) -> None:
        for context in self._contexts:
            context.close()


def page_data(html: str) -> tuple[Any, bytes]:
    """What a page holds: its JSON, and the bytes that the places of arrays in it are of."""
    contents = re.search(r'id="contents" data-heap="(\d+)">(.*?)</script>', html)
    arrays = re.search(r'id="heap">(.*?)</script>', html)
    assert contents is not None and arrays is not None
    heap = decompress(b64decode(arrays[1]))
    assert len(heap) == int(contents[1])
    return json.loads(decompress(b64decode(contents[2]))), heap


def page_sentences(html: str) -> Any:
    """What an atlas holds of sentences."""
    data, heap = page_data(html)
    start, length = data["sentences"]["listed"]
    return json.loads(heap[start : start + length])


def visit(page: Page, address: str) -> None:
    """Go to an address within an atlas, and wait until it is drawn."""
    page.wait_for_selector(".page > *", state="attached")
    page.mouse.move(1, 1)
    page.evaluate(
        """address => location.hash === address ? null : new Promise(drawn => {
            location.hash = address;
            const asked = location.href;
            addEventListener('hashchange', ({newURL}) => newURL === asked && drawn());
        })""",
        address,
    )
    page.wait_for_selector("[data-later]", state="detached")


def save(button: Locator, folder: Path) -> Path:
    """Click a button that saves a file, no sooner than Chromium lets it."""
    time.sleep(max(0, _saved[0] + BURST_SECONDS - time.monotonic()))
    with button.page.expect_download() as waiting:
        button.click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    _saved.append(time.monotonic())
    return path


HOSTILE = ['</script><img src="http://attack.test/x" onerror="alert(1)">', "<b>bold</b>", "&amp;", "\u202eright\x00"]


def lines(page: Page) -> list[dict[str, Any]]:
    """The lines that can be seen."""
    return page.locator("svg.lines").last.evaluate(  # type: ignore[no-any-return]
        """svg => [...svg.querySelectorAll('g:not([visibility=hidden]) > path[data-i]')].map(path => ({
        head: +path.dataset.head, i: +path.dataset.i, j: +path.dataset.j,
        opacity: +path.getAttribute('stroke-opacity')}))"""
    )


def wait_for_heads(page: Page, heads: list[int]) -> None:
    """Until lines of these heads alone can be seen: a layer may have to come from the server."""
    page.wait_for_function(
        """heads => {
            const seen = [...document.querySelectorAll('svg.lines')].at(-1)
                ?.querySelectorAll('g:not([visibility=hidden]) > path[data-i]') ?? [];
            return new Set([...seen].map(path => +path.dataset.head)).size === heads.length
                && [...seen].every(path => heads.includes(+path.dataset.head));
        }""",
        arg=heads,
        timeout=60_000,
    )


def assert_lines(page: Page, expected: NDArray[np.float64], heads: list[int]) -> None:
    """Exactly the weights that can be seen are drawn, each as opaque as it is large. `expected` is [head, i, j]."""
    drawn = {(line["head"], line["i"], line["j"]): line["opacity"] for line in lines(page)}
    wanted = {
        (h, int(i), int(j)): expected[h, i, j]
        for h in heads
        for i, j in zip(*np.nonzero(expected[h] >= 0.005), strict=True)
    }
    assert drawn.keys() == wanted.keys()
    np.testing.assert_allclose([drawn[key] for key in wanted], list(wanted.values()), rtol=0, atol=1e-4)
