"""A value in a record of JSON or Parquet, by the name of its field: `text`, or `translation.en` within another."""

from collections.abc import Iterator, Mapping
from typing import Any, Final


class Missing:
    """Stands for the value of a field that a record lacks; null is a value."""


MISSING: Final = Missing()


def find_value(record: Mapping[str, Any], field: str) -> Any:
    """The value of a field; `MISSING` where there is none.

    A name with dots is a field of that very name where there is one, and else a field within a field:
    `find_value({"translation": {"en": "yes"}}, "translation.en")` is `"yes"`.
    """
    if field in record:
        return record[field]
    outer, _, inner = field.partition(".")
    within = record.get(outer, MISSING) if inner else MISSING
    if within is None:
        return None
    return find_value(within, inner) if isinstance(within, Mapping) else MISSING


def field_names(record: Mapping[str, Any]) -> Iterator[str]:
    """The names by which `find_value` finds what a record has: those of {"id": 1, "translation": {"en": "yes"}} are
    `id` and `translation.en`.
    """
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            yield from (f"{name}.{inner}" for inner in field_names(value))
        else:
            yield name


def outermost(field: str, names: list[str]) -> str:
    """The field of a record that holds this one: `outermost("translation.en", ["translation"])` is `translation`."""
    return field if field in names else field.split(".")[0]
