"""The notebooks run from top to bottom and are stored with what they show."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from conftest import demo_config
from nbclient import NotebookClient

from attnmetrics.assets import MODELS
from attnmetrics.driver import run as run_all
from attnmetrics.model.load import load_model
from attnmetrics.model.trace import read, trace
from attnmetrics.progress import Reporter

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "notebooks" / "results.ipynb"
VIEWS = ROOT / "notebooks" / "views.ipynb"
FIGURES = ROOT / "notebooks" / "figures.ipynb"
COMPARE = ROOT / "notebooks" / "compare.ipynb"
GENDER = ROOT / "notebooks" / "gender_bias.ipynb"


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


def test_the_figures_notebook_shows_each_figure_of_the_paper(demo_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTNMETRICS_RUN", str(demo_run))
    kinds = [kind for output in run(FIGURES) if "data" in output for kind in output["data"]]
    assert kinds.count("image/png") == 12


def test_the_comparing_notebook_shows_what_null_attention_does(
    demo_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attnmetrics.views.atlas.render", lambda *_: "")
    settings = demo_config(tmp_path / "none", null_tokens="none", annotations=demo_run / "annotations")
    run_all(settings, Reporter(quiet=True))
    monkeypatch.setenv("ATTNMETRICS_RUN", str(demo_run))
    monkeypatch.setenv("ATTNMETRICS_OTHER", str(tmp_path / "none"))
    shown = [output["data"] for output in run(COMPARE) if "data" in output]
    assert sum("image/png" in data for data in shown) == 1
    (correlation,) = [float(data["text/plain"]) for data in shown if re.fullmatch(r"-?0\.\d+", data["text/plain"])]
    assert correlation > 0.5, "heads that rest on the first piece seem to look farther"


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


def numbers(outputs: list[nbformat.NotebookNode]) -> list[list[float]]:
    """What the tables of a notebook say."""
    tables = [output["data"]["text/plain"] for output in outputs if "dataframe" in output["data"].get("text/html", "")]
    return [[float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", table)] for table in tables]


def test_the_notebook_on_gender_bias_shows_what_the_model_does() -> None:
    stored = [output for cell in nbformat.read(GENDER, as_version=4).cells for output in cell.get("outputs", [])]
    shown = run(GENDER)
    assert sum("image/png" in output["data"] for output in shown) == 1
    assert sum("Head view, demo" in output["data"].get("text/html", "") for output in shown) == 2
    for found, expected in zip(numbers(shown), numbers(stored), strict=True):
        np.testing.assert_allclose(found, expected, atol=0.002)

    *_, verdict, example = numbers(shown)
    assert verdict[4::3] == [0, 5, 0], "heads that pass, as the prose has them"
    model = load_model(str(MODELS["demo"]))
    layer, head = (int(part) for part in f"{example[0]}".split("."))
    for pronoun, weights in zip(("She", "He"), (example[1:3], example[3:]), strict=True):
        reading = read(model, f"The doctor asked the nurse a question. {pronoun}")
        assert reading.names[1:8] == ("Ġdoct", "or", "Ġasked", "Ġthe", "Ġn", "ur", "se")
        row = trace(model, reading).attention[layer, head, -1]
        np.testing.assert_allclose(weights, [row[5:8].sum(), row[1:3].sum()], atol=0.001)


@pytest.mark.parametrize("path", [RESULTS, VIEWS, FIGURES, COMPARE, GENDER])
def test_notebooks_are_stored_with_their_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert sum(bool(cell.outputs) for cell in code) >= len(code) - 1
    assert str(ROOT) not in path.read_text(encoding="utf-8")
    assert path.stat().st_size < 1_500_000
