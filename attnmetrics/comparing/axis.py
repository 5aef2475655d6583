"""An axis that runs are points on: checkpoints, years, registers."""

import re
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Final

from attnmetrics.errors import ConfigError
from attnmetrics.metrics.schema import DIMENSIONS
from attnmetrics.results.comparison import RUN, Axis
from attnmetrics.results.sides import Side

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_TAKEN: Final = DIMENSIONS | {RUN, "path", "paired", "shards"}


def parse_axis(text: str) -> Axis:
    """The axis of a flag, `step=1000,2000,4000`.

    Raises:
        ConfigError: it is none.
    """
    name, _, values = text.partition("=")
    return make_axis({name: [value.strip() for value in values.split(",")] if values.strip() else []})


def make_axis(given: Mapping[str, Sequence[object]]) -> Axis:
    """The axis of a mapping, {"step": [1000, 2000, 4000]}; of numbers where all values are.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(given, Mapping) or any(
        isinstance(values, str) or not isinstance(values, Iterable) for values in given.values()
    ):
        raise ConfigError(f'expected an axis such as {{"step": [1000, 2000, 4000]}}, found {given!r:.200}')
    (name, values), *others = given.items() or [("", ())]
    texts = [str(value) for value in values]
    if others or not _NAME.fullmatch(name) or not texts or not all(texts):
        raise ConfigError(
            "expected an axis with a name of letters a-z, digits and _, and a value for each run, such as "
            f"step=1000,2000,4000; found {'; '.join(f'{key}={given[key]}' for key in given)[:200]!r}"
        )
    if name in _TAKEN:
        raise ConfigError(f"expected a name for the axis that nothing else has, found {name!r}; choose another")
    try:
        numbers = tuple(map(float, texts))
    except ValueError:
        return Axis(name, tuple(texts))
    if not all(map(isfinite, numbers)):
        raise ConfigError(f"expected finite numbers, or names, as values of {name}, found {', '.join(texts)[:200]}")
    return Axis(name, numbers)


def check_axis(sides: Sequence[Side], axis: Axis | None) -> None:
    """Refuse an axis that is none of these sides.

    Raises:
        ConfigError: it has another number of values, or the name of a label or a result.
    """
    if axis is None:
        return
    if len(axis.values) != len(sides):
        raise ConfigError(
            f"expected a value of {axis.name} for each of {len(sides)} runs, in the order of the runs, found "
            f"{len(axis.values)}"
        )
    if any(axis.name in side.results or axis.name in side.results.coords for side in sides):
        raise ConfigError(f"expected a name for the axis that nothing else has, found {axis.name!r}; choose another")
