"""What probes found, in the terminal: attachment scores beside the published ones, and the heads with most weight."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attnmetrics.views.heads import ranked
from attnmetrics.views.numbers import number
from attnmetrics.views.pieces import visible
from attnmetrics.views.tables import labels_of, said, shown, title

STRUCTURAL = "A structural probe of BERT's vectors has 80 in the paper, undirected: not comparable."
WEIGHTS = ("attention_weight", "attention_and_words_weight_norm")


def show_probes(data: xr.Dataset, top: int = 5) -> RenderableType:
    """Scores of all probes, of the relations with most words, and the heads that they rely on.

    Args:
        data: what `load_probe` gives.
        top: heads and relations to list.
    """
    return Group(*_about(data), Text(), _scores(data), Text(STRUCTURAL, style="dim"), Text(), _relations(data, top),
                 *_heads(data, top))  # fmt: skip


def _about(data: xr.Dataset) -> list[Text]:
    learned, tried = (f"{int(data[f'{part}_words'].sum()):,} words" for part in ("train", "test"))
    lines = [
        f"{data.attrs['model']}: learned from {learned} of {data.attrs['treebank']}",
        f"tried on {tried} of {data.attrs['test']}",
        f"word vectors: {data.attrs['word_vectors']}",
        f"best word offset: {int(data['best_offset']):+}",
    ]
    return [Text(visible(line)) for line in lines]


def _scores(data: xr.Dataset) -> Table:
    columns = ("uas", "uas_published", "root_accuracy", "control_accuracy", "selectivity", "loss", "iterations")
    titles = ("probe", "attachment", "published", "roots", "control task", "selectivity", "mean loss", "iterations")
    table = _table(*titles)
    for place, name in enumerate(labels_of(data["uas"], "probe")):
        found = [shown(data[column], float(data[column][place])) for column in columns]
        table.add_row(Text(visible(str(name)).replace("_", " ")), *found)
    return table


def _relations(data: xr.Dataset, top: int) -> Table:
    """The relations with most words, a column each."""
    words = data["test_words"].values
    order = [int(n) for n in np.argsort(-words, kind="stable")[: 2 * top] if words[n]]
    table = _table("by relation", *(f"{label} ({number(float(words[n]))})" for n, label in _chosen(data, order)))
    for place, name in enumerate(labels_of(data["uas"], "probe")):
        of_probe = data["uas_by_relation"][place]
        table.add_row(visible(str(name)).replace("_", " "), *(shown(of_probe, float(of_probe[n])) for n in order))
    return table


def _chosen(data: xr.Dataset, order: Sequence[int]) -> list[tuple[int, str]]:
    labels = labels_of(data["test_words"], "rel")
    return [(n, visible(str(labels[n]))) for n in order]


def _heads(data: xr.Dataset, top: int) -> list[RenderableType]:
    """Of each table of weights and direction, the heads with the largest."""
    parts: list[RenderableType] = []
    for name in WEIGHTS:
        if name not in data:
            continue
        parts += [Text(), Text(title(data[name]), style="bold"), Text(said(data[name], "formula"), style="dim")]
        for direction in labels_of(data[name], "direction"):
            found = ranked(data[name].sel(direction=direction))[:top]
            listed = ", ".join(f"layer {layer} head {head} ({number(value)})" for layer, head, value in found)
            parts.append(Text(f"{visible(str(direction)).replace('_', ' ')}: {listed}"))
    return parts


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        table.add_column(Text(column), justify="right" if place else "left")
    return table
