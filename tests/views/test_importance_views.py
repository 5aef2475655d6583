"""The importance of attention as a figure, in the terminal and beside the other tables."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot
from matplotlib.figure import Figure
from rich.console import Console
from synthetic import dataset

from attnmetrics import plot
from attnmetrics.errors import ConfigError
from attnmetrics.metrics.importance import Layout
from attnmetrics.results.importance import importance_dataset, join
from attnmetrics.views.figures import profiles
from attnmetrics.views.figures.panels import all_panels
from attnmetrics.views.tables import of_corpus, of_heads
from attnmetrics.views.terminal.importance import show_importance


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    """Four layers of three heads; no separators."""
    random, layout = np.random.default_rng(0), Layout((0, 1, 2, 3), 3, "digest")
    sums = {name: random.random(shape) + 0.5 for name, shape in layout.shapes.items()}
    sums["pairs"][:] = (100, 0, 20, 300)
    for name in ("gradient_sum", "weight_sum", "value_norm_sum"):
        sums[name][:, :, 1] = 0
    sums |= {"units": np.asarray(8.0), "units_without_loss": np.asarray(2.0), "predicted": np.asarray(1234.0)}
    return importance_dataset(
        layout, {**sums, "loss": np.asarray(20.0)}, "window:64", {"masking": None, "loss": "mean"}
    )


def test_the_figure_has_a_line_for_each_kind_of_piece_that_there_is(data: xr.Dataset) -> None:
    sheet = profiles.importance(data)
    for axes, kind in zip(sheet.axes, ("raw", "centred", "weighted"), strict=True):
        names = [line.get_label() for line in axes.lines]
        assert names == ["to first", "to punctuation", "to other"]
        for line, special in zip(axes.lines, ("first", "punctuation", "other"), strict=True):
            expected = data["importance"].sel(special=special, kind=kind).mean("head")
            np.testing.assert_allclose(line.get_ydata(), expected)


def test_plot_draws_one_kind_where_it_is_told_to(data: xr.Dataset) -> None:
    ax = Figure().subplots()
    assert plot.importance(data, "centred", ax=ax) is ax
    expected = data["importance"].sel(special="first", kind="centred").mean("head")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), expected)
    assert len(plot.importance(data).figure.axes) == 3
    with pytest.raises(ConfigError, match="expected a kind of raw, centred, weighted, found 'clark'"):
        plot.importance(data, "clark")
    with pytest.raises(ConfigError, match=r"results of attnmetrics\.importance"):
        plot.importance(xr.Dataset())


def test_the_terminal_tells_means_and_layers(data: xr.Dataset) -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(show_importance(data))
    printed = console.file.getvalue()
    sample = "1,234 pieces predicted in 8 windows; nothing to predict in 2 more of the sample; mean loss 2.5 nats"
    assert sample in " ".join(printed.split())
    rows = {row.split()[0]: row.split()[1:] for row in printed.splitlines() if row.strip()}
    mean = data["importance"].sel(special="other", kind="raw").mean().item()
    assert rows["other"][0] == f"{mean:.2g}" and rows["other"][-1] == "1,200"
    assert rows["separator"] == [*["–"] * 5, "0"]
    layer = data["importance"].sel(special="first", kind="raw", layer=2).mean().item()
    assert any(row.split()[:3] == ["layer", "2", f"{layer:.2g}"] for row in printed.splitlines())
    assert max(map(len, printed.splitlines())) <= 80


def test_it_stands_beside_the_other_tables(data: xr.Dataset) -> None:
    results = dataset(4, 3)
    assert join(results, None) is results
    joined = join(results, data)
    assert {"importance", "importance_weight", "importance_value_norm"} <= set(of_heads(joined))
    assert "importance_units" in of_corpus(joined) and "importance_pairs" not in of_corpus(joined)
    assert joined.attrs["order"][-1] == "importance_loss"
    assert "importance" in [panel.key for panel in all_panels(joined)]
    xr.testing.assert_equal(joined[list(data.data_vars)].drop_attrs(), data.drop_attrs())
