"""What each exported result is, told beside it: title, unit, definition, how to read it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pandas as pd
import xarray as xr

from attnmetrics.exporting.content import Content
from attnmetrics.results.by import FIELD

ABOUT_RESULT: Final = {
    "title": "long_name",
    "unit": "units",
    "kind": "kind",
    "definition": "formula",
    "how_to_read": "help",
    "source": "source",
    "family": "family",
    "chance": "chance",
    "twin_of": "twin_of",
}
"""What is told of a result → the attribute of its variable (see `results.dataset`)."""

COLUMNS: Final = {
    "head_name": "layer and head, both counted from 0: L5H1",
    "other_head_name": "likewise, of the other head",
    "value": "the result; NaN without evidence",
    "low": "lowest that the value may be, of a bootstrap of the run's shards; NaN where that is unknown",
    "high": "highest that it may be",
    "chance": "its chance level; NaN without evidence",
    "claim": "empty, or what a sentence shows: pos_to:DET, repeat, relation:obj:hit",
    "bucket": "top: the strongest; else typical ones, of a fifth of the head's by its largest weight, 0-20 the weakest",
    "rank": "from 1, within claim and bucket",
    "weight": "attention from the piece at i to that at j, null pieces left out",
    "i": "place of the attending piece, from 0",
    "j": "place of the attended piece, from 0",
    "right": "of a wrong answer the places of the pieces of the word that is right by the annotation",
    "right_word": "these pieces; empty where the answer is right, or the word's sentence is not shown",
}
"""Columns that are no dimensions → what they hold."""

HELD: Final = {
    "tokens": "the pieces that heads attend to",
    "roles": "what each head does",
    "exemplars": "sentences of each head: its strongest pairs, typical ones, and those that answer a claim",
}
"""What frames hold beside the results."""


def describe(data: xr.Dataset, name: str) -> dict[str, str]:
    """What a result says of itself; what it does not say is empty."""
    about = data[name].attrs
    return {what: str(about.get(attribute, "")) for what, attribute in ABOUT_RESULT.items()}


def codebook(data: xr.Dataset, files: Mapping[str, str]) -> pd.DataFrame:
    """A row for each result.

    Args:
        data: the results.
        files: the file that holds it, by result.
    """
    rows = [{"result": name, "file": file, **describe(data, name), "dims": _dims(data, name)}
            for name, file in files.items()]  # fmt: skip
    return pd.DataFrame(rows)


def describe_dimension(data: xr.Dataset, dim: str) -> dict[str, str]:
    """What a dimension says of itself."""
    about = data[dim].attrs
    return {"title": str(about.get("long_name", dim)), "meaning": str(about.get("help", "")),
            "unit": str(about.get("units", "1"))}  # fmt: skip


def data_package(data: xr.Dataset, about: Mapping[str, str], tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """A description of CSV files as Frictionless Data has it.

    Args:
        data: the results.
        about: what the run was of.
        tables: the frame in each file, by the file's name without its ending.
    """
    return {
        "profile": "tabular-data-package",
        "name": "attention-metrics",
        "title": str(data.attrs.get("title", "Attention metrics")),
        "description": str(data.attrs.get("notation", "")),
        "sources": [{"title": about.get("corpus", "")}],
        "run": dict(about),
        "resources": [_resource(data, name, frame) for name, frame in tables.items()],
    }


def read_me(content: Content, text: str, ending: str) -> str:
    """What a person reads first.

    Args:
        content: what is exported.
        text: with places for `title`, `about`, `frames`, `by` and `notation`.
        ending: of the names of the frames' files.
    """
    frames = [f"`{name}.{ending}` holds {HELD[name]}." for name in content.frames]
    return text.format(
        title=content.data.attrs.get("title", "Attention metrics"),
        about="\n".join(f"- {what}: {which}" for what, which in content.about.items()),
        frames="".join(f"\n{frame}" for frame in frames),
        by="".join(f"\n{_by(name, str(one.attrs[FIELD]), ending)}" for name, (one, _) in content.by.items()),
        notation=content.data.attrs.get("notation", ""),
    )


def _by(name: str, field: str, ending: str) -> str:
    what = f"the files of the folder `{name}` hold" if ending == "csv" else f"`{name}.{ending}` holds"
    return f"{what[:1].upper()}{what[1:]} the same for the documents of each value of the field `{field}`."


def _dims(data: xr.Dataset, name: str) -> str:
    return ", ".join(map(str, data[name].dims))


def _resource(data: xr.Dataset, name: str, frame: pd.DataFrame) -> dict[str, Any]:
    about = describe(data, name) if name in data else {"title": name}
    return {
        "profile": "tabular-data-resource",
        "name": name.lower(),
        "path": f"{name}.csv",
        "encoding": "utf-8",
        "title": about["title"],
        **{what: said for what, said in about.items() if said and what != "title"},
        "schema": {"fields": list(_fields(data, frame, about.get("unit", "")))},
    }


def _fields(data: xr.Dataset, frame: pd.DataFrame, unit: str) -> Iterator[dict[str, str]]:
    kinds = {"i": "integer", "f": "number"}
    for column in map(str, frame.columns):
        said = describe_dimension(data, column)["meaning"] if column in data.dims else COLUMNS.get(column, "")
        units = {"unit": unit} if unit and column in ("value", "low", "high", "chance") else {}
        kind = kinds.get(frame[column].dtype.kind, "string")
        yield {"name": column, "type": kind, **({"description": said} if said else {}), **units}
