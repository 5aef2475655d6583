"""The fields of documents that a finished run is split by, and which of their values somebody asks for."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import xarray as xr

from attnmetrics.errors import ConfigError, StoreError
from attnmetrics.results.by import file_of, intervals_file_of, load_by, load_intervals_by
from attnmetrics.results.joined import with_intervals
from attnmetrics.running.runfile import read_facts
from attnmetrics.running.seals import check
from attnmetrics.storage import Location


def fields_of(run: Location) -> dict[str, list[str]]:
    """The values of each field that a run is split by.

    Raises:
        StoreError: the folder holds no run.
    """
    facts = read_facts(run)
    if facts is None:
        raise StoreError(f"expected the folder of a run at {run}, found no run.json in it; give that of --out")
    return dict(facts.get("store", {}).get("by", {}))


def find_values(run: Location, asked: str) -> tuple[str, list[str]]:
    """A field that a run is split by, and its values, or those that are asked for, in that order.

    Args:
        run: its folder.
        asked: `genre`, or of some values `genre=news,interview`.

    Raises:
        ConfigError: the run is not split by such a field, or documents have no such value.
        StoreError: the folder holds no run.
    """
    fields = fields_of(run)
    if asked in fields:
        return asked, fields[asked]
    field = next((name for name in fields if asked.startswith(f"{name}=")), None)
    if field is None:
        raise ConfigError(_not_split(run, asked.partition("=")[0], fields))
    text = asked.removeprefix(f"{field}=")  # one value may have commas itself
    names = [text] if text in fields[field] else [name.strip() for name in text.split(",")]
    return field, choose_values(run, field, names)


def choose_values(run: Location, field: str, names: Sequence[str]) -> list[str]:
    """These values of a field that a run is split by.

    Raises:
        ConfigError: the run is not split by this field, documents have no such value, or one stands twice.
        StoreError: the folder holds no run.
    """
    fields = fields_of(run)
    if field not in fields:
        raise ConfigError(_not_split(run, field, fields))
    for name in names:
        if name not in fields[field]:
            raise ConfigError(_unknown(name, field, fields[field]))
    if len(set(names)) < len(names):
        raise ConfigError(f"expected each value of {field} once, found {', '.join(names)[:200]}")
    return list(names)


def results_by(run: Location, field: str, is_with_intervals: bool) -> xr.Dataset:
    """The results of a finished run by a field, [field, …], and their intervals as coordinates.

    Raises:
        ConfigError: the run is not split by this field.
        StoreError: the folder holds no finished run, or something in it is damaged.
    """
    if field not in (fields := fields_of(run)):
        raise ConfigError(_not_split(run, field, fields))
    check(run, file_of(field))
    results = load_by(run, field)
    return with_intervals(results, intervals_by(run, field)) if is_with_intervals else results


def intervals_by(run: Location, field: str) -> xr.Dataset:
    """Their intervals, likewise."""
    if field not in (fields := fields_of(run)):
        raise ConfigError(_not_split(run, field, fields))
    check(run, intervals_file_of(field))
    return load_intervals_by(run, field)


def _unknown(name: str, field: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, 1, 0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"expected a value of {field} in this run, found {name[:80]!r}; {hint}the run has: {', '.join(known)}"


def _not_split(run: Location, field: str, fields: Mapping[str, Sequence[str]]) -> str:
    split = ", ".join(fields) or "no field"
    return (
        f"expected a field that {run} is split by, found {field[:80]!r}; it is split by {split}: `attnmetrics run` "
        f"with --by FIELD and another --out splits it by a field of its documents"
    )
