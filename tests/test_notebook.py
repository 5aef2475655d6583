"""The notebooks run from top to bottom and are stored with what they show."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "notebooks" / "results.ipynb"
VIEWS = ROOT / "notebooks" / "views.ipynb"


def run(path: Path) -> list[nbformat.NotebookNode]:
    """All outputs of a notebook, none of which is an error or a stray line."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}})
    done = client.execute()
    shown = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output for output in shown if output.output_type in ("error", "stream")] == []
    return shown


def test_the_results_notebook_shows_tables_and_figures(demo_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTNMETRICS_RUN", str(demo_run))
    kinds = [kind for output in run(RESULTS) if "data" in output for kind in output["data"]]
    assert kinds.count("image/png") == 8
    assert kinds.count("text/html") >= 5


def test_the_views_notebook_shows_the_pages_that_it_stores() -> None:
    stored = [output for cell in nbformat.read(VIEWS, as_version=4).cells for output in cell.get("outputs", [])]
    shown = run(VIEWS)
    titles = [
        [re.findall('title="(.*?)"', page["data"]["text/html"]) for page in pages if "text/html" in page["data"]]
        for pages in (shown, stored)
    ]
    assert (
        titles[0]
        == titles[1]
        == [["Head view, demo"], ["Model view, demo"], ["Neuron view, demo"], ["Head view, demo"]]
    )


@pytest.mark.parametrize("path", [RESULTS, VIEWS])
def test_notebooks_are_stored_with_their_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert sum(bool(cell.outputs) for cell in code) >= len(code) - 1
    assert str(ROOT) not in path.read_text(encoding="utf-8")
    assert path.stat().st_size < 1_500_000
