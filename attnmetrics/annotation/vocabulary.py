"""Which names a label has in a run: those that are declared, or else the most frequent of those that are counted."""

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from attnmetrics.annotation.sentence import ABSENT, NAME_LENGTH, NO_ENTITY, Column
from attnmetrics.errors import AnnotationError
from attnmetrics.metrics.family import NO_LABEL

NAMES: Final = 200
"""So many of the names that no annotator declares stay."""
REST: Final = "_rest"
"""The name of all others."""
_ALWAYS: Final = frozenset({NO_LABEL, ABSENT, NO_ENTITY})
_SHOWN: Final = 10
"""Names that an error shows."""


def count_names(column: Column) -> dict[str, int]:
    """How many words have each name: `{"a": 2, "b": 1}` of `Column(("a", "b", "c"), [0, 1, 0])`."""
    counts = np.bincount(column.codes, minlength=len(column.names)).tolist()
    return {name: number for name, number in zip(column.names, counts, strict=True) if number}


def choose_names(counts: Mapping[str, int], declared: Collection[str] = ()) -> tuple[str, ...]:
    """The names of a label, in code-point order, then `_rest` if there are others, then `_`.

    Args:
        counts: words with each name, over the whole corpus (see `count_names`).
        declared: names that stay in any case. Of all others that are counted the 200 most frequent stay, of equally
            frequent ones the first in code-point order; `_`, `none` and `O` are never among the rest, names of more
            than `NAME_LENGTH` characters always.
    """
    others = {name for name in counts if len(name) <= NAME_LENGTH} - set(declared) - {REST}
    frequent = sorted(others, key=lambda name: (-counts[name], name))[:NAMES]
    names = {*declared, *frequent, *(_ALWAYS & set(counts))} - {NO_LABEL, REST}
    rest = (REST,) if set(counts) - names - {NO_LABEL} else ()
    return (*sorted(names), *rest, NO_LABEL)


def count_rest(counts: Mapping[str, int], names: Collection[str]) -> int:
    """How many names are among the rest, so that a run can say so."""
    return len(set(counts) - set(names))


def encode(column: Column, names: tuple[str, ...]) -> NDArray[np.int64]:
    """[W] each word's name as an index into `names`: `[1, 0]` of `Column(("a", "b"), [1, 0])` in `("a", "b", "_")`.

    Raises:
        AnnotationError: a word has a name that `names` lacks, and `_rest` is not among them.
    """
    code = {name: number for number, name in enumerate(names)}
    missing = [column.names[used] for used in np.unique(column.codes).tolist() if column.names[used] not in code]
    if missing and REST not in code:
        raise AnnotationError(
            f"expected every name among {_some(names)}, found {_some(missing)} too; plan the run again if its corpus "
            "or its annotations changed, or take a function that gives a sentence the same names every time"
        )
    rest = code.get(REST, -1)
    return np.array([code.get(name, rest) for name in column.names], np.int64)[column.codes]


def _some(names: Collection[str]) -> str:
    """The first few names."""
    shown = ", ".join(list(names)[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
