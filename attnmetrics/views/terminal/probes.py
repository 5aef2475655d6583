"""What probes found, in the terminal: attachment scores beside the published ones, and the heads with most weight."""

import numpy as np
import xarray as xr
from rich.console import Group, RenderableType
from rich.text import Text

from attnmetrics.results.probes import CLARK_STEPS
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
    return Group(*_about(data), Text(), _scores(data), Text(STRUCTURAL, style=FAINT), Text(), _relations(data, top),
                 *_heads(data, top), Text(), Text(WITHOUT, style=FAINT))  # fmt: skip


def _about(data: xr.Dataset) -> list[Text]:
    learned, tried = (f"{int(data[f'{part}_words'].sum()):,} words" for part in ("train", "test"))
    lines = [
        f"{data.attrs['model']}: learned from {learned} of {data.attrs['treebank']}",
        f"tried on {tried} of {data.attrs['test']}",
        f"word vectors: {data.attrs['word_vectors']}",
        f"best word offset: {int(data['best_offset']):+}",
        *_about_recipe(data),
    ]
    return [Text(visible(line)) for line in lines]


def _about_recipe(data: xr.Dataset) -> list[str]:
    """How long the paper's own training took, where it was done: it ends wherever it is after one epoch."""
    steps = int(data["train_sentences"])
    trained = any(str(name).endswith("_clark") for name in labels_of(data["uas"], "probe"))
    few = f"{steps:,} steps, {CLARK_STEPS:,} in the paper: fewer leave weights near where they began"
    return [f"clark: trained as the paper did, one epoch of Adam, a sentence a step; {few}"] if trained else []


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
