"""What probes found, in the terminal: attachment scores beside the published ones, and the heads with most weight."""

import numpy as np
import xarray as xr
from rich.console import Group, RenderableType
from rich.text import Text

from attnmetrics.results.probes import told
from attnmetrics.views.certainty import WITHOUT
from attnmetrics.views.heads import ranked
from attnmetrics.views.numbers import number
from attnmetrics.views.pieces import visible
from attnmetrics.views.tables import at_labels, labels_of, said, shown, title
from attnmetrics.views.terminal.light_table import LightTable
from attnmetrics.views.terminal.style import FAINT

STRUCTURAL = "A structural probe of BERT's vectors has 80 in the paper, undirected: not comparable."
BY_RELATION = {
    "right_branching": "next word",
    "distances_and_words": "distances, words",
    "attention": "attention",
    "attention_and_words": "attention, words",
}
"""Probes whose scores by relation are shown, and what they are called there."""
WEIGHTS = ("attention_weight", "attention_and_words_weight_norm")


def show_probes(data: xr.Dataset, top: int = 10) -> RenderableType:
    """Scores of all probes, of the relations with most words, and the heads that they rely on.

    Args:
        data: what `load_probe` gives.
        top: heads and relations to list.
    """
    about = (Text(visible(line)) for line in told(data))
    return Group(*about, Text(), _scores(data), Text(STRUCTURAL, style=FAINT), Text(), _relations(data, top),
                 *_heads(data, top), Text(), Text(WITHOUT, style=FAINT))  # fmt: skip


def _scores(data: xr.Dataset) -> LightTable:
    columns = ("uas", "uas_published", "root_accuracy", "control_accuracy")
    table = LightTable("probe", "attachment", "published", "roots", "control")
    for place, name in enumerate(labels_of(data["uas"], "probe")):
        found = [shown(data[column], float(data[column][place])) for column in columns]
        table.add_row(_words(name), *found)
    return table


def _relations(data: xr.Dataset, top: int) -> LightTable:
    """The relations with most words: how many there are, and what some probes find of them."""
    words = data["test_words"]
    probes = [name for name in BY_RELATION if name in labels_of(data["uas"], "probe")]
    table = LightTable("relation", "words", *(BY_RELATION[name] for name in probes))
    for n in np.argsort(-words.values, kind="stable")[:top].tolist():
        if words[n]:
            of_relation = data["uas_by_relation"][:, n]
            found = [shown(of_relation, float(at_labels(of_relation, {"probe": name}))) for name in probes]
            table.add_row(_words(labels_of(words, "rel")[n]), number(float(words[n])), *found)
    return table


def _words(label: object) -> Text:
    return Text(visible(str(label)).replace("_", " "))


def _heads(data: xr.Dataset, top: int) -> list[RenderableType]:
    """Of each table of weights and direction, the heads with the largest."""
    parts: list[RenderableType] = []
    for name in WEIGHTS:
        if name not in data:
            continue
        parts += [Text(), Text(title(data[name]), style="bold"), Text(said(data[name], "formula"), style=FAINT)]
        for direction in labels_of(data[name], "direction"):
            found = ranked(data[name].sel(direction=direction))[: max(1, top // 2)]
            listed = ", ".join(f"layer {layer} head {head} ({number(value)})" for layer, head, value in found)
            parts.append(Text(f"{visible(str(direction)).replace('_', ' ')}: {listed}"))
    return parts
