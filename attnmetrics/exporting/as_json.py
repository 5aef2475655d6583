"""The tables of a run as JSON: one file that says what each result is, and those of tokens and roles."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.exporting.codebook import describe, describe_dimension, read_me
from attnmetrics.exporting.content import Content
from attnmetrics.exporting.names import head_name, with_names
from attnmetrics.exporting.tidy import bounds_of

READ_ME: Final = """\
# {title}

{about}

`results.json` holds all results by name under `results`: title, unit, kind, definition, how to read it, `chance` (the
result that is its chance level), `dims`, and `values` as nested lists, the first dimension outermost, `low` and `high`
likewise where the run knows how sure it is; null means no evidence. `dimensions` holds the labels, `head_names` the
names of heads: `L5H1`, both counted from 0.{frames}{by}

    found = json.load(open("results.json"))                                    # Python
    numpy.array(found["results"]["distance"]["values"], float)

    found <- jsonlite::fromJSON("results.json")$results$distance$values         # R

{notation}
"""
"""Beside tables in JSON."""


def write_json(content: Content, folder: Path) -> None:
    """Fill a folder; NaN, which JSON does not have, is null."""
    (folder / "README.md").write_text(read_me(content, READ_ME, "json"), encoding="utf-8")
    _write(folder / "results.json", results(content.data, content.about, content.sure))
    for name, split in content.by.items():
        _write(folder / f"{name}.json", results(split[0], content.about, split[1]))
    for name, frame in content.frames.items():
        rows = with_names(frame.copy())
        _write(folder / f"{name}.json", {"about": content.about, name: records(rows)})


def results(data: xr.Dataset, about: Mapping[str, str], sure: xr.Dataset | None = None) -> dict[str, Any]:
    """All results as nested lists, the first dimension outermost, and the labels of their dimensions."""
    layers, heads = (data[dim].values.tolist() for dim in ("layer", "head"))
    return {
        "about": dict(about),
        "notation": data.attrs.get("notation", ""),
        "head_names": [[head_name(layer, head) for head in heads] for layer in layers],
        "dimensions": {
            str(dim): describe_dimension(data, str(dim)) | {"labels": data[dim].values.tolist()} for dim in data.dims
        },
        "results": {str(name): _result(data, str(name), sure) for name in data.data_vars},
    }


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows by column."""
    columns = {str(name): _plain(frame[name].to_numpy()) for name in frame.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _result(data: xr.Dataset, name: str, sure: xr.Dataset | None) -> dict[str, Any]:
    table = data[name]
    said = {what: text for what, text in describe(data, name).items() if text}
    bounds = {bound: _plain(one.to_numpy()) for bound, one in bounds_of(sure, name).items()}
    return {**said, "dims": list(table.dims), "values": _plain(table.to_numpy()), **bounds}


def _plain(values: np.ndarray[Any, Any]) -> Any:
    """Nested lists, None for what JSON does not have."""
    if values.dtype.kind != "f":
        return values.tolist()
    found = values.astype(object)
    found[~np.isfinite(values)] = None
    return found.tolist()


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
