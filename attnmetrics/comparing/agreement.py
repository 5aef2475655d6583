"""What sides must have in common to be compared, and what is to be said where they differ in other things."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from attnmetrics.errors import ConfigError
from attnmetrics.results.intervals import reason_for_none
from attnmetrics.results.sides import Side
from attnmetrics.statistics.bootstrap import UNSURE
from attnmetrics.statistics.comparing import Difference, Names

_NAMES_TOLD = 8


def check_alike(sides: Sequence[Side]) -> None:
    """Refuse sides whose heads or definitions are others than the first's.

    Raises:
        ConfigError: naming every difference, or a side that stands twice.
    """
    if len(sides) < 2:
        raise ConfigError(
            f"expected two runs or more to compare, found {len(sides)}; --by FIELD compares documents of one"
        )
    first = sides[0]
    differences = [f"  {line}" for side in sides[1:] for line in _differences(first, side)]
    if differences:
        raise ConfigError(
            "expected runs of the same layers, heads and definitions, found:\n" + "\n".join(differences) + "\n"
            "measure with the same options, of models of the same shape (--layers chooses layers)"
        )


def _differences(first: Side, side: Side) -> Iterator[str]:
    return _differing(first.name, first.definitions, side.name, side.definitions)


def _differing(first: str, expected: Mapping[str, str], name: str, found: Mapping[str, str]) -> Iterator[str]:
    """What a side says otherwise than the first; not what the first does not say."""
    for what, value in found.items():
        if value != expected.get(what, value):
            yield f"{what}: {expected[what]} in {first}, {value} in {name}"


def remarks(
    sides: Sequence[Side], together: Names, shards: Sequence[int], differences: Sequence[Mapping[str, Difference]]
) -> list[str]:
    """What is to be said of a comparison.

    Args:
        sides: all of them.
        together: the names of labels.
        shards: of each, the groups that are there.
        differences: of each but the first, by result.
    """
    first = sides[0]
    return [
        *_copies(sides, differences),
        *(remark for side in sides for remark in side.remarks),
        *_unpaired(sides),
        *_lacking(sides),
        *_few(sides, shards),
        *(line for side in sides[1:] for line in _settings(first, side)),
        *(line for label, names in together.items() for line in _names(sides, label, names)),
    ]


def _copies(sides: Sequence[Side], differences: Sequence[Mapping[str, Difference]]) -> Iterator[str]:
    """Sides whose numbers are all those of the first."""
    for side, found in zip(sides[1:], differences, strict=True):
        if found and not any(np.nan_to_num(one.value).any() for one in found.values()):
            yield (
                f"{side.name} has the very numbers of {sides[0].name}: a copy of its folder, or the same model on the "
                "same text; nothing differs"
            )


def _unpaired(sides: Sequence[Side]) -> Iterator[str]:
    first = sides[0]
    other = [side.name for side in sides if side.drawn_with != first.drawn_with]
    if other:
        yield (
            f"of other documents than {first.name}, or cut into other shards: {', '.join(other)}; their draws are "
            "independent of its own, and intervals of differences wider than those of the same documents"
        )


def _lacking(sides: Sequence[Side]) -> Iterator[str]:
    """Results that only some have, by the sides that lack them."""
    found = defaultdict[tuple[str, ...], list[str]](list)
    for name in dict.fromkeys(str(name) for side in sides for name in side.results.data_vars):
        found[tuple(side.name for side in sides if name not in side.results)].append(name)
    for without, names in found.items():
        if without:
            yield f"not compared, for {_listed(without)} lack{'s' * (len(without) == 1)} them: {_listed(names)}"


def _few(sides: Sequence[Side], shards: Sequence[int]) -> Iterator[str]:
    fewest = min(shards)
    name = sides[list(shards).index(fewest)].name
    if reason := reason_for_none(fewest):
        yield f"{name}: {reason}"
    elif fewest < UNSURE:
        yield f"{name}: from {fewest} groups of shards, fewer than {UNSURE}, intervals are unsure"


def _settings(first: Side, side: Side) -> Iterator[str]:
    expected, found = ({name.replace("_", " "): value for name, value in one.settings.items()} for one in (first, side))
    return _differing(first.name, expected, side.name, found)


def _names(sides: Sequence[Side], label: str, names: Sequence[str]) -> Iterator[str]:
    """Names of a label that not all sides have."""
    lacking = [name for name in names if not all(name in side.schema.names[label] for side in sides)]
    if lacking:
        yield f"names of {label} that not all have: {_listed(lacking)}"


def _listed(names: Sequence[str]) -> str:
    """Names, the first of many."""
    more = f" and {len(names) - _NAMES_TOLD} more" if len(names) > _NAMES_TOLD else ""
    return f"{', '.join(names[:_NAMES_TOLD])}{more}"
