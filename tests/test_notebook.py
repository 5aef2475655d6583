"""The notebook runs from top to bottom over a finished run."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "notebooks" / "results.ipynb"


def test_the_notebook_runs_and_shows_tables_and_figures(demo_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTNMETRICS_RUN", str(demo_run))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}})
    done = client.execute()
    shown = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output for output in shown if output.output_type in ("error", "stream")] == []
    kinds = [kind for output in shown if "data" in output for kind in output["data"]]
    assert kinds.count("image/png") == 8
    assert kinds.count("text/html") >= 5


def test_the_notebook_is_stored_with_its_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in code)
    assert str(ROOT) not in NOTEBOOK.read_text(encoding="utf-8")
