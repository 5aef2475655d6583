"""Clark et al., What Does BERT Look At? An Analysis of BERT's Attention, 2019: its numbers, from `clark_2019.yaml`.

Layers and heads count from 0, as everywhere; where the paper's own writing, from 1, helps a reader who has it in hand,
it stands beside: "layer 7 head 9 (8-10)".
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import xarray as xr

from attnmetrics.views.papers.claims import Claim, Counterpart, NoCounterpartError, Paper
from attnmetrics.views.papers.clark_readers import LAYERS, READERS, Reader, Source, theirs
from attnmetrics.views.papers.clark_relations import published, relation_claim
from attnmetrics.yaml_files import read_own_yaml

FILE: Final = Path(__file__).with_name("clark_2019.yaml")
CONTENT: Final[Mapping[str, Any]] = read_own_yaml(FILE)
"""The file."""


def _claim(entry: Mapping[str, Any]) -> Claim:
    """An entry of the file's `claims`."""
    reader = READERS.get(entry.get("how", ""))
    unit = entry.get("unit", reader.unit if reader else "share")
    printed, released = list(entry.get("print", ())), list(entry.get("released", ()))
    return Claim(
        name=f"{entry['where']}: {entry['what']}",
        claim=entry["what"],
        published=" ".join(theirs(value, unit) for value in printed),
        unit=unit,
        measure=_measure(entry, reader, unit),
        where=entry["where"],
        released=" ".join(theirs(value, unit) for value in released),
        numbers=len(printed) + len(released),
        result=entry.get("result", ""),
        note=entry.get("note", ""),
        percent=unit == "share",
        values=_comparable(released or printed, reader),
    )


def _comparable(published: list[Any], reader: Reader | None) -> tuple[float, ...]:
    """The published numbers; none where one is a name or words, or nothing computes a counterpart."""
    are_numbers = all(isinstance(one, int | float) for one in published)
    return tuple(map(float, published)) if reader is not None and are_numbers else ()


def _measure(entry: Mapping[str, Any], reader: Reader | None, unit: str) -> Callable[[xr.Dataset], Counterpart]:
    """What reads an entry's counterpart, or says why there is none."""
    if reader is None:
        return partial(_refuse, entry["why"])
    source = Source.of(entry)
    return lambda data: reader.read(data, source, unit)


def _refuse(why: str, data: xr.Dataset) -> Counterpart:
    raise NoCounterpartError(why)


_LAYER_VALUES: Final[Mapping[tuple[str, str], tuple[float, ...]]] = {
    (entry["result"], next(iter(entry.get("at", {}).values()), "")): tuple(entry["released"])
    for entry in CONTENT["claims"]
    if entry.get("how") == "by layer"
}


def published_layers(data: xr.Dataset) -> Mapping[tuple[str, str], tuple[float, ...]]:
    """By table and label, empty without one, what the paper's figures show of each layer; of models as deep alone."""
    return _LAYER_VALUES if data["layer"].values.tolist() == list(range(LAYERS)) else {}


def _claims() -> list[Claim]:
    """All of the file, in the paper's order."""
    found = [
        *map(_claim, CONTENT["claims"]),
        *(relation_claim(entry, "Table 1") for entry in CONTENT["relations"]),
        *(relation_claim(entry, "Notebook") for entry in CONTENT["further"]),
    ]
    return sorted(found, key=lambda claim: CONTENT["order"].index(claim.where))


CLARK: Final = Paper(
    "clark-2019", "Clark et al. 2019", CONTENT["citation"], CONTENT["conditions"].strip(), tuple(_claims())
)


def published_of(data: xr.Dataset) -> dict[str, list[str]]:
    """By relation of a run, what the paper and its notebook have of it."""
    return published(data, [*CONTENT["relations"], *CONTENT["further"]])
