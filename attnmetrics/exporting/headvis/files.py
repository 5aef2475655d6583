"""The folder that the front end reads."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Final

import pandas as pd

from attnmetrics.describing.finding import shares
from attnmetrics.describing.rules import package_rules
from attnmetrics.describing.tables import Tables
from attnmetrics.exporting.content import Content
from attnmetrics.exporting.headvis.notes import read_me
from attnmetrics.exporting.headvis.plots import (
    describe_plots,
    describe_tables,
    distances,
    piece_tables,
    plot,
    plots_of,
    without_empty_ends,
)
from attnmetrics.exporting.headvis.scores import (
    describe_columns,
    rounded,
    scatter_bounds,
    scatter_columns,
    scatter_rows,
)
from attnmetrics.exporting.headvis.sequences import head_file, intervals, sequences
from attnmetrics.exporting.names import head_name
from attnmetrics.views.roles import Told, scores_told, with_rules
from attnmetrics.views.tables import HEAD

Json = dict[str, Any]

STATISTICS: Final = {
    "head_name": "Head",
    "sentence": "What it does",
    "scores": "Scores of its roles",
    "off_null": "Share of its attention that is off null pieces",
    "n_samples": "Sequences here",
}
"""What a head's file says in short → what the page calls it."""
FORMATS: Final = {"off_null": "percent", "n_samples": "integer"}


def write_headvis(content: Content, found: pd.DataFrame, folder: Path) -> None:
    """Fill a folder: config.json, scatter_data.json, heads/, and what tells the page that there is no server.

    Args:
        content: the run's tables.
        found: sentences with the attention in them, as `sequences.with_attention` gives them.
        folder: an empty one.
    """
    columns = scatter_columns(content.data)
    _write(
        folder / "config.json",
        config(content, found, list(columns), describe_columns(content.data, columns, content.sure)),
    )
    _write(folder / "scatter_data.json", scatter_rows(content.data, columns))
    for name in ("heads", "attributions"):
        (folder / name).mkdir()
    for file, head in heads(content, found):
        _write(folder / "heads" / file, head)
    _write(folder / "server_config.json", {})
    _write(folder / "attributions" / "manifest.json", {})
    (folder / "README.md").write_text(read_me(content, intervals(found)), encoding="utf-8")


def config(content: Content, found: pd.DataFrame, metrics: list[str], descriptions: dict[str, str]) -> Json:
    """What the page reads first, and what Neuronpedia's loader asks for in `pipeline_config`."""
    data, about = content.data, content.about
    layers, per_layer = (data[dim].values.tolist() for dim in ("layer", "head"))
    return {
        "model_name": about.get("model", ""),
        "dataset_name": about.get("corpus", ""),
        "heads": [list(place) for place in product(layers, per_layer)],
        "n_layers": len(layers),
        "n_heads": len(per_layer),
        "n_intervals": len(intervals(found)),
        "intervals": intervals(found),
        "metrics": metrics,
        "metric_descriptions": descriptions,
        "scatter": {"default_x": "layer", "default_y": "head", "default_color": metrics[0] if metrics else ""},
        "head_data_pattern": "L{layer}H{head}.json",
        "has_umap": False,
        "umap_heads": [],
        "custom_plots": describe_plots(data),
        "custom_tables": describe_tables(),
        "statistics_display": {
            name: {"label": label, "format": FORMATS.get(name, "default")} for name, label in STATISTICS.items()
        },
        "pipeline_config": _pipeline(content),
    }


def heads(content: Content, found: pd.DataFrame) -> Iterator[tuple[str, Json]]:
    """(file, content) of each head."""
    data, buckets = content.data, intervals(found)
    plots = {key: without_empty_ends(data[name]) for key, name in plots_of(data).items()}
    of_head, told = dict(iter(found.groupby(["layer", "head"]))), _role_scores(content)
    bounds = {name: [one.transpose(*HEAD).values for one in pair]
              for name, pair in scatter_bounds(data, content.sure).items()}  # fmt: skip
    for (a, layer), (b, head) in product(*(enumerate(data[dim].values.tolist()) for dim in ("layer", "head"))):
        own = sequences(of_head.get((layer, head), found.iloc[:0]), buckets)
        yield (
            head_file(layer, head),
            {
                "sequences": own,
                "qk_distance_histogram": distances(own),
                **piece_tables(_of_head(content.frames.get("tokens"), layer, head)),
                "histogram": {},
                **{key: plot(table, a, b) for key, table in plots.items()},
                "statistics": _statistics(content, layer, head) | told.get((layer, head), {}) | {"n_samples": len(own)},
                "metric_intervals": {name: [rounded(one[a, b]) for one in pair] for name, pair in bounds.items()},
            },
        )


def _statistics(content: Content, layer: int, head: int) -> Json:
    roles = _of_head(content.frames.get("roles"), layer, head)
    said = {} if roles is None else {"sentence": " ".join(filter(None, roles["sentence"]))}
    null = float(content.data["null_attention"].sel(layer=layer, head=head))
    return {"head_name": head_name(layer, head), **said, "off_null": None if null != null else 1 - null}


def _role_scores(content: Content) -> dict[tuple[int, int], Json]:
    """By head the scores of its roles: "previous piece 93% [92 to 94%] (even attention to the previous piece 4%)"."""
    frame, rules = content.frames.get("roles"), package_rules()
    if frame is None:
        return {}
    named, of_shares = with_rules(rules, Tables(content.data, content.sure), frame), shares(rules, content.data)
    groups = {(int(key[0]), int(key[1])): rows for key, rows in named.groupby(["layer", "head"])}
    told = {head: scores_told(rows.itertuples(), of_shares) for head, rows in groups.items()}
    return {head: {"scores": "; ".join(map(_line, rows))} for head, rows in told.items()}


def _line(told: Told) -> str:
    role, score, interval, level, chance, _, nearest, *_ = told
    levels = ", ".join(filter(None, [f"{level} {chance}" if level else "", nearest]))
    beside = [f"[{interval}]" if interval else "", f"({levels})" if levels else ""]
    return " ".join(filter(None, [role, score, *beside]))


def _of_head(frame: pd.DataFrame | None, layer: int, head: int) -> pd.DataFrame | None:
    return None if frame is None else frame[(frame["layer"] == layer) & (frame["head"] == head)]


def _pipeline(content: Content) -> Json:
    model = content.facts.get("model", {})
    loader = {
        "model_name": content.about.get("model", ""),
        "dataset_name": content.about.get("corpus", ""),
        "n_sequences": int(content.data["sentences"]),
        "seq_len": model.get("max_pieces") or 0,
        "dtype": model.get("dtype"),
        "attn_implementation": "attnmetrics",
    }
    return loader | {"about": content.about}


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
