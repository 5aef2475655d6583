"""Results by the value of a field of documents: the same tables as of a whole run, for the documents of each value.

`by_FIELD.zarr` has every variable of `results.zarr`, with one dimension more, the first, which has the field's name and
the field's values as labels. Attributes are those of the run's table; one that differs from value to value is a list.
`intervals_by_FIELD.zarr` has the intervals, as `intervals.zarr` has those of the run. In both, FIELD is the field's
name with `_` for each stretch of other characters than letters, digits and `_`: `by_meta_genre.zarr` of `meta::genre`.
"""

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any, Final

import numpy as np
import xarray as xr

from attnmetrics.errors import ConfigError
from attnmetrics.metrics.family import Label, Link
from attnmetrics.metrics.schema import COREFERENT, families_of
from attnmetrics.results.dataset import label_dimension, load
from attnmetrics.results.intervals import BOUND
from attnmetrics.statistics.intervals import Interval
from attnmetrics.storage import Location

FIELD: Final = "field"
"""Attribute of the whole: the name of the field."""


def file_of(field: str) -> str:
    """The name of the file of results by a field: `by_meta_genre.zarr` of `meta::genre`."""
    return f"by_{_plain(field)}.zarr"


def intervals_file_of(field: str) -> str:
    """Likewise of their intervals."""
    return f"intervals_{file_of(field)}"


def tables_of(field: str) -> str:
    """Likewise of the folder of their tables."""
    return f"by_{_plain(field)}"


def _plain(field: str) -> str:
    return re.sub(r"\W+", "_", field, flags=re.ASCII)


def check_fields(fields: Sequence[str], labels: Sequence[Label], links: Sequence[Link]) -> None:
    """Refuse fields that no dimension beside those of a run can be named after.

    Raises:
        ConfigError: naming the field, and what has its name.
    """
    taken = _taken(labels, links)
    names = [_plain(field) for field in fields]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(
            f"expected fields of --by whose files have names of their own, found two for {twice[0]!r}: "
            f"{', '.join(fields)}; give one of them another name in the corpus"
        )
    for field in fields:
        if field in taken:
            raise ConfigError(
                f"expected a field of --by with a name of its own, found {field!r}, which is the name of a dimension, "
                f"a label or a result; give it another name in the corpus, such as document_{_plain(field)}"
            )


def _taken(labels: Sequence[Label], links: Sequence[Link]) -> Set[str]:
    """Names of dimensions and results of a run with these labels and links."""
    results = [result for family in families_of(labels, (*links, COREFERENT)) for result in family.results]
    twins = [f"{result.name}_by_layer" for result in results]
    return {*(dim for result in results for dim in result.dims), BOUND, "run", *(one.name for one in results), *twins}


def join_values(field: str, parts: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """The results of the documents of each value as one Dataset, [field, …].

    Args:
        field: its name.
        parts: by value, the results of its documents.
    """
    first = next(iter(parts.values()))
    variables = {
        str(name): (
            (field, *map(str, table.dims)),
            np.stack([part[name].to_numpy() for part in parts.values()]),
            _join_attributes([part[name].attrs for part in parts.values()]),
        )
        for name, table in first.data_vars.items()
    }
    return xr.Dataset(variables, {field: _coordinate(field, list(parts)), **first.coords}, _whole(field, first))


def join_intervals(parts: Sequence[Mapping[str, Interval]]) -> dict[str, Interval]:
    """The intervals of the results of all values, [field, …], from those of each."""
    return {name: _stack([part[name] for part in parts]) for name in parts[0]}


def load_by(run: Location, field: str) -> xr.Dataset:
    """The results of a run by a field.

    Raises:
        StoreError: there are none, or they cannot be read.
    """
    return load(run / file_of(field))


def load_intervals_by(run: Location, field: str) -> xr.Dataset:
    """Their intervals, likewise."""
    return load(run / intervals_file_of(field))


def _coordinate(field: str, values: list[str]) -> xr.Variable:
    return label_dimension(field, values, field, "value of this field of documents", "1")


def _whole(field: str, first: xr.Dataset) -> dict[str, Any]:
    return {**first.attrs, "title": f"{first.attrs['title']} by {field}", FIELD: field}


def _join_attributes(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`{"units": "1", "stress": [0.1, 0.2]}` of `{"units": "1", "stress": 0.1}` and `{"units": "1", "stress": 0.2}`."""
    return {
        name: value if _all_have(parts, name, value) else [part[name] for part in parts]
        for name, value in parts[0].items()
    }


def _all_have(parts: Sequence[Mapping[str, Any]], name: str, value: Any) -> bool:
    return all(np.array_equal(part[name], value) for part in parts)


def _stack(parts: Sequence[Interval]) -> Interval:
    ranks = [part.rank for part in parts if part.rank is not None]
    return Interval(
        bounds=np.stack([part.bounds for part in parts]),
        groups=np.stack([part.groups for part in parts]),
        rank=np.stack(ranks) if ranks else None,
    )
