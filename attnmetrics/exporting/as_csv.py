"""The tables of a run as CSV: a tidy file a result, and files that say what they are."""

import json
from pathlib import Path
from typing import Final

import pandas as pd
import xarray as xr

from attnmetrics.exporting.codebook import codebook, data_package, read_me
from attnmetrics.exporting.content import Content
from attnmetrics.exporting.names import with_names
from attnmetrics.exporting.tidy import PAIR, single_numbers, tidy, with_dimensions
from attnmetrics.results.tables import file_names, write_csv

READ_ME: Final = """\
# {title}

{about}

`results.csv` says what each result is: title, unit, kind, definition, how to read it, the file that holds it, and which
result is its chance level. A file has a row for each value, and the columns `head_name` (`L5H1`: layer 5, head 1, both
counted from 0), `layer`, `head`, further dimensions, `value`, `low` and `high` where the run knows how sure it is, and
`chance` where a chance level is known. NaN means no evidence. `corpus.csv` holds the single numbers. `datapackage.json`
says all of this to programs (Frictionless Data). Text that a spreadsheet would take for a formula begins with an
apostrophe.{frames}{by}

    import pandas as pd                                    # Python
    table = pd.read_csv("distance.csv", keep_default_na=False, na_values={{"value": "NaN", "chance": "NaN"}})

    table <- read.csv("distance.csv", na.strings = "NaN")  # R

{notation}
"""
"""Beside tables in CSV."""


def write_tables(content: Content, folder: Path) -> None:
    """Fill a folder."""
    data = content.data
    names = with_dimensions(data)
    files = dict(zip(names, file_names([*names, "corpus", "results", *content.frames]), strict=False))
    tables = {file: tidy(data, name, content.sure) for name, file in files.items()}
    tables |= {"corpus": single_numbers(data, content.sure)} | {
        name: with_names(flat(f)) for name, f in content.frames.items()
    }
    single = dict.fromkeys(tables["corpus"]["result"], "corpus")
    tables["results"] = codebook(data, {name: f"{file}.csv" for name, file in (files | single).items()})
    split = {name: _split(*one) for name, one in content.by.items()}
    for name in split:
        (folder / name).mkdir()
    together = tables | {f"{name}/{file}": frame for name, own in split.items() for file, frame in own.items()}
    for file, frame in together.items():
        write_csv(folder / f"{file}.csv", [tuple(frame.columns), *_rows(frame)])
    package = data_package(data, content.about, tables)
    (folder / "datapackage.json").write_text(json.dumps(package, indent=1, ensure_ascii=False), encoding="utf-8")
    (folder / "README.md").write_text(read_me(content, READ_ME, "csv"), encoding="utf-8")


def _split(data: xr.Dataset, sure: xr.Dataset) -> dict[str, pd.DataFrame]:
    """Of results by a field, the frame in each file; not of pairs of heads."""
    names = [name for name in with_dimensions(data) if data[name].dims[-2:] != PAIR]
    return {file: tidy(data, name, sure) for name, file in zip(names, file_names(names), strict=True)}


def flat(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame without its columns of lists, for which CSV has no place: pieces of sentences, places of some."""
    return frame.drop(columns=[name for name in ("pieces", "right") if name in frame])


def _rows(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    columns = [frame[name].tolist() for name in frame.columns]
    return list(zip(*columns, strict=True))
