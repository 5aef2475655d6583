"""Write a finished run for other programs: `attnmetrics export`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd

from attnmetrics.errors import ConfigError, ModelError, StoreError
from attnmetrics.exporting.as_csv import write_tables
from attnmetrics.exporting.as_json import write_json
from attnmetrics.exporting.content import Content, of_heads, read_content
from attnmetrics.exporting.headvis.files import write_headvis
from attnmetrics.exporting.headvis.sequences import with_attention
from attnmetrics.results.exemplars import load_attention, load_exemplars
from attnmetrics.results.files import writing
from attnmetrics.running.seals import check
from attnmetrics.storage import Location

FORMATS: Final = ("headvis", "csv", "json")

SEQUENCES: Final = 5
"""Of each head and bucket: as many typical ones as a run lists."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How the attention is had in sentences of which the run kept none."""

    sequences: int = SEQUENCES
    """of each head and bucket, at most"""
    typical: bool = True
    """read such sentences with a model; else leave them out"""
    model: str | None = None
    """where it is, if not where the run had it"""
    trust_remote_code: bool = False
    """run the code that comes with its weights"""
    allow_pickle: bool = False
    """load weights that are not safetensors"""


def export(
    run: Location,
    format: str,
    out: Location | None = None,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    reading: Reading | None = None,
) -> Location:
    """Write a run's tables, or its heads for HeadVis, to a folder.

    Args:
        run: the run's folder.
        format: one of `FORMATS`.
        out: a new folder, or an empty one; unset, one in the run's.
        layers: only these; None for all.
        heads: of each layer only these.
        reading: how attention is had, for `headvis`.

    Returns:
        the folder.

    Raises:
        ConfigError: an unknown format, layer or head.
        ModelError: the model cannot be loaded.
        StoreError: no finished run, or the folder holds something or cannot be written.
    """
    if format not in FORMATS:
        raise ConfigError(f"expected a format of {', '.join(FORMATS)}, found {format!r}")
    folder = run / "export" / format if out is None else out
    refuse_full(folder)
    content = read_content(run, layers, heads)
    fill = _fill(format, run, content, reading or Reading())
    with writing(folder):
        folder.write_folder(fill)
    return folder


def reading_of(format: str, options: Mapping[str, Any]) -> Reading:
    """What a command or a call says of sentences.

    Raises:
        ConfigError: an option that is none, or that would have no effect.
    """
    known = [field.name for field in fields(Reading)]
    if unknown := [name for name in options if name not in known]:
        raise ConfigError(f"expected options of {', '.join(known)}, found {', '.join(unknown)}")
    if options and format != "headvis":
        raise ConfigError(f"{', '.join(options)} belongs to the format headvis, found {format!r}; leave it out")
    if options.get("sequences", 1) < 1:
        raise ConfigError(f"expected at least 1 of sequences, found {options['sequences']}")
    return Reading(**options)


def refuse_full(folder: Location) -> None:
    """Refuse to write where something is.

    Raises:
        StoreError: there is a file, or a folder that holds something.
    """
    try:
        is_full = folder.exists()
    except OSError as error:
        raise StoreError(f"cannot read {folder}: {error.strerror or error}; give another --out") from None
    if is_full:
        raise StoreError(
            f"expected a new or an empty folder at {folder}, found one with files; remove it, or give another --out"
        )


def _fill(format: str, run: Location, content: Content, reading: Reading) -> Callable[[Path], None]:
    """What fills the folder; all that can fail is read before."""
    if format == "headvis":
        return partial(write_headvis, content, _found(run, content, reading))
    return partial(write_tables if format == "csv" else write_json, content)


def _found(run: Location, content: Content, reading: Reading) -> pd.DataFrame:
    """The sentences of the heads, with the attention in them."""
    for name in ("exemplars.parquet", "exemplar_attention.parquet"):
        check(run, name)
    exemplars = of_heads(load_exemplars(run / "exemplars.parquet"), content.data)
    traced = [of_heads(load_attention(run / "exemplar_attention.parquet"), content.data)]
    if reading.typical:
        traced.append(_read(run, content, reading))
    return with_attention(exemplars, pd.concat(traced, ignore_index=True), reading.sequences)


def _read(run: Location, content: Content, reading: Reading) -> pd.DataFrame:
    from attnmetrics.exporting.headvis.reading import read_attention
    from attnmetrics.views.text.server import model_of

    flags = {"trust_remote_code": reading.trust_remote_code, "allow_pickle": reading.allow_pickle}
    load = partial(model_of, content.facts, reading.model, **flags)
    places = content.data["layer"].values.tolist(), content.data["head"].values.tolist()
    try:
        return read_attention(run, content.facts, places, reading.sequences, load)
    except (ModelError, StoreError) as error:
        raise type(error)(
            f"{error}. Without a model (--no-typical) there are the sentences that the run traced"
        ) from None
