"""The three views in JupyterLab, in a real browser, from whatever package its kernel has.

`ATTNMETRICS_JUPYTER` names a `jupyter` whose environment has JupyterLab and the wheel; it may see the packages of
another one by a .pth file. Without it the test is left out.
"""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import chromium, needs_chromium
from playwright.sync_api import Frame, Page, expect

JUPYTER = os.environ.get("ATTNMETRICS_JUPYTER")
pytestmark = [
    pytest.mark.soak, needs_chromium, pytest.mark.skipif(JUPYTER is None, reason="ATTNMETRICS_JUPYTER names no jupyter")
]  # fmt: skip
TEXT = "The cat sat on the mat because it was tired."
VIEWS = ("head", "model", "neuron")
TOKEN = "of-this-test"


def write_notebook(path: Path) -> None:
    sources = [f"from attnmetrics import views; views.{name}('demo', {TEXT!r})" for name in VIEWS]
    cells = [
        {
            "cell_type": "code",
            "id": f"cell{n}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for n, source in enumerate(sources)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Of a notebook in a JupyterLab that keeps nothing beyond the test."""
    write_notebook(tmp_path / "views.ipynb")
    port = free_port()
    kept = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    others = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    kept["PATH"] = f"{Path(str(JUPYTER)).parent}{os.pathsep}{os.environ['PATH']}"
    command = [str(JUPYTER), "lab", "--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0",
               f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={tmp_path}"]  # fmt: skip
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=others | kept, cwd=tmp_path, stdout=log, stderr=log)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}/lab/tree/views.ipynb?token={TOKEN}"
    finally:
        server.terminate()
        server.wait(30)


def wait_for(port: int) -> None:
    for _ in range(120):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.5)


def view(page: Page, place: int) -> Frame:
    frame = page.locator(".jp-OutputArea iframe").nth(place)
    frame.scroll_into_view_if_needed()
    found = frame.element_handle().content_frame()
    assert found is not None
    found.wait_for_selector(".drawing svg")
    return found


def test_the_views_are_drawn_and_answer_in_jupyterlab(address: str) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 2400})
        page.set_default_timeout(240_000)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.wait_for_selector("text=Python 3 (ipykernel) | Idle")  # before, it asks which kernel, and runs nothing
        page.click("text=Run >> nth=0")
        page.click("text=Run All Cells >> nth=0")
        expect(page.locator(".jp-OutputArea iframe")).to_have_count(3, timeout=240_000)
        head, grid, neuron = (view(page, place) for place in range(3))
        head.hover('.token[data-side="left"] >> nth=3')
        assert "on → on" in head.locator(".status").first.inner_text()
        with page.expect_download() as waiting:
            head.click("text=SVG")
        assert waiting.value.suggested_filename == "head-view.svg"
        grid.click(".cell >> nth=3")
        grid.wait_for_selector("dialog svg.lines")
        neuron.click('.plus[data-place="4"]')
        neuron.wait_for_selector(".score")
        for one in (head, grid, neuron):
            assert one.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert complaints == []
