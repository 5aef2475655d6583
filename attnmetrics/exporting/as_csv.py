"""The tables of a run as CSV: a tidy file a result, and files that say what they are."""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from attnmetrics.exporting.codebook import READ_ME, codebook, data_package
from attnmetrics.exporting.content import Content
from attnmetrics.exporting.names import with_names
from attnmetrics.exporting.tidy import single_numbers, tidy, with_dimensions
from attnmetrics.results.tables import file_names, write_csv


def write_tables(content: Content, folder: Path) -> None:
    """Fill a folder."""
    data = content.data
    names = with_dimensions(data)
    files = dict(zip(names, file_names([*names, "corpus", "results", *content.frames]), strict=False))
    tables = {file: tidy(data, name) for name, file in files.items()}
    tables |= {"corpus": single_numbers(data)} | {name: with_names(f.copy()) for name, f in content.frames.items()}
    single = dict.fromkeys(tables["corpus"]["result"], "corpus")
    tables["results"] = codebook(data, {name: f"{file}.csv" for name, file in (files | single).items()})
    for file, frame in tables.items():
        write_csv(folder / f"{file}.csv", [tuple(frame.columns), *_rows(frame)])
    package = data_package(data, content.about, tables)
    (folder / "datapackage.json").write_text(json.dumps(package, indent=1, ensure_ascii=False), encoding="utf-8")
    (folder / "README.md").write_text(read_me(content, tables), encoding="utf-8")


def read_me(content: Content, tables: Mapping[str, pd.DataFrame]) -> str:
    """What a person reads first."""
    held = {"tokens": "the pieces that heads attend to", "roles": "what each head does"}
    frames = " ".join(f"`{name}.csv` holds {held[name]}." for name in content.frames)
    return READ_ME.format(
        title=content.data.attrs.get("title", "Attention metrics"),
        about="\n".join(f"- {what}: {which}" for what, which in content.about.items()),
        frames=f" {frames}" if frames else "",
        example=next(iter(tables)),
        notation=content.data.attrs.get("notation", ""),
    )


def _rows(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    columns = [frame[name].tolist() for name in frame.columns]
    return list(zip(*columns, strict=True))
