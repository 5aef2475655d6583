"""Writes docs/results.md, the page of every result, from what the results say of themselves: `make docs`."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attnmetrics.metrics.family import Result
from attnmetrics.metrics.importance import RESULTS as IMPORTANCE
from attnmetrics.metrics.schema import COREFERENT, LABELS, LINKS, SPECIAL, Schema, families_of, twin_of
from attnmetrics.results.dataset import COORDINATES, NUMBERS, describe_result
from attnmetrics.results.importance import TITLE as IMPORTANCE_TITLE
from attnmetrics.results.probes import Found, Tried, probe_dataset

PAGE = Path(__file__).with_suffix(".md")

OPENING = """# Every result

This page is written by `make docs` from what the results say of themselves, which is also what every table, map and
file shows of them. `attnmetrics.load(RUN)[NAME].attrs` has the same of a run. [How to read a number](reading.md) has
the notation and says what chance, excess and intervals mean; [What is measured](measurements.md) tells the results by
subject.

A *share* is a part of a whole, a *mean* has the unit it says, a *count* is whole, a *score* is none of these. Results
are of each layer and head where their dimensions say so; `<name>_by_layer` is the same formula over the sums of a
layer's heads. An interval is in `intervals.zarr` under the result's name, a rank's under `<name>_rank`. A label or a
link of your own has what `pos` or `repeat` has here, under its own name. In runs of windows or pairs, these stand for
sentences.
"""
OF_SHELVES = {
    "Along links: two mentions of an entity": "Of runs whose corpus has mentions.",
    "Coreference": "Of runs whose corpus has mentions.",
    IMPORTANCE_TITLE: "After `attnmetrics importance RUN`, in `importance.zarr`.",
    "Probes": "After `attnmetrics probe RUN`, in `probe.zarr`.",
}
"""What is said of a family beside its title."""

Described = tuple[str, tuple[str, ...], Mapping[str, Any], tuple[str, ...]]
"""A result's name, its dimensions, what it says of itself, and what else there is of it."""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The page as Markdown."""
    found = dict(shelves())
    contents = [f"- {plain(title)}: {links(name for name, *_ in results)}" for title, results in found.items()]
    parts = ["\n".join(shelf_lines(title, results)) for title, results in found.items()]
    return "\n".join([OPENING, *contents, "", *parts, "## Dimensions", "", *dimensions(), ""])


# ---- what there is


def shelves() -> Iterator[tuple[str, list[Described]]]:
    """By title of a family, its results."""
    families = families_of(LABELS, (*LINKS, COREFERENT))
    of_heads = {result.name for family in families for result in family.results if result.per_head}
    for family in families:
        yield family.title, [of_schema(result, family.title, of_heads) for result in family.results]
    yield IMPORTANCE_TITLE, [of_schema(result, IMPORTANCE_TITLE, set()) for result in IMPORTANCE]
    yield "Probes", of_probes()


def of_schema(result: Result, title: str, of_heads: set[str]) -> Described:
    """A result of a schema."""
    is_sure = title != IMPORTANCE_TITLE
    also = [f"`{twin_of(result, of_heads).name}`"] if result.has_twin else []
    also += ["interval"] if is_sure and result.has_bounds else []
    also += ["rank"] if is_sure and result.has_rank else []
    return result.name, result.dims, describe_result(result, title, "sentence"), tuple(also)


def of_probes() -> list[Described]:
    """What probes find, in a run of one head that was probed in full."""
    weights = np.ones((2, 1, 4))  # [direction, head, component]: of any word, of one special piece, of two vectors
    attention, words = (Tried(np.ones(1), 1, weights=one) for one in (weights[..., :2], weights))
    parts = ("sentences", "roots", "without_head", "without_piece", "without_vector")
    counted = {**dict.fromkeys(parts, np.ones(())), "words": np.ones(1)}
    tried = {"attention": [attention], "attention_and_words": [words]}
    found = Found(
        layers=[0], heads=1, special=["first"], directions=["from", "to"], relations=["obj"], tried=tried, controls={},
        train=counted, test=counted, best_offset=1,
    )  # fmt: skip
    return [(str(name), table.dims, table.attrs, ()) for name, table in probe_dataset(found).items()]


# ---- as Markdown


def shelf_lines(title: str, results: list[Described]) -> Iterator[str]:
    """A family and its results."""
    yield from (f"## {plain(title)}", "")
    if title in OF_SHELVES:
        yield from (OF_SHELVES[title], "")
    for result in results:
        yield from result_lines(*result)


def result_lines(name: str, dims: tuple[str, ...], said: Mapping[str, Any], also: tuple[str, ...]) -> Iterator[str]:
    """A result: what it is called, its formula, how to read it, what stands beside it."""
    of = f"by {', '.join(dims)}" if dims else "of the corpus"
    unit = [] if said["units"] == "1" else [plain(said["units"])]
    yield from (f"### `{name}`", "")
    yield from (f"**{plain(said['long_name'])}** ({', '.join([said['kind'], *unit, of])})", "")
    yield from (f"`{said['formula']}`", "")
    if said["help"]:
        yield from (plain(said["help"]), "")
    if beside := list(beside_lines(said, also)):
        yield from (*beside, "")


def beside_lines(said: Mapping[str, Any], also: tuple[str, ...]) -> Iterator[str]:
    """As a list: chance, rank, source, twins."""
    times = ", times what the head leaves off null pieces" if "chance_times" in said else ""
    if "chance" in said:
        yield f"- chance: {links([said['chance']])}{times}"
    if "excess" in said:
        yield f"- heads are ranked by {links([said['excess']])}"
    if "beside" in said:
        yield f"- drawn beside it: {links(said['beside'])}"
    if "null" in said:
        yield "- null pieces count in it"
    if also:
        yield f"- also: {', '.join(also)}"
    if said["source"]:
        yield f"- source: {plain(said['source'])}"


def dimensions() -> list[str]:
    """What they are, and their labels where these are words."""
    named = Schema((0,), 1, LABELS, (*LINKS, COREFERENT), {label.name: () for label in LABELS}).coordinates
    named |= {"special": SPECIAL, **dict.fromkeys(NUMBERS, ())}
    of_labels = {label.name: (label.title, f"`{label.source}`") for label in LABELS}
    told = {name: (title, plain(meaning)) for name, (title, meaning, _) in COORDINATES.items()}
    return [dimension(name, *words, named[name]) for name, words in (told | of_labels).items()]


def dimension(name: str, title: str, meaning: str, labels: Sequence[str]) -> str:
    """One of them; a name that says what it is needs no title."""
    called = f"`{name}`" if name == title else f"`{name}`, {title}"
    return f"- {called}: {meaning}{': ' if labels else ''}{', '.join(f'`{label}`' for label in labels)}"


def links(names: Iterable[str]) -> str:
    """To results on this page."""
    return ", ".join(f"[`{name}`](#{name})" for name in names)


def plain(text: str) -> str:
    """Text in which Markdown finds nothing to set."""
    return re.sub(r"([\\`*_<>|\[\]])", r"\\\1", text)


if __name__ == "__main__":
    main()
