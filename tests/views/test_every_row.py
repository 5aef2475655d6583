"""Each result of the second paper is in the results, the terminal, the CSV files, the atlas and the figures."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from rich.console import Console
from synthetic import attention, exemplars, without_evidence

from attnmetrics import plot
from attnmetrics.metrics.schema import COREFERENT, LABELS, LINKS, SPECIAL, Schema
from attnmetrics.results.tables import save_tables
from attnmetrics.storage import locate
from attnmetrics.views.atlas.page import contents
from attnmetrics.views.figures.panels import all_panels
from attnmetrics.views.similarity import has_map
from attnmetrics.views.terminal.metric import show_metric

OF_HEADS = (
    "special_attention", "separator_attention", "neighbour_attention", "entropy_all", "entropy_summary",
    "peak_attention", "relation_accuracy", "parse_accuracy", "relation_accuracy_all", "near_ties",
    "coreference_accuracy", "coreference_near_ties", "output_norm", "output_norm_relative",
)  # fmt: skip
UNIFORM = tuple(f"{name}_uniform" for name in OF_HEADS[:6])
SIMILARITY = ("head_distance", "head_map", "head_cluster", "layer_distance")
IN_TABLES = {
    "relation_edges": "edges", "relation_edges_attainable": "attainable", "relation_offset_accuracy": "at_offset",
    "relation_best_layer": "layer", "relation_best_head": "head", "relation_best_accuracy": "held_out",
    "relation_class_baseline": "at_nearest", "relation_class_accuracy": "nearest",
    "relation_baseline": "baseline", "relation_best_offset": "offset", "coreference_anaphors": "anaphors",
    "coreference_heuristic": "sieves", "coreference_best_layer": "layer", "coreference_best_head": "head",
    "coreference_best_accuracy": "held_out",
}  # fmt: skip
"""Of the corpus: columns of the tables that are for print."""
COUNTS = (
    "relation_unmeasured", "coreference_unreachable", "coreference_candidates", "map_sentences", "similarity_rows",
)  # fmt: skip
"""What is told beside them, and drawn nowhere."""
ALL = (*OF_HEADS, *UNIFORM, *SIMILARITY, *IN_TABLES, *COUNTS)


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    """Every result, of three layers of two heads; all that is of float is a half, or else one."""
    names = {"pos": ("NOUN", "_"), "rel": ("obj", "root"), "special": SPECIAL}
    made = without_evidence(Schema((0, 1, 2), 2, LABELS, (*LINKS, COREFERENT), names))
    for table in made.data_vars.values():
        table[...] = 0.5 if table.dtype.kind == "f" else 1
    made["head_map"][...] = np.arange(made["head_map"].size).reshape(made["head_map"].shape)
    return made


@pytest.fixture(scope="module")
def columns(data: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Of all CSV files, and what the files are called."""
    folder = tmp_path_factory.mktemp("tables")
    save_tables(data, locate(folder))
    files = list(Path(folder).glob("*.csv"))
    header = {name for file in files for name in file.read_text(encoding="utf-8").splitlines()[0].split(",")}
    lines = {line.split(",")[0] for file in files for line in file.read_text(encoding="utf-8").splitlines()}
    return header | lines | {file.stem for file in files}


@pytest.fixture(scope="module")
def drawn(data: xr.Dataset) -> set[str]:
    """Names of all results in the atlas."""
    nothing = exemplars(data).head(0)
    page = contents(data, nothing, attention(nothing), {})
    told = {one["name"] for part in ("metrics", "corpus") for one in page[part]}
    return told | ({*SIMILARITY} if page["similarity"] else set())


@pytest.mark.parametrize("name", ALL)
def test_a_result_is_wherever_people_look(name: str, data: xr.Dataset, columns: set[str], drawn: set[str]) -> None:
    assert name in data
    assert name in columns
    assert name in drawn
    console = Console(width=100, record=True)
    with console.capture() as caught:
        console.print(show_metric(data, name))
    assert len(caught.get()) > 40


def test_figures_show_each_of_them(data: xr.Dataset) -> None:
    needed = {name for panel in all_panels(data) for name in panel.needs}
    assert set(OF_HEADS) <= needed
    assert has_map(data) and set(SIMILARITY) <= needed
    assert {data[name].attrs["chance"] for name in OF_HEADS[:6]} == set(UNIFORM), "drawn as lines beside"
    columns = {*plot.relation_table(data), *plot.coreference_table(data)}
    assert set(IN_TABLES.values()) <= columns
