"""The notebooks run from top to bottom and are stored with what they show."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from conftest import demo_config
from nbclient import NotebookClient

from attnmetrics.assets import MODELS
from attnmetrics.model.load import load_model
from attnmetrics.model.reading import attend, read
from attnmetrics.running.driver import run as run_all
from attnmetrics.running.progress import Reporter

ROOT = Path(__file__).resolve().parents[2]
TOUR = ROOT / "notebooks" / "tour.ipynb"
VIEWS = ROOT / "notebooks" / "views.ipynb"
FIGURES = ROOT / "notebooks" / "figures.ipynb"
NULL = ROOT / "notebooks" / "null_attention.ipynb"
COMPARE = ROOT / "notebooks" / "compare.ipynb"
GENDER = ROOT / "notebooks" / "gender_bias.ipynb"
CLARK = ROOT / "notebooks" / "clark.ipynb"


NOTEBOOKS = (TOUR, VIEWS, FIGURES, NULL, COMPARE, GENDER, CLARK)

Outputs = dict[Path, list[nbformat.NotebookNode]]


@pytest.fixture(scope="module")
def shown(demo_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """What each notebook shows, none of which is an error or a stray line.

    All run one after the other in one kernel, which imports its libraries once; each begins without any name.
    """
    other = tmp_path_factory.mktemp("other") / "none"
    settings = demo_config(other, null_tokens="none", annotations=demo_run / "annotations")
    run_all(settings, Reporter(quiet=True))
    genres = tmp_path_factory.mktemp("genres") / "run"
    few = {"layers": "1", "exemplars": 1, "drawn_exemplars": 0, "max_documents": None, "shard_characters": 9_000}
    with pytest.MonkeyPatch.context() as patch:  # a page takes long, and no notebook looks at it
        patch.setattr("attnmetrics.running.outputs.write_report", lambda *_: None)
        run_all(
            demo_config(genres, corpus=str(ROOT / "notebooks" / "gum"), by="meta::genre", **few), Reporter(quiet=True)
        )
    runs = {"ATTNMETRICS_RUN": str(demo_run), "ATTNMETRICS_OTHER": str(other), "ATTNMETRICS_GENRES": str(genres)}
    fresh = f"%reset -f\nimport os\nos.environ.update({runs!r})"
    notebooks = [nbformat.read(path, as_version=4) for path in NOTEBOOKS]
    for notebook in notebooks:
        notebook.cells.insert(0, nbformat.v4.new_code_cell(fresh))
    one = nbformat.v4.new_notebook(cells=[cell for notebook in notebooks for cell in notebook.cells])
    NotebookClient(one, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    found = {path: outputs_of(notebook) for path, notebook in zip(NOTEBOOKS, notebooks, strict=True)}
    assert [one for outputs in found.values() for one in outputs if one.output_type in ("error", "stream")] == []
    return found


def outputs_of(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Of all its cells."""
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def test_the_tour_goes_from_a_question_to_a_figure(shown: Outputs) -> None:
    found = [output["data"] for output in shown[TOUR] if "data" in output]
    assert sum("image/png" in data for data in found) == 1
    tables = [data["text/plain"] for data in found if "dataframe" in data.get("text/html", "")]
    edges, layer, head, accuracy, held_out, _, baseline = (float(one) for one in tables[1].splitlines()[1].split()[1:])
    assert (layer, head) == (3, 5) and edges > 50
    assert min(accuracy, held_out) > baseline + 0.3
    assert any(
        "It finds cc, but the nearest word of a class finds as many or more" in data["text/plain"] for data in found
    )
    assert any(re.search("relation:cc:hit.*relation:cc:miss", table, re.DOTALL) for table in tables)


def test_the_figures_notebook_shows_each_figure_of_the_paper(shown: Outputs) -> None:
    kinds = [kind for output in shown[FIGURES] if "data" in output for kind in output["data"]]
    assert kinds.count("image/png") == 12


def test_the_comparing_notebook_shows_genres(shown: Outputs) -> None:
    tables = [output["data"] for output in shown[COMPARE] if "data" in output]
    assert sum("image/png" in data for data in tables) == 1
    assert "{'meta::genre': 3, 'layer': 1, 'head': 6}" in [data["text/plain"] for data in tables]
    clear = next(data["text/plain"] for data in tables if data["text/plain"].startswith("null_attention"))
    assert re.search(r"entropy +[3-6] of 6", clear) and re.search(r"dependency_excess +[0-2] of 18", clear)


def test_the_notebook_on_null_attention_shows_what_it_does(shown: Outputs) -> None:
    found = [output["data"] for output in shown[NULL] if "data" in output]
    assert sum("image/png" in data for data in found) == 1
    (correlation,) = [float(data["text/plain"]) for data in found if re.fullmatch(r"-?0\.\d+", data["text/plain"])]
    assert correlation > 0.5, "heads that rest on the first piece seem to look farther"


def test_the_notebook_on_the_second_paper_shows_its_figures_and_tables(shown: Outputs) -> None:
    found = [output["data"] for output in shown[CLARK] if "data" in output]
    assert sum("image/png" in data for data in found) == 3
    assert sum("dataframe" in data.get("text/html", "") for data in found) == 2
    assert found[-2]["text/plain"] == "'no coreference in this run'"


def test_the_views_notebook_shows_the_pages_that_it_stores(shown: Outputs) -> None:
    stored = outputs_of(nbformat.read(VIEWS, as_version=4))
    titles = [
        [re.findall('title="(.*?)"', page["data"]["text/html"]) for page in pages if "text/html" in page["data"]]
        for pages in (shown[VIEWS], stored)
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


def test_the_notebook_on_gender_bias_shows_what_the_model_does(shown: Outputs) -> None:
    assert sum("image/png" in output["data"] for output in shown[GENDER]) == 1
    assert sum("Head view, demo" in output["data"].get("text/html", "") for output in shown[GENDER]) == 2
    stored = outputs_of(nbformat.read(GENDER, as_version=4))
    for found, expected in zip(numbers(shown[GENDER]), numbers(stored), strict=True):
        np.testing.assert_allclose(found, expected, atol=0.002)

    *_, verdict, example = numbers(shown[GENDER])
    assert verdict[4::3] == [0, 5, 0], "heads that pass, as the prose has them"
    model = load_model(str(MODELS["demo"]))
    layer, head = (int(part) for part in f"{example[0]}".split("."))
    for pronoun, weights in zip(("She", "He"), (example[1:3], example[3:]), strict=True):
        reading = read(model, f"The doctor asked the nurse a question. {pronoun}")
        assert reading.names[1:8] == ("Ġdoct", "or", "Ġasked", "Ġthe", "Ġn", "ur", "se")
        row = attend(model, reading).weights[layer, head, -1]
        np.testing.assert_allclose(weights, [row[5:8].sum(), row[1:3].sum()], atol=0.001)


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_notebooks_are_stored_with_their_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert sum(bool(cell.outputs) for cell in code) >= len(code) - 1
    assert str(ROOT) not in path.read_text(encoding="utf-8")
    assert path.stat().st_size < 1_500_000
